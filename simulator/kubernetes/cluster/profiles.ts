/** The clusters that worlds start with: their machines, addresses, versions, and what is installed. Plain data. */
import type { Taint } from "../api/types.generated";
import type { UserInfo } from "../apiserver/scope";
import { lanPrefixFor, NODES_ON_SMALL_LAN } from "./lan-size";

export interface MachineProfile {
  readonly name: string;
  readonly address: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
}

export interface ClusterProfile {
  readonly name: string;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly runtimeVersion: string;
  readonly osImage: string;
  readonly kernelRelease: string;
  readonly diskBytes: number;
  /** The part of a node's disk that Pods may use. */
  readonly diskAllocatable: number;
  /** Where the control plane runs. As plain processes on a machine that is no node, or as static Pods on nodes. */
  readonly controlPlane:
    | { readonly kind: "processes"; readonly machine: MachineProfile }
    | { readonly kind: "static-pods"; readonly nodes: readonly MachineProfile[] };
  readonly workers: readonly MachineProfile[];
  /** Machines that hold nothing but a member of etcd each (kubeadm's "external etcd"); absent: the control plane's have it. */
  readonly etcdMachines?: readonly MachineProfile[];
  readonly serviceCidr: string;
  readonly podCidr: string;
  /** Third octet of the first node's Pods with a CNI that is set up by hand; absent: from the Node object. */
  readonly staticPodNetworks: boolean;
  readonly clusterDns: string | undefined;
  readonly clusterDomain: string;
  readonly lanGateway: string;
  /** How many bits of the machines' addresses are the LAN's. */
  readonly lanPrefix: number;
  /** Pods of other nodes are reached through the LAN's gateway, as through a cloud's router, and not node by node. */
  readonly podsBehindGateway?: boolean;
  readonly proxyMode: "iptables" | "ipvs" | "nftables";
  /** Images that every node has from the start, where a registry of the world knows them. */
  readonly presentImages: readonly string[];
  /** Add-ons that are deployed into the cluster. */
  readonly addons: readonly AddonName[];
  /** /etc/machine-id of every machine, where they were copied from one; otherwise each has its own. */
  readonly machineId?: string;
  /** Users who prove themselves by a token of the API server's --token-auth-file. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** The learner works on the control plane's own machine: etcdctl is there, and kubeconfig names files in /etc. */
  readonly isLaptopControlPlane?: boolean;
  /** Service accounts of the default namespace that somebody left behind. */
  readonly leftServiceAccounts?: readonly string[];
  /** Host names that components put into their identities. */
  readonly controllerIdentity: string;
  /** Whose virtual machines the nodes are, where a cloud runs them: what its controller writes on Node objects. */
  readonly cloud?: {
    /** Prefix of provider ids; `{zone}` stands for the machine's zone. */
    readonly provider: string;
    readonly region: string;
    readonly zones: readonly string[];
    readonly instanceType: string;
  };
}

export type AddonName =
  | "coredns"
  | "kube-proxy"
  | "metrics-server"
  | "local-path-provisioner"
  | "cloud-load-balancer"
  | "ingress-nginx";

const GIB = 1024 * 1024 * 1024;
const KIB = 1024;

const recordedNode = (index: number): MachineProfile => ({
  name: `node-${index}`,
  address: `10.89.0.${10 + index}`,
  cpuCount: 2,
  memoryBytes: 24_684_084 * KIB,
});

/** The machines that the recordings of the real system were made on. */
export const recordedKubernetes: ClusterProfile = {
  name: "recorded-kubernetes",
  kubernetesVersion: "v1.36.2",
  etcdVersion: "3.5.16",
  runtimeVersion: "containerd://2.1.9+unknown",
  osImage: "Debian GNU/Linux 12 (bookworm)",
  kernelRelease: "6.18.44-fc-v669",
  diskBytes: 264_212_084 * KIB,
  diskAllocatable: 0.99,
  controlPlane: {
    kind: "processes",
    machine: { name: "vm", address: "10.89.0.10", cpuCount: 2, memoryBytes: 24_684_084 * KIB },
  },
  workers: [recordedNode(1), recordedNode(2), recordedNode(3)],
  serviceCidr: "10.96.0.0/12",
  podCidr: "10.244.0.0/16",
  staticPodNetworks: true,
  clusterDns: "10.96.0.10",
  clusterDomain: "cluster.local",
  lanGateway: "10.89.0.1",
  lanPrefix: 24,
  proxyMode: "iptables",
  presentImages: [
    "docker.io/minhta/hello-world-rest-api:0.0.1.RELEASE",
    "docker.io/in28min/hello-world-rest-api:0.0.2.RELEASE",
    "docker.io/in28min/hello-world-rest-api:0.0.3.RELEASE",
    "docker.io/library/nginx:1.25",
    "docker.io/library/nginx:latest",
    "docker.io/library/busybox:1.28",
    "docker.io/library/busybox:1.36",
    "docker.io/library/busybox:latest",
  ],
  addons: [],
  machineId: "3d1219c7c4c5404aaa1f6d2a48adfda4",
  staticTokens: new Map([
    ["token-admin", { name: "admin", groups: ["system:masters", "system:authenticated"] }],
    ["token-bob", { name: "bob", groups: ["system:authenticated"] }],
  ]),
  isLaptopControlPlane: true,
  leftServiceAccounts: ["build"],
  controllerIdentity: "vm",
};

/** What the recorded machines share with any other cluster of that version. */
const {
  machineId: _machineId,
  staticTokens: _staticTokens,
  isLaptopControlPlane: _isLaptopControlPlane,
  leftServiceAccounts: _leftServiceAccounts,
  ...common
} = recordedKubernetes;

const kubeadm = (name: string, workers: number): ClusterProfile => ({
  ...common,
  name,
  etcdVersion: "3.6.6-0",
  diskBytes: 40 * GIB,
  diskAllocatable: 0.9,
  controlPlane: {
    kind: "static-pods",
    nodes: [
      {
        name: "control-plane",
        address: "10.89.0.10",
        cpuCount: 2,
        memoryBytes: 4 * GIB,
        labels: {
          "node-role.kubernetes.io/control-plane": "",
          "node.kubernetes.io/exclude-from-external-load-balancers": "",
        },
        ...(workers > 0 ? { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] } : {}),
      },
    ],
  },
  workers: Array.from({ length: workers }, (_, i) => ({
    name: `worker-${i + 1}`,
    address: `10.89.0.${11 + i}`,
    cpuCount: 2,
    memoryBytes: 4 * GIB,
  })),
  staticPodNetworks: false,
  presentImages: [],
  addons: ["kube-proxy", "coredns", "metrics-server", "local-path-provisioner", "cloud-load-balancer", "ingress-nginx"],
  controllerIdentity: "control-plane",
});

/** The course's cluster: a control-plane node and two workers, as kubeadm sets them up, with the usual add-ons. */
export const threeNodes: ClusterProfile = kubeadm("three-nodes", 2);

/** As cloud providers sell it: three workers; the control plane runs where its customer does not look. */
export const managed: ClusterProfile = {
  ...common,
  name: "managed",
  etcdVersion: "3.6.6",
  diskBytes: 40 * GIB,
  diskAllocatable: 0.9,
  controlPlane: {
    kind: "processes",
    machine: { name: "control-plane", address: "10.89.0.10", cpuCount: 2, memoryBytes: 4 * GIB },
  },
  workers: [1, 2, 3].map((i) => ({
    name: `node-${i}`,
    address: `10.89.0.${10 + i}`,
    cpuCount: 2,
    memoryBytes: 4 * GIB,
  })),
  presentImages: [],
  addons: ["cloud-load-balancer"],
  controllerIdentity: "control-plane",
  // Google's names: there a provider id ends with the machine's own name, and load balancers have addresses, as here.
  cloud: {
    provider: "gce://course/{zone}",
    region: "asia-southeast1",
    zones: ["asia-southeast1-a", "asia-southeast1-b", "asia-southeast1-c"],
    instanceType: "e2-medium",
  },
};

/** One node for everything. */
export const oneNode: ClusterProfile = kubeadm("one-node", 0);

/** The same machines with no more than kubeadm and a network plugin leave there: for lessons about the control plane itself. */
export const plainKubeadm: ClusterProfile = { ...kubeadm("kubeadm", 2), addons: ["kube-proxy", "coredns"] };

/** A cluster whose etcd has three members, on machines of their own. */
export const externalEtcd: ClusterProfile = {
  ...kubeadm("external-etcd", 2),
  etcdMachines: [1, 2, 3].map((i) => ({
    name: `etcd-${i}`,
    address: `10.89.0.${20 + i}`,
    cpuCount: 2,
    memoryBytes: 4 * GIB,
  })),
  addons: ["kube-proxy", "coredns"],
};

export const profiles: readonly ClusterProfile[] = [
  recordedKubernetes,
  threeNodes,
  managed,
  oneNode,
  plainKubeadm,
  externalEtcd,
];

const PER_SUBNET = 250;

/**
 * `node-1` … of any number up to 1,024, for tests and benchmarks. Many nodes stand on a LAN of 16 bits, share a range of
 * a thousand Pod networks, and find each other's Pods by the gateway: a route to each on each would be a million.
 */
export const withNodes = (profile: ClusterProfile, count: number): ClusterProfile => {
  const isLarge = count > NODES_ON_SMALL_LAN;
  return {
    ...profile,
    lanPrefix: lanPrefixFor(count),
    ...(isLarge ? { podCidr: "10.244.0.0/14", podsBehindGateway: true } : {}),
    workers: Array.from({ length: count }, (_, i) => ({
      ...profile.workers[0]!,
      name: `node-${i + 1}`,
      address: isLarge ? `10.89.${1 + Math.floor(i / PER_SUBNET)}.${1 + (i % PER_SUBNET)}` : `10.89.0.${11 + i}`,
    })),
  };
};
