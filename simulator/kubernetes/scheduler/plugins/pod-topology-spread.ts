/** PodTopologySpread: keeps the Pods that a selector matches even over zones, nodes, or any label of nodes. */
import { matches, type Selector, selectorFromLabelSelector } from "../../apimachinery/labels";
import type { Node, Pod, TopologySpreadConstraint } from "../../api/types.generated";
import { podMayRunOn } from "../../client/node-affinity";
import { isTolerated } from "../../client/taints";
import { type FilterPreparation, type Handle, MAX_NODE_SCORE, type Plugin, reject } from "../framework";
import type { NodeInfo } from "../node-info";

const NAME = "PodTopologySpread";
const HOSTNAME = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";
const MISMATCH = "node(s) didn't match pod topology spread constraints";

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

export const podTopologySpread: Plugin = {
  name: NAME,
  weight: 2,
  events: ["AssignedPodAdd", "AssignedPodUpdate", "AssignedPodDelete", "NodeAdd", "NodeUpdate"],
  prepareFilter(pod, handle) {
    const constraints = constraintsOf(pod, "DoNotSchedule");
    return constraints.length === 0 ? undefined : prepareFilter(pod, constraints, handle);
  },
  prepareScore(pod, nodes, handle) {
    const own = constraintsOf(pod, "ScheduleAnyway");
    const isSystem = (pod.spec.topologySpreadConstraints?.length ?? 0) === 0;
    const constraints = isSystem ? systemConstraints(pod, handle) : own;
    if (constraints.length === 0) return undefined;
    const counters = constraints.map((constraint) => counter(pod, constraint));
    const included = (node: Node): boolean =>
      (isSystem || constraints.every((c) => node.metadata.labels?.[c.topologyKey] !== undefined)) &&
      constraints.every((c) => isIncluded(c, pod, node));
    const counts = constraints.map(() => new Map<string, number>());
    const ignored = new Set<string>();
    for (const { node, name } of nodes) {
      if (!included(node)) {
        ignored.add(name);
        continue;
      }
      constraints.forEach((constraint, i) => {
        const value = node.metadata.labels?.[constraint.topologyKey];
        if (value !== undefined && constraint.topologyKey !== HOSTNAME) counts[i]!.set(value, 0);
      });
    }
    const weights = constraints.map((constraint, i) =>
      Math.log((constraint.topologyKey === HOSTNAME ? nodes.length - ignored.size : counts[i]!.size) + 2),
    );
    if (counts.some((map) => map.size > 0)) {
      for (const info of handle.snapshot.nodes) {
        if (!included(info.node)) continue;
        constraints.forEach((constraint, i) => {
          const value = info.node.metadata.labels?.[constraint.topologyKey];
          const known = value === undefined ? undefined : counts[i]!.get(value);
          if (known !== undefined) counts[i]!.set(value!, known + counters[i]!(info));
        });
      }
    }
    return {
      score(info) {
        if (ignored.has(info.name)) return -1;
        let score = 0;
        constraints.forEach((constraint, i) => {
          const value = info.node.metadata.labels?.[constraint.topologyKey];
          if (value === undefined) return;
          const count = constraint.topologyKey === HOSTNAME ? counters[i]!(info) : (counts[i]!.get(value) ?? 0);
          score += count * weights[i]! + (constraint.maxSkew - 1);
        });
        return Math.round(score);
      },
      normalize(scores) {
        let least = Number.POSITIVE_INFINITY;
        let most = 0;
        for (const score of scores) {
          if (score < 0) continue;
          least = Math.min(least, score);
          most = Math.max(most, score);
        }
        for (let i = 0; i < scores.length; i++) {
          if (scores[i]! < 0) scores[i] = 0;
          else
            scores[i] = most === 0 ? MAX_NODE_SCORE : Math.floor((MAX_NODE_SCORE * (most + least - scores[i]!)) / most);
        }
      },
    };
  },
};

function prepareFilter(pod: Pod, constraints: readonly Constraint[], handle: Handle): FilterPreparation {
  const counters = constraints.map((constraint) => counter(pod, constraint));
  const counts = constraints.map(() => new Map<string, number>());
  const domainOf = (i: number, node: Node): string | undefined => {
    const constraint = constraints[i]!;
    if (!constraints.every((c) => node.metadata.labels?.[c.topologyKey] !== undefined)) return undefined;
    return isIncluded(constraint, pod, node) ? node.metadata.labels?.[constraint.topologyKey] : undefined;
  };
  for (const info of handle.snapshot.nodes) {
    for (let i = 0; i < constraints.length; i++) {
      const value = domainOf(i, info.node);
      if (value === undefined) continue;
      counts[i]!.set(value, (counts[i]!.get(value) ?? 0) + counters[i]!(info));
    }
  }
  const shift = (other: Pod, info: NodeInfo, by: number): void => {
    if (other.metadata.namespace !== pod.metadata.namespace || other.metadata.deletionTimestamp) return;
    for (let i = 0; i < constraints.length; i++) {
      const value = domainOf(i, info.node);
      if (value === undefined || !matches(constraints[i]!.selector, other.metadata.labels)) continue;
      counts[i]!.set(value, (counts[i]!.get(value) ?? 0) + by);
      minimums[i] = undefined;
    }
  };
  const minimums: (number | undefined)[] = constraints.map(() => undefined);
  const minimumOf = (i: number): number => {
    let least = minimums[i];
    if (least === undefined) {
      least = Number.POSITIVE_INFINITY;
      for (const count of counts[i]!.values()) if (count < least) least = count;
      if (counts[i]!.size < constraints[i]!.minDomains) least = 0;
      minimums[i] = least;
    }
    return least;
  };
  const missing = reject(NAME, `${MISMATCH} (missing required label)`, true);
  const mismatch = reject(NAME, MISMATCH);
  return {
    filter: {
      filter(info) {
        for (let i = 0; i < constraints.length; i++) {
          const constraint = constraints[i]!;
          const value = info.node.metadata.labels?.[constraint.topologyKey];
          if (value === undefined) return missing;
          const self = matches(constraint.selector, pod.metadata.labels) ? 1 : 0;
          const least = minimumOf(i);
          if (least === Number.POSITIVE_INFINITY) continue;
          if ((counts[i]!.get(value) ?? 0) + self - least > constraint.maxSkew) return mismatch;
        }
        return undefined;
      },
      add: (other, info) => shift(other, info, 1),
      remove: (other, info) => shift(other, info, -1),
    },
  };
}

/** Counts a node's Pods that a constraint selects. Each kind of labels is matched once a cycle. */
function counter(pod: Pod, { selector }: Constraint): (info: NodeInfo) => number {
  const known = new Map<string, boolean>();
  return (info) => {
    let count = 0;
    for (const [id, group] of info.groups) {
      let isMatch = known.get(id);
      if (isMatch === undefined) {
        const { namespace, labels } = group.example.metadata;
        isMatch = namespace === pod.metadata.namespace && matches(selector, labels);
        known.set(id, isMatch);
      }
      if (isMatch) count += group.count - group.terminating;
    }
    return count;
  };
}

function isIncluded({ honorAffinity, honorTaints }: Constraint, pod: Pod, node: Node): boolean {
  const isChoosy = pod.spec.nodeSelector !== undefined || pod.spec.affinity?.nodeAffinity !== undefined;
  if (honorAffinity && isChoosy && !podMayRunOn(pod, node)) return false;
  if (!honorTaints) return true;
  return (node.spec?.taints ?? []).every(
    (taint) => taint.effect === "PreferNoSchedule" || isTolerated(taint, pod.spec.tolerations),
  );
}

function constraintsOf(pod: Pod, when: TopologySpreadConstraint["whenUnsatisfiable"]): readonly Constraint[] {
  const constraints: Constraint[] = [];
  for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
    if (constraint.whenUnsatisfiable !== when) continue;
    const { requirements, ...rest } = selectorFromLabelSelector(constraint.labelSelector);
    const byKeys = (constraint.matchLabelKeys ?? []).flatMap((key) => {
      const value = pod.metadata.labels?.[key];
      return value === undefined ? [] : [{ key, operator: "in" as const, values: [value] }];
    });
    constraints.push({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      selector: { requirements: [...requirements, ...byKeys], ...rest },
      honorAffinity: (constraint.nodeAffinityPolicy ?? "Honor") === "Honor",
      honorTaints: constraint.nodeTaintsPolicy === "Honor",
    });
  }
  return constraints;
}

/** The cluster's default constraints, for Pods that belong to a Service or a workload (helper.DefaultSelector). */
function systemConstraints(pod: Pod, handle: Handle): readonly Constraint[] {
  const selector = defaultSelector(pod, handle);
  if (!selector) return [];
  const constraint = (topologyKey: string, maxSkew: number): Constraint => ({
    topologyKey,
    maxSkew,
    minDomains: 1,
    selector,
    honorAffinity: true,
    honorTaints: false,
  });
  return [constraint(HOSTNAME, 3), constraint(ZONE, 5)];
}

function defaultSelector(pod: Pod, handle: Handle): Selector | undefined {
  const { namespace, labels, ownerReferences } = pod.metadata;
  const requirements: Selector["requirements"][number][] = [];
  for (const service of handle.services.inNamespace(namespace!)) {
    const wanted = Object.entries(service.spec.selector ?? {});
    if (wanted.length === 0 || wanted.some(([key, value]) => labels?.[key] !== value)) continue;
    for (const [key, value] of wanted) requirements.push({ key, operator: "=", values: [value] });
  }
  const owner = ownerReferences?.find(({ controller }) => controller);
  const key = `${namespace}/${owner?.name}`;
  if (owner?.kind === "ReplicaSet") {
    requirements.push(...selectorFromLabelSelector(handle.replicaSets.get(key)?.spec.selector).requirements);
  } else if (owner?.kind === "StatefulSet") {
    requirements.push(...selectorFromLabelSelector(handle.statefulSets.get(key)?.spec.selector).requirements);
  } else if (owner?.kind === "ReplicationController") {
    for (const [name, value] of Object.entries(handle.replicationControllers.get(key)?.spec.selector ?? {})) {
      requirements.push({ key: name, operator: "=", values: [value] });
    }
  }
  return requirements.length > 0 ? { requirements } : undefined;
}
