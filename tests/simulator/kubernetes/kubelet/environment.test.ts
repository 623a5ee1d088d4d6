import { expect, test } from "vitest";
import { encodeUtf8 } from "@/simulator/base/bytes";
import { failure, ok } from "@/simulator/base/result";
import { encodeBase64 } from "@/simulator/kubernetes/apimachinery/base64";
import type { ConfigMap, Container, Pod, Secret, Service } from "@/simulator/kubernetes/api/types.generated";
import { expand, makeEnvironment, serviceEnvironment } from "@/simulator/kubernetes/kubelet/environment";

const values: Record<string, string> = { NAME: "web", EMPTY: "" };
const rows: [string, string][] = [
  ["plain", "plain"],
  ["$(NAME)-1", "web-1"],
  ["$(MISSING)", "$(MISSING)"],
  ["$$(NAME)", "$(NAME)"],
  ["$$$(NAME)", "$web"],
  ["$(NAME", "$(NAME"],
  ["cost: 5$", "cost: 5$"],
  ["$x", "$x"],
  ["[$(EMPTY)]", "[]"],
];

test.each(rows)("expand %s", (text, want) => {
  expect(expand(text, (name) => values[name])).toBe(want);
});

const meta = {
  name: "p",
  namespace: "default",
  uid: "u-1",
  resourceVersion: "1",
  creationTimestamp: "",
  labels: { app: "web" },
};
const service = (name: string, clusterIP: string, namespace = "default"): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...meta, name, namespace },
    spec: { clusterIP, ports: [{ name: "https", port: 443, protocol: "TCP" }] },
    status: {},
  }) as Service;

test("service variables are the docker links and host and port", () => {
  const all = serviceEnvironment(
    [service("kubernetes", "10.96.0.1"), service("my-db", "10.96.4.5", "other"), service("headless", "None")],
    "other",
    true,
  );
  expect([...all.keys()].filter((key) => key.startsWith("MY_DB"))).toEqual([
    "MY_DB_SERVICE_HOST",
    "MY_DB_SERVICE_PORT",
    "MY_DB_SERVICE_PORT_HTTPS",
    "MY_DB_PORT",
    "MY_DB_PORT_443_TCP",
    "MY_DB_PORT_443_TCP_PROTO",
    "MY_DB_PORT_443_TCP_PORT",
    "MY_DB_PORT_443_TCP_ADDR",
  ]);
  expect(all.get("KUBERNETES_SERVICE_HOST")).toBe("10.96.0.1");
  expect(all.get("KUBERNETES_PORT")).toBe("tcp://10.96.0.1:443");
  expect(
    [
      ...serviceEnvironment([service("kubernetes", "10.96.0.1"), service("a", "10.96.0.9")], "default", false).keys(),
    ].some((k) => k.startsWith("A_")),
  ).toBe(false);
});

test("env overrides envFrom, sources are read, and a missing one is an error", () => {
  const sources = {
    configMap: (_: string, name: string) =>
      name === "cfg"
        ? ok({
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: meta,
            data: { MODE: "dev", COLOR: "blue", "bad=name": "x" },
          } as ConfigMap)
        : failure(`configmap "${name}" not found`),
    secret: (_: string, name: string) =>
      name === "sec"
        ? ok({
            apiVersion: "v1",
            kind: "Secret",
            metadata: meta,
            data: { PW: encodeBase64(encodeUtf8("s3crét")) },
          } as Secret)
        : failure(`secret "${name}" not found`),
    services: () => [],
    node: { nodeName: "node-1", hostIp: "10.89.0.11", cpuMilli: 2000, memoryBytes: 1 << 30, ephemeralStorageBytes: 0 },
    podIp: "10.244.0.7",
    invalidKeys: (_kind: string, _name: string, keys: readonly string[]) => void skipped.push(...keys),
  };
  const skipped: string[] = [];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta,
    spec: { containers: [], nodeName: "node-1" },
    status: {},
  } as unknown as Pod;
  const container: Container = {
    name: "c",
    resources: { limits: { memory: "64Mi" } },
    envFrom: [{ configMapRef: { name: "cfg" } }, { secretRef: { name: "gone", optional: true } }],
    env: [
      { name: "COLOR", value: "red" },
      { name: "PW", valueFrom: { secretKeyRef: { name: "sec", key: "PW" } } },
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      { name: "URL", value: "http://$(IP):80/$(APP)" },
      { name: "NONE", valueFrom: { configMapKeyRef: { name: "cfg", key: "nope", optional: true } } },
    ],
  };
  const made = makeEnvironment(pod, container, sources);
  expect(made.ok && Object.fromEntries(made.value.map(({ key, value }) => [key, value]))).toEqual({
    MODE: "dev",
    COLOR: "red",
    PW: "s3crét",
    NODE: "node-1",
    IP: "10.244.0.7",
    APP: "web",
    MEM: "64",
    CPU: "2",
    URL: "http://10.244.0.7:80/web",
  });
  expect(skipped).toEqual(["bad=name"]);
  const missing = makeEnvironment(
    pod,
    { name: "c", env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "nope", key: "k" } } }] },
    sources,
  );
  expect(missing).toEqual(failure('configmap "nope" not found'));
  const noKey = makeEnvironment(
    pod,
    { name: "c", env: [{ name: "X", valueFrom: { secretKeyRef: { name: "sec", key: "k" } } }] },
    sources,
  );
  expect(noKey).toEqual(failure("couldn't find key k in Secret default/sec"));
});
