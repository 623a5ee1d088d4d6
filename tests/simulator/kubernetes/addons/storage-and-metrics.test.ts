import { LocalPathProvisioner } from "@/simulator/kubernetes/addons/local-path-provisioner";
import { MetricsServer } from "@/simulator/kubernetes/addons/metrics-server";
import {
  corednsManifests,
  flannelManifests,
  ingressNginxManifests,
  kubeProxyManifests,
  localPathManifests,
  metricsServerManifests,
} from "@/simulator/kubernetes/addons/manifests";
import { ApiServer } from "@/simulator/kubernetes/apiserver/server";
import { Client } from "@/simulator/kubernetes/client/client";
import * as types from "@/simulator/kubernetes/client/resources";
import { resourceType } from "@/simulator/kubernetes/client/resource-type";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { expect, test } from "vitest";

const admin = { certificate: { commonName: "admin", organizations: ["system:masters"] } };

function start() {
  const loop = new Loop(1_700_000_000_000);
  const random = new Random("test");
  const transport = new ApiServer({ loop, random });
  const client = new Client({ transport, userAgent: "test", credentials: admin });
  const options = { loop, random, transport, credentials: admin, leaderElect: false };
  loop.runUntil(loop.now() + 100);
  for (const name of ["default", "kube-system"]) client.create(types.NAMESPACES, { metadata: { name } });
  return { loop, client, options, settle: (ms = 5000) => loop.runUntil(loop.now() + ms) };
}

const must = <T>(result: { ok: true; value: T } | { ok: false; error: { message?: string } }): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

test("every manifest of every add-on is accepted by the API server", () => {
  const { client } = start();
  const options = {
    clusterCidr: "10.244.0.0/16",
    dnsAddress: "10.96.0.10",
    proxyMode: "iptables",
    kubernetesVersion: "v1.36.2",
  } as const;
  const objects = [
    ...kubeProxyManifests(options),
    ...flannelManifests(options),
    ...corednsManifests(options),
    ...metricsServerManifests(),
    ...localPathManifests(),
    ...ingressNginxManifests(),
  ] as { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } }[];
  const plural = (kind: string): string =>
    kind === "IngressClass" || kind === "StorageClass" ? `${kind.toLowerCase()}es` : `${kind.toLowerCase()}s`;
  for (const object of objects) {
    const created = client.create(
      resourceType(object.apiVersion, object.kind, plural(object.kind), object.metadata.namespace !== undefined),
      object as never,
    );
    // The server itself brings the role of CoreDNS.
    const refused = created.ok || created.error.reason === "AlreadyExists" ? "" : created.error.message;
    expect([object.kind, object.metadata.name, refused]).toEqual([object.kind, object.metadata.name, ""]);
  }
});

test("local-path waits for the scheduler's choice, makes a volume there, and takes a released one away", () => {
  const { client, options, settle } = start();
  for (const object of localPathManifests() as unknown as { kind: string }[])
    if (object.kind === "StorageClass") must(client.create(types.STORAGE_CLASSES, object as never));
  new LocalPathProvisioner(options).start();
  const claim = must(
    client.create(types.PERSISTENT_VOLUME_CLAIMS, {
      metadata: { name: "data", namespace: "default" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: "standard",
        resources: { requests: { storage: "1Gi" } },
      },
    }),
  );
  settle();
  expect(must(client.list(types.PERSISTENT_VOLUMES)).items).toHaveLength(0);
  must(
    client.patch(types.PERSISTENT_VOLUME_CLAIMS, { namespace: "default", name: "data" }, "merge", {
      metadata: { annotations: { "volume.kubernetes.io/selected-node": "node-1" } },
    }),
  );
  settle();
  const [volume] = must(client.list(types.PERSISTENT_VOLUMES)).items;
  expect(volume).toMatchObject({
    metadata: { name: `pvc-${claim.metadata.uid}` },
    spec: {
      capacity: { storage: "1Gi" },
      hostPath: { path: `/opt/local-path-provisioner/pvc-${claim.metadata.uid}_default_data` },
      claimRef: { name: "data" },
    },
  });
  must(client.updateStatus(types.PERSISTENT_VOLUMES, { ...volume!, status: { phase: "Released" } }));
  settle();
  const left = must(client.list(types.PERSISTENT_VOLUMES)).items;
  // The protection finalizer holds it until the protection controller lets go.
  expect(left.every((pv) => pv.metadata.deletionTimestamp !== undefined)).toBe(true);
  const reasons = must(client.list(types.EVENTS, { namespace: "default" })).items.map((event) => event.reason);
  expect(reasons).toEqual(["Provisioning", "ProvisioningSucceeded"]);
});

test("metrics-server answers rates after its second sample, and nothing once it is stopped", () => {
  const { client, loop, options, settle } = start();
  must(client.create(types.NODES, { metadata: { name: "node-1" } }));
  const began = loop.now();
  const server = new MetricsServer({
    ...options,
    scrape: () => {
      const cpuMs = (loop.now() - began) * 0.25;
      return {
        node: { cpuMs: cpuMs * 2, memoryBytes: 2_000_000 },
        pods: [{ namespace: "default", name: "web", containers: [{ name: "c", cpuMs, memoryBytes: 1_000_000 }] }],
      };
    },
  });
  server.start();
  settle();
  expect(server.pod("default", "web")).toBeUndefined();
  settle(15_000);
  expect(server.node("node-1")).toMatchObject({ cpuMilli: 500, memoryBytes: 2_000_000 });
  expect(server.pod("default", "web")).toMatchObject({
    containers: [{ name: "c", cpuMilli: 250, memoryBytes: 1_000_000 }],
  });
  expect(server.pod("default", "other")).toBeUndefined();
  server.stop();
  expect(server.node("node-1")).toBeUndefined();
});
