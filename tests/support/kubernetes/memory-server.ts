/**
 * A minimal API server for tests of the client room and for pure controller tests: storage, watches, conflicts, status,
 * patches, finalizers. It validates nothing; behaviour that depends on the real one is tested on the real one.
 */
import type { ApiResponse, StreamReceiver } from "@/simulator/base/door";
import { deepFreeze } from "@/simulator/base/json";
import type { Loop } from "@/simulator/base/loop";
import { rfc3339 } from "@/simulator/base/clock";
import type { Random } from "@/simulator/base/random";
import { structOfKind } from "@/simulator/kubernetes/api/schema";
import { parseSelector, matches } from "@/simulator/kubernetes/apimachinery/labels";
import type { KubeObject } from "@/simulator/kubernetes/apimachinery/object";
import { jsonPatch, mergePatch, strategicMergePatch } from "@/simulator/kubernetes/apimachinery/patch";
import {
  alreadyExists,
  conflict,
  notFound,
  OPTIMISTIC_LOCK_MESSAGE,
  statusResponse,
  statusSuccess,
} from "@/simulator/kubernetes/apimachinery/status";
import type { KubeRequest, Transport, TransportFailure } from "@/simulator/kubernetes/apimachinery/transport";

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, edited here.
type Any = any;

interface Watcher {
  readonly prefix: string;
  readonly matches: (object: KubeObject) => boolean;
  readonly receiver: StreamReceiver;
  isOpen: boolean;
}

export class MemoryServer implements Transport {
  readonly objects = new Map<string, KubeObject>();
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #watchers = new Set<Watcher>();
  readonly #log: {
    readonly revision: number;
    readonly type: string;
    readonly key: string;
    readonly object: KubeObject;
  }[] = [];
  #revision = 1;
  isDown = false;
  /** Below this revision a watch gets 410. */
  compacted = 0;

  constructor(loop: Loop, random: Random) {
    this.#loop = loop;
    this.#random = random;
  }

  request(request: KubeRequest): ApiResponse | TransportFailure {
    if (this.isDown) return { failure: "connect: connection refused" };
    const m =
      /^\/apis?\/(?:([^/]+)\/)?(v[^/]+)(?:\/namespaces\/([^/]+)(?=\/.))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
        request.path,
      );
    if (!m) throw new Error(`path ${request.path}`);
    const [, group = "", version, namespace, plural, name, subresource] = m;
    const resource = { group, resource: plural! };
    const prefix = `${group}/${plural}/`;
    const query = request.query ?? {};
    if (name === undefined) {
      if (request.method === "GET")
        return query.watch ? this.#watch(prefix, namespace, query) : this.#list(prefix, namespace, query);
      if (request.method === "DELETE") {
        for (const object of this.#select(prefix, namespace, query)) this.#delete(prefix, object, request.body as Any);
        return { status: 200, body: statusSuccess() };
      }
      const body = request.body as Any;
      const objectName = body.metadata.name ?? `${body.metadata.generateName}${this.#random.suffix()}`;
      const key = `${prefix}${namespace ?? ""}/${objectName}`;
      if (this.objects.has(key)) return statusResponse(alreadyExists(resource, objectName));
      const metadata = {
        ...body.metadata,
        ...(namespace ? { namespace } : {}),
        name: objectName,
        uid: this.#random.uuid(),
        generation: 1,
        creationTimestamp: rfc3339(this.#loop.now()),
      };
      const status = plural === "pods" ? { phase: "Pending" } : (body.status ?? {});
      const made = {
        ...body,
        apiVersion: group ? `${group}/${version}` : version,
        metadata,
        ...(plural === "events" ? {} : { status }),
      };
      return { status: 201, body: this.#put("ADDED", key, made) };
    }
    const key = `${prefix}${namespace ?? ""}/${name}`;
    const current = this.objects.get(key);
    if (!current) return statusResponse(notFound(resource, name));
    if (request.method === "GET") return { status: 200, body: current };
    if (request.method === "DELETE") return this.#delete(prefix, current, request.body as Any);
    if (subresource === "binding") {
      const { target } = request.body as Any;
      if (current.spec.nodeName) return statusResponse(conflict(resource, name, "already assigned"));
      this.#put("MODIFIED", key, { ...current, spec: { ...current.spec, nodeName: target.name } });
      return { status: 201, body: statusSuccess() };
    }
    let next: Any;
    if (request.method === "PATCH") {
      const type = request.headers?.["content-type"] ?? "";
      const struct = structOfKind(current.apiVersion, current.kind);
      const result: Any = type.startsWith("application/merge")
        ? { ok: true, value: mergePatch(current, request.body) }
        : type.startsWith("application/json-patch")
          ? jsonPatch(current, request.body as Any)
          : strategicMergePatch(current, request.body, struct);
      if (!result.ok) throw new Error(result.error);
      next = result.value;
    } else {
      next = request.body;
      const version = next.metadata.resourceVersion;
      if (version && version !== current.metadata.resourceVersion) {
        return statusResponse(conflict(resource, name, OPTIMISTIC_LOCK_MESSAGE));
      }
    }
    if (subresource === "status")
      next = {
        ...current,
        metadata: { ...current.metadata, annotations: next.metadata.annotations },
        status: next.status,
      };
    else if (subresource === "finalize") next = { ...current, spec: next.spec };
    else {
      if (plural !== "pods" || request.method === "PUT")
        next = { ...next, ...(current.status ? { status: current.status } : {}) };
      const isSpecChanged = JSON.stringify(next.spec) !== JSON.stringify(current.spec);
      if (isSpecChanged)
        next = { ...next, metadata: { ...next.metadata, generation: (current.metadata.generation ?? 1) + 1 } };
    }
    const isOver =
      next.metadata.deletionTimestamp &&
      !next.metadata.finalizers?.length &&
      next.metadata.deletionGracePeriodSeconds === undefined &&
      !next.spec?.finalizers?.length;
    if (isOver) {
      this.#remove(key, next);
      return { status: 200, body: next };
    }
    if (
      JSON.stringify({ ...next, metadata: { ...next.metadata, resourceVersion: "" } }) ===
      JSON.stringify({ ...current, metadata: { ...current.metadata, resourceVersion: "" } })
    ) {
      return { status: 200, body: current };
    }
    return { status: 200, body: this.#put("MODIFIED", key, next) };
  }

  /** Ends every watch, as a restart of the server would. */
  breakWatches(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher.isOpen = false;
      this.#loop.soon(() => watcher.receiver.end("broken"));
    }
  }

  #delete(prefix: string, object: KubeObject, options: Any): ApiResponse {
    const key = `${prefix}${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    const { metadata } = object;
    if (options?.preconditions?.uid && options.preconditions.uid !== metadata.uid) {
      return statusResponse(conflict({ group: "", resource: prefix }, metadata.name, "uid"));
    }
    const finalizers = new Set(metadata.finalizers);
    if (options?.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
    if (options?.propagationPolicy === "Orphan") finalizers.add("orphan");
    const isRunningPod =
      prefix === "/pods/" &&
      object.spec.nodeName &&
      object.status.phase !== "Succeeded" &&
      object.status.phase !== "Failed";
    const isGraceful = isRunningPod && options?.gracePeriodSeconds !== 0;
    if (finalizers.size > 0 || isGraceful || object.spec?.finalizers?.length) {
      const next: Any = {
        ...object,
        metadata: {
          ...metadata,
          deletionTimestamp: metadata.deletionTimestamp ?? rfc3339(this.#loop.now()),
          ...(isGraceful ? { deletionGracePeriodSeconds: 30 } : {}),
          ...(finalizers.size > 0 ? { finalizers: [...finalizers] } : {}),
        },
      };
      if (!isGraceful) delete next.metadata.deletionGracePeriodSeconds;
      if (metadata.deletionTimestamp && isGraceful) return { status: 200, body: object };
      return { status: 200, body: this.#put("MODIFIED", key, next) };
    }
    this.#remove(key, object);
    return { status: 200, body: statusSuccess() };
  }

  #put(type: string, key: string, object: Any): KubeObject {
    const stored = deepFreeze({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#revision) },
    });
    this.objects.set(key, stored);
    this.#emit(type, key, stored);
    return stored;
  }

  #remove(key: string, object: KubeObject): void {
    this.objects.delete(key);
    const last = deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } });
    this.#emit("DELETED", key, last);
  }

  #emit(type: string, key: string, object: KubeObject): void {
    this.#log.push({ revision: this.#revision, type, key, object });
    for (const watcher of this.#watchers) {
      if (key.startsWith(watcher.prefix)) this.#send(watcher, type, object);
    }
  }

  #send(watcher: Watcher, type: string, object: KubeObject): void {
    if (!watcher.matches(object)) return;
    this.#loop.after(1, () => {
      if (watcher.isOpen) watcher.receiver.frame({ channel: "message", value: { type, object } });
    });
  }

  #select(prefix: string, namespace: string | undefined, query: Any): KubeObject[] {
    const filter = this.#filter(query);
    const found: KubeObject[] = [];
    for (const [key, object] of this.objects) {
      if (key.startsWith(namespace ? `${prefix}${namespace}/` : prefix) && filter(object)) found.push(object);
    }
    return found;
  }

  #filter(query: Any): (object: KubeObject) => boolean {
    const selector = query.labelSelector ? parseSelector(query.labelSelector[0]) : undefined;
    const field = query.fieldSelector ? /^spec\.nodeName=(.*)$/.exec(query.fieldSelector[0]) : undefined;
    return (object) =>
      (!selector || (selector.ok && matches(selector.value, object.metadata.labels))) &&
      (!field || (object.spec?.nodeName ?? "") === field[1]);
  }

  #list(prefix: string, namespace: string | undefined, query: Any): ApiResponse {
    const items = this.#select(prefix, namespace, query);
    return {
      status: 200,
      body: { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(this.#revision) }, items },
    };
  }

  #watch(prefix: string, namespace: string | undefined, query: Any): ApiResponse {
    const from = Number(query.resourceVersion?.[0] ?? this.#revision);
    if (from < this.compacted)
      return {
        status: 410,
        body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Expired", code: 410 },
      };
    const full = namespace ? `${prefix}${namespace}/` : prefix;
    let watcher: Watcher | undefined;
    return {
      status: 200,
      stream: {
        open: (receiver) => {
          watcher = { prefix: full, matches: this.#filter(query), receiver, isOpen: true };
          for (const entry of this.#log) {
            if (entry.revision > from && entry.key.startsWith(full)) this.#send(watcher, entry.type, entry.object);
          }
          this.#watchers.add(watcher);
        },
        send: () => {},
        cancel: () => {
          if (!watcher) return;
          watcher.isOpen = false;
          this.#watchers.delete(watcher);
        },
      },
    };
  }
}
