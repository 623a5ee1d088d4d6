/**
 * Garbage collector: deletes what all owners have left, in the background or in the foreground, or orphans it. Its
 * graph is built from informers of every type; decisions to delete ask the server, never the cache alone.
 */
import type { KubeObject, OwnerReference } from "../apimachinery/object";
import { isNotFound } from "../client/client";
import { type ControllerContext, defineController, type Outcome } from "../client/controller";
import type { ResourceType } from "../client/resource-type";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../client/resources";
import { BUILT_IN_TYPES, typeOfDefinition } from "./resource-monitors";

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

interface Node {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export const garbageCollector = defineController({
  name: "garbage-collector-controller",
  serviceAccount: "generic-garbage-collector",
  workers: 20,
  setup: (context) => new Collector(context),
});

class Collector {
  readonly #context: ControllerContext;
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #types = new Map<string, ResourceType>();

  constructor(context: ControllerContext) {
    this.#context = context;
    for (const type of BUILT_IN_TYPES) this.#monitor(type);
    const define = (crd: Parameters<typeof typeOfDefinition>[0]): void => {
      const type = typeOfDefinition(crd);
      if (type) this.#monitor(type);
    };
    context.informer(CUSTOM_RESOURCE_DEFINITIONS).handle({ added: define, updated: define });
  }

  reconcile(key: string): Outcome {
    if (key.startsWith("orphan:")) return this.#orphan(key.slice("orphan:".length));
    return this.#attemptToDelete(key);
  }

  #monitor(type: ResourceType): void {
    // Owners are found by group and kind: a reference may name another version.
    const id = `${type.group}/${type.kind}`;
    if (this.#types.has(id)) return;
    this.#types.set(id, type);
    this.#context.informer(type).handle({
      added: (object) => this.#put(type, object, undefined),
      updated: (object, old) => this.#put(type, object, old),
      deleted: (object) => this.#remove(object),
    });
  }

  #put(type: ResourceType, object: KubeObject, old: KubeObject | undefined): void {
    const { uid, ownerReferences, deletionTimestamp, finalizers } = object.metadata;
    this.#nodes.set(uid, { type, object });
    if (old?.metadata.ownerReferences !== ownerReferences || !old) {
      for (const owner of old?.metadata.ownerReferences ?? []) this.#dependents.get(owner.uid)?.delete(uid);
      for (const owner of ownerReferences ?? []) {
        let dependents = this.#dependents.get(owner.uid);
        if (!dependents) {
          dependents = new Set();
          this.#dependents.set(owner.uid, dependents);
        }
        dependents.add(uid);
      }
      if (ownerReferences?.some((owner) => !this.#isAlive(owner.uid))) this.#context.queue.add(uid);
      this.#unblock(old?.metadata.ownerReferences, ownerReferences);
    }
    if (!deletionTimestamp) return;
    if (finalizers?.includes(ORPHAN)) this.#context.queue.add(`orphan:${uid}`);
    else if (finalizers?.includes(FOREGROUND)) {
      this.#context.queue.add(uid);
      for (const dependent of this.#dependents.get(uid) ?? []) this.#context.queue.add(dependent);
    }
  }

  #remove(object: KubeObject): void {
    const { uid, ownerReferences } = object.metadata;
    this.#nodes.delete(uid);
    for (const owner of ownerReferences ?? []) {
      const siblings = this.#dependents.get(owner.uid);
      siblings?.delete(uid);
      if (siblings?.size === 0) this.#dependents.delete(owner.uid);
      // An owner in foreground deletion may have waited for this one.
      if (this.#isDeletingDependents(owner.uid)) this.#context.queue.add(owner.uid);
    }
    for (const dependent of this.#dependents.get(uid) ?? []) this.#context.queue.add(dependent);
  }

  /** Owners that lost a dependent, or are no longer blocked by one, are looked at again. */
  #unblock(before: readonly OwnerReference[] | undefined, after: readonly OwnerReference[] | undefined): void {
    for (const owner of before ?? []) {
      const now = after?.find((o) => o.uid === owner.uid);
      const released = !now || (owner.blockOwnerDeletion === true && now.blockOwnerDeletion !== true);
      if (released && this.#isDeletingDependents(owner.uid)) this.#context.queue.add(owner.uid);
    }
  }

  #isAlive(uid: string): boolean {
    const node = this.#nodes.get(uid);
    return node !== undefined && !node.object.metadata.deletionTimestamp;
  }

  #isDeletingDependents(uid: string): boolean {
    const metadata = this.#nodes.get(uid)?.object.metadata;
    return metadata?.deletionTimestamp !== undefined && metadata.finalizers?.includes(FOREGROUND) === true;
  }

  #attemptToDelete(uid: string): Outcome {
    const { client, queue } = this.#context;
    const node = this.#nodes.get(uid);
    if (!node) return undefined;
    if (node.object.metadata.deletionTimestamp && !this.#isDeletingDependents(uid)) return undefined;
    const fresh = client.get(node.type, node.object.metadata);
    if (!fresh.ok) return isNotFound(fresh.error) ? undefined : { error: fresh.error };
    const latest = fresh.value;
    if (latest.metadata.uid !== uid) return undefined;
    if (latest.metadata.deletionTimestamp && latest.metadata.finalizers?.includes(FOREGROUND)) {
      return this.#finishForeground(node.type, latest);
    }
    const owners = latest.metadata.ownerReferences ?? [];
    if (owners.length === 0) return undefined;
    const dangling: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    let solid = 0;
    for (const owner of owners) {
      const state = this.#stateOf(owner, latest.metadata.namespace);
      if (typeof state === "object") return state;
      if (state === "dangling") dangling.push(owner);
      else if (state === "waiting") waiting.push(owner);
      else solid++;
    }
    if (solid > 0) {
      const gone = [...dangling, ...waiting];
      if (gone.length === 0) return undefined;
      return this.#patch(node.type, latest, {
        metadata: { uid, ownerReferences: gone.map((owner) => ({ $patch: "delete", uid: owner.uid })) },
      });
    }
    const dependents = this.#dependents.get(uid);
    let propagationPolicy: "Orphan" | "Foreground" | "Background" = "Background";
    if (waiting.length > 0 && dependents && dependents.size > 0) {
      for (const dependent of dependents) {
        if (!this.#isDeletingDependents(dependent)) continue;
        // A circle would wait for ever: this one no longer blocks its owner.
        const unblocked = owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
        const failed = this.#patch(node.type, latest, { metadata: { uid, ownerReferences: unblocked } });
        if (failed) return failed;
        break;
      }
      propagationPolicy = "Foreground";
    } else if (latest.metadata.finalizers?.includes(ORPHAN)) propagationPolicy = "Orphan";
    else if (latest.metadata.finalizers?.includes(FOREGROUND)) propagationPolicy = "Foreground";
    if (latest.metadata.deletionTimestamp) return undefined;
    const deleted = client.delete(node.type, latest.metadata, { propagationPolicy, preconditions: { uid } });
    if (!deleted.ok && !isNotFound(deleted.error)) return { error: deleted.error };
    for (const owner of waiting) queue.add(owner.uid);
    return undefined;
  }

  #stateOf(owner: OwnerReference, namespace: string | undefined): "solid" | "dangling" | "waiting" | Outcome {
    const known = this.#nodes.get(owner.uid);
    if (known && !known.object.metadata.deletionTimestamp) return "solid";
    const slash = owner.apiVersion.indexOf("/");
    const type = this.#types.get(`${slash < 0 ? "" : owner.apiVersion.slice(0, slash)}/${owner.kind}`);
    // A kind nobody serves: upstream tries again and never deletes.
    if (!type) return { error: `unable to get REST mapping for ${owner.apiVersion}/${owner.kind}.` };
    const fresh = this.#context.client.get(type, {
      ...(type.namespaced && namespace ? { namespace } : {}),
      name: owner.name,
    });
    if (!fresh.ok) return isNotFound(fresh.error) ? "dangling" : { error: fresh.error };
    const { metadata } = fresh.value;
    if (metadata.uid !== owner.uid) return "dangling";
    return metadata.deletionTimestamp && metadata.finalizers?.includes(FOREGROUND) ? "waiting" : "solid";
  }

  #finishForeground(type: ResourceType, object: KubeObject): Outcome {
    const { uid } = object.metadata;
    let blocking = 0;
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      const reference = node?.object.metadata.ownerReferences?.find((owner) => owner.uid === uid);
      if (!reference?.blockOwnerDeletion) continue;
      blocking++;
      if (!this.#isDeletingDependents(dependent)) this.#context.queue.add(dependent);
    }
    if (blocking > 0) return undefined;
    return this.#removeFinalizer(type, object, FOREGROUND);
  }

  #orphan(uid: string): Outcome {
    const node = this.#nodes.get(uid);
    if (!node?.object.metadata.finalizers?.includes(ORPHAN)) return undefined;
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const child = this.#nodes.get(dependent);
      if (!child) continue;
      const failed = this.#patch(child.type, child.object, {
        metadata: { uid: dependent, ownerReferences: [{ $patch: "delete", uid }] },
      });
      if (failed) return failed;
    }
    return this.#removeFinalizer(node.type, node.object, ORPHAN);
  }

  #removeFinalizer(type: ResourceType, object: KubeObject, finalizer: string): Outcome {
    const fresh = this.#context.client.get(type, object.metadata);
    if (!fresh.ok) return isNotFound(fresh.error) ? undefined : { error: fresh.error };
    const { metadata } = fresh.value;
    if (metadata.uid !== object.metadata.uid || !metadata.finalizers?.includes(finalizer)) return undefined;
    return this.#patch(
      type,
      fresh.value,
      {
        metadata: {
          resourceVersion: metadata.resourceVersion,
          finalizers: metadata.finalizers.filter((f) => f !== finalizer),
        },
      },
      "merge",
    );
  }

  /** Custom kinds know no strategic merge: their lists of owners are replaced whole. */
  #patch(
    type: ResourceType,
    object: KubeObject,
    patch: { readonly metadata: Readonly<Record<string, unknown>> },
    patchType: "strategic" | "merge" = "strategic",
  ): Outcome {
    const isBuiltIn = BUILT_IN_TYPES.includes(type);
    let body: unknown = patch;
    if (patchType === "strategic" && !isBuiltIn) {
      const references = patch.metadata.ownerReferences as readonly ({ $patch?: string } & OwnerReference)[];
      const gone = new Set(references.filter((r) => r.$patch === "delete").map((r) => r.uid));
      const kept = gone.size
        ? (object.metadata.ownerReferences ?? []).filter((owner) => !gone.has(owner.uid))
        : references;
      body = { metadata: { resourceVersion: object.metadata.resourceVersion, ownerReferences: kept } };
    }
    const patched = this.#context.client.patch(type, object.metadata, isBuiltIn ? patchType : "merge", body);
    return patched.ok || isNotFound(patched.error) ? undefined : { error: patched.error };
  }
}
