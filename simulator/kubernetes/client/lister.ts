/** Store: an informer's cache. Reads by key, by namespace and by index; what it returns is frozen. */
import { assert } from "../../base/assert";
import type { KubeObject } from "../apimachinery/object";

/** Which values of an index an object stands under. */
export type IndexFunction<T> = (object: T) => readonly string[];

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  readonly buckets: Map<string, Map<string, T>>;
}

/** What callers of an informer's cache may do with it. */
export interface Lister<T extends KubeObject> {
  get(key: string): T | undefined;
  list(): IterableIterator<T>;
  inNamespace(namespace: string): Iterable<T>;
  byIndex(name: string, value: string): Iterable<T>;
  readonly size: number;
}

const BY_NAMESPACE = "namespace";
const none: readonly never[] = [];

export class Store<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  /** Adds an index, or does nothing when one of that name is there. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { valuesOf, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index, key, object);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  list(): IterableIterator<T> {
    return this.#objects.values();
  }

  inNamespace(namespace: string): Iterable<T> {
    if (!this.#indexes.has(BY_NAMESPACE)) this.addIndex(BY_NAMESPACE, (o) => [o.metadata.namespace ?? ""]);
    return this.byIndex(BY_NAMESPACE, namespace);
  }

  byIndex(name: string, value: string): Iterable<T> {
    const index = this.#indexes.get(name);
    assert(index, `the index "${name}" has been added`);
    return index.buckets.get(value)?.values() ?? none;
  }

  /** How many objects stand under a value of an index. */
  countByIndex(name: string, value: string): number {
    return this.#indexes.get(name)?.buckets.get(value)?.size ?? 0;
  }

  set(key: string, object: T): void {
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (old) replace(index, key, old, object);
      else insert(index, key, object);
    }
  }

  delete(key: string): void {
    const old = this.#objects.get(key);
    if (!old) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) remove(index, key, old);
  }
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    let bucket = index.buckets.get(value);
    if (!bucket) {
      bucket = new Map();
      index.buckets.set(value, bucket);
    }
    bucket.set(key, object);
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const bucket = index.buckets.get(value);
    if (!bucket) continue;
    bucket.delete(key);
    if (bucket.size === 0) index.buckets.delete(value);
  }
}

function replace<T>(index: Index<T>, key: string, old: T, object: T): void {
  const before = index.valuesOf(old);
  const after = index.valuesOf(object);
  if (before.length === 1 && after.length === 1 && before[0] === after[0]) {
    index.buckets.get(after[0]!)!.set(key, object);
    return;
  }
  remove(index, key, old);
  insert(index, key, object);
}
