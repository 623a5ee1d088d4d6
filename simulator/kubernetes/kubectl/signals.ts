/** Ctrl-C in commands that watch: client-go's interrupt handler ends them with exit code 1, not by the signal. */
import type { Process } from "../../os/process";

export function interruptible(process: Process): void {
  process.onSignal("INT", () => process.interrupt());
  process.onSignal("TERM", () => process.interrupt());
}
