/** The kinds that the create commands make, with where they live. */
import type { MadeKind } from "../../create-object";

const core = (resource: string, kind: string, namespaced = true): MadeKind => ({
  group: "",
  version: "v1",
  resource,
  kind,
  namespaced,
});
const rbac = (resource: string, kind: string, namespaced: boolean): MadeKind => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource,
  kind,
  namespaced,
});

export const DEPLOYMENT: MadeKind = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  kind: "Deployment",
  namespaced: true,
};
export const CONFIG_MAP = core("configmaps", "ConfigMap");
export const SECRET = core("secrets", "Secret");
export const SERVICE = core("services", "Service");
export const NAMESPACE = core("namespaces", "Namespace", false);
export const POD = core("pods", "Pod");
export const QUOTA = core("resourcequotas", "ResourceQuota");
export const SERVICE_ACCOUNT = core("serviceaccounts", "ServiceAccount");
export const JOB: MadeKind = { group: "batch", version: "v1", resource: "jobs", kind: "Job", namespaced: true };
export const CRON_JOB: MadeKind = {
  group: "batch",
  version: "v1",
  resource: "cronjobs",
  kind: "CronJob",
  namespaced: true,
};
export const ROLE = rbac("roles", "Role", true);
export const ROLE_BINDING = rbac("rolebindings", "RoleBinding", true);
export const CLUSTER_ROLE = rbac("clusterroles", "ClusterRole", false);
export const CLUSTER_ROLE_BINDING = rbac("clusterrolebindings", "ClusterRoleBinding", false);
export const PDB: MadeKind = {
  group: "policy",
  version: "v1",
  resource: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
};
export const INGRESS: MadeKind = {
  group: "networking.k8s.io",
  version: "v1",
  resource: "ingresses",
  kind: "Ingress",
  namespaced: true,
};
export const PRIORITY_CLASS: MadeKind = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false,
};
export const HPA: MadeKind = {
  group: "autoscaling",
  version: "v2",
  resource: "horizontalpodautoscalers",
  kind: "HorizontalPodAutoscaler",
  namespaced: true,
};

export const RBAC_GROUP = "rbac.authorization.k8s.io";
