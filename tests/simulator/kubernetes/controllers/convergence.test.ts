/** From any start, through conflicts, broken watches and restarts, the cluster comes to rest where its specs say. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { conflict, OPTIMISTIC_LOCK_MESSAGE, statusResponse } from "@/simulator/kubernetes/apimachinery/status";
import type { Transport } from "@/simulator/kubernetes/apimachinery/transport";
import { ApiServer } from "@/simulator/kubernetes/apiserver/server";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "@/simulator/kubernetes/client/resources";
import { isPodReady } from "@/simulator/kubernetes/controllers/pods";
import { deployment, World } from "@/tests/support/kubernetes/world";

type Step =
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "image"; readonly version: number }
  | { readonly do: "kill"; readonly index: number }
  | { readonly do: "orphan"; readonly index: number }
  | { readonly do: "restart"; readonly who: "manager" | "scheduler" }
  | { readonly do: "disconnect" }
  | { readonly do: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("scale" as const), replicas: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ do: fc.constant("image" as const), version: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("kill" as const), index: fc.nat(10) }),
  fc.record({ do: fc.constant("orphan" as const), index: fc.nat(10) }),
  fc.record({ do: fc.constant("restart" as const), who: fc.constantFrom("manager" as const, "scheduler" as const) }),
  fc.constant({ do: "disconnect" as const }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
);

test("convergence", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), fc.nat(1000), (steps, seed) => {
      const world = new World({
        seed: `s${seed}`,
        makeTransport: (loop, random) => withConflicts(new ApiServer({ loop, random }), random.stream("faults")),
      });
      world.create(DEPLOYMENTS, deployment("web", 3, "app:1"));
      for (const s of steps) apply(world, s);
      world.run(120_000);
      const { spec, status } = world.get(DEPLOYMENTS, "web");
      const pods = world.list(PODS);
      const owned = pods.filter((pod) => pod.metadata.ownerReferences?.some((o) => o.controller));
      expect(owned.filter(isPodReady)).toHaveLength(spec.replicas!);
      expect(owned).toHaveLength(spec.replicas!);
      const image = spec.template.spec!.containers[0]!.image;
      expect(owned.every((pod) => pod.spec.containers[0]!.image === image)).toBe(true);
      expect(status.updatedReplicas ?? 0).toBe(spec.replicas);
      expect(world.list(REPLICA_SETS).filter((rs) => rs.spec.replicas! > 0).length).toBe(spec.replicas! > 0 ? 1 : 0);
      // At rest nothing is written any more, leases and heartbeats apart.
      const before = world.list(PODS).map((pod) => pod.metadata.resourceVersion);
      world.run(60_000);
      expect(world.list(PODS).map((pod) => pod.metadata.resourceVersion)).toEqual(before);
    }),
    { numRuns: 25, seed: 20260301 },
  );
});

function apply(world: World, s: Step): void {
  const pods = world.list(PODS);
  switch (s.do) {
    case "scale":
      world.patch(DEPLOYMENTS, "web", { spec: { replicas: s.replicas } });
      break;
    case "image": {
      const containers = [{ name: "web", image: `app:${s.version}` }];
      world.patch(DEPLOYMENTS, "web", { spec: { template: { spec: { containers } } } });
      break;
    }
    case "kill":
      if (pods[s.index]) world.client.delete(PODS, pods[s.index]!.metadata, { gracePeriodSeconds: 0 });
      break;
    case "orphan":
      if (pods[s.index]) {
        world.client.patch(PODS, pods[s.index]!.metadata, "merge", { metadata: { labels: { app: "lost" } } });
      }
      break;
    case "restart":
      world[s.who].stop();
      world.run(100);
      world[s.who].start();
      break;
    case "disconnect":
      for (const run of [world.manager.current, world.scheduler.current]) {
        for (const informer of run?.informers.all() ?? []) informer.disconnect();
      }
      break;
    case "wait":
      world.run(s.ms);
  }
  world.run(20);
}

/** Every tenth write of a component meets a conflict that it did not cause. */
function withConflicts(server: Transport, random: { float(): number }): Transport {
  return {
    request(request) {
      const isWrite = request.method === "PUT" || request.method === "PATCH";
      const agent = request.headers?.["user-agent"] ?? "";
      if (isWrite && agent.startsWith("kube-") && random.float() < 0.1) {
        return statusResponse(conflict({ group: "", resource: "things" }, "thing", OPTIMISTIC_LOCK_MESSAGE));
      }
      return server.request(request);
    },
  };
}
