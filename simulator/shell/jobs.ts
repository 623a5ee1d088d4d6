/** Jobs: pipelines of processes that a shell started, their state, and the lines that tell of it. */
import { type Task, firstOf, suspend } from "../base/task";
import type { Process } from "../os/process";
import type { ExitStatus, SignalName } from "../os/signals";
import type { Tty, TtyMode } from "../os/tty";

export type JobState = "Running" | "Stopped" | "Done";

export class Job {
  readonly processes: readonly Process[];
  readonly text: string;
  readonly group: number | undefined;
  /** 0 until it is listed. */
  number = 0;
  /** The state last told of. */
  toldState: JobState = "Running";
  background = false;
  disowned = false;
  ttyMode: TtyMode | undefined;
  waitedFor = false;

  constructor(processes: readonly Process[], text: string, group: number | undefined) {
    this.processes = processes;
    this.text = text;
    this.group = group;
  }

  get state(): JobState {
    let stopped = false;
    for (const process of this.processes) {
      if (process.state === "running") return "Running";
      if (process.state === "stopped") stopped = true;
    }
    return stopped ? "Stopped" : "Done";
  }

  /** How the last process ended. */
  get status(): ExitStatus | undefined {
    return this.processes.at(-1)!.ended.peek();
  }

  get leader(): Process {
    return this.processes[0]!;
  }

  get last(): Process {
    return this.processes.at(-1)!;
  }

  signal(name: SignalName): void {
    for (const process of this.processes) process.signal(name);
  }

  /** Waits until no process runs: all ended, or the rest stopped. */
  *settled(): Task<void> {
    while (this.state === "Running")
      yield* suspend(
        firstOf(this.processes.filter((process) => process.state === "running").map((process) => process.changed.wait)),
      );
  }

  /** `Running`, `Stopped`, `Done`, `Exit 2`, `Killed` … */
  describe(): string {
    const state = this.state;
    if (state !== "Done") return state;
    const status = this.status!;
    if (status.signal) return signalWords[status.signal] ?? `Signal ${status.code - 128}`;
    return status.code === 0 ? "Done" : `Exit ${status.code}`;
  }
}

/** What bash says of a process that a signal ended. */
export const signalWords: Partial<Record<SignalName, string>> = {
  HUP: "Hangup",
  INT: "Interrupt",
  QUIT: "Quit",
  ILL: "Illegal instruction",
  TRAP: "Trace/breakpoint trap",
  ABRT: "Aborted",
  BUS: "Bus error",
  FPE: "Floating point exception",
  KILL: "Killed",
  USR1: "User defined signal 1",
  SEGV: "Segmentation fault",
  USR2: "User defined signal 2",
  ALRM: "Alarm clock",
  TERM: "Terminated",
  STOP: "Stopped (signal)",
  TSTP: "Stopped",
  TTIN: "Stopped (tty input)",
  TTOU: "Stopped (tty output)",
};

export class JobTable {
  /** Listed jobs by number. */
  readonly jobs = new Map<number, Job>();
  /** The current and the previous job, newest first. */
  #recent: Job[] = [];
  readonly shell: Process;
  readonly tty: Tty | undefined;

  constructor(shell: Process, tty: Tty | undefined) {
    this.shell = shell;
    this.tty = tty;
  }

  /** A subshell still lists its parent's jobs, but they are not its children. */
  forSubshell(): JobTable {
    const table = new JobTable(this.shell, undefined);
    for (const [number, job] of this.jobs) table.jobs.set(number, job);
    table.#recent = [...this.#recent];
    for (const job of this.jobs.values()) table.#inherited.add(job);
    return table;
  }

  readonly #inherited = new Set<Job>();

  /** Jobs that this very shell started. */
  own(): Job[] {
    return [...this.jobs.values()].filter((job) => !this.#inherited.has(job));
  }

  list(job: Job): void {
    if (job.number === 0) {
      // The first job of its own takes a subshell's list over.
      for (const old of this.#inherited) this.jobs.delete(old.number);
      this.#inherited.clear();
      job.number = Math.max(0, ...this.jobs.keys()) + 1;
      this.jobs.set(job.number, job);
    }
    this.touch(job);
  }

  /** Makes a job the current one (%+). */
  touch(job: Job): void {
    this.#recent = [job, ...this.#recent.filter((other) => other !== job)];
  }

  remove(job: Job): void {
    if (this.jobs.get(job.number) === job) this.jobs.delete(job.number);
    this.#recent = this.#recent.filter((other) => other !== job);
    for (const process of job.processes) if (!process.alive) process.parent?.reap(process);
  }

  get current(): Job | undefined {
    return this.#ordered()[0];
  }

  get previous(): Job | undefined {
    return this.#ordered()[1] ?? this.#ordered()[0];
  }

  /** Stopped jobs come before running ones. */
  #ordered(): Job[] {
    const listed = this.#recent.filter((job) => job.number > 0);
    return [...listed.filter((job) => job.state === "Stopped"), ...listed.filter((job) => job.state !== "Stopped")];
  }

  mark(job: Job): string {
    if (job === this.current) return "+";
    return job === this.#ordered()[1] ? "-" : " ";
  }

  /** The job a specification names: %1, %+, %-, %text, %?text; a text says why not. */
  find(spec: string): Job | "no such job" | "ambiguous job spec" {
    const text = spec.replace(/^%/, "");
    if (text === "" || text === "%" || text === "+") return this.current ?? "no such job";
    if (text === "-") return this.previous ?? "no such job";
    if (/^\d+$/.test(text)) return this.jobs.get(Number(text)) ?? "no such job";
    const matches = [...this.jobs.values()].filter((job) =>
      text.startsWith("?") ? job.text.includes(text.slice(1)) : job.text.startsWith(text),
    );
    if (matches.length > 1) return "ambiguous job spec";
    return matches[0] ?? "no such job";
  }

  byPid(pid: number): Job | undefined {
    for (const job of this.jobs.values()) if (job.processes.some((process) => process.nsPid === pid)) return job;
    return undefined;
  }

  /** `[1]+  Stopped                 sleep 100` */
  line(job: Job, long = false): string {
    const state = job.describe();
    const running = state === "Running" ? " &" : "";
    const pid = long ? `${job.leader.nsPid} ` : "";
    return `[${job.number}]${this.mark(job)} ${long ? pid : " "}${state.padEnd(23)} ${job.text}${running}`.replace(
      / +$/,
      "",
    );
  }

  /** Lines for jobs whose state changed since last told; ended ones leave the list. */
  *notices(): Generator<string> {
    for (const job of [...this.jobs.values()]) {
      const state = job.state;
      if (state === job.toldState) continue;
      job.toldState = state;
      if (state === "Running") continue;
      if (!job.disowned) yield this.line(job);
      if (state === "Done") this.remove(job);
    }
  }
}
