/**
 * Work queue of keys: a key that waits is there once; a key being worked on that is added again is worked on again
 * afterwards; keys can be added later, or with an exponential back-off of their own (client-go's
 * DefaultTypedControllerRateLimiter: 5 ms doubled up to 1000 s). Bounded by nature: it holds keys, and each once.
 */
import type { Cancel } from "../../base/loop";
import type { Scope } from "./scope";

export interface WorkQueueOptions {
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
}

export class WorkQueue {
  readonly #scope: Scope;
  readonly #baseMs: number;
  readonly #maxMs: number;
  /** Keys to be worked on, in order. */
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added again while worked on. */
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly at: number; readonly cancel: Cancel }>();
  readonly #failures = new Map<string, number>();
  #onReady: (() => void) | undefined;

  constructor(scope: Scope, { backoffBaseMs = 5, backoffMaxMs = 1_000_000 }: WorkQueueOptions = {}) {
    this.#scope = scope;
    this.#baseMs = backoffBaseMs;
    this.#maxMs = backoffMaxMs;
  }

  /** Called when a key becomes ready. */
  onReady(run: () => void): void {
    this.#onReady = run;
  }

  /** Keys that are ready. */
  get length(): number {
    return this.#ready.size;
  }

  /** Keys that wait for their time. */
  get waiting(): number {
    return this.#later.size;
  }

  add(key: string): void {
    if (this.#scope.ended) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.add(key);
    this.#onReady?.();
  }

  /** Adds the key after a while. Of several such wishes the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (!(delayMs > 0)) {
      this.add(key);
      return;
    }
    const at = this.#scope.now() + delayMs;
    const known = this.#later.get(key);
    if (known) {
      if (known.at <= at) return;
      known.cancel();
    }
    const cancel = this.#scope.after(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { at, cancel });
  }

  /** Adds the key after its back-off, which doubles with each failure until forget(). */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseMs * 2 ** Math.min(failures, 40), this.#maxMs));
  }

  /** The key has succeeded, or is given up: its back-off starts anew. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  numRequeues(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes the first ready key. It must be given back with done(). */
  take(): string | undefined {
    const first = this.#ready.values().next();
    if (first.done) return undefined;
    this.#ready.delete(first.value);
    this.#processing.add(first.value);
    return first.value;
  }

  done(key: string): void {
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }
}
