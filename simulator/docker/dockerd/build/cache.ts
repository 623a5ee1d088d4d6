/** The build cache: what a step made, found again by what it was made from. */
import type { Layer } from "../../../containerd/api";
import type { Filters } from "../../api/filters";
import type { Daemon } from "../daemon";
import { goTime } from "../inspect";
import { untilOf } from "../prune-until";

export interface CacheRecord {
  /** 25 letters and digits. */
  readonly id: string;
  readonly key: string;
  readonly description: string;
  readonly type: "regular" | "source.local" | "exec.cachemount" | "frontend" | "internal";
  /** undefined: the step changed no file. */
  readonly layer: Layer | undefined;
  /** What a record without a layer takes: the copy of a folder that was sent. */
  size?: number;
  /** The files of such a copy, each with the hash of its content. */
  files?: ReadonlySet<string>;
  /** Diff ids of the layers of an image that steps were built on. */
  base?: readonly string[];
  readonly parents: readonly string[];
  readonly created: number;
  lastUsed: number;
  uses: number;
}

const caches = new WeakMap<Daemon, Map<string, CacheRecord>>();

export function buildCache(daemon: Daemon): Map<string, CacheRecord> {
  let cache = caches.get(daemon);
  if (!cache) caches.set(daemon, (cache = new Map()));
  return cache;
}

/** Whether an image here holds the record's layer too: then it takes no space of its own. */
function isShared(daemon: Daemon, record: CacheRecord): boolean {
  const { layer } = record;
  return (
    layer !== undefined &&
    daemon.containerd.images.images().some((image) => image.layers.some((own) => own.diffId === layer.diffId))
  );
}

const sizeOf = (record: CacheRecord): number => record.layer?.size ?? record.size ?? 0;

export function buildCacheRecords(daemon: Daemon) {
  return [...buildCache(daemon).values()].map((record) => ({
    ID: record.id,
    Parents: record.parents,
    Type: record.type,
    Description: record.description,
    InUse: false,
    Shared: isShared(daemon, record),
    Size: sizeOf(record),
    CreatedAt: goTime(record.created),
    LastUsedAt: goTime(record.lastUsed),
    UsageCount: record.uses,
  }));
}

/** Layers that the cache holds on to, by diff id: they outlive the images they are in. */
export function cachedLayers(daemon: Daemon): ReadonlySet<string> {
  const held = new Set<string>();
  for (const { layer, base } of buildCache(daemon).values()) {
    if (layer) held.add(layer.diffId);
    for (const each of base ?? []) held.add(each);
  }
  return held;
}

/** docker builder prune: without `all`, only what no image shares. */
export function pruneBuildCache(daemon: Daemon, options: { readonly all: boolean; readonly filters: Filters }) {
  const cache = buildCache(daemon);
  const until = untilOf(daemon.now(), options.filters["until"]?.[0] ?? options.filters["unused-for"]?.[0]);
  const deleted: string[] = [];
  let space = 0;
  for (const [key, record] of [...cache]) {
    if (record.lastUsed > until) continue;
    const shared = isShared(daemon, record);
    if (!options.all && shared) continue;
    cache.delete(key);
    deleted.push(record.id);
    if (!shared) space += sizeOf(record);
  }
  daemon.events.publish("builder", "prune", "", { reclaimed: String(space) });
  return { CachesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: space };
}
