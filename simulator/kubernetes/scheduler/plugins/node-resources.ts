/** NodeResourcesFit, NodeResourcesBalancedAllocation, ImageLocality: does it fit, and where best. */
import type { Pod } from "../../api/types.generated";
import { MAX_NODE_SCORE, type Plugin } from "../framework";
import { type NodeInfo, podInfo } from "../node-info";

export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  events: ["AssignedPodDelete", "AssignedPodUpdate", "NodeAdd", "NodeUpdate"],
  prepareFilter(pod) {
    const { requests } = podInfo(pod);
    const names = orderOf(Object.keys(requests).filter((name) => requests[name]! > 0));
    return {
      filter: {
        filter(info) {
          let reasons: string[] | undefined;
          let unresolvable = false;
          if (info.pods.size + 1 > (info.allocatable.pods ?? 0)) (reasons ??= []).push("Too many pods");
          for (const name of names) {
            const allocatable = info.allocatable[name] ?? 0;
            const wanted = requests[name]!;
            if (wanted <= allocatable - (info.requested[name] ?? 0)) continue;
            (reasons ??= []).push(`Insufficient ${name}`);
            // More than the node has: nobody who leaves makes room.
            if (wanted > allocatable) unresolvable = true;
          }
          return reasons && { plugin: "NodeResourcesFit", reasons, unresolvable };
        },
      },
    };
  },
  /** LeastAllocated over cpu and memory. */
  prepareScore(pod) {
    const { nonZeroCpu, nonZeroMemory } = podInfo(pod);
    return {
      score(info) {
        const cpu = leastRequested(info.nonZeroCpu + nonZeroCpu, info.allocatable.cpu ?? 0);
        const memory = leastRequested(info.nonZeroMemory + nonZeroMemory, info.allocatable.memory ?? 0);
        const weights = Number(info.allocatable.cpu !== undefined) + Number(info.allocatable.memory !== undefined);
        return weights === 0 ? 0 : Math.floor((cpu + memory) / weights);
      },
    };
  },
};

const BASIC = ["cpu", "memory", "ephemeral-storage"];
/** Reasons come as upstream looks: the basic resources, then the extended ones. */
const orderOf = (names: string[]): string[] => [
  ...BASIC.filter((name) => names.includes(name)),
  ...names.filter((name) => !BASIC.includes(name)).sort(),
];

const leastRequested = (requested: number, capacity: number): number =>
  capacity === 0 || requested > capacity ? 0 : Math.floor(((capacity - requested) * MAX_NODE_SCORE) / capacity);

export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  events: [],
  prepareScore(pod) {
    const { requests } = podInfo(pod);
    // Best-effort Pods change no balance.
    if (!requests.cpu && !requests.memory) return undefined;
    return {
      score(info) {
        return Math.floor((1 - deviation(info, requests.cpu ?? 0, requests.memory ?? 0)) * MAX_NODE_SCORE);
      },
    };
  },
};

/** Standard deviation of the two fractions: half their distance. */
function deviation(info: NodeInfo, cpu: number, memory: number): number {
  const { allocatable, requested } = info;
  if (!allocatable.cpu || !allocatable.memory) return 0;
  const cpuFraction = Math.min(((requested.cpu ?? 0) + cpu) / allocatable.cpu, 1);
  const memoryFraction = Math.min(((requested.memory ?? 0) + memory) / allocatable.memory, 1);
  return Math.abs(cpuFraction - memoryFraction) / 2;
}

const MIN_IMAGE_BYTES = 23 * 1024 * 1024;
const MAX_IMAGE_BYTES = 1000 * 1024 * 1024;

export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  events: [],
  prepareScore(pod, nodes, handle) {
    const images = imagesOf(pod);
    const total = handle.snapshot.nodes.length;
    const spread = new Map<string, number>();
    for (const { node } of nodes) {
      for (const { names = [] } of node.status?.images ?? []) {
        for (const name of names) if (images.includes(name)) spread.set(name, (spread.get(name) ?? 0) + 1);
      }
    }
    if (spread.size === 0) return undefined;
    const containers = pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0);
    const most = MAX_IMAGE_BYTES * containers;
    return {
      score({ node }) {
        let sum = 0;
        for (const { names = [], sizeBytes = 0 } of node.status?.images ?? []) {
          for (const image of images) {
            if (names.includes(image)) sum += Math.floor((sizeBytes * spread.get(image)!) / total);
          }
        }
        const bounded = Math.min(Math.max(sum, MIN_IMAGE_BYTES), most);
        return Math.floor((MAX_NODE_SCORE * (bounded - MIN_IMAGE_BYTES)) / (most - MIN_IMAGE_BYTES));
      },
    };
  },
};

/** Names as nodes list them: with a tag. */
function imagesOf(pod: Pod): readonly string[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ image = "" }) =>
    /[:@][^/]*$/.test(image) ? image : `${image}:latest`,
  );
}
