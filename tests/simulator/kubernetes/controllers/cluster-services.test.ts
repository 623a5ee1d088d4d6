import { expect, test } from "vitest";
import { ApiServer } from "@/simulator/kubernetes/apiserver/server";
import {
  CERTIFICATE_SIGNING_REQUESTS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  RESOURCE_QUOTAS,
  SERVICES,
  STORAGE_CLASSES,
} from "@/simulator/kubernetes/client/resources";
import { deployment, World } from "@/tests/support/kubernetes/world";

// biome-ignore lint/suspicious/noExplicitAny: manifests as people write them.
type Manifest = any;
const volume = (name: string, storage: string, more: Manifest = {}): Manifest => ({
  metadata: { name },
  spec: {
    capacity: { storage },
    accessModes: ["ReadWriteOnce"],
    hostPath: { path: `/data/${name}` },
    storageClassName: "manual",
    ...more,
  },
});
const claim = (name: string, storage: string, storageClassName = "manual"): Manifest => ({
  metadata: { name, namespace: "default" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, storageClassName },
});

test("a claim gets the smallest volume that is large enough; released, the volume stays with Retain", () => {
  const world = new World();
  world.create(PERSISTENT_VOLUMES, volume("large", "10Gi"));
  world.create(PERSISTENT_VOLUMES, volume("small", "1Gi"));
  world.create(PERSISTENT_VOLUMES, volume("tiny", "100Mi"));
  world.run(1000);
  world.create(PERSISTENT_VOLUME_CLAIMS, claim("data", "500Mi"));
  world.run(2000);
  const bound = world.get(PERSISTENT_VOLUME_CLAIMS, "data");
  expect(bound.spec.volumeName).toBe("small");
  expect(bound.status).toMatchObject({ phase: "Bound", capacity: { storage: "1Gi" } });
  expect(world.get(PERSISTENT_VOLUMES, "small").status.phase).toBe("Bound");
  world.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace: "default", name: "data" });
  world.run(2000);
  expect(world.find(PERSISTENT_VOLUME_CLAIMS, "data")).toBeUndefined();
  expect(world.get(PERSISTENT_VOLUMES, "small").status.phase).toBe("Released");
});

test("a claim that waits for its first consumer is bound where the Pod goes", () => {
  const world = new World();
  world.create(STORAGE_CLASSES, {
    metadata: { name: "local" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  } as Manifest);
  const nodeAffinity = {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-2"] }] },
      ],
    },
  };
  world.create(PERSISTENT_VOLUMES, volume("disk", "1Gi", { storageClassName: "local", nodeAffinity }));
  world.create(PERSISTENT_VOLUME_CLAIMS, claim("data", "1Gi", "local"));
  world.run(3000);
  expect(world.get(PERSISTENT_VOLUME_CLAIMS, "data").status.phase).toBe("Pending");
  expect(world.events("data")).toContain(
    "Normal WaitForFirstConsumer waiting for first consumer to be created before binding",
  );
  world.create(PODS, {
    metadata: { name: "p", namespace: "default" },
    spec: {
      containers: [{ name: "c", image: "app" }],
      volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }],
    },
  } as Manifest);
  world.run(3000);
  expect(world.get(PODS, "p").spec.nodeName).toBe("node-2");
  expect(world.get(PERSISTENT_VOLUME_CLAIMS, "data").status.phase).toBe("Bound");
  world.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace: "default", name: "data" });
  world.run(2000);
  // In use: it stays until the Pod is gone.
  expect(world.get(PERSISTENT_VOLUME_CLAIMS, "data").metadata.deletionTimestamp).toBeDefined();
  world.client.delete(PODS, { namespace: "default", name: "p" });
  world.run(3000);
  expect(world.find(PERSISTENT_VOLUME_CLAIMS, "data")).toBeUndefined();
});

test("a budget counts healthy Pods", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 4));
  world.create(POD_DISRUPTION_BUDGETS, {
    metadata: { name: "web", namespace: "default" },
    spec: { maxUnavailable: "50%", selector: { matchLabels: { app: "web" } } },
  } as Manifest);
  world.run(5000);
  expect(world.get(POD_DISRUPTION_BUDGETS, "web").status).toMatchObject({
    currentHealthy: 4,
    desiredHealthy: 2,
    disruptionsAllowed: 2,
    expectedPods: 4,
  });
});

test("a quota is recounted when things go; a Deployment that meets it says why", () => {
  const world = new World();
  world.create(RESOURCE_QUOTAS, {
    metadata: { name: "q", namespace: "default" },
    spec: { hard: { pods: "2" } },
  } as Manifest);
  world.run(1000);
  world.create(DEPLOYMENTS, deployment("web", 3));
  world.run(5000);
  expect(world.list(PODS)).toHaveLength(2);
  expect(world.get(RESOURCE_QUOTAS, "q").status.used).toEqual({ pods: "2" });
  const failure = world.get(DEPLOYMENTS, "web").status.conditions?.find((c) => c.type === "ReplicaFailure");
  expect(failure?.reason).toBe("FailedCreate");
  expect(failure?.message).toMatch(
    /^pods "web-.*" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2$/,
  );
  world.patch(DEPLOYMENTS, "web", { spec: { replicas: 1 } });
  world.run(5000);
  expect(world.get(RESOURCE_QUOTAS, "q").status.used).toEqual({ pods: "1" });
});

test("without metrics an autoscaler says so after its first beat", () => {
  const world = new World();
  world.create(DEPLOYMENTS, deployment("web", 2));
  world.create(HORIZONTAL_POD_AUTOSCALERS, {
    metadata: { name: "web", namespace: "default" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
      ],
    },
  } as Manifest);
  world.run(10_000);
  expect(world.events("web").filter((e) => e.includes("Metric"))).toEqual([]);
  world.run(10_000);
  const text =
    "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
  expect(world.events("web").filter((e) => e.startsWith("Warning"))).toEqual([
    `Warning FailedGetResourceMetric ${text}`,
    `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${text}`,
  ]);
  const { status } = world.get(HORIZONTAL_POD_AUTOSCALERS, "web");
  expect(status.conditions?.map((c) => [c.type, c.status, c.reason])).toEqual([
    ["AbleToScale", "True", "SucceededGetScale"],
    ["ScalingActive", "False", "FailedGetResourceMetric"],
  ]);
});

test("a cloud gives load balancers addresses; without one they stay pending", () => {
  const service: Manifest = {
    metadata: { name: "web", namespace: "default" },
    spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }] },
  };
  const cloud = new World({ flags: { loadBalancerAddresses: ["172.18.255.200", "172.18.255.201"] } });
  cloud.create(SERVICES, service);
  cloud.run(1000);
  expect(cloud.get(SERVICES, "web").status.loadBalancer?.ingress?.[0]?.ip).toBe("172.18.255.200");
  expect(cloud.events("web")).toEqual([
    "Normal EnsuringLoadBalancer Ensuring load balancer",
    "Normal EnsuredLoadBalancer Ensured load balancer",
  ]);
  cloud.client.delete(SERVICES, { namespace: "default", name: "web" });
  cloud.run(1000);
  expect(cloud.find(SERVICES, "web")).toBeUndefined();
  const bare = new World();
  bare.create(SERVICES, service);
  bare.run(5000);
  expect(bare.get(SERVICES, "web").status.loadBalancer?.ingress).toBeUndefined();
});

test("nodes get ranges of the cluster's addresses, each its own", () => {
  const world = new World({ flags: { clusterCidr: "10.244.0.0/16" } });
  world.run(1000);
  expect(world.list(NODES).map((node) => node.spec.podCIDR)).toEqual([
    "10.244.0.0/24",
    "10.244.1.0/24",
    "10.244.2.0/24",
  ]);
});

test("a finished Job goes after its time to live", () => {
  const world = new World({ ends: () => ({ exitCode: 0, afterMs: 500 }) });
  world.create(JOBS, {
    metadata: { name: "j", namespace: "default" },
    spec: {
      ttlSecondsAfterFinished: 10,
      template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "x" }] } },
    },
  } as Manifest);
  world.run(8000);
  expect(world.find(JOBS, "j")).toBeDefined();
  world.run(10_000);
  expect(world.find(JOBS, "j")).toBeUndefined();
  expect(world.list(PODS)).toEqual([]);
});

test("every namespace has the CA; aggregated roles gather rules; approved requests are signed", () => {
  const world = new World({ almighty: true });
  world.run(1000);
  expect(world.get(CONFIG_MAPS, "kube-root-ca.crt", "kube-public").data!["ca.crt"]).toContain("BEGIN CERTIFICATE");
  world.create(CLUSTER_ROLES, {
    metadata: { name: "extra", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    rules: [{ apiGroups: ["example.com"], resources: ["crontabs"], verbs: ["get"] }],
  } as Manifest);
  world.run(1000);
  expect(world.get(CLUSTER_ROLES, "view").rules?.some((rule) => rule.apiGroups?.includes("example.com"))).toBe(true);
  world.create(CERTIFICATE_SIGNING_REQUESTS, {
    metadata: { name: "jane" },
    spec: { request: "LS0tLS1CRUdJTg==", signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] },
  } as Manifest);
  const made = world.get(CERTIFICATE_SIGNING_REQUESTS, "jane");
  const condition = { type: "Approved", status: "True", reason: "KubectlApprove", message: "ok" };
  const approved = world.client.updateSubresource(
    CERTIFICATE_SIGNING_REQUESTS as Manifest,
    { name: "jane" },
    "approval",
    {
      ...made,
      status: { conditions: [condition] },
    },
  );
  expect(approved.ok).toBe(true);
  world.run(1000);
  expect(world.get(CERTIFICATE_SIGNING_REQUESTS, "jane").status.certificate).toBeTruthy();
});

test("an autoscaler follows the load up at once, and down after five quiet minutes", () => {
  let cpuMilli = 200;
  const world: World = new World({
    makeTransport: (loop, random) =>
      new ApiServer({
        loop,
        random,
        metrics: {
          node: () => undefined,
          pod: () => ({ containers: [{ name: "web", cpuMilli, memoryBytes: 1 }], at: loop.now() }),
        },
      }),
  });
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "app", resources: { requests: { cpu: "100m" } } }] },
  };
  world.create(DEPLOYMENTS, deployment("web", 1, "app", { template }));
  world.create(HORIZONTAL_POD_AUTOSCALERS, {
    metadata: { name: "web", namespace: "default" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
    },
  } as Manifest);
  world.run(45_000);
  expect(world.get(DEPLOYMENTS, "web").spec.replicas).toBe(3);
  expect(world.events("web")).toContain(
    "Normal SuccessfulRescale New size: 3; reason: cpu resource utilization (percentage of request) above target",
  );
  const limited = () =>
    world.get(HORIZONTAL_POD_AUTOSCALERS, "web").status.conditions?.find((c) => c.type === "ScalingLimited");
  expect(limited()).toMatchObject({ status: "True", reason: "TooManyReplicas" });
  cpuMilli = 10;
  world.run(4 * 60_000);
  expect(world.get(DEPLOYMENTS, "web").spec.replicas).toBe(3);
  world.run(3 * 60_000);
  expect(world.get(DEPLOYMENTS, "web").spec.replicas).toBe(1);
  expect(world.events("web")).toContain("Normal SuccessfulRescale New size: 1; reason: All metrics below target");
});
