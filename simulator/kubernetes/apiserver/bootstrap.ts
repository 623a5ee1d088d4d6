/** What a new API server writes into an empty store: namespaces, the bootstrap policy, priority classes, its Service. */
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import { bootstrapBindings, bootstrapRoles } from "./bootstrap-policy";

export interface BootstrapDependencies {
  create(apiVersion: string, kind: string, body: Draft): void;
  exists(group: string, plural: string, namespace: string, name: string): KubeObject | undefined;
  /** `10.89.0.10:6443`. */
  readonly address: string;
  /** The Service `kubernetes` takes the first address of the range. */
  readonly firstServiceAddress: string;
}

const RBAC = "rbac.authorization.k8s.io";

export function bootstrap({ create, exists, address, firstServiceAddress }: BootstrapDependencies): void {
  for (const name of ["kube-system", "kube-public", "kube-node-lease", "default"]) {
    if (!exists("", "namespaces", "", name)) create("v1", "Namespace", { metadata: { name } });
  }
  for (const [name, value, description] of PRIORITY_CLASSES) {
    if (exists("scheduling.k8s.io", "priorityclasses", "", name)) continue;
    create("scheduling.k8s.io/v1", "PriorityClass", { metadata: { name }, value, description });
  }
  const metadata = (name: string, extra: Draft = {}): Draft => ({
    name,
    annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...extra },
  });
  for (const role of bootstrapRoles) {
    if (exists(RBAC, "clusterroles", "", role.name)) continue;
    create(`${RBAC}/v1`, "ClusterRole", {
      metadata: metadata(role.name, role.labels),
      ...(role.aggregate
        ? {
            aggregationRule: {
              clusterRoleSelectors: [
                { matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${role.aggregate}`]: "true" } },
              ],
            },
          }
        : {}),
      rules: role.rules,
    });
  }
  for (const binding of bootstrapBindings) {
    const kind = binding.namespace ? "RoleBinding" : "ClusterRoleBinding";
    if (exists(RBAC, binding.namespace ? "rolebindings" : "clusterrolebindings", binding.namespace ?? "", binding.name))
      continue;
    create(`${RBAC}/v1`, kind, {
      metadata: { ...metadata(binding.name), ...(binding.namespace ? { namespace: binding.namespace } : {}) },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: binding.role },
      ...(binding.subjects.length > 0 ? { subjects: binding.subjects } : {}),
    });
  }
  const [host, port] = address.split(":");
  if (exists("", "services", "default", "kubernetes")) return;
  const labels = { component: "apiserver", provider: "kubernetes" };
  create("v1", "Service", {
    metadata: { name: "kubernetes", namespace: "default", labels },
    spec: {
      type: "ClusterIP",
      clusterIP: firstServiceAddress,
      sessionAffinity: "None",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: Number(port) }],
    },
  });
  create("v1", "Endpoints", {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
    },
    subsets: [{ addresses: [{ ip: host }], ports: [{ name: "https", port: Number(port), protocol: "TCP" }] }],
  });
  create("discovery.k8s.io/v1", "EndpointSlice", {
    metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: "https", port: Number(port), protocol: "TCP" }],
  });
}

const PRIORITY_CLASSES = [
  [
    "system-node-critical",
    2_000_001_000,
    "Used for system critical pods that must not be moved from their current node.",
  ],
  [
    "system-cluster-critical",
    2_000_000_000,
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  ],
] as const;
