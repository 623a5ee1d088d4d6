/** The kernel of one simulated host: processes, pid namespaces, executables, devices, terminals, the OOM killer. */
import { type Bytes, NO_BYTES } from "../base/bytes";
import type { Loop } from "../base/loop";
import type { Random } from "../base/random";
import { limits } from "../base/limits";
import { Cgroup, type CgroupMember } from "./cgroup";
import { SysError } from "./errno";
import type { FifoInode } from "./inode";
import {
  NullDevice,
  type OpenFile,
  type OpenFlags,
  PipeBuffer,
  PipeReader,
  PipeWriter,
  RandomDevice,
  RegularFile,
} from "./open-file";
import { absolute } from "./path";
import {
  PidNamespace,
  Process,
  type ProcessContext,
  type ProcessHost,
  type Program,
  type SpawnOptions,
} from "./process";
import type { ExitStatus, SignalName } from "./signals";
import { Tty, TtyFile } from "./tty";

export interface KernelOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly hostname: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** `uname -r` */
  readonly release: string;
  /** Programs by name: what an executable file's `program:` line refers to. Shared by all hosts of a machine. */
  readonly programs: ReadonlyMap<string, Program>;
}

export class Kernel implements ProcessHost {
  readonly loop: Loop;
  readonly random: Random;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly release: string;
  readonly programs: ReadonlyMap<string, Program>;
  readonly bootedAt: number;
  hostname: string;
  readonly rootCgroup: Cgroup;
  readonly hostPids = new PidNamespace(false);
  readonly processes = new Map<number, Process>();
  /** Set by whoever wants a program's bug contained in it (see Process). */
  onFault: ((process: Process, error: unknown) => void) | undefined;
  /** Told of each end, before the parent is. */
  onProcessEnd: ((process: Process, status: ExitStatus) => void) | undefined;
  #ttyCount = 0;

  constructor(options: KernelOptions) {
    this.loop = options.loop;
    this.random = options.random;
    this.hostname = options.hostname;
    this.cpuCount = options.cpuCount;
    this.memoryBytes = options.memoryBytes;
    this.release = options.release;
    this.programs = options.programs;
    this.bootedAt = options.loop.now();
    this.rootCgroup = new Cgroup(options.loop, "/");
    this.rootCgroup.limits = { memoryMax: options.memoryBytes };
  }

  // ---- processes ---------------------------------------------------------------------------------------------------

  spawn(context: ProcessContext, parent: Process | undefined, options: SpawnOptions): Process {
    if (this.processes.size >= limits.processesMax * 16) throw new SysError("EAGAIN");
    const pidsMax = context.cgroup.limits.pidsMax;
    if (pidsMax !== undefined && context.cgroup.processes.size >= pidsMax) throw new SysError("EAGAIN");
    let program = options.program;
    let argv = options.argv;
    if (!program) {
      const env = options.env ?? parent?.env ?? {};
      const cwd = options.cwd ?? parent?.cwd ?? "/";
      const file = options.file ?? this.which(context, argv[0] ?? "", env["PATH"], cwd);
      if (file === undefined) throw new SysError("ENOENT");
      const loaded = this.load(context, absolute(cwd, file), argv);
      program = loaded.program;
      argv = loaded.argv;
    }
    const pid = this.hostPids.take();
    const nsPid = context.pids === this.hostPids ? pid : context.pids.take();
    const process = new Process(context, pid, nsPid, parent, options, argv);
    parent?.adopt(process);
    this.processes.set(pid, process);
    context.pids.processes.set(nsPid, process);
    if (context.pids !== this.hostPids) this.hostPids.processes.set(pid, process);
    context.cgroup.add(process);
    process.begin(program);
    return process;
  }

  /** Called by a process that ends. Orphans go to the first process of their namespace. */
  processEnded(process: Process, status: ExitStatus): void {
    this.processes.delete(process.pid);
    this.hostPids.processes.delete(process.pid);
    process.context.pids.processes.delete(process.nsPid);
    process.cgroup.delete(process);
    const init = process.context.pids.processes.get(1);
    for (const child of process.children) {
      child.parent = init;
      if (init && child.alive) init.adopt(child);
    }
    process.abandon();
    // A terminal's session leader takes its foreground group with it.
    if (process.tty && process.session === process.pid && process.tty.session === process.pid) {
      if (process.tty.foregroundGroup) this.signalGroup(process.tty.foregroundGroup, "HUP");
    }
    this.onProcessEnd?.(process, status);
    // The end of a container's first process is the end of all of them.
    if (process.nsPid === 1 && process.context.pids.isContainer)
      for (const other of [...process.context.pids.processes.values()]) other.signal("KILL", { fromOutside: true });
  }

  signalGroup(group: number, signal: SignalName): void {
    for (const process of [...this.processes.values()]) if (process.group === group) process.signal(signal);
  }

  /** Freezes or thaws all processes of a control group (docker pause). */
  setFrozen(group: Cgroup, frozen: boolean): void {
    group.frozen = frozen;
    for (const process of group.allProcesses()) process.updateHold();
  }

  /** Kills the largest process of a group that is over its limit, as the kernel's OOM killer would choose. */
  outOfMemory(group: Cgroup): void {
    group.oomKills++;
    let victim: CgroupMember | undefined;
    for (const process of group.allProcesses())
      if (!victim || process.memoryBytes > victim.memoryBytes) victim = process;
    if (!victim) return;
    const chosen = victim;
    // As a task: the victim may be the caller, in the middle of a step.
    this.loop.soon(() => chosen.signal("KILL", { fromOutside: true, oom: true }));
  }

  // ---- executables -------------------------------------------------------------------------------------------------

  /** The file PATH (or a path with a slash) leads to; undefined when there is none. Not executable ones are passed over. */
  which(context: ProcessContext, name: string, pathVariable: string | undefined, cwd: string): string | undefined {
    if (name.includes("/")) return absolute(cwd, name);
    for (const dir of (pathVariable ?? DEFAULT_PATH).split(":")) {
      const path = absolute(cwd, `${dir || "."}/${name}`);
      const node = context.mounts.find(path);
      if (node?.kind === "file" && (node.mode & 0o111) !== 0) return path;
    }
    return undefined;
  }

  /** Program and final argv of an executable file: a program image, or a script with its interpreter. */
  load(
    context: ProcessContext,
    path: string,
    argv: readonly string[],
    depth = 0,
    /** The path as the caller named it: what a script sees as its own name. */
    shown = path,
  ): { readonly program: Program; readonly argv: readonly string[] } {
    const node = context.mounts.lookup(path);
    if (node.kind === "dir") throw new SysError("EACCES");
    if (node.kind !== "file") throw new SysError("EACCES");
    if ((node.mode & 0o111) === 0) throw new SysError("EACCES");
    const content = node.read();
    const name = programNameOf(content);
    if (name !== undefined) {
      const program = this.programs.get(name);
      if (!program) throw new SysError("ENOEXEC");
      return { program, argv };
    }
    const shebang = /^#!\s*(\S+)(?:[ \t]+([^\n]*?))?[ \t]*(?:\n|$)/.exec(content);
    if (!shebang || depth > 4) throw new SysError("ENOEXEC");
    const interpreter = shebang[1]!;
    const extra = shebang[2] ? [shebang[2]] : [];
    return this.load(context, absolute("/", interpreter), [interpreter, ...extra, shown, ...argv.slice(1)], depth + 1);
  }

  loadExecutable(
    process: Process,
    file: string,
    argv: readonly string[],
  ): { readonly program: Program; readonly argv: readonly string[] } {
    return this.load(process.context, process.path(file), argv, 0, file);
  }

  // ---- files -------------------------------------------------------------------------------------------------------

  openPath(
    process: Process,
    path: string,
    flags: OpenFlags & { create?: boolean; truncate?: boolean; exclusive?: boolean },
  ): OpenFile {
    const fs = process.fs;
    const fdPath = /^\/(?:dev\/(stdin|stdout|stderr)|(?:dev|proc\/self)\/fd\/(\d+))$/.exec(path);
    if (fdPath) return process.file(fdPath[2] ? Number(fdPath[2]) : ["stdin", "stdout", "stderr"].indexOf(fdPath[1]!));
    const node = fs.find(path);
    if (node?.kind === "device") return this.#openDevice(process, node.device);
    if (node?.kind === "fifo") return openFifo(node, flags);
    if (!flags.write) {
      const found = fs.lookup(path);
      if (found.kind === "dir") throw new SysError("EISDIR");
      if (found.kind !== "file") throw new SysError("EINVAL");
      return new RegularFile(path, found, flags, () => this.loop.now());
    }
    const file = fs.openFile(path, {
      ...(flags.create === undefined ? {} : { create: flags.create }),
      ...(flags.exclusive === undefined ? {} : { exclusive: flags.exclusive }),
      attributes: { mode: 0o666 & ~process.umask, uid: process.context.uid, gid: process.context.gid },
    });
    if (flags.truncate && !file.accept) {
      file.content = NO_BYTES;
      file.mtime = this.loop.now();
    }
    return new RegularFile(path, file, flags, () => this.loop.now());
  }

  #openDevice(process: Process, device: string): OpenFile {
    switch (device) {
      case "null":
      case "zero":
      case "full":
        return new NullDevice(device);
      case "random":
      case "urandom": {
        const random = this.random.stream("urandom");
        return new RandomDevice(() => random.uint32());
      }
      case "tty":
      case "console":
        if (!process.tty) throw new SysError("ENODEV");
        return new TtyFile(process.tty);
      default:
        throw new SysError("ENODEV");
    }
  }

  /** A new pseudo-terminal; `output` gets what programs write to it. */
  makeTty(size: { readonly columns: number; readonly rows: number }, output: (bytes: Bytes) => void): Tty {
    return new Tty(this, `/dev/pts/${this.#ttyCount++}`, size, output);
  }
}

function openFifo(node: FifoInode, flags: OpenFlags): OpenFile {
  const buffer = (node.pipe ??= new PipeBuffer()) as PipeBuffer;
  return flags.write ? new PipeWriter(buffer, "fifo") : new PipeReader(buffer, "fifo");
}

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const programHeader = "\x7fELF\x02\x01\x01\0program:";

/**
 * The content of an executable file. The program is named inside it, so that it survives cp, tar, docker cp and COPY as
 * real binaries do; `padding` makes files of different builds differ.
 */
export function executable(program: string, padding = ""): Bytes {
  return `${programHeader}${program}\n${padding}` as Bytes;
}

export function programNameOf(content: Bytes): string | undefined {
  if (!content.startsWith(programHeader)) return undefined;
  const end = content.indexOf("\n", programHeader.length);
  return content.slice(programHeader.length, end < 0 ? undefined : end);
}
