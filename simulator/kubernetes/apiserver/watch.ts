/** Watches: what happened after a revision, then what happens, each event one frame, in order, as later loop tasks. */
import type { ApiStream, StreamReceiver } from "../../base/door";
import type { Cancel, Loop } from "../../base/loop";
import type { KubeObject } from "../apimachinery/object";
import { resourceExpired } from "../apimachinery/status";
import type { Selection } from "./selection";
import type { CacheEvent, ResourceStorage } from "./storage";

export interface WatchRequest {
  readonly storage: ResourceStorage;
  readonly selection: Selection;
  readonly namespace: string;
  /** "" and "0" begin with what is there now. */
  readonly resourceVersion: string;
  readonly sendInitialEvents: boolean;
  readonly allowBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** The revision of etcd now. */
  readonly currentRevision: () => number;
  /** Puts an object into the form that was asked for (version, Table, metadata). */
  represent(object: KubeObject, first: boolean): unknown;
  /** A bookmark's object. */
  bookmark(revision: number, initialEventsEnd: boolean): unknown;
}

export interface WatchFrame {
  readonly type: string;
  readonly object: unknown;
}

const BOOKMARK_INTERVAL_MS = 60_000;

interface Pending {
  readonly type: string;
  readonly object: KubeObject | undefined;
  /** Ready-made, for bookmarks and errors. */
  readonly raw?: unknown;
  readonly end?: string;
}

/** Open watches, so that a server that stops can end them. */
export class WatchHub {
  readonly #loop: Loop;
  readonly #open = new Set<(error?: string) => void>();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Ends every watch: the server goes down. */
  endAll(error: string): void {
    for (const end of [...this.#open]) end(error);
  }

  start(request: WatchRequest): ApiStream {
    const loop = this.#loop;
    const { storage, selection, namespace } = request;
    const queue: Pending[] = [];
    let head = 0;
    let receiver: StreamReceiver | undefined;
    let scheduled: Cancel | undefined;
    let closed = false;
    let first = true;
    const timers: Cancel[] = [];

    const flush = (): void => {
      scheduled = undefined;
      // Events that arrive while these are delivered wait for the next task.
      const end = queue.length;
      while (head < end && !closed) {
        const item = queue[head++]!;
        if (item.end !== undefined) {
          close();
          receiver!.end(item.end || undefined);
          return;
        }
        const object = item.object ? request.represent(item.object, first) : item.raw;
        first = false;
        receiver!.frame({ channel: "message", value: { type: item.type, object } });
      }
      if (head >= queue.length) {
        queue.length = 0;
        head = 0;
      } else if (head > 1024) {
        queue.splice(0, head);
        head = 0;
      }
      schedule();
    };
    const schedule = (): void => {
      if (!receiver || scheduled || closed || head >= queue.length) return;
      scheduled = loop.soon(flush);
    };
    const push = (item: Pending): void => {
      if (closed) return;
      queue.push(item);
      schedule();
    };
    const receive = (event: CacheEvent): void => {
      if (namespace && event.object.metadata.namespace !== namespace) return;
      if (selection.isEverything) {
        push({ type: event.type, object: event.object });
        return;
      }
      const before = event.previous !== undefined && selection.matches(event.previous);
      const now = event.type !== "DELETED" && selection.matches(event.object);
      if (now) push({ type: before ? "MODIFIED" : "ADDED", object: event.object });
      else if (before) {
        // One that leaves the selection looks deleted; it carries the revision of the change.
        const gone =
          event.type === "DELETED"
            ? event.object
            : Object.freeze({
                ...event.previous!,
                metadata: Object.freeze({
                  ...event.previous!.metadata,
                  resourceVersion: event.object.metadata.resourceVersion,
                }),
              });
        push({ type: "DELETED", object: gone });
      }
    };

    let unsubscribe: Cancel | undefined;
    const fail = (error?: string): void => {
      if (closed) return;
      queue.length = head;
      push({ type: "", object: undefined, end: error ?? "" });
      unsubscribe?.();
    };
    const close = (): void => {
      if (closed) return;
      closed = true;
      unsubscribe?.();
      scheduled?.();
      for (const timer of timers) timer();
      this.#open.delete(fail);
    };

    const { resourceVersion } = request;
    const fromNow = resourceVersion === "" || resourceVersion === "0" || request.sendInitialEvents;
    if (fromNow) {
      if (resourceVersion === "" || resourceVersion === "0" || request.sendInitialEvents) {
        const exactNode = storage.indexesNodes ? selection.exact("spec.nodeName") : undefined;
        const objects = exactNode ? storage.onNode(exactNode) : storage.list(namespace);
        for (const object of objects) {
          if (namespace && object.metadata.namespace !== namespace) continue;
          if (selection.matches(object)) push({ type: "ADDED", object });
        }
        if (request.sendInitialEvents && request.allowBookmarks) {
          push({ type: "BOOKMARK", object: undefined, raw: request.bookmark(request.currentRevision(), true) });
        }
      }
    } else {
      const events = storage.eventsSince(Number(resourceVersion));
      if (!events) {
        push({
          type: "ERROR",
          object: undefined,
          raw: resourceExpired(`too old resource version: ${resourceVersion} (${storage.oldestRevision + 1})`),
        });
        push({ type: "", object: undefined, end: "" });
      } else for (const event of events) receive(event);
    }

    const nodeName = storage.indexesNodes ? selection.exact("spec.nodeName") : undefined;
    unsubscribe = storage.watch({
      ...(nodeName ? { nodeName } : {}),
      ...(namespace ? { namespace } : {}),
      receive,
    });
    this.#open.add(fail);
    if (request.timeoutSeconds !== undefined) timers.push(loop.after(request.timeoutSeconds * 1000, () => fail()));
    if (request.allowBookmarks) {
      let lastTold = 0;
      const tick = (): void => {
        const revision = request.currentRevision();
        if (revision !== lastTold)
          push({ type: "BOOKMARK", object: undefined, raw: request.bookmark(revision, false) });
        lastTold = revision;
      };
      timers.push(loop.every(BOOKMARK_INTERVAL_MS, tick));
    }

    return {
      open: (r) => {
        receiver = r;
        schedule();
      },
      send: () => {},
      cancel: close,
    };
  }
}
