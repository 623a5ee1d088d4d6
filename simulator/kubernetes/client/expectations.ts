/**
 * Creations and deletions that a controller asked for and its cache has not shown yet. A controller that syncs before
 * its cache has caught up would create too much; it waits until its expectations are met, or five minutes.
 */
import type { Clock } from "../../base/clock";

const EXPIRY_MS = 5 * 60_000;

interface Expectation {
  creations: number;
  /** Keys or uids of what is expected to go. */
  deletions: Set<string>;
  at: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expectation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the cache shows all that was asked for, or it has been waited for long enough. */
  satisfied(key: string): boolean {
    const expectation = this.#byKey.get(key);
    if (!expectation) return true;
    if (expectation.creations <= 0 && expectation.deletions.size === 0) return true;
    return this.#clock.now() - expectation.at > EXPIRY_MS;
  }

  expectCreations(key: string, count: number): void {
    this.#byKey.set(key, { creations: count, deletions: new Set(), at: this.#clock.now() });
  }

  expectDeletions(key: string, objects: readonly string[]): void {
    this.#byKey.set(key, { creations: 0, deletions: new Set(objects), at: this.#clock.now() });
  }

  /** Both at once: a controller that creates and deletes in one sync. */
  expect(key: string, creations: number, deletions: readonly string[]): void {
    this.#byKey.set(key, { creations, deletions: new Set(deletions), at: this.#clock.now() });
  }

  creationObserved(key: string): void {
    const expectation = this.#byKey.get(key);
    if (expectation) expectation.creations--;
  }

  deletionObserved(key: string, object: string): void {
    this.#byKey.get(key)?.deletions.delete(object);
  }

  delete(key: string): void {
    this.#byKey.delete(key);
  }
}
