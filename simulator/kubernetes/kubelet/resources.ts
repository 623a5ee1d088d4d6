/** Requests and limits of containers and Pods, QoS classes, and the control group values they become. */
import { milliValue, wholeValue } from "../apimachinery/quantity";
import type { Container, EphemeralContainer, Pod, ResourceRequirements } from "../api/types.generated";
import type { LinuxContainerResources } from "../../containerd/cri";
import { isRestartableInit } from "./runtime-status";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** ComputePodQOS: the server writes it at creation; static Pods are classed here. */
export function qosClassOf(pod: Pod): QosClass {
  if (pod.status?.qosClass) return pod.status.qosClass;
  const all: ResourceRequirements[] = pod.spec.resources
    ? [pod.spec.resources]
    : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => c.resources ?? {});
  let any = false;
  let guaranteed = true;
  for (const { requests = {}, limits = {} } of all) {
    for (const name of ["cpu", "memory"] as const) {
      const request = milliValue(requests[name] ?? limits[name]);
      const limit = milliValue(limits[name]);
      if (request > 0 || limit > 0) any = true;
      if (limit === 0 || request !== limit) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

/** Thousandths of a CPU, bytes, or a count: what a Pod asks a node for. Init containers count by their largest. */
export function podRequest(pod: Pod, resource: "cpu" | "memory" | "ephemeral-storage"): number {
  const of = (container: Container): number =>
    resource === "cpu"
      ? milliValue(container.resources?.requests?.[resource])
      : wholeValue(container.resources?.requests?.[resource]);
  let sum = 0;
  for (const container of pod.spec.containers) sum += of(container);
  let sidecars = 0;
  let initMax = 0;
  for (const container of pod.spec.initContainers ?? []) {
    if (isRestartableInit(container)) {
      sidecars += of(container);
      initMax = Math.max(initMax, sidecars);
    } else initMax = Math.max(initMax, of(container) + sidecars);
  }
  const overhead = pod.spec.overhead?.[resource];
  const extra = resource === "cpu" ? milliValue(overhead) : wholeValue(overhead);
  return Math.max(sum + sidecars, initMax) + extra;
}

const CPU_PERIOD_US = 100_000;

/** MilliCPUToShares, MilliCPUToQuota: the linux resources of one container. */
export function linuxResources(container: Container | EphemeralContainer): LinuxContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const cpuLimit = milliValue(limits["cpu"]);
  const cpuRequest = requests["cpu"] === undefined ? cpuLimit : milliValue(requests["cpu"]);
  const memory = wholeValue(limits["memory"]);
  return {
    cpuShares: cpuRequest === 0 ? 2 : Math.max(2, Math.floor((cpuRequest * 1024) / 1000)),
    ...(cpuLimit > 0
      ? { cpuPeriod: CPU_PERIOD_US, cpuQuota: Math.max(1000, Math.floor((cpuLimit * CPU_PERIOD_US) / 1000)) }
      : {}),
    ...(memory > 0 ? { memoryLimitInBytes: memory } : {}),
  };
}

/** Limits of the Pod's own control group: the sum, where every container has one. */
export function podLinuxResources(pod: Pod): LinuxContainerResources {
  const containers = pod.spec.containers;
  const sum = (of: (c: Container) => number): number =>
    containers.every((c) => of(c) > 0) ? containers.reduce((total, c) => total + of(c), 0) : 0;
  const cpu = sum((c) => milliValue(c.resources?.limits?.["cpu"]));
  const memory = sum((c) => wholeValue(c.resources?.limits?.["memory"]));
  return {
    ...(cpu > 0 ? { cpuPeriod: CPU_PERIOD_US, cpuQuota: Math.floor((cpu * CPU_PERIOD_US) / 1000) } : {}),
    ...(memory > 0 ? { memoryLimitInBytes: memory } : {}),
  };
}

/** The control group a Pod's containers stand under. */
export function cgroupParentOf(pod: Pod): string {
  const qos = qosClassOf(pod);
  const tier = qos === "Guaranteed" ? "kubepods" : `kubepods/${qos.toLowerCase()}`;
  return `${tier}/pod${pod.metadata.uid}`;
}
