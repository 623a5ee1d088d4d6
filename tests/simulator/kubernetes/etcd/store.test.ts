import fc from "fast-check";
import { expect, test } from "vitest";
import { EtcdCluster } from "@/simulator/kubernetes/etcd/cluster";
import { SortedMap } from "@/simulator/kubernetes/etcd/sorted-map";
import { Store, type StoreEvent } from "@/simulator/kubernetes/etcd/store";

const key = fc.constantFrom("/a/1", "/a/2", "/a/3", "/b/1", "/b/2");
const step = fc.oneof(
  fc.record({ op: fc.constant("put" as const), key, value: fc.nat(9) }),
  fc.record({ op: fc.constant("delete" as const), key }),
);

test("property: the store at every revision is the Map that the writes up to it make", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const store = new Store<number>();
      const model = new Map<string, number>();
      const past = new Map<number, Map<string, number>>([[store.revision, new Map()]]);
      for (const s of steps) {
        const before = store.revision;
        if (s.op === "put") {
          store.put(s.key, s.value);
          model.set(s.key, s.value);
        } else {
          store.delete(s.key);
          model.delete(s.key);
        }
        expect(store.revision - before).toBeLessThanOrEqual(1);
        past.set(store.revision, new Map(model));
      }
      for (const [revision, then] of past) {
        const all = store.prefix("/", { revision });
        if (!all.ok) throw new Error(all.error);
        expect(all.value.kvs.map((kv) => [kv.key, kv.value])).toEqual([...then].sort(([a], [b]) => (a < b ? -1 : 1)));
      }
    }),
  );
});

test("property: folding the events after a revision onto its state gives the present", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, cut) => {
      const store = new Store<number>();
      const run = (s: (typeof steps)[number]): unknown =>
        s.op === "put" ? store.put(s.key, s.value) : store.delete(s.key);
      steps.slice(0, cut).forEach(run as never);
      const from = store.revision;
      const start = store.prefix("/a/");
      const state = new Map(start.ok ? start.value.kvs.map((kv) => [kv.key, kv.value]) : []);
      steps.slice(cut).forEach(run as never);
      const events = store.eventsSince(from, "/a/");
      if (!events.ok) throw new Error(events.error);
      let last = from;
      for (const event of events.value) {
        expect(event.revision).toBeGreaterThan(last);
        last = event.revision;
        if (event.type === "PUT") state.set(event.key, event.kv.value);
        else state.delete(event.key);
      }
      const now = store.prefix("/a/");
      expect([...state].sort()).toEqual(now.ok ? now.value.kvs.map((kv) => [kv.key, kv.value]) : []);
    }),
  );
});

test("property: compaction forgets the past and keeps the present, and the hash does not change", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(60), (steps, cut) => {
      const a = new Store<number>();
      const b = new Store<number>();
      for (const s of steps)
        for (const store of [a, b]) s.op === "put" ? store.put(s.key, s.value) : store.delete(s.key);
      const at = Math.max(2, Math.min(cut, b.revision));
      if (at > b.revision) return;
      expect(b.compact(at).ok).toBe(true);
      expect(b.prefix("/")).toEqual(a.prefix("/"));
      expect(b.prefix("/", { revision: at - 1 })).toEqual({ ok: false, error: "compacted" });
      expect(b.prefix("/", { revision: at })).toEqual(a.prefix("/", { revision: at }));
      expect(b.hash()).toBe(a.hash());
    }),
  );
});

test("a transaction is all or nothing, and one revision", () => {
  const store = new Store<string>();
  store.put("/x", "1");
  const revision = store.revision;
  const refused = store.txn([{ key: "/x", target: "absent" }], [{ op: "put", key: "/y", value: () => "2" }]);
  expect(refused).toMatchObject({ succeeded: false, revision });
  const done = store.txn(
    [{ key: "/x", target: "modRevision", equals: revision }],
    [
      { op: "put", key: "/x", value: (r) => `at ${r}` },
      { op: "delete", key: "/none" },
    ],
  );
  expect(done.results[0]).toMatchObject({
    value: `at ${revision + 1}`,
    version: 2,
    createRevision: revision,
    modRevision: revision + 1,
  });
  expect(done.results[1]).toBeUndefined();
});

test("a hook sees each transaction after it has been applied, and may object", () => {
  const store = new Store<string>();
  const seen: (readonly StoreEvent[])[] = [];
  store.onTransaction((events) => void seen.push(events));
  store.put("/x", "1");
  store.delete("/x");
  store.delete("/x");
  expect(seen.map((events) => events.map((e) => e.type))).toEqual([["PUT"], ["DELETE"]]);
});

test("the hash tells two histories apart from the revision where they differ", () => {
  const [a, b] = [new Store<object>(), new Store<object>()];
  for (const store of [a, b]) store.put("/x", Object.freeze({ a: 1, b: [1, 2] }));
  a.put("/x", Object.freeze({ a: 2 }));
  b.put("/x", Object.freeze({ a: 3 }));
  expect(a.hash(2)).toBe(b.hash(2));
  expect(a.hash(3)).not.toBe(b.hash(3));
});

test("quorum: three members bear the loss of one, five of two", () => {
  for (const [count, bearable] of [
    [1, 0],
    [3, 1],
    [5, 2],
  ] as const) {
    const names = Array.from({ length: count }, (_, i) => `m${i}`);
    const cluster = new EtcdCluster<string>(names);
    for (let i = 0; i < bearable; i++) cluster.stopMember(names[i]!);
    expect(cluster.txn([], [{ op: "put", key: "/x", value: () => "1" }]).ok).toBe(true);
    cluster.stopMember(names[bearable]!);
    expect(cluster.txn([], [{ op: "put", key: "/x", value: () => "2" }])).toEqual({
      ok: false,
      error: "etcdserver: request timed out",
    });
    expect(cluster.members.some((m) => m.isLeader)).toBe(false);
    cluster.startMember(names[bearable]!);
    expect(cluster.txn([], [{ op: "put", key: "/x", value: () => "3" }]).ok).toBe(true);
  }
});

test("property: a sorted map is a Map in key order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 3 })), { maxLength: 2000, minLength: 0 }),
      fc.string({ maxLength: 2 }),
      (steps, from) => {
        const map = new SortedMap<number>();
        const model = new Map<string, number>();
        steps.forEach(([put, k], i) => {
          if (put) {
            map.set(k, i);
            model.set(k, i);
          } else expect(map.delete(k)).toBe(model.delete(k));
        });
        const keys = [...model.keys()].sort((a, b) => (a < b ? -1 : 1));
        expect(map.size).toBe(keys.length);
        expect(map.range(from)).toEqual(keys.filter((k) => k >= from).map((k) => model.get(k)));
      },
    ),
    { numRuns: 50 },
  );
  const many = new SortedMap<number>();
  for (let i = 0; i < 5000; i++) many.set(String((i * 7919) % 5000).padStart(4, "0"), i);
  expect(many.range("0000", "0003")).toHaveLength(3);
  expect(many.range().length).toBe(5000);
});
