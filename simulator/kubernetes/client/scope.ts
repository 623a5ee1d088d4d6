/**
 * Scope: the life of one run of a component. Everything that a run schedules goes through its scope; when the
 * component's process stops, the scope ends and nothing of that run happens any more.
 */
import type { Instant } from "../../base/clock";
import type { Cancel, Loop } from "../../base/loop";

export class Scope {
  readonly loop: Loop;
  #ended = false;
  readonly #cancels = new Set<Cancel>();

  constructor(loop: Loop) {
    this.loop = loop;
  }

  get ended(): boolean {
    return this.#ended;
  }

  now(): Instant {
    return this.loop.now();
  }

  /** As Loop.after, but never after the end of the scope. */
  after(delayMs: number, run: () => void): Cancel {
    if (this.#ended) return () => {};
    const cancel = this.loop.after(delayMs, () => {
      this.#cancels.delete(taken);
      if (!this.#ended) run();
    });
    const taken: Cancel = () => {
      this.#cancels.delete(taken);
      cancel();
    };
    this.#cancels.add(taken);
    return taken;
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Calls `run` each `periodMs`, the first time after `firstMs`. */
  every(periodMs: number, run: () => void, firstMs = periodMs): void {
    if (!this.#ended) this.#cancels.add(this.loop.every(periodMs, run, firstMs));
  }

  /** Calls `cancel` when the scope ends. The result takes the registration back. */
  onEnd(cancel: Cancel): Cancel {
    if (this.#ended) {
      cancel();
      return () => {};
    }
    this.#cancels.add(cancel);
    return () => this.#cancels.delete(cancel);
  }

  /** Ends the run. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const cancels = [...this.#cancels];
    this.#cancels.clear();
    for (const cancel of cancels) cancel();
  }
}
