/** What a node refuses although the scheduler (or nobody) sent it here: upstream's admission handlers. */
import { milliValue, wholeValue } from "../apimachinery/quantity";
import type { Node, Pod } from "../api/types.generated";
import { podRequest, qosClassOf } from "./resources";

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

export interface AdmissionInput {
  readonly pod: Pod;
  /** Pods of this node that are not over, without this one. */
  readonly others: readonly Pod[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly node: Node | undefined;
  readonly pressure: { readonly memory: boolean; readonly disk: boolean };
}

/** Undefined: the Pod may run here. */
export function refuse({ pod, others, allocatable, node, pressure }: AdmissionInput): Refusal | undefined {
  const isCritical =
    (pod.spec.priority ?? 0) >= 2_000_000_000 || pod.metadata.annotations?.["kubernetes.io/config.source"] === "file";
  if (
    !isCritical &&
    pressure.memory &&
    qosClassOf(pod) === "BestEffort" &&
    !tolerates(pod, "node.kubernetes.io/memory-pressure")
  )
    return { reason: "Evicted", message: "Pod was rejected: The node had condition: [MemoryPressure]. " };
  if (!isCritical && pressure.disk)
    return { reason: "Evicted", message: "Pod was rejected: The node had condition: [DiskPressure]. " };
  const selector = pod.spec.nodeSelector ?? {};
  const labels = node?.metadata.labels;
  if (labels && Object.keys(selector).some((key) => labels[key] !== selector[key]))
    return {
      reason: "NodeAffinity",
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  const podsMax = wholeValue(allocatable["pods"]);
  if (others.length + 1 > podsMax) return short("pods", 1, others.length, podsMax);
  for (const resource of ["cpu", "memory", "ephemeral-storage"] as const) {
    const asked = podRequest(pod, resource);
    if (asked === 0) continue;
    const used = others.reduce((sum, other) => sum + podRequest(other, resource), 0);
    const capacity = resource === "cpu" ? milliValue(allocatable[resource]) : wholeValue(allocatable[resource]);
    if (asked + used > capacity) return short(resource, asked, used, capacity);
  }
  return undefined;
}

const short = (resource: string, asked: number, used: number, capacity: number): Refusal => ({
  reason: `OutOf${resource}`,
  message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: ${asked}, used: ${used}, capacity: ${capacity}`,
});

const tolerates = (pod: Pod, key: string): boolean =>
  (pod.spec.tolerations ?? []).some(
    (t) => (t.key === key || (!t.key && t.operator === "Exists")) && (!t.effect || t.effect === "NoSchedule"),
  );
