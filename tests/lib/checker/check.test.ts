import "@/lib/lessons/schema"; // It brings the English words of validation errors; the worker goes without.
import { CheckError, evaluateCheck, prepareCheck } from "@/lib/checker/check";
import { checkKinds } from "@/lib/checker/kinds";
import { fieldAt } from "@/lib/checker/kinds/cluster";
import { imageFits } from "@/lib/checker/kinds/docker-container";
import type { Observation } from "@/simulator";
import { expect, test } from "vitest";

interface Given {
  readonly containers?: readonly object[];
  readonly objects?: Readonly<Record<string, readonly object[]>>;
  readonly events?: readonly object[];
  readonly exchanges?: readonly { url: string; status: number; body: string }[];
  readonly audit?: readonly object[];
  readonly files?: Readonly<Record<string, string>>;
  /** By `pod/container`. */
  readonly logs?: Readonly<Record<string, string>>;
  readonly programs?: readonly object[];
  readonly nodes?: Readonly<Record<string, object>>;
}

/** An observation of a world that is written down. */
function observing(given: Given): Observation {
  const containers = given.containers ?? [];
  return {
    docker: ({ path }) => {
      if (path === "/containers/json") return { status: 200, body: containers };
      if (path === "/images/json") return { status: 200, body: [{ RepoTags: ["nginx:latest"] }] };
      const id = /^\/containers\/([^/]+)\/json$/.exec(path)?.[1];
      const found = containers.find((one) => (one as { Id: string }).Id === id);
      return found ? { status: 200, body: found } : { status: 404, body: {} };
    },
    kubernetes: ({ path, query }) => {
      const pod = /\/pods\/([^/]+)\/log$/.exec(path)?.[1];
      if (pod !== undefined) return { status: 200, body: given.logs?.[`${pod}/${query?.["container"]?.[0]}`] ?? "" };
      const resource = path.split("/").at(-1)!;
      const selector = query?.["labelSelector"]?.[0];
      const items = (given.objects?.[resource] ?? []).filter((object) => {
        const [key, value] = (selector ?? "").split("=");
        return (
          !selector || (object as { metadata: { labels?: Record<string, string> } }).metadata.labels?.[key!] === value
        );
      });
      return { status: 200, body: { items } };
    },
    audit: () => (given.audit ?? []) as never,
    dockerEvents: () => (given.events ?? []) as never,
    dockerRequests: () => [],
    exchanges: () => (given.exchanges ?? []).map((one) => ({ at: 0, method: "GET", ...one })),
    programs: () => (given.programs ?? []) as never,
    lines: () => [],
    readFile: (path) => given.files?.[path],
    node: (name) => given.nodes?.[name] as never,
  };
}

const container = (name: string, image: string, status: string, port?: string) => ({
  Id: name,
  Name: `/${name}`,
  Config: { Image: image, Env: ["A=1"] },
  State: { Status: status, ExitCode: status === "exited" ? 137 : 0 },
  HostConfig: { Memory: 536870912, CpuQuota: 50000, CpuPeriod: 0, RestartPolicy: { Name: "" } },
  NetworkSettings: { Ports: port ? { "80/tcp": [{ HostPort: port }] } : {}, Networks: { bridge: {} } },
});

const deployment = (name: string, desired: number, ready: number, image = "nginx:1.25") => ({
  metadata: { name, generation: 2 },
  spec: { replicas: desired, template: { spec: { containers: [{ image }] } } },
  status: { observedGeneration: 2, replicas: desired, updatedReplicas: desired, readyReplicas: ready },
});

const said = (check: object, given: Given): string => {
  const verdict = evaluateCheck(prepareCheck(check), observing(given));
  return verdict.met ? "met" : verdict.explanation.found.en;
};

test.each([
  {
    name: "nothing there",
    check: { kind: "docker.container", image: "nginx" },
    given: {},
    says: "There is no container yet.",
  },
  {
    name: "the tag does not matter where none is asked for",
    check: { kind: "docker.container", image: "nginx" },
    given: { containers: [container("a", "nginx:1.25", "running")] },
    says: "met",
  },
  {
    name: "another image",
    check: { kind: "docker.container", image: "redis" },
    given: { containers: [container("a", "nginx", "running")] },
    says: "Container `a` was made from image `nginx`.",
  },
  {
    name: "a stopped one",
    check: { kind: "docker.container", image: "nginx", state: "running" },
    given: { containers: [container("a", "nginx", "exited")] },
    says: "Container `a` is in state `exited`.",
  },
  {
    name: "no port",
    check: { kind: "docker.container", image: "nginx", publishes: "8080:80" },
    given: { containers: [container("a", "nginx", "running")] },
    says: "Container `a` publishes no port.",
  },
  {
    name: "the nearest explains, extra ones do no harm",
    check: { kind: "docker.container", image: "nginx", publishes: "8080:80" },
    given: { containers: [container("x", "redis", "running", "8080"), container("a", "nginx", "running", "81")] },
    says: "Container `a` publishes `81:80`.",
  },
  {
    name: "limits as the notes set them",
    check: { kind: "docker.container", memory: "512m", cpus: 0.5 },
    given: { containers: [container("a", "nginx", "running")] },
    says: "met",
  },
  {
    name: "too few",
    check: { kind: "docker.container", image: "nginx", count: { min: 2 } },
    given: { containers: [container("a", "nginx", "running")] },
    says: "Only 1 of 2 so far.",
  },
  {
    name: "gone as asked",
    check: { kind: "docker.container", name: "a", count: 0 },
    given: { containers: [container("b", "nginx", "running")] },
    says: "met",
  },
  {
    name: "not gone",
    check: { kind: "docker.container", name: "a", count: 0 },
    given: { containers: [container("a", "nginx", "running")] },
    says: "There is 1 now.",
  },
  {
    name: "an event",
    check: { kind: "docker.event", action: "die", name: "web", attributes: { exitCode: "137" } },
    given: { events: [{ Type: "container", Action: "die", Actor: { Attributes: { name: "web", exitCode: "137" } } }] },
    says: "met",
  },
  {
    name: "the same event of another container",
    check: { kind: "docker.event", action: "die", name: "web" },
    given: { events: [{ Type: "container", Action: "die", Actor: { Attributes: { name: "db" } } }] },
    says: "It has not happened yet.",
  },
  {
    name: "a rollout that is not finished",
    check: { kind: "kubernetes.workload", name: "web", replicas: 3 },
    given: { objects: { deployments: [deployment("web", 3, 2)] } },
    says: "`web` has 2 of 3 replicas ready.",
  },
  {
    name: "another number wanted",
    check: { kind: "kubernetes.workload", name: "web", replicas: 3 },
    given: { objects: { deployments: [deployment("web", 2, 2)] } },
    says: "`web` asks for 2 replicas.",
  },
  {
    name: "a finished rollout",
    check: { kind: "kubernetes.workload", name: "web", replicas: 3, image: "nginx" },
    given: { objects: { deployments: [deployment("web", 3, 3)] } },
    says: "met",
  },
  {
    name: "a field",
    check: {
      kind: "kubernetes.object",
      resource: "pods",
      name: "p",
      where: [{ path: "status.conditions[type=Ready].status", equals: "True" }],
    },
    given: {
      objects: { pods: [{ metadata: { name: "p" }, status: { conditions: [{ type: "Ready", status: "False" }] } }] },
    },
    says: "`p` has `status.conditions[type=Ready].status` = False.",
  },
  {
    name: "a Service without Pods",
    check: { kind: "kubernetes.service", name: "s", endpoints: 1 },
    given: { objects: { services: [{ metadata: { name: "s" }, spec: {} }] } },
    says: "`s` has 0 ready Pods behind it.",
  },
  {
    name: "a request of a component is not the learner's",
    check: { kind: "kubernetes.request", verb: "delete", resource: "pods", means: { vi: "v", en: "e" }, look: "l" },
    given: { audit: [{ at: 1, user: "system:kube-controller-manager", verb: "delete", resource: "pods", code: 200 }] },
    says: "The API server has seen no such request of yours.",
  },
  {
    name: "loopback has several names",
    check: { kind: "http.exchange", host: "localhost", port: 5001 },
    given: { exchanges: [{ url: "http://127.0.0.1:5001/", status: 200, body: "ok" }] },
    says: "met",
  },
  {
    name: "the last answer is told",
    check: { kind: "http.exchange", port: 80 },
    given: { exchanges: [{ url: "http://web/", status: 404, body: "not here" }] },
    says: "The last call answered 404: `not here`.",
  },
  {
    name: "different Pods",
    check: { kind: "http.exchange", distinct: 2 },
    given: {
      exchanges: [
        { url: "http://a/", status: 200, body: "x" },
        { url: "http://a/", status: 200, body: "x" },
      ],
    },
    says: "2 answers, from 1 Pod.",
  },
  {
    name: "all: the first that is unmet explains",
    check: {
      kind: "all",
      of: [
        { kind: "file", path: "/a" },
        { kind: "file", path: "/b" },
      ],
    },
    given: { files: { "/a": "" } },
    says: "There is no such file.",
  },
  {
    name: "any",
    check: {
      kind: "any",
      of: [
        { kind: "file", path: "/a" },
        { kind: "file", path: "/b" },
      ],
    },
    given: { files: { "/b": "" } },
    says: "met",
  },
])("$name", ({ check, given, says }) => {
  expect(said(check, given as Given)).toBe(says);
});

test.each([
  { name: "an unknown kind", check: { kind: "docker.pod" }, error: "check.kind: no check kind" },
  {
    name: "a wrong value, with its path",
    check: { kind: "docker.container", publishes: "80" },
    error: "check.publishes:",
  },
  { name: "a misspelt field", check: { kind: "docker.container", imgae: "nginx" }, error: 'Unrecognized key: "imgae"' },
  { name: "a wrong part", check: { kind: "all", of: [{ kind: "file", path: "relative" }] }, error: "check.0.path:" },
])("refused with a reason: $name", ({ check, error }) => {
  expect(() => prepareCheck(check)).toThrowError(CheckError);
  expect(() => prepareCheck(check)).toThrow(error);
});

test("kinds have different names", () => {
  expect(new Set(checkKinds.map((kind) => kind.kind)).size).toBe(checkKinds.length);
});

test.each([
  ["nginx", "nginx:1.25", true],
  ["nginx:latest", "nginx", true],
  ["nginx:1.25", "nginx:1.26", false],
  ["in28min/api", "in28min/api:0.0.1", true],
  ["nginx", "docker.io/library/nginx:1", true],
  ["api", "in28min/api:0.0.1", false],
] as const)("image %s fits %s: %s", (wanted, actual, fits) => {
  expect(imageFits(wanted, actual)).toBe(fits);
});

test("fields are found by path", () => {
  const object = {
    spec: { ports: [{ port: 80 }, { port: 81, name: "b" }] },
    metadata: { annotations: { "a.b/c": "d" } },
  };
  expect(fieldAt(object, "spec.ports[1].port")).toBe(81);
  expect(fieldAt(object, "spec.ports[name=b].port")).toBe(81);
  expect(fieldAt(object, "spec.missing.port")).toBeUndefined();
});

const lookingAround = {
  kind: "program",
  program: "crictl",
  uses: ["ps", "pods"],
  means: { vi: "Bạn hỏi container runtime của một node.", en: "You ask a node's container runtime." },
  look: "ssh worker-1 crictl ps",
};
const onNodes = { "worker-1": { serviceRules: () => ({ iptables: 3, ipvs: 0, nftables: 0 }) } };

test.each([
  ["never", [], "has not been run"],
  ["on the laptop", [{ host: "laptop", argv: ["crictl", "ps"], exitCode: 0 }], "only been run on machine `laptop`"],
  ["in vain", [{ host: "worker-1", argv: ["crictl", "ps", "-x"], exitCode: 1 }], "exit code 1"],
  ["for something else", [{ host: "worker-1", argv: ["crictl", "images"], exitCode: 0 }], "has not been run"],
  ["as asked", [{ host: "worker-1", argv: ["/usr/bin/crictl", "pods"], exitCode: 0 }], undefined],
])("program: run %s", (_name, programs, found) => {
  const verdict = evaluateCheck(prepareCheck(lookingAround), observing({ programs, nodes: onNodes }));
  expect(verdict.met).toBe(found === undefined);
  if (!verdict.met) expect(verdict.explanation.found.en).toContain(found);
});

test("kubernetes.proxy names the node whose kernel has other rules", () => {
  const nodes = [{ metadata: { name: "worker-1" } }];
  const given = { objects: { nodes }, nodes: onNodes };
  expect(evaluateCheck(prepareCheck({ kind: "kubernetes.proxy", mode: "iptables" }), observing(given)).met).toBe(true);
  const verdict = evaluateCheck(prepareCheck({ kind: "kubernetes.proxy", mode: "ipvs" }), observing(given));
  expect(verdict.met ? "" : verdict.explanation.found.en).toContain("`worker-1` has no ipvs rules");
});

const pod = (name: string, app: string, nodeName: string, phase = "Running") => ({
  metadata: { name, labels: { app } },
  spec: { nodeName, containers: [{ name: "web" }, { name: "writer" }] },
  status: { phase },
});
const line = {
  kind: "kubernetes.log",
  pod: "pair",
  container: "web",
  matches: '^127\\.0\\.0\\.1 .*"GET /',
  means: { vi: "Có lời gọi qua localhost.", en: "A call over localhost." },
};
const access = '127.0.0.1 - - "GET / HTTP/1.1" 200\n';

test.each([
  ["no Pod", {}, "There is no Pod `pair` yet."],
  [
    "another container's",
    { objects: { pods: [pod("pair", "pair", "n1")] }, logs: { "pair/writer": access } },
    "no such line",
  ],
  [
    "the line is there",
    { objects: { pods: [pod("pair", "pair", "n1")] }, logs: { "pair/web": `start\n${access}` } },
    "met",
  ],
])("kubernetes.log: %s", (_name, given, says) => {
  expect(said(line, given)).toContain(says);
});

test.each([
  ["another's call", "10.0.0.99", "no such line"],
  ["a Pod of that namespace", "10.0.0.9", "met"],
])("kubernetes.log: called by %s", (_name, address, says) => {
  const caller = { metadata: { name: "caller" }, status: { podIP: "10.0.0.9" } };
  const check = { ...line, matches: '"GET /', from: { namespace: "test" } };
  const logs = { "pair/web": `${address} - - "GET / HTTP/1.1" 200\n` };
  expect(said(check, { objects: { pods: [pod("pair", "pair", "n1"), caller] }, logs })).toContain(says);
});

test.each([
  ["nobody", [], "No Pod `app=a` is running."],
  ["apart", [pod("a1", "a", "n1"), pod("b1", "b", "n2")], "different nodes"],
  ["one of them has ended", [pod("a1", "a", "n1", "Failed"), pod("b1", "b", "n1")], "No Pod `app=a`"],
  ["side by side", [pod("a1", "a", "n1"), pod("b1", "b", "n2"), pod("a2", "a", "n2")], "met"],
])("kubernetes.together: %s", (_name, pods, says) => {
  const check = { kind: "kubernetes.together", selectors: ["app=a", "app=b"] };
  expect(said(check, { objects: { pods } })).toContain(says);
});

test("kubernetes.together counts a selector that is named twice", () => {
  const check = { kind: "kubernetes.together", selectors: ["app=a", "app=a"] };
  expect(said(check, { objects: { pods: [pod("a1", "a", "n1"), pod("a2", "a", "n2")] } })).toContain("different nodes");
  expect(said(check, { objects: { pods: [pod("a1", "a", "n1"), pod("a2", "a", "n1")] } })).toBe("met");
});

const memberDown = { kind: "node.unit", unit: "etcd", hosts: ["a", "b", "c"], running: false, count: 1 };
const unitsOf = (states: readonly string[]) =>
  Object.fromEntries(["a", "b", "c"].map((name, i) => [name, { unit: () => states[i] }]));

test.each([
  ["all run", ["active", "active", "active"], "stopped on: ∅"],
  ["one is down", ["active", "inactive", "active"], undefined],
  ["two are down", ["failed", "active", "inactive"], "stopped on: a, c"],
])("node.unit: %s", (_name, states, found) => {
  const verdict = evaluateCheck(prepareCheck(memberDown), observing({ nodes: unitsOf(states) }));
  expect(verdict.met).toBe(found === undefined);
  if (!verdict.met) expect(verdict.explanation.found.en).toContain(found);
});

test("a run that was ended from outside counts where the lesson says so, and `--rev` is `--rev=5`", () => {
  const watching = { ...lookingAround, program: "etcdctl", uses: ["watch", "--rev"] };
  const given = (argument: string, exitCode: number) =>
    observing({ programs: [{ host: "worker-1", argv: ["etcdctl", argument], exitCode }], nodes: onNodes });
  expect(evaluateCheck(prepareCheck(watching), given("watch", 130)).met).toBe(false);
  expect(evaluateCheck(prepareCheck({ ...watching, ended: "anyhow" }), given("watch", 130)).met).toBe(true);
  expect(evaluateCheck(prepareCheck({ ...watching, ended: "badly" }), given("watch", 1)).met).toBe(true);
  expect(evaluateCheck(prepareCheck({ ...watching, ended: "badly" }), given("watch", 0)).met).toBe(false);
  expect(evaluateCheck(prepareCheck(watching), given("--rev=5", 0)).met).toBe(true);
});

test("kubernetes.request: who asked", () => {
  const request = {
    kind: "kubernetes.request",
    verb: "create",
    resource: "nodes",
    user: "system:node:worker-2",
    means: { vi: "a", en: "b" },
    look: "kubectl get nodes",
  };
  const entry = { at: 5, verb: "create", resource: "nodes", code: 201 };
  const asked = (user: string) => evaluateCheck(prepareCheck(request), observing({ audit: [{ ...entry, user }] })).met;
  expect(asked("system:node:worker-2")).toBe(true);
  expect(asked("system:node:worker-1")).toBe(false);
});

test("an API server that does not answer is said to be silent", () => {
  const world = { ...observing({}), kubernetes: () => undefined };
  const verdict = evaluateCheck(prepareCheck({ kind: "kubernetes.object", resource: "pods", name: "a" }), world);
  expect(verdict.met ? "" : verdict.explanation.found.en).toBe("The API server cannot answer now.");
});
