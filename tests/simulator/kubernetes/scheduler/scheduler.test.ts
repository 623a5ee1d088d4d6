import { expect, test } from "vitest";
import { DEPLOYMENTS, NODES, PODS, PRIORITY_CLASSES } from "@/simulator/kubernetes/client/resources";
import { deployment, World } from "@/tests/support/kubernetes/world";

// biome-ignore lint/suspicious/noExplicitAny: manifests as people write them.
type Manifest = any;
const pod = (name: string, spec: Manifest = {}, metadata: Manifest = {}): Manifest => ({
  metadata: { name, namespace: "default", ...metadata },
  spec: { containers: [{ name: "c", image: "app", ...(spec.container ?? {}) }], ...{ ...spec, container: undefined } },
});
const requests = (cpu: string, memory?: string): Manifest => ({
  container: { resources: { requests: { cpu, ...(memory ? { memory } : {}) } } },
});
const TAIL = "no new claims to deallocate, preemption: 0/3 nodes are available:";
const HOPELESS = `${TAIL} 3 Preemption is not helpful for scheduling.`;
const messageOf = (world: World, name: string): string | undefined =>
  world.get(PODS, name).status.conditions?.find((c) => c.type === "PodScheduled" && c.status === "False")?.message;

test.each([
  {
    name: "more than any node has",
    spec: requests("64"),
    message: `0/3 nodes are available: 3 Insufficient cpu. ${HOPELESS}`,
  },
  {
    name: "cpu and memory",
    spec: requests("64", "1Ti"),
    message: `0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory. ${HOPELESS}`,
  },
  {
    name: "a label no node has",
    spec: { nodeSelector: { disk: "ssd" } },
    message: `0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. ${HOPELESS}`,
  },
  {
    name: "an unbound claim",
    spec: { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "nope" } }] },
    message: `0/3 nodes are available: persistentvolumeclaim "nope" not found. ${HOPELESS}`,
  },
  {
    name: "affinity to nobody",
    spec: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: "nobody" } }, topologyKey: "kubernetes.io/hostname" },
          ],
        },
      },
    },
    message: `0/3 nodes are available: 3 node(s) didn't match pod affinity rules. ${HOPELESS}`,
  },
])("a Pod that fits nowhere says why: $name", ({ spec, message }) => {
  const world = new World();
  world.create(PODS, pod("p", spec));
  world.run(2000);
  expect(world.events("p")).toEqual([`Warning FailedScheduling ${message}`]);
  expect(messageOf(world, "p")).toBe(message);
});

test("reasons of different nodes are counted and sorted", () => {
  const world = new World();
  world.patch(NODES, "node-1", { spec: { unschedulable: true } });
  world.patch(NODES, "node-2", { spec: { taints: [{ key: "gpu", value: "true", effect: "NoSchedule" }] } });
  world.create(PODS, pod("big", requests("1500m")));
  world.run(2000);
  world.create(PODS, pod("p", requests("1")));
  world.run(2000);
  expect(messageOf(world, "p")).toBe(
    `0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. ${TAIL} 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.`,
  );
});

test("a Pod that waits is scheduled as soon as what held it up changes", () => {
  const world = new World();
  world.create(PODS, pod("p", { nodeSelector: { disk: "ssd" } }));
  world.run(3000);
  expect(world.get(PODS, "p").spec.nodeName).toBeUndefined();
  world.patch(NODES, "node-2", { metadata: { labels: { disk: "ssd" } } });
  world.run(1500);
  expect(world.get(PODS, "p").spec.nodeName).toBe("node-2");
  expect(world.events("p").at(-1)).toBe("Normal Scheduled Successfully assigned default/p to node-2");
  expect(world.get(PODS, "p").status.conditions?.find((c) => c.type === "PodScheduled")?.status).toBe("True");
});

test("gates keep a Pod out until they are gone", () => {
  const world = new World();
  world.create(PODS, pod("p", { schedulingGates: [{ name: "example.com/wait" }] }));
  world.run(3000);
  expect(world.get(PODS, "p").spec.nodeName).toBeUndefined();
  world.patch(PODS, "p", { spec: { schedulingGates: null } });
  world.run(1000);
  expect(world.get(PODS, "p").spec.nodeName).toBeDefined();
});

test("a Pod of higher priority makes room for itself", () => {
  const world = new World({ nodes: 1 });
  world.create(PRIORITY_CLASSES, { metadata: { name: "high" }, value: 1000 } as Manifest);
  world.run(500);
  world.create(PODS, pod("low", requests("1500m")));
  world.run(2000);
  const low = world.get(PODS, "low");
  world.create(PODS, pod("vip", { ...requests("1500m"), priorityClassName: "high" }));
  world.run(200);
  expect(world.get(PODS, "vip").status.nominatedNodeName).toBe("node-1");
  world.run(5000);
  expect(world.find(PODS, "low")).toBeUndefined();
  const vip = world.get(PODS, "vip");
  expect(vip.spec.nodeName).toBe("node-1");
  expect(world.events("low")).toContain(`Normal Preempted Preempted by pod ${vip.metadata.uid} on node node-1`);
  expect(low.metadata.uid).not.toBe(vip.metadata.uid);
});

test("Pods of one Deployment spread over the nodes", () => {
  const world = new World({ nodes: 4 });
  world.create(DEPLOYMENTS, deployment("web", 8));
  world.run(5000);
  const counts = new Map<string, number>();
  for (const { spec } of world.list(PODS)) counts.set(spec.nodeName!, (counts.get(spec.nodeName!) ?? 0) + 1);
  expect([...counts.values()]).toEqual([2, 2, 2, 2]);
});

test("DoNotSchedule keeps the skew; anti-affinity keeps apart", () => {
  const world = new World();
  const template = {
    metadata: { labels: { app: "web" } },
    spec: {
      containers: [{ name: "c", image: "app" }],
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: "web" } }, topologyKey: "kubernetes.io/hostname" },
          ],
        },
      },
    },
  };
  world.create(DEPLOYMENTS, deployment("web", 4, "app", { template }));
  world.run(5000);
  const placed = world.list(PODS).filter(({ spec }) => spec.nodeName);
  expect(new Set(placed.map(({ spec }) => spec.nodeName)).size).toBe(3);
  const waiting = world.list(PODS).find(({ spec }) => !spec.nodeName)!;
  expect(messageOf(world, waiting.metadata.name)).toBe(
    `0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. ${TAIL} 3 No preemption victims found for incoming pod.`,
  );
});

test("host ports are not given twice on a node", () => {
  const world = new World({ nodes: 2 });
  const container = { ports: [{ containerPort: 80, hostPort: 8080 }] };
  for (const name of ["a", "b", "c"]) world.create(PODS, pod(name, { container }));
  world.run(3000);
  const placed = world.list(PODS).filter(({ spec }) => spec.nodeName);
  expect(new Set(placed.map(({ spec }) => spec.nodeName))).toEqual(new Set(["node-1", "node-2"]));
  expect(placed).toHaveLength(2);
});

test("no node is ever promised more than it has", () => {
  const world = new World({ nodes: 5 });
  world.create(
    DEPLOYMENTS,
    deployment("web", 40, "app", {
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "c", image: "app", resources: { requests: { cpu: "300m" } } }] },
      },
    }),
  );
  world.run(10_000);
  const perNode = new Map<string, number>();
  for (const { spec } of world.list(PODS))
    if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  expect([...perNode.values()]).toEqual([6, 6, 6, 6, 6]);
});
