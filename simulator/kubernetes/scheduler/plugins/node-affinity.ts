/** NodeAffinity: nodeSelector, required and preferred node affinity. */
import type { NodeSelectorTerm, Pod } from "../../api/types.generated";
import { podMayRunOn, termMatches } from "../../client/node-affinity";
import { normalizeScores, type Plugin, reject } from "../framework";

export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  events: ["NodeAdd", "NodeUpdate"],
  prepareFilter(pod) {
    const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (!required && !pod.spec.nodeSelector) return undefined;
    const rejection = reject(this.name, "node(s) didn't match Pod's node affinity/selector", true);
    const nodeNames = required ? namesIn(required.nodeSelectorTerms) : undefined;
    if (nodeNames?.size === 0) {
      return { rejection: reject(this.name, "pod affinity terms conflict", true) };
    }
    return {
      filter: { filter: (info) => (podMayRunOn(pod, info.node) ? undefined : rejection) },
      ...(nodeNames ? { nodeNames } : {}),
    };
  },
  prepareScore(pod: Pod) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred?.length) return undefined;
    return {
      score(info) {
        let sum = 0;
        for (const { weight, preference } of preferred) {
          const isEmpty = !preference.matchExpressions?.length && !preference.matchFields?.length;
          if (isEmpty || termMatches(preference, info.node)) sum += weight;
        }
        return sum;
      },
      normalize: (scores) => normalizeScores(scores, false),
    };
  },
};

/** The node names that terms with `metadata.name` fields leave; undefined when some term names none. */
function namesIn(terms: readonly NodeSelectorTerm[]): Set<string> | undefined {
  const names = new Set<string>();
  for (const { matchFields } of terms) {
    let termNames: Set<string> | undefined;
    for (const { key, operator, values } of matchFields ?? []) {
      if (key !== "metadata.name" || operator !== "In") continue;
      const own = new Set(values);
      termNames = termNames ? new Set([...termNames].filter((name) => own.has(name))) : own;
    }
    if (!termNames) return undefined;
    for (const name of termNames) names.add(name);
  }
  return names;
}
