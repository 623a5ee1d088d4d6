import { expect, test } from "vitest";
import type { Pod } from "@/simulator/kubernetes/api/types.generated";
import {
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  JOBS,
  NAMESPACES,
  NODES,
  PODS,
  REPLICA_SETS,
  SERVICES,
  STATEFUL_SETS,
} from "@/simulator/kubernetes/client/resources";
import { isPodReady } from "@/simulator/kubernetes/controllers/pods";
import { deployment, World } from "@/tests/support/kubernetes/world";

// biome-ignore lint/suspicious/noExplicitAny: manifests as people write them.
type Manifest = any;
const template = (app: string, image = "app", restartPolicy?: string): Manifest => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: "c", image }], ...(restartPolicy ? { restartPolicy } : {}) },
});
const names = (world: World): readonly string[] =>
  world
    .list(PODS)
    .map((pod) => pod.metadata.name)
    .sort();
const ends = (image: string) =>
  image === "ok" ? { exitCode: 0, afterMs: 1000 } : image === "bad" ? { exitCode: 1, afterMs: 500 } : undefined;

test("a StatefulSet starts its Pods one after another and updates them from the last", () => {
  const world = new World();
  world.create(STATEFUL_SETS, {
    metadata: { name: "db", namespace: "default" },
    spec: { replicas: 3, serviceName: "db", selector: { matchLabels: { app: "db" } }, template: template("db") },
  } as Manifest);
  for (let i = 0; i < 300; i++) {
    world.run(20);
    const pods = world.list(PODS);
    // A later one only exists when all before it are ready.
    for (const pod of pods) {
      const ordinal = Number(pod.metadata.name.slice(3));
      for (let before = 0; before < ordinal; before++) {
        expect(isPodReady(pods.find((p) => p.metadata.name === `db-${before}`)!)).toBe(true);
      }
    }
  }
  expect(names(world)).toEqual(["db-0", "db-1", "db-2"]);
  expect(world.events("db")).toEqual(
    [0, 1, 2].map((i) => `Normal SuccessfulCreate Create Pod db-${i} in StatefulSet db successful`),
  );
  const uids = new Map(world.list(PODS).map((pod) => [pod.metadata.name, pod.metadata.uid]));
  world.patch(STATEFUL_SETS, "db", { spec: { template: { metadata: { annotations: { a: "1" } } } } });
  const order: string[] = [];
  for (let i = 0; i < 400; i++) {
    world.run(20);
    for (const pod of world.list(PODS)) {
      if (uids.get(pod.metadata.name) === pod.metadata.uid || order.includes(pod.metadata.name)) continue;
      order.push(pod.metadata.name);
    }
  }
  expect(order).toEqual(["db-2", "db-1", "db-0"]);
  const { status } = world.get(STATEFUL_SETS, "db");
  expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, updatedReplicas: 3, currentReplicas: 3 });
  expect(status.currentRevision).toBe(status.updateRevision);
  world.patch(STATEFUL_SETS, "db", { spec: { replicas: 1 } });
  world.run(3000);
  expect(names(world)).toEqual(["db-0"]);
});

test("a DaemonSet has one Pod on each node, also on one that comes later", () => {
  const world = new World({ nodes: 2 });
  world.create(DAEMON_SETS, {
    metadata: { name: "agent", namespace: "default" },
    spec: { selector: { matchLabels: { app: "agent" } }, template: template("agent") },
  } as Manifest);
  world.run(3000);
  world.kubelet.addNode("node-3");
  world.run(3000);
  expect(
    world
      .list(PODS)
      .map((pod) => pod.spec.nodeName)
      .sort(),
  ).toEqual(["node-1", "node-2", "node-3"]);
  expect(world.get(DAEMON_SETS, "agent").status).toMatchObject({
    desiredNumberScheduled: 3,
    numberReady: 3,
    updatedNumberScheduled: 3,
  });
  world.client.delete(NODES, { name: "node-3" });
  world.run(90_000);
  expect(
    world
      .list(PODS)
      .map((pod) => pod.spec.nodeName)
      .sort(),
  ).toEqual(["node-1", "node-2"]);
});

test("a Job runs to its completions, counts each Pod once, and lets them go", () => {
  const world = new World({ ends });
  world.create(JOBS, {
    metadata: { name: "par", namespace: "default" },
    spec: { completions: 4, parallelism: 2, template: template("par", "ok", "Never") },
  } as Manifest);
  world.run(20_000);
  const { status } = world.get(JOBS, "par");
  expect(status).toMatchObject({ succeeded: 4, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  expect(status.conditions?.map((c) => [c.type, c.reason])).toEqual([
    ["SuccessCriteriaMet", "CompletionsReached"],
    ["Complete", "CompletionsReached"],
  ]);
  expect(world.list(PODS).flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
  expect(world.events("par").at(-1)).toBe("Normal Completed Job completed");
});

test("a Job that fails waits longer each time and gives up after backoffLimit", () => {
  const world = new World({ ends });
  world.create(JOBS, {
    metadata: { name: "bad", namespace: "default" },
    spec: { backoffLimit: 2, template: template("bad", "bad", "Never") },
  } as Manifest);
  world.run(120_000);
  const created = world
    .list(PODS)
    .map((pod) => pod.metadata.creationTimestamp.slice(14, 19))
    .sort();
  expect(created).toHaveLength(3);
  const { status } = world.get(JOBS, "bad");
  expect(status).toMatchObject({ failed: 3 });
  expect(status.conditions?.map((c) => [c.type, c.reason, c.message])).toEqual([
    ["FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
    ["Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
  ]);
});

test("a CronJob starts a Job each minute and keeps three", () => {
  const world = new World({ ends });
  world.create(CRON_JOBS, {
    metadata: { name: "cj", namespace: "default" },
    spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template("cj", "ok", "Never") } } },
  } as Manifest);
  world.run(5.5 * 60_000);
  expect(
    world
      .list(JOBS)
      .map((job) => job.metadata.name)
      .sort(),
  ).toEqual(["cj-29539293", "cj-29539294", "cj-29539295"]);
  expect(world.events("cj").slice(0, 2)).toEqual([
    "Normal SuccessfulCreate Created job cj-29539291",
    "Normal SawCompletedJob Saw completed job: cj-29539291, condition: Complete",
  ]);
});

test("endpoints are exactly the ready Pods selected", () => {
  const world = new World();
  world.create(SERVICES, {
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  } as Manifest);
  world.create(DEPLOYMENTS, deployment("web", 3));
  world.run(5000);
  const addresses = (): readonly string[] =>
    world
      .list(ENDPOINT_SLICES, "default")
      .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === "web")
      .flatMap((slice) => slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready)
      .flatMap((endpoint) => endpoint.addresses)
      .sort();
  const ips = (): readonly string[] =>
    world
      .list(PODS)
      .filter(isPodReady)
      .map((pod) => pod.status.podIP!)
      .sort();
  expect(addresses()).toEqual(ips());
  expect(ips()).toHaveLength(3);
  world.patch(DEPLOYMENTS, "web", { spec: { replicas: 1 } });
  world.run(3000);
  expect(addresses()).toEqual(ips());
  expect(ips()).toHaveLength(1);
});

test.each([
  { policy: "Background" as const, left: 0 },
  { policy: "Foreground" as const, left: 0 },
  { policy: "Orphan" as const, left: 2 },
])("deleting a Deployment with $policy leaves $left Pods", ({ policy, left }) => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 2));
  world.run(4000);
  const deleted = world.client.delete(
    DEPLOYMENTS,
    { namespace: "default", name: "web" },
    { propagationPolicy: policy },
  );
  expect(deleted.ok).toBe(true);
  if (policy === "Foreground") {
    world.run(50);
    expect(world.find(DEPLOYMENTS, "web")?.metadata.deletionTimestamp).toBeDefined();
  }
  world.run(4000);
  expect(world.find(DEPLOYMENTS, "web")).toBeUndefined();
  expect(world.list(PODS)).toHaveLength(left);
  expect(world.list(REPLICA_SETS)).toHaveLength(left > 0 ? 1 : 0);
});

test("a namespace that is deleted takes its content along", () => {
  const world = new World();
  world.create(NAMESPACES, { metadata: { name: "team" } });
  world.run(500);
  world.create(DEPLOYMENTS, { ...deployment("web", 2), metadata: { name: "web", namespace: "team" } });
  world.run(4000);
  world.client.delete(NAMESPACES, { name: "team" });
  world.run(6000);
  expect(world.get(NAMESPACES, "team").status.conditions?.map((c) => c.message)).toContain(
    "Some resources are remaining: pods. has 2 resource instances",
  );
  world.run(6000);
  expect(world.find(NAMESPACES, "team")).toBeUndefined();
  expect(world.list(PODS)).toEqual([]);
});

test("a node whose kubelet dies is Unknown after 50 s, tainted, and emptied after the Pods' 300 s", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 3));
  world.run(5000);
  world.kubelet.dead.add("node-2");
  const onDead = (): readonly Pod[] => world.list(PODS).filter((pod) => pod.spec.nodeName === "node-2");
  expect(onDead().length).toBeGreaterThan(0);
  world.run(40_000);
  expect(world.events("node-2")).toEqual([
    "Normal RegisteredNode Node node-2 event: Registered Node node-2 in Controller",
  ]);
  world.run(30_000);
  expect(world.events("node-2").at(-1)).toBe("Normal NodeNotReady Node node-2 status is now: NodeNotReady");
  const node = world.get(NODES, "node-2");
  expect(node.spec.taints?.map((t) => `${t.key}:${t.effect}`).sort()).toEqual([
    "node.kubernetes.io/unreachable:NoExecute",
    "node.kubernetes.io/unreachable:NoSchedule",
  ]);
  expect(onDead().every((pod) => !pod.metadata.deletionTimestamp && !isPodReady(pod))).toBe(true);
  expect(world.events(onDead()[0]!.metadata.name)).toContain("Warning NodeNotReady Node is not ready");
  world.run(310_000);
  expect(onDead().every((pod) => pod.metadata.deletionTimestamp)).toBe(true);
  expect(world.list(PODS).filter((pod) => !pod.metadata.deletionTimestamp && isPodReady(pod))).toHaveLength(3);
});

test("an orphan that matches is adopted; a Pod whose label changes is released and replaced", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 2));
  world.run(4000);
  const [pod] = world.list(PODS);
  world.patch(PODS, pod!.metadata.name, { metadata: { labels: { app: "debug" } } });
  world.run(3000);
  expect(world.get(PODS, pod!.metadata.name).metadata.ownerReferences).toBeUndefined();
  expect(world.list(PODS)).toHaveLength(3);
  world.patch(PODS, pod!.metadata.name, { metadata: { labels: { app: "web" } } });
  world.run(3000);
  expect(world.list(PODS)).toHaveLength(2);
});
