/**
 * The rolling hash of the store, one per revision, so that two runs that differ can be bisected to the first revision
 * where they do. It is computed when asked for: the write path pays nothing.
 */
import { fnv1a } from "../../base/hash";
import type { StoreEvent } from "./event";

const REVISIONS_MAX = 50_000;

export class StateHash {
  #revision = 1;
  #state = 0x811c9dc5;
  #other = 0xc9dc5811;
  /** Both halves after each revision from `#first` on; revisions follow each other without a gap. */
  #first = 2;
  #states: number[] = [];
  #others: number[] = [];
  readonly #subtrees = new WeakMap<object, number>();
  readonly #names = new Map<string, number>();

  /** The newest revision that has been fed. */
  get revision(): number {
    return this.#revision;
  }

  feed(event: StoreEvent): void {
    const { revision } = event;
    if (revision < this.#revision) return;
    this.#mix(fnv1a(event.key, fnv1a(`${event.type} ${revision} `)));
    if (event.type === "PUT") this.#mix(this.#whole(event.kv.value));
    if (this.#states.length === 0 || revision > this.#revision + 1) {
      // A snapshot that was restored leaves a gap: what was before it is another past.
      this.#first = revision;
      this.#states = [];
      this.#others = [];
    }
    this.#revision = revision;
    this.#states[revision - this.#first] = this.#state;
    this.#others[revision - this.#first] = this.#other;
    if (this.#states.length <= REVISIONS_MAX * 1.5) return;
    this.#first += this.#states.length - REVISIONS_MAX;
    this.#states = this.#states.slice(-REVISIONS_MAX);
    this.#others = this.#others.slice(-REVISIONS_MAX);
  }

  at(revision: number): string | undefined {
    if (revision === 1) return "0".repeat(16);
    const state = this.#states[revision - this.#first];
    const other = this.#others[revision - this.#first];
    return state === undefined || other === undefined ? undefined : hex(state) + hex(other);
  }

  #mix(value: number): void {
    this.#state = Math.imul(this.#state ^ value, 0x01000193) ^ (this.#state >>> 15);
    this.#other = Math.imul((this.#other << 5) ^ (this.#other >>> 27) ^ value, 0x85ebca6b);
  }

  /** An object of the API. Neither it nor its metadata is ever part of another one, so nothing is noted of them. */
  #whole(value: unknown): number {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.#value(value);
    let hash = 0x3c6ef372;
    for (const key in value) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      const inner = key === "metadata" && isPlainObject(member) ? this.#members(member) : this.#value(member);
      hash = (hash + Math.imul(this.#name(key) ^ inner, 0xcc9e2d51)) | 0;
    }
    return hash;
  }

  #members(value: object): number {
    let hash = 0x3c6ef372;
    for (const key in value) {
      const member = (value as Record<string, unknown>)[key];
      if (member !== undefined) hash = (hash + Math.imul(this.#name(key) ^ this.#value(member), 0xcc9e2d51)) | 0;
    }
    return hash;
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
    } else hash = this.#members(value);
    if (Object.isFrozen(value)) this.#subtrees.set(value, hash);
    return hash;
  }

  /** The hash of a member's name: there are few, and they come again and again. */
  #name(key: string): number {
    let hash = this.#names.get(key);
    if (hash === undefined) {
      hash = fnv1a(key);
      if (this.#names.size >= 5000) this.#names.clear();
      this.#names.set(key, hash);
    }
    return hash;
  }
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
