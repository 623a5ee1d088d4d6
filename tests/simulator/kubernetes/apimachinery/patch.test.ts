import fc from "fast-check";
import { expect, test } from "vitest";
import { structOfKind } from "@/simulator/kubernetes/api/schema";
import { jsonPatch, mergePatch, strategicMergePatch } from "@/simulator/kubernetes/apimachinery/patch";

const podStruct = structOfKind("v1", "Pod")!;
const smp = (original: unknown, patch: unknown): unknown => {
  const result = strategicMergePatch(original, patch, podStruct);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

const cases: readonly (readonly [string, unknown, unknown, unknown])[] = [
  [
    "merge by key",
    { spec: { containers: [{ name: "a", image: "1" }] } },
    { spec: { containers: [{ name: "a", tty: true }] } },
    { spec: { containers: [{ name: "a", image: "1", tty: true }] } },
  ],
  [
    "a new item goes before what the server alone has",
    { spec: { containers: [{ name: "a" }] } },
    { spec: { containers: [{ name: "b" }] } },
    { spec: { containers: [{ name: "b" }, { name: "a" }] } },
  ],
  [
    "delete by key",
    { spec: { containers: [{ name: "a" }, { name: "b" }] } },
    { spec: { containers: [{ name: "a", $patch: "delete" }] } },
    { spec: { containers: [{ name: "b" }] } },
  ],
  [
    "replace a list",
    { spec: { containers: [{ name: "a" }] } },
    { spec: { containers: [{ name: "b" }, { $patch: "replace" }] } },
    { spec: { containers: [{ name: "b" }] } },
  ],
  [
    "replace a map",
    { metadata: { labels: { a: "1" } } },
    { metadata: { labels: { b: "2", $patch: "replace" } } },
    { metadata: { labels: { b: "2" } } },
  ],
  [
    "null deletes",
    { metadata: { labels: { a: "1", b: "2" } } },
    { metadata: { labels: { a: null } } },
    { metadata: { labels: { b: "2" } } },
  ],
  [
    "set order",
    { spec: { containers: [{ name: "a" }, { name: "b" }] } },
    {
      spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "a", image: "x" }] },
    },
    { spec: { containers: [{ name: "b" }, { name: "a", image: "x" }] } },
  ],
  [
    "retain keys",
    { spec: { volumes: [{ name: "v", emptyDir: {} }] } },
    { spec: { volumes: [{ name: "v", hostPath: { path: "/x" }, $retainKeys: ["name", "hostPath"] }] } },
    { spec: { volumes: [{ name: "v", hostPath: { path: "/x" } }] } },
  ],
  [
    "primitive lists merge",
    { metadata: { finalizers: ["a"] } },
    { metadata: { finalizers: ["b"] } },
    { metadata: { finalizers: ["b", "a"] } },
  ],
  [
    "delete from a primitive list",
    { metadata: { finalizers: ["a", "b"] } },
    { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } },
    { metadata: { finalizers: ["b"] } },
  ],
  [
    "atomic lists are replaced",
    { spec: { containers: [{ name: "a", args: ["1", "2"] }] } },
    { spec: { containers: [{ name: "a", args: ["3"] }] } },
    { spec: { containers: [{ name: "a", args: ["3"] }] } },
  ],
];

test.each(cases)("strategic merge: %s", (_name, original, patch, expected) => {
  const before = JSON.stringify(original);
  expect(smp(original, patch)).toEqual(expected);
  expect(JSON.stringify(original)).toBe(before);
});

test("strategic merge: errors", () => {
  expect(strategicMergePatch({}, { spec: { $patch: "bogus" } }, podStruct)).toEqual({
    ok: false,
    error: "unknown patch type: bogus",
  });
});

const labels = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2"));
const object = fc.record({
  metadata: fc.record({ labels }),
  spec: fc.record({
    containers: fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c"), image: fc.constantFrom("x", "y") }), {
      selector: (c) => c.name,
    }),
  }),
});

test("property: patching twice is patching once, and an object patches itself to itself", () => {
  fc.assert(
    fc.property(object, object, (original, patch) => {
      const once = smp(original, patch);
      expect(smp(once, patch)).toEqual(once);
      expect(smp(original, original)).toEqual(original);
      expect(mergePatch(mergePatch(original, patch), patch)).toEqual(mergePatch(original, patch));
      expect(mergePatch(original, original)).toEqual(original);
    }),
  );
});

test("property: what a merge patch leaves alone is the same object", () => {
  fc.assert(
    fc.property(object, (original) => {
      const patched = mergePatch(original, { metadata: { labels: { z: "1" } } }) as typeof original;
      expect(patched.spec).toBe(original.spec);
    }),
  );
});

test("JSON patch", () => {
  const run = (operations: Parameters<typeof jsonPatch>[1]) => jsonPatch({ a: { b: [1, 2] }, "x/y": 1 }, operations);
  expect(run([{ op: "add", path: "/a/b/-", value: 3 }])).toEqual({
    ok: true,
    value: { a: { b: [1, 2, 3] }, "x/y": 1 },
  });
  expect(run([{ op: "add", path: "/a/b/0", value: 0 }])).toMatchObject({ value: { a: { b: [0, 1, 2] } } });
  expect(run([{ op: "remove", path: "/x~1y" }])).toEqual({ ok: true, value: { a: { b: [1, 2] } } });
  expect(run([{ op: "move", from: "/a/b", path: "/c" }])).toEqual({ ok: true, value: { a: {}, c: [1, 2], "x/y": 1 } });
  expect(run([{ op: "test", path: "/a/b/0", value: 2 }])).toEqual({ ok: false, error: "testing value /a/b/0 failed" });
  expect(run([{ op: "replace", path: "/nope", value: 1 }]).ok).toBe(false);
});
