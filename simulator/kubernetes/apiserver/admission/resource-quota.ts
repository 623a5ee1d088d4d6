/** ResourceQuota: counts what a namespace has and refuses what would be too much. */
import type { KubeObject } from "../../apimachinery/object";
import type { Draft } from "../../apimachinery/resource";
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  subtractQuantities,
  ZERO_QUANTITY,
} from "../../apimachinery/quantity";
import { forbiddenStatus } from "../../apimachinery/status";
import { formatGroupResource } from "../../apimachinery/group-version-kind";
import type { AdmissionAttributes, AdmissionPlugin } from "./plugin";

type Usage = ReadonlyMap<string, Quantity>;

export const resourceQuota: AdmissionPlugin = {
  name: "ResourceQuota",
  validate(attributes, { list, updateStatus }) {
    const { operation, resource, subresource, object, old, namespace, name, dryRun } = attributes;
    if ((operation !== "CREATE" && operation !== "UPDATE") || subresource || !resource.namespaced) return undefined;
    const quotas = list("", "resourcequotas", namespace);
    if (quotas.length === 0) return undefined;
    const usage = usageOf(attributes.resource, object);
    const before = operation === "UPDATE" && old ? usageOf(attributes.resource, old) : undefined;
    const gr = { group: resource.group, resource: resource.plural };
    const updates: KubeObject[] = [];
    for (const quota of quotas) {
      if (!inScope(quota, attributes)) continue;
      const hard: Record<string, string> = quota.status?.hard ?? {};
      const constrained = Object.keys(hard).sort();
      if (resource.plural === "pods" && resource.group === "" && operation === "CREATE") {
        const missing = constrained.filter((n) => COMPUTE.includes(n) && !everyContainerStates(object, n));
        if (missing.length > 0) {
          return forbiddenStatus(
            gr,
            name,
            `failed quota: ${quota.metadata.name}: must specify ${describeMissing(object, missing)}`,
          );
        }
      }
      const delta = new Map<string, Quantity>();
      for (const n of constrained) {
        const now = usage.get(n);
        if (!now) continue;
        const difference = before ? subtractQuantities(now, before.get(n) ?? ZERO_QUANTITY) : now;
        if (difference.nano !== 0n) delta.set(n, difference);
      }
      if (delta.size === 0) continue;
      const used: Record<string, string> = quota.status?.used ?? {};
      const exceeded = [...delta]
        .filter(([n, d]) => d.nano > 0n && compareQuantities(addQuantities(read(used[n]), d), read(hard[n])) > 0)
        .map(([n]) => n);
      if (exceeded.length > 0) {
        const text = (pick: (n: string) => string): string => exceeded.map((n) => `${n}=${pick(n)}`).join(",");
        return forbiddenStatus(
          gr,
          name,
          `exceeded quota: ${quota.metadata.name}, requested: ${text((n) => formatQuantity(delta.get(n)!))}, used: ${text((n) => used[n] ?? "0")}, limited: ${text((n) => hard[n]!)}`,
        );
      }
      const next = { ...used };
      for (const [n, d] of delta) next[n] = formatQuantity(addQuantities(read(used[n]), d));
      updates.push({ ...quota, status: { ...quota.status, used: next } });
    }
    if (!dryRun) for (const quota of updates) updateStatus("", "resourcequotas", quota);
    return undefined;
  },
};

const read = (text: string | undefined): Quantity =>
  text === undefined ? ZERO_QUANTITY : (parseQuantity(text) ?? ZERO_QUANTITY);

const COMPUTE = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

const partOf = (name: string): { readonly part: "requests" | "limits"; readonly resource: string } =>
  name.startsWith("limits.")
    ? { part: "limits", resource: name.slice(7) }
    : { part: "requests", resource: name.replace(/^requests\./, "") };

const containersOf = (pod: Draft): Draft[] => [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];

function everyContainerStates(pod: Draft, name: string): boolean {
  const { part, resource } = partOf(name);
  return containersOf(pod).every((c) => c.resources?.[part]?.[resource] !== undefined);
}

function describeMissing(pod: Draft, names: readonly string[]): string {
  return names
    .map((name) => {
      const { part, resource } = partOf(name);
      const who = containersOf(pod)
        .filter((c) => c.resources?.[part]?.[resource] === undefined)
        .map((c) => c.name);
      return `${name} for: ${who.join(",")}`;
    })
    .join("; ");
}

function inScope(quota: KubeObject, { resource, object }: AdmissionAttributes): boolean {
  const scopes: string[] = quota.spec?.scopes ?? [];
  const selectors: Draft[] = quota.spec?.scopeSelector?.matchExpressions ?? [];
  if (scopes.length === 0 && selectors.length === 0) return true;
  if (resource.plural !== "pods" || resource.group !== "") return false;
  const bestEffort = containersOf(object).every(
    (c) => Object.keys(c.resources?.requests ?? {}).length === 0 && Object.keys(c.resources?.limits ?? {}).length === 0,
  );
  const terminating = object.spec?.activeDeadlineSeconds !== undefined;
  const holds = (scope: string): boolean =>
    scope === "BestEffort"
      ? bestEffort
      : scope === "NotBestEffort"
        ? !bestEffort
        : scope === "Terminating"
          ? terminating
          : scope === "NotTerminating"
            ? !terminating
            : scope === "PriorityClass"
              ? Boolean(object.spec?.priorityClassName)
              : true;
  return (
    scopes.every(holds) &&
    selectors.every(({ scopeName, operator, values = [] }) => {
      if (scopeName !== "PriorityClass") return holds(scopeName);
      const own = object.spec?.priorityClassName ?? "";
      if (operator === "In") return values.includes(own);
      if (operator === "NotIn") return !values.includes(own);
      return operator === "Exists" ? own !== "" : own === "";
    })
  );
}

/** What one object counts for. The quota controller, which recounts, uses the same names. */
export function usageOf(resource: { readonly group: string; readonly plural: string }, object: Draft): Usage {
  const usage = new Map<string, Quantity>();
  const one = quantityOf(1);
  usage.set(`count/${formatGroupResource(resource.group, resource.plural)}`, one);
  if (resource.group !== "") return usage;
  switch (resource.plural) {
    case "pods": {
      // A Pod that has ended counts for nothing but its object.
      if (object.status?.phase === "Succeeded" || object.status?.phase === "Failed") break;
      usage.set("pods", one);
      for (const part of ["requests", "limits"] as const) {
        for (const [name, quantity] of podTotals(object, part)) {
          if (part === "requests") {
            if (name === "cpu" || name === "memory" || name === "ephemeral-storage") usage.set(name, quantity);
            usage.set(`requests.${name}`, quantity);
          } else usage.set(`limits.${name}`, quantity);
        }
      }
      break;
    }
    case "services": {
      usage.set("services", one);
      const { type, ports = [], allocateLoadBalancerNodePorts } = object.spec ?? {};
      if (type === "NodePort") usage.set("services.nodeports", quantityOf(ports.length));
      if (type === "LoadBalancer") {
        usage.set("services.loadbalancers", one);
        usage.set("services.nodeports", quantityOf(allocateLoadBalancerNodePorts === false ? 0 : ports.length));
      }
      break;
    }
    case "persistentvolumeclaims": {
      usage.set("persistentvolumeclaims", one);
      const storage = parseQuantity(object.spec?.resources?.requests?.storage ?? "0");
      const storageClass = object.spec?.storageClassName;
      if (storage) usage.set("requests.storage", storage);
      if (storageClass) {
        usage.set(`${storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims`, one);
        if (storage) usage.set(`${storageClass}.storageclass.storage.k8s.io/requests.storage`, storage);
      }
      break;
    }
    case "configmaps":
    case "secrets":
    case "replicationcontrollers":
    case "resourcequotas":
      usage.set(resource.plural, one);
      break;
  }
  return usage;
}

/** Containers are summed; an init container counts where it needs more than that. */
function podTotals(pod: Draft, part: "requests" | "limits"): Map<string, Quantity> {
  const totals = new Map<string, Quantity>();
  for (const container of pod.spec?.containers ?? []) {
    for (const [name, text] of Object.entries(container.resources?.[part] ?? {})) {
      totals.set(name, addQuantities(totals.get(name) ?? ZERO_QUANTITY, read(text as string)));
    }
  }
  for (const container of pod.spec?.initContainers ?? []) {
    for (const [name, text] of Object.entries(container.resources?.[part] ?? {})) {
      const quantity = read(text as string);
      const current = totals.get(name);
      if (container.restartPolicy === "Always") totals.set(name, addQuantities(current ?? ZERO_QUANTITY, quantity));
      else if (!current || compareQuantities(quantity, current) > 0) totals.set(name, quantity);
    }
  }
  return totals;
}
