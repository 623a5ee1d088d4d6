/** Namespace controller: empties a namespace that is being deleted, then gives up its finalizer. */
import { rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import type { Namespace, NamespaceCondition, Pod } from "../api/types.generated";
import { isConflict, isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import type { ResourceType } from "../client/resource-type";
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS } from "../client/resources";
import { BUILT_IN_TYPES, typeOfDefinition } from "./resource-monitors";

/** Upstream waits, so that other API servers have seen the deletion too. */
const GRACE_MS = 5000;
/** How long what hangs on finalizers is expected to take. */
const FINALIZER_ESTIMATE_S = 15;

export const namespaceController = defineController({
  name: "namespace-controller",
  workers: 10,
  setup(context) {
    const { client, queue } = context;
    const enqueue = (namespace: Namespace): void => {
      if (namespace.metadata.deletionTimestamp) queue.addAfter(namespace.metadata.name, GRACE_MS);
    };
    const namespaces = context.informer(NAMESPACES).handle({ added: enqueue, updated: enqueue }).cache;
    const definitions = context.informer(CUSTOM_RESOURCE_DEFINITIONS).cache;

    return {
      reconcile(name) {
        const cached = namespaces.get(name);
        if (!cached?.metadata.deletionTimestamp) return undefined;
        const fresh = client.get(NAMESPACES, { name });
        if (!fresh.ok) return isNotFound(fresh.error) ? undefined : { error: fresh.error };
        let namespace = fresh.value;
        if (!namespace.metadata.deletionTimestamp) return undefined;
        if (!namespace.spec?.finalizers?.length) return undefined;
        if (namespace.status?.phase !== "Terminating") {
          const written = client.updateStatus(NAMESPACES, {
            ...namespace,
            status: { ...namespace.status, phase: "Terminating" },
          });
          if (!written.ok) return isNotFound(written.error) ? undefined : { error: written.error };
          namespace = written.value;
        }
        const types: ResourceType[] = BUILT_IN_TYPES.filter((type) => type.namespaced);
        for (const crd of definitions.list()) {
          const type = typeOfDefinition(crd);
          if (type?.namespaced) types.push(type);
        }
        const remaining = new Remaining();
        // Pods first: what they need (secrets, policies) goes after them.
        empty(PODS as ResourceType, remaining);
        if (!remaining.some) for (const type of types) if (type !== (PODS as ResourceType)) empty(type, remaining);
        const status = { ...namespace.status, conditions: conditionsOf(namespace, remaining, context.now()) };
        if (!deepEqual(status, namespace.status)) {
          const written = client.updateStatus(NAMESPACES, { ...namespace, status });
          if (!written.ok) return isNotFound(written.error) ? undefined : { error: written.error };
          namespace = written.value;
        }
        if (remaining.error) return { error: remaining.error };
        if (remaining.some) return { afterMs: (Math.floor(remaining.estimateS / 2) + 1) * 1000 };
        const finalized = client.updateSubresource(NAMESPACES as ResourceType, { name }, "finalize", {
          ...namespace,
          spec: { ...namespace.spec, finalizers: namespace.spec.finalizers?.filter((f) => f !== "kubernetes") ?? [] },
        });
        if (finalized.ok || isNotFound(finalized.error)) return undefined;
        return isConflict(finalized.error) ? { afterMs: 10 } : { error: finalized.error };

        function empty(type: ResourceType, into: Remaining): void {
          const before = client.list(type, { namespace: name });
          // A kind that this server does not serve has nothing to empty.
          if (!before.ok || before.value.items.length === 0) return;
          const deleted = client.deleteCollection(type, { namespace: name }, { propagationPolicy: "Background" });
          if (!deleted.ok && !isNotFound(deleted.error)) {
            into.error ??= deleted.error.message ?? "";
            return;
          }
          const after = client.list(type, { namespace: name });
          if (!after.ok || after.value.items.length === 0) return;
          into.add(type, after.value.items);
        }
      },
    };
  },
});

class Remaining {
  readonly byType = new Map<string, number>();
  readonly byFinalizer = new Map<string, number>();
  estimateS = 0;
  error: string | undefined;

  get some(): boolean {
    return this.byType.size > 0;
  }

  add(type: ResourceType, items: readonly { readonly metadata: { readonly finalizers?: readonly string[] } }[]): void {
    const name = type.group ? `${type.plural}.${type.group}` : `${type.plural}.`;
    this.byType.set(name, items.length);
    for (const item of items) {
      for (const finalizer of item.metadata.finalizers ?? []) {
        this.byFinalizer.set(finalizer, (this.byFinalizer.get(finalizer) ?? 0) + 1);
        this.estimateS = Math.max(this.estimateS, FINALIZER_ESTIMATE_S);
      }
      const grace =
        type.plural === PODS.plural && type.group === ""
          ? ((item as unknown as Pod).spec.terminationGracePeriodSeconds ?? 30)
          : 0;
      this.estimateS = Math.max(this.estimateS, grace);
    }
  }
}

function conditionsOf(namespace: Namespace, remaining: Remaining, now: number): readonly NamespaceCondition[] {
  const counted = (map: Map<string, number>): [string, number][] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const resources = counted(remaining.byType).map(([name, count]) => `${name} has ${count} resource instances`);
  const finalizers = counted(remaining.byFinalizer).map(([name, count]) => `${name} in ${count} resource instances`);
  const wanted: Omit<NamespaceCondition, "lastTransitionTime">[] = [
    {
      type: "NamespaceDeletionDiscoveryFailure",
      status: "False",
      reason: "ResourcesDiscovered",
      message: "All resources successfully discovered",
    },
    {
      type: "NamespaceDeletionGroupVersionParsingFailure",
      status: "False",
      reason: "ParsedGroupVersions",
      message: "All legacy kube types successfully parsed",
    },
    remaining.error
      ? {
          type: "NamespaceDeletionContentFailure",
          status: "True",
          reason: "ContentDeletionFailed",
          message: `Failed to delete all resource types, 1 remaining: ${remaining.error}`,
        }
      : {
          type: "NamespaceDeletionContentFailure",
          status: "False",
          reason: "ContentDeleted",
          message: "All content successfully deleted, may be waiting on finalization",
        },
    resources.length > 0
      ? {
          type: "NamespaceContentRemaining",
          status: "True",
          reason: "SomeResourcesRemain",
          message: `Some resources are remaining: ${resources.join(", ")}`,
        }
      : {
          type: "NamespaceContentRemaining",
          status: "False",
          reason: "ContentRemoved",
          message: "All content successfully removed",
        },
    finalizers.length > 0
      ? {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}`,
        }
      : {
          type: "NamespaceFinalizersRemaining",
          status: "False",
          reason: "ContentHasNoFinalizers",
          message: "All content-preserving finalizers finished",
        },
  ];
  const known = namespace.status?.conditions ?? [];
  return wanted.map((condition) => {
    const old = known.find((c) => c.type === condition.type);
    const same =
      old?.status === condition.status && old.reason === condition.reason && old.message === condition.message;
    return same ? old : { ...condition, lastTransitionTime: rfc3339(now) };
  });
}
