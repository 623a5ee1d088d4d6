/** The shelf of built-in kinds, in the order in which `kubectl api-resources` groups them. */
import type { ResourceDefinition } from "../apimachinery/resource";
import { customResourceDefinition } from "./apiextensions/customresourcedefinition";
import { controllerRevision } from "./apps/controllerrevision";
import { daemonSet } from "./apps/daemonset";
import { deployment } from "./apps/deployment";
import { replicaSet } from "./apps/replicaset";
import { statefulSet } from "./apps/statefulset";
import { horizontalPodAutoscaler } from "./autoscaling/horizontalpodautoscaler";
import { cronJob } from "./batch/cronjob";
import { job } from "./batch/job";
import { certificateSigningRequest } from "./certificates/certificatesigningrequest";
import { lease } from "./coordination/lease";
import { configMap } from "./core/configmap";
import { endpoints } from "./core/endpoints";
import { event } from "./core/event";
import { limitRange } from "./core/limitrange";
import { namespace } from "./core/namespace";
import { node } from "./core/node";
import { persistentVolume } from "./core/persistentvolume";
import { persistentVolumeClaim } from "./core/persistentvolumeclaim";
import { pod } from "./core/pod";
import { podTemplate } from "./core/podtemplate";
import { replicationController } from "./core/replicationcontroller";
import { resourceQuota } from "./core/resourcequota";
import { secret } from "./core/secret";
import { service } from "./core/service";
import { serviceAccount } from "./core/serviceaccount";
import { endpointSlice } from "./discovery/endpointslice";
import {
  admissionKinds,
  apiService,
  deviceKinds,
  flowControlKinds,
  runtimeClass,
  storageKinds,
  volumeKinds,
} from "./minor-kinds";
import { ingress, ingressClass } from "./networking/ingress";
import { ipAddress, networkPolicy, serviceCidr } from "./networking/networkpolicy";
import { podDisruptionBudget } from "./policy/poddisruptionbudget";
import { clusterRole, clusterRoleBinding, role, roleBinding } from "./rbac/roles";
import { priorityClass } from "./scheduling/priorityclass";
import { storageClass } from "./storage/storageclass";

export const builtinResources: readonly ResourceDefinition[] = [
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolumeClaim,
  persistentVolume,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  serviceAccount,
  service,
  ...admissionKinds,
  customResourceDefinition,
  apiService,
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  horizontalPodAutoscaler,
  cronJob,
  job,
  certificateSigningRequest,
  lease,
  endpointSlice,
  ...flowControlKinds,
  ingressClass,
  ingress,
  ipAddress,
  networkPolicy,
  serviceCidr,
  runtimeClass,
  podDisruptionBudget,
  clusterRoleBinding,
  clusterRole,
  roleBinding,
  role,
  ...deviceKinds,
  priorityClass,
  ...storageKinds,
  storageClass,
  ...volumeKinds,
];
