/** Taint eviction controller: Pods leave nodes with NoExecute taints that they do not tolerate, or not for long. */
import { rfc3339 } from "../../base/clock";
import type { Cancel } from "../../base/loop";
import type { Pod, Taint } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { keyOf, splitKey } from "../client/resource-type";
import { NODES, PODS } from "../client/resources";
import { tolerates } from "../client/taints";

const BY_NODE = "node";

export const taintEvictionController = defineController({
  name: "taint-eviction-controller",
  serviceAccount: "node-controller",
  workers: 8,
  setup(context) {
    const { client, queue, recorder, scope } = context;
    const evictions = new Map<string, { readonly since: number; readonly at: number; readonly cancel: Cancel }>();
    const pods = context.watch(PODS, {
      added: (pod) => queue.add(keyOf(pod)),
      updated(pod, old) {
        if (pod.spec.nodeName !== old.spec.nodeName || pod.spec.tolerations !== old.spec.tolerations)
          queue.add(keyOf(pod));
      },
      deleted: (pod) => cancelEviction(keyOf(pod), undefined),
    }).cache;
    pods.addIndex(BY_NODE, (pod) => [pod.spec.nodeName ?? ""]);
    const nodes = context.watch(NODES, (node, old) => {
      if (old && old.spec?.taints === node.spec?.taints) return [];
      return [...pods.byIndex(BY_NODE, node.metadata.name)].map(keyOf);
    }).cache;

    function cancelEviction(key: string, pod: Pod | undefined): void {
      const pending = evictions.get(key);
      if (!pending) return;
      pending.cancel();
      evictions.delete(key);
      if (pod) recorder.event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
    }

    function evict(key: string): void {
      evictions.delete(key);
      const pod = pods.get(key);
      if (!pod || pod.metadata.deletionTimestamp) return;
      recorder.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
      client.patch(
        PODS,
        pod.metadata,
        "strategic",
        {
          status: {
            conditions: [
              {
                type: "DisruptionTarget",
                status: "True",
                reason: "DeletionByTaintManager",
                message: "Taint manager: deleting due to NoExecute taint",
                lastTransitionTime: rfc3339(context.now()),
              },
            ],
          },
        },
        { subresource: "status" },
      );
      const deleted = client.delete(PODS, splitKey(key));
      if (!deleted.ok && !isNotFound(deleted.error)) queue.addRateLimited(key);
    }

    return {
      reconcile(key) {
        const pod = pods.get(key);
        if (!pod?.spec.nodeName) return undefined;
        const taints = (nodes.get(pod.spec.nodeName)?.spec?.taints ?? []).filter((t) => t.effect === "NoExecute");
        if (taints.length === 0) {
          cancelEviction(key, pod);
          return undefined;
        }
        const seconds = toleratedFor(pod, taints);
        if (seconds === undefined) {
          cancelEviction(key, undefined);
          evict(key);
          return undefined;
        }
        if (seconds === Number.POSITIVE_INFINITY) {
          cancelEviction(key, pod);
          return undefined;
        }
        const pending = evictions.get(key);
        const since = pending?.since ?? context.now();
        const at = since + seconds * 1000;
        if (pending?.at === at) return undefined;
        pending?.cancel();
        evictions.set(key, { since, at, cancel: scope.after(at - context.now(), () => evict(key)) });
        return undefined;
      },
    };
  },
});

/** The shortest toleration in seconds; undefined when some taint is not tolerated at all. */
export function toleratedFor(pod: Pod, taints: readonly Taint[]): number | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return undefined;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) least = Math.min(least, Math.max(tolerationSeconds, 0));
    }
  }
  return least;
}
