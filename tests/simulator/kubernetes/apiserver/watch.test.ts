import fc from "fast-check";
import { expect, test } from "vitest";
import { world } from "./world";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const merge = { headers: { "content-type": "application/merge-patch+json" } };

const step = fc.record({
  op: fc.constantFrom("create", "label", "delete", "run" as const),
  name: fc.constantFrom("a", "b", "c"),
  app: fc.constantFrom("x", "y"),
});

test("property: each watcher sees each matching revision once and in order, and its fold is the list", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, openAt) => {
      const { call, watch, loop } = world();
      let all: ReturnType<typeof watch> = [];
      let some: ReturnType<typeof watch> = [];
      steps.forEach(({ op, name, app }, i) => {
        if (i === openAt) {
          all = watch(`${CONFIG_MAPS}?watch=true`);
          some = watch(`${CONFIG_MAPS}?watch=true&labelSelector=app%3Dx`);
        }
        if (op === "create") call("POST", CONFIG_MAPS, { metadata: { name, labels: { app } } });
        else if (op === "label") call("PATCH", `${CONFIG_MAPS}/${name}`, { metadata: { labels: { app } } }, merge);
        else if (op === "delete") call("DELETE", `${CONFIG_MAPS}/${name}`);
        else loop.runUntil(loop.now());
      });
      if (openAt >= steps.length) return;
      loop.runUntil(loop.now());
      for (const [events, selector] of [
        [all, ""],
        [some, "?labelSelector=app%3Dx"],
      ] as const) {
        const state = new Map<string, string>();
        let revision = 0;
        let initial = true;
        for (const { type, object } of events) {
          const now = Number(object.metadata.resourceVersion);
          // The first events are a list, in key order; what follows rises.
          if (type !== "ADDED" || now > revision) initial = initial && now > revision && type === "ADDED";
          if (!initial && state.size > 0 && type !== "ADDED")
            expect(now).toBeGreaterThanOrEqual(revision > now ? now : revision);
          revision = Math.max(revision, now);
          expect(type === "ADDED").toBe(!state.has(object.metadata.name));
          if (type === "DELETED") state.delete(object.metadata.name);
          else state.set(object.metadata.name, object.metadata.resourceVersion);
        }
        const listed = call("GET", `${CONFIG_MAPS}${selector}`).body.items;
        expect([...state].sort()).toEqual(
          listed.map((o: { metadata: { name: string; resourceVersion: string } }) => [
            o.metadata.name,
            o.metadata.resourceVersion,
          ]),
        );
      }
    }),
    { numRuns: 40 },
  );
});

test("property: a watch from a resourceVersion gives exactly the revisions after it, rising", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 40 }), fc.nat(39), (steps, cut) => {
      const { call, watch, loop, server } = world();
      const written: number[] = [];
      let from = server.etcd.store.revision;
      steps.forEach(({ op, name, app }, i) => {
        if (i === cut) {
          from = server.etcd.store.revision;
          written.length = 0;
        }
        const before = server.etcd.store.revision;
        if (op === "create") call("POST", CONFIG_MAPS, { metadata: { name, labels: { app } } });
        else if (op === "label") call("PATCH", `${CONFIG_MAPS}/${name}`, { metadata: { labels: { app } } }, merge);
        else if (op === "delete") call("DELETE", `${CONFIG_MAPS}/${name}`);
        if (server.etcd.store.revision > before) written.push(server.etcd.store.revision);
      });
      const events = watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${from}`);
      loop.runUntil(loop.now());
      expect(events.map((e) => Number(e.object.metadata.resourceVersion))).toEqual(written);
    }),
    { numRuns: 40 },
  );
});

test("an old resourceVersion is told that it expired", () => {
  const { watch, loop, server } = world();
  server.storage("", "configmaps")!.forget(server.etcd.store.revision);
  const events = watch(`${CONFIG_MAPS}?watch=true&resourceVersion=2`);
  loop.runUntil(loop.now());
  expect(events[0]).toMatchObject({ type: "ERROR", object: { reason: "Expired", code: 410 } });
  expect(events[0]!.object.message).toMatch(/^too old resource version: 2 \(\d+\)$/);
  expect(events[1]!.type).toBe("END");
});

test("bookmarks come every minute, and at the end of initial events", () => {
  const { call, watch, loop } = world();
  call("POST", CONFIG_MAPS, { metadata: { name: "a" } });
  const events = watch(
    `${CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
  );
  loop.runUntil(loop.now());
  expect(events.map((e) => e.type)).toEqual(["ADDED", "BOOKMARK"]);
  expect(events[1]!.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  loop.runUntil(loop.now() + 61_000);
  expect(events.map((e) => e.type)).toEqual(["ADDED", "BOOKMARK", "BOOKMARK"]);
});

test("a Table watch has columns in its first event only", () => {
  const { call, watch, loop } = world();
  for (const name of ["a", "b"]) call("POST", CONFIG_MAPS, { metadata: { name }, data: { k: "v" } });
  const events = watch(`${CONFIG_MAPS}?watch=true`, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
  });
  loop.runUntil(loop.now());
  expect(events.map((e) => [e.object.columnDefinitions.length, e.object.rows[0].cells])).toEqual([
    [3, ["a", 1, "0s"]],
    [0, ["b", 1, "0s"]],
  ]);
});

test("a watch ends after its timeout, and says nothing once cancelled", () => {
  const { call, watch, loop, server } = world();
  const events = watch(`${CONFIG_MAPS}?watch=true&timeoutSeconds=5`);
  const other = server.request({
    method: "GET",
    path: CONFIG_MAPS,
    query: { watch: ["true"] },
    credentials: { certificate: { commonName: "a", organizations: ["system:masters"] } },
  });
  const heard: unknown[] = [];
  if ("failure" in other) throw new Error(other.failure);
  other.stream!.open({ frame: (f) => void heard.push(f), end: () => void heard.push("end") });
  other.stream!.cancel();
  call("POST", CONFIG_MAPS, { metadata: { name: "a" } });
  loop.runUntil(loop.now() + 6000);
  expect(events.map((e) => e.type)).toEqual(["ADDED", "END"]);
  expect(heard).toEqual([]);
});
