/** The ordered list of controllers. The order is part of determinism: new ones go to the end. */
import type { Controller } from "../client/controller";
import {
  certificateApprovingController,
  certificateCleanerController,
  certificateSigningController,
} from "./certificates";
import { clusterRoleAggregationController } from "./clusterrole-aggregation";
import { cronJobController } from "./cronjob";
import { daemonSetController } from "./daemonset";
import { deploymentController } from "./deployment";
import { disruptionController } from "./disruption";
import { endpointsController } from "./endpoints";
import { endpointSliceController } from "./endpointslice";
import { endpointSliceMirroringController } from "./endpointslice-mirroring";
import { garbageCollector } from "./garbage-collector";
import { horizontalPodAutoscalerController } from "./horizontal-pod-autoscaler";
import { jobController } from "./job";
import { namespaceController } from "./namespace";
import { nodeIpamController } from "./node-ipam";
import { nodeLifecycleController } from "./node-lifecycle";
import { claimProtectionController, persistentVolumeController, volumeProtectionController } from "./persistent-volume";
import { podGarbageCollector } from "./pod-garbage-collector";
import { replicaSetController, replicationController } from "./replicaset";
import { resourceQuotaController } from "./resourcequota";
import { serviceLbController } from "./service-lb";
import { rootCaPublisher, serviceAccountController } from "./serviceaccount";
import { statefulSetController } from "./statefulset";
import { taintEvictionController } from "./taint-eviction";
import { ttlController } from "./ttl";
import { ttlAfterFinishedController } from "./ttl-after-finished";
import { attachDetachController, ephemeralVolumeController } from "./volumes";

export const controllers: readonly Controller[] = [
  deploymentController,
  replicaSetController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  namespaceController,
  garbageCollector,
  nodeLifecycleController,
  taintEvictionController,
  podGarbageCollector,
  serviceAccountController,
  rootCaPublisher,
  replicationController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  horizontalPodAutoscalerController,
  disruptionController,
  resourceQuotaController,
  persistentVolumeController,
  claimProtectionController,
  volumeProtectionController,
  attachDetachController,
  ephemeralVolumeController,
  ttlAfterFinishedController,
  certificateApprovingController,
  certificateSigningController,
  certificateCleanerController,
  clusterRoleAggregationController,
  nodeIpamController,
  serviceLbController,
  ttlController,
];
