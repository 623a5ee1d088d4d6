/** A world's cluster: the Cluster of `kubernetes/cluster`, joined to the laptop, the registries and the observer. */
import type { ApiRequest, ApiResponse } from "../base/door";
import type { RollingHash } from "../base/hash";
import type { Loop } from "../base/loop";
import type { Random } from "../base/random";
import type { Image } from "../containerd/api";
import type { Registries } from "../containerd/registry";
import type { Internet } from "../net/internet";
import type { Network } from "../net/network";
import type { Segment } from "../net/segment";
import type { JsonObject } from "../base/json";
import { pauseImage } from "../images/index";
import { isTransportFailure, type Transport, type TransportFailure } from "../kubernetes/apimachinery/transport";
import { SERVICE_ACCOUNTS } from "../kubernetes/client/resources";
import { applyClusterFault } from "../kubernetes/cluster/faults";
import { type Cluster, createCluster } from "../kubernetes/cluster/cluster";
import { adminPki } from "../kubernetes/cluster/kubeconfig";
import { identities } from "../kubernetes/cluster/identities";
import { installAddons } from "../kubernetes/cluster/install";
import { profiles, withNodes } from "../kubernetes/cluster/profiles";
import { parseCidr } from "../net/address";
import type { Process, Program } from "../os/process";
import type { AuditEntry } from "./api";
import { layNodeRoot } from "./node-files";
import type { Laptop } from "./laptop";
import { LAN_GATEWAY } from "./lan";

/** What checks and panels call themselves; their reads are no part of the history they read. */
const OBSERVER = "observer";

/** How long a cluster may take to come up, in virtual ms. */
const BOOT_MS = 180_000;

/** What the cluster is joined to. */
export interface ClusterSurroundings {
  readonly loop: Loop;
  readonly random: Random;
  readonly network: Network;
  readonly lan: Segment;
  readonly registries: Registries;
  readonly laptop: Laptop;
  readonly internet: Internet;
}

/** The image of sandboxes, as this world's registry has it. */
function publishedPause(registries: Registries): Image | undefined {
  const found = registries.get("registry.k8s.io")?.manifest("pause", "3.10");
  return found && !("kind" in found) ? found : undefined;
}

export class ClusterOfWorld {
  readonly cluster: Cluster;
  readonly #world: ClusterSurroundings;

  constructor(
    world: ClusterSurroundings,
    options: { readonly profile: string; readonly workers?: number },
    programs: Map<string, Program>,
  ) {
    const found = profiles.find((profile) => profile.name === options.profile);
    if (!found) throw new Error(`no cluster profile "${options.profile}"`);
    this.#world = world;
    this.cluster = createCluster({
      loop: world.loop,
      random: world.random,
      network: world.network,
      lan: world.lan,
      programs,
      registries: world.registries,
      profile: options.workers === undefined ? found : withNodes(found, options.workers),
      pauseImage: publishedPause(world.registries) ?? pauseImage,
      makeRoot: () => layNodeRoot(LAN_GATEWAY),
      install: installAddons,
      routePods: (destination, node) =>
        world.internet.router.addRoute({ destination, gateway: node, device: "lan", protocol: "static" }),
    });
  }

  boot(): void {
    const { laptop } = this.#world;
    if (!this.cluster.bootAndWait(BOOT_MS)) throw new Error("the cluster did not become ready");
    if (this.cluster.profile.isLaptopControlPlane) this.#sitAtControlPlane();
    else laptop.writeFile("/root/.kube/config", this.cluster.adminKubeconfig(), 0o600);
    for (const name of this.cluster.profile.leftServiceAccounts ?? [])
      this.cluster.adminClient().create(SERVICE_ACCOUNTS, { metadata: { name, namespace: "default" } });
    // The laptop reaches Services through a worker, as a host with kube-proxy's rules would.
    const [worker] = this.cluster.profile.workers;
    const services = parseCidr(this.cluster.profile.serviceCidr);
    if (worker && services)
      laptop.netns.addRoute({ destination: services, gateway: worker.address, device: "eth0", protocol: "static" });
    const machines = this.cluster.machines().map(({ name, address }) => `${address}\t${name}\n`);
    laptop.writeFile("/etc/hosts", `127.0.0.1\tlocalhost\n127.0.1.1\t${laptop.kernel.hostname}\n${machines.join("")}`);
  }

  /** The laptop is the control plane's machine: its tools, and the administrator's certificates as files. */
  #sitAtControlPlane(): void {
    const { laptop } = this.#world;
    const pki = "/etc/kubernetes/pki";
    this.cluster.adopt(laptop.kernel, this.cluster.machines()[0]!.name);
    for (const [name, content] of adminPki(identities.admin)) laptop.writeFile(`${pki}/${name}`, content, 0o600);
    laptop.writeFile("/root/.kube/config", this.cluster.adminKubeconfig(pki), 0o600);
    for (const name of ["etcdctl", "etcdutl"]) laptop.install(name);
  }

  /** The API server as a process reaches it, by the address of its kubeconfig. */
  connect(process: Process, server: string): Transport | TransportFailure {
    const address = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const machine = this.cluster.hostOf(process)?.name ?? "";
    const known = [this.cluster.address, this.cluster.address.replace(/^[^:]+/, this.cluster.machines()[0]!.name)];
    const local = machine === this.cluster.machines()[0]!.name ? ["127.0.0.1:6443", "localhost:6443"] : [];
    if (![...known, ...local].includes(address)) return { failure: `dial tcp ${address}: connect: connection refused` };
    return this.cluster.link(machine);
  }

  // ---- observation -----------------------------------------------------------------------------------------------------

  observe(request: ApiRequest): ApiResponse | undefined {
    const answer = this.cluster.api.request({
      ...request,
      headers: { ...request.headers, "user-agent": OBSERVER },
      credentials: identities.admin,
    });
    return isTransportFailure(answer) ? undefined : answer;
  }

  audit(arrivedAt: number): readonly AuditEntry[] {
    // Checks ask after every change, and the log only grows: what was read of it is kept.
    const entries = this.cluster.api.audit.entries();
    let read = this.#audited;
    if (read?.entries !== entries || read.arrivedAt !== arrivedAt)
      this.#audited = read = { entries, arrivedAt, count: 0, shown: [] };
    for (; read.count < entries.length; read.count++) {
      const entry = entries[read.count]!;
      if (entry.userAgent !== OBSERVER)
        read.shown.push({ ...entry, resource: entry.resource.replace(/\..*$/, ""), at: entry.at - arrivedAt });
    }
    return read.shown;
  }

  #audited:
    | { readonly entries: readonly object[]; readonly arrivedAt: number; count: number; readonly shown: AuditEntry[] }
    | undefined;

  get revision(): number {
    return this.cluster.etcd.store.revision;
  }

  fault(name: string, options: JsonObject): void {
    applyClusterFault(this.cluster, name, options);
  }

  feedHash(hash: RollingHash): void {
    hash.feed(this.cluster.etcd.store.hash() ?? "");
    for (const host of this.cluster.hosts.values())
      for (const process of host.kernel.processes.values())
        hash.feed(`${host.name} ${process.pid} ${process.state} ${process.argv.join(" ")}`);
  }
}
