/** The tools of a node, and a kubeadm-like cluster whose control plane runs as static Pods. */
import { beforeAll, expect, test } from "vitest";
import { decodeUtf8 } from "@/simulator/base/bytes";
import { DEPLOYMENTS, NODES, PODS } from "@/simulator/kubernetes/client/resources";
import { Faults } from "@/simulator/kubernetes/cluster/faults";
import { Invariants } from "@/simulator/kubernetes/cluster/invariants";
import { threeNodes } from "@/simulator/kubernetes/cluster/profiles";
import { SinkFile } from "@/simulator/os/open-file";
import { deploymentOf, makeWorld, podOf, type World } from "./world";

/** Runs one of the world's programs on a machine. */
function run(
  world: World,
  machine: string,
  line: string,
): { readonly out: string; readonly err: string; readonly code: number } {
  const argv = line.split(" ");
  const host = world.cluster.host(machine);
  let out = "";
  let err = "";
  const process = host.kernel.spawn(host.context, undefined, {
    argv,
    program: world.cluster.options.programs.get(argv[0]!)!,
    files: new Map([
      [0, new SinkFile("stdin", () => {})],
      [1, new SinkFile("out", (bytes) => void (out += bytes))],
      [2, new SinkFile("err", (bytes) => void (err += bytes))],
    ]),
  });
  world.until(line, () => !process.alive, 60);
  return { out: decodeUtf8(out as never), err: decodeUtf8(err as never), code: process.ended.peek()!.code };
}

let world: World;

beforeAll(() => {
  world = makeWorld({ profile: threeNodes });
});

const systemPods = (): string[] =>
  world
    .pods()
    .filter((p) => p.metadata.namespace === "kube-system")
    .map((p) => p.metadata.name);

test("the control plane shows as Pods of kube-system", () => {
  expect(systemPods()).toEqual(
    expect.arrayContaining([
      "etcd-control-plane",
      "kube-apiserver-control-plane",
      "kube-controller-manager-control-plane",
      "kube-scheduler-control-plane",
    ]),
  );
  expect(systemPods().filter((name) => name.startsWith("coredns-"))).toHaveLength(2);
  expect(systemPods().filter((name) => name.startsWith("kube-proxy-"))).toHaveLength(3);
});

test("crictl, ctr, systemctl and journalctl look at their machine", () => {
  world.apply(podOf("here", { command: ["sleep", "3600"] }, { nodeName: "worker-1" }));
  world.until("running", () => world.pod("here")?.status?.phase === "Running", 20);
  const ps = run(world, "worker-1", "crictl ps --name here");
  expect(ps.out.split("\n")[0]).toMatch(
    /^CONTAINER {11}IMAGE {15}CREATED +STATE {15}NAME {16}ATTEMPT {13}POD ID {14}POD {17}NAMESPACE$/,
  );
  expect(ps.out).toMatch(/\n[0-9a-f]{13} {7}[0-9a-f]{13} {7}.* ago +Running +here +0 +[0-9a-f]{13} {7}here +default\n/);
  expect(run(world, "worker-1", "crictl pods --name here -q").out).toMatch(/^[0-9a-f]{64}\n$/);
  expect(run(world, "worker-1", "crictl images").out).toContain("registry.k8s.io/pause");
  expect(run(world, "worker-1", "crictl inspect nope")).toMatchObject({ code: 1 });
  expect(run(world, "worker-1", "ctr -n k8s.io images ls").out).toContain("docker.io/library/tools:1");
  const status = run(world, "worker-1", "systemctl status kubelet");
  expect(status.out).toMatch(/^● kubelet\.service - kubelet: The Kubernetes Node Agent\n {5}Loaded: loaded/);
  expect(status.out).toContain("Active: active (running) since Mon 2026-11-23 12:00:00 UTC; ");
  expect(run(world, "worker-1", "journalctl -u kubelet --no-pager").out).toMatch(
    /Nov 23 12:00:0\d worker-1 kubelet\[\d+\]: I1123 12:00:0\d\.\d{6} +\d+ kubelet_node_status\.go:79\] "Successfully registered node" node="worker-1"/,
  );
  run(world, "worker-1", "systemctl stop containerd");
  expect(run(world, "worker-1", "crictl ps").err).toContain("connect: connection refused");
  expect(run(world, "worker-1", "systemctl is-active containerd")).toMatchObject({ out: "inactive\n", code: 3 });
  run(world, "worker-1", "systemctl start containerd");
  world.seconds(15);
  expect(world.pod("here")?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
});

test("without a scheduler Pods stay Pending; moving its manifest back cures it", () => {
  const faults = new Faults(world.cluster);
  faults.stopComponent("kube-scheduler");
  world.seconds(15);
  expect(systemPods()).not.toContain("kube-scheduler-control-plane");
  world.apply(podOf("waits", { command: ["sleep", "3600"] }));
  world.seconds(20);
  expect(world.pod("waits")?.spec.nodeName).toBeUndefined();
  faults.startComponent("kube-scheduler");
  world.until("scheduled", () => world.pod("waits")?.status?.phase === "Running", 60);
});

test("deleting a mirror Pod deletes nothing; deleting the process's container restarts it", () => {
  const before = world.cluster.controlPlane.processOf("kube-controller-manager")!;
  world.client.delete(
    PODS,
    { namespace: "kube-system", name: "kube-controller-manager-control-plane" },
    { gracePeriodSeconds: 0 },
  );
  world.seconds(6);
  expect(systemPods()).toContain("kube-controller-manager-control-plane");
  expect(world.cluster.controlPlane.processOf("kube-controller-manager")).toBe(before);
  new Faults(world.cluster).crashComponent("kube-controller-manager");
  world.seconds(10);
  expect(world.cluster.controlPlane.processOf("kube-controller-manager")).not.toBe(before);
  expect(
    world.pod("kube-controller-manager-control-plane", "kube-system")?.status?.containerStatuses?.[0]?.restartCount,
  ).toBe(1);
});

test("etcd: keys, members, a snapshot and its return", () => {
  const tls =
    "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key";
  expect(run(world, "control-plane", "etcdctl member list")).toMatchObject({
    code: 1,
    err: expect.stringContaining("Error: context deadline exceeded"),
  });
  expect(run(world, "control-plane", `etcdctl ${tls.replace("server.key", "none.key")} member list`)).toMatchObject({
    code: 1,
    err: "Error: open /etc/kubernetes/pki/etcd/none.key: no such file or directory\n",
  });
  expect(run(world, "control-plane", `etcdctl ${tls} member list`).out).toBe(
    "8e9e05c52164694d, started, control-plane, https://10.89.0.10:2380, https://10.89.0.10:2379, false\n",
  );
  expect(run(world, "control-plane", `etcdctl ${tls} get /registry/pods/default --prefix --keys-only`).out).toContain(
    "/registry/pods/default/here\n\n",
  );
  world.apply(deploymentOf("keep", 2));
  world.seconds(10);
  expect(run(world, "control-plane", `etcdctl ${tls} snapshot save /tmp/snap.db`).out).toBe(
    "Snapshot saved at /tmp/snap.db\n",
  );
  expect(run(world, "control-plane", "etcdutl snapshot status /tmp/snap.db -w table").out).toContain("| TOTAL KEYS |");
  world.client.delete(DEPLOYMENTS, { namespace: "default", name: "keep" });
  world.seconds(10);
  expect(
    run(world, "control-plane", "etcdutl snapshot restore /tmp/snap.db --data-dir /var/lib/etcd-restored").code,
  ).toBe(0);
  const host = world.cluster.host("control-plane");
  const manifest = decodeUtf8(host.mounts.readFile("/etc/kubernetes/manifests/etcd.yaml"));
  host.write(
    "/etc/kubernetes/manifests/etcd.yaml",
    manifest.replace("path: /var/lib/etcd\n", "path: /var/lib/etcd-restored\n"),
  );
  world.seconds(60);
  expect(world.client.get(DEPLOYMENTS, { namespace: "default", name: "keep" }).ok).toBe(true);
  expect(world.pods("app=keep").filter((p) => p.status?.phase === "Running")).toHaveLength(2);
});

test("kubeadm: tokens and join", () => {
  const created = run(world, "control-plane", "kubeadm token create --print-join-command");
  expect(created.out).toMatch(
    /^kubeadm join 10\.89\.0\.10:6443 --token [a-z0-9]{6}\.[a-z0-9]{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} \n$/,
  );
  expect(run(world, "control-plane", "kubeadm token list").out).toContain("authentication,signing");
  expect(run(world, "worker-1", created.out.trim()).err).toContain(
    "[ERROR FileAvailable--etc-kubernetes-kubelet.conf]",
  );
  run(world, "worker-2", "kubeadm reset -f");
  world.client.raw({ method: "DELETE", path: "/api/v1/nodes/worker-2" });
  world.seconds(20);
  expect(world.cluster.nodes().map((n) => n.metadata.name)).toEqual(["control-plane", "worker-1"]);
  expect(run(world, "worker-2", created.out.trim()).out).toContain("This node has joined the cluster:");
  world.until("three again", () => world.cluster.isReady, 120);
});

test("a node that was labelled a moment ago takes a Pod that asks for the label", () => {
  world.client.patch(NODES, { name: "worker-2" }, "merge", { metadata: { labels: { disk: "ssd" } } });
  world.apply(podOf("picky", {}, { nodeSelector: { disk: "ssd" } }));
  world.seconds(10);
  expect(world.pod("picky")).toMatchObject({ spec: { nodeName: "worker-2" }, status: { phase: "Running" } });
});

test("nothing is out of place at rest", () => {
  const invariants = new Invariants(world.cluster);
  world.seconds(120);
  expect(invariants.atRest()).toEqual([]);
});
