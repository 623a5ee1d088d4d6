/**
 * Storage of one resource: its etcd keys, and the watch cache: the objects as they are now, in key order, an index of
 * Pods by node, the recent events, and the watchers. Objects are the frozen values of etcd itself.
 */
import type { KubeObject } from "../apimachinery/object";
import type { ResourceDefinition } from "../apimachinery/resource";
import { SortedMap } from "../etcd/sorted-map";
import type { StoreEvent } from "../etcd/store";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** A change of one object, as every watcher shares it. */
export interface CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

export interface CacheWatcher {
  /** Only Pods that are, or were, on this node reach the watcher. */
  readonly nodeName?: string;
  /** Only objects of this namespace. */
  readonly namespace?: string;
  receive(event: CacheEvent): void;
}

/** Where upstream's paths differ from `/registry/<resource>/`. */
const PREFIXES: Readonly<Record<string, string>> = {
  nodes: "minions",
  services: "services/specs",
  endpoints: "services/endpoints",
  "ingresses.networking.k8s.io": "ingress",
  "ingressclasses.networking.k8s.io": "ingressclasses",
  "customresourcedefinitions.apiextensions.k8s.io": "apiextensions.k8s.io/customresourcedefinitions",
  "apiservices.apiregistration.k8s.io": "apiregistration.k8s.io/apiservices",
};

/** Events kept for watchers that begin in the past. Upstream's caches grow to 100 k; ours are bounded alike. */
const EVENTS_MAX = 20_000;

export const registryPrefix = (resource: ResourceDefinition): string => {
  const groupResource = resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
  const known = PREFIXES[groupResource] ?? (resource.group === "" ? PREFIXES[resource.plural] : undefined);
  if (known) return `/registry/${known}/`;
  // Custom kinds stand under their group, and so do built-in kinds whose plural another group uses.
  return resource.schema === "" ? `/registry/${resource.group}/${resource.plural}/` : `/registry/${resource.plural}/`;
};

interface Slot {
  object: KubeObject;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class ResourceStorage {
  readonly resource: ResourceDefinition;
  readonly prefix: string;
  /** In key order, and by key: the same slots in both, so that an update writes one of them. */
  readonly #objects = new SortedMap<Slot>();
  readonly #byKey = new Map<string, Slot>();
  readonly #byNode: Map<string, Map<string, KubeObject>> | undefined;
  #events: CacheEvent[] = [];
  /** Events at or before this revision are gone. */
  #forgotten: number;
  #revision: number;
  readonly #watchers = new Set<CacheWatcher>();
  readonly #watchersByNode = new Map<string, Set<CacheWatcher>>();
  readonly #listeners: ((event: CacheEvent) => void)[] = [];

  constructor(resource: ResourceDefinition, revision: number) {
    this.resource = resource;
    this.prefix = registryPrefix(resource);
    this.#forgotten = revision;
    this.#revision = revision;
    this.#byNode = resource.plural === "pods" && resource.group === "" ? new Map() : undefined;
  }

  /** `namespace/name`, or the name alone. */
  cacheKey(namespace: string, name: string): string {
    return this.resource.namespaced ? `${namespace}/${name}` : name;
  }

  etcdKey(namespace: string, name: string): string {
    return this.prefix + this.cacheKey(namespace, name);
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#byKey.get(this.cacheKey(namespace, name))?.object;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** The revision of the last change, or of the cache's start. */
  get revision(): number {
    return this.#revision;
  }

  /** Objects in key order; of one namespace when given. */
  list(namespace?: string): KubeObject[] {
    const slots =
      namespace && this.resource.namespaced
        ? this.#objects.range(`${namespace}/`, `${namespace}0`)
        : this.#objects.range();
    return slots.map((slot) => slot.object);
  }

  /** Pods bound to a node, in key order. */
  onNode(nodeName: string): KubeObject[] {
    const pods = this.#byNode?.get(nodeName);
    if (!pods) return [];
    return [...pods.keys()].sort(compare).map((key) => pods.get(key)!);
  }

  get indexesNodes(): boolean {
    return this.#byNode !== undefined;
  }

  /** Told of each change at once, inside the write: allocators and the authorizer keep their indexes so. */
  onEvent(listener: (event: CacheEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes over one event of etcd. */
  apply(event: StoreEvent): void {
    const key = event.key.slice(this.prefix.length);
    const slot = this.#byKey.get(key);
    const previous = slot?.object;
    let change: CacheEvent;
    if (event.type === "PUT") {
      const object = event.kv.value as KubeObject;
      if (slot) slot.object = object;
      else {
        const fresh: Slot = { object };
        this.#byKey.set(key, fresh);
        this.#objects.add(key, fresh);
      }
      change = { type: previous ? "MODIFIED" : "ADDED", revision: event.revision, object, previous };
    } else {
      if (!previous) return;
      this.#byKey.delete(key);
      this.#objects.delete(key);
      // A deleted object is told of with the revision of its deletion.
      const object = Object.freeze({
        ...previous,
        metadata: Object.freeze({ ...previous.metadata, resourceVersion: String(event.revision) }),
      });
      change = { type: "DELETED", revision: event.revision, object, previous };
    }
    if (this.#byNode) this.#index(key, change);
    this.#revision = event.revision;
    this.#events.push(change);
    if (this.#events.length > EVENTS_MAX * 1.5) {
      const dropped = this.#events.length - EVENTS_MAX;
      this.#forgotten = this.#events[dropped - 1]!.revision;
      this.#events = this.#events.slice(dropped);
    }
    for (const listener of this.#listeners) listener(change);
    this.#dispatch(change);
  }

  /** Events after `revision`; undefined when some of them are gone. */
  eventsSince(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#forgotten) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  /** The oldest revision a watch may begin at. */
  get oldestRevision(): number {
    return this.#forgotten;
  }

  /** Forgets events up to a revision, as when etcd is compacted. */
  forget(revision: number): void {
    const rest = this.#events.findIndex((event) => event.revision > revision);
    this.#events = rest < 0 ? [] : this.#events.slice(rest);
    this.#forgotten = Math.max(this.#forgotten, revision);
  }

  watch(watcher: CacheWatcher): () => void {
    if (watcher.nodeName !== undefined && this.#byNode) {
      let bucket = this.#watchersByNode.get(watcher.nodeName);
      if (!bucket) {
        bucket = new Set();
        this.#watchersByNode.set(watcher.nodeName, bucket);
      }
      bucket.add(watcher);
      return () => bucket.delete(watcher);
    }
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #dispatch(event: CacheEvent): void {
    for (const watcher of this.#watchers) {
      if (watcher.namespace === undefined || watcher.namespace === event.object.metadata.namespace)
        watcher.receive(event);
    }
    if (this.#watchersByNode.size === 0) return;
    const now = event.object.spec?.nodeName ?? "";
    const before = event.previous?.spec?.nodeName ?? now;
    for (const watcher of this.#watchersByNode.get(now) ?? []) watcher.receive(event);
    if (before !== now) for (const watcher of this.#watchersByNode.get(before) ?? []) watcher.receive(event);
  }

  #index(key: string, event: CacheEvent): void {
    const before = event.previous?.spec?.nodeName;
    const now = event.type === "DELETED" ? undefined : event.object.spec?.nodeName;
    if (before && before !== now) this.#byNode!.get(before)?.delete(key);
    if (!now) return;
    let bucket = this.#byNode!.get(now);
    if (!bucket) {
      bucket = new Map();
      this.#byNode!.set(now, bucket);
    }
    bucket.set(key, event.object);
  }
}
