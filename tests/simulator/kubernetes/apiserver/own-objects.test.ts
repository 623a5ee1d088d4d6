/** What the API server makes and keeps by itself, and what it tells of itself. */
import { expect, test } from "vitest";
import { settled } from "@/simulator/kubernetes/apimachinery/transport";
import { startTask } from "@/simulator/base/task";
import type { ApiResponse } from "@/simulator/base/door";
import type { ProxiedRequest } from "@/simulator/kubernetes/apiserver/proxy";
import { type Answer, DEPLOYMENTS, pod, PODS, user, world } from "./world";

interface Named {
  readonly metadata: { readonly name: string };
}

const SERVICE = "/api/v1/namespaces/default/services/kubernetes";

test("the Service kubernetes, its Endpoints and its slice come back within ten seconds", () => {
  const { loop, call } = world();
  const slice = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  const endpoints = "/api/v1/namespaces/default/endpoints/kubernetes";
  for (const path of [SERVICE, endpoints, slice]) expect(call("DELETE", path).status).toBe(200);
  expect(call("GET", SERVICE).status).toBe(404);
  loop.runUntil(loop.now() + 10_000);
  for (const path of [SERVICE, endpoints, slice]) expect(call("GET", path).status).toBe(200);
  expect(call("GET", SERVICE).body.spec.clusterIP).toBe("10.96.0.1");
  // Nothing ticks on: the loop comes to rest.
  expect(loop.nextAt()).toBeUndefined();
});

test("APIServices follow what is served, custom kinds too", () => {
  const { loop, call } = world();
  const names = () =>
    call("GET", "/apis/apiregistration.k8s.io/v1/apiservices").body.items.map((item: Named) => item.metadata.name);
  expect(names()).toContain("v1.");
  expect(names()).toContain("v2.autoscaling");
  expect(names()).not.toContain("v1.apiregistration.k8s.io");
  call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "backups.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "backups", singular: "backup", kind: "Backup" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: "object", properties: { spec: { type: "object", description: "What" } } },
          },
        },
      ],
    },
  });
  loop.runUntil(loop.now() + 1000);
  expect(names()).toContain("v1.example.com");
  const { schemas } = call("GET", "/openapi/v3/apis/example.com/v1").body.components;
  expect(schemas["com.example.v1.Backup"].properties.spec.description).toBe("What");
  call("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.example.com");
  loop.runUntil(loop.now() + 1000);
  expect(names()).not.toContain("v1.example.com");
});

test("each cluster IP has an IPAddress while its Service lives", () => {
  const { loop, call } = world();
  const addresses = () =>
    call("GET", "/apis/networking.k8s.io/v1/ipaddresses").body.items.map(
      (item: { readonly spec: { readonly parentRef: { readonly name: string } } }) => item.spec.parentRef.name,
    );
  call("POST", "/api/v1/namespaces/default/services", { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
  loop.runUntil(loop.now() + 10);
  expect(addresses().sort()).toEqual(["kubernetes", "web"]);
  call("DELETE", "/api/v1/namespaces/default/services/web");
  loop.runUntil(loop.now() + 10);
  expect(addresses()).toEqual(["kubernetes"]);
});

test("flow schemas and the roles of kube-system are there from the start", () => {
  const { call } = world();
  const names = (path: string) => call("GET", path).body.items.map((item: Named) => item.metadata.name);
  expect(names("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas")).toContain("catch-all");
  expect(names("/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles")).toContain(
    "system::leader-locking-kube-scheduler",
  );
  expect(names("/apis/rbac.authorization.k8s.io/v1/clusterroles")).toContain(
    "system:controller:certificate-controller",
  );
});

test("a list of one name is allowed by a rule for that name", () => {
  const { call } = world();
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  call("POST", `${rbac}/roles`, {
    metadata: { name: "one" },
    rules: [{ apiGroups: [""], resources: ["pods"], resourceNames: ["web"], verbs: ["list", "watch"] }],
  });
  call("POST", `${rbac}/rolebindings`, {
    metadata: { name: "one" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "one" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "carol" }],
  });
  const carol = user("carol");
  expect(call("GET", `${PODS}?fieldSelector=metadata.name%3Dweb`, undefined, carol).status).toBe(200);
  expect(call("GET", PODS, undefined, carol).status).toBe(403);
  expect(call("GET", `${PODS}?fieldSelector=metadata.name%3Ddb`, undefined, carol).body.message).toMatch(
    /^pods "db" is forbidden/,
  );
  expect(call("GET", `${PODS}?fieldSelector=metadata.name!%3Dweb`, undefined, carol).status).toBe(403);
});

test.each([
  { patch: { spec: { replicas: "two" } }, value: "map[spec:map[replicas:two]]", why: "unrecognized type: int32" },
  { patch: { spec: { paused: "yes" } }, value: "map[spec:map[paused:yes]]", why: "unrecognized type: bool" },
  { patch: { spec: { template: { spec: { containers: 5 } } } }, why: "cannot restore slice from int64" },
])("a strategic merge patch that does not fit: $why", ({ patch, value, why }) => {
  const { call } = world();
  call("POST", DEPLOYMENTS, {
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx" }] } },
    },
  });
  const headers = { "content-type": "application/strategic-merge-patch+json" };
  const refused = call("PATCH", `${DEPLOYMENTS}/web`, patch, { headers });
  expect([refused.status, refused.body.reason]).toEqual([422, "Invalid"]);
  expect(refused.body.message).toContain(why);
  if (value) expect(refused.body.details.causes[0].message).toBe(`Invalid value: "${value}": ${why}`);
});

test("a proxied Pod answers later, with its own status", () => {
  const asked: ProxiedRequest[] = [];
  const { loop, call } = world({
    proxy: (request, done) => {
      asked.push(request);
      return loop.after(5, () => done({ status: 404, contentType: "text/plain", body: "nothing here" }));
    },
  });
  call("POST", PODS, pod("web"));
  const ask = (path: string): ApiResponse | undefined => {
    let answer: ApiResponse | undefined;
    startTask(loop, settled(call("GET", path) as Answer), (value) => {
      answer = value;
    });
    loop.runUntil(loop.now() + 100);
    return answer;
  };
  expect(ask(`${PODS}/web/proxy/x`)?.status).toBe(500);
  const { body } = call("GET", `${PODS}/web`);
  call("PUT", `${PODS}/web/status`, { ...body, status: { ...body.status, phase: "Running", podIP: "10.244.0.9" } });
  expect(ask(`${PODS}/https:web:8443/proxy/x?y=1`)).toMatchObject({ status: 404, body: "nothing here" });
  expect(asked.map((request) => request.url)).toEqual(["https://10.244.0.9:8443/x?y=1"]);
  expect(ask("/api/v1/namespaces/default/services/nope/proxy/")?.status).toBe(404);
});

test("times that Go always writes are null, not missing", () => {
  const { call } = world();
  call("POST", PODS, pod("web"));
  const { body } = call("GET", `${PODS}/web`);
  const status = { ...body.status, conditions: [{ type: "Ready", status: "False" }] };
  const updated = call("PUT", `${PODS}/web/status`, { ...body, status }).body.status.conditions[0];
  expect(updated).toMatchObject({ lastProbeTime: null, lastTransitionTime: null });
});
