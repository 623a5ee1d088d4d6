/** NodeInfo: one node with what runs on it, kept up to date Pod by Pod, so that a filter only looks. */
import type { ContainerPort, Node, Pod } from "../api/types.generated";
import { amountsOf, podRequests, type ResourceAmounts } from "../client/pod-requests";

/** What a container without a request counts as when nodes are scored. */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A Pod's facts that scheduling asks for again and again. */
export interface PodInfo {
  readonly pod: Pod;
  readonly requests: ResourceAmounts;
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
  readonly hostPorts: readonly HostPort[];
  /** Namespace and labels as text: Pods alike for every selector share it. */
  readonly labelsId: string;
  readonly hasAffinity: boolean;
  readonly hasRequiredAntiAffinity: boolean;
}

const infos = new WeakMap<Pod, PodInfo>();

export function podInfo(pod: Pod): PodInfo {
  let info = infos.get(pod);
  if (!info) {
    info = makePodInfo(pod);
    infos.set(pod, info);
  }
  return info;
}

function makePodInfo(pod: Pod): PodInfo {
  const requests = podRequests(pod);
  let nonZeroCpu = 0;
  let nonZeroMemory = 0;
  const hostPorts: HostPort[] = [];
  for (const container of pod.spec.containers) {
    const own = container.resources?.requests;
    if (own?.cpu === undefined) nonZeroCpu += DEFAULT_MILLI_CPU;
    if (own?.memory === undefined) nonZeroMemory += DEFAULT_MEMORY;
    for (const port of container.ports ?? []) if (port.hostPort) hostPorts.push(hostPortOf(port));
  }
  for (const container of pod.spec.initContainers ?? []) {
    if (container.restartPolicy !== "Always") continue;
    for (const port of container.ports ?? []) if (port.hostPort) hostPorts.push(hostPortOf(port));
  }
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const labels = pod.metadata.labels ?? {};
  return {
    pod,
    requests,
    nonZeroCpu: (requests.cpu ?? 0) + nonZeroCpu,
    nonZeroMemory: (requests.memory ?? 0) + nonZeroMemory,
    hostPorts,
    labelsId: `${pod.metadata.namespace}|${Object.keys(labels)
      .sort()
      .map((key) => `${key}=${labels[key]}`)
      .join(",")}`,
    hasAffinity: podAffinity !== undefined || podAntiAffinity !== undefined,
    hasRequiredAntiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0,
  };
}

const hostPortOf = ({ hostIP, protocol, hostPort }: ContainerPort): HostPort => ({
  ip: hostIP || "0.0.0.0",
  protocol: protocol ?? "TCP",
  port: hostPort!,
});

/** Pods of one kind of labels on a node. */
export interface LabelGroup {
  readonly example: Pod;
  count: number;
  /** Of these, how many are being deleted: spreading does not count them. */
  terminating: number;
}

export class NodeInfo {
  node: Node;
  allocatable: ResourceAmounts;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Record<string, number> = {};
  nonZeroCpu = 0;
  nonZeroMemory = 0;
  readonly hostPorts: HostPort[] = [];
  readonly groups = new Map<string, LabelGroup>();
  affinityCount = 0;
  requiredAntiAffinityCount = 0;

  constructor(node: Node) {
    this.node = node;
    this.allocatable = amountsOf(node.status?.allocatable);
  }

  get name(): string {
    return this.node.metadata.name;
  }

  setNode(node: Node): void {
    if (node.status?.allocatable !== this.node.status?.allocatable)
      this.allocatable = amountsOf(node.status?.allocatable);
    this.node = node;
  }

  add(pod: Pod): void {
    const info = podInfo(pod);
    this.pods.set(pod.metadata.uid, info);
    this.#count(info, 1);
  }

  remove(uid: string): PodInfo | undefined {
    const info = this.pods.get(uid);
    if (!info) return undefined;
    this.pods.delete(uid);
    this.#count(info, -1);
    return info;
  }

  clone(): NodeInfo {
    const clone = new NodeInfo(this.node);
    for (const { pod } of this.pods.values()) clone.add(pod);
    return clone;
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    for (const name in info.requests) this.requested[name] = (this.requested[name] ?? 0) + sign * info.requests[name]!;
    this.nonZeroCpu += sign * info.nonZeroCpu;
    this.nonZeroMemory += sign * info.nonZeroMemory;
    if (info.hasAffinity) this.affinityCount += sign;
    if (info.hasRequiredAntiAffinity) this.requiredAntiAffinityCount += sign;
    for (const port of info.hostPorts) {
      if (sign > 0) this.hostPorts.push(port);
      else this.hostPorts.splice(this.hostPorts.indexOf(port), 1);
    }
    let group = this.groups.get(info.labelsId);
    if (!group) {
      group = { example: info.pod, count: 0, terminating: 0 };
      this.groups.set(info.labelsId, group);
    }
    group.count += sign;
    if (info.pod.metadata.deletionTimestamp) group.terminating += sign;
    if (group.count === 0) this.groups.delete(info.labelsId);
  }
}

/** Every node by name, with the Pods assigned or assumed to be there. */
export class Snapshot {
  readonly nodes: NodeInfo[] = [];
  readonly #byName = new Map<string, NodeInfo>();
  /** Pods on nodes not known (yet, or any more). */
  readonly #homeless = new Map<string, Map<string, Pod>>();
  readonly #nodeOf = new Map<string, string>();
  requiredAntiAffinityCount = 0;
  affinityCount = 0;

  get(name: string): NodeInfo | undefined {
    return this.#byName.get(name);
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const known = this.#byName.get(name);
    if (known) {
      known.setNode(node);
      return;
    }
    const info = new NodeInfo(node);
    this.#byName.set(name, info);
    this.nodes.push(info);
    for (const pod of this.#homeless.get(name)?.values() ?? []) this.#place(info, pod);
    this.#homeless.delete(name);
  }

  removeNode(name: string): void {
    const info = this.#byName.get(name);
    if (!info) return;
    this.#byName.delete(name);
    this.nodes.splice(this.nodes.indexOf(info), 1);
    const left = new Map<string, Pod>();
    for (const [uid, { pod }] of [...info.pods]) {
      this.#displace(info, uid);
      left.set(uid, pod);
    }
    if (left.size > 0) this.#homeless.set(name, left);
  }

  /** Which node a Pod stands on here; undefined when it is on none. */
  nodeNameOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  addPod(pod: Pod, nodeName: string): void {
    const { uid } = pod.metadata;
    this.removePod(uid);
    this.#nodeOf.set(uid, nodeName);
    const info = this.#byName.get(nodeName);
    if (info) this.#place(info, pod);
    else {
      let homeless = this.#homeless.get(nodeName);
      if (!homeless) {
        homeless = new Map();
        this.#homeless.set(nodeName, homeless);
      }
      homeless.set(uid, pod);
    }
  }

  removePod(uid: string): void {
    const name = this.#nodeOf.get(uid);
    if (name === undefined) return;
    this.#nodeOf.delete(uid);
    const info = this.#byName.get(name);
    if (info) this.#displace(info, uid);
    else this.#homeless.get(name)?.delete(uid);
  }

  #place(info: NodeInfo, pod: Pod): void {
    info.add(pod);
    const { hasAffinity, hasRequiredAntiAffinity } = podInfo(pod);
    if (hasAffinity) this.affinityCount++;
    if (hasRequiredAntiAffinity) this.requiredAntiAffinityCount++;
  }

  #displace(info: NodeInfo, uid: string): void {
    const removed = info.remove(uid);
    if (removed?.hasAffinity) this.affinityCount--;
    if (removed?.hasRequiredAntiAffinity) this.requiredAntiAffinityCount--;
  }
}
