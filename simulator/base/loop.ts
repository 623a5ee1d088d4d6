/**
 * The one event loop of a machine: a heap of tasks ordered by (virtual time, sequence). Everything that happens is a
 * task. Time moves only when the next task is later than now.
 */
import { assert } from "./assert";
import type { Clock, Instant } from "./clock";

/** Takes a scheduled task back. Harmless when it has run already. */
export type Cancel = () => void;

interface Task {
  at: Instant;
  sequence: number;
  run: (() => void) | undefined;
  readonly needs: Loadable | undefined;
}

/** Code that a task needs and that a page may not have loaded yet (see part.ts). */
export interface Loadable {
  readonly name: string;
  readonly isThere: boolean;
}

export class Loop implements Clock {
  #now: Instant;
  #sequence = 0;
  #stepCount = 0;
  readonly #heap: Task[] = [];
  readonly #ready: Task[] = [];
  #readyHead = 0;
  #missing: string | undefined;

  constructor(start: Instant) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  /** How many tasks have run: the step budget of a replay counts these. */
  get stepCount(): number {
    return this.#stepCount;
  }

  /** What the next task needs and is not there: the loop stands still until it is. */
  get missing(): string | undefined {
    return this.#missing;
  }

  /**
   * Runs `run` at the present instant, after what is already due. A task that `needs` code which is not there stops the
   * loop before it, however long that takes: what runs, and in which order, does not depend on when code arrived.
   */
  soon(run: () => void, needs?: Loadable): Cancel {
    const task: Task = { at: this.#now, sequence: ++this.#sequence, run, needs };
    this.#ready.push(task);
    return () => {
      task.run = undefined;
    };
  }

  /** Runs `run` after `delayMs` of virtual time (0 or less: as soon()). */
  after(delayMs: number, run: () => void): Cancel {
    if (!(delayMs > 0)) return this.soon(run);
    return this.at(this.#now + delayMs, run);
  }

  at(instant: Instant, run: () => void): Cancel {
    if (instant <= this.#now) return this.soon(run);
    const task: Task = { at: instant, sequence: ++this.#sequence, run, needs: undefined };
    push(this.#heap, task);
    return () => {
      task.run = undefined;
    };
  }

  /**
   * Runs `run` after `firstMs` and then each time `periodMs` after it has run, until it is taken back. One task object
   * serves for all the times: a world at rest consists of these.
   */
  every(periodMs: number, run: () => void, firstMs = periodMs): Cancel {
    let stopped = false;
    const task: Task = { at: this.#now, sequence: ++this.#sequence, run: undefined, needs: undefined };
    const tick = (): void => {
      run();
      if (stopped) return;
      task.at = this.#now + periodMs;
      task.sequence = ++this.#sequence;
      task.run = tick;
      push(this.#heap, task);
    };
    assert(periodMs > 0, "what is done again and again takes time in between");
    task.run = tick;
    if (firstMs > 0) {
      task.at += firstMs;
      push(this.#heap, task);
    } else this.#ready.push(task);
    return () => {
      stopped = true;
      task.run = undefined;
    };
  }

  /** The instant of the next task, or undefined when nothing is scheduled. */
  nextAt(): Instant | undefined {
    if (this.#peekReady()) return this.#now;
    while (this.#heap.length > 0 && !this.#heap[0]!.run) pop(this.#heap);
    return this.#heap[0]?.at;
  }

  /** Runs one task if there is one due at or before `until`. Returns whether one ran. */
  step(until: Instant = Number.POSITIVE_INFINITY): boolean {
    const ready = this.#peekReady();
    const timed = this.#peekHeap();
    // A timed task that has fallen due runs before a ready one with a later sequence.
    const useTimed = timed && (!ready || (timed.at <= this.#now && timed.sequence < ready.sequence));
    const task = useTimed ? timed : ready;
    this.#missing = undefined;
    if (!task || task.at > until) return false;
    if (task.needs && !task.needs.isThere) {
      this.#missing = task.needs.name;
      return false;
    }
    if (useTimed) pop(this.#heap);
    else this.#takeReady();
    assert(task.at >= this.#now || !useTimed, "virtual time never moves back");
    if (task.at > this.#now) this.#now = task.at;
    const run = task.run!;
    task.run = undefined;
    this.#stepCount++;
    run();
    return true;
  }

  /**
   * Runs every task due up to and including `until`, then sets the clock there. Returns false when `maxSteps` tasks
   * ran first, or code is missing: the clock then stands at the last task.
   */
  runUntil(until: Instant, maxSteps = Number.POSITIVE_INFINITY): boolean {
    let steps = 0;
    while (this.step(until)) if (++steps >= maxSteps) return false;
    if (this.#missing !== undefined) return false;
    if (until > this.#now) this.#now = until;
    return true;
  }

  #peekReady(): Task | undefined {
    while (this.#readyHead < this.#ready.length) {
      const task = this.#ready[this.#readyHead]!;
      if (task.run) return task;
      this.#readyHead++;
    }
    this.#ready.length = 0;
    this.#readyHead = 0;
    return undefined;
  }

  #takeReady(): void {
    this.#readyHead++;
    if (this.#readyHead > 1024 && this.#readyHead * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#readyHead);
      this.#readyHead = 0;
    }
  }

  #peekHeap(): Task | undefined {
    while (this.#heap.length > 0 && !this.#heap[0]!.run) pop(this.#heap);
    return this.#heap[0];
  }
}

const before = (a: Task, b: Task): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence);

function push(heap: Task[], task: Task): void {
  let i = heap.length;
  heap.push(task);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!before(task, heap[parent]!)) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = task;
}

function pop(heap: Task[]): void {
  const last = heap.pop()!;
  const size = heap.length;
  if (size === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= size) break;
    if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = last;
}
