/** A container and its task: the process that runs in it, what is started beside it, and how it ended. */
import type { Bytes } from "../base/bytes";
import type { Instant } from "../base/clock";
import { type Task, suspend } from "../base/task";
import type { Cgroup } from "../os/cgroup";
import { SysError } from "../os/errno";
import { DirInode, type Inode, thaw } from "../os/inode";
import type { Kernel } from "../os/kernel";
import { MountNamespace } from "../os/mounts";
import { NullDevice, type OpenFile, PipeBuffer, PipeReader, PipeWriter, SinkFile } from "../os/open-file";
import { PidNamespace, type Process, type ProcessContext, type Program } from "../os/process";
import type { ExitStatus, SignalName } from "../os/signals";
import { type Tty, TtyFile } from "../os/tty";
import {
  type ContainerMetrics,
  type ContainerSpec,
  type ExecSpec,
  type IoSinks,
  type Resources,
  type RuntimeContainer,
  RuntimeFailure,
  type RuntimeProcess,
  type TaskState,
} from "./api";
import { devices, sys } from "./devices";
import { containerTree } from "./images";
import { makeProcfs } from "./procfs";
import { type UserIdentity, lookUpUser } from "./users";

/** What a container needs of the containerd that owns it. */
export interface TaskHost {
  readonly kernel: Kernel;
  /** The host's own view of its files: where bind mounts come from. */
  readonly hostMounts: MountNamespace;
  cgroup(path: string): Cgroup;
  container(id: string): Container | undefined;
  onExit(container: Container, status: ExitStatus): void;
  onOom(container: Container): void;
}

const RUNC =
  "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ";
const RUNC_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: ";

export class Container implements RuntimeContainer {
  readonly id: string;
  spec: ContainerSpec;
  readonly createdAt: Instant;
  /** The writable tree: a thawed view over the image's frozen one. Kept while the container is. */
  readonly root: DirInode;
  state: TaskState = "created";
  main: StartedProcess | undefined;
  exitStatus: ExitStatus | undefined;
  exitedAt: Instant | undefined;
  oomKilled = false;
  readonly #host: TaskHost;
  #context: ProcessContext | undefined;
  #cgroup: Cgroup | undefined;
  #baseEnv: Record<string, string> = {};
  #oomBefore = 0;

  constructor(host: TaskHost, spec: ContainerSpec) {
    this.#host = host;
    this.id = spec.id;
    this.spec = spec;
    this.createdAt = host.kernel.loop.now();
    this.root = thaw(containerTree(spec.image?.layers ?? []));
  }

  get cgroup(): Cgroup | undefined {
    return this.#cgroup;
  }

  get running(): boolean {
    return this.state === "running" || this.state === "paused";
  }

  /** The file system as it would be seen with no mounts but the root: for cp and export of a stopped container too. */
  files(): MountNamespace {
    return this.#context?.mounts ?? this.#makeMounts(undefined);
  }

  /** Starts the first process. Throws RuntimeFailure (or an Error for an unknown user) and leaves nothing behind. */
  start(
    io: IoSinks,
    size: { readonly columns: number; readonly rows: number } = { columns: 80, rows: 24 },
  ): StartedProcess {
    const { kernel } = this.#host;
    const { spec } = this;
    const pids =
      spec.pid === "host"
        ? kernel.hostPids
        : spec.pid
          ? (this.#host.container(spec.pid.container)?.pids ?? new PidNamespace(true))
          : new PidNamespace(true);
    const mounts = this.#makeMounts(pids);
    const user = lookUpUser(mounts, spec.user);
    const cgroup = this.#host.cgroup(spec.cgroupParent).child(spec.id, cgroupLimits(spec.resources));
    const context: ProcessContext = {
      kernel,
      pids,
      mounts,
      net: spec.net,
      hostname: () => spec.hostname,
      cgroup,
      uid: user.uid,
      gid: user.gid,
      user: user.name || String(user.uid),
      ...(spec.ulimits ? { limits: spec.ulimits } : {}),
    };
    const env = environment(spec.env, user, mounts);
    try {
      prepareCwd(mounts, spec.cwd);
      const program = this.#program(context, env, spec.args, spec.cwd, RUNC);
      this.#context = context;
      this.#cgroup = cgroup;
      this.#baseEnv = env;
      this.#oomBefore = 0;
      this.oomKilled = false;
      this.exitStatus = undefined;
      this.exitedAt = undefined;
      const argv = spec.init ? ["/sbin/docker-init", "--", ...spec.args] : spec.args;
      this.main = this.#spawn(context, argv, spec.init ? dockerInit(spec.args, program) : program, env, spec.cwd, {
        io,
        tty: spec.tty,
        stdin: spec.openStdin,
        size,
      });
    } catch (error) {
      cgroup.remove();
      throw error;
    }
    this.state = "running";
    const main = this.main;
    main.process.ended.wait((status) => this.#ended(main, status));
    return main;
  }

  get pids(): PidNamespace | undefined {
    return this.#context?.pids;
  }

  /** Adds a process. Throws RuntimeFailure with runc exec's words. */
  exec(spec: ExecSpec): StartedProcess {
    const base = this.#context;
    if (!base || !this.running) throw new RuntimeFailure("cannot exec in a stopped container");
    const user = spec.user ? lookUpUser(base.mounts, spec.user) : undefined;
    const context: ProcessContext = user
      ? { ...base, uid: user.uid, gid: user.gid, user: user.name || String(user.uid) }
      : base;
    const env: Record<string, string> = { ...this.#baseEnv };
    const home = env["HOME"];
    if (home !== undefined && !this.spec.env.some((entry) => entry.startsWith("HOME="))) delete env["HOME"];
    if (spec.tty) env["TERM"] = "xterm";
    for (const entry of spec.env ?? []) setEnv(env, entry);
    if (env["HOME"] === undefined) env["HOME"] = user?.home ?? home ?? "/";
    const cwd = spec.cwd || this.spec.cwd || "/";
    if (!base.mounts.isDir(cwd))
      throw new RuntimeFailure(
        `${RUNC_EXEC}chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${base.mounts.exists(cwd) ? "not a directory" : "no such file or directory"}`,
        127,
      );
    const program = this.#program(context, env, spec.args, cwd, RUNC_EXEC);
    return this.#spawn(context, spec.args, program, env, cwd, {
      io: spec.io,
      tty: spec.tty,
      stdin: spec.stdin,
      size: spec.size ?? { columns: 80, rows: 24 },
    });
  }

  signal(signal: SignalName): void {
    const process = this.main?.process;
    if (!process?.alive) return;
    // A frozen process takes no signal but KILL until it is thawed, as with the v1 freezer that thaws it to die.
    if (this.state === "paused" && signal === "KILL") this.#host.kernel.setFrozen(this.#cgroup!, false);
    process.signal(signal, { fromOutside: true });
  }

  pause(): void {
    if (!this.#cgroup) return;
    this.#host.kernel.setFrozen(this.#cgroup, true);
    this.state = "paused";
  }

  resume(): void {
    if (!this.#cgroup) return;
    this.#host.kernel.setFrozen(this.#cgroup, false);
    this.state = "running";
  }

  update(resources: Resources): void {
    this.spec = { ...this.spec, resources };
    if (this.#cgroup) this.#cgroup.limits = cgroupLimits(resources);
  }

  metrics(): ContainerMetrics | undefined {
    const cgroup = this.#cgroup;
    if (!cgroup || !this.running) return undefined;
    return {
      cpuUsageMs: cgroup.cpuUsageMs,
      throttledMs: cgroup.throttledMs,
      throttledPeriods: cgroup.throttledPeriods,
      memoryBytes: cgroup.memoryBytes,
      memoryPeakBytes: cgroup.memoryPeakBytes,
      pids: cgroup.processes.size,
      at: this.#host.kernel.loop.now(),
    };
  }

  processes(): Process[] {
    return this.#cgroup ? ([...this.#cgroup.processes] as Process[]) : [];
  }

  #ended(main: StartedProcess, status: ExitStatus): void {
    if (this.main !== main) return;
    const cgroup = this.#cgroup;
    if (cgroup) {
      for (const process of [...cgroup.processes] as Process[]) process.signal("KILL", { fromOutside: true });
      if (cgroup.oomKills > this.#oomBefore) {
        this.oomKilled = true;
        this.#host.onOom(this);
      }
      cgroup.frozen = false;
      cgroup.remove();
    }
    this.state = "stopped";
    this.exitStatus = status;
    this.exitedAt = this.#host.kernel.loop.now();
    this.#context = undefined;
    this.#cgroup = undefined;
    this.#host.onExit(this, status);
  }

  #makeMounts(pids: PidNamespace | undefined): MountNamespace {
    const { kernel, hostMounts } = this.#host;
    const readOnly = this.spec.readOnlyRootfs;
    const namespace = new MountNamespace(kernel.loop, {
      path: "/",
      root: this.root,
      readOnly: false,
      source: "overlay",
      type: "overlay",
      options: `${readOnly ? "ro" : "rw"},relatime`,
    });
    if (pids) {
      const rw = "rw,nosuid,nodev,noexec,relatime";
      namespace.mount({
        path: "/proc",
        root: makeProcfs(kernel, pids, () => namespace),
        readOnly: false,
        source: "proc",
        type: "proc",
        options: rw,
      });
      namespace.mount({
        path: "/dev",
        root: devices,
        readOnly: false,
        source: "tmpfs",
        type: "tmpfs",
        options: "rw,nosuid,size=65536k,mode=755",
      });
      namespace.mount({
        path: "/sys",
        root: sys,
        readOnly: true,
        source: "sysfs",
        type: "sysfs",
        options: "ro,nosuid,nodev,noexec,relatime",
      });
    }
    for (const mount of this.spec.mounts) {
      let root: Inode | undefined = mount.root;
      if (!root && mount.source !== undefined) {
        hostMounts.lookup(mount.source);
        root = hostMounts.writable(mount.source);
      }
      if (!root) root = new DirInode({ mode: mount.type === "tmpfs" ? 0o1777 : 0o755, mtime: kernel.loop.now() });
      namespace.mount({
        path: mount.destination,
        root,
        readOnly: mount.readOnly,
        source: mount.label ?? mount.source ?? "tmpfs",
        type: mount.type === "tmpfs" ? "tmpfs" : "ext4",
        options: mount.options ?? `${mount.readOnly ? "ro" : "rw"},relatime`,
      });
    }
    // Set last: mount points may have to be made in the root first.
    if (readOnly) namespace.remount("/", true);
    return namespace;
  }

  #program(
    context: ProcessContext,
    env: Record<string, string>,
    args: readonly string[],
    cwd: string,
    prefix: string,
  ): Program {
    const name = args[0] ?? "";
    const quoted = JSON.stringify(name);
    const { kernel } = this.#host;
    const file = kernel.which(context, name, env["PATH"], cwd);
    if (file === undefined)
      throw new RuntimeFailure(`${prefix}exec: ${quoted}: executable file not found in $PATH`, 127);
    try {
      const { program, argv } = kernel.load(context, file, args);
      return argv === args ? program : withArgv(program, argv);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const node = context.mounts.find(file);
      if (!node) throw new RuntimeFailure(`${prefix}exec: ${quoted}: stat ${name}: no such file or directory`, 127);
      if (node.kind === "dir") throw new RuntimeFailure(`${prefix}exec: ${quoted}: is a directory`, 126);
      if (error.code === "EACCES") throw new RuntimeFailure(`${prefix}exec: ${quoted}: permission denied`, 126);
      // runc has already become the process when execve fails in these ways.
      const words = error.code === "ENOENT" ? "no such file or directory" : "exec format error";
      return function* (process: Process): Task<number> {
        yield* process.printError(`exec ${file}: ${words}\n`);
        return 255;
      };
    }
  }

  #spawn(
    context: ProcessContext,
    argv: readonly string[],
    program: Program,
    env: Record<string, string>,
    cwd: string,
    how: {
      readonly io: IoSinks;
      readonly tty: boolean;
      readonly stdin: boolean;
      readonly size: { columns: number; rows: number };
    },
  ): StartedProcess {
    const { kernel } = this.#host;
    let tty: Tty | undefined;
    let stdin: PipeWriter | undefined;
    const files = new Map<number, OpenFile>();
    if (how.tty) {
      tty = kernel.makeTty(how.size, (bytes) => how.io.stdout(bytes));
      for (const fd of [0, 1, 2]) files.set(fd, new TtyFile(tty));
    } else {
      if (how.stdin) {
        // Holds what clients send before the program reads; the program's end breaks it.
        const buffer = new PipeBuffer();
        stdin = new PipeWriter(buffer, "pipe:[0]").retain();
        files.set(0, new PipeReader(buffer, "pipe:[0]"));
      } else files.set(0, new NullDevice("null"));
      files.set(1, new SinkFile("pipe:[1]", (bytes) => how.io.stdout(bytes)));
      files.set(2, new SinkFile("pipe:[2]", (bytes) => how.io.stderr(bytes)));
    }
    const process = kernel.spawn(context, undefined, { argv, program, env, cwd, files, session: tty ? { tty } : {} });
    if (tty) {
      tty.session = process.pid;
      tty.foregroundGroup = process.group;
    }
    return new StartedProcess(process, tty, stdin, kernel.loop.now());
  }
}

export class StartedProcess implements RuntimeProcess {
  readonly process: Process;
  readonly tty: Tty | undefined;
  readonly startedAt: Instant;
  #stdin: PipeWriter | undefined;

  constructor(process: Process, tty: Tty | undefined, stdin: PipeWriter | undefined, startedAt: Instant) {
    this.process = process;
    this.tty = tty;
    this.#stdin = stdin;
    this.startedAt = startedAt;
  }

  get pid(): number {
    return this.process.pid;
  }

  exitStatus(): ExitStatus | undefined {
    return this.process.ended.peek();
  }

  wait(): Task<ExitStatus> {
    return suspend(this.process.ended.wait);
  }

  writeStdin(bytes: Bytes): void {
    if (this.tty) this.tty.input(bytes);
    else this.#stdin?.buffer.push(bytes);
  }

  closeStdin(): void {
    this.#stdin?.release();
    this.#stdin = undefined;
  }

  resize(columns: number, rows: number): void {
    if (columns > 0 && rows > 0) this.tty?.resize(columns, rows);
  }
}

const cgroupLimits = (resources: Resources) => ({
  ...(resources.memoryBytes ? { memoryMax: resources.memoryBytes } : {}),
  ...(resources.cpus ? { cpuMax: resources.cpus } : {}),
  ...(resources.cpuShares ? { cpuShares: resources.cpuShares } : {}),
  ...(resources.pidsMax && resources.pidsMax > 0 ? { pidsMax: resources.pidsMax } : {}),
});

function setEnv(env: Record<string, string>, entry: string): void {
  const at = entry.indexOf("=");
  if (at > 0) env[entry.slice(0, at)] = entry.slice(at + 1);
}

/** runc adds HOME, from /etc/passwd, where nobody set it. */
function environment(entries: readonly string[], user: UserIdentity, _mounts: MountNamespace): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of entries) setEnv(env, entry);
  if (env["HOME"] === undefined) env["HOME"] = user.home;
  return env;
}

/** The working directory is made where it is missing. */
function prepareCwd(mounts: MountNamespace, cwd: string): void {
  if (cwd === "" || cwd === "/" || mounts.isDir(cwd)) return;
  try {
    mounts.makeDirs(cwd);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const what = error.code === "ENOTDIR" || error.code === "EEXIST" ? "not a directory" : "read-only file system";
    throw new RuntimeFailure(`${RUNC}mkdir ${cwd}: ${what}`);
  }
}

/** A script's interpreter runs with other arguments than those asked for. */
function withArgv(program: Program, argv: readonly string[]): Program {
  return (process) => {
    process.argv = argv;
    return program(process);
  };
}

/** tini as docker-init: forwards signals, reaps, and ends as its child does. */
function dockerInit(args: readonly string[], program: Program): Program {
  return function* (process: Process): Task<number> {
    // The threads that runc sets a container up with have taken the numbers in between.
    process.context.pids.skip(4);
    const child = process.spawn({ argv: args, program, group: "new" });
    if (process.tty) process.tty.foregroundGroup = child.group;
    for (const signal of ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "CONT", "WINCH"] as const)
      process.onSignal(signal, (received) => child.signal(received, { fromOutside: true }));
    const status = yield* process.wait(child);
    return status.code;
  };
}
