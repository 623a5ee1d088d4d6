/** Processes: argv, environment, open files, signals, children; and the system calls programs make. */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../base/bytes";
import { Deferred, Signal, type Task, type TaskHandle, type Wait, firstOf, startTask, suspend } from "../base/task";
import type { Loop } from "../base/loop";
import type { Random } from "../base/random";
import type { Cgroup } from "./cgroup";
import { SysError } from "./errno";
import type { MountNamespace } from "./mounts";
import { type OpenFile, type OpenFlags, type PipeReader, type PipeWriter, makePipe } from "./open-file";
import { absolute } from "./path";
import { type ExitStatus, type SignalName, defaultAction, exitedWith, killedBy } from "./signals";
import { type Tty, TtyFile } from "./tty";

/** An executable's code. The result is the exit code. */
export type Program = (process: Process) => Task<number>;

/** Thrown by Process.exit to unwind; never caught by programs. */
export class ExitRequest {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

/** Thrown by Process.exec to unwind the program that is replaced; the process then goes on with this one. */
class ExecRequest {
  readonly program: Program;
  /** Descriptors as they are at the call: what unwinding puts back belongs to the program that is gone. */
  readonly files: ReadonlyMap<number, OpenFile>;
  constructor(program: Program, files: ReadonlyMap<number, OpenFile>) {
    this.program = program;
    this.files = files;
  }
}

/** Thrown into a blocked system call when a handled signal arrives and the handler asked for it (EINTR). */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** What the kernel knows of a network namespace; `simulator/net` has the rest. */
export interface NetworkNamespace {
  readonly name: string;
}

/** "ignore" and "default" are SIG_IGN and SIG_DFL. A handler runs at once, between the program's steps. */
export type SignalDisposition = "default" | "ignore" | ((signal: SignalName) => void);

export interface SpawnOptions {
  readonly argv: readonly string[];
  /** Code to run. Absent: argv[0] is looked up in PATH and executed. */
  readonly program?: Program;
  /** The file to execute where it is not argv[0]. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Descriptors of the child; absent ones are inherited: 0, 1, 2 only. */
  readonly files?: ReadonlyMap<number, OpenFile>;
  /** A process group to join, "new" for one of its own. Absent: the parent's. */
  readonly group?: number | "new";
  /** Starts a session of its own, with this controlling terminal if given. */
  readonly session?: { readonly tty?: Tty };
}

/** Process numbers as one container (or the host itself) sees them. */
export class PidNamespace {
  readonly isContainer: boolean;
  readonly processes = new Map<number, Process>();
  #next = 1;

  constructor(isContainer: boolean, first = 1) {
    this.isContainer = isContainer;
    this.#next = first;
  }

  take(): number {
    return this.#next++;
  }

  /** Leaves numbers out: those of helpers that came and went. */
  skip(count: number): void {
    this.#next += count;
  }
}

/** What a process asks of the kernel it runs on (see kernel.ts). */
export interface ProcessHost {
  readonly loop: Loop;
  readonly random: Random;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly release: string;
  readonly bootedAt: number;
  readonly rootCgroup: Cgroup;
  readonly hostPids: PidNamespace;
  readonly programs: ReadonlyMap<string, Program>;
  spawn(context: ProcessContext, parent: Process | undefined, options: SpawnOptions): Process;
  processEnded(process: Process, status: ExitStatus): void;
  signalGroup(group: number, signal: SignalName): void;
  /** Told of exceptions that leave a program and are no system call's: our bugs. Absent: they leave the loop. */
  readonly onFault?: ((process: Process, error: unknown) => void) | undefined;
  outOfMemory(group: Cgroup): void;
  which(context: ProcessContext, name: string, pathVariable: string | undefined, cwd: string): string | undefined;
  loadExecutable(
    process: Process,
    file: string,
    argv: readonly string[],
  ): { readonly program: Program; readonly argv: readonly string[] };
  openPath(
    process: Process,
    path: string,
    flags: OpenFlags & { create?: boolean; truncate?: boolean; exclusive?: boolean },
  ): OpenFile;
  makeTty(size: { readonly columns: number; readonly rows: number }, output: (bytes: Bytes) => void): Tty;
}

export interface ProcessContext {
  readonly kernel: ProcessHost;
  readonly pids: PidNamespace;
  readonly mounts: MountNamespace;
  readonly net: NetworkNamespace;
  readonly hostname: () => string;
  readonly cgroup: Cgroup;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  /** Resource limits by name (`nofile`), where they are not the usual ones. */
  readonly limits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
}

export type ProcessState = "running" | "stopped" | "zombie" | "dead";

/** Memory of a small program, before it allocates anything: bytes. */
const BASE_MEMORY = 512 * 1024;

/** What a program writes in a ms of CPU time, and what one call costs beside it, in the same measure. */
const WRITE_BYTES_PER_MS = 4_096;
const WRITE_CALL_BYTES = 64;

const NO_PROCESSES: ReadonlySet<Process> = new Set();

export class Process {
  readonly context: ProcessContext;
  /** In the host's numbering. */
  readonly pid: number;
  /** In its own pid namespace: 1 for a container's first process. */
  readonly nsPid: number;
  parent: Process | undefined;
  #children: Set<Process> | undefined;
  group: number;
  session: number;
  tty: Tty | undefined;
  argv: readonly string[];
  /** Never changed, only replaced. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  umask = 0o022;
  readonly files = new Map<number, OpenFile>();
  readonly startedAt: number;
  state: ProcessState = "running";
  /** CPU time used so far, ms. */
  cpuMs = 0;
  /** Settles when the process has ended. */
  readonly ended = new Deferred<ExitStatus>();
  /** Rings when this process stops, continues or ends: what a shell's wait listens to. */
  readonly changed = new Signal();
  /** The signal that stopped it, while stopped. */
  stopSignal: SignalName | undefined;
  #memory = 0;
  #unpaidBytes = 0;
  #main: TaskHandle | undefined;
  // Most processes have none of these.
  #threads: Set<TaskHandle> | undefined;
  #dispositions: Map<SignalName, SignalDisposition> | undefined;
  #atExit: (() => void)[] | undefined;

  /** Only Kernel makes processes. */
  constructor(
    context: ProcessContext,
    pid: number,
    nsPid: number,
    parent: Process | undefined,
    options: SpawnOptions,
    argv = options.argv,
  ) {
    this.context = context;
    this.pid = pid;
    this.nsPid = nsPid;
    this.parent = parent;
    this.argv = argv;
    this.env = options.env ?? parent?.env ?? {};
    this.cwd = options.cwd ?? parent?.cwd ?? "/";
    this.group = options.group === "new" ? pid : (options.group ?? parent?.group ?? pid);
    this.session = parent?.session ?? pid;
    this.tty = parent?.tty;
    this.startedAt = context.kernel.loop.now();
    if (options.session) {
      this.session = pid;
      this.group = pid;
      this.tty = options.session.tty;
    }
    if (parent) this.umask = parent.umask;
    const inherited = options.files ?? parent?.files;
    if (inherited) for (const [fd, file] of inherited) if (options.files || fd <= 2) this.files.set(fd, file.retain());
    // Ignored signals stay ignored across exec; handlers do not.
    if (parent) for (const [name, how] of parent.#dispositions ?? []) if (how === "ignore") this.onSignal(name, how);
  }

  get children(): ReadonlySet<Process> {
    return this.#children ?? NO_PROCESSES;
  }

  /** Kernel only: a child is born, or an orphan comes to its namespace's first process. */
  adopt(child: Process): void {
    (this.#children ??= new Set()).add(child);
  }

  /** Kernel only: its children have gone to another. */
  abandon(): void {
    this.#children = undefined;
  }

  get kernel(): ProcessHost {
    return this.context.kernel;
  }

  get fs(): MountNamespace {
    return this.context.mounts;
  }

  get cgroup(): Cgroup {
    return this.context.cgroup;
  }

  /** The program's name, as `ps` shows it. */
  get comm(): string {
    const name = this.argv[0] ?? "";
    return name.slice(name.lastIndexOf("/") + 1);
  }

  /** An absolute path in this process's view. */
  path(path: string): string {
    return absolute(this.cwd, path);
  }

  // ---- running -----------------------------------------------------------------------------------------------------

  /** Kernel only: starts the code at the next loop task. */
  begin(program: Program): void {
    this.resizeMemory(BASE_MEMORY);
    this.#run(program);
  }

  /**
   * execve, from the main thread: the same process goes on with other code. Open files stay. Never returns: the program
   * that called it is unwound, so that nothing of it is kept or stands between the loop and the new one.
   */
  exec(file: string, argv: readonly string[], env: Readonly<Record<string, string>> = this.env): never {
    const { program, argv: finalArgv } = this.kernel.loadExecutable(this, file, argv);
    this.argv = finalArgv;
    this.env = env;
    if (this.#dispositions)
      for (const [name, how] of [...this.#dispositions]) if (how !== "ignore") this.#dispositions.delete(name);
    this.resizeMemory(BASE_MEMORY);
    const files = new Map(this.files);
    for (const file of files.values()) file.retain();
    throw new ExecRequest(program, files);
  }

  #run(program: Program): void {
    this.#main = startTask(
      this.kernel.loop,
      this.#execute(program),
      (code) => this.#end(exitedWith(code)),
      (error) => this.#failed(error),
    );
    if (this.#isHeld()) this.#main.pause();
  }

  /** The main thread: a program, and those that take its place. */
  *#execute(first: Program): Task<number> {
    const { loop } = this.kernel;
    yield (resume) => loop.soon(() => resume(undefined));
    for (let program = first; ; ) {
      try {
        return yield* program(this);
      } catch (error) {
        if (!(error instanceof ExecRequest)) throw error;
        for (const fd of [...this.files.keys()]) this.close(fd);
        for (const [fd, file] of error.files) this.files.set(fd, file);
        program = error.program;
      }
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ExitRequest) this.#end(exitedWith(error.code));
    else if (error instanceof RangeError && /^Invalid (?:string|array) length/.test(error.message)) {
      // What holds this text is our own memory; a program that gets this far has used up its own long ago.
      this.cgroup.oomKills++;
      this.#end(killedBy("KILL", true));
    } else if (error instanceof Interrupted) this.#end(killedBy("INT"));
    else if (error instanceof SysError && error.code === "EPIPE") this.#end(killedBy("PIPE"));
    else if (error instanceof SysError) {
      // A program that does not handle a failed system call dies of it, as one that checks nothing would.
      this.files
        .get(2)
        ?.write(encodeUtf8(`${this.comm}: ${error.message}\n`))
        .next();
      this.#end(exitedWith(1));
    } else if (this.kernel.onFault) {
      // A bug of ours in one program: it is reported, and the rest of the machine goes on.
      this.kernel.onFault(this, error);
      const words = `${this.comm}: the simulation has a bug here: ${error instanceof Error ? error.message : String(error)}\n`;
      this.files.get(2)?.write(encodeUtf8(words)).next();
      this.#end(exitedWith(70));
    } else throw error;
  }

  /** Another line of execution in this process: it ends with the process. */
  thread(task: Task<void>): TaskHandle {
    let handle: TaskHandle | undefined;
    handle = startTask(
      this.kernel.loop,
      task,
      () => handle && this.#threads?.delete(handle),
      (error) => {
        if (handle) this.#threads?.delete(handle);
        this.#failed(error);
      },
    );
    if (!handle.ended) (this.#threads ??= new Set()).add(handle);
    if (this.#isHeld()) handle.pause();
    return handle;
  }

  /** exit(2), from anywhere inside the program. */
  exit(code: number): never {
    throw new ExitRequest(code);
  }

  /** Runs when the process has ended, in reverse order of registration. */
  atExit(run: () => void): void {
    (this.#atExit ??= []).push(run);
  }

  get alive(): boolean {
    return this.state === "running" || this.state === "stopped";
  }

  #end(status: ExitStatus): void {
    if (!this.alive) return;
    this.state = "zombie";
    this.#main?.cancel();
    for (const thread of this.#threads ?? []) thread.cancel();
    this.#threads = undefined;
    for (const run of this.#atExit?.splice(0).reverse() ?? []) run();
    for (const fd of [...this.files.keys()]) this.close(fd);
    this.resizeMemory(0);
    this.kernel.processEnded(this, status);
    this.ended.resolve(status);
    this.changed.ring();
    this.parent?.signal("CHLD");
  }

  // ---- signals -------------------------------------------------------------------------------------------------------

  onSignal(signal: SignalName, how: SignalDisposition): void {
    if (signal === "KILL" || signal === "STOP") return;
    if (how === "default") this.#dispositions?.delete(signal);
    else (this.#dispositions ??= new Map()).set(signal, how);
  }

  disposition(signal: SignalName): SignalDisposition {
    return this.#dispositions?.get(signal) ?? "default";
  }

  /** kill(2). `fromOutside`: sent from an ancestor pid namespace, so that even PID 1 is killed by KILL and stopped by STOP. */
  signal(signal: SignalName, options: { readonly fromOutside?: boolean; readonly oom?: boolean } = {}): void {
    if (!this.alive) return;
    if (signal === "CONT") this.#continue();
    const how = this.disposition(signal);
    if (how === "ignore") return;
    if (typeof how === "function") {
      how(signal);
      return;
    }
    const action = defaultAction(signal);
    if (action === "ignore" || action === "continue") return;
    // The first process of a pid namespace has no default actions, but for KILL and STOP from outside.
    const isInit = this.nsPid === 1 && this.context.pids.isContainer;
    if (isInit && !(options.oom || (options.fromOutside && (signal === "KILL" || signal === "STOP")))) return;
    if (action === "stop") this.#stop(signal);
    else this.#end(killedBy(signal, options.oom));
  }

  /** Wakes the main thread out of a blocked system call with Interrupted; handlers call this for EINTR. */
  interrupt(): void {
    this.#main?.interrupt(new Interrupted());
  }

  #stop(signal: SignalName): void {
    if (this.state !== "running") return;
    this.state = "stopped";
    this.stopSignal = signal;
    this.updateHold();
    this.changed.ring();
    this.parent?.signal("CHLD");
  }

  #continue(): void {
    if (this.state !== "stopped") return;
    this.state = "running";
    this.stopSignal = undefined;
    this.updateHold();
    this.changed.ring();
  }

  #isHeld(): boolean {
    return this.state === "stopped" || this.cgroup.frozen;
  }

  /** Kernel only: applies stop and freezer state to the running tasks. */
  updateHold(): void {
    const handles = [...(this.#main ? [this.#main] : []), ...(this.#threads ?? [])];
    for (const handle of handles) this.#isHeld() ? handle.pause() : handle.unpause();
  }

  // ---- memory and CPU --------------------------------------------------------------------------------------------------

  /** Resident memory in bytes. */
  get memoryBytes(): number {
    return this.#memory;
  }

  /** Sets resident memory. Passing a cgroup's limit wakes the OOM killer, which may end this very process. */
  resizeMemory(bytes: number): void {
    const delta = bytes - this.#memory;
    this.#memory = bytes;
    this.cgroup.charge(delta);
    if (delta > 0) {
      const over = this.cgroup.overLimit();
      if (over) this.kernel.outOfMemory(over);
    }
  }

  /**
   * Asks for more memory than any machine has: the kernel gives it page by page until nothing is left, and kills the
   * process. Never returns.
   */
  exhaustMemory(): never {
    let group = this.cgroup;
    while (group.limits.memoryMax === undefined && group.parent) group = group.parent;
    group.oomKills++;
    this.#end(killedBy("KILL", true));
    throw new ExitRequest(137);
  }

  /** Uses `ms` of CPU time: takes longer where a quota or other programs hold it back. */
  *compute(ms: number): Task<void> {
    const group = this.cgroup;
    const kernel = this.kernel;
    let left = ms;
    group.beginComputing();
    try {
      while (left > 0) {
        const slice = Math.min(left, 100);
        const fair = Math.min(1, kernel.cpuCount / Math.max(1, kernel.rootCgroup.computing));
        const quota = group.cpuMax / Math.max(1, group.computing);
        const rate = Math.min(fair, quota);
        const wall = slice / rate;
        if (quota < fair) {
          group.throttledMs += wall - slice / fair;
          group.throttledPeriods += Math.ceil(wall / 100);
        }
        yield (resume) => kernel.loop.after(wall, () => resume(undefined));
        this.cpuMs += slice;
        group.chargeCpu(slice);
        left -= slice;
      }
    } finally {
      group.endComputing();
    }
  }

  // ---- time ------------------------------------------------------------------------------------------------------------

  /** ms since the epoch, virtual. */
  now(): number {
    return this.kernel.loop.now();
  }

  *sleep(ms: number): Task<void> {
    yield (resume) => this.kernel.loop.after(ms, () => resume(undefined));
  }

  /** Waits, at most `ms`; undefined when the time ran out first. */
  *waitFor<T>(wait: Wait<T>, ms: number): Task<{ readonly value: T } | undefined> {
    const timeout: Wait<unknown> = (resume) => this.kernel.loop.after(ms, () => resume(undefined));
    const first = yield* suspend(firstOf([wait as Wait<unknown>, timeout]));
    return first.index === 0 ? { value: first.value as T } : undefined;
  }

  // ---- children --------------------------------------------------------------------------------------------------------

  /** fork and exec. Throws SysError (ENOENT, EACCES, ENOEXEC …) where the file cannot be executed. */
  spawn(options: SpawnOptions): Process {
    return this.kernel.spawn(this.context, this, options);
  }

  /** Waits for a child (or any process) to end, and reaps it. */
  *wait(child: Process): Task<ExitStatus> {
    const status = yield* suspend(child.ended.wait);
    this.reap(child);
    return status;
  }

  reap(child: Process): void {
    if (child.state === "zombie") child.state = "dead";
    this.#children?.delete(child);
  }

  // ---- files -----------------------------------------------------------------------------------------------------------

  file(fd: number): OpenFile {
    const file = this.files.get(fd);
    if (!file) throw new SysError("EBADF");
    return file;
  }

  /** open(2): the lowest free descriptor, or `fd` when given. */
  open(
    path: string,
    flags: OpenFlags & { create?: boolean; truncate?: boolean; exclusive?: boolean },
    fd?: number,
  ): number {
    return this.install(this.kernel.openPath(this, this.path(path), flags), fd);
  }

  /** Gives an open file a descriptor; what was there is closed. */
  install(file: OpenFile, fd: number = this.lowestFreeFd()): number {
    file.retain();
    this.files.get(fd)?.release();
    this.files.set(fd, file);
    return fd;
  }

  lowestFreeFd(from = 0): number {
    let fd = from;
    while (this.files.has(fd)) fd++;
    return fd;
  }

  close(fd: number): void {
    const file = this.files.get(fd);
    this.files.delete(fd);
    file?.release();
  }

  pipe(): { readonly reader: PipeReader; readonly writer: PipeWriter } {
    return makePipe();
  }

  get stdin(): OpenFile {
    return this.file(0);
  }

  /** The terminal a descriptor is open on, if it is one. */
  ttyOf(fd: number): Tty | undefined {
    const file = this.files.get(fd);
    return file instanceof TtyFile ? file.tty : undefined;
  }

  *read(fd: number, max = 65_536): Task<Bytes> {
    const file = this.file(fd);
    if (file instanceof TtyFile) yield* this.#ownTerminal(file.tty);
    return yield* file.read(max);
  }

  /** Waits in the background until the terminal is this group's (SIGTTIN). */
  *#ownTerminal(tty: Tty): Task<void> {
    while (tty === this.tty && tty.foregroundGroup !== 0 && tty.foregroundGroup !== this.group && !tty.hungUp) {
      if (this.disposition("TTIN") === "ignore") throw new SysError("EIO");
      this.kernel.signalGroup(this.group, "TTIN");
      yield (resume) => this.kernel.loop.soon(() => resume(undefined));
    }
  }

  /** Writes all of it where that needs no wait at all; false: nothing is done, and write() is to be asked. */
  writeNow(fd: number, bytes: Bytes): boolean {
    const file = this.files.get(fd);
    const unpaid = this.#unpaidBytes + bytes.length + WRITE_CALL_BYTES;
    if (!file || unpaid >= WRITE_BYTES_PER_MS * 2 || !file.writeNow(bytes)) return false;
    this.#unpaidBytes = unpaid;
    return true;
  }

  *write(fd: number, bytes: Bytes): Task<void> {
    const file = this.file(fd);
    // Writing takes time, or a flood (`yes`) would never let virtual time go on.
    this.#unpaidBytes += bytes.length + WRITE_CALL_BYTES;
    if (this.#unpaidBytes >= WRITE_BYTES_PER_MS * 2) {
      const ms = this.#unpaidBytes / WRITE_BYTES_PER_MS;
      this.#unpaidBytes = 0;
      yield* this.compute(ms);
    }
    try {
      if (!file.writeNow(bytes)) yield* file.write(bytes);
    } catch (error) {
      if (error instanceof SysError && error.code === "EPIPE") {
        if (this.disposition("PIPE") === "default") throw error; // Ends the process as SIGPIPE would.
        this.signal("PIPE");
      }
      throw error;
    }
  }

  /** Writes text to standard output, UTF-8 encoded. */
  *print(text: string): Task<void> {
    const bytes = encodeUtf8(text);
    if (bytes !== "" && !this.writeNow(1, bytes)) yield* this.write(1, bytes);
  }

  /** Writes text to standard error. */
  *printError(text: string): Task<void> {
    if (text === "" || !this.files.has(2)) return;
    const bytes = encodeUtf8(text);
    if (!this.writeNow(2, bytes)) yield* this.write(2, bytes);
  }

  /** All of a descriptor, to its end. */
  *readAll(fd = 0): Task<Bytes> {
    const chunks: string[] = [];
    for (;;) {
      const chunk = yield* this.read(fd);
      if (chunk === NO_BYTES) return chunks.join("") as Bytes;
      chunks.push(chunk);
    }
  }

  /** A text file's content, decoded. Throws SysError. */
  readText(path: string): string {
    return decodeUtf8(this.fs.readFile(this.path(path)));
  }
}

/** Reads a descriptor line by line. Lines come without their newline; `terminated` tells whether it was there. */
export class LineReader {
  readonly #process: Process;
  readonly #fd: number;
  #rest = "";
  #ended = false;

  constructor(process: Process, fd = 0) {
    this.#process = process;
    this.#fd = fd;
  }

  *next(): Task<{ readonly line: Bytes; readonly terminated: boolean } | undefined> {
    for (;;) {
      const at = this.#rest.indexOf("\n");
      if (at >= 0) {
        const line = this.#rest.slice(0, at) as Bytes;
        this.#rest = this.#rest.slice(at + 1);
        return { line, terminated: true };
      }
      if (this.#ended) {
        if (this.#rest === "") return undefined;
        const line = this.#rest as Bytes;
        this.#rest = "";
        return { line, terminated: false };
      }
      const chunk = yield* this.#process.read(this.#fd);
      if (chunk === NO_BYTES) this.#ended = true;
      else this.#rest += chunk;
    }
  }
}
