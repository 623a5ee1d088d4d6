/** InterPodAffinity: Pods that want to be near others, or away from them. */
import { matches, type Selector, selectorFromLabelSelector } from "../../apimachinery/labels";
import type { Pod, PodAffinityTerm } from "../../api/types.generated";
import { type Handle, MAX_NODE_SCORE, type NodeFilter, type Plugin, reject } from "../framework";
import { type NodeInfo, podInfo } from "../node-info";

const NAME = "InterPodAffinity";
/** Required affinity of Pods that run already counts this much towards the score (hardPodAffinityWeight). */
const HARD_WEIGHT = 1;

interface Term {
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Selector | undefined;
}

type Counts = Map<string, number>;

export const interPodAffinity: Plugin = {
  name: NAME,
  weight: 2,
  events: ["AssignedPodAdd", "AssignedPodUpdate", "AssignedPodDelete", "NodeAdd", "NodeUpdate"],
  prepareFilter(pod, handle) {
    const affinity = termsOf(pod, pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution);
    const anti = termsOf(pod, pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution);
    if (affinity.length === 0 && anti.length === 0 && handle.snapshot.requiredAntiAffinityCount === 0) return undefined;
    return { filter: prepareFilter(pod, affinity, anti, handle) };
  },
  prepareScore(pod, _nodes, handle) {
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
    const wanted = weighted(pod, podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1);
    wanted.push(...weighted(pod, podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1));
    if (wanted.length === 0 && handle.snapshot.affinityCount === 0) return undefined;
    const scores = new Map<string, number>();
    const credit = (term: Term, info: NodeInfo, weight: number): void => {
      const id = pairOf(term, info);
      if (id !== undefined) scores.set(id, (scores.get(id) ?? 0) + weight);
    };
    for (const info of handle.snapshot.nodes) {
      if (wanted.length === 0 && info.affinityCount === 0) continue;
      for (const { pod: other, hasAffinity } of info.pods.values()) {
        for (const { term, weight } of wanted) if (termMatches(term, other, handle)) credit(term, info, weight);
        if (!hasAffinity) continue;
        const theirs = other.spec.affinity!;
        for (const term of termsOf(other, theirs.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution)) {
          if (termMatches(term, pod, handle)) credit(term, info, HARD_WEIGHT);
        }
        const preferred = weighted(other, theirs.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1);
        preferred.push(...weighted(other, theirs.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1));
        for (const { term, weight } of preferred) if (termMatches(term, pod, handle)) credit(term, info, weight);
      }
    }
    if (scores.size === 0) return undefined;
    const keys = new Set([...scores.keys()].map((id) => id.slice(0, id.indexOf("\n"))));
    return {
      score({ node }) {
        let sum = 0;
        for (const key of keys) sum += scores.get(`${key}\n${node.metadata.labels?.[key]}`) ?? 0;
        return sum;
      },
      normalize(values) {
        const least = Math.min(...values);
        const range = Math.max(...values) - least;
        for (let i = 0; i < values.length; i++) {
          values[i] = range > 0 ? Math.floor((MAX_NODE_SCORE * (values[i]! - least)) / range) : 0;
        }
      },
    };
  },
};

function prepareFilter(pod: Pod, affinity: readonly Term[], anti: readonly Term[], handle: Handle): NodeFilter {
  const existing: Counts = new Map();
  const affinityCounts: Counts = new Map();
  const antiCounts: Counts = new Map();
  const shift = (other: Pod, info: NodeInfo, by: number): void => {
    if (podInfo(other).hasRequiredAntiAffinity) {
      const theirs = other.spec.affinity!.podAntiAffinity!.requiredDuringSchedulingIgnoredDuringExecution;
      for (const term of termsOf(other, theirs)) if (termMatches(term, pod, handle)) bump(existing, term, info, by);
    }
    // Affinity counts Pods that match all terms together.
    if (affinity.length > 0 && affinity.every((term) => termMatches(term, other, handle))) {
      for (const term of affinity) bump(affinityCounts, term, info, by);
    }
    for (const term of anti) if (termMatches(term, other, handle)) bump(antiCounts, term, info, by);
  };
  const isSelective = affinity.length > 0 || anti.length > 0;
  for (const info of handle.snapshot.nodes) {
    if (!isSelective && info.requiredAntiAffinityCount === 0) continue;
    for (const { pod: other } of info.pods.values()) shift(other, info, 1);
  }
  const keys = (): Set<string> => new Set([...existing.keys()].map((id) => id.slice(0, id.indexOf("\n"))));
  const affinityRules = reject(NAME, "node(s) didn't match pod affinity rules", true);
  const antiRules = reject(NAME, "node(s) didn't match pod anti-affinity rules");
  const existingRules = reject(NAME, "node(s) didn't satisfy existing pods anti-affinity rules");
  return {
    filter(info) {
      if (affinity.length > 0) {
        let isMatched = true;
        for (const term of affinity) {
          const id = pairOf(term, info);
          if (id === undefined) return affinityRules;
          if (!((affinityCounts.get(id) ?? 0) > 0)) isMatched = false;
        }
        // The first of a group that wants to be together may go anywhere.
        const isFirst = affinityCounts.size === 0 && affinity.every((term) => termMatches(term, pod, handle));
        if (!isMatched && !isFirst) return affinityRules;
      }
      for (const term of anti) {
        const id = pairOf(term, info);
        if (id !== undefined && (antiCounts.get(id) ?? 0) > 0) return antiRules;
      }
      for (const key of keys()) {
        if ((existing.get(`${key}\n${info.node.metadata.labels?.[key]}`) ?? 0) > 0) return existingRules;
      }
      return undefined;
    },
    add: (other, info) => shift(other, info, 1),
    remove: (other, info) => shift(other, info, -1),
  };
}

function bump(counts: Counts, term: Term, info: NodeInfo, by: number): void {
  const id = pairOf(term, info);
  if (id === undefined) return;
  const count = (counts.get(id) ?? 0) + by;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}

/** Topology key and value as one text. */
function pairOf({ topologyKey }: Term, { node }: NodeInfo): string | undefined {
  const value = node.metadata.labels?.[topologyKey];
  return value === undefined ? undefined : `${topologyKey}\n${value}`;
}

const termCache = new WeakMap<PodAffinityTerm, Map<string, Term>>();

/** A term as one Pod states it: without namespaces it means the Pod's own. */
function termOf(owner: Pod, term: PodAffinityTerm): Term {
  const namespace = owner.metadata.namespace!;
  let byNamespace = termCache.get(term);
  if (!byNamespace) {
    byNamespace = new Map();
    termCache.set(term, byNamespace);
  }
  let made = byNamespace.get(namespace);
  if (!made) {
    const isOwn = !term.namespaces?.length && !term.namespaceSelector;
    made = {
      topologyKey: term.topologyKey,
      selector: selectorFromLabelSelector(term.labelSelector),
      namespaces: new Set(isOwn ? [namespace] : term.namespaces),
      namespaceSelector: term.namespaceSelector && selectorFromLabelSelector(term.namespaceSelector),
    };
    byNamespace.set(namespace, made);
  }
  return made;
}

const termsOf = (owner: Pod, terms: readonly PodAffinityTerm[] | undefined): readonly Term[] =>
  terms?.map((term) => termOf(owner, term)) ?? [];

const weighted = (
  owner: Pod,
  terms: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] | undefined,
  sign: 1 | -1,
): { readonly term: Term; readonly weight: number }[] =>
  (terms ?? []).map(({ weight, podAffinityTerm }) => ({ term: termOf(owner, podAffinityTerm), weight: sign * weight }));

function termMatches({ selector, namespaces, namespaceSelector }: Term, pod: Pod, handle: Handle): boolean {
  const namespace = pod.metadata.namespace!;
  const isInScope =
    namespaces.has(namespace) ||
    (namespaceSelector !== undefined && matches(namespaceSelector, handle.namespaces.get(namespace)?.metadata.labels));
  return isInScope && matches(selector, pod.metadata.labels);
}
