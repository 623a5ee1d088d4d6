/** The ordered list of controllers. The order is part of determinism: new ones go to the end. */
import type { Controller } from "../client/controller";
import { cronJobController } from "./cronjob";
import { daemonSetController } from "./daemonset";
import { deploymentController } from "./deployment";
import { endpointSliceController } from "./endpointslice";
import { endpointSliceMirroringController } from "./endpointslice-mirroring";
import { endpointsController } from "./endpoints";
import { garbageCollector } from "./garbage-collector";
import { jobController } from "./job";
import { namespaceController } from "./namespace";
import { nodeLifecycleController } from "./node-lifecycle";
import { podGarbageCollector } from "./pod-garbage-collector";
import { replicaSetController, replicationController } from "./replicaset";
import { rootCaPublisher, serviceAccountController } from "./serviceaccount";
import { statefulSetController } from "./statefulset";
import { taintEvictionController } from "./taint-eviction";

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
];
