/** Runs one command line in a machine to its end, in virtual time. */
import type { Bytes, CommandOptions, Machine } from "@/simulator";

/** Where headless commands start. */
export const LAB = "/root/lab";

/** A command that waits for longer than this, in virtual ms, is ended with Ctrl-C's exit code. */
const LONGEST_MS = 3_600_000;
const STEPS_MAX = 200_000_000;

export interface Finished {
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly exit: number;
}

/** `keys`: [ms after the start, text] pairs, typed on the terminal. */
export function runToEnd(
  machine: Machine,
  line: string,
  options: CommandOptions,
  onOutput?: (chunk: Bytes, stream: "stdout" | "stderr") => void,
  keys: readonly (readonly [number, string])[] = [],
): Finished {
  const started = machine.now();
  const run = machine.command(line, options);
  const waiting = [...keys];
  const firstStep = machine.steps;
  let printed = { stdout: 0, stderr: 0 };
  const flush = (): void => {
    if (!onOutput) return;
    for (const stream of ["stdout", "stderr"] as const) {
      const all = run[stream];
      if (all.length > printed[stream]) onOutput(all.slice(printed[stream]) as Bytes, stream);
    }
    printed = { stdout: run.stdout.length, stderr: run.stderr.length };
  };
  while (run.exitCode === undefined) {
    const next = machine.nextAt();
    const key = waiting[0];
    const keyAt = key === undefined ? undefined : started + key[0];
    if (keyAt !== undefined && (next === undefined || keyAt <= next)) {
      machine.runUntil(Math.max(keyAt, machine.now()));
      run.type(key![1]);
      waiting.shift();
      continue;
    }
    if (next === undefined || next - started > LONGEST_MS || machine.steps - firstStep > STEPS_MAX) {
      flush();
      return { stdout: run.stdout, stderr: run.stderr, exit: 124 };
    }
    machine.runUntil(next, 100_000);
    flush();
  }
  flush();
  return { stdout: run.stdout, stderr: run.stderr, exit: run.exitCode };
}
