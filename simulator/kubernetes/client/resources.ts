/** The resource types that components use, by name. Kinds that no component knows are made with resourceType(). */
import type * as api from "../api/types.generated";
import { resourceType } from "./resource-type";

export const PODS = resourceType<api.Pod>("v1", "Pod", "pods");
export const NODES = resourceType<api.Node>("v1", "Node", "nodes", false);
export const NAMESPACES = resourceType<api.Namespace>("v1", "Namespace", "namespaces", false);
export const SERVICES = resourceType<api.Service>("v1", "Service", "services");
export const ENDPOINTS = resourceType<api.Endpoints>("v1", "Endpoints", "endpoints");
export const EVENTS = resourceType<api.Event>("v1", "Event", "events");
export const CONFIG_MAPS = resourceType<api.ConfigMap>("v1", "ConfigMap", "configmaps");
export const SECRETS = resourceType<api.Secret>("v1", "Secret", "secrets");
export const SERVICE_ACCOUNTS = resourceType<api.ServiceAccount>("v1", "ServiceAccount", "serviceaccounts");
export const RESOURCE_QUOTAS = resourceType<api.ResourceQuota>("v1", "ResourceQuota", "resourcequotas");
export const LIMIT_RANGES = resourceType<api.LimitRange>("v1", "LimitRange", "limitranges");
export const REPLICATION_CONTROLLERS = resourceType<api.ReplicationController>(
  "v1",
  "ReplicationController",
  "replicationcontrollers",
);
export const PERSISTENT_VOLUMES = resourceType<api.PersistentVolume>(
  "v1",
  "PersistentVolume",
  "persistentvolumes",
  false,
);
export const PERSISTENT_VOLUME_CLAIMS = resourceType<api.PersistentVolumeClaim>(
  "v1",
  "PersistentVolumeClaim",
  "persistentvolumeclaims",
);

export const DEPLOYMENTS = resourceType<api.Deployment>("apps/v1", "Deployment", "deployments");
export const REPLICA_SETS = resourceType<api.ReplicaSet>("apps/v1", "ReplicaSet", "replicasets");
export const STATEFUL_SETS = resourceType<api.StatefulSet>("apps/v1", "StatefulSet", "statefulsets");
export const DAEMON_SETS = resourceType<api.DaemonSet>("apps/v1", "DaemonSet", "daemonsets");
export const CONTROLLER_REVISIONS = resourceType<api.ControllerRevision>(
  "apps/v1",
  "ControllerRevision",
  "controllerrevisions",
);

export const JOBS = resourceType<api.Job>("batch/v1", "Job", "jobs");
export const CRON_JOBS = resourceType<api.CronJob>("batch/v1", "CronJob", "cronjobs");

export const HORIZONTAL_POD_AUTOSCALERS = resourceType<api.HorizontalPodAutoscaler>(
  "autoscaling/v2",
  "HorizontalPodAutoscaler",
  "horizontalpodautoscalers",
);
export const POD_DISRUPTION_BUDGETS = resourceType<api.PodDisruptionBudget>(
  "policy/v1",
  "PodDisruptionBudget",
  "poddisruptionbudgets",
);

export const ENDPOINT_SLICES = resourceType<api.EndpointSlice>(
  "discovery.k8s.io/v1",
  "EndpointSlice",
  "endpointslices",
);
export const LEASES = resourceType<api.Lease>("coordination.k8s.io/v1", "Lease", "leases");
export const EVENTS_V1 = resourceType<api.EventsEvent>("events.k8s.io/v1", "Event", "events");
export const INGRESSES = resourceType<api.Ingress>("networking.k8s.io/v1", "Ingress", "ingresses");
export const INGRESS_CLASSES = resourceType<api.IngressClass>(
  "networking.k8s.io/v1",
  "IngressClass",
  "ingressclasses",
  false,
);
export const NETWORK_POLICIES = resourceType<api.NetworkPolicy>(
  "networking.k8s.io/v1",
  "NetworkPolicy",
  "networkpolicies",
);

export const STORAGE_CLASSES = resourceType<api.StorageClass>(
  "storage.k8s.io/v1",
  "StorageClass",
  "storageclasses",
  false,
);
export const VOLUME_ATTACHMENTS = resourceType<api.VolumeAttachment>(
  "storage.k8s.io/v1",
  "VolumeAttachment",
  "volumeattachments",
  false,
);
export const CSI_NODES = resourceType<api.CSINode>("storage.k8s.io/v1", "CSINode", "csinodes", false);
export const PRIORITY_CLASSES = resourceType<api.PriorityClass>(
  "scheduling.k8s.io/v1",
  "PriorityClass",
  "priorityclasses",
  false,
);

export const ROLES = resourceType<api.Role>("rbac.authorization.k8s.io/v1", "Role", "roles");
export const ROLE_BINDINGS = resourceType<api.RoleBinding>(
  "rbac.authorization.k8s.io/v1",
  "RoleBinding",
  "rolebindings",
);
export const CLUSTER_ROLES = resourceType<api.ClusterRole>(
  "rbac.authorization.k8s.io/v1",
  "ClusterRole",
  "clusterroles",
  false,
);
export const CLUSTER_ROLE_BINDINGS = resourceType<api.ClusterRoleBinding>(
  "rbac.authorization.k8s.io/v1",
  "ClusterRoleBinding",
  "clusterrolebindings",
  false,
);
export const CERTIFICATE_SIGNING_REQUESTS = resourceType<api.CertificateSigningRequest>(
  "certificates.k8s.io/v1",
  "CertificateSigningRequest",
  "certificatesigningrequests",
  false,
);
export const CUSTOM_RESOURCE_DEFINITIONS = resourceType<api.CustomResourceDefinition>(
  "apiextensions.k8s.io/v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
  false,
);
