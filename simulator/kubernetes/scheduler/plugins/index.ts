/** The ordered list of plugins: upstream's default profile, in its order. Filters run in this order on each node. */
import type { Plugin } from "../framework";
import { interPodAffinity } from "./inter-pod-affinity";
import { nodeAffinity } from "./node-affinity";
import { nodeName, nodePorts, nodeUnschedulable, schedulingGates, taintToleration } from "./node-basics";
import { imageLocality, nodeResourcesBalancedAllocation, nodeResourcesFit } from "./node-resources";
import { podTopologySpread } from "./pod-topology-spread";
import { volumeBinding, volumeRestrictions, volumeZone } from "./volumes";

export const plugins: readonly Plugin[] = [
  schedulingGates,
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  nodeResourcesBalancedAllocation,
  imageLocality,
];
