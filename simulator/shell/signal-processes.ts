/** kill(2) by number, as the caller's pid namespace counts. */
import { SysError } from "../os/errno";
import type { Process } from "../os/process";
import type { SignalName } from "../os/signals";

/** Sends a signal (or only looks, without one). Throws ESRCH or EPERM. */
export function sendSignal(sender: Process, pid: number, signal: SignalName | undefined): void {
  const targets = findTargets(sender, pid);
  if (targets.length === 0) throw new SysError("ESRCH");
  for (const target of targets) {
    if (sender.context.uid !== 0 && sender.context.uid !== target.context.uid) throw new SysError("EPERM");
    if (signal) target.signal(signal, { fromOutside: sender.context.pids !== target.context.pids });
  }
}

function findTargets(sender: Process, pid: number): Process[] {
  const visible = [...sender.context.pids.processes.entries()];
  if (pid > 0) return visible.filter(([number]) => number === pid).map(([, process]) => process);
  if (pid === 0) return visible.filter(([, process]) => process.group === sender.group).map(([, process]) => process);
  if (pid === -1)
    return visible.filter(([number, process]) => number !== 1 && process !== sender).map(([, process]) => process);
  // A group is named by its leader's number in this namespace.
  const leader = sender.context.pids.processes.get(-pid);
  const group = leader?.pid ?? -pid;
  return visible.filter(([, process]) => process.group === group).map(([, process]) => process);
}
