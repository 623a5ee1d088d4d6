/** The ordered list of controllers. The order is part of determinism: new ones go to the end. */
import type { Controller } from "../client/controller";
import { deploymentController } from "./deployment";
import { endpointSliceController } from "./endpointslice";
import { endpointSliceMirroringController } from "./endpointslice-mirroring";
import { endpointsController } from "./endpoints";
import { garbageCollector } from "./garbage-collector";
import { namespaceController } from "./namespace";
import { nodeLifecycleController } from "./node-lifecycle";
import { podGarbageCollector } from "./pod-garbage-collector";
import { replicaSetController, replicationController } from "./replicaset";
import { rootCaPublisher, serviceAccountController } from "./serviceaccount";
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
];
