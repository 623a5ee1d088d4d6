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
  expect(world.events(rs!.metadata.name)).toEqual(
    world.list(PODS).map((pod) => `Normal SuccessfulCreate Created pod: ${pod.metadata.name}`),
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
