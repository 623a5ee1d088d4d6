/** PodGC: removes finished Pods above a limit, Pods of nodes that are gone, and terminating Pods without a node. */
import { deepEqual } from "../../base/json";
import { rfc3339 } from "../../base/clock";
import type { Pod } from "../api/types.generated";
import { defineController } from "../client/controller";
import { keyOf } from "../client/resource-type";
import { NODES, PODS } from "../client/resources";
import { isPodTerminal } from "./pods";

const PERIOD_MS = 20_000;
const QUARANTINE_MS = 40_000;
const TERMINATED_MAX = 12_500;
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

export const podGarbageCollector = defineController({
  name: "pod-garbage-collector-controller",
  serviceAccount: "pod-garbage-collector",
  workers: 1,
  setup(context) {
    const { client, queue } = context;
    const pods = context.informer(PODS).cache;
    const nodes = context.informer(NODES).cache;
    /** When a node was first missed. */
    const missedSince = new Map<string, number>();
    context.scope.every(PERIOD_MS, () => queue.add("all"));

    const remove = (pod: Pod, why: { readonly reason: string; readonly message: string } | undefined): void => {
      if (!isPodTerminal(pod)) {
        const condition = why && {
          type: "DisruptionTarget",
          status: "True",
          reason: why.reason,
          message: why.message,
          lastTransitionTime: rfc3339(context.now()),
        };
        const conditions = condition
          ? [...(pod.status?.conditions ?? []).filter((c) => c.type !== condition.type), condition]
          : pod.status?.conditions;
        const status = { ...pod.status, phase: "Failed" as const, ...(conditions ? { conditions } : {}) };
        if (!deepEqual(status, pod.status))
          client.patch(PODS, pod.metadata, "strategic", { status }, { subresource: "status" });
      }
      client.delete(PODS, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
    };

    return {
      reconcile() {
        const now = context.now();
        const finished: Pod[] = [];
        const missing = new Set<string>();
        for (const pod of [...pods.list()]) {
          const node = pod.spec.nodeName;
          if (isPodTerminal(pod) && !pod.metadata.deletionTimestamp) finished.push(pod);
          if (!node) {
            if (pod.metadata.deletionTimestamp) remove(pod, undefined);
            continue;
          }
          const known = nodes.get(node);
          if (known) {
            const isOut = known.spec.taints?.some((taint) => taint.key === OUT_OF_SERVICE);
            const isNotReady = known.status?.conditions?.some((c) => c.type === "Ready" && c.status !== "True");
            if (isOut && isNotReady && pod.metadata.deletionTimestamp) remove(pod, undefined);
            continue;
          }
          missing.add(node);
          const since = missedSince.get(node);
          if (since === undefined) missedSince.set(node, now);
          else if (now - since >= QUARANTINE_MS) {
            remove(pod, { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" });
          }
        }
        for (const node of [...missedSince.keys()]) if (!missing.has(node)) missedSince.delete(node);
        if (finished.length > TERMINATED_MAX) {
          finished.sort((a, b) =>
            a.metadata.creationTimestamp === b.metadata.creationTimestamp
              ? keyOf(a) < keyOf(b)
                ? -1
                : 1
              : a.metadata.creationTimestamp < b.metadata.creationTimestamp
                ? -1
                : 1,
          );
          for (const pod of finished.slice(0, finished.length - TERMINATED_MAX)) remove(pod, undefined);
        }
        return undefined;
      },
    };
  },
});
