/** Snapshots of etcd's keys as files, and putting one back: what `etcdctl snapshot` and a changed data directory do. */
import { decodeUtf8, encodeUtf8, type Bytes } from "../../base/bytes";
import { fnv1a } from "../../base/hash";
import { deepFreeze } from "../../base/json";
import type { KubeObject } from "../apimachinery/object";
import type { Store } from "../etcd/store";

const MAGIC = "etcd-snapshot\n";

export interface Snapshot {
  readonly revision: number;
  readonly keys: readonly (readonly [string, unknown])[];
}

export function takeSnapshot(store: Store): Bytes {
  const all = store.prefix("/");
  const keys = all.ok ? all.value.kvs.map((kv) => [kv.key, kv.value] as const) : [];
  return encodeUtf8(MAGIC + JSON.stringify({ revision: store.revision, keys } satisfies Snapshot));
}

/** Undefined: the file is no snapshot. */
export function readSnapshot(content: Bytes): Snapshot | undefined {
  if (!content.startsWith(MAGIC)) return undefined;
  try {
    return JSON.parse(decodeUtf8(content.slice(MAGIC.length) as Bytes));
  } catch {
    return undefined;
  }
}

export const snapshotHash = (content: Bytes): string => fnv1a(content).toString(16);

/**
 * Makes the store hold what a snapshot holds. A real restored member begins at the snapshot's own revision; here the
 * revision goes on rising, so that clients that watch are told of every change.
 */
export function restoreSnapshot(store: Store, snapshot: Snapshot): void {
  const wanted = new Map(snapshot.keys);
  const present = store.prefix("/");
  for (const { key } of present.ok ? present.value.kvs : []) if (!wanted.has(key)) store.delete(key);
  for (const [key, value] of wanted) {
    const now = store.get(key)?.value;
    if (JSON.stringify(now) === JSON.stringify(value)) continue;
    store.txn([], [{ op: "put", key, value: (revision) => stamped(value, revision) }]);
  }
}

function stamped(value: unknown, revision: number): unknown {
  const object = value as KubeObject;
  if (typeof object?.metadata !== "object") return deepFreeze(value);
  return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
}
