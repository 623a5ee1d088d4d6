import { expect, test } from "vitest";
import { DEPLOYMENTS, deployment, world } from "./world";

const ssa = { headers: { "content-type": "application/apply-patch+yaml" } };
const merge = { headers: { "content-type": "application/merge-patch+json", "user-agent": "kubectl-edit/v1.36" } };
const agent = (name: string) => ({ headers: { "user-agent": `${name}/v1.36` } });

test("an update records the fields that it set, the way upstream writes them", () => {
  const { call } = world();
  const made = call("POST", `${DEPLOYMENTS}?fieldManager=kubectl-create`, deployment("web")).body;
  expect(made.metadata.managedFields).toEqual([
    {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "apps/v1",
      time: "2026-11-23T11:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
        "f:spec": {
          "f:progressDeadlineSeconds": {},
          "f:replicas": {},
          "f:revisionHistoryLimit": {},
          "f:selector": {},
          "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {}, "f:maxUnavailable": {} }, "f:type": {} },
          "f:template": {
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": {
              "f:containers": {
                'k:{"name":"c"}': {
                  ".": {},
                  "f:image": {},
                  "f:imagePullPolicy": {},
                  "f:name": {},
                  "f:resources": {},
                  "f:terminationMessagePath": {},
                  "f:terminationMessagePolicy": {},
                },
              },
              "f:dnsPolicy": {},
              "f:restartPolicy": {},
              "f:schedulerName": {},
              "f:securityContext": {},
              "f:terminationGracePeriodSeconds": {},
            },
          },
        },
      },
    },
  ]);
});

test("apply creates, then changes, then takes back what it no longer states", () => {
  const { call } = world();
  const path = `${DEPLOYMENTS}/web?fieldManager=kubectl`;
  const config = deployment("web", { replicas: 2 });
  expect(call("PATCH", path, config, ssa).status).toBe(201);
  const same = call("PATCH", path, config, ssa).body;
  expect(same.metadata.generation).toBe(1);
  const more = call(
    "PATCH",
    path,
    { ...config, metadata: { name: "web", labels: { app: "web", tier: "front" } } },
    ssa,
  ).body;
  expect(more.metadata.labels).toEqual({ app: "web", tier: "front" });
  const less = call("PATCH", path, config, ssa).body;
  expect(less.metadata.labels).toEqual({ app: "web" });
  expect(
    less.metadata.managedFields.map((e: { manager: string; operation: string }) => [e.manager, e.operation]),
  ).toEqual([["kubectl", "Apply"]]);
});

test("a field that another manager set conflicts unless forced", () => {
  const { call } = world();
  const path = `${DEPLOYMENTS}/web?fieldManager=kubectl`;
  call("PATCH", path, deployment("web", { replicas: 2 }), ssa);
  call("PATCH", `${DEPLOYMENTS}/web`, { spec: { replicas: 5 } }, merge);
  const refused = call("PATCH", path, deployment("web", { replicas: 2 }), ssa);
  expect(refused.status).toBe(409);
  expect(refused.body.message).toBe(
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
  );
  expect(refused.body.details.causes).toEqual([
    { reason: "FieldManagerConflict", message: 'conflict with "kubectl-edit" using apps/v1', field: ".spec.replicas" },
  ]);
  const forced = call("PATCH", `${path}&force=true`, deployment("web", { replicas: 2 }), ssa).body;
  expect(forced.spec.replicas).toBe(2);
  expect(forced.metadata.managedFields.map((e: { manager: string }) => e.manager)).toEqual(["kubectl"]);
});

test("two appliers each own their container; one's leaving does not touch the other's", () => {
  const { call } = world();
  const a = `${DEPLOYMENTS}/web?fieldManager=a`;
  const b = `${DEPLOYMENTS}/web?fieldManager=b`;
  call("PATCH", a, deployment("web"), ssa);
  const sidecar = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { template: { spec: { containers: [{ name: "side", image: "busybox" }] } } },
  };
  expect(
    call("PATCH", b, sidecar, ssa).body.spec.template.spec.containers.map((c: { name: string }) => c.name),
  ).toEqual(["c", "side"]);
  const gone = call("PATCH", b, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } }, ssa).body;
  expect(gone.spec.template.spec.containers.map((c: { name: string }) => c.name)).toEqual(["c"]);
});

test("status has an entry of its own", () => {
  const { call } = world();
  call("POST", DEPLOYMENTS, deployment("web"), agent("kubectl-create"));
  const patch = { headers: { ...merge.headers, "user-agent": "kube-controller-manager/v1.36" } };
  const updated = call("PATCH", `${DEPLOYMENTS}/web/status`, { status: { replicas: 1 } }, patch).body;
  const entry = updated.metadata.managedFields.find((e: { subresource?: string }) => e.subresource === "status");
  expect(entry).toMatchObject({
    manager: "kube-controller-manager",
    subresource: "status",
    fieldsV1: { "f:status": { "f:replicas": {} } },
  });
});
