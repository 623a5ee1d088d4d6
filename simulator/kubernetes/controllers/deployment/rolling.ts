/** RollingUpdate: how many Pods the new and old ReplicaSets may have now. Pure arithmetic; the caller writes. */
import { type IntOrString, scaledValue } from "../../apimachinery/int-or-string";
import type { Deployment, ReplicaSet } from "../../api/types.generated";

export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** ResolveFenceposts: surge rounds up, unavailable down, and they are never both zero. */
export function resolveFenceposts(
  maxSurge: IntOrString | undefined,
  maxUnavailable: IntOrString | undefined,
  desired: number,
): Fenceposts {
  const surge = scaledValue(maxSurge, desired, true) ?? 0;
  let unavailable = scaledValue(maxUnavailable, desired, false) ?? 0;
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { maxSurge: surge, maxUnavailable: unavailable };
}

export const desiredReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1;

export const isRollingUpdate = (deployment: Deployment): boolean =>
  (deployment.spec.strategy?.type ?? "RollingUpdate") === "RollingUpdate";

export function maxSurgeOf(deployment: Deployment): number {
  if (!isRollingUpdate(deployment)) return 0;
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  return resolveFenceposts(maxSurge, maxUnavailable, desiredReplicas(deployment)).maxSurge;
}

export function maxUnavailableOf(deployment: Deployment): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment) || desired === 0) return 0;
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  return Math.min(resolveFenceposts(maxSurge, maxUnavailable, desired).maxUnavailable, desired);
}

export const specReplicas = (rs: ReplicaSet): number => rs.spec.replicas ?? 1;
export const availableReplicas = (rs: ReplicaSet): number => rs.status?.availableReplicas ?? 0;

export const sumOf = (sets: readonly ReplicaSet[], count: (rs: ReplicaSet) => number): number =>
  sets.reduce((sum, rs) => sum + count(rs), 0);

/** NewRSNewReplicas: the size that the new ReplicaSet may have beside all the others. */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], newReplicas: number): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const total = sumOf(all, specReplicas);
  const room = desired + maxSurgeOf(deployment) - total;
  if (room <= 0) return newReplicas;
  return newReplicas + Math.min(room, desired - newReplicas);
}

export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

/**
 * reconcileOldReplicaSets: first Pods of old ReplicaSets that are not available anyway, then available ones as far as
 * maxUnavailable lets them go. `old` are the active old ones.
 */
export function oldReplicaSetSizes(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  newReplicaSet: ReplicaSet | undefined,
): readonly Resize[] {
  const all = newReplicaSet ? [...old, newReplicaSet] : old;
  if (sumOf(old, specReplicas) === 0) return [];
  const minAvailable = desiredReplicas(deployment) - maxUnavailableOf(deployment);
  const newUnavailable = newReplicaSet ? specReplicas(newReplicaSet) - availableReplicas(newReplicaSet) : 0;
  const maxScaledDown = sumOf(all, specReplicas) - minAvailable - newUnavailable;
  if (maxScaledDown <= 0) return [];
  const sizes = new Map<ReplicaSet, number>();
  const sizeOf = (rs: ReplicaSet): number => sizes.get(rs) ?? specReplicas(rs);
  const byAge = [...old].sort(byCreation);
  let cleaned = 0;
  for (const rs of byAge) {
    if (cleaned >= maxScaledDown) break;
    const unhealthy = specReplicas(rs) - availableReplicas(rs);
    if (specReplicas(rs) === 0 || unhealthy <= 0) continue;
    const count = Math.min(maxScaledDown - cleaned, unhealthy);
    sizes.set(rs, specReplicas(rs) - count);
    cleaned += count;
  }
  const spare = sumOf(all, availableReplicas) - minAvailable;
  let scaledDown = 0;
  for (const rs of byAge) {
    if (scaledDown >= spare) break;
    if (sizeOf(rs) === 0) continue;
    const count = Math.min(sizeOf(rs), spare - scaledDown);
    sizes.set(rs, sizeOf(rs) - count);
    scaledDown += count;
  }
  return [...sizes].map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

/** Older first; names decide between twins. */
export const byCreation = (a: ReplicaSet, b: ReplicaSet): number => {
  const left = a.metadata.creationTimestamp;
  const right = b.metadata.creationTimestamp;
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0;
};

/** Proportional scaling of a Deployment that is resized while it rolls or is paused (dc.scale). */
export function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): readonly Resize[] {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - sumOf(active, specReplicas);
  const sorted = [...active].sort((a, b) => {
    const size = specReplicas(b) - specReplicas(a);
    if (size !== 0) return size;
    return toAdd > 0 ? byCreation(b, a) : byCreation(a, b);
  });
  let added = 0;
  const sizes = sorted.map((replicaSet) => {
    const share = proportion(replicaSet, deployment, toAdd, added);
    added += share;
    return specReplicas(replicaSet) + share;
  });
  if (sizes.length > 0 && toAdd !== 0) sizes[0] = Math.max(sizes[0]! + toAdd - added, 0);
  return sorted.map((replicaSet, i) => ({ replicaSet, replicas: sizes[i]! }));
}

function proportion(rs: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  if (specReplicas(rs) === 0 || toAdd === 0 || toAdd === added) return 0;
  const fraction = fractionOf(rs, deployment);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(rs: ReplicaSet, deployment: Deployment): number {
  const desired = desiredReplicas(deployment);
  const size = specReplicas(rs);
  if (desired === 0) return -size;
  const before = Number(rs.metadata.annotations?.[MAX_REPLICAS] ?? 0) || deployment.status?.replicas || desired;
  return Math.round((size * (desired + maxSurgeOf(deployment))) / before) - size;
}
