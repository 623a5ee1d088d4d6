/** A cluster whose etcd has three members on machines of their own: what it does when it loses one, and two. */
import { beforeAll, expect, test } from "vitest";
import { decodeUtf8 } from "@/simulator/base/bytes";
import { CONFIG_MAPS, LEASES } from "@/simulator/kubernetes/client/resources";
import { externalEtcd } from "@/simulator/kubernetes/cluster/profiles";
import { SinkFile } from "@/simulator/os/open-file";
import { makeWorld, type World } from "./world";

let world: World;

beforeAll(() => {
  world = makeWorld({ profile: externalEtcd });
}, 60_000);

const TLS =
  "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key";

/** etcdctl on a machine, with certificates. */
function etcdctl(machine: string, line: string): { readonly text: string; readonly code: number } {
  const argv = ["etcdctl", ...TLS.split(" "), ...line.split(" ")];
  const host = world.cluster.host(machine);
  let text = "";
  const sink = new SinkFile("out", (bytes) => void (text += bytes));
  const process = host.kernel.spawn(host.context, undefined, {
    argv,
    program: world.cluster.options.programs.get("etcdctl")!,
    files: new Map([
      [0, new SinkFile("stdin", () => {})],
      [1, sink],
      [2, sink],
    ]),
  });
  world.until(line, () => !process.alive, 60);
  return { text: decodeUtf8(text as never), code: process.ended.peek()!.code };
}

const etcd = (machine: string, verb: "start" | "stop"): void => {
  const { systemd } = world.cluster.host(machine);
  systemd[verb](systemd.unit("etcd")!);
  world.seconds(1);
};
const write = (name: string) => world.client.create(CONFIG_MAPS, { metadata: { name, namespace: "default" } });

test("members stand on their machines; no control-plane node runs etcd", () => {
  expect(etcdctl("etcd-2", "member list").text.match(/started, etcd-\d, https:\/\/10\.89\.0\.2\d:2380/g)).toHaveLength(
    3,
  );
  expect(world.cluster.host("control-plane").mounts.exists("/etc/kubernetes/manifests/etcd.yaml")).toBe(false);
  expect(
    decodeUtf8(world.cluster.host("control-plane").mounts.readFile("/etc/kubernetes/manifests/kube-apiserver.yaml")),
  ).toContain("--etcd-servers=https://10.89.0.21:2379,https://10.89.0.22:2379,https://10.89.0.23:2379");
});

test("one lost: another leads and writes go on", () => {
  etcd("etcd-1", "stop");
  expect(write("with-two").ok).toBe(true);
  const status = etcdctl("etcd-2", "endpoint status --cluster");
  expect(status.text).toContain("Failed to get the status of endpoint https://10.89.0.21:2379");
  expect(status.text).toMatch(/https:\/\/10\.89\.0\.22:2379, \w+, 3\.6\.6, [\d.]+ MB, true, false/);
  expect(etcdctl("etcd-1", "get /x")).toMatchObject({ code: 1, text: expect.stringContaining("connection refused") });
});

test("two lost: nothing is written and nothing current is read; a member alone answers what it knows", () => {
  etcd("etcd-2", "stop");
  const refused = write("with-one");
  expect(refused.ok ? "" : refused.error.message).toBe("etcdserver: request timed out");
  expect(etcdctl("etcd-3", "put /a b")).toMatchObject({
    code: 1,
    text: expect.stringContaining("context deadline exceeded"),
  });
  expect(etcdctl("etcd-3", "endpoint health --cluster").text.match(/is unhealthy/g)).toHaveLength(3);
  const key = "/registry/configmaps/default/with-two";
  expect(etcdctl("etcd-3", `get ${key} --keys-only`).code).toBe(1);
  expect(etcdctl("etcd-3", `get ${key} --keys-only --consistency=s`)).toEqual({ code: 0, text: `${key}\n\n` });
});

test("a majority again: all goes on from where it was", () => {
  etcd("etcd-1", "start");
  etcd("etcd-2", "start");
  expect(write("with-one").ok).toBe(true);
  expect(world.client.get(CONFIG_MAPS, { namespace: "default", name: "with-two" }).ok).toBe(true);
  expect(etcdctl("etcd-1", "endpoint health --cluster").code).toBe(0);
});

test("a scheduler that is asked to end gives its lease back; the next one works at once", () => {
  const host = world.cluster.host("control-plane");
  const path = "/etc/kubernetes/manifests/kube-scheduler.yaml";
  const manifest = decodeUtf8(host.mounts.readFile(path));
  const holder = (): string | undefined => {
    const lease = world.client.get(LEASES, { namespace: "kube-system", name: "kube-scheduler" });
    return lease.ok ? lease.value.spec?.holderIdentity : undefined;
  };
  // It may have lost its lease while nothing could be written.
  world.seconds(30);
  const before = holder();
  host.mounts.unlink(path);
  world.seconds(4);
  expect(holder() ?? "").toBe("");
  host.write(path, manifest);
  world.seconds(5);
  expect(holder()).toMatch(/^control-plane_/);
  expect(holder()).not.toBe(before);
});
