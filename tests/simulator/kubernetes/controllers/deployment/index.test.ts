import { expect, test } from "vitest";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "@/simulator/kubernetes/client/resources";
import { isPodReady } from "@/simulator/kubernetes/controllers/pods";
import { deployment, World } from "@/tests/support/kubernetes/world";

const ready = (world: World): number => world.list(PODS).filter(isPodReady).length;

test("a Deployment becomes ReplicaSet and Pods, says so in events, and reports itself available", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 3));
  world.run(5000);
  expect(ready(world)).toBe(3);
  const [rs] = world.list(REPLICA_SETS);
  expect(rs!.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  expect(rs!.metadata.annotations).toEqual({
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
    "deployment.kubernetes.io/revision": "1",
  });
  expect(world.events("web")).toEqual([
    `Normal ScalingReplicaSet Scaled up replica set ${rs!.metadata.name} from 0 to 3`,
  ]);
  expect([...world.events(rs!.metadata.name)].sort()).toEqual(
    world
      .list(PODS)
      .map((pod) => `Normal SuccessfulCreate Created pod: ${pod.metadata.name}`)
      .sort(),
  );
  const { status } = world.get(DEPLOYMENTS, "web");
  expect(status).toMatchObject({
    availableReplicas: 3,
    readyReplicas: 3,
    replicas: 3,
    updatedReplicas: 3,
    observedGeneration: 1,
  });
  expect(status.conditions?.map((c) => [c.type, c.status, c.reason, c.message])).toEqual([
    ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."],
    ["Progressing", "True", "NewReplicaSetAvailable", `ReplicaSet "${rs!.metadata.name}" has successfully progressed.`],
  ]);
  const pod = world.list(PODS)[0]!;
  expect(world.events(pod.metadata.name)).toEqual([
    `Normal Scheduled Successfully assigned default/${pod.metadata.name} to ${pod.spec.nodeName}`,
  ]);
});

const setImage = (world: World, image: string): void => {
  const current = world.get(DEPLOYMENTS, "web");
  const template = {
    ...current.spec.template,
    spec: { containers: [{ ...current.spec.template.spec!.containers[0]!, image }] },
  };
  const updated = world.client.update(DEPLOYMENTS, {
    ...current,
    spec: { ...current.spec, template },
  } as typeof current);
  expect(updated.ok).toBe(true);
};
const revisions = (world: World): readonly (readonly [string, number])[] =>
  world
    .list(REPLICA_SETS)
    .map((rs) => [rs.metadata.annotations!["deployment.kubernetes.io/revision"]!, rs.spec.replicas!] as const)
    .sort((a, b) => Number(a[0]) - Number(b[0]));

test("a rolling update never leaves its fence posts", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 4, "nginx:1.25"));
  world.run(5000);
  setImage(world, "nginx:1.26");
  let steps = 0;
  while (revisions(world).at(-1)?.[1] !== 4 || world.list(PODS).length !== 4 || ready(world) !== 4) {
    world.run(20);
    expect(++steps).toBeLessThan(1000);
    const alive = world.list(PODS).filter((pod) => !pod.metadata.deletionTimestamp);
    expect(alive.length).toBeLessThanOrEqual(5);
    expect(alive.filter(isPodReady).length).toBeGreaterThanOrEqual(3);
  }
  world.run(2000);
  expect(revisions(world)).toEqual([
    ["1", 0],
    ["2", 4],
  ]);
  expect(world.get(DEPLOYMENTS, "web").metadata.annotations!["deployment.kubernetes.io/revision"]).toBe("2");
});

test("a bad image stops a rollout where it harms nobody; after the deadline the Deployment says so; undo recovers", () => {
  const world = new World({ badImages: ["nope"] });
  world.create(DEPLOYMENTS, deployment("web", 3, "nginx:1.25", { progressDeadlineSeconds: 20 }));
  world.run(5000);
  setImage(world, "nope");
  world.run(10_000);
  expect(revisions(world)).toEqual([
    ["1", 3],
    ["2", 1],
  ]);
  expect(ready(world)).toBe(3);
  world.run(20_000);
  const progressing = world.get(DEPLOYMENTS, "web").status.conditions!.find((c) => c.type === "Progressing")!;
  const bad = world.list(REPLICA_SETS).find((rs) => rs.spec.template!.spec!.containers[0]!.image === "nope")!;
  expect([progressing.status, progressing.reason, progressing.message]).toEqual([
    "False",
    "ProgressDeadlineExceeded",
    `ReplicaSet "${bad.metadata.name}" has timed out progressing.`,
  ]);
  setImage(world, "nginx:1.25");
  world.run(5000);
  // The old revision is the newest now, under a new number.
  expect(revisions(world)).toEqual([
    ["2", 0],
    ["3", 3],
  ]);
  expect(world.list(PODS)).toHaveLength(3);
  const old = world
    .list(REPLICA_SETS)
    .find((rs) => rs.metadata.annotations!["deployment.kubernetes.io/revision"] === "3")!;
  expect(old.metadata.annotations!["deployment.kubernetes.io/revision-history"]).toBe("1");
});

test("a paused Deployment scales but does not roll; resumed, it rolls", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 2, "nginx:1.25"));
  world.run(5000);
  world.patch(DEPLOYMENTS, "web", { spec: { paused: true } });
  setImage(world, "nginx:1.26");
  world.patch(DEPLOYMENTS, "web", { spec: { replicas: 4 } });
  world.run(5000);
  expect(revisions(world)).toEqual([["1", 4]]);
  const reason = () => world.get(DEPLOYMENTS, "web").status.conditions!.find((c) => c.type === "Progressing")!.reason;
  expect(reason()).toBe("DeploymentPaused");
  world.patch(DEPLOYMENTS, "web", { spec: { paused: null } });
  world.run(10_000);
  expect(revisions(world)).toEqual([
    ["1", 0],
    ["2", 4],
  ]);
  expect(reason()).toBe("NewReplicaSetAvailable");
});

test("Recreate starts the new Pods only when the last old one is gone", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 3, "nginx:1.25", { strategy: { type: "Recreate" } }));
  world.run(5000);
  setImage(world, "nginx:1.26");
  for (let i = 0; i < 200; i++) {
    world.run(20);
    const images = new Set(world.list(PODS).map((pod) => pod.spec.containers[0]!.image));
    expect(images.size).toBeLessThanOrEqual(1);
  }
  expect(ready(world)).toBe(3);
  expect(revisions(world)).toEqual([
    ["1", 0],
    ["2", 3],
  ]);
});

test("history keeps revisionHistoryLimit old ReplicaSets", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 1, "nginx:0", { revisionHistoryLimit: 2 }));
  world.run(3000);
  for (let i = 1; i <= 5; i++) {
    setImage(world, `nginx:${i}`);
    world.run(5000);
  }
  expect(revisions(world)).toEqual([
    ["4", 0],
    ["5", 0],
    ["6", 1],
  ]);
});

test("what a controller manager did not finish, the next one does", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 6));
  while (world.list(REPLICA_SETS).length === 0) world.loop.step();
  world.manager.stop();
  world.run(60_000);
  expect(world.list(PODS)).toHaveLength(0);
  world.manager.start();
  world.run(5000);
  expect(ready(world)).toBe(6);
});
