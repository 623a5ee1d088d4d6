/**
 * Code that is loaded apart: a page starts without it and fetches it when a task needs it, or before. Everything that is
 * no page provides all parts at once. The task that uses a part waits for one step of the loop either way, so a world is
 * the same whenever its code arrived.
 */
import type { Loadable, Loop } from "./loop";
import type { Task } from "./task";

export class Part<T> implements Loadable {
  readonly name: string;
  #code: T | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isThere(): boolean {
    return this.#code !== undefined;
  }

  provide(code: T): void {
    this.#code = code;
  }

  /** The code, once it is there. */
  *use(loop: Loop): Task<T> {
    yield (resume) => loop.soon(() => resume(undefined), this);
    return this.#code!;
  }
}
