/**
 * A cluster: its machines, the control plane's processes, a kubelet and a proxy on every node, and the add-ons. Nothing
 * here decides anything for Kubernetes; it starts programs and joins them to each other.
 */
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import { sha256Hex } from "../../base/hash";
import type { Image } from "../../containerd/api";
import { parseReference } from "../../containerd/reference";
import { CriError } from "../../containerd/cri";
import type { Registries } from "../../containerd/registry";
import { addressAt, type Cidr, parseCidr } from "../../net/address";
import { headerOf, HttpFailure, httpRequest } from "../../net/http";
import type { Network } from "../../net/network";
import { sshd } from "../../net/programs/ssh";
import type { Segment } from "../../net/segment";
import type { DirInode } from "../../os/inode";
import type { Process, Program } from "../../os/process";
import type { KubeObject } from "../apimachinery/object";
import type { Transport } from "../apimachinery/transport";
import type { KubeletUsage, MetricsServer } from "../addons/metrics-server";
import type { ProxiedAnswer, ProxiedRequest } from "../apiserver/proxy";
import type { ComponentHealth } from "../apiserver/component-statuses";
import { ApiServer } from "../apiserver/server";
import type { Node } from "../api/types.generated";
import { Client } from "../client/client";
import { NODES } from "../client/resources";
import { EtcdCluster } from "../etcd/cluster";
import { type Kubelet, runKubelet } from "../kubelet/kubelet";
import { KubeletServer } from "../kubelet/server";
import { NodeCni } from "./cni";
import { ControlPlane } from "./control-plane";
import { Host } from "./host";
import { identities } from "./identities";
import { klogLine } from "../client/klog";
import { CA_PEM, controlPlanePki, kubeconfigText } from "./kubeconfig";
import { ApiLink } from "./link";
import type { ClusterProfile, MachineProfile } from "./profiles";
import { nodePrograms } from "./programs";
import { controlPlaneImages, etcdArguments, staticPodManifests } from "./static-pods";

export interface NodeImage {
  /** Full names: `docker.io/library/nginx:1.25`. */
  readonly names: readonly string[];
  readonly image: Image;
}

export interface ClusterOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly network: Network;
  /** The LAN that the machines (and the laptop) are on. */
  readonly lan: Segment;
  /** The world's programs; the cluster adds its own. */
  readonly programs: Map<string, Program>;
  readonly registries: Registries;
  readonly profile: ClusterProfile;
  readonly pauseImage: Image;
  /** Gives the LAN's gateway a route to a node's Pods, where the profile asks for it. */
  readonly routePods?: (destination: Cidr, node: string) => void;
  /** Images that every node has from the start. */
  readonly images?: readonly NodeImage[];
  /** A fresh file tree for a machine. */
  readonly makeRoot?: (host: string) => DirInode;
  /** Starts what runs on each node besides the kubelet, and lays add-ons. Handed in so that tests can do without. */
  readonly install?: (cluster: Cluster) => void;
}

/** What an administrator sets on machines with etcd, so that etcdctl need not be told each time. */
const ETCDCTL_ENVIRONMENT = `PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
ETCDCTL_CACERT=/etc/kubernetes/pki/etcd/ca.crt
ETCDCTL_CERT=/etc/kubernetes/pki/etcd/healthcheck-client.crt
ETCDCTL_KEY=/etc/kubernetes/pki/etcd/healthcheck-client.key
`;

export class Cluster {
  readonly options: ClusterOptions;
  readonly profile: ClusterProfile;
  readonly etcd: EtcdCluster;
  readonly api: ApiServer;
  readonly controlPlane: ControlPlane;
  readonly hosts = new Map<string, Host>();
  /** The running kubelet of each node. */
  readonly kubelets = new Map<string, Kubelet>();
  /** The metrics add-on, where the profile has it. */
  metricsServer: MetricsServer | undefined;
  /** The add-ons' objects are all in the API. */
  addonsAreLaid = false;
  readonly #servers = new WeakMap<Kubelet, KubeletServer>();
  readonly #links = new Map<string, ApiLink>();
  readonly #hostOfKernel = new Map<unknown, Host>();

  constructor(options: ClusterOptions) {
    this.options = options;
    const { loop, random, profile } = options;
    this.profile = profile;
    const machines = this.machines();
    const memberNames =
      profile.etcdMachines?.map((machine) => machine.name) ??
      (profile.controlPlane.kind === "processes" ? ["default"] : profile.controlPlane.nodes.map((node) => node.name));
    this.etcd = new EtcdCluster(memberNames);
    this.api = new ApiServer({
      loop,
      random: random.stream("kubernetes"),
      etcd: this.etcd,
      address: this.address,
      serviceCidr: profile.serviceCidr,
      certificateAuthority: CA_PEM,
      kubelet: (node) => this.#dial(node),
      components: () => this.#componentHealth(),
      proxy: (request, done) => this.#proxy(request, done),
      node: (node, path) => this.#server(node)?.http(path),
      ...(profile.staticTokens ? { staticTokens: profile.staticTokens } : {}),
      ...(profile.addons.includes("metrics-server")
        ? {
            metrics: {
              node: (name) => this.metricsServer?.node(name),
              pod: (namespace, name) => this.metricsServer?.pod(namespace, name),
            },
          }
        : {}),
    });
    this.api.stop();
    for (const member of memberNames) this.etcd.stopMember(member);
    this.controlPlane = new ControlPlane({
      loop,
      random: random.stream("kubernetes"),
      profile,
      etcd: this.etcd,
      api: this.api,
      link: (process) => this.link(this.hostOf(process)?.name ?? ""),
      memberName: (process) =>
        memberNames.length === 1 && profile.controlPlane.kind === "processes"
          ? "default"
          : (this.hostOf(process)?.name ?? memberNames[0]!),
      identity: (process) =>
        profile.controlPlane.kind === "processes"
          ? profile.controllerIdentity
          : (this.hostOf(process)?.name ?? profile.controllerIdentity),
      log: (process, unit, severity, text) => {
        const host = this.hostOf(process);
        host?.journal.write(unit, `${unit}[${process.pid}]`, klogLine(severity, loop.now(), process.pid, text));
      },
    });
    for (const [name, program] of this.controlPlane.programs()) options.programs.set(name, program);
    for (const machine of machines) this.#addHost(machine);
    if (profile.staticPodNetworks) this.#layRoutes();
    for (const [name, program] of nodePrograms(this)) options.programs.set(name, program);
  }

  // ---- what there is ---------------------------------------------------------------------------------------------------

  /** Every machine, the control plane's first. */
  machines(): readonly MachineProfile[] {
    const { controlPlane, workers, etcdMachines = [] } = this.profile;
    return [
      ...(controlPlane.kind === "processes" ? [controlPlane.machine] : controlPlane.nodes),
      ...workers,
      ...etcdMachines,
    ];
  }

  /** Machines that are nodes of the cluster. */
  nodeProfiles(): readonly MachineProfile[] {
    const { controlPlane, workers } = this.profile;
    return [...(controlPlane.kind === "processes" ? [] : controlPlane.nodes), ...workers];
  }

  /** `10.89.0.10:6443` */
  get address(): string {
    return `${this.machines()[0]!.address}:6443`;
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no machine named ${name}`);
    return host;
  }

  /** A machine besides the cluster's own stands for one of them: its processes count as that one's. */
  adopt(kernel: Process["kernel"], name: string): void {
    this.#hostOfKernel.set(kernel, this.host(name));
  }

  hostOf(process: Process): Host | undefined {
    return this.#hostOfKernel.get(process.kernel);
  }

  /** The API as somebody on the same network reaches it: refused when the server is down. */
  get transport(): Transport {
    return this.api;
  }

  /** The way of one machine to the API server. */
  link(host: string): ApiLink {
    let link = this.#links.get(host);
    if (!link) {
      const isLocal = host === this.machines()[0]!.name;
      link = new ApiLink({
        loop: this.options.loop,
        server: this.api,
        address: this.address,
        isConnected: () =>
          isLocal || ((this.hosts.get(host)?.isConnected ?? true) && this.host(this.machines()[0]!.name).isConnected),
      });
      this.#links.set(host, link);
    }
    return link;
  }

  /** A client with all rights, for tests, invariants and what `machine` does before the learner arrives. */
  adminClient(userAgent = "kubeadm/v1.36.2 (linux/amd64) kubernetes"): Client {
    return new Client({ transport: this.api, userAgent, credentials: identities.admin });
  }

  /** `pki`: where the certificates lie as files, when the kubeconfig names those instead of holding them. */
  adminKubeconfig(pki?: string): string {
    return kubeconfigText({
      ...(pki === undefined ? {} : { pki, namespace: "default" }),
      server: `https://${this.address}`,
      cluster: "kubernetes",
      user: "kubernetes-admin",
      credentials: identities.admin,
      caPem: CA_PEM,
    });
  }

  nodes(): readonly Node[] {
    const list = this.adminClient().list(NODES);
    return list.ok ? list.value.items : [];
  }

  /** Every node has registered and is Ready, and the add-ons run. */
  get isReady(): boolean {
    if (!this.areNodesReady) return false;
    if (this.profile.addons.length === 0) return true;
    if (!this.addonsAreLaid) return false;
    const isUp = (o: KubeObject): boolean =>
      (o["status"]?.observedGeneration ?? 0) === o.metadata.generation &&
      (o.kind === "DaemonSet"
        ? o["status"]?.numberReady === o["status"]?.desiredNumberScheduled
        : (o["status"]?.readyReplicas ?? 0) === (o["spec"].replicas ?? 1));
    return ["daemonsets", "deployments"].every(
      (plural) => this.api.storage("apps", plural)?.list().every(isUp) ?? true,
    );
  }

  get areNodesReady(): boolean {
    if (!this.api.running) return false;
    // Looked at many times while booting: without requests, which would all be written into the audit log.
    const nodes = (this.api.storage("", "nodes")?.list() ?? []) as readonly KubeObject[] as readonly Node[];
    return (
      nodes.length === this.nodeProfiles().length &&
      nodes.every(
        (node) =>
          node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") &&
          !node.spec.taints?.some((taint) => taint.key === "node.kubernetes.io/not-ready"),
      )
    );
  }

  /** What the health ports of the scheduler and the controller manager say. */
  #componentHealth(): readonly ComponentHealth[] {
    return (["scheduler", "controller-manager"] as const).map((name) => {
      const port = name === "scheduler" ? 10259 : 10257;
      return this.controlPlane.processOf(`kube-${name}`)
        ? { name, message: "ok" }
        : {
            name,
            error: `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`,
          };
    });
  }

  // ---- starting ------------------------------------------------------------------------------------------------------

  /** Starts everything, in order. The loop does the rest. */
  boot(): void {
    const { controlPlane, etcdMachines = [] } = this.profile;
    for (const machine of etcdMachines) {
      const { systemd } = this.host(machine.name);
      for (const unit of systemd.units()) systemd.start(unit);
    }
    if (controlPlane.kind === "processes") {
      const host = this.host(controlPlane.machine.name);
      for (const unit of host.systemd.units()) host.systemd.start(unit);
    }
    for (const machine of this.nodeProfiles()) {
      const host = this.host(machine.name);
      host.systemd.start(host.systemd.unit("containerd")!);
      host.systemd.start(host.systemd.unit("kubelet")!);
      host.systemd.start(host.systemd.unit("ssh")!);
    }
    this.options.install?.(this);
  }

  /** Runs the loop until the nodes are Ready, at most so many virtual ms. Answers whether they are. */
  bootAndWait(maxMs = 120_000): boolean {
    const { loop } = this.options;
    this.boot();
    const until = loop.now() + maxMs;
    while (loop.now() < until) {
      loop.runUntil(Math.min(until, loop.now() + 250));
      if (this.isReady) return true;
    }
    return this.isReady;
  }

  #addHost(machine: MachineProfile): void {
    const { loop, random, network, lan, programs, registries, makeRoot } = this.options;
    const { profile } = this;
    const host = new Host({
      loop,
      random,
      network,
      lan,
      programs,
      registries,
      specs: machine,
      kernelRelease: profile.kernelRelease,
      lanPrefix: profile.lanPrefix,
      gateway: profile.lanGateway,
      hosts: new Map(this.machines().map((each) => [each.name, each.address])),
      ...(makeRoot ? { root: makeRoot(machine.name) } : {}),
    });
    this.hosts.set(machine.name, host);
    this.#hostOfKernel.set(host.kernel, host);
    const { controlPlane } = profile;
    if (profile.etcdMachines?.includes(machine)) this.#installEtcd(host, machine);
    else if (controlPlane.kind === "processes" && machine === controlPlane.machine) this.#installProcesses(host);
    else this.#installNode(host, machine);
  }

  /** The control plane as plain services of one machine. */
  #installProcesses(host: Host): void {
    const descriptions: Readonly<Record<string, string>> = {
      etcd: "etcd key-value store",
      "kube-apiserver": "Kubernetes API Server",
      "kube-controller-manager": "Kubernetes Controller Manager",
      "kube-scheduler": "Kubernetes Scheduler",
    };
    for (const [name, program] of this.controlPlane.programs())
      host.systemd.add({
        name: `${name}.service`,
        description: descriptions[name] ?? name,
        path: `/etc/systemd/system/${name}.service`,
        argv: [`/usr/local/bin/${name}`],
        program,
        restartSeconds: 5,
      });
    host.write("/root/.kube/config", this.adminKubeconfig());
  }

  /** A member of etcd as the service of a machine that does nothing else. */
  #installEtcd(host: Host, machine: MachineProfile): void {
    this.#addSsh(host);
    host.systemd.add({
      name: "etcd.service",
      description: "etcd key-value store",
      documentation: "https://etcd.io",
      path: "/etc/systemd/system/etcd.service",
      argv: etcdArguments("/usr/local/bin/etcd", machine, this.profile.etcdMachines!),
      program: this.controlPlane.programs().get("etcd")!,
      restartSeconds: 5,
    });
    for (const [path, text] of controlPlanePki())
      if (path.startsWith("etcd/")) host.write(`/etc/kubernetes/pki/${path}`, text);
    host.write("/etc/environment", ETCDCTL_ENVIRONMENT);
  }

  #addSsh(host: Host): void {
    host.systemd.add({
      name: "ssh.service",
      description: "OpenBSD Secure Shell server",
      documentation: "man:sshd(8)",
      path: "/lib/systemd/system/ssh.service",
      argv: ["/usr/sbin/sshd", "-D"],
      program: sshd,
      restartSeconds: 1,
    });
  }

  #installNode(host: Host, machine: MachineProfile): void {
    const { profile, options } = this;
    const { loop } = options;
    const index = this.nodeProfiles().indexOf(machine);
    const podNetwork = parseCidr(profile.podCidr)!;
    const cidr = parseCidr(`${addressAt(podNetwork, index * 256)}/24`)!;
    const cni = new NodeCni(host.netns);
    if (profile.staticPodNetworks) cni.configure(cidr, podNetwork);
    host.installContainerd(cni, options.pauseImage);
    host.containerd.importImage(options.pauseImage, ["registry.k8s.io/pause:3.10"]);
    for (const { image, names } of options.images ?? []) host.containerd.importImage(image, names);
    for (const name of profile.presentImages) {
      const image = this.#published(name);
      if (image) host.containerd.importImage(image, [name]);
    }
    const isControlPlane = profile.controlPlane.kind === "static-pods" && profile.controlPlane.nodes.includes(machine);
    if (isControlPlane) {
      for (const [name, image] of controlPlaneImages(profile)) host.containerd.importImage(image, [name]);
      for (const [file, text] of staticPodManifests(profile, machine))
        host.write(`/etc/kubernetes/manifests/${file}`, text);
      host.write("/etc/kubernetes/admin.conf", this.adminKubeconfig());
      host.write("/root/.kube/config", this.adminKubeconfig());
      for (const [path, text] of controlPlanePki()) host.write(`/etc/kubernetes/pki/${path}`, text);
      if (!profile.etcdMachines) host.write("/etc/environment", ETCDCTL_ENVIRONMENT);
    } else host.mounts.makeDirs("/etc/kubernetes/manifests");
    host.write("/etc/kubernetes/pki/ca.crt", CA_PEM);
    host.write(
      "/etc/kubernetes/kubelet.conf",
      kubeconfigText({
        server: `https://${this.address}`,
        cluster: "kubernetes",
        user: `system:node:${machine.name}`,
        credentials: identities.kubelet(machine.name),
        caPem: CA_PEM,
      }),
    );
    // Where the cloud looks after the control plane, that machine has no door for its customers: nodes only.
    this.#addSsh(host);
    const id = profile.machineId ?? sha256Hex(`machine ${machine.name}`).slice(0, 32);
    const boot = sha256Hex(`boot ${machine.name}`);
    const self = this;
    host.systemd.add({
      name: "kubelet.service",
      description: "kubelet: The Kubernetes Node Agent",
      documentation: "https://kubernetes.io/docs/",
      path: "/usr/lib/systemd/system/kubelet.service",
      dropIns: ["/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"],
      argv: ["/usr/bin/kubelet", "--config=/var/lib/kubelet/config.yaml", "--kubeconfig=/etc/kubernetes/kubelet.conf"],
      restartSeconds: 10,
      program: function* (process) {
        return yield* runKubelet(
          process,
          {
            transport: self.link(machine.name),
            credentials: identities.kubelet(machine.name),
            random: options.random.stream("kubernetes"),
            specs: {
              name: machine.name,
              internalIp: machine.address,
              cpuCount: machine.cpuCount,
              memoryBytes: machine.memoryBytes,
              diskBytes: profile.diskBytes,
              diskAllocatable: profile.diskAllocatable,
              podsMax: 110,
              osImage: profile.osImage,
              kernelRelease: profile.kernelRelease,
              machineId: id,
              bootId: `${boot.slice(0, 8)}-${boot.slice(8, 12)}-4${boot.slice(13, 16)}-a${boot.slice(17, 20)}-${boot.slice(20, 32)}`,
              kubeletVersion: profile.kubernetesVersion,
              runtimeVersion: profile.runtimeVersion,
              labels: machine.labels ?? {},
              annotations: {},
              taints: machine.taints ?? [],
            },
            dns: {
              clusterDomain: profile.clusterDomain,
              ...(profile.clusterDns ? { clusterDns: profile.clusterDns } : {}),
            },
            runtime: () => host.runtime(),
            images: () => host.images(),
            log: (severity, text) =>
              host.journal.write(
                "kubelet.service",
                `kubelet[${process.pid}]`,
                klogLine(severity, loop.now(), process.pid, text),
              ),
            diskUsedBytes: () => (host.images()?.imageFsInfo().usedBytes ?? 0) + host.extraDiskBytes,
            staticPodPath: "/etc/kubernetes/manifests",
          },
          (kubelet) => {
            self.kubelets.set(machine.name, kubelet);
            process.atExit(() => {
              if (self.kubelets.get(machine.name) === kubelet) self.kubelets.delete(machine.name);
            });
          },
        );
      },
    });
  }

  /** What a registry of the world has under a full name. */
  #published(name: string): Image | undefined {
    const reference = parseReference(name);
    if (!reference.ok) return undefined;
    const { domain, path, tag = "latest" } = reference.value;
    const found = this.options.registries.get(domain)?.manifest(path, tag);
    return found && !("kind" in found) ? found : undefined;
  }

  /** Routes to the other nodes' Pods, as a host-gw CNI lays them. */
  #layRoutes(): void {
    const podNetwork = parseCidr(this.profile.podCidr)!;
    const nodes = this.nodeProfiles();
    if (this.profile.podsBehindGateway) {
      for (const [index, node] of nodes.entries())
        this.options.routePods?.(parseCidr(`${addressAt(podNetwork, index * 256)}/24`)!, node.address);
      return;
    }
    for (const host of this.hosts.values())
      nodes.forEach((node, index) => {
        if (node.name === host.name) return;
        host.netns.addRoute({
          destination: parseCidr(`${addressAt(podNetwork, index * 256)}/24`)!,
          gateway: node.address,
          device: "eth0",
          protocol: "static",
        });
      });
  }

  // ---- nodes that come and go -------------------------------------------------------------------------------------------

  /** kubeadm join, once it has been let in: the machine's kubelet starts and registers. */
  joinNode(host: Host): void {
    host.systemd.start(host.systemd.unit("containerd")!);
    host.systemd.start(host.systemd.unit("kubelet")!);
  }

  /** kubeadm reset: the kubelet stops and what it ran is removed. The Node object stays until somebody deletes it. */
  resetNode(host: Host): void {
    const kubelet = host.systemd.unit("kubelet");
    if (kubelet) host.systemd.stop(kubelet);
    for (const container of [...host.containerd.containers.values()]) container.signal("KILL");
  }

  // ---- the API server's way to the kubelets ---------------------------------------------------------------------------

  #server(node: string): KubeletServer | undefined {
    const kubelet = this.kubelets.get(node);
    if (!kubelet || !this.hosts.get(node)?.isConnected) return undefined;
    let server = this.#servers.get(kubelet);
    if (!server) this.#servers.set(kubelet, (server = new KubeletServer(kubelet)));
    return server;
  }

  /** A request that the API server makes for a client, from the machine it runs on. */
  #proxy(request: ProxiedRequest, done: (answer: ProxiedAnswer) => void): () => void {
    const process = this.controlPlane.processOf("kube-apiserver");
    if (!process) {
      done({ failure: "connection refused" });
      return () => {};
    }
    const handle = process.thread(
      (function* () {
        try {
          const answer = yield* httpRequest(process, {
            method: request.method,
            url: request.url,
            headers: request.headers,
            ...(request.body === undefined ? {} : { body: encodeUtf8(request.body) }),
            insecure: true,
          });
          const contentType = headerOf(answer.headers, "content-type") ?? "text/plain; charset=utf-8";
          done({ status: answer.status, contentType, body: decodeUtf8(answer.body) });
        } catch (error) {
          if (!(error instanceof HttpFailure)) throw error;
          done({ failure: error.message });
        }
      })(),
    );
    return () => handle.cancel();
  }

  #dial(node: string): KubeletServer | undefined {
    return this.#server(node);
  }

  /** What metrics-server scrapes; undefined when the kubelet does not answer. */
  kubeletUsage(node: string): KubeletUsage | undefined {
    try {
      return this.#server(node)?.usage();
    } catch (error) {
      // The kubelet answers with an error while its runtime is away; a scrape that failed has nothing to say.
      if (error instanceof CriError) return undefined;
      throw error;
    }
  }
}

export const createCluster = (options: ClusterOptions): Cluster => new Cluster(options);
