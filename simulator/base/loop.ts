/**
 * The one event loop of a machine: a heap of tasks ordered by (virtual time, sequence). Everything that happens is a
 * task. Time moves only when the next task is later than now.
 */
import { assert } from "./assert";
import type { Clock, Instant } from "./clock";

/** Takes a scheduled task back. Harmless when it has run already. */
export type Cancel = () => void;

interface Task {
  readonly at: Instant;
  readonly sequence: number;
  run: (() => void) | undefined;
}

export class Loop implements Clock {
  #now: Instant;
  #sequence = 0;
  #stepCount = 0;
  readonly #heap: Task[] = [];
  readonly #ready: Task[] = [];
  #readyHead = 0;

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

  /** Runs `run` at the present instant, after what is already due. */
  soon(run: () => void): Cancel {
    const task: Task = { at: this.#now, sequence: ++this.#sequence, run };
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
    const task: Task = { at: instant, sequence: ++this.#sequence, run };
    push(this.#heap, task);
    return () => {
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
    if (!task || task.at > until) return false;
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
   * ran first: the clock then stands at the last task.
   */
  runUntil(until: Instant, maxSteps = Number.POSITIVE_INFINITY): boolean {
    let steps = 0;
    while (this.step(until)) if (++steps >= maxSteps) return false;
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
