/**
 * The rolling hash of the store, one per revision, so that two runs that differ can be bisected to the first revision
 * where they do. It is computed when asked for: the write path pays nothing.
 */
import { fnv1a } from "../../base/hash";
import type { StoreEvent } from "./event";

export class StateHash {
  #revision = 1;
  #state = 0x811c9dc5;
  #other = 0xc9dc5811;
  readonly #perRevision = new Map<number, string>();
  readonly #subtrees = new WeakMap<object, number>();

  /** The newest revision that has been fed. */
  get revision(): number {
    return this.#revision;
  }

  feed(event: StoreEvent): void {
    if (event.revision < this.#revision) return;
    const head = fnv1a(`${event.type} ${event.revision} ${event.key}`);
    this.#mix(head);
    if (event.type === "PUT") this.#mix(this.#value(event.kv.value));
    this.#revision = event.revision;
    this.#perRevision.set(event.revision, hex(this.#state) + hex(this.#other));
    if (this.#perRevision.size > 50_000) this.#perRevision.delete(this.#perRevision.keys().next().value!);
  }

  at(revision: number): string | undefined {
    if (revision === 1) return "0".repeat(16);
    return this.#perRevision.get(revision);
  }

  #mix(value: number): void {
    this.#state = Math.imul(this.#state ^ value, 0x01000193) ^ (this.#state >>> 15);
    this.#other = Math.imul((this.#other << 5) ^ (this.#other >>> 27) ^ value, 0x85ebca6b);
  }

  /** Structural hash; frozen subtrees are hashed once, and key order does not matter. */
  #value(value: unknown): number {
    if (typeof value === "string") return fnv1a(value, 0x9747b28c);
    if (typeof value === "number") return fnv1a(String(value), 0x1234567);
    if (typeof value === "boolean") return value ? 0x51ed270b : 0x2545f491;
    if (typeof value !== "object" || value === null) return 0x9e3779b9;
    const known = this.#subtrees.get(value);
    if (known !== undefined) return known;
    let hash: number;
    if (Array.isArray(value)) {
      hash = 0x7f4a7c15;
      for (const item of value) hash = Math.imul(hash ^ this.#value(item), 0x5bd1e995) ^ (hash >>> 13);
    } else {
      hash = 0x3c6ef372;
      for (const key in value) {
        const member = (value as Record<string, unknown>)[key];
        if (member !== undefined) hash = (hash + Math.imul(fnv1a(key) ^ this.#value(member), 0xcc9e2d51)) | 0;
      }
    }
    if (Object.isFrozen(value)) this.#subtrees.set(value, hash);
    return hash;
  }
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
