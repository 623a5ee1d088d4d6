/** What etcd holds of a key, and how it tells of a change. */

export interface KeyValue<V = unknown> {
  readonly key: string;
  readonly value: V;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since the key was created, from 1. */
  readonly version: number;
}

/** One change, as the store tells it. */
export interface StoreEvent<V = unknown> {
  readonly type: "PUT" | "DELETE";
  readonly revision: number;
  readonly key: string;
  /** The new value; of a DELETE the last one. */
  readonly kv: KeyValue<V>;
  readonly previous: KeyValue<V> | undefined;
}
