/** Runs a task for at most a while; what has not ended by then is unwound. */
import { type Task, startTask, suspend } from "../../base/task";
import type { Process } from "../../os/process";

type Outcome<T> = { readonly value: T } | { readonly error: unknown } | undefined;

/** The task's result, or undefined when the time ran out first. What the task throws is thrown here. */
export function* within<T>(process: Process, ms: number, task: Task<T>): Task<T | undefined> {
  const loop = process.kernel.loop;
  const outcome = yield* suspend<Outcome<T>>((resume) => {
    let done = false;
    const settle = (value: Outcome<T>): void => {
      if (done) return;
      done = true;
      resume(value);
    };
    const handle = startTask(
      loop,
      task,
      (value) => settle({ value }),
      (error) => settle({ error }),
    );
    const cancel = loop.after(ms, () => {
      if (done) return;
      handle.cancel();
      settle(undefined);
    });
    return () => {
      done = true;
      cancel();
      handle.cancel();
    };
  });
  if (outcome === undefined) return undefined;
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
