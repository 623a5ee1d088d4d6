/** Node lifecycle controller: nodes that stop answering become Unknown, get taints, and their Pods become not ready. */
import { type Instant, parseRfc3339, rfc3339 } from "../../base/clock";
import type { Node, NodeCondition, Taint } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { LEASES, NODES, PODS } from "../client/resources";
import { isSameTaint } from "../client/taints";

const MONITOR_PERIOD_MS = 5000;
const GRACE_MS = 50_000;
const STARTUP_GRACE_MS = 60_000;
/** --node-eviction-rate 0.1: of nodes that fail together, one is tainted each ten seconds. */
const EVICTION_PERIOD_MS = 10_000;
const LEASE_NAMESPACE = "kube-node-lease";
const BY_NODE = "node";

const CONDITION_TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: "node.kubernetes.io/not-ready", Unknown: "node.kubernetes.io/unreachable" },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";
const CONDITION_TAINT_KEYS = new Set([
  ...Object.values(CONDITION_TAINTS).flatMap((byStatus) => Object.values(byStatus)),
  UNSCHEDULABLE,
]);
const NOT_READY: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute" };
const UNREACHABLE: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };

interface Health {
  probeAt: Instant;
  heartbeat: string | undefined;
  lease: string | undefined;
}

export const nodeLifecycleController = defineController({
  name: "node-lifecycle-controller",
  serviceAccount: "node-controller",
  workers: 8,
  setup(context) {
    const { client, queue } = context;
    const recorder = context.recorderAs("node-controller");
    const health = new Map<string, Health>();
    const leases = context.informer(LEASES).cache;
    const pods = context.informer(PODS).cache;
    pods.addIndex(BY_NODE, (pod) => [pod.spec.nodeName ?? ""]);
    let nextEvictionAt = 0;

    const nodes = context.informer(NODES).handle({
      added(node) {
        const { name } = node.metadata;
        recorder.event(
          nodeReference(node),
          "Normal",
          "RegisteredNode",
          `Node ${name} event: Registered Node ${name} in Controller`,
        );
        queue.add(name);
      },
      updated(node, old) {
        if (node.status?.conditions !== old.status?.conditions || node.spec !== old.spec) queue.add(node.metadata.name);
      },
      deleted(node) {
        const { name } = node.metadata;
        health.delete(name);
        recorder.event(
          nodeReference(node),
          "Normal",
          "RemovingNode",
          `Node ${name} event: Removing Node ${name} from Controller`,
        );
      },
    }).cache;
    context.scope.every(MONITOR_PERIOD_MS, monitor);

    function monitor(): void {
      let ready = 0;
      for (const node of nodes.list()) if (readyOf(node)?.status === "True") ready++;
      for (const node of [...nodes.list()]) {
        const before = readyOf(node)?.status;
        const current = updateHealth(node);
        const status = readyOf(current)?.status;
        if (before === "True" && status !== "True") {
          const { name } = current.metadata;
          recorder.event(nodeReference(current), "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
        }
        if (status !== undefined && status !== "True") markPodsNotReady(current.metadata.name);
        taintNoExecute(current, ready);
      }
    }

    /** tryUpdateNodeHealth: notes new heartbeats; a node silent for too long gets Unknown conditions. */
    function updateHealth(node: Node): Node {
      const now = context.now();
      const { name } = node.metadata;
      const ready = readyOf(node);
      const lease = leases.get(`${LEASE_NAMESPACE}/${name}`)?.spec?.renewTime;
      let known = health.get(name);
      if (!known) {
        known = {
          probeAt: ready ? now : (parseRfc3339(node.metadata.creationTimestamp) ?? now),
          heartbeat: ready?.lastHeartbeatTime,
          lease,
        };
        health.set(name, known);
      } else if (ready?.lastHeartbeatTime !== known.heartbeat || lease !== known.lease) {
        known.probeAt = now;
        known.heartbeat = ready?.lastHeartbeatTime;
        known.lease = lease;
      }
      if (now <= known.probeAt + (ready ? GRACE_MS : STARTUP_GRACE_MS)) return node;
      const at = rfc3339(now);
      const conditions: NodeCondition[] = [...(node.status?.conditions ?? [])];
      let isChanged = false;
      for (const type of ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]) {
        const i = conditions.findIndex((c) => c.type === type);
        const old = conditions[i];
        if (!old) {
          isChanged = true;
          conditions.push({
            type,
            status: "Unknown",
            reason: "NodeStatusNeverUpdated",
            message: "Kubelet never posted node status.",
            lastHeartbeatTime: node.metadata.creationTimestamp,
            lastTransitionTime: at,
          });
        } else if (old.status !== "Unknown") {
          isChanged = true;
          conditions[i] = {
            ...old,
            status: "Unknown",
            reason: "NodeStatusUnknown",
            message: "Kubelet stopped posting node status.",
            lastTransitionTime: at,
          };
        }
      }
      if (!isChanged) return node;
      const written = client.updateStatus(NODES, { ...node, status: { ...node.status, conditions } });
      return written.ok ? written.value : node;
    }

    function markPodsNotReady(name: string): void {
      for (const pod of [...pods.byIndex(BY_NODE, name)]) {
        const conditions = pod.status?.conditions ?? [];
        const ready = conditions.find((c) => c.type === "Ready");
        if (ready?.status !== "True") continue;
        const patched = client.patch(
          PODS,
          pod.metadata,
          "strategic",
          { status: { conditions: [{ type: "Ready", status: "False", lastTransitionTime: rfc3339(context.now()) }] } },
          { subresource: "status" },
        );
        if (patched.ok) recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
      }
    }

    /** processTaintBaseEviction, with the zone's rate; a cluster without any ready node is left alone. */
    function taintNoExecute(node: Node, readyNodes: number): void {
      const status = readyOf(node)?.status;
      const taints = node.spec?.taints ?? [];
      const wanted = status === "False" ? NOT_READY : status === "Unknown" ? UNREACHABLE : undefined;
      const others = taints.filter((t) => !isSameTaint(t, NOT_READY) && !isSameTaint(t, UNREACHABLE));
      if (!wanted || readyNodes === 0) {
        if (status !== undefined && others.length !== taints.length) writeTaints(node, others);
        return;
      }
      if (taints.some((t) => isSameTaint(t, wanted)) && others.length === taints.length - 1) return;
      const isMarked = others.length !== taints.length;
      const now = context.now();
      if (!isMarked) {
        if (now < nextEvictionAt) return;
        nextEvictionAt = now + EVICTION_PERIOD_MS;
      }
      writeTaints(node, [...others, { ...wanted, timeAdded: rfc3339(now) }]);
    }

    function writeTaints(node: Node, taints: readonly Taint[]): boolean {
      const fresh = client.get(NODES, node.metadata);
      if (!fresh.ok) return isNotFound(fresh.error);
      const { taints: _old, ...spec } = fresh.value.spec ?? {};
      const body = { ...fresh.value, spec: taints.length > 0 ? { ...spec, taints } : spec };
      return client.update(NODES, body).ok;
    }

    return {
      /** doNoScheduleTaintingPass: conditions and cordon as NoSchedule taints. */
      reconcile(name) {
        const node = nodes.get(name);
        if (!node) return undefined;
        const wanted: Taint[] = [];
        for (const condition of node.status?.conditions ?? []) {
          const key = CONDITION_TAINTS[condition.type]?.[condition.status];
          if (key) wanted.push({ key, effect: "NoSchedule" });
        }
        if (node.spec?.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: "NoSchedule" });
        const taints = node.spec?.taints ?? [];
        const isManaged = (taint: Taint): boolean =>
          taint.effect === "NoSchedule" && CONDITION_TAINT_KEYS.has(taint.key);
        const managed = taints.filter(isManaged);
        if (managed.length === wanted.length && wanted.every((w) => managed.some((m) => isSameTaint(m, w)))) {
          return undefined;
        }
        const at = rfc3339(context.now());
        const next = [
          ...taints.filter((taint) => !isManaged(taint) || wanted.some((w) => isSameTaint(w, taint))),
          ...wanted.filter((w) => !managed.some((m) => isSameTaint(m, w))).map((w) => ({ ...w, timeAdded: at })),
        ];
        return writeTaints(node, next) ? undefined : { error: "failed to swap taints of node" };
      },
    };
  },
});

/** Looked for once a node object: nodes at rest are looked at every five seconds. */
const readyConditions = new WeakMap<Node, NodeCondition>();

function readyOf(node: Node): NodeCondition | undefined {
  let ready = readyConditions.get(node);
  if (ready === undefined) {
    ready = node.status?.conditions?.find((c) => c.type === "Ready");
    if (ready) readyConditions.set(node, ready);
  }
  return ready;
}

/** Upstream's node controller refers to nodes without namespace, with the uid. */
const nodeReference = (node: Node) => ({
  apiVersion: "v1",
  kind: "Node",
  name: node.metadata.name,
  uid: node.metadata.uid,
});
