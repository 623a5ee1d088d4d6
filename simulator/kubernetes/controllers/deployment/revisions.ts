/** Which ReplicaSet is the new one, which are old, and the revision numbers and annotations they carry. */
import { deepEqual } from "../../../base/json";
import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../api/types.generated";
import { byCreation, DESIRED_REPLICAS, desiredReplicas, MAX_REPLICAS, maxSurgeOf } from "./rolling";

export const REVISION = "deployment.kubernetes.io/revision";
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const ROLLBACK_TO = "deprecated.deployment.rollback.to";
export const TEMPLATE_HASH = "pod-template-hash";

/** Annotations that stay the Deployment's own, or that this controller writes itself. */
const NOT_COPIED = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  ROLLBACK_TO,
]);

export const revisionOf = (rs: ReplicaSet): number => Number(rs.metadata.annotations?.[REVISION] ?? 0) || 0;

/** EqualIgnoreHash. */
export function isSameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  if (!deepEqual(a?.spec, b?.spec)) return false;
  return (
    deepEqual(withoutHash(a), withoutHash(b)) &&
    deepEqual(a?.metadata?.annotations ?? {}, b?.metadata?.annotations ?? {})
  );
}

function withoutHash(template: PodTemplateSpec | undefined): Record<string, string> {
  const { [TEMPLATE_HASH]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return labels;
}

/** FindNewReplicaSet: the oldest whose template is the Deployment's. */
export function findNewReplicaSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  let found: ReplicaSet | undefined;
  for (const rs of sets) {
    if (found && byCreation(found, rs) <= 0) continue;
    if (isSameTemplate(rs.spec.template, deployment.spec.template)) found = rs;
  }
  return found;
}

/** The annotations a new ReplicaSet gets at this revision; undefined when an existing one has them already. */
export function replicaSetAnnotations(
  deployment: Deployment,
  existing: ReplicaSet | undefined,
  newRevision: number,
): Readonly<Record<string, string>> | undefined {
  const before = existing?.metadata.annotations ?? {};
  const annotations: Record<string, string> = { ...before };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const oldRevision = before[REVISION] ?? "";
  if ((Number(oldRevision) || 0) < newRevision) {
    annotations[REVISION] = String(newRevision);
    if (existing && oldRevision) {
      const history = before[REVISION_HISTORY];
      annotations[REVISION_HISTORY] = history ? `${history},${oldRevision}` : oldRevision;
    }
  }
  if (!existing) Object.assign(annotations, sizeAnnotations(deployment));
  return existing && deepEqual(before, annotations) ? undefined : annotations;
}

/** What a ReplicaSet remembers of the Deployment's size, for proportional scaling. */
export const sizeAnnotations = (deployment: Deployment): Readonly<Record<string, string>> => ({
  [DESIRED_REPLICAS]: String(desiredReplicas(deployment)),
  [MAX_REPLICAS]: String(desiredReplicas(deployment) + maxSurgeOf(deployment)),
});

/** Those that history no longer keeps, oldest revision first (cleanupDeployment). */
export function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined) return [];
  const alive = old.filter((rs) => !rs.metadata.deletionTimestamp);
  const excess = alive.length - limit;
  if (excess <= 0) return [];
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, excess)
    .filter(
      (rs) =>
        (rs.status?.replicas ?? 0) === 0 &&
        (rs.spec.replicas ?? 1) === 0 &&
        (rs.metadata.generation ?? 0) <= (rs.status?.observedGeneration ?? 0),
    );
}
