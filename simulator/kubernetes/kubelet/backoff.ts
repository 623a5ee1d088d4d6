/** flowcontrol.Backoff: waits that double for each key, and are forgotten when nothing went wrong for long enough. */
import type { Clock, Instant } from "../../base/clock";

interface Entry {
  backoffMs: number;
  lastUpdate: Instant;
}

export class Backoff {
  readonly #clock: Clock;
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, initialMs: number, maxMs: number) {
    this.#clock = clock;
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** The present wait of a key; 0 when there is none. */
  get(key: string): number {
    return this.#entries.get(key)?.backoffMs ?? 0;
  }

  /** Doubles the wait of a key, counted from now. `eventTime` tells whether the last trouble is long past. */
  next(key: string, eventTime: Instant): void {
    const entry = this.#entries.get(key);
    if (!entry || this.#hasExpired(eventTime, entry))
      this.#entries.set(key, { backoffMs: this.#initialMs, lastUpdate: this.#clock.now() });
    else {
      entry.backoffMs = Math.min(entry.backoffMs * 2, this.#maxMs);
      entry.lastUpdate = this.#clock.now();
    }
  }

  /** Whether the wait that began at `eventTime` is still on. */
  isInBackOffSince(key: string, eventTime: Instant): boolean {
    const entry = this.#entries.get(key);
    if (!entry || this.#hasExpired(eventTime, entry)) return false;
    return this.#clock.now() - eventTime < entry.backoffMs;
  }

  /** Whether the wait that began at the last `next` is still on. */
  isInBackOffSinceUpdate(key: string): boolean {
    const entry = this.#entries.get(key);
    const now = this.#clock.now();
    if (!entry || this.#hasExpired(now, entry)) return false;
    return now - entry.lastUpdate < entry.backoffMs;
  }

  forget(keyPrefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(keyPrefix)) this.#entries.delete(key);
  }

  // Twice the longest wait without trouble forgets the key: 10 minutes for crash loops.
  #hasExpired(eventTime: Instant, entry: Entry): boolean {
    return eventTime - entry.lastUpdate > this.#maxMs * 2;
  }
}
