/** Reading the cluster for checks: list paths of the common kinds, and fields by path. */
import type { Observation } from "@/simulator";
import type { Text } from "../verdict";

export interface AnyObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

interface Kind {
  readonly path: string;
  /** As prose names it. */
  readonly title: string;
  /** As kubectl takes it. */
  readonly argument: string;
  readonly clusterScoped?: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  pods: { path: "/api/v1", title: "Pod", argument: "pods" },
  services: { path: "/api/v1", title: "Service", argument: "service" },
  configmaps: { path: "/api/v1", title: "ConfigMap", argument: "configmap" },
  secrets: { path: "/api/v1", title: "Secret", argument: "secret" },
  serviceaccounts: { path: "/api/v1", title: "ServiceAccount", argument: "serviceaccount" },
  namespaces: { path: "/api/v1", title: "Namespace", argument: "namespace", clusterScoped: true },
  nodes: { path: "/api/v1", title: "Node", argument: "node", clusterScoped: true },
  events: { path: "/api/v1", title: "Event", argument: "events" },
  persistentvolumeclaims: { path: "/api/v1", title: "PersistentVolumeClaim", argument: "pvc" },
  persistentvolumes: { path: "/api/v1", title: "PersistentVolume", argument: "pv", clusterScoped: true },
  resourcequotas: { path: "/api/v1", title: "ResourceQuota", argument: "resourcequota" },
  limitranges: { path: "/api/v1", title: "LimitRange", argument: "limitrange" },
  deployments: { path: "/apis/apps/v1", title: "Deployment", argument: "deployment" },
  replicasets: { path: "/apis/apps/v1", title: "ReplicaSet", argument: "replicaset" },
  statefulsets: { path: "/apis/apps/v1", title: "StatefulSet", argument: "statefulset" },
  daemonsets: { path: "/apis/apps/v1", title: "DaemonSet", argument: "daemonset" },
  jobs: { path: "/apis/batch/v1", title: "Job", argument: "job" },
  cronjobs: { path: "/apis/batch/v1", title: "CronJob", argument: "cronjob" },
  endpointslices: { path: "/apis/discovery.k8s.io/v1", title: "EndpointSlice", argument: "endpointslices" },
  ingresses: { path: "/apis/networking.k8s.io/v1", title: "Ingress", argument: "ingress" },
  networkpolicies: { path: "/apis/networking.k8s.io/v1", title: "NetworkPolicy", argument: "networkpolicy" },
  roles: { path: "/apis/rbac.authorization.k8s.io/v1", title: "Role", argument: "role" },
  rolebindings: { path: "/apis/rbac.authorization.k8s.io/v1", title: "RoleBinding", argument: "rolebinding" },
  horizontalpodautoscalers: { path: "/apis/autoscaling/v2", title: "HorizontalPodAutoscaler", argument: "hpa" },
  poddisruptionbudgets: { path: "/apis/policy/v1", title: "PodDisruptionBudget", argument: "pdb" },
};

export const knownResources: readonly string[] = Object.keys(kinds);

export function kubectlName(resource: string): Kind {
  const kind = kinds[resource];
  if (!kind) throw new Error(`checks know no resource "${resource}" (known: ${knownResources.join(", ")})`);
  return kind;
}

/** What an explanation says when nothing can be read because nobody answers; undefined when the API server does. */
export function silence(observation: Observation): Text | undefined {
  const answer = observation.kubernetes({ method: "GET", path: "/readyz" });
  if (answer !== undefined && answer.status < 500) return undefined;
  return { vi: "API server hiện không trả lời được.", en: "The API server cannot answer now." };
}

/** Objects of a kind, oldest first. Those on their way out (deletionTimestamp) count until they are gone. */
export function listObjects(
  observation: Observation,
  resource: string,
  namespace: string,
  selector?: string,
): AnyObject[] {
  const kind = kubectlName(resource);
  const middle = kind.clusterScoped || namespace === "*" ? "" : `/namespaces/${namespace}`;
  const answer = observation.kubernetes({
    method: "GET",
    path: `${kind.path}${middle}/${resource}`,
    ...(selector === undefined ? {} : { query: { labelSelector: [selector] } }),
  });
  if (answer?.status !== 200) return [];
  const items = (answer.body as { readonly items: readonly AnyObject[] }).items;
  return [...items].sort((a, b) => {
    const left = a.metadata.creationTimestamp ?? "";
    const right = b.metadata.creationTimestamp ?? "";
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

/** The value at a dotted path; `[0]` and `[key=value]` choose list items. */
export function fieldAt(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const step of path.match(/[^.[\]]+(?:\.(?=[^.[\]]*\/)[^.[\]]+)*|\[[^\]]*\]/g) ?? []) {
    if (value === null || value === undefined) return undefined;
    if (!step.startsWith("[")) {
      value = (value as Record<string, unknown>)[step];
      continue;
    }
    if (!Array.isArray(value)) return undefined;
    const inside = step.slice(1, -1);
    const at = inside.indexOf("=");
    value =
      at < 0
        ? value[Number(inside)]
        : value.find((item) => String((item as Record<string, unknown>)[inside.slice(0, at)]) === inside.slice(at + 1));
  }
  return value;
}

export function show(value: unknown): string {
  if (value === undefined || value === null) return "∅";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
