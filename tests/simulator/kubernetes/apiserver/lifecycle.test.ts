import { expect, test } from "vitest";
import { DEPLOYMENTS, deployment, PODS, pod, user, world } from "./world";

const merge = { headers: { "content-type": "application/merge-patch+json" } };
const strategic = { headers: { "content-type": "application/strategic-merge-patch+json" } };

test("generation rises exactly when spec changes", () => {
  const { call } = world();
  call("POST", DEPLOYMENTS, deployment("web"));
  const path = `${DEPLOYMENTS}/web`;
  expect(call("PATCH", path, { spec: { replicas: 3 } }, merge).body.metadata.generation).toBe(2);
  expect(call("PATCH", path, { spec: { replicas: 3 } }, merge).body.metadata.generation).toBe(2);
  expect(call("PATCH", path, { metadata: { labels: { a: "b" } } }, merge).body.metadata.generation).toBe(2);
  expect(call("PATCH", `${path}/status`, { status: { replicas: 3 }, spec: { replicas: 9 } }, merge).body).toMatchObject(
    {
      metadata: { generation: 2 },
      spec: { replicas: 3 },
      status: { replicas: 3 },
    },
  );
});

test("an update that changes nothing keeps its resourceVersion, a stale one conflicts", () => {
  const { call } = world();
  const made = call("POST", DEPLOYMENTS, deployment("web")).body;
  const same = call("PUT", `${DEPLOYMENTS}/web`, made).body;
  expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  call("PATCH", `${DEPLOYMENTS}/web`, { spec: { replicas: 2 } }, merge);
  const stale = call("PUT", `${DEPLOYMENTS}/web`, { ...made, spec: { ...made.spec, replicas: 5 } });
  expect(stale.status).toBe(409);
  expect(stale.body.message).toBe(
    'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
  );
});

test("strategic merge finds containers by name and keeps the others", () => {
  const { call } = world();
  call("POST", DEPLOYMENTS, deployment("web"));
  const patch = {
    spec: {
      template: {
        spec: {
          containers: [
            { name: "c", image: "nginx:2" },
            { name: "d", image: "busybox" },
          ],
        },
      },
    },
  };
  const patched = call("PATCH", `${DEPLOYMENTS}/web`, patch, strategic).body;
  expect(patched.spec.template.spec.containers.map((c: { name: string; image: string }) => [c.name, c.image])).toEqual([
    ["c", "nginx:2"],
    ["d", "busybox"],
  ]);
  expect(patched.spec.template.spec.containers[0].imagePullPolicy).toBe("Always");
});

test("a bound Pod is deleted gracefully, and gone when the kubelet says so", () => {
  const { call, loop } = world();
  call("POST", PODS, pod("p"));
  expect(call("POST", `${PODS}/p/binding`, { target: { kind: "Node", name: "n1" } }).status).toBe(201);
  expect(call("POST", `${PODS}/p/binding`, { target: { kind: "Node", name: "n2" } }).body.message).toBe(
    'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
  );
  const deleted = call("DELETE", `${PODS}/p`).body;
  expect(deleted.metadata).toMatchObject({
    deletionGracePeriodSeconds: 30,
    deletionTimestamp: "2026-11-23T11:00:30Z",
    generation: 2,
  });
  loop.runUntil(loop.now() + 5000);
  expect(call("DELETE", `${PODS}/p`, { gracePeriodSeconds: 10 }).body.metadata.deletionTimestamp).toBe(
    "2026-11-23T11:00:10Z",
  );
  call("DELETE", `${PODS}/p`, { gracePeriodSeconds: 0 });
  expect(call("GET", `${PODS}/p`).status).toBe(404);
});

test("finalizers hold an object; the last one to go takes it away", () => {
  const { call } = world();
  const path = "/api/v1/namespaces/default/configmaps";
  call("POST", path, { metadata: { name: "c", finalizers: ["example.com/x"] }, data: { a: "1" } });
  expect(call("DELETE", `${path}/c`).body.metadata.deletionTimestamp).toBeDefined();
  expect(
    call("PATCH", `${path}/c`, { metadata: { finalizers: ["example.com/x", "example.com/y"] } }, merge).body.message,
  ).toContain(
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/y"}',
  );
  call("PATCH", `${path}/c`, { metadata: { finalizers: null } }, merge);
  expect(call("GET", `${path}/c`).status).toBe(404);
});

test("propagation policies become finalizers", () => {
  const { call } = world();
  call("POST", DEPLOYMENTS, deployment("a"));
  call("POST", DEPLOYMENTS, deployment("b"));
  expect(call("DELETE", `${DEPLOYMENTS}/a`, { propagationPolicy: "Foreground" }).body.metadata.finalizers).toEqual([
    "foregroundDeletion",
  ]);
  expect(call("DELETE", `${DEPLOYMENTS}/b`, { propagationPolicy: "Orphan" }).body.metadata.finalizers).toEqual([
    "orphan",
  ]);
});

test("a namespace terminates, takes nothing new, and goes when finalized", () => {
  const { call } = world();
  call("POST", "/api/v1/namespaces", { metadata: { name: "dev" } });
  expect(call("DELETE", "/api/v1/namespaces/default").body.message).toBe(
    'namespaces "default" is forbidden: this namespace may not be deleted',
  );
  expect(call("DELETE", "/api/v1/namespaces/dev").body.status.phase).toBe("Terminating");
  expect(call("POST", "/api/v1/namespaces/dev/configmaps", { metadata: { name: "c" } }).body.message).toBe(
    'configmaps "c" is forbidden: unable to create new content in namespace dev because it is being terminated',
  );
  call("PUT", "/api/v1/namespaces/dev/finalize", { metadata: { name: "dev" }, spec: { finalizers: [] } });
  expect(call("GET", "/api/v1/namespaces/dev").status).toBe(404);
});

test("a watcher hears of each change as a later task, in order; a selector turns leaving into DELETED", () => {
  const { call, watch, loop } = world();
  call("POST", PODS, pod("p", {}, { labels: { app: "a" } }));
  const events = watch(`${PODS}?watch=true&labelSelector=app%3Da`);
  expect(events).toEqual([]);
  loop.runUntil(loop.now());
  call("POST", PODS, pod("q", {}, { labels: { app: "a" } }));
  call("PATCH", `${PODS}/p`, { metadata: { labels: { app: "b" } } }, merge);
  call("POST", PODS, pod("r", {}, { labels: { app: "b" } }));
  loop.runUntil(loop.now());
  expect(events.map((e) => [e.type, e.object.metadata.name, e.object.metadata.labels.app])).toEqual([
    ["ADDED", "p", "a"],
    ["ADDED", "q", "a"],
    ["DELETED", "p", "a"],
  ]);
});

test("a watch resumes after a resourceVersion, and ends when the server does", () => {
  const { call, watch, loop, server } = world();
  const from = call("POST", PODS, pod("p")).body.metadata.resourceVersion;
  call("POST", PODS, pod("q"));
  const events = watch(`${PODS}?watch=true&resourceVersion=${from}`);
  loop.runUntil(loop.now());
  server.stop();
  expect(server.request({ method: "GET", path: PODS })).toEqual({
    failure: "dial tcp 10.89.0.10:6443: connect: connection refused",
  });
  loop.runUntil(loop.now());
  expect(events.map((e) => e.object?.metadata.name ?? e.type)).toEqual(["q", "END"]);
});

test("lists come in pages of one revision", () => {
  const { call } = world();
  for (const name of ["a", "b", "c"]) call("POST", PODS, pod(name));
  const first = call("GET", `${PODS}?limit=2`).body;
  expect(first.items.map((p: { metadata: { name: string } }) => p.metadata.name)).toEqual(["a", "b"]);
  expect(first.metadata.remainingItemCount).toBe(1);
  call("POST", PODS, pod("d"));
  const second = call("GET", `${PODS}?limit=2&continue=${first.metadata.continue}`).body;
  expect(second.items.map((p: { metadata: { name: string } }) => p.metadata.name)).toEqual(["c"]);
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
});

test("services get addresses and node ports, and give them back", () => {
  const { call } = world();
  const path = "/api/v1/namespaces/default/services";
  const service = (name: string, spec: object) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  const made = call("POST", path, service("a", { type: "NodePort" })).body;
  expect(made.spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|111)\./);
  expect(made.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000);
  const clash = call(
    "POST",
    path,
    service("b", { type: "NodePort", ports: [{ port: 80, nodePort: made.spec.ports[0].nodePort }] }),
  );
  expect(clash.body.message).toBe(
    `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: ${made.spec.ports[0].nodePort}: provided port is already allocated`,
  );
  call("DELETE", `${path}/a`);
  expect(
    call("POST", path, service("b", { type: "NodePort", ports: [{ port: 80, nodePort: made.spec.ports[0].nodePort }] }))
      .status,
  ).toBe(201);
  expect(call("POST", path, service("c", { clusterIP: "None" })).body.spec.clusterIP).toBe("None");
});

test("a dry run changes nothing", () => {
  const { call, server } = world();
  const before = server.etcd.store.revision;
  expect(call("POST", `${PODS}?dryRun=All`, pod("p")).status).toBe(201);
  expect(server.etcd.store.revision).toBe(before);
});

test("without quorum nothing is written, and reads need the cache", () => {
  const { call, server } = world();
  server.etcd.stopMember("etcd");
  expect(call("POST", PODS, pod("p")).body.message).toBe("etcdserver: request timed out");
  expect(call("GET", PODS).body.message).toBe("etcdserver: request timed out");
  expect(call("GET", `${PODS}?resourceVersion=0`).status).toBe(200);
  server.etcd.startMember("etcd");
  expect(call("POST", PODS, pod("p")).status).toBe(201);
});

test("RBAC: a role allows what it names, where it is bound, for whom it is bound", () => {
  const { call } = world();
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  call("POST", `${rbac}/roles`, {
    metadata: { name: "r" },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }],
  });
  expect(call("GET", PODS, undefined, user("bob")).status).toBe(403);
  call("POST", `${rbac}/rolebindings`, {
    metadata: { name: "rb" },
    roleRef: { kind: "Role", name: "r" },
    subjects: [{ kind: "User", name: "bob" }],
  });
  expect(call("GET", PODS, undefined, user("bob")).status).toBe(200);
  expect(call("GET", "/api/v1/pods", undefined, user("bob")).body.message).toBe(
    'pods is forbidden: User "bob" cannot list resource "pods" in API group "" at the cluster scope',
  );
  call("DELETE", `${rbac}/rolebindings/rb`);
  expect(call("GET", PODS, undefined, user("bob")).status).toBe(403);
});

test("service account tokens authenticate until their account is gone", () => {
  const { call } = world();
  const token = call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} }).body.status
    .token;
  const as = { credentials: { token } };
  expect(call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, as).body.status.userInfo.username).toBe(
    "system:serviceaccount:default:default",
  );
  expect(call("GET", PODS, undefined, { credentials: { token: `${token}x` } }).status).toBe(401);
  call("DELETE", "/api/v1/namespaces/default/serviceaccounts/default");
  expect(call("GET", PODS, undefined, as).status).toBe(401);
});

test("custom resources are served once their definition stands", () => {
  const { call, loop } = world();
  call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "crontabs.stable.example.com" },
    spec: {
      group: "stable.example.com",
      scope: "Namespaced",
      names: { plural: "crontabs", kind: "CronTab", shortNames: ["ct"] },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                spec: {
                  type: "object",
                  required: ["image"],
                  properties: { image: { type: "string" }, replicas: { type: "integer", default: 1 } },
                },
              },
            },
          },
          additionalPrinterColumns: [{ name: "Replicas", type: "integer", jsonPath: ".spec.replicas" }],
        },
      ],
    },
  });
  loop.runUntil(loop.now());
  const path = "/apis/stable.example.com/v1/namespaces/default/crontabs";
  const made = call("POST", path, {
    apiVersion: "stable.example.com/v1",
    kind: "CronTab",
    metadata: { name: "a" },
    spec: { image: "x", other: 1 },
  });
  expect(made.body.message).toBeUndefined();
  expect(made.body.spec).toEqual({ image: "x", replicas: 1 });
  expect(call("POST", path, { metadata: { name: "b" }, spec: { image: 5 } }).body.message).toContain(
    'spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer"',
  );
  const table = call("GET", path, undefined, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
  }).body;
  expect(table.rows[0].cells).toEqual(["a", 1]);
  call("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.stable.example.com");
  loop.runUntil(loop.now() + 5000);
  expect(call("GET", path).status).toBe(404);
});
