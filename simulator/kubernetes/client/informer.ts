/**
 * Informer: list, then watch, into a cache with indexes; handlers are told of each change. It lists anew when the
 * server has compacted its position away (410), and watches on after a lost connection, with back-off, as client-go's
 * reflector does. Objects are frozen and shared with everyone: nobody copies, nobody edits.
 */
import { assert } from "../../base/assert";
import type { Cancel } from "../../base/loop";
import type { Random } from "../../base/random";
import type { KubeObject } from "../apimachinery/object";
import { type Client, type ListOptions, transportFailureOf, type WatchEvent } from "./client";
import { Store } from "./lister";
import { keyOf, type ResourceType } from "./resource-type";
import type { Scope } from "./scope";

export interface InformerHandler<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** `object` is the last state known, which may be older than the last one that was. */
  deleted?(object: T): void;
}

export interface InformerOptions extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> {
  /** Tells handlers of every object again at this interval. */
  readonly resyncMs?: number;
}

export interface InformerContext {
  readonly scope: Scope;
  readonly client: Client;
  readonly random: Random;
}

const BACKOFF_FIRST_MS = 800;
const BACKOFF_MAX_MS = 30_000;

export class Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly cache = new Store<T>();
  readonly #context: InformerContext;
  readonly #options: InformerOptions;
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #synced: (() => void)[] = [];
  #resourceVersion = "";
  #hasSynced = false;
  #started = false;
  #failures = 0;
  #hangUp: Cancel | undefined;

  constructor(type: ResourceType<T>, context: InformerContext, options: InformerOptions = {}) {
    this.type = type;
    this.#context = context;
    this.#options = options;
  }

  /** Whether the first list has been taken into the cache. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The resourceVersion up to which the cache has seen the world. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  /** Adds a handler; it is told of what the cache holds already. */
  handle(handler: InformerHandler<T>): this {
    this.#handlers.push(handler);
    if (handler.added) for (const object of this.cache.list()) handler.added(object);
    return this;
  }

  /** Calls `run` once the first list is in, or at once when it is. */
  whenSynced(run: () => void): void {
    if (this.#hasSynced) run();
    else this.#synced.push(run);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { scope } = this.#context;
    scope.onEnd(() => this.#hangUp?.());
    const { resyncMs } = this.#options;
    if (resyncMs !== undefined) scope.every(resyncMs, () => this.#resync());
    this.#listAndWatch();
  }

  /** Drops the connection, as a broken network would: the informer finds its way back by itself. */
  disconnect(): void {
    this.#hangUp?.();
    this.#hangUp = undefined;
    this.#retry(() => this.#watch());
  }

  #listAndWatch(): void {
    if (this.#context.scope.ended) return;
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const list = this.#context.client.list(this.type, {
      ...(namespace ? { namespace } : {}),
      ...(labelSelector ? { labelSelector } : {}),
      ...(fieldSelector ? { fieldSelector } : {}),
    });
    if (!list.ok) {
      // A kind that this server does not serve has nothing to wait for; it may come to be served later.
      if (list.error.code === 404) this.#markSynced();
      this.#retry(() => this.#listAndWatch());
      return;
    }
    this.#failures = 0;
    this.#resourceVersion = list.value.metadata.resourceVersion;
    this.#replace(list.value.items);
    this.#markSynced();
    this.#watch();
  }

  #markSynced(): void {
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    for (const run of this.#synced.splice(0)) run();
  }

  #watch(): void {
    if (this.#context.scope.ended) return;
    let over = false;
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const watch = this.#context.client.watch(
      this.type,
      {
        ...(namespace ? { namespace } : {}),
        ...(labelSelector ? { labelSelector } : {}),
        ...(fieldSelector ? { fieldSelector } : {}),
        resourceVersion: this.#resourceVersion,
        // Upstream asks for bookmarks, so that a quiet watch does not fall behind what the server remembers. Ours
        // remembers each resource's own events, however many others there were: a quiet one never falls behind.
      },
      {
        event: (event) => {
          if (over || this.#context.scope.ended) return;
          if (event.type === "ERROR") {
            // Compacted away, or any other error inside the stream: only a new list helps.
            over = true;
            this.#hangUp?.();
            this.#hangUp = undefined;
            this.#retry(() => this.#listAndWatch());
            return;
          }
          this.#failures = 0;
          this.#apply(event);
        },
        end: () => {
          if (over || this.#context.scope.ended) return;
          over = true;
          this.#hangUp = undefined;
          this.#retry(() => this.#watch());
        },
      },
    );
    if (watch.ok) {
      if (!over) {
        this.#hangUp = () => {
          over = true;
          watch.value();
        };
      }
      return;
    }
    // A server that is away keeps our position; any answer it gives (410, 404 of a kind that is gone) asks for a list.
    if (transportFailureOf(watch.error) !== undefined) this.#retry(() => this.#watch());
    else this.#retry(() => this.#listAndWatch());
  }

  #retry(run: () => void): void {
    const { scope, random } = this.#context;
    const delay = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    this.#failures++;
    scope.after(delay * (1 + random.float()), run);
  }

  #apply(event: Exclude<WatchEvent<T>, { type: "ERROR" }>): void {
    const { object } = event;
    this.#resourceVersion = object.metadata.resourceVersion;
    if (event.type === "BOOKMARK") return;
    if (event.type === "DELETED") this.#remove(keyOf(object), object);
    else this.#put(object);
  }

  #replace(items: readonly T[]): void {
    const gone = new Set(this.cache.keys());
    for (const object of items) {
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
  }

  #put(received: T): void {
    const object = received.kind ? received : this.#typed(received);
    const key = keyOf(object);
    const old = this.cache.get(key);
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // Deleted and created anew under the same name while we were away: tell both.
    if (old && old.metadata.uid !== object.metadata.uid) {
      this.#remove(key);
      this.#put(object);
      return;
    }
    this.cache.set(key, object);
    if (old) for (const handler of this.#handlers) handler.updated?.(object, old);
    else for (const handler of this.#handlers) handler.added?.(object);
  }

  /** Items of a list may come without kind and apiVersion. */
  #typed(object: T): T {
    return Object.freeze({ ...object, apiVersion: this.type.apiVersion, kind: this.type.kind });
  }

  #remove(key: string, last?: T): void {
    const known = this.cache.get(key);
    if (!known) return;
    this.cache.delete(key);
    for (const handler of this.#handlers) handler.deleted?.(last ?? known);
  }

  #resync(): void {
    for (const object of this.cache.list()) for (const handler of this.#handlers) handler.updated?.(object, object);
  }
}

/** The informers of one component: one a resource type, shared by all who watch it. */
export class InformerFactory {
  readonly #context: InformerContext;
  // biome-ignore lint/suspicious/noExplicitAny: informers of every kind together.
  readonly #informers = new Map<string, Informer<any>>();
  #started = false;

  constructor(context: InformerContext) {
    this.#context = context;
  }

  /** The informer of a resource type, made on first use. Options count for the first user only. */
  informer<T extends KubeObject>(type: ResourceType<T>, options?: InformerOptions): Informer<T> {
    const id = `${type.apiVersion}/${type.plural}`;
    let informer = this.#informers.get(id);
    if (!informer) {
      informer = new Informer<T>(type, this.#context, options);
      this.#informers.set(id, informer);
      // A kind that came to be known later (a custom resource) is watched from then on.
      if (this.#started) informer.start();
    }
    return informer;
  }

  start(): void {
    assert(!this.#started, "informers are started once a run");
    this.#started = true;
    for (const informer of [...this.#informers.values()]) informer.start();
  }

  get hasSynced(): boolean {
    for (const informer of this.#informers.values()) if (!informer.hasSynced) return false;
    return true;
  }

  /** Calls `run` once every informer known now has its first list. */
  whenSynced(run: () => void): void {
    const waiting = [...this.#informers.values()].filter((informer) => !informer.hasSynced);
    let left = waiting.length;
    if (left === 0) run();
    for (const informer of waiting) {
      informer.whenSynced(() => {
        if (--left === 0) run();
      });
    }
  }

  /** Every informer made so far, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: informers of every kind together.
  all(): readonly Informer<any>[] {
    return [...this.#informers.values()];
  }
}
