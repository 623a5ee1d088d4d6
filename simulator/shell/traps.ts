/** Traps: commands that run when a signal comes or the shell ends. */
import type { Task } from "../base/task";
import { ExitRequest } from "../os/process";
import type { SignalName } from "../os/signals";
import { CommandAborted, ShellExit } from "./control";
import type { Shell } from "./state";

/** Lets the shell note a signal, to be acted on between commands. */
export function catchSignal(shell: Shell, signal: SignalName): void {
  shell.process.onSignal(signal, (name) => {
    shell.pendingSignals.push(name);
    if (shell.interruptible) shell.process.interrupt();
  });
}

/** Acts on signals that came: runs their traps; an untrapped interrupt ends the line, or the shell. */
export function* runPendingTraps(shell: Shell): Task<void> {
  while (shell.pendingSignals.length > 0) {
    const signal = shell.pendingSignals.shift()!;
    const action = shell.traps.get(signal);
    if (action !== undefined) {
      if (action === "") continue;
      const status = shell.status;
      yield* shell.engine.runText(shell, action);
      shell.status = status;
      continue;
    }
    if (signal === "CHLD") continue;
    if (signal === "INT" && shell.interactive) yield* shell.process.printError("\n");
    if (signal === "INT" && shell.interactive) throw new CommandAborted(130, true);
    if (signal === "HUP" && shell.interactive) {
      shell.jobs?.jobs.forEach((job) => {
        if (!job.disowned) {
          job.signal("HUP");
          job.signal("CONT");
        }
      });
      throw new ShellExit(129);
    }
    if (shell.interactive) continue;
    // Dies of the signal, as if it had not been caught.
    yield* runExitTrap(shell, 128);
    shell.process.onSignal(signal, "default");
    shell.process.signal(signal);
    throw new ExitRequest(130);
  }
}

/** The EXIT trap, once; its own `exit` changes the status. */
export function* runExitTrap(shell: Shell, status: number): Task<number> {
  const action = shell.traps.get("EXIT");
  if (!action || shell.exitTrapRuns) return status;
  shell.exitTrapRuns = true;
  shell.status = status;
  try {
    yield* shell.engine.runText(shell, action);
  } catch (error) {
    if (error instanceof ShellExit) return error.status;
    if (error instanceof CommandAborted) return status;
    throw error;
  }
  return status;
}
