/** Runs waiting code with a time limit. */
import { Deferred, type Task } from "../base/task";
import type { Process } from "../os/process";

type Ending<T> = { readonly kind: "value"; readonly value: T } | { readonly kind: "error"; readonly error: unknown };

/** The task's result; undefined when `ms` passed first (the task is unwound then). Exceptions pass through. */
export function* withDeadline<T>(process: Process, task: Task<T>, ms: number): Task<{ readonly value: T } | undefined> {
  const ending = new Deferred<Ending<T>>();
  function* guarded(): Task<void> {
    try {
      ending.resolve({ kind: "value", value: yield* task });
    } catch (error) {
      ending.resolve({ kind: "error", error });
    }
  }
  const handle = process.thread(guarded());
  let settled = false;
  try {
    const first = yield* process.waitFor(ending.wait, ms);
    if (!first) return undefined;
    settled = true;
    if (first.value.kind === "error") throw first.value.error;
    return { value: first.value.value };
  } finally {
    if (!settled) handle.cancel();
  }
}
