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
  const running = new RunningTask(loop, task, onEnd, onError);
  running.start();
  return running;
}

/** One object a task: thousands of them wait at the same time. */
class RunningTask<T> implements TaskHandle {
  readonly #loop: Loop;
  readonly #task: Task<T>;
  readonly #onEnd: (result: T) => void;
  readonly #onError: ((error: unknown) => void) | undefined;
  #cancelWait: Cancel | undefined;
  #cancelStep: Cancel | undefined;
  /** Tells the present wait's answer from those of waits that were given up. */
  #epoch = 0;
  #ended = false;
  #running = false;
  #paused = false;
  /** The next step is due and only held back by the pause. */
  #held = false;
  /** What the next step begins with: the value waited for, or an error to throw. */
  #value: unknown;
  #throws = false;

  constructor(loop: Loop, task: Task<T>, onEnd: (result: T) => void, onError: ((error: unknown) => void) | undefined) {
    this.#loop = loop;
    this.#task = task;
    this.#onEnd = onEnd;
    this.#onError = onError;
  }

  start(): void {
    this.#step();
  }

  get ended(): boolean {
    return this.#ended;
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#epoch++;
    this.#cancelWait?.();
    this.#cancelStep?.();
    // A task that cancels itself while it runs is unwound by its caller's return.
    if (!this.#running) this.#task.return(undefined as T);
  }

  interrupt(error: unknown): void {
    if (this.#ended || this.#running) return;
    this.#epoch++;
    this.#cancelWait?.();
    this.#cancelStep?.();
    this.#held = false;
    this.#schedule(error, true);
  }

  pause(): void {
    this.#paused = true;
  }

  unpause(): void {
    this.#paused = false;
    if (!this.#held) return;
    this.#held = false;
    if (!this.#ended) this.#schedule(this.#value, this.#throws);
  }

  #schedule(value: unknown, throws: boolean): void {
    this.#value = value;
    this.#throws = throws;
    if (this.#paused) this.#held = true;
    else this.#cancelStep = this.#loop.soon(() => this.#due());
  }

  #due(): void {
    if (this.#paused) this.#held = true;
    else this.#step();
  }

  #step(): void {
    const value = this.#value;
    this.#value = undefined;
    this.#cancelWait = undefined;
    this.#cancelStep = undefined;
    this.#running = true;
    let result: IteratorResult<Wait<unknown>, T>;
    try {
      result = this.#throws ? this.#task.throw(value) : this.#task.next(value);
    } catch (error) {
      this.#ended = true;
      this.#running = false;
      if (!this.#onError) throw error;
      this.#onError(error);
      return;
    }
    this.#running = false;
    if (this.#ended) return;
    if (result.done) {
      this.#ended = true;
      this.#onEnd(result.value);
      return;
    }
    const mine = ++this.#epoch;
    this.#cancelWait = result.value((answer) => this.#answered(mine, answer)) ?? undefined;
  }

  #answered(epoch: number, value: unknown): void {
    if (this.#ended || this.#epoch !== epoch) return;
    this.#epoch++;
    this.#cancelWait = undefined;
    this.#schedule(value, false);
  }
}

/** A value that arrives once; any number may wait for it. */
export class Deferred<T> {
  #value: { readonly value: T } | undefined;
  #waiters: Set<(value: T) => void> | undefined;

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
    const waiters = this.#waiters;
    this.#waiters = undefined;
    // A waiter that is taken back meanwhile has been resumed or does not care.
    for (const waiter of waiters ? [...waiters] : []) waiter(value);
  }

  get wait(): Wait<T> {
    return (resume) => {
      if (this.#value) {
        resume(this.#value.value);
        return undefined;
      }
      const waiters = (this.#waiters ??= new Set());
      waiters.add(resume);
      return () => waiters.delete(resume);
    };
  }
}

/** A bell: wakes everyone who waits at the moment it rings. */
export class Signal {
  #waiters: Set<(value: undefined) => void> | undefined;

  ring(): void {
    const waiters = this.#waiters;
    if (!waiters) return;
    this.#waiters = undefined;
    for (const waiter of [...waiters]) waiter(undefined);
  }

  get wait(): Wait<undefined> {
    return (resume) => {
      const waiters = (this.#waiters ??= new Set());
      waiters.add(resume);
      return () => waiters.delete(resume);
    };
  }
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
