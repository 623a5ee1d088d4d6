import { expect, test } from "vitest";
import type { Node, Pod } from "@/simulator/kubernetes/api/types.generated";
import { Store } from "@/simulator/kubernetes/client/lister";
import { feasibleNodesToFind } from "@/simulator/kubernetes/scheduler/algorithm";
import { fitErrorMessage } from "@/simulator/kubernetes/scheduler/failure";
import { type Handle, reject } from "@/simulator/kubernetes/scheduler/framework";
import { Snapshot } from "@/simulator/kubernetes/scheduler/node-info";
import { plugins } from "@/simulator/kubernetes/scheduler/plugins";

test.each([
  { nodes: 5, found: 5 },
  { nodes: 99, found: 99 },
  { nodes: 100, found: 100 },
  { nodes: 1000, found: 420 },
  { nodes: 5000, found: 500 },
  { nodes: 6000, found: 300 },
])("of $nodes nodes $found feasible ones are enough", ({ nodes, found }) => {
  expect(feasibleNodesToFind(nodes)).toBe(found);
});

test("the message sorts its counted reasons as texts", () => {
  const rejections = new Map([
    ["a", reject("x", "Insufficient cpu")],
    ["b", reject("x", "node(s) were unschedulable")],
    ["c", reject("x", "Insufficient cpu")],
  ]);
  expect(fitErrorMessage({ nodeCount: 3, rejections, postFilterMessage: "preemption: no." })).toBe(
    "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: no.",
  );
});

// biome-ignore lint/suspicious/noExplicitAny: shortened objects.
type Short = any;
const node = (more: Short = {}): Node =>
  ({
    metadata: { name: "n", labels: { zone: "a", "kubernetes.io/hostname": "n" }, ...more.metadata },
    spec: more.spec ?? {},
    status: { allocatable: { cpu: "2", memory: "4Gi", pods: "10", ...more.allocatable } },
  }) as Node;
const pod = (spec: Short = {}, metadata: Short = {}): Pod =>
  ({
    metadata: { name: "p", namespace: "default", uid: "p", ...metadata },
    spec: { containers: [{ name: "c", ...(spec.container ?? {}) }], ...spec },
    status: {},
  }) as Pod;
const cpu = (amount: string): Short => ({ container: { resources: { requests: { cpu: amount } } } });
const affinity = (operator: string, values?: readonly string[]): Short => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator, ...(values ? { values } : {}) }] }],
      },
    },
  },
});
const taint = { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } };

test.each([
  { name: "an empty node", pod: pod(), node: node(), reason: undefined },
  { name: "exactly what is left", pod: pod(cpu("2")), node: node(), reason: undefined },
  { name: "a little more", pod: pod(cpu("2001m")), node: node(), reason: "Insufficient cpu" },
  { name: "no room for Pods", pod: pod(), node: node({ allocatable: { pods: "0" } }), reason: "Too many pods" },
  {
    name: "an extended resource",
    pod: pod({ container: { resources: { requests: { "example.com/gpu": "1" } } } }),
    node: node(),
    reason: "Insufficient example.com/gpu",
  },
  { name: "cordoned", pod: pod(), node: node({ spec: { unschedulable: true } }), reason: "node(s) were unschedulable" },
  {
    name: "cordoned, tolerated",
    pod: pod({ tolerations: [{ operator: "Exists" }] }),
    node: node({ spec: { unschedulable: true } }),
    reason: undefined,
  },
  { name: "a taint", pod: pod(), node: node(taint), reason: "node(s) had untolerated taint(s)" },
  {
    name: "a taint tolerated by value",
    pod: pod({ tolerations: [{ key: "k", value: "v" }] }),
    node: node(taint),
    reason: undefined,
  },
  {
    name: "a taint of another value",
    pod: pod({ tolerations: [{ key: "k", value: "w" }] }),
    node: node(taint),
    reason: "node(s) had untolerated taint(s)",
  },
  {
    name: "a taint tolerated for another effect",
    pod: pod({ tolerations: [{ key: "k", operator: "Exists", effect: "NoExecute" }] }),
    node: node(taint),
    reason: "node(s) had untolerated taint(s)",
  },
  {
    name: "a preference is no obstacle",
    pod: pod(),
    node: node({ spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } }),
    reason: undefined,
  },
  { name: "selector", pod: pod({ nodeSelector: { zone: "a" } }), node: node(), reason: undefined },
  { name: "affinity In", pod: pod(affinity("In", ["a", "b"])), node: node(), reason: undefined },
  {
    name: "affinity NotIn",
    pod: pod(affinity("NotIn", ["a"])),
    node: node(),
    reason: "node(s) didn't match Pod's node affinity/selector",
  },
  {
    name: "affinity DoesNotExist",
    pod: pod(affinity("DoesNotExist")),
    node: node(),
    reason: "node(s) didn't match Pod's node affinity/selector",
  },
  {
    name: "another node's name",
    pod: pod({ nodeName: "other" }),
    node: node(),
    reason: "node(s) didn't match the requested node name",
  },
])("filters: $name", ({ pod: wanted, node: where, reason }) => {
  const snapshot = new Snapshot();
  snapshot.setNode(where);
  const empty = new Store<Short>();
  const handle = {
    snapshot,
    namespaces: empty,
    services: empty,
    replicaSets: empty,
    statefulSets: empty,
    replicationControllers: empty,
    claims: empty,
    volumes: empty,
    storageClasses: empty,
  } as Handle;
  const reasons: string[] = [];
  for (const plugin of plugins) {
    const prepared = plugin.prepareFilter?.(wanted, handle);
    if (!prepared || "rejection" in prepared) continue;
    reasons.push(...(prepared.filter?.filter(snapshot.nodes[0]!)?.reasons ?? []));
  }
  expect(reasons).toEqual(reason === undefined ? [] : [reason]);
});

test("the snapshot's sums are those of its Pods, whatever comes and goes", () => {
  const snapshot = new Snapshot();
  snapshot.setNode(node());
  snapshot.addPod(pod(cpu("500m"), { uid: "a" }), "n");
  snapshot.addPod(pod(cpu("250m"), { uid: "b" }), "n");
  snapshot.addPod(pod(cpu("250m"), { uid: "lost" }), "gone");
  snapshot.addPod(pod(cpu("100m"), { uid: "a" }), "n");
  expect(snapshot.get("n")!.requested.cpu).toBe(350);
  snapshot.removePod("b");
  snapshot.removePod("b");
  expect(snapshot.get("n")!.requested.cpu).toBe(100);
  snapshot.setNode({ ...node(), metadata: { ...node().metadata, name: "gone" } });
  expect(snapshot.get("gone")!.requested.cpu).toBe(250);
});
