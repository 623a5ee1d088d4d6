import { expect, test } from "vitest";
import { deployment, user, world } from "./world";

test("a Deployment is created with upstream's defaults", () => {
  const { call } = world();
  const made = call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("web"));
  expect(made.status).toBe(201);
  expect(made.body.spec).toEqual({
    progressDeadlineSeconds: 600,
    replicas: 1,
    revisionHistoryLimit: 10,
    selector: { matchLabels: { app: "web" } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            image: "nginx",
            imagePullPolicy: "Always",
            name: "c",
            resources: {},
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
          },
        ],
        dnsPolicy: "ClusterFirst",
        restartPolicy: "Always",
        schedulerName: "default-scheduler",
        securityContext: {},
        terminationGracePeriodSeconds: 30,
      },
    },
  });
  expect(made.body.metadata.generation).toBe(1);
});

test("a Pod gets its account, token volume, priority and tolerations", () => {
  const { call } = world();
  const made = call("POST", "/api/v1/namespaces/default/pods", {
    metadata: { name: "p" },
    spec: { containers: [{ name: "c", image: "busybox:1.28" }] },
  });
  expect(made.body.message).toBeUndefined();
  expect(made.body.spec.serviceAccountName).toBe("default");
  expect(made.body.spec.tolerations).toHaveLength(2);
  expect(made.body.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
  expect(made.body.spec.volumes[0].projected.sources).toHaveLength(3);
  const table = call("GET", "/api/v1/namespaces/default/pods", undefined, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" },
  });
  expect(table.body.rows[0].cells).toEqual(["p", "0/1", "Pending", "0", "0s", "<none>", "<none>", "<none>", "<none>"]);
});

test("errors in upstream's words", () => {
  const { call } = world();
  const cases: [string, () => any, string][] = [
    ["not found", () => call("GET", "/api/v1/namespaces/default/pods/nope"), 'pods "nope" not found'],
    [
      "unknown field",
      () =>
        call("POST", "/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict", {
          ...deployment("a"),
          spec: { ...deployment("a").spec, replicass: 1 },
        }),
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicass"',
    ],
    [
      "wrong type",
      () => call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("a", { replicas: "three" })),
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      "field selector",
      () => call("GET", "/api/v1/pods?fieldSelector=foo=bar"),
      'Unable to find "/v1, Resource=pods" that match label selector "", field selector "foo=bar": field label not supported: foo',
    ],
    [
      "namespace",
      () => call("POST", "/api/v1/namespaces/other/pods", { metadata: { name: "x" }, spec: { containers: [] } }),
      'namespaces "other" not found',
    ],
    [
      "no containers",
      () => call("POST", "/api/v1/namespaces/default/pods", { metadata: { name: "x" }, spec: { containers: [] } }),
      'Pod "x" is invalid: spec.containers: Required value',
    ],
    [
      "selector",
      () =>
        call(
          "POST",
          "/apis/apps/v1/namespaces/default/deployments",
          deployment("a", { selector: { matchLabels: { app: "b" } } }),
        ),
      'Deployment.apps "a" is invalid: spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
    [
      "forbidden",
      () =>
        call("GET", "/api/v1/namespaces/default/pods", undefined, {
          ...user("bob"),
        }),
      'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
  ];
  for (const [name, run, message] of cases) expect(run().body.message, name).toBe(message);
});
