import { expect, test } from "vitest";
import { DEPLOYMENTS, deployment, PODS, pod, world } from "../apiserver/world";

const strategic = { headers: { "content-type": "application/strategic-merge-patch+json" } };
const table = { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } };

const UPDATABLE =
  "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

test("a refused Pod update prints the difference of Go's internal types (recorded from 1.36)", () => {
  const { call } = world();
  call("POST", PODS, pod("p"));
  const refused = call(
    "PATCH",
    `${PODS}/p`,
    { spec: { containers: [{ name: "c", ports: [{ containerPort: 1 }] }] } },
    strategic,
  );
  expect(refused.body.message).toBe(
    `Pod "p" is invalid: ${UPDATABLE}
@@ -96,7 +96,15 @@
    "Command": null,
    "Args": null,
    "WorkingDir": "",
-   "Ports": null,
+   "Ports": [
+    {
+     "Name": "",
+     "HostPort": 0,
+     "ContainerPort": 1,
+     "Protocol": "TCP",
+     "HostIP": ""
+    }
+   ],
    "EnvFrom": null,
    "Env": null,
    "Resources": {
`,
  );
  expect(
    call("PATCH", `${PODS}/p`, { spec: { containers: [{ name: "c", image: "nginx:2" }] } }, strategic).status,
  ).toBe(200);
});

test.each([
  [
    "duplicate container",
    {
      containers: [
        { name: "c", image: "x" },
        { name: "c", image: "x" },
      ],
    },
    'spec.containers[1].name: Duplicate value: "c"',
  ],
  [
    "pull policy",
    { containers: [{ name: "c", image: "x", imagePullPolicy: "Sometimes" }] },
    'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    "port",
    { containers: [{ name: "c", image: "x", ports: [{ containerPort: 99999 }] }] },
    "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
  ],
  [
    "missing volume",
    { containers: [{ name: "c", image: "x", volumeMounts: [{ name: "v", mountPath: "/v" }] }] },
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  ["no image", { containers: [{ name: "c" }] }, "spec.containers[0].image: Required value"],
  [
    "request above limit",
    { containers: [{ name: "c", image: "x", resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }] },
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
])("Pod: %s", (_name, spec, message) => {
  const { call } = world();
  expect(call("POST", PODS, { metadata: { name: "p" }, spec }).body.message).toBe(`Pod "p" is invalid: ${message}`);
});

test("names, labels and selectors in upstream's words", () => {
  const { call } = world();
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  expect(call("POST", DEPLOYMENTS, { ...deployment("x"), metadata: { name: "h_w" } }).body.message).toBe(
    `Deployment.apps "h_w" is invalid: metadata.name: Invalid value: "h_w": ${subdomain}`,
  );
  expect(call("POST", PODS, pod("bl", {}, { labels: { "bad key!": "x" } })).body.message).toBe(
    `Pod "bl" is invalid: metadata.labels: Invalid value: "bad key!": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  );
  const { selector: _s, ...rest } = deployment("nosel").spec;
  expect(call("POST", DEPLOYMENTS, { ...deployment("nosel"), spec: rest }).body.message).toBe(
    'Deployment.apps "nosel" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: {"app":"nosel"}: `selector` does not match template `labels`]',
  );
  call("POST", DEPLOYMENTS, deployment("web"));
  expect(
    call("PATCH", `${DEPLOYMENTS}/web`, { spec: { selector: { matchLabels: { app: "x" } } } }, strategic).body.message,
  ).toBe(
    'Deployment.apps "web" is invalid: [spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`, spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable]',
  );
});

test("a Service patch merges ports by number, new ones first", () => {
  const { call } = world();
  const path = "/api/v1/namespaces/default/services";
  call("POST", path, { metadata: { name: "s" }, spec: { ports: [{ port: 8080 }] } });
  expect(call("PATCH", `${path}/s`, { spec: { ports: [{ port: 99999 }] } }, strategic).body.message).toBe(
    'Service "s" is invalid: [spec.ports[0].name: Required value, spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive, spec.ports[1].name: Required value]',
  );
});

test("a CronJob's schedule and restart policy", () => {
  const { call } = world();
  const body = {
    metadata: { name: "cj" },
    spec: {
      schedule: "99 * * * *",
      jobTemplate: { spec: { template: { spec: { containers: [{ name: "c", image: "x" }] } } } },
    },
  };
  expect(call("POST", "/apis/batch/v1/namespaces/default/cronjobs", body).body.message).toBe(
    'CronJob.batch "cj" is invalid: [spec.schedule: Invalid value: "99 * * * *": end of range (99) above maximum (59): 99, spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]',
  );
});

test("the printed Pod: restarts with their age, waiting reasons, termination", () => {
  const { call, loop } = world();
  call("POST", PODS, pod("p"));
  call("POST", `${PODS}/p/binding`, { target: { name: "n1" } });
  const report = (state: object, restartCount: number): void => {
    const lastState =
      restartCount > 0
        ? {
            terminated: {
              exitCode: 1,
              reason: "Error",
              finishedAt: "2026-11-23T11:00:00Z",
              startedAt: "2026-11-23T11:00:00Z",
            },
          }
        : {};
    call(
      "PATCH",
      `${PODS}/p/status`,
      {
        status: {
          phase: "Running",
          containerStatuses: [
            { name: "c", ready: "running" in state, restartCount, image: "x", imageID: "x", state, lastState },
          ],
        },
      },
      strategic,
    );
  };
  const cells = (): unknown[] => call("GET", PODS, undefined, table).body.rows[0].cells.slice(1, 5);
  report({ running: { startedAt: "2026-11-23T11:00:00Z" } }, 0);
  expect(cells()).toEqual(["1/1", "Running", "0", "0s"]);
  loop.runUntil(loop.now() + 130_000);
  report({ waiting: { reason: "CrashLoopBackOff" } }, 3);
  expect(cells()).toEqual(["0/1", "CrashLoopBackOff", "3 (2m10s ago)", "2m10s"]);
  call("DELETE", `${PODS}/p`);
  expect(cells()[1]).toBe("Terminating");
});

test("every kind prints the columns that a real server has", async () => {
  const { server } = world();
  const { builtinSchema } = await import("@/simulator/kubernetes/api/schema");
  for (const [resource, columns] of Object.entries(builtinSchema.data.columns)) {
    const parts = resource.split("/");
    const served = server.scheme.byPlural(parts.slice(0, -1).join("/"), parts.at(-1)!);
    // Deprecated, and served as nothing here.
    if (resource === "v1/componentstatuses") continue;
    expect(served, resource).toBeDefined();
    const ours = served!.resource.columns.map((c) => [c.name, c.priority ?? 0]);
    const theirs = columns.map(([name, , , priority]) => [name, priority]);
    expect.soft(ours, resource).toEqual(theirs);
  }
});
