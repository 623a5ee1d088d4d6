/** What a new API server writes into an empty store: namespaces, the bootstrap policy, priority classes. */
import { rfc3339 } from "../../base/clock";
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import { bootstrapBindings, bootstrapNamespaceRoles, bootstrapRoles } from "./bootstrap-policy";
import { flowControlDefaults } from "./flow-control-defaults";

export interface BootstrapDependencies {
  readonly now: number;
  /** PEM of the cluster's authorities, for those who extend the API. */
  readonly certificateAuthority: string;
  create(apiVersion: string, kind: string, body: Draft): void;
  exists(group: string, plural: string, namespace: string, name: string): KubeObject | undefined;
}

const RBAC = "rbac.authorization.k8s.io";
const FLOW_CONTROL = "flowcontrol.apiserver.k8s.io";

/** How extension servers know this one's clients, and since when unused tokens are noted. */
const configMaps = (now: number, authority: string): readonly (readonly [string, Draft])[] => [
  [
    "extension-apiserver-authentication",
    {
      "client-ca-file": authority,
      "requestheader-allowed-names": '["front-proxy-client"]',
      "requestheader-client-ca-file": authority,
      "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
      "requestheader-group-headers": '["X-Remote-Group"]',
      "requestheader-username-headers": '["X-Remote-User"]',
    },
  ],
  ["kube-apiserver-legacy-service-account-token-tracking", { since: rfc3339(now).slice(0, 10) }],
];

export function bootstrap({ create, exists, now, certificateAuthority }: BootstrapDependencies): void {
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
    if (exists(RBAC, "clusterrolebindings", "", binding.name)) continue;
    create(`${RBAC}/v1`, "ClusterRoleBinding", {
      metadata: metadata(binding.name),
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: binding.role },
      ...(binding.subjects.length > 0 ? { subjects: binding.subjects } : {}),
    });
  }
  for (const { namespace, name, rules, binding = name, subjects } of bootstrapNamespaceRoles) {
    if (!exists(RBAC, "roles", namespace, name))
      create(`${RBAC}/v1`, "Role", { metadata: { ...metadata(name), namespace }, rules });
    if (!exists(RBAC, "rolebindings", namespace, binding))
      create(`${RBAC}/v1`, "RoleBinding", {
        metadata: { ...metadata(binding), namespace },
        roleRef: { apiGroup: RBAC, kind: "Role", name },
        subjects,
      });
  }
  for (const { kind, body } of flowControlDefaults(now)) {
    const plural = kind === "FlowSchema" ? "flowschemas" : "prioritylevelconfigurations";
    if (!exists(FLOW_CONTROL, plural, "", body.metadata.name)) create(`${FLOW_CONTROL}/v1`, kind, body);
  }
  for (const [name, data] of configMaps(now, certificateAuthority)) {
    if (!exists("", "configmaps", "kube-system", name))
      create("v1", "ConfigMap", { metadata: { name, namespace: "kube-system" }, data });
  }
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
