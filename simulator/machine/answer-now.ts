/** Runs a task that must not wait: what an observer asks of a server is answered from what is there, or not at all. */
import type { Task } from "../base/task";

export function answerNow<T>(task: Task<T>): T | undefined {
  const result = task.next();
  if (result.done) return result.value;
  task.return(undefined as T);
  return undefined;
}
