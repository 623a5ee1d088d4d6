/** What runs in a cluster besides the control plane and the kubelets: kube-proxy, the Pods' network, the add-ons of the profile. */
import type { JsonObject } from "../../base/json";
import { suspend } from "../../base/task";
import { parseCidr } from "../../net/address";
import type { Program } from "../../os/process";
import { CloudControllerManager } from "../addons/cloud-controller-manager";
import { KubeProxy } from "../addons/kube-proxy/kube-proxy";
import { CloudLoadBalancer } from "../addons/load-balancer";
import { LocalPathProvisioner } from "../addons/local-path-provisioner";
import {
  type AddonManifestOptions,
  addonImages,
  corednsManifests,
  flannelManifests,
  ingressNginxManifests,
  kubeProxyManifests,
  localPathManifests,
  metricsServerManifests,
} from "../addons/manifests";
import { MetricsServer } from "../addons/metrics-server";
import { type AddonProgramDependencies, addonPrograms } from "../addons/programs";
import type { KubeObject } from "../apimachinery/object";
import { transportFailureOf } from "../client/client";
import { typeOfResource } from "../client/resource-type";
import type { Cluster } from "./cluster";
import { identities } from "./identities";
import type { AddonName } from "./profiles";
import { systemImage } from "./static-pods";

/** Handed to createCluster as `install`: starts node agents, and lays the add-ons once the API answers. */
export function installAddons(cluster: Cluster): void {
  const { addons } = cluster.profile;
  if (!addons.includes("kube-proxy")) installProxyUnits(cluster);
  if (addons.length === 0) return;
  installPrograms(cluster);
  installImages(cluster);
  if (addons.includes("cloud-load-balancer")) startCloud(cluster);
  layManifests(cluster);
}

/** kube-proxy as a plain service of each node, where it is no DaemonSet. */
function installProxyUnits(cluster: Cluster): void {
  const { loop, random } = cluster.options;
  for (const machine of cluster.nodeProfiles()) {
    const host = cluster.host(machine.name);
    const unit = host.systemd.add({
      name: "kube-proxy.service",
      description: "Kubernetes Kube Proxy",
      path: "/etc/systemd/system/kube-proxy.service",
      argv: ["/usr/local/bin/kube-proxy", `--proxy-mode=${cluster.profile.proxyMode}`],
      restartSeconds: 5,
      *program(process) {
        const proxy = new KubeProxy({
          loop,
          random: random.stream("kubernetes"),
          transport: cluster.link(machine.name),
          credentials: identities.proxy,
          nodeName: machine.name,
          netns: host.netns,
          mode: cluster.profile.proxyMode,
          clusterCidr: cluster.profile.podCidr,
        });
        proxy.start();
        process.atExit(() => proxy.stop());
        yield* suspend(() => undefined);
        return 0;
      },
    });
    host.systemd.start(unit);
  }
}

// ---- add-ons as Pods ---------------------------------------------------------------------------------------------------

/** The programs of add-on images. Each process goes to the API server by its own machine's way. */
function installPrograms(cluster: Cluster): void {
  const { loop, random, programs } = cluster.options;
  const { profile } = cluster;
  const common = { loop, random: random.stream("kubernetes"), transport: cluster.api, credentials: identities.admin };
  const has = (name: AddonName): boolean => profile.addons.includes(name);
  const metricsServer = has("metrics-server")
    ? new MetricsServer({ ...common, scrape: (node) => cluster.kubeletUsage(node) })
    : undefined;
  cluster.metricsServer = metricsServer;
  const dependencies: AddonProgramDependencies = {
    transport: cluster.api,
    clusterCidr: profile.podCidr,
    credentials: () => identities.admin,
    podNetwork: (node) => cluster.hosts.get(node)?.cni?.network,
    ...(metricsServer ? { metricsServer } : {}),
    ...(has("local-path-provisioner") ? { localPathProvisioner: new LocalPathProvisioner(common) } : {}),
  };
  for (const name of addonPrograms(dependencies).keys()) {
    const program: Program = (process) => {
      const machine = cluster.hostOf(process)?.name ?? "";
      return addonPrograms({ ...dependencies, transport: cluster.link(machine) }).get(name)!(process);
    };
    programs.set(name, program);
  }
}

const MIB = 1024 * 1024;

/** The images are on the nodes, as a provider's node images have them. */
function installImages(cluster: Cluster): void {
  for (const { image, entrypoint, program, sizeMb } of addonImages) {
    const made = systemImage(program, image, sizeMb * MIB, entrypoint);
    for (const machine of cluster.nodeProfiles()) cluster.host(machine.name).containerd.importImage(made, [image]);
  }
}

/** The cloud outside: it gives addresses to Services of type LoadBalancer and spreads their connections. */
function startCloud(cluster: Cluster): void {
  const { loop, random, network, lan } = cluster.options;
  const { profile } = cluster;
  const balancer = new CloudLoadBalancer(network, lan, {
    cidr: parseCidr(`10.89.0.0/${profile.lanPrefix}`)!,
    range: parseCidr("10.89.0.192/26")!,
    own: "10.89.0.200",
    gateway: profile.lanGateway,
  });
  new CloudControllerManager({
    loop,
    random: random.stream("kubernetes"),
    transport: cluster.api,
    credentials: identities.admin,
    leaderElect: false,
    balancer,
    ...(profile.cloud ?? { provider: "lab://", region: "lab", zones: ["lab-a"], instanceType: "lab.medium" }),
  }).start();
}

const RETRY_MS = 250;

/** `kubeadm init phase addon all` and the projects' manifests, as soon as there is a server to send them to. */
function layManifests(cluster: Cluster): void {
  const { profile } = cluster;
  const options: AddonManifestOptions = {
    clusterCidr: profile.podCidr,
    dnsAddress: profile.clusterDns ?? "10.96.0.10",
    proxyMode: profile.proxyMode,
    kubernetesVersion: profile.kubernetesVersion,
  };
  const manifests: readonly (readonly [AddonName | "network", readonly JsonObject[]])[] = [
    ["kube-proxy", kubeProxyManifests(options)],
    ["network", profile.staticPodNetworks ? [] : flannelManifests(options)],
    ["coredns", corednsManifests(options)],
    ["local-path-provisioner", localPathManifests()],
    ["metrics-server", metricsServerManifests()],
    ["ingress-nginx", ingressNginxManifests()],
  ];
  const waiting = manifests
    .filter(([name]) => name === "network" || profile.addons.includes(name))
    .flatMap(([, objects]) => objects as unknown as readonly KubeObject[]);
  const client = cluster.adminClient();
  const next = (): void => {
    while (waiting.length > 0) {
      const object = waiting[0]!;
      const served = cluster.api.scheme.byKind(object.apiVersion, object.kind);
      if (!served) throw new Error(`no resource for ${object.apiVersion} ${object.kind}`);
      const created = client.create(typeOfResource(served.resource, served), object);
      if (!created.ok && transportFailureOf(created.error) !== undefined) break;
      if (!created.ok && created.error.reason !== "AlreadyExists") {
        // A namespace's default service account may not be there yet, and the like: once more.
        if (created.error.reason === "Forbidden" || created.error.reason === "NotFound") break;
        throw new Error(`${object.kind} ${object.metadata.name}: ${created.error.message}`);
      }
      waiting.shift();
    }
    if (waiting.length > 0) cluster.options.loop.after(RETRY_MS, next);
    else cluster.addonsAreLaid = true;
  };
  cluster.options.loop.after(RETRY_MS, next);
}
