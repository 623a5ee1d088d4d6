import { Random } from "@/simulator/base/random";
import { chainIds } from "@/simulator/containerd/images";
import { expect, test } from "vitest";
import { smallHost } from "./small-host";

type Host = ReturnType<typeof smallHost>;

/** What must hold at rest, whatever was done. */
function checkInvariants(host: Host): void {
  const { daemon } = host.engine;
  const containers = [...daemon.containers.values()];
  // Names and ids are unique and lead to their containers.
  expect(new Set(containers.map((each) => each.name)).size).toBe(containers.length);
  for (const container of containers) expect(daemon.byName(container.name)).toBe(container);
  for (const container of containers) expect(host.containerd.containers.get(container.id)).toBe(container.runtime);
  expect(host.containerd.containers.size).toBe(containers.length);
  // Who runs has a process, a namespace and addresses; who does not has none.
  const addresses = new Set<string>();
  for (const container of containers) {
    expect(container.running).toBe(container.runtime.running);
    // A container that its policy starts again has its network a moment before it runs.
    if (!container.restarting) expect(container.netns === undefined).toBe(!container.running);
    for (const endpoint of container.endpoints.values()) {
      if (!endpoint.live) continue;
      if (!container.restarting) expect(container.running).toBe(true);
      if (endpoint.live.address === "") continue;
      const key = `${endpoint.networkName} ${endpoint.live.address}`;
      expect(addresses.has(key)).toBe(false);
      addresses.add(key);
    }
  }
  for (const network of daemon.networks.all())
    for (const container of network.active.values()) expect(container.endpoints.get(network.name)?.live).toBeDefined();
  const veths = host.netns.interfaces.filter((each) => each.kind === "veth").length;
  const live = containers.flatMap((each) => [...each.endpoints.values()]).filter((each) => each.live?.device).length;
  expect(veths).toBe(live);
  // Every published port has its rule and its proxy, and there are no others.
  const published = containers.flatMap((each) => [...each.ports.values()].flat());
  const v4 = published.filter((each) => !each.HostIp.includes(":"));
  expect(new Set(v4.map((each) => each.HostPort)).size).toBe(v4.length);
  expect(host.netns.iptables.chain("nat", "DOCKER")!.rules.length).toBe(v4.length);
  expect([...host.netns.listeners].length).toBe(published.length);
  // Content is here as long as an image refers to it.
  const { images } = host.containerd;
  for (const image of images.images())
    for (const chain of chainIds(image.layers)) expect(images.content.references(chain)).toBeGreaterThan(0);
  for (const [, id] of images.names()) expect(images.get(id)).toBeDefined();
  // Anonymous volumes do not outlive their containers unless they were left behind on purpose.
  for (const volume of daemon.volumes.all()) expect(host.mounts.isDir(volume.mountpoint)).toBe(true);
  // Folding the events gives the state.
  const folded = new Map<string, { name: string; running: boolean; paused: boolean }>();
  for (const { event } of daemon.events.all()) {
    if (event.Type !== "container") continue;
    const { ID: id, Attributes: attributes } = event.Actor;
    const state = folded.get(id) ?? { name: attributes["name"]!, running: false, paused: false };
    switch (event.Action) {
      case "create":
      case "rename":
        folded.set(id, { ...state, name: attributes["name"]! });
        break;
      case "start":
        folded.set(id, { ...state, running: true });
        break;
      case "pause":
      case "unpause":
        folded.set(id, { ...state, paused: event.Action === "pause" });
        break;
      case "die":
        folded.set(id, { ...state, running: false, paused: false });
        break;
      case "destroy":
        folded.delete(id);
    }
  }
  expect([...folded].sort()).toEqual(
    containers
      .map((each) => [each.id, { name: each.name, running: each.running, paused: each.paused }] as const)
      .sort(),
  );
}

const commands = [
  ["sleep", "1000"],
  ["true"],
  ["sh", "-c", "sleep 1; exit 3"],
  ["nosuch"],
  ["sh", "-c", "echo x > /f; sleep 5"],
];

function operate(host: Host, random: Random): void {
  const { daemon } = host.engine;
  const names = [...daemon.containers.values()].map((each) => each.name);
  const some = names.length > 0 ? random.pick(names) : "nobody";
  switch (random.integer(0, 14)) {
    case 0:
    case 1:
    case 2: {
      const created = host.call("POST", "/containers/create", {
        query: random.float() < 0.5 ? { name: `c${random.integer(0, 8)}x` } : {},
        body: {
          Image: random.pick(["busybox", "redis", "gone"]),
          Cmd: random.pick(commands),
          HostConfig: {
            NetworkMode: random.pick(["bridge", "bridge", "none", "host", "app"]),
            PortBindings:
              random.float() < 0.4 ? { "80/tcp": [{ HostIp: "", HostPort: random.pick(["", "8080", "8081"]) }] } : {},
            AutoRemove: random.float() < 0.2,
            RestartPolicy:
              random.float() < 0.2
                ? { Name: "on-failure", MaximumRetryCount: 1 }
                : { Name: "no", MaximumRetryCount: 0 },
            Binds: random.float() < 0.3 ? ["data:/data"] : null,
          },
        },
      });
      if (created.status === 201 && random.float() < 0.8) host.call("POST", `/containers/${created.body.Id}/start`);
      break;
    }
    case 3:
      host.call("POST", `/containers/${some}/start`);
      break;
    case 4:
      host.call("POST", `/containers/${some}/stop`, { query: { t: "1" } });
      break;
    case 5:
      host.call("POST", `/containers/${some}/kill`);
      break;
    case 6:
      host.call("POST", `/containers/${some}/${random.pick(["pause", "unpause"])}`);
      break;
    case 7:
      host.call("DELETE", `/containers/${some}`, {
        query: { force: random.pick(["0", "1"]), v: random.pick(["0", "1"]) },
      });
      break;
    case 8:
      host.call("POST", `/containers/${some}/rename`, { query: { name: `r${random.integer(0, 5)}x` } });
      break;
    case 9:
      host.call("POST", "/networks/create", { body: { Name: "app" } });
      break;
    case 10:
      host.call("POST", `/networks/app/${random.pick(["connect", "disconnect"])}`, { body: { Container: some } });
      break;
    case 11:
      host.call("DELETE", random.pick(["/networks/app", "/volumes/data", "/images/redis", "/images/tagged:1"]));
      break;
    case 12:
      host.call("POST", "/commit", { query: { container: some, repo: "tagged", tag: "1" }, body: {} });
      break;
    case 13:
      host.call("POST", random.pick(["/containers/prune", "/images/prune", "/volumes/prune", "/networks/prune"]));
      break;
    default:
      host.settle(random.pick([10, 300, 3000]));
  }
}

/** The engine hears of a container's end a few ms after it: a container that ends just now is waited for, 0.2 s at most. */
function comeToRest(host: Host): void {
  host.settle(1000);
  const isBetween = () =>
    [...host.engine.daemon.containers.values()].some((each) => each.running !== each.runtime.running);
  for (let tries = 0; tries < 20 && isBetween(); tries++) host.settle(10);
}

/** Random operations, with a look at what must always hold after every tenth. A failure says which seed repeats it. */
function operateAndCheck(seed: string, operations: number): void {
  const host = smallHost(seed);
  host.preload("busybox", "redis");
  const random = new Random(`operations/${seed}`);
  for (let i = 0; i < operations; i++) {
    operate(host, random);
    if (i % 10 !== 9) continue;
    comeToRest(host);
    try {
      checkInvariants(host);
    } catch (error) {
      throw new Error(`seed ${seed}, operation ${i + 1}: ${(error as Error).message}`, { cause: error });
    }
  }
}

test.each(["1", "2", "3", "5", "8", "13"])("200 random operations leave the engine consistent, seed %s", (seed) =>
  operateAndCheck(seed, 200),
);

/** `FIRST_SEED=417 SEEDS=1` repeats one. */
const first = Number(process.env["FIRST_SEED"] ?? 1);
const count = Number(process.env["SEEDS"] ?? 1000);
const PORTION = 100;
const portions = Array.from({ length: Math.ceil(count / PORTION) }, (_, index) => first + index * PORTION);

test.each(portions)("40 random operations with each of a hundred seeds, from %i on", { timeout: 120_000 }, (from) => {
  for (let seed = from; seed < Math.min(from + PORTION, first + count); seed++) operateAndCheck(`many/${seed}`, 40);
});

test("the same seed gives the same events", () => {
  const history = (): unknown[] => {
    const host = smallHost("same");
    host.preload("busybox", "redis");
    const random = new Random("operations/same");
    for (let i = 0; i < 60; i++) operate(host, random);
    return host.engine.daemon.events.all().map(({ event }) => event);
  };
  expect(history()).toEqual(history());
});
