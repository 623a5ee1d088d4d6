/** Processes of a shell: subshells, jobs in the foreground, and what their ends mean. */
import type { Redirection } from "unbash";
import type { Task } from "../base/task";
import type { OpenFile } from "../os/open-file";
import type { Process } from "../os/process";
import { BreakLoop, CommandAborted, ContinueLoop, ExpansionError, ReturnFromFunction, ShellExit } from "./control";
import { parseSignal } from "../os/signals";
import { type Job, signalWords } from "./jobs";
import { RedirectionError, type SavedFiles, applyRedirections, restoreFiles } from "./redirect";
import type { Shell } from "./state";
import { runExitTrap } from "./traps";

/** Whether jobs get process groups of their own. */
export const jobControl = (shell: Shell): boolean => shell.options.has("monitor") && shell.jobs !== undefined;

interface ForkOptions {
  readonly files?: ReadonlyMap<number, OpenFile>;
  readonly group?: number | "new" | undefined;
  readonly background?: boolean;
  readonly name?: string;
}

/** A subshell: another process that goes on with a copy of the shell's state. */
export function forkShell(shell: Shell, run: (child: Shell) => Task<number>, options: ForkOptions = {}): Process {
  const child = shell.fork();
  const hadJobControl = jobControl(shell);
  const process = shell.process.spawn({
    argv: shell.process.argv,
    env: shell.process.env,
    files: options.files ?? new Map(shell.process.files),
    ...(options.group === undefined ? {} : { group: options.group }),
    program: function* (process) {
      child.process = process;
      return yield* runToExit(child, run(child));
    },
  });
  // Set before the child's first step: a signal may come at once.
  if (!hadJobControl && options.background) {
    process.onSignal("INT", "ignore");
    process.onSignal("QUIT", "ignore");
  }
  for (const [signal, action] of child.traps) {
    const name = parseSignal(signal);
    if (action === "" && name && signal !== "EXIT") process.onSignal(name, "ignore");
  }
  return process;
}

/** Runs to the end of a (sub)shell: exit statuses, fatal errors and the EXIT trap. */
export function* runToExit(shell: Shell, task: Task<number>): Task<number> {
  let status: number;
  try {
    status = yield* task;
  } catch (error) {
    status = yield* statusOfUnwinding(shell, error);
  }
  return yield* runExitTrap(shell, status);
}

/** The status that an exception which leaves all commands stands for; our bugs go on up. */
export function* statusOfUnwinding(shell: Shell, error: unknown): Task<number> {
  if (error instanceof ShellExit || error instanceof ReturnFromFunction || error instanceof CommandAborted)
    return error.status;
  if (error instanceof BreakLoop || error instanceof ContinueLoop) return 0;
  if (error instanceof ExpansionError) {
    yield* shell.error(error.message);
    return error.status;
  }
  throw error;
}

/** Waits for a job in the foreground; a stopped one is listed and announced. */
export function* waitForeground(shell: Shell, job: Job, isPipeline: boolean): Task<number> {
  const tty = shell.jobs?.tty;
  const controls = jobControl(shell) && job.group !== undefined;
  if (controls && tty) tty.foregroundGroup = job.leader.group;
  shell.waitsForChild = true;
  try {
    yield* job.settled();
  } finally {
    shell.waitsForChild = false;
    if (controls && tty) {
      tty.foregroundGroup = shell.process.group;
      if (job.state === "Stopped" || job.status?.signal) {
        job.ttyMode = { ...tty.mode };
        tty.resetMode();
      }
    }
  }
  if (job.state === "Stopped") {
    const signal = job.processes.find((process) => process.state === "stopped")?.stopSignal ?? "TSTP";
    shell.jobs?.list(job);
    job.toldState = "Stopped";
    if (shell.interactive) yield* shell.process.printError(`\n${shell.jobs!.line(job)}\n`);
    const status = 128 + ({ STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22 }[signal as string] ?? 20);
    shell.pipeStatus = [status];
    return status;
  }
  return yield* collect(shell, job, isPipeline);
}

/** Reaps a job that has ended: statuses, and a word about a signal that killed it. */
function* collect(shell: Shell, job: Job, isPipeline: boolean): Task<number> {
  const statuses = job.processes.map((process) => process.ended.peek()!);
  for (const process of job.processes) {
    shell.childrenCpuMs += process.cpuMs;
    shell.process.reap(process);
  }
  shell.jobs?.remove(job);
  const codes = statuses.map((status) => status.code);
  if (isPipeline || codes.length > 1) shell.pipeStatus = codes;
  else shell.pipeStatus = [codes.at(-1)!];
  const last = statuses.at(-1)!;
  let status = codes.at(-1)!;
  if (shell.options.has("pipefail")) status = codes.findLast((code) => code !== 0) ?? 0;
  const killer = statuses.findLast((each) => each.signal !== undefined && each.signal !== "PIPE");
  if (killer?.signal === "INT") {
    // The shell acts as if it had been interrupted too: loops and lists end.
    if (shell.interactive) {
      yield* shell.process.printError("\n");
      throw new CommandAborted(130, true);
    }
    if (!shell.traps.has("INT") && last.signal === "INT") shell.diesOfInterrupt = true;
  } else if (last.signal && last.signal !== "PIPE" && last.signal !== "INT") {
    const words = signalWords[last.signal] ?? last.signal;
    if (shell.interactive) yield* shell.process.printError(`${words}\n`);
    else if (shell.flavour === "bash" && !shell.interactiveParent && shell.subshellDepth === 0)
      yield* shell.process.printError(
        `${shell.messagePrefix}${String(job.last.nsPid).padStart(5)} ${words.padEnd(23)} ${job.text}\n`,
      );
    else if (shell.flavour !== "bash" && shell.subshellDepth === 0)
      yield* shell.process.printError(`${words} \n`.replace(" \n", "\n"));
  }
  if (shell.diesOfInterrupt) {
    shell.pendingSignals.push("INT");
    shell.diesOfInterrupt = false;
  } else
    shell.pendingSignals = shell.pendingSignals.filter(
      (signal) => signal !== "INT" || shell.traps.has("INT") || shell.interactive,
    );
  return status;
}

/** The source of a node, as `jobs` shows it. */
export function textOf(shell: Shell, node: { readonly pos: number; readonly end: number }): string {
  return shell.source.text
    .slice(node.pos, node.end)
    .replace(/\s*\n\s*/g, " ")
    .trim();
}

/** Undefined when all went well; else the status, the message being printed. */
export function* tryRedirections(
  shell: Shell,
  redirections: readonly Redirection[],
  saved?: SavedFiles,
): Task<number | undefined> {
  try {
    yield* applyRedirections(shell, redirections, saved);
    return undefined;
  } catch (error) {
    if (!(error instanceof RedirectionError)) throw error;
    if (saved) restoreFiles(shell, saved);
    yield* shell.error(error.message);
    return shell.flavour === "dash" ? 2 : 1;
  }
}
