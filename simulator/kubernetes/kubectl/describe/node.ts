/** Describes Nodes. */
import { parseRfc3339 } from "../../../base/clock";
import type { Task } from "../../../base/task";
import { humanDuration } from "../../../text/human-duration";
import { compareStrings } from "../../../text/strconv";
import {
  addQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  type Quantity,
  wholeValue,
} from "../../apimachinery/quantity";
import { ApiFailure } from "../failure";
import type { DescribeContext, Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, rfc1123, sortedEntries, writeAnnotations, writeLabels, type Writer } from "./page";

export const nodeDescriber: Describer = {
  group: "",
  kind: "Node",
  *describe(w, node, context) {
    const { metadata, spec = {}, status = {} } = node;
    w.write(0, `Name:\t${metadata.name}\n`);
    const roles = nodeRoles(node);
    w.write(0, `Roles:\t${roles.length > 0 ? roles.join(",") : "<none>"}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}\n`);
    writeTaints(w, spec.taints);
    w.write(0, `Unschedulable:\t${spec.unschedulable === true}\n`);
    yield* writeLease(w, metadata.name, context);
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n");
      w.write(1, "----\t------\t-----------------\t------------------\t------\t-------\n");
      for (const each of status.conditions) {
        w.write(
          1,
          `${each.type} \t${each.status} \t${rfc1123(each.lastHeartbeatTime)} \t${rfc1123(each.lastTransitionTime)} \t${each.reason} \t${each.message}\n`,
        );
      }
    }
    w.write(0, "Addresses:\n");
    for (const address of status.addresses ?? []) w.write(1, `${address.type}:\t${address.address}\n`);
    for (const [title, list] of [
      ["Capacity", status.capacity],
      ["Allocatable", status.allocatable],
    ] as const) {
      const entries = sortedEntries<string>(list);
      if (entries.length === 0) continue;
      w.write(0, `${title}:\n`);
      for (const [name, quantity] of entries) w.write(0, `  ${name}:\t${quantity}\n`);
    }
    writeSystemInfo(w, status.nodeInfo ?? {});
    if (spec.podCIDR) w.write(0, `PodCIDR:\t${spec.podCIDR}\n`);
    if (spec.podCIDRs?.length) w.write(0, `PodCIDRs:\t${spec.podCIDRs.join(",")}\n`);
    if (spec.providerID) w.write(0, `ProviderID:\t${spec.providerID}\n`);
    const pods = yield* context.list("/api/v1/pods", {
      fieldSelector: `spec.nodeName=${metadata.name},status.phase!=Succeeded,status.phase!=Failed`,
    });
    writePods(w, node, pods, context.now);
    writeEvents(w, context.events, context.now);
  },
};

/** `node-role.kubernetes.io/<role>` labels. */
export function nodeRoles(node: Part): string[] {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith("node-role.kubernetes.io/") && key.length > 24) roles.add(key.slice(24));
    else if (key === "kubernetes.io/role" && value) roles.add(String(value));
  }
  return [...roles].sort(compareStrings);
}

function writeTaints(w: Writer, taints: readonly Part[] | undefined): void {
  if (!taints?.length) {
    w.write(0, "Taints:\t<none>\n");
    return;
  }
  const sorted = [...taints].sort((a, b) => compareStrings(a.effect + a.key, b.effect + b.key));
  sorted.forEach((taint, i) => {
    w.write(0, `${i === 0 ? "Taints:" : ""}\t${taint.key}${taint.value ? `=${taint.value}` : ""}:${taint.effect}\n`);
  });
}

function* writeLease(w: Writer, name: string, context: DescribeContext): Task<void> {
  let lease: Part;
  try {
    lease = yield* context.factory.client.get(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
  } catch (error) {
    if (error instanceof ApiFailure) {
      if (error.isNotFound) {
        w.write(0, "Lease:\n");
        w.write(1, `Failed to get lease: ${error.message}\n`);
      }
      return;
    }
    throw error;
  }
  w.write(0, "Lease:\n");
  w.write(1, `HolderIdentity:\t${lease.spec?.holderIdentity ?? "<unset>"}\n`);
  w.write(1, `AcquireTime:\t${lease.spec?.acquireTime ? rfc1123(lease.spec.acquireTime) : "<unset>"}\n`);
  w.write(1, `RenewTime:\t${lease.spec?.renewTime ? rfc1123(lease.spec.renewTime) : "<unset>"}\n`);
}

function writeSystemInfo(w: Writer, info: Part): void {
  w.write(0, "System Info:\n");
  for (const [title, field] of [
    ["Machine ID", "machineID"],
    ["System UUID", "systemUUID"],
    ["Boot ID", "bootID"],
    ["Kernel Version", "kernelVersion"],
    ["OS Image", "osImage"],
    ["Operating System", "operatingSystem"],
    ["Architecture", "architecture"],
    ["Container Runtime Version", "containerRuntimeVersion"],
    ["Kubelet Version", "kubeletVersion"],
  ] as const) {
    w.write(0, `  ${title}:\t${info[field] ?? ""}\n`);
  }
}

const PAGE_RESOURCES = ["cpu", "memory", "ephemeral-storage"];

function writePods(w: Writer, node: Part, pods: readonly Part[], now: number): void {
  const allocatable =
    Object.keys(node.status?.allocatable ?? {}).length > 0 ? node.status.allocatable : (node.status?.capacity ?? {});
  w.write(0, `Non-terminated Pods:\t(${pods.length} in total)\n`);
  w.write(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n");
  w.write(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n");
  for (const pod of pods) {
    const { requests, limits } = podTotals(pod);
    const cell = (totals: ReadonlyMap<string, Quantity>, name: string): string => {
      const quantity = totals.get(name);
      return `${quantity ? formatQuantity(quantity) : "0"} (${percent(quantity, allocatable[name], name)}%)`;
    };
    const created = parseRfc3339(pod.metadata.creationTimestamp ?? "") ?? now;
    w.write(
      1,
      `${pod.metadata.namespace}\t${pod.metadata.name}\t\t${cell(requests, "cpu")}\t${cell(limits, "cpu")}\t${cell(requests, "memory")}\t${cell(limits, "memory")}\t${humanDuration(now - created)}\n`,
    );
  }
  w.write(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
  w.write(1, "Resource\tRequests\tLimits\n");
  w.write(1, "--------\t--------\t------\n");
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  for (const pod of pods) {
    const totals = podTotals(pod);
    for (const [name, quantity] of totals.requests) add(requests, name, quantity);
    for (const [name, quantity] of totals.limits) add(limits, name, quantity);
  }
  const others = Object.keys(allocatable)
    .filter((name) => !PAGE_RESOURCES.includes(name) && name !== "pods")
    .sort(compareStrings);
  for (const name of [...PAGE_RESOURCES, ...others]) {
    const isExtended = name.includes("/");
    const cell = (totals: ReadonlyMap<string, Quantity>): string => {
      const quantity = totals.get(name);
      const text = quantity ? formatQuantity(quantity) : "0";
      return isExtended ? text : `${text} (${percent(quantity, allocatable[name], name)}%)`;
    };
    w.write(1, `${name}\t${cell(requests)}\t${cell(limits)}\n`);
  }
}

const add = (totals: Map<string, Quantity>, name: string, quantity: Quantity): void => {
  const before = totals.get(name);
  totals.set(name, before ? addQuantities(before, quantity) : quantity);
};

/** The Pod's requests and limits: the sum of its containers, or the largest init container where that is more. */
export function podTotals(pod: Part): {
  readonly requests: ReadonlyMap<string, Quantity>;
  readonly limits: ReadonlyMap<string, Quantity>;
} {
  const total = (kind: "requests" | "limits"): Map<string, Quantity> => {
    const sum = new Map<string, Quantity>();
    const read = (container: Part): [string, Quantity][] =>
      Object.entries(container.resources?.[kind] ?? {}).flatMap(([name, text]) => {
        const quantity = parseQuantity(text as string);
        return quantity ? [[name, quantity] as [string, Quantity]] : [];
      });
    for (const container of pod.spec.containers ?? [])
      for (const [name, quantity] of read(container)) add(sum, name, quantity);
    for (const container of pod.spec.initContainers ?? []) {
      for (const [name, quantity] of read(container)) {
        const before = sum.get(name);
        if (container.restartPolicy === "Always") add(sum, name, quantity);
        else if (!before || before.nano < quantity.nano) sum.set(name, quantity);
      }
    }
    for (const [name, text] of Object.entries(pod.spec.overhead ?? {})) {
      const quantity = parseQuantity(text as string);
      if (quantity && (kind === "requests" || sum.has(name))) add(sum, name, quantity);
    }
    return sum;
  };
  return { requests: total("requests"), limits: total("limits") };
}

function percent(part: Quantity | undefined, whole: string | undefined, name: string): number {
  if (!part || !whole) return 0;
  const total = name === "cpu" ? milliValue(whole) : wholeValue(whole);
  const value = name === "cpu" ? milliValue(formatQuantity(part)) : wholeValue(formatQuantity(part));
  return total === 0 ? 0 : Math.trunc((value * 100) / total);
}
