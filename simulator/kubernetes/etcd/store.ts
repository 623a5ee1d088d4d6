/**
 * etcd's MVCC store: every transaction that writes makes one revision; a key remembers the values it had, so the past
 * can be read until it is compacted. Values are frozen and shared, never copied.
 */
import { assert } from "../../base/assert";
import { limits } from "../../base/limits";
import { failure, ok, type Result } from "../../base/result";
import type { KeyValue, StoreEvent } from "./event";
import { SortedMap } from "./sorted-map";
import { StateHash } from "./state-hash";

export type { KeyValue, StoreEvent } from "./event";

export type Compare =
  | { readonly key: string; readonly target: "modRevision" | "createRevision" | "version"; readonly equals: number }
  /** The key must not exist. */
  | { readonly key: string; readonly target: "absent" };

export type Operation<V> =
  /** `value` may be made from the revision it will have, since API objects carry theirs. */
  | { readonly op: "put"; readonly key: string; readonly value: (revision: number) => V }
  | { readonly op: "delete"; readonly key: string };

export interface TxnResponse<V> {
  readonly succeeded: boolean;
  readonly revision: number;
  /** What each operation wrote, in order; undefined for a delete of nothing. */
  readonly results: readonly (KeyValue<V> | undefined)[];
}

export type RevisionError = "compacted" | "future";

export interface RangeResult<V> {
  readonly kvs: readonly KeyValue<V>[];
  /** How many keys the range holds, whatever the limit. */
  readonly count: number;
  readonly revision: number;
}

/** The values a key had, oldest first. A tombstone has no kv. */
interface History<V> {
  readonly entries: { readonly revision: number; readonly kv: KeyValue<V> | undefined }[];
}

/** Called inside the transaction, after it has been applied: an invariant that fails throws. */
export type TransactionHook = (events: readonly StoreEvent[]) => void;

export class Store<V = unknown> {
  #revision = 1;
  #compacted = 0;
  readonly #keys = new SortedMap<History<V>>();
  readonly #histories = new Map<string, History<V>>();
  readonly #log: StoreEvent<V>[] = [];
  readonly #listeners: ((events: readonly StoreEvent<V>[]) => void)[] = [];
  readonly #hooks: TransactionHook[] = [];
  readonly #hash = new StateHash();

  /** The newest revision. A fresh store stands at 1, as etcd does. */
  get revision(): number {
    return this.#revision;
  }

  /** The newest revision that is gone. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  /** Told of each transaction's events once it is done, in order. */
  onCommit(listener: (events: readonly StoreEvent<V>[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Adds an invariant that is checked after each transaction. */
  onTransaction(hook: TransactionHook): void {
    this.#hooks.push(hook);
  }

  get(key: string, revision?: number): KeyValue<V> | undefined {
    const history = this.#histories.get(key);
    if (!history) return undefined;
    if (revision === undefined) return history.entries.at(-1)?.kv;
    return at(history, revision);
  }

  /** All keys in [from, to), in key order, at a revision. */
  range(
    from: string,
    to: string,
    options: { readonly limit?: number; readonly revision?: number } = {},
  ): Result<RangeResult<V>, RevisionError> {
    const { revision = this.#revision, limit = Number.POSITIVE_INFINITY } = options;
    if (revision > this.#revision) return failure("future");
    if (revision < this.#compacted) return failure("compacted");
    const kvs: KeyValue<V>[] = [];
    let count = 0;
    for (const history of this.#keys.range(from, to)) {
      const kv = at(history, revision);
      if (!kv) continue;
      if (count < limit) kvs.push(kv);
      count++;
    }
    return ok({ kvs, count, revision: this.#revision });
  }

  /** All keys that begin with `prefix`. */
  prefix(
    prefix: string,
    options: { readonly limit?: number; readonly revision?: number } = {},
  ): Result<RangeResult<V>, RevisionError> {
    return this.range(prefix, prefixEnd(prefix), options);
  }

  /** If all compares hold, the operations, as one revision; else nothing. */
  txn(compares: readonly Compare[], operations: readonly Operation<V>[]): TxnResponse<V> {
    for (const compare of compares) {
      if (!this.#holds(compare)) return { succeeded: false, revision: this.#revision, results: [] };
    }
    const revision = this.#revision + 1;
    const events: StoreEvent<V>[] = [];
    const results: (KeyValue<V> | undefined)[] = [];
    for (const operation of operations) {
      const event = operation.op === "put" ? this.#put(operation, revision) : this.#delete(operation.key, revision);
      results.push(event?.kv);
      if (event) events.push(event);
    }
    if (events.length > 0) {
      this.#revision = revision;
      for (const event of events) this.#log.push(event);
      for (const hook of this.#hooks) hook(events);
      for (const listener of this.#listeners) listener(events);
      if (this.#log.length > limits.etcdRevisionsMax * 1.25) this.compact(this.#revision - limits.etcdRevisionsMax);
    }
    return { succeeded: true, revision: this.#revision, results };
  }

  put(key: string, value: V): KeyValue<V> {
    return this.txn([], [{ op: "put", key, value: () => value }]).results[0]!;
  }

  delete(key: string): KeyValue<V> | undefined {
    return this.txn([], [{ op: "delete", key }]).results[0];
  }

  /** Events after a revision on keys with a prefix, for a watcher that begins in the past. */
  eventsSince(revision: number, prefix: string): Result<readonly StoreEvent<V>[], RevisionError> {
    if (revision < this.#compacted) return failure("compacted");
    const found: StoreEvent<V>[] = [];
    for (let i = this.#logIndexAfter(revision); i < this.#log.length; i++) {
      const event = this.#log[i]!;
      if (event.key.startsWith(prefix)) found.push(event);
    }
    return ok(found);
  }

  /** Forgets what was overwritten at or before `revision`. */
  compact(revision: number): Result<void, RevisionError> {
    if (revision > this.#revision) return failure("future");
    if (revision <= this.#compacted) return failure("compacted");
    const end = this.#logIndexAfter(revision);
    const touched = new Set<string>();
    // What goes is hashed first, so that the hash of later revisions still covers it.
    for (let i = this.#logIndexAfter(this.#hash.revision); i < end; i++) this.#hash.feed(this.#log[i]!);
    for (let i = 0; i < end; i++) touched.add(this.#log[i]!.key);
    this.#log.splice(0, end);
    for (const key of touched) {
      const { entries } = this.#histories.get(key) ?? { entries: [] };
      let keep = 0;
      while (keep + 1 < entries.length && entries[keep + 1]!.revision <= revision) keep++;
      // A tombstone that is compacted leaves nothing.
      if (keep < entries.length && entries[keep]!.revision <= revision && !entries[keep]!.kv) keep++;
      entries.splice(0, keep);
      if (entries.length === 0) {
        this.#histories.delete(key);
        this.#keys.delete(key);
      }
    }
    this.#compacted = revision;
    return ok();
  }

  /** The rolling hash of all events up to a revision (the newest when left out). Computed when asked for. */
  hash(revision = this.#revision): string | undefined {
    for (let i = this.#logIndexAfter(this.#hash.revision); i < this.#log.length; i++) this.#hash.feed(this.#log[i]!);
    return this.#hash.at(revision);
  }

  #holds(compare: Compare): boolean {
    const kv = this.get(compare.key);
    if (compare.target === "absent") return kv === undefined;
    return (kv?.[compare.target] ?? 0) === compare.equals;
  }

  #put(operation: { readonly key: string; readonly value: (revision: number) => V }, revision: number): StoreEvent<V> {
    const { key } = operation;
    let history = this.#histories.get(key);
    const previous = history?.entries.at(-1)?.kv;
    const kv: KeyValue<V> = {
      key,
      value: operation.value(revision),
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
    };
    if (!history) {
      history = { entries: [] };
      this.#histories.set(key, history);
      this.#keys.add(key, history);
    }
    assert((history.entries.at(-1)?.revision ?? 0) < revision, "a transaction writes a key once");
    history.entries.push({ revision, kv });
    return { type: "PUT", revision, key, kv, previous };
  }

  #delete(key: string, revision: number): StoreEvent<V> | undefined {
    const history = this.#histories.get(key);
    const previous = history?.entries.at(-1)?.kv;
    if (!history || !previous) return undefined;
    assert(history.entries.at(-1)!.revision < revision, "a transaction writes a key once");
    history.entries.push({ revision, kv: undefined });
    return { type: "DELETE", revision, key, kv: previous, previous };
  }

  /** Position in the log of the first event after `revision`. */
  #logIndexAfter(revision: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#log[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function at<V>({ entries }: History<V>, revision: number): KeyValue<V> | undefined {
  for (let i = entries.length - 1; i >= 0; i--) if (entries[i]!.revision <= revision) return entries[i]!.kv;
  return undefined;
}

/** The first key after all that begin with `prefix`. */
export const prefixEnd = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
