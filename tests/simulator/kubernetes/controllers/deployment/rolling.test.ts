import { expect, test } from "vitest";
import type { Deployment, ReplicaSet } from "@/simulator/kubernetes/api/types.generated";
import {
  newReplicaSetSize,
  oldReplicaSetSizes,
  proportionalSizes,
  resolveFenceposts,
} from "@/simulator/kubernetes/controllers/deployment/rolling";

test.each([
  { name: "defaults of 3", surge: "25%", unavailable: "25%", desired: 3, expected: [1, 0] },
  { name: "defaults of 4", surge: "25%", unavailable: "25%", desired: 4, expected: [1, 1] },
  { name: "defaults of 10: up and down", surge: "25%", unavailable: "25%", desired: 10, expected: [3, 2] },
  { name: "both zero: one may be missing", surge: 0, unavailable: 0, desired: 5, expected: [0, 1] },
  { name: "both zero by rounding", surge: "0%", unavailable: "10%", desired: 5, expected: [0, 1] },
  { name: "numbers stay", surge: 2, unavailable: 1, desired: 5, expected: [2, 1] },
  { name: "all at once", surge: "100%", unavailable: "100%", desired: 5, expected: [5, 5] },
])("fence posts: $name", ({ surge, unavailable, desired, expected }) => {
  const { maxSurge, maxUnavailable } = resolveFenceposts(surge, unavailable, desired);
  expect([maxSurge, maxUnavailable]).toEqual(expected);
});

const deployment = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment =>
  ({
    metadata: { name: "web" },
    spec: { replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } },
    status: {},
  }) as unknown as Deployment;
const set = (name: string, replicas: number, available: number, age = 0, max?: number): ReplicaSet =>
  ({
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2026-01-01T00:00:${10 + age}Z`,
      annotations: max === undefined ? {} : { "deployment.kubernetes.io/max-replicas": String(max) },
    },
    spec: { replicas },
    status: { availableReplicas: available, replicas },
  }) as unknown as ReplicaSet;

test.each([
  { name: "a new one beside nothing", desired: 3, surge: 1, old: [], now: 0, expected: 3 },
  { name: "one more than asked for", desired: 3, surge: 1, old: [3], now: 0, expected: 1 },
  { name: "no room", desired: 3, surge: 1, old: [3], now: 1, expected: 1 },
  { name: "room again", desired: 3, surge: 1, old: [2], now: 1, expected: 2 },
  { name: "never above the desired", desired: 3, surge: 5, old: [1], now: 2, expected: 3 },
])("the new ReplicaSet's size: $name", ({ desired, surge, old, now, expected }) => {
  const all = [...old.map((size, i) => set(`old${i}`, size, size)), set("new", now, now)];
  expect(newReplicaSetSize(deployment(desired, surge, 0), all, now)).toBe(expected);
});

test.each([
  { name: "nothing while the new is not available", old: [[3, 3]], fresh: [1, 0], unavailable: 0, expected: {} },
  { name: "one for one", old: [[3, 3]], fresh: [1, 1], unavailable: 0, expected: { old0: 2 } },
  {
    name: "down at once as far as unavailable allows",
    old: [[4, 4]],
    fresh: [0, 0],
    unavailable: 1,
    expected: { old0: 3 },
  },
  {
    name: "the broken go first",
    old: [
      [2, 2],
      [2, 0],
    ],
    fresh: [1, 1],
    unavailable: 1,
    expected: { old1: 0 },
  },
])("old ReplicaSets: $name", ({ old, fresh, unavailable, expected }) => {
  const sets = old.map(([size, available], i) => set(`old${i}`, size!, available!, i));
  const desired = old.reduce((sum, [size]) => sum + size!, 0);
  const resizes = oldReplicaSetSizes(deployment(desired, 1, unavailable), sets, set("new", fresh[0]!, fresh[1]!, 9));
  const changed = Object.fromEntries(
    resizes
      .filter((r) => r.replicas !== r.replicaSet.spec.replicas || name(r) in expected)
      .map((r) => [name(r), r.replicas]),
  );
  expect(changed).toEqual(expected);
});
const name = (resize: { readonly replicaSet: ReplicaSet }): string => resize.replicaSet.metadata.name;

test("a Deployment that is resized in the middle of a rollout scales its ReplicaSets in proportion", () => {
  const sizes = proportionalSizes(deployment(20, 2, 0), [set("old", 8, 8, 0, 12), set("new", 4, 4, 5, 12)]);
  expect(Object.fromEntries(sizes.map((r) => [name(r), r.replicas]))).toEqual({ old: 15, new: 7 });
});
