import { beforeEach, expect, test } from "vitest";
import { instantOf } from "@/simulator/base/clock";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { Client, isConflict, transportFailureOf } from "@/simulator/kubernetes/client/client";
import { EventRecorder } from "@/simulator/kubernetes/client/event-recorder";
import { Expectations } from "@/simulator/kubernetes/client/expectations";
import { InformerFactory } from "@/simulator/kubernetes/client/informer";
import { elect } from "@/simulator/kubernetes/client/lease";
import { CONFIG_MAPS, EVENTS, LEASES } from "@/simulator/kubernetes/client/resources";
import { Scope } from "@/simulator/kubernetes/client/scope";
import { WorkQueue } from "@/simulator/kubernetes/client/workqueue";
import { MemoryServer } from "@/tests/support/kubernetes/memory-server";

let loop: Loop;
let server: MemoryServer;
let client: Client;
let scope: Scope;
const run = (ms: number): void => void loop.runUntil(loop.now() + ms);
const configMap = (name: string, value: string) => ({ metadata: { name, namespace: "default" }, data: { value } });

beforeEach(() => {
  loop = new Loop(instantOf(2026, 3, 1));
  server = new MemoryServer(loop, new Random("server"));
  client = new Client({ transport: server, userAgent: "test" });
  scope = new Scope(loop);
});

test("an update of what has changed meanwhile is a conflict; a server that is down is a failure with Go's words", () => {
  const made = client.create(CONFIG_MAPS, configMap("a", "1"));
  if (!made.ok) throw new Error("created");
  client.update(CONFIG_MAPS, { ...made.value, data: { value: "2" } });
  const late = client.update(CONFIG_MAPS, { ...made.value, data: { value: "3" } });
  expect(late.ok ? undefined : isConflict(late.error)).toBe(true);
  server.isDown = true;
  const lost = client.get(CONFIG_MAPS, { namespace: "default", name: "a" });
  expect(lost.ok ? undefined : transportFailureOf(lost.error)).toBe("connect: connection refused");
});

test("a cache is stale until its watch event comes, then tells handlers what was", () => {
  const informers = new InformerFactory({ scope, client, random: new Random("x") });
  const seen: string[] = [];
  const { cache } = informers.informer(CONFIG_MAPS).handle({
    added: (o) => seen.push(`+${o.metadata.name}`),
    updated: (o, old) => seen.push(`${old.data!.value}>${o.data!.value}`),
    deleted: (o) => seen.push(`-${o.metadata.name}`),
  });
  client.create(CONFIG_MAPS, configMap("a", "1"));
  informers.start();
  client.create(CONFIG_MAPS, configMap("b", "1"));
  expect([...cache.keys()]).toEqual(["default/a"]);
  client.patch(CONFIG_MAPS, { namespace: "default", name: "a" }, "merge", { data: { value: "2" } });
  client.delete(CONFIG_MAPS, { namespace: "default", name: "b" });
  run(100);
  expect(seen).toEqual(["+a", "+b", "1>2", "-b"]);
  scope.end();
  client.delete(CONFIG_MAPS, { namespace: "default", name: "a" });
  run(60_000);
  expect(seen).toHaveLength(4);
});

test.each([
  { name: "a lost connection", fault: () => server.breakWatches() },
  {
    name: "a compacted position",
    fault: () => {
      server.breakWatches();
      server.compacted = 1000;
      loop.after(5000, () => (server.compacted = 0));
    },
  },
  {
    name: "a server that is away for a while",
    fault: () => {
      server.isDown = true;
      server.breakWatches();
      loop.after(20_000, () => (server.isDown = false));
    },
  },
])("an informer finds its way back after $name", ({ fault }) => {
  const informers = new InformerFactory({ scope, client, random: new Random("x") });
  const { cache } = informers.informer(CONFIG_MAPS);
  for (const name of ["a", "b", "c"]) client.create(CONFIG_MAPS, configMap(name, "1"));
  informers.start();
  client.patch(CONFIG_MAPS, { namespace: "default", name: "a" }, "merge", { data: { value: "2" } });
  client.delete(CONFIG_MAPS, { namespace: "default", name: "b" });
  fault();
  run(21_000);
  client.create(CONFIG_MAPS, configMap("d", "1"));
  run(60_000);
  const values = [...cache.list()].map((o) => `${o.metadata.name}=${o.data!.value}`).sort();
  expect(values).toEqual(["a=2", "c=1", "d=1"]);
});

test("a queue holds a key once, works again on what was added meanwhile, and backs off", () => {
  const queue = new WorkQueue(scope);
  queue.add("a");
  queue.add("a");
  expect(queue.length).toBe(1);
  expect(queue.take()).toBe("a");
  queue.add("a");
  expect(queue.take()).toBeUndefined();
  queue.done("a");
  expect(queue.take()).toBe("a");
  queue.done("a");
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    const since = loop.now();
    queue.addRateLimited("a");
    while (queue.length === 0) loop.step();
    waits.push(Math.round(loop.now() - since));
    queue.done(queue.take()!);
  }
  expect(waits).toEqual([5, 10, 20, 40]);
  queue.addAfter("b", 500);
  queue.addAfter("b", 100);
  queue.addAfter("b", 900);
  run(100);
  expect(queue.take()).toBe("b");
  run(2000);
  expect(queue.length).toBe(0);
});

test("expectations hold until seen, or five minutes", () => {
  const expectations = new Expectations(loop);
  expectations.expectCreations("a", 2);
  expectations.creationObserved("a");
  expect(expectations.satisfied("a")).toBe(false);
  expectations.creationObserved("a");
  expect(expectations.satisfied("a")).toBe(true);
  expectations.expectDeletions("a", ["x"]);
  expect(expectations.satisfied("a")).toBe(false);
  run(5 * 60_000 + 1);
  expect(expectations.satisfied("a")).toBe(true);
});

test("repeated events are counted, similar ones combined, too many dropped", () => {
  const recorder = new EventRecorder({ client, clock: loop, component: "tester" });
  const about = { kind: "Pod", apiVersion: "v1", namespace: "default", name: "p", uid: "u" };
  const list = () => {
    const found = client.list(EVENTS, { namespace: "default" });
    return found.ok ? found.value.items.map((e) => `${e.count} ${e.message}`) : [];
  };
  recorder.event(about, "Normal", "R", "same");
  run(1000);
  recorder.event(about, "Normal", "R", "same");
  expect(list()).toEqual(["2 same"]);
  for (let i = 0; i < 11; i++) recorder.event(about, "Normal", "R", `different ${i}`);
  expect(list().at(-1)).toBe("3 (combined from similar events): different 10");
  expect(list()).toHaveLength(10);
  for (let i = 0; i < 30; i++) recorder.event(about, "Warning", "Spam", "spam");
  expect(list().at(-1)).toBe("12 spam");
});

test("one candidate leads; another takes over when it has been silent for the lease's duration", () => {
  const leading: string[] = [];
  const stand = (name: string): Scope => {
    const own = new Scope(loop);
    elect({
      scope: own,
      client,
      random: new Random(name),
      name: "thing",
      identity: `${name}_1`,
      onStartedLeading: () => leading.push(`+${name}`),
      onStoppedLeading: () => leading.push(`-${name}`),
    });
    return own;
  };
  const a = stand("a");
  stand("b");
  run(60_000);
  expect(leading).toEqual(["+a"]);
  a.end();
  run(12_000);
  expect(leading).toEqual(["+a"]);
  run(10_000);
  expect(leading).toEqual(["+a", "+b"]);
  const lease = client.get(LEASES, { namespace: "kube-system", name: "thing" });
  expect(lease.ok && lease.value.spec).toMatchObject({ holderIdentity: "b_1", leaseTransitions: 1 });
  server.isDown = true;
  run(15_000);
  expect(leading).toEqual(["+a", "+b", "-b"]);
});
