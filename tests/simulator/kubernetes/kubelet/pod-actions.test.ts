import { expect, test } from "vitest";
import type { Pod } from "@/simulator/kubernetes/api/types.generated";
import { computePodActions } from "@/simulator/kubernetes/kubelet/pod-actions";
import type { RuntimeContainer, RuntimePodStatus } from "@/simulator/kubernetes/kubelet/runtime-status";

const sandbox = { id: "s", ready: true, ip: "10.244.0.2", attempt: 0, createdAt: 0 };

const container = (name: string, state: RuntimeContainer["state"], exitCode = 0): RuntimeContainer => ({
  id: `${name}-id`,
  name,
  state,
  exitCode,
  createdAt: 0,
  startedAt: 0,
  finishedAt: 0,
  reason: "",
  message: "",
  image: "",
  imageRef: "",
  restartCount: 0,
});

const pod = (spec: Partial<Pod["spec"]>): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" },
    spec: { containers: [{ name: "a" }, { name: "b" }], restartPolicy: "Always", ...spec },
    status: {},
  }) as Pod;

const status = (containers: RuntimeContainer[], ready = true): RuntimePodStatus => ({
  sandboxes: [{ ...sandbox, ready }],
  containers,
  ip: sandbox.ip,
});

interface Case {
  name: string;
  spec?: Partial<Pod["spec"]>;
  runtime: RuntimePodStatus;
  failed?: readonly string[];
  want: Record<string, unknown>;
}

const none: RuntimePodStatus = { sandboxes: [], containers: [], ip: "" };
const inits = [{ name: "i1" }, { name: "i2" }];
const sidecar = [{ name: "s1", restartPolicy: "Always" }, { name: "i2" }];

const cases: Case[] = [
  { name: "a new Pod", runtime: none, want: { createSandbox: true, containersToStart: [0, 1] } },
  {
    name: "a new Pod with init containers",
    spec: { initContainers: inits },
    runtime: none,
    want: { createSandbox: true, initContainersToStart: [0], containersToStart: [] },
  },
  {
    name: "all run",
    runtime: status([container("a", "running"), container("b", "running")]),
    want: { killPod: false, containersToStart: [] },
  },
  {
    name: "one has ended",
    runtime: status([container("a", "exited", 1), container("b", "running")]),
    want: { containersToStart: [0] },
  },
  {
    name: "one has ended, Never",
    spec: { restartPolicy: "Never" },
    runtime: status([container("a", "exited", 1), container("b", "running")]),
    want: { containersToStart: [], killPod: false },
  },
  {
    name: "one ended well, OnFailure",
    spec: { restartPolicy: "OnFailure" },
    runtime: status([container("a", "exited", 0), container("b", "exited", 3)]),
    want: { containersToStart: [1] },
  },
  {
    name: "all ended, Never",
    spec: { restartPolicy: "Never" },
    runtime: status([container("a", "exited"), container("b", "exited")]),
    want: { killPod: true },
  },
  {
    name: "the sandbox is gone",
    runtime: status([container("a", "exited")], false),
    want: { killPod: true, createSandbox: true, attempt: 1, containersToStart: [0, 1] },
  },
  {
    name: "the sandbox is gone, Never, and it has run",
    spec: { restartPolicy: "Never" },
    runtime: status([container("a", "exited")], false),
    want: { killPod: true, createSandbox: false },
  },
  {
    name: "a liveness probe failed",
    runtime: status([container("a", "running"), container("b", "running")]),
    failed: ["a-id"],
    want: { containersToStart: [0], killed: ["Container a failed liveness probe, will be restarted"] },
  },
  {
    name: "a liveness probe failed, Never",
    spec: { restartPolicy: "Never" },
    runtime: status([container("a", "running"), container("b", "running")]),
    failed: ["a-id"],
    want: { containersToStart: [], killed: ["Container a failed liveness probe"] },
  },
  {
    name: "the first init container runs",
    spec: { initContainers: inits },
    runtime: status([container("i1", "running")]),
    want: { initContainersToStart: [], containersToStart: [] },
  },
  {
    name: "the first init container is done",
    spec: { initContainers: inits },
    runtime: status([container("i1", "exited")]),
    want: { initContainersToStart: [1] },
  },
  {
    name: "an init container failed",
    spec: { initContainers: inits },
    runtime: status([container("i1", "exited", 1)]),
    want: { initContainersToStart: [0], killPod: false },
  },
  {
    name: "an init container failed, Never",
    spec: { initContainers: inits, restartPolicy: "Never" },
    runtime: status([container("i1", "exited", 1)]),
    want: { initContainersToStart: [], killPod: true },
  },
  {
    name: "init is done",
    spec: { initContainers: inits },
    runtime: status([container("i2", "exited"), container("i1", "exited")]),
    want: { initContainersToStart: [], containersToStart: [0, 1] },
  },
  {
    name: "a sidecar runs",
    spec: { initContainers: sidecar },
    runtime: status([container("s1", "running")]),
    want: { initContainersToStart: [1] },
  },
  {
    name: "a sidecar ended while the main ones run",
    spec: { initContainers: sidecar },
    runtime: status([
      container("a", "running"),
      container("b", "running"),
      container("i2", "exited"),
      container("s1", "exited", 1),
    ]),
    want: { initContainersToStart: [0], containersToStart: [] },
  },
  {
    name: "a sidecar does not hold up the end",
    spec: { initContainers: sidecar, restartPolicy: "Never" },
    runtime: status([
      container("a", "exited"),
      container("b", "exited"),
      container("i2", "exited"),
      container("s1", "running"),
    ]),
    want: { killPod: true, initContainersToStart: [] },
  },
  {
    name: "an ephemeral container",
    spec: { ephemeralContainers: [{ name: "debug" }] },
    runtime: status([container("a", "running"), container("b", "running")]),
    want: { ephemeralContainersToStart: [0] },
  },
];

test.each(cases)("$name", ({ spec = {}, runtime, failed = [], want }) => {
  const actions = computePodActions(pod(spec), runtime, {
    livenessFailed: (id) => failed.includes(id),
    startup: () => undefined,
    definitionChanged: () => false,
  });
  const seen = { ...actions, killed: actions.containersToKill.map((kill) => kill.message) };
  expect(seen).toMatchObject(want);
});
