/** The plugins that look at one field of a node: NodeUnschedulable, NodeName, TaintToleration, NodePorts, gates. */
import type { Pod, Taint, Toleration } from "../../api/types.generated";
import { isTolerated } from "../../client/taints";
import { normalizeScores, type Plugin, reject } from "../framework";
import { type HostPort, podInfo } from "../node-info";

export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  events: ["PodUpdate"],
  preEnqueue(pod) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return reject(this.name, `waiting for scheduling gates: [${gates.map(({ name }) => name).join(" ")}]`, true);
  },
};

const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  events: ["NodeAdd", "NodeUpdate"],
  prepareFilter(pod) {
    if (isTolerated(UNSCHEDULABLE, pod.spec.tolerations)) return undefined;
    const rejection = reject(this.name, "node(s) were unschedulable", true);
    return { filter: { filter: (info) => (info.node.spec?.unschedulable ? rejection : undefined) } };
  },
};

export const nodeName: Plugin = {
  name: "NodeName",
  events: ["NodeAdd"],
  prepareFilter(pod) {
    const wanted = pod.spec.nodeName;
    if (!wanted) return undefined;
    const rejection = reject(this.name, "node(s) didn't match the requested node name", true);
    return { filter: { filter: (info) => (info.name === wanted ? undefined : rejection) } };
  },
};

export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  events: ["NodeAdd", "NodeUpdate"],
  prepareFilter(pod) {
    const rejection = reject(this.name, "node(s) had untolerated taint(s)", true);
    return {
      filter: {
        filter(info) {
          for (const taint of info.node.spec?.taints ?? []) {
            if (taint.effect === "PreferNoSchedule") continue;
            if (!isTolerated(taint, pod.spec.tolerations)) return rejection;
          }
          return undefined;
        },
      },
    };
  },
  prepareScore(pod) {
    const tolerations = (pod.spec.tolerations ?? []).filter(mattersToPreference);
    return {
      score: (info) =>
        (info.node.spec?.taints ?? []).filter(
          (taint) => taint.effect === "PreferNoSchedule" && !isTolerated(taint, tolerations),
        ).length,
      normalize: (scores) => normalizeScores(scores, true),
    };
  },
};

const mattersToPreference = ({ effect }: Toleration): boolean => !effect || effect === "PreferNoSchedule";

export const nodePorts: Plugin = {
  name: "NodePorts",
  events: ["AssignedPodDelete", "NodeAdd"],
  prepareFilter(pod: Pod) {
    const wanted = podInfo(pod).hostPorts;
    if (wanted.length === 0) return undefined;
    const rejection = reject(this.name, "node(s) didn't have free ports for the requested pod ports");
    return {
      filter: {
        filter: (info) =>
          wanted.some((port) => info.hostPorts.some((used) => conflicts(port, used))) ? rejection : undefined,
      },
    };
  },
};

const conflicts = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === "0.0.0.0" || b.ip === "0.0.0.0");
