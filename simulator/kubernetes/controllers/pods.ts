/** What controllers ask of a Pod (podutil, controller_utils): active, ready, available, and whom to delete first. */
import { type Instant, parseRfc3339 } from "../../base/clock";
import type { Pod, PodCondition } from "../api/types.generated";

export const podCondition = (pod: Pod, type: string): PodCondition | undefined => {
  const conditions = pod.status?.conditions;
  if (conditions) for (const condition of conditions) if (condition.type === type) return condition;
  return undefined;
};

export const isPodReady = (pod: Pod): boolean => podCondition(pod, "Ready")?.status === "True";

export const isPodTerminal = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/** Neither finished nor on its way out. */
export const isPodActive = (pod: Pod): boolean => !isPodTerminal(pod) && !pod.metadata.deletionTimestamp;

/** On its way out, and not yet finished. */
export const isPodTerminating = (pod: Pod): boolean =>
  !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;

/** When the Pod became ready; undefined when it is not. */
export function podReadySince(pod: Pod): Instant | undefined {
  const condition = podCondition(pod, "Ready");
  if (condition?.status !== "True") return undefined;
  return parseRfc3339(condition.lastTransitionTime ?? "") ?? 0;
}

/** Ready for at least minReadySeconds. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: Instant): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = podReadySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}

/** When a ready Pod will have been ready long enough; undefined when that is past or never. */
export function availableAfterMs(pod: Pod, minReadySeconds: number, now: Instant): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const since = podReadySince(pod);
  if (since === undefined) return undefined;
  const left = since + minReadySeconds * 1000 - now;
  return left > 0 ? left : undefined;
}

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

const restartsOf = (pod: Pod): number =>
  (pod.status?.containerStatuses ?? []).reduce((most, status) => Math.max(most, status.restartCount), 0);

/** Go's int64(math.Log2(nanoseconds)); -1 for what has no age. */
const logarithm = (ageMs: number): number => (ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1);

export interface RankedPod {
  readonly pod: Pod;
  /** Related active Pods on the same node: of two alike the one with more company goes first. */
  readonly rank: number;
}

/** ActivePodsWithRanks: negative when `a` is to be deleted before `b`. */
export function compareForDeletion(a: RankedPod, b: RankedPod, now: Instant): number {
  const left = a.pod;
  const right = b.pod;
  const assigned = Number(Boolean(left.spec.nodeName)) - Number(Boolean(right.spec.nodeName));
  if (assigned !== 0) return assigned;
  const phase = (PHASE_RANK[left.status?.phase ?? ""] ?? 0) - (PHASE_RANK[right.status?.phase ?? ""] ?? 0);
  if (phase !== 0) return phase;
  const ready = Number(isPodReady(left)) - Number(isPodReady(right));
  if (ready !== 0) return ready;
  const cost = deletionCost(left) - deletionCost(right);
  if (cost !== 0) return cost;
  if (a.rank !== b.rank) return b.rank - a.rank;
  const readyLeft = podReadySince(left);
  const readyRight = podReadySince(right);
  if (readyLeft !== undefined && readyRight !== undefined && readyLeft !== readyRight) {
    return byAge(left, right, readyLeft, readyRight, now);
  }
  const restarts = restartsOf(right) - restartsOf(left);
  if (restarts !== 0) return restarts;
  const createdLeft = parseRfc3339(left.metadata.creationTimestamp) ?? 0;
  const createdRight = parseRfc3339(right.metadata.creationTimestamp) ?? 0;
  if (createdLeft !== createdRight) return byAge(left, right, createdLeft, createdRight, now);
  return 0;
}

const deletionCost = (pod: Pod): number => Number(pod.metadata.annotations?.[DELETION_COST] ?? 0) || 0;

/** Younger goes first, on a logarithmic scale; of the same magnitude the uid decides, which is chance. */
function byAge(left: Pod, right: Pod, leftAt: Instant, rightAt: Instant, now: Instant): number {
  const rank = logarithm(now - leftAt) - logarithm(now - rightAt);
  if (rank !== 0) return rank;
  return left.metadata.uid < right.metadata.uid ? -1 : 1;
}

/** The `count` Pods to delete of `pods`, given all Pods related to them (getPodsToDelete). */
export function podsToDelete(
  pods: readonly Pod[],
  related: Iterable<Pod>,
  count: number,
  now: Instant,
): readonly Pod[] {
  if (count >= pods.length) return pods;
  const perNode = new Map<string, number>();
  for (const pod of related) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec.nodeName ?? "";
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => ({ pod, rank: perNode.get(pod.spec.nodeName ?? "") ?? 0 }));
  ranked.sort((a, b) => compareForDeletion(a, b, now));
  return ranked.slice(0, count).map(({ pod }) => pod);
}
