/** One random run of a cluster with troubles: what a seed does, and which claims do not hold afterwards. */
import type { Deployment } from "@/simulator/kubernetes/api/types.generated";
import { Random } from "@/simulator/base/random";
import { DEPLOYMENTS, PODS, SERVICES } from "@/simulator/kubernetes/client/resources";
import { COMPONENTS, Faults } from "@/simulator/kubernetes/cluster/faults";
import { Invariants } from "@/simulator/kubernetes/cluster/invariants";
import { deploymentOf, makeWorld, podOf, type World } from "../simulator/kubernetes/cluster/world";

export interface Outcome {
  readonly seed: number;
  /** What was done, in order. */
  readonly steps: readonly string[];
  readonly wrong: readonly string[];
}

const NODES = ["node-1", "node-2", "node-3"];

/** How long a cluster gets to settle: tolerations of lost nodes (300 s), crash loops and resyncs are over by then. */
const SETTLE_SECONDS = 420;

export function runSeed(seed: number, stepCount = 14, look?: (world: World) => void): Outcome {
  const world = makeWorld({ seed: `faults/${seed}`, boot: false });
  const invariants = new Invariants(world.cluster);
  const steps: string[] = [];
  if (!world.cluster.bootAndWait()) return { seed, steps, wrong: ["the cluster did not become ready"] };
  const random = new Random(`steps/${seed}`);
  const faults = new Faults(world.cluster);
  const cures: (() => void)[] = [];
  for (let i = 0; i < stepCount; i++) {
    const step = takeStep(world, faults, random, cures);
    steps.push(`${((world.loop.now() / 1000) % 100_000).toFixed(1)} ${step}`);
    world.seconds(random.pick([0, 0.1, 0.5, 1, 3, 8, 20, 45]));
    // A trouble lasts for a while, not for ever.
    if (cures.length > 0 && random.float() < 0.35) cures.splice(random.integer(0, cures.length - 1), 1)[0]!();
  }
  for (const cure of cures) cure();
  world.seconds(SETTLE_SECONDS);
  look?.(world);
  return { seed, steps, wrong: invariants.atRest() };
}

function takeStep(world: World, faults: Faults, random: Random, cures: (() => void)[]): string {
  const { client } = world;
  const name = random.pick(["a", "b", "c"]);
  const node = random.pick(NODES);
  const options: readonly [number, () => string][] = [
    [
      5,
      () => {
        const replicas = random.integer(0, 5);
        const made = client.create(
          DEPLOYMENTS,
          deploymentOf(name, replicas, {
            readinessProbe: random.float() < 0.3 ? { httpGet: { port: 80, path: "/" } } : undefined,
          }) as Deployment,
        );
        if (!made.ok) client.patch(DEPLOYMENTS, { namespace: "default", name }, "merge", { spec: { replicas } });
        return `deployment ${name} of ${replicas}`;
      },
    ],
    [
      2,
      () => {
        client.create(SERVICES, {
          metadata: { name, namespace: "default" },
          spec: { selector: { app: name }, ports: [{ port: 80 }] },
        });
        return `service ${name}`;
      },
    ],
    [
      2,
      () => {
        const image = random.pick(["web:1", "nginx:1.25", "nginx:1.26", "nginx:nope"]);
        client.patch(DEPLOYMENTS, { namespace: "default", name }, "strategic", {
          spec: { template: { spec: { containers: [{ name, image }] } } },
        });
        return `image of ${name}: ${image}`;
      },
    ],
    [
      1,
      () => {
        client.delete(
          DEPLOYMENTS,
          { namespace: "default", name },
          { propagationPolicy: random.pick(["Background", "Foreground"]) },
        );
        return `delete deployment ${name}`;
      },
    ],
    [
      3,
      () => {
        const pods = client.list(PODS, { namespace: "default" });
        const pod = pods.ok && pods.value.items.length > 0 ? random.pick(pods.value.items) : undefined;
        if (!pod) return "no pod to delete";
        const grace = random.pick([undefined, 1, 0]);
        client.delete(
          PODS,
          { namespace: "default", name: pod.metadata.name },
          grace === undefined ? {} : { gracePeriodSeconds: grace },
        );
        return `delete pod ${pod.metadata.name} with grace ${grace ?? "as it is"}`;
      },
    ],
    [
      1,
      () => {
        const pod = `p${random.integer(1, 4)}`;
        world.client.create(
          PODS,
          podOf(
            pod,
            random.pick([{ command: ["exit", "1", "2"] }, { command: ["sleep", "60"] }, { image: "nope:1" }]),
            { restartPolicy: random.pick(["Always", "OnFailure", "Never"]) },
          ) as never,
        );
        return `pod ${pod}`;
      },
    ],
    [
      2,
      () => cured(cures, `crash ${random.pick(COMPONENTS)}`, (what) => faults.crashComponent(what.slice(6) as never)),
    ],
    [
      2,
      () => {
        const component = random.pick(COMPONENTS);
        return cured(
          cures,
          `stop ${component}`,
          () => faults.stopComponent(component),
          () => faults.startComponent(component),
        );
      },
    ],
    [2, () => cured(cures, `crash kubelet of ${node}`, () => faults.crashUnit(node, "kubelet"))],
    [1, () => cured(cures, `crash containerd of ${node}`, () => faults.crashUnit(node, "containerd"))],
    [
      1,
      () =>
        cured(
          cures,
          `stop kubelet of ${node}`,
          () => faults.stopUnit(node, "kubelet"),
          () => faults.startUnit(node, "kubelet"),
        ),
    ],
    [
      2,
      () =>
        cured(
          cures,
          `partition ${node}`,
          () => faults.partition(node),
          () => faults.heal(node),
        ),
    ],
    [
      1,
      () =>
        cured(
          cures,
          `power off ${node}`,
          () => faults.powerOff(node),
          () => faults.powerOn(node),
        ),
    ],
    [2, () => cured(cures, "break watches", () => faults.breakWatches(random.pick([...NODES, "vm"])))],
    [
      1,
      () =>
        cured(
          cures,
          "slow registry",
          () => faults.slowRegistry("docker.io"),
          () => faults.healRegistry("docker.io"),
        ),
    ],
    [
      1,
      () =>
        cured(
          cures,
          "registry away",
          () => faults.unreachableRegistry("docker.io"),
          () => faults.healRegistry("docker.io"),
        ),
    ],
  ];
  let at = random.float() * options.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, run] of options) {
    at -= weight;
    if (at < 0) return run();
  }
  return options[0]![1]();
}

function cured(cures: (() => void)[], what: string, run: (what: string) => void, cure?: () => void): string {
  run(what);
  if (cure) cures.push(cure);
  return what;
}
