import { expect, test } from "vitest";
import { PODS, pod, world } from "./world";

const core = "/api/v1/namespaces/default";
const withResources = (name: string, resources: object) =>
  pod(name, { containers: [{ name: "c", image: "x", resources }] });

test("LimitRanger fills in defaults and refuses what is out of bounds, one complaint a constraint", () => {
  const { call } = world();
  call("POST", `${core}/limitranges`, {
    metadata: { name: "l" },
    spec: {
      limits: [
        {
          type: "Container",
          default: { cpu: "300m" },
          defaultRequest: { cpu: "100m" },
          max: { cpu: "1" },
          min: { cpu: "50m" },
        },
      ],
    },
  });
  const made = call("POST", PODS, pod("a")).body;
  expect(made.spec.containers[0].resources).toEqual({ limits: { cpu: "300m" }, requests: { cpu: "100m" } });
  expect(made.metadata.annotations).toEqual({
    "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container c; cpu limit for container c",
  });
  expect(call("POST", PODS, withResources("lb", { requests: { cpu: "2" }, limits: { cpu: "2" } })).body.message).toBe(
    'pods "lb" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
  expect(
    call("POST", PODS, withResources("ls", { requests: { cpu: "10m" }, limits: { cpu: "10m" } })).body.message,
  ).toBe('pods "ls" is forbidden: minimum cpu usage per Container is 50m, but request is 10m');
});

test("ResourceQuota counts, and refuses what would be too much", () => {
  const { call } = world();
  call("POST", `${core}/resourcequotas`, { metadata: { name: "my-quota" }, spec: { hard: { cpu: "1", pods: "2" } } });
  const status = { hard: { cpu: "1", pods: "2" }, used: { cpu: "0", pods: "0" } };
  call(
    "PATCH",
    `${core}/resourcequotas/my-quota/status`,
    { status },
    { headers: { "content-type": "application/merge-patch+json" } },
  );
  expect(call("POST", PODS, pod("q")).body.message).toBe(
    'pods "q" is forbidden: failed quota: my-quota: must specify cpu for: c',
  );
  for (const name of ["a", "b"])
    expect(call("POST", PODS, withResources(name, { requests: { cpu: "100m" } })).status).toBe(201);
  expect(call("GET", `${core}/resourcequotas/my-quota`).body.status.used).toEqual({ cpu: "200m", pods: "2" });
  expect(call("POST", PODS, withResources("qb", { requests: { cpu: "2" } })).body.message).toBe(
    'pods "qb" is forbidden: exceeded quota: my-quota, requested: cpu=2,pods=1, used: cpu=200m,pods=2, limited: cpu=1,pods=2',
  );
});

test("Priority resolves classes", () => {
  const { call } = world();
  call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "high" }, value: 1000 });
  expect(call("POST", PODS, pod("a", { priorityClassName: "high" })).body.spec.priority).toBe(1000);
  expect(call("POST", PODS, pod("b", { priorityClassName: "nope" })).body.message).toBe(
    'pods "b" is forbidden: no PriorityClass with name nope was found',
  );
});

test("a Pod without its service account is refused", () => {
  const { call } = world();
  expect(call("POST", PODS, pod("a", { serviceAccountName: "nope" })).body.message).toBe(
    'pods "a" is forbidden: error looking up service account default/nope: serviceaccount "nope" not found',
  );
});

test("PodSecurity refuses what the namespace's level forbids", () => {
  const { call } = world();
  call(
    "PATCH",
    "/api/v1/namespaces/default",
    { metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
    { headers: { "content-type": "application/merge-patch+json" } },
  );
  const privileged = pod("a", { containers: [{ name: "c", image: "x", securityContext: { privileged: true } }] });
  expect(call("POST", PODS, privileged).body.message).toBe(
    'pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
  );
  expect(call("POST", PODS, pod("b")).status).toBe(201);
});

test("disruption budgets hold evictions back", () => {
  const { call } = world();
  const merge = { headers: { "content-type": "application/merge-patch+json" } };
  call("POST", PODS, pod("a", {}, { labels: { app: "x" } }));
  call("POST", `${PODS}/a/binding`, { target: { name: "n" } });
  call(
    "PATCH",
    `${PODS}/a/status`,
    { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
    merge,
  );
  const pdbs = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  call("POST", pdbs, { metadata: { name: "b" }, spec: { minAvailable: 1, selector: { matchLabels: { app: "x" } } } });
  const status = {
    observedGeneration: 1,
    disruptionsAllowed: 0,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
  };
  call("PATCH", `${pdbs}/b/status`, { status }, merge);
  const refused = call("POST", `${PODS}/a/eviction`, { metadata: { name: "a" } });
  expect(refused.status).toBe(429);
  expect(refused.body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
  expect(refused.body.details.causes[0].message).toBe(
    "The disruption budget b needs 1 healthy pods and has 1 currently",
  );
  call("PATCH", `${pdbs}/b/status`, { status: { disruptionsAllowed: 1 } }, merge);
  expect(call("POST", `${PODS}/a/eviction`, { metadata: { name: "a" } }).status).toBe(201);
  expect(call("GET", `${PODS}/a`).body.metadata.deletionTimestamp).toBeDefined();
});

test("deprecated kinds say so, and ComponentStatuses ask the components", () => {
  const { call } = world({
    components: () => [
      { name: "scheduler", message: "ok" },
      { name: "controller-manager", message: "ok" },
    ],
  });
  expect(call("GET", `${core}/endpoints`).headers!.warning).toBe(
    '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
  );
  const table = call("GET", "/api/v1/componentstatuses", undefined, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
  }).body;
  expect(table.rows.map((r: { cells: unknown[] }) => r.cells)).toEqual([
    ["etcd-0", "Healthy", "ok", ""],
    ["scheduler", "Healthy", "ok", ""],
    ["controller-manager", "Healthy", "ok", ""],
  ]);
});

test("log, exec and the like go to the node's kubelet; without one the connection is refused", () => {
  const asked: unknown[] = [];
  const { call } = world({
    kubelet: (node) =>
      node === "n1"
        ? {
            handle: (request) => {
              asked.push([request.verb, request.pod, request.container, request.query.tailLines]);
              return { status: 200, body: "hello\n" };
            },
          }
        : undefined,
  });
  for (const [name, node] of [
    ["a", "n1"],
    ["b", "n2"],
  ] as const) {
    call(
      "POST",
      PODS,
      pod(
        name,
        name === "a"
          ? {
              containers: [
                { name: "c", image: "x" },
                { name: "d", image: "x" },
              ],
            }
          : {},
      ),
    );
    call("POST", `${PODS}/${name}/binding`, { target: { name: node } });
  }
  expect(call("GET", `${PODS}/a/log`).body.message).toBe(
    "a container name must be specified for pod a, choose one of: [c d]",
  );
  expect(call("GET", `${PODS}/a/log?container=z`).body.message).toBe("container z is not valid for pod a");
  expect(call("GET", `${PODS}/a/log?container=d&tailLines=5`).body).toBe("hello\n");
  expect(asked).toEqual([["log", "a", "d", ["5"]]]);
  expect(call("GET", `${PODS}/b/log`).body.message).toBe(
    'Get "https://n2:10250/containerLogs/default/b/c": dial tcp n2:10250: connect: connection refused',
  );
});

test("the audit log tells who did what, and with which outcome", () => {
  const { call, server } = world();
  call("POST", PODS, pod("a"), { headers: { "user-agent": "kubectl/v1.36" } });
  call("GET", `${PODS}/nope/log`);
  expect(server.audit.entries().slice(-2)).toMatchObject([
    {
      user: "kubernetes-admin",
      userAgent: "kubectl/v1.36",
      verb: "create",
      resource: "pods",
      namespace: "default",
      code: 201,
    },
    { verb: "get", resource: "pods", subresource: "log", name: "nope", code: 404 },
  ]);
});
