/**
 * Waiting code: generators on the loop. A task yields waits; the runner subscribes to each and steps the generator
 * again, as a loop task, when it is over. There are no Promises: a pending Promise can be neither ordered nor hashed.
 */
import type { Cancel, Loop } from "./loop";

/** Subscribes to something awaited. `resume` is called at most once; the returned cancel unsubscribes. */
export type Wait<T> = (resume: (value: T) => void) => Cancel | undefined;

/** Code that may wait. Call with `yield*`. */
// biome-ignore lint/suspicious/noExplicitAny: the type of each wait is known where suspend() is called.
export type Task<T> = Generator<Wait<any>, T, any>;

/** Waits once. */
export function* suspend<T>(wait: Wait<T>): Task<T> {
  return (yield wait) as T;
}

/** Waits for `ms` of virtual time. */
export function* sleep(loop: Loop, ms: number): Task<void> {
  yield (resume) => loop.after(ms, () => resume(undefined));
}

export interface TaskHandle {
  /** Unwinds the task where it waits (its `finally` blocks run) and never resumes it. `onEnd` is not called. */
  cancel(): void;
  /** Throws `error` into the task where it waits. No effect on a task that has ended. */
  interrupt(error: unknown): void;
  /** Holds the task where it waits: what it waited for may happen, but it does not go on before unpause(). */
  pause(): void;
  unpause(): void;
  readonly ended: boolean;
}

/**
 * Starts a task at once (it runs up to its first wait inside this call); `onEnd` gets its result. An exception that
 * leaves the task goes to `onError`, or up and out of the loop when there is none: it is our bug.
 */
export function startTask<T>(
  loop: Loop,
  task: Task<T>,
  onEnd: (result: T) => void,
  onError?: (error: unknown) => void,
): TaskHandle {
  let cancelWait: Cancel | undefined;
  let cancelStep: Cancel | undefined;
  let epoch = 0;
  let ended = false;
  let running = false;
  let paused = false;
  let held: (() => IteratorResult<Wait<unknown>, T>) | undefined;

  const schedule = (advance: () => IteratorResult<Wait<unknown>, T>): void => {
    if (paused) held = advance;
    else cancelStep = loop.soon(() => (paused ? (held = advance) : step(advance)));
  };

  const step = (advance: () => IteratorResult<Wait<unknown>, T>): void => {
    cancelWait = undefined;
    cancelStep = undefined;
    running = true;
    let result: IteratorResult<Wait<unknown>, T>;
    try {
      result = advance();
    } catch (error) {
      ended = true;
      running = false;
      if (!onError) throw error;
      onError(error);
      return;
    }
    running = false;
    if (ended) return;
    if (result.done) {
      ended = true;
      onEnd(result.value);
      return;
    }
    const mine = ++epoch;
    cancelWait =
      result.value((value) => {
        if (ended || epoch !== mine) return;
        epoch++;
        cancelWait = undefined;
        schedule(() => task.next(value));
      }) ?? undefined;
  };

  const handle: TaskHandle = {
    get ended() {
      return ended;
    },
    cancel() {
      if (ended) return;
      ended = true;
      epoch++;
      cancelWait?.();
      cancelStep?.();
      // A task that cancels itself while it runs is unwound by its caller's return.
      if (!running) task.return(undefined as T);
    },
    interrupt(error) {
      if (ended || running) return;
      epoch++;
      cancelWait?.();
      cancelStep?.();
      held = undefined;
      schedule(() => task.throw(error));
    },
    pause() {
      paused = true;
    },
    unpause() {
      paused = false;
      const advance = held;
      held = undefined;
      if (advance && !ended) schedule(advance);
    },
  };
  step(() => task.next());
  return handle;
}

/** A value that arrives once; any number may wait for it. */
export class Deferred<T> {
  #value: { readonly value: T } | undefined;
  #waiters = new Set<(value: T) => void>();

  get settled(): boolean {
    return this.#value !== undefined;
  }

  /** The value, when it has arrived. */
  peek(): T | undefined {
    return this.#value?.value;
  }

  /** Later calls are ignored: the first value stays. */
  resolve(value: T): void {
    if (this.#value) return;
    this.#value = { value };
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(value);
  }

  readonly wait: Wait<T> = (resume) => {
    if (this.#value) {
      resume(this.#value.value);
      return undefined;
    }
    this.#waiters.add(resume);
    return () => this.#waiters.delete(resume);
  };
}

/** A bell: wakes everyone who waits at the moment it rings. */
export class Signal {
  #waiters = new Set<(value: undefined) => void>();

  ring(): void {
    if (this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(undefined);
  }

  readonly wait: Wait<undefined> = (resume) => {
    this.#waiters.add(resume);
    return () => this.#waiters.delete(resume);
  };
}

/** Waits for whichever comes first; answers its position and value. */
export function firstOf(waits: readonly Wait<unknown>[]): Wait<{ readonly index: number; readonly value: unknown }> {
  return (resume) => {
    const cancels: (Cancel | undefined)[] = [];
    let done = false;
    waits.forEach((wait, index) => {
      if (done) return;
      cancels.push(
        wait((value) => {
          if (done) return;
          done = true;
          for (const cancel of cancels) cancel?.();
          resume({ index, value });
        }) ?? undefined,
      );
    });
    return () => {
      done = true;
      for (const cancel of cancels) cancel?.();
    };
  };
}
