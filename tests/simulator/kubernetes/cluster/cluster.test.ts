import { expect, test } from "vitest";
import { deploymentOf, makeWorld } from "./world";

test("three nodes become Ready", () => {
  const world = makeWorld();
  const nodes = world.cluster.nodes();
  expect(nodes.map((node) => node.metadata.name)).toEqual(["node-1", "node-2", "node-3"]);
});

test("a Deployment of three comes up", () => {
  const world = makeWorld();
  world.apply(deploymentOf("web", 3));
  world.until(
    "three Running",
    () => world.pods("app=web").filter((p) => p.status?.phase === "Running").length === 3,
    30,
  );
  expect(new Set(world.pods("app=web").map((p) => p.status?.podIP)).size).toBe(3);
});
