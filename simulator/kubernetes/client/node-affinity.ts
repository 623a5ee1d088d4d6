/** Node selectors (component-helpers' nodeaffinity): which nodes a selector or a Pod's required affinity admits. */
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../api/types.generated";

/** Terms are alternatives; an empty term matches nothing. */
export function nodeMatches(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => termMatches(term, node));
}

export function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((requirement) => requirementMatches(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) =>
      requirementMatches(requirement, requirement.key === "metadata.name" ? node.metadata.name : undefined),
    )
  );
}

function requirementMatches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
  }
}

/** GetRequiredNodeAffinity(pod).Match: nodeSelector and required node affinity. */
export function podMayRunOn(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels;
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels?.[key] !== value) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required ? nodeMatches(required, node) : true;
}
