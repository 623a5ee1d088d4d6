/** How often one learner may ask for a replay: a bucket of tokens that refills with time. */
const CAPACITY = 20;
const REFILL_MS = 3000;
const KEPT_MAX = 10_000;

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export class RateLimit {
  #buckets = new Map<string, Bucket>();

  /** Seconds to wait; 0 when the request may go ahead. */
  take(key: string, now = Date.now()): number {
    const bucket = this.#buckets.get(key) ?? { tokens: CAPACITY, at: now };
    const tokens = Math.min(CAPACITY, bucket.tokens + (now - bucket.at) / REFILL_MS);
    this.#buckets.delete(key);
    // The oldest keys go first: a Map keeps insertion order, and every use inserts anew.
    if (this.#buckets.size >= KEPT_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (tokens < 1) {
      this.#buckets.set(key, { tokens, at: now });
      return Math.ceil(((1 - tokens) * REFILL_MS) / 1000);
    }
    this.#buckets.set(key, { tokens: tokens - 1, at: now });
    return 0;
  }
}
