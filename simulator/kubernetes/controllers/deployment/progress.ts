/** A Deployment's status: counters, conditions, the progress deadline. Pure. */
import { type Instant, parseRfc3339, rfc3339 } from "../../../base/clock";
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/types.generated";
import { omitZero } from "../omit-zero";
import { availableReplicas, desiredReplicas, maxUnavailableOf, specReplicas, sumOf } from "./rolling";

type Conditions = readonly DeploymentCondition[];

export const conditionOf = (status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

/** MaxInt32 means no deadline. */
export const hasDeadline = (deployment: Deployment): boolean =>
  deployment.spec.progressDeadlineSeconds !== undefined && deployment.spec.progressDeadlineSeconds !== 2_147_483_647;

interface ConditionText {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export const newCondition = (text: ConditionText, now: Instant): DeploymentCondition => ({
  ...text,
  lastUpdateTime: rfc3339(now),
  lastTransitionTime: rfc3339(now),
});

/** SetDeploymentCondition: unchanged status and reason leave it as it is. */
export function withCondition(conditions: Conditions | undefined, condition: DeploymentCondition): Conditions {
  const known = conditions?.find((c) => c.type === condition.type);
  if (known && known.status === condition.status && known.reason === condition.reason) return conditions!;
  const next =
    known?.status === condition.status && known.lastTransitionTime !== undefined
      ? { ...condition, lastTransitionTime: known.lastTransitionTime }
      : condition;
  return [...(conditions ?? []).filter((c) => c.type !== condition.type), next];
}

export const withoutCondition = (conditions: Conditions | undefined, type: string): Conditions =>
  (conditions ?? []).filter((c) => c.type !== type);

/** calculateStatus. */
export function calculateStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newReplicaSet: ReplicaSet | undefined,
  now: Instant,
): DeploymentStatus {
  const available = sumOf(all, availableReplicas);
  const total = sumOf(all, specReplicas);
  const isAvailable = available >= desiredReplicas(deployment) - maxUnavailableOf(deployment);
  const conditions = withCondition(
    deployment.status?.conditions,
    newCondition(
      isAvailable
        ? {
            type: "Available",
            status: "True",
            reason: "MinimumReplicasAvailable",
            message: "Deployment has minimum availability.",
          }
        : {
            type: "Available",
            status: "False",
            reason: "MinimumReplicasUnavailable",
            message: "Deployment does not have minimum availability.",
          },
      now,
    ),
  );
  return {
    ...omitZero({
      availableReplicas: available,
      readyReplicas: sumOf(all, (rs) => rs.status?.readyReplicas ?? 0),
      replicas: sumOf(all, (rs) => rs.status?.replicas ?? 0),
      unavailableReplicas: Math.max(total - available, 0),
      updatedReplicas: newReplicaSet?.status?.replicas ?? 0,
      observedGeneration: deployment.metadata.generation ?? 0,
    }),
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
    ...(all.every((rs) => rs.status?.terminatingReplicas !== undefined)
      ? { terminatingReplicas: sumOf(all, (rs) => rs.status!.terminatingReplicas!) }
      : {}),
    conditions,
  };
}

/** DeploymentComplete. */
export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status?.updatedReplicas ?? 0) === desired &&
    (status?.replicas ?? 0) === desired &&
    (status?.availableReplicas ?? 0) === desired &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** DeploymentProgressing: some counter moved the right way. */
function isProgressing(old: DeploymentStatus | undefined, status: DeploymentStatus): boolean {
  const oldUpdated = old?.updatedReplicas ?? 0;
  const updated = status.updatedReplicas ?? 0;
  return (
    updated > oldUpdated ||
    (status.replicas ?? 0) - updated < (old?.replicas ?? 0) - oldUpdated ||
    (status.readyReplicas ?? 0) > (old?.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old?.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: Instant): boolean {
  const condition = conditionOf(status, "Progressing");
  if (!hasDeadline(deployment) || !condition || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  const from = parseRfc3339(condition.lastUpdateTime ?? "") ?? 0;
  return from + deployment.spec.progressDeadlineSeconds! * 1000 < now;
}

/** syncRolloutStatus, up to the write: the status with its Progressing and ReplicaFailure conditions. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newReplicaSet: ReplicaSet | undefined,
  now: Instant,
): DeploymentStatus {
  const status = calculateStatus(deployment, all, newReplicaSet, now);
  let conditions: Conditions = status.conditions ?? [];
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, "Progressing");
  const current = conditionOf(deployment.status, "Progressing");
  const subject = newReplicaSet
    ? `ReplicaSet "${newReplicaSet.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === "NewReplicaSetAvailable";
  if (hasDeadline(deployment) && !wasComplete) {
    const progressing = (state: string, reason: string, message: string): DeploymentCondition =>
      newCondition({ type: "Progressing", status: state, reason, message }, now);
    if (isComplete(deployment, status)) {
      const message = `${subject} has successfully progressed.`;
      conditions = withCondition(conditions, progressing("True", "NewReplicaSetAvailable", message));
    } else if (isProgressing(deployment.status, status)) {
      const condition = progressing("True", "ReplicaSetUpdated", `${subject} is progressing.`);
      // Each step forward moves lastUpdateTime, from which the deadline counts.
      const kept =
        current?.status === "True" && current.lastTransitionTime !== undefined
          ? { ...condition, lastTransitionTime: current.lastTransitionTime }
          : condition;
      conditions = [...withoutCondition(conditions, "Progressing"), kept];
    } else if (hasTimedOut(deployment, status, now)) {
      const message = `${subject} has timed out progressing.`;
      conditions = withCondition(conditions, progressing("False", "ProgressDeadlineExceeded", message));
    }
  }
  const failure = replicaFailure(all, newReplicaSet);
  conditions = failure ? withCondition(conditions, failure) : withoutCondition(conditions, "ReplicaFailure");
  return { ...status, conditions };
}

function replicaFailure(
  all: readonly ReplicaSet[],
  newReplicaSet: ReplicaSet | undefined,
): DeploymentCondition | undefined {
  for (const rs of newReplicaSet ? [newReplicaSet, ...all] : all) {
    const condition = rs.status?.conditions?.find((c) => c.type === "ReplicaFailure");
    if (condition) return { ...condition, lastUpdateTime: condition.lastTransitionTime ?? "" };
  }
  return undefined;
}

/** requeueStuckDeployment: when to look whether the deadline has passed. */
export function deadlineAfterMs(deployment: Deployment, status: DeploymentStatus, now: Instant): number | undefined {
  const current = conditionOf(deployment.status, "Progressing");
  if (!hasDeadline(deployment) || !current) return undefined;
  if (isComplete(deployment, status) || current.reason === "ProgressDeadlineExceeded") return undefined;
  const from = parseRfc3339(current.lastUpdateTime ?? "") ?? 0;
  return Math.max(from + deployment.spec.progressDeadlineSeconds! * 1000 - now, 0) + 1000;
}
