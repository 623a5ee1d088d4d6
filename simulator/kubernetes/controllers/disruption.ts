/** Disruption controller: how many Pods of a PodDisruptionBudget may be evicted now. */
import { parseRfc3339, rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import { scaledValue } from "../apimachinery/int-or-string";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { controllerOf } from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import {
  DEPLOYMENTS,
  POD_DISRUPTION_BUDGETS,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  STATEFUL_SETS,
} from "../client/resources";
import { isPodReady, isPodTerminal } from "./pods";

/** An evicted Pod that does not go within two minutes counts as healthy again. */
const DELETION_TIMEOUT_MS = 120_000;

export const disruptionController = defineController({
  name: "disruption-controller",
  workers: 1,
  setup(context) {
    const { client } = context;
    const recorder = context.recorderAs("controllermanager");
    const budgets = context.watch(POD_DISRUPTION_BUDGETS, (budget) => [keyOf(budget)]).cache;
    const selects = (budget: PodDisruptionBudget, pod: Pod): boolean =>
      budget.spec.selector !== undefined &&
      matches(selectorFromLabelSelector(budget.spec.selector), pod.metadata.labels);
    const pods = context.watch(PODS, (pod) =>
      [...budgets.inNamespace(pod.metadata.namespace!)].filter((budget) => selects(budget, pod)).map(keyOf),
    ).cache;
    const deployments = context.informer(DEPLOYMENTS).cache;
    const replicaSets = context.informer(REPLICA_SETS).cache;
    const statefulSets = context.informer(STATEFUL_SETS).cache;
    const replicationControllers = context.informer(REPLICATION_CONTROLLERS).cache;

    /** The scale of whatever controls a Pod, by the uid of what was scaled. */
    const scaleOf = (pod: Pod): readonly [string, number] | undefined => {
      const owner = controllerOf(pod);
      if (!owner) return undefined;
      const key = `${pod.metadata.namespace}/${owner.name}`;
      if (owner.kind === "ReplicaSet") {
        const rs = replicaSets.get(key);
        if (!rs) return undefined;
        const parent = controllerOf(rs);
        const deployment =
          parent?.kind === "Deployment" ? deployments.get(`${pod.metadata.namespace}/${parent.name}`) : undefined;
        const scaled = deployment ?? rs;
        return [scaled.metadata.uid, scaled.spec.replicas ?? 1];
      }
      const other =
        owner.kind === "StatefulSet"
          ? statefulSets.get(key)
          : owner.kind === "ReplicationController"
            ? replicationControllers.get(key)
            : undefined;
      return other && [other.metadata.uid, other.spec.replicas ?? 1];
    };

    return {
      reconcile(key) {
        const budget = budgets.get(key);
        if (!budget) return undefined;
        context.spend(pods.size * 0.03);
        const now = context.now();
        const selected = [...pods.inNamespace(budget.metadata.namespace!)].filter((pod) => selects(budget, pod));
        if (selected.length === 0) recorder.event(budget, "Normal", "NoPods", "No matching pods found");
        const { minAvailable, maxUnavailable } = budget.spec;
        let expectedPods = selected.length;
        let desiredHealthy = 0;
        if (maxUnavailable !== undefined || typeof minAvailable === "string") {
          const scales = new Map<string, number>();
          for (const pod of selected) {
            const scale = scaleOf(pod);
            if (scale) scales.set(scale[0], scale[1]);
            else {
              const message = `jobs.batch does not implement the scale subresource`;
              if (controllerOf(pod))
                recorder.event(
                  budget,
                  "Warning",
                  "CalculateExpectedPodCountFailed",
                  `Failed to calculate the number of expected pods: ${message}`,
                );
            }
          }
          expectedPods = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
        }
        if (maxUnavailable !== undefined) {
          desiredHealthy = Math.max(expectedPods - (scaledValue(maxUnavailable, expectedPods, true) ?? 0), 0);
        } else if (typeof minAvailable === "number") desiredHealthy = minAvailable;
        else if (minAvailable !== undefined) desiredHealthy = scaledValue(minAvailable, expectedPods, true) ?? 0;
        const disruptedPods: Record<string, string> = {};
        let recheckMs: number | undefined;
        for (const [name, at] of Object.entries(budget.status?.disruptedPods ?? {})) {
          const pod = selected.find((p) => p.metadata.name === name);
          const until = (parseRfc3339(at) ?? 0) + DELETION_TIMEOUT_MS;
          if (!pod || pod.metadata.deletionTimestamp || until <= now) continue;
          disruptedPods[name] = at;
          recheckMs = Math.min(recheckMs ?? Number.POSITIVE_INFINITY, until - now);
        }
        const currentHealthy = selected.filter(
          (pod) =>
            !pod.metadata.deletionTimestamp &&
            disruptedPods[pod.metadata.name] === undefined &&
            !isPodTerminal(pod) &&
            isPodReady(pod),
        ).length;
        const disruptionsAllowed = expectedPods > 0 ? Math.max(currentHealthy - desiredHealthy, 0) : 0;
        const status: PodDisruptionBudgetStatus = {
          conditions: conditionsOf(budget, disruptionsAllowed, now),
          currentHealthy,
          desiredHealthy,
          ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
          disruptionsAllowed,
          expectedPods,
          observedGeneration: budget.metadata.generation ?? 1,
        };
        if (!deepEqual(status, budget.status)) {
          const written = client.updateStatus(POD_DISRUPTION_BUDGETS, { ...budget, status });
          if (!written.ok && !isNotFound(written.error)) return { error: written.error };
        }
        return recheckMs === undefined ? undefined : { afterMs: recheckMs };
      },
    };
  },
});

function conditionsOf(budget: PodDisruptionBudget, allowed: number, now: number): readonly Condition[] {
  const status = allowed > 0 ? ("True" as const) : ("False" as const);
  const known = budget.status?.conditions?.find((c) => c.type === "DisruptionAllowed");
  const condition: Condition = {
    type: "DisruptionAllowed",
    status,
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration: budget.metadata.generation ?? 1,
    lastTransitionTime: known?.status === status ? known.lastTransitionTime : rfc3339(now),
  };
  return [...(budget.status?.conditions ?? []).filter((c) => c.type !== condition.type), condition];
}
