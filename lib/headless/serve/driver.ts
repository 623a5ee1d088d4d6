/** Drives a machine's loop from real time, faster by a factor, or ahead of it while somebody waits. */
import type { Machine } from "@/simulator";

export type Speed = number | "max";

/** Loop tasks between two looks at the sockets. */
const STEPS_PER_SLICE = 20_000;
/** How far a turn runs ahead for a request that waits, and for one that only listens, in virtual ms. */
const AHEAD_MS = { answer: 1000, stream: 100 };
const LONGEST_SLEEP_MS = 1000;
/** "max": how fast time goes by for a client that asks, sleeps and asks again, and how long after its last request. */
const POLLED = { factor: 20, forMs: 3000 };

export class Driver {
  readonly machine: Machine;
  readonly #speed: Speed;
  /** A pair of equal moments: virtual and real. */
  #virtual: number;
  #real = performance.now();
  #lastRequest = Number.NEGATIVE_INFINITY;
  #answersAwaited = 0;
  #streams = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #stopped = false;
  #faultsTold = 0;
  /** Told of bugs of the simulator. */
  onFault: (text: string) => void = () => {};

  constructor(machine: Machine, speed: Speed) {
    this.machine = machine;
    this.#speed = speed;
    this.#virtual = machine.now();
    this.#turn();
  }

  /** Does something to the machine, now: what is due is run before it and after it. */
  do<T>(action: () => T): T {
    this.#runDue();
    this.#lastRequest = performance.now();
    const result = action();
    // What an input causes at this instant happens before anybody looks.
    this.#runDue();
    this.#wake();
    return result;
  }

  /** Somebody waits for an answer (or listens to a stream) until the returned function is called. */
  waitFor(kind: "answer" | "stream"): () => void {
    const add = (n: number): void => {
      if (kind === "answer") this.#answersAwaited += n;
      else this.#streams += n;
    };
    add(1);
    let over = false;
    this.#wake();
    return () => {
      if (over) return;
      over = true;
      add(-1);
    };
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  get #factor(): number {
    if (this.#speed !== "max") return this.#speed;
    return performance.now() - this.#lastRequest < POLLED.forMs ? POLLED.factor : 1;
  }

  #target(): number {
    return this.#virtual + (performance.now() - this.#real) * this.#factor;
  }

  /** A machine that cannot keep up goes on from where it is. */
  #rebase(): void {
    this.#virtual = this.machine.now();
    this.#real = performance.now();
  }

  #runDue(): void {
    const target = Math.max(this.#target(), this.machine.now());
    const isInTime = this.machine.runUntil(target, STEPS_PER_SLICE);
    if (!isInTime || this.#speed === "max") this.#rebase();
    for (const fault of this.machine.faults.slice(this.#faultsTold)) this.onFault(fault);
    this.#faultsTold = this.machine.faults.length;
  }

  #wake(): void {
    if (this.#stopped || this.#immediate) return;
    this.#immediate = setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#immediate = undefined;
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#runDue();
    if (this.#speed === "max" && this.#answersAwaited + this.#streams > 0) {
      this.#runAhead();
      // Clients get a moment to act on what they were told.
      if (this.#answersAwaited > 0) this.#wake();
      else this.#timer = setTimeout(() => this.#turn(), 2);
      return;
    }
    const next = this.machine.nextAt();
    if (next === undefined) return;
    const delay = Math.max(0, (next - this.#target()) / this.#factor);
    if (delay === 0) this.#wake();
    else this.#timer = setTimeout(() => this.#turn(), Math.min(LONGEST_SLEEP_MS, delay));
  }

  #runAhead(): void {
    const awaited = this.#answersAwaited;
    const from = this.machine.now();
    const firstStep = this.machine.steps;
    const until = from + (awaited > 0 ? AHEAD_MS.answer : AHEAD_MS.stream);
    for (;;) {
      const next = this.machine.nextAt();
      if (next === undefined || next > until) {
        this.machine.runUntil(until, STEPS_PER_SLICE);
        break;
      }
      this.machine.runUntil(next, STEPS_PER_SLICE);
      // Whoever got an answer acts before more time goes by.
      if (this.#answersAwaited < awaited || this.machine.steps - firstStep > STEPS_PER_SLICE) break;
    }
    this.#rebase();
  }
}
