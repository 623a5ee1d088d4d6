/** ResourceQuota controller: recounts what a namespace uses, after things have gone (admission counts what comes). */
import { deepEqual } from "../../base/json";
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  ZERO_QUANTITY,
} from "../apimachinery/quantity";
import type { KubeObject } from "../apimachinery/object";
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { keyOf, type ResourceType } from "../client/resource-type";
import * as known from "../client/resources";
import { isPodTerminal } from "./pods";

const RESYNC_MS = 5 * 60_000;

/** Objects that a quota may count by a short name of old. */
const SHORT_COUNTS: Readonly<Record<string, ResourceType>> = {
  pods: known.PODS,
  services: known.SERVICES,
  configmaps: known.CONFIG_MAPS,
  secrets: known.SECRETS,
  persistentvolumeclaims: known.PERSISTENT_VOLUME_CLAIMS,
  replicationcontrollers: known.REPLICATION_CONTROLLERS,
  resourcequotas: known.RESOURCE_QUOTAS,
};
const COMPUTE = new Set(["cpu", "memory", "ephemeral-storage"]);

export const resourceQuotaController = defineController({
  name: "resourcequota-controller",
  setup(context) {
    const { client, queue } = context;
    const quotas = context.watch(known.RESOURCE_QUOTAS, {
      added: (quota) => queue.add(keyOf(quota)),
      updated(quota, old) {
        if (quota.spec !== old.spec || !deepEqual(quota.status, old.status)) queue.add(keyOf(quota));
      },
    }).cache;
    const counted: readonly ResourceType[] = (Object.values(known) as readonly ResourceType[]).filter(
      (type) => type.namespaced && type.plural !== "events" && type.plural !== "leases" && type.plural !== "endpoints",
    );
    const touch = (object: KubeObject): void => {
      for (const quota of quotas.inNamespace(object.metadata.namespace!)) queue.add(keyOf(quota));
    };
    for (const type of counted) {
      if (type === (known.PODS as ResourceType)) continue;
      context.informer(type).handle({ deleted: touch });
    }
    const pods = context.informer(known.PODS).handle({
      updated(pod, old) {
        if (isPodTerminal(pod) && !isPodTerminal(old)) touch(pod);
      },
      deleted: touch,
    }).cache;
    context.scope.every(RESYNC_MS, () => {
      for (const quota of quotas.list()) queue.add(keyOf(quota));
    });

    const usage = (quota: ResourceQuota, name: string): Quantity => {
      const namespace = quota.metadata.namespace!;
      const counts = (type: ResourceType, accepts: (object: KubeObject) => boolean = () => true): Quantity => {
        let count = 0;
        for (const object of context.informer(type).cache.inNamespace(namespace)) if (accepts(object)) count++;
        return quantityOf(count);
      };
      const compute = /^(?:(requests|limits)\.)?(.+)$/.exec(name)!;
      const resource = compute[2]!;
      const kind = compute[1] ?? "requests";
      if (name === "pods") {
        return counts(known.PODS as ResourceType, (pod) => !isPodTerminal(pod as Pod) && inScope(quota, pod as Pod));
      }
      if (name.startsWith("services.")) {
        return counts(known.SERVICES as ResourceType, (object) => {
          const { spec } = object as Service;
          if (name === "services.loadbalancers") return spec.type === "LoadBalancer";
          return spec.type === "NodePort" || spec.type === "LoadBalancer";
        });
      }
      if (SHORT_COUNTS[name]) return counts(SHORT_COUNTS[name]);
      if (name.startsWith("count/")) {
        const [plural, ...group] = name.slice("count/".length).split(".");
        const type = counted.find((t) => t.plural === plural && t.group === group.join("."));
        return type ? counts(type) : ZERO_QUANTITY;
      }
      if (resource === "storage" || name.includes(".storageclass.storage.k8s.io/")) return claims(namespace, name);
      if (!COMPUTE.has(resource) && !resource.includes("/") && !resource.startsWith("hugepages-")) return ZERO_QUANTITY;
      let total: Quantity = ZERO_QUANTITY;
      for (const pod of pods.inNamespace(namespace)) {
        if (isPodTerminal(pod) || !inScope(quota, pod)) continue;
        total = addQuantities(total, podAmount(pod, kind as "requests" | "limits", resource));
      }
      return total;
    };

    const claims = (namespace: string, name: string): Quantity => {
      const m = /^(?:(.+)\.storageclass\.storage\.k8s\.io\/)?(.+)$/.exec(name)!;
      let total: Quantity = ZERO_QUANTITY;
      for (const claim of context.informer(known.PERSISTENT_VOLUME_CLAIMS).cache.inNamespace(namespace)) {
        if (m[1] && (claim as PersistentVolumeClaim).spec.storageClassName !== m[1]) continue;
        const amount =
          m[2] === "persistentvolumeclaims"
            ? quantityOf(1)
            : parseQuantity(claim.spec.resources?.requests?.storage ?? "0");
        total = addQuantities(total, amount ?? ZERO_QUANTITY);
      }
      return total;
    };

    return {
      reconcile(key) {
        const quota = quotas.get(key);
        if (!quota) return undefined;
        context.spend(pods.size * 0.03);
        const hard = quota.spec.hard ?? {};
        const used: Record<string, string> = {};
        for (const name of Object.keys(hard)) used[name] = formatQuantity(usage(quota, name));
        const status = { hard, used };
        if (deepEqual(quota.status, status)) return undefined;
        const written = client.updateStatus(known.RESOURCE_QUOTAS, { ...quota, status });
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});

function podAmount(pod: Pod, kind: "requests" | "limits", resource: string): Quantity {
  const of = (list: Readonly<Record<string, string>> | undefined): Quantity =>
    parseQuantity(list?.[resource] ?? "0") ?? ZERO_QUANTITY;
  let total: Quantity = ZERO_QUANTITY;
  for (const container of pod.spec.containers) total = addQuantities(total, of(container.resources?.[kind]));
  for (const container of pod.spec.initContainers ?? []) {
    const own = of(container.resources?.[kind]);
    if (container.restartPolicy === "Always") total = addQuantities(total, own);
    else if (own.nano > total.nano) total = own;
  }
  return addQuantities(total, of(pod.spec.overhead));
}

/** The quota's scopes, as far as they speak of this Pod. */
function inScope(quota: ResourceQuota, pod: Pod): boolean {
  const isTerminating = pod.spec.activeDeadlineSeconds !== undefined;
  const isBestEffort = pod.status?.qosClass === "BestEffort";
  const holds = (scope: string, values: readonly string[] | undefined, operator: string): boolean => {
    switch (scope) {
      case "Terminating":
        return isTerminating;
      case "NotTerminating":
        return !isTerminating;
      case "BestEffort":
        return isBestEffort;
      case "NotBestEffort":
        return !isBestEffort;
      case "PriorityClass": {
        const name = pod.spec.priorityClassName ?? "";
        if (operator === "Exists") return name !== "";
        if (operator === "DoesNotExist") return name === "";
        return (values?.includes(name) ?? false) === (operator === "In");
      }
      default:
        return true;
    }
  };
  return (
    (quota.spec.scopes ?? []).every((scope) => holds(scope, undefined, "Exists")) &&
    (quota.spec.scopeSelector?.matchExpressions ?? []).every((e) => holds(e.scopeName, e.values, e.operator))
  );
}
