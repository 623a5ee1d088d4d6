/** A cluster of two nodes with a true API server and true add-ons; Pods and EndpointSlices are written by hand. */
import { addonPrograms } from "@/simulator/kubernetes/addons/programs";
import { CloudControllerManager } from "@/simulator/kubernetes/addons/cloud-controller-manager";
import { Flannel } from "@/simulator/kubernetes/addons/flannel";
import { KubeProxy } from "@/simulator/kubernetes/addons/kube-proxy/kube-proxy";
import { CloudLoadBalancer } from "@/simulator/kubernetes/addons/load-balancer";
import { NetworkPolicyAgent } from "@/simulator/kubernetes/addons/network-policy";
import { PodNetwork } from "@/simulator/kubernetes/addons/pod-network";
import { ApiServer } from "@/simulator/kubernetes/apiserver/server";
import { Client } from "@/simulator/kubernetes/client/client";
import * as types from "@/simulator/kubernetes/client/resources";
import { parseCidr } from "@/simulator/net/address";
import { serveDns } from "@/simulator/net/dns";
import { serveHttp, textResponse } from "@/simulator/net/http";
import { Netns } from "@/simulator/net/netns";
import { netPrograms } from "@/simulator/net/programs/index";
import type { Program } from "@/simulator/os/process";
import { PidNamespace } from "@/simulator/os/process";
import { type Host, makeWorld } from "../../net/world";

const CIDR = "10.244.0.0/16";
const admin = { certificate: { commonName: "admin", organizations: ["system:masters"] } };

const corefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`;

export function makeCluster() {
  const programs = new Map<string, Program>(netPrograms);
  const world = makeWorld(programs);
  const { loop, random } = world;
  const server = new ApiServer({ loop, random, disabledAdmission: ["ServiceAccount"] });
  for (const [name, program] of addonPrograms({ transport: server, credentials: () => admin, clusterCidr: CIDR }))
    programs.set(name, program);
  const client = new Client({ transport: server, userAgent: "test", credentials: admin });
  const must = <T>(result: { ok: true; value: T } | { ok: false; error: { message?: string } }): T => {
    if (!result.ok) throw new Error(result.error.message);
    return result.value;
  };
  const settle = (ms = 4000): void => void loop.runUntil(loop.now() + ms);
  settle(100);
  for (const name of ["default", "kube-system"])
    if (!client.get(types.NAMESPACES, { name }).ok) must(client.create(types.NAMESPACES, { metadata: { name } }));

  // A resolver of the outside world.
  const resolver = world.host("resolver", "10.0.0.53");
  world.start(resolver, (process) =>
    serveDns(process, {}, function* (question) {
      return question.name === "example.test" && question.type === "A"
        ? { code: "NOERROR", answers: [{ name: question.name, type: "A", ttl: 60, data: "198.51.100.7" }] }
        : { code: "NXDOMAIN", answers: [] };
    }),
  );
  const podResolv = {
    "/etc/resolv.conf":
      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
  };
  const makePod = (node: Host, network: PodNetwork, name: string, files: Record<string, string> = podResolv): Host => {
    const netns = new Netns(world.network, name);
    world.run(node, function* () {
      yield* network.add(name, {}, netns);
      return 0;
    });
    return { kernel: node.kernel, netns, context: world.contextOf(node.kernel, netns, files, new PidNamespace(true)) };
  };
  const nodes = [1, 2].map((n) => {
    const name = `node-${n}`;
    const node = world.host(name, `10.0.0.1${n}`);
    must(
      client.create(types.NODES, {
        metadata: { name, labels: { "kubernetes.io/hostname": name } },
        spec: { podCIDR: `10.244.${n}.0/24`, podCIDRs: [`10.244.${n}.0/24`] },
      }),
    );
    const stored = must(client.get(types.NODES, { name }));
    must(
      client.updateStatus(types.NODES, {
        ...stored,
        status: {
          ...stored.status,
          addresses: [{ type: "InternalIP", address: `10.0.0.1${n}` }],
          conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "" }] as never,
        },
      }),
    );
    const podNetwork = new PodNetwork(node.netns);
    const options = { loop, random, transport: server, credentials: admin, nodeName: name, netns: node.netns };
    new Flannel({ ...options, podNetwork, clusterCidr: CIDR }).start();
    new KubeProxy({ ...options, clusterCidr: CIDR }).start();
    new NetworkPolicyAgent(options).start();
    return { node, name, podNetwork, pods: [] as Host[] };
  });
  settle();
  const writePod = (
    name: string,
    node: string,
    ip: string,
    labels: Record<string, string>,
    namespace = "default",
  ): void => {
    const pod = must(
      client.create(types.PODS, {
        metadata: { name, namespace, labels },
        spec: { nodeName: node, containers: [{ name: "c", image: "x" }] } as never,
      }),
    );
    must(
      client.updateStatus(types.PODS, {
        ...pod,
        status: { ...pod.status, phase: "Running", podIP: ip, podIPs: [{ ip }] },
      }),
    );
  };
  for (const each of nodes) {
    for (const i of [0, 1]) {
      const pod = makePod(each.node, each.podNetwork, `${each.name}-pod-${i}`);
      each.pods.push(pod);
      writePod(`${each.name}-pod-${i}`, each.name, pod.netns.address!, i === 0 ? { app: "web" } : { role: "friend" });
      world.start(pod, (process) =>
        serveHttp(process, 8080, function* (request) {
          return textResponse(200, `pod at ${request.localAddress}\n`);
        }),
      );
    }
  }
  const service = (name: string, spec: object, namespace = "default"): void =>
    void must(client.create(types.SERVICES, { metadata: { name, namespace }, spec: spec as never }));
  const slice = (
    name: string,
    namespace: string,
    port: { name?: string; port: number; protocol: string },
    endpoints: readonly object[],
  ): void =>
    void must(
      client.create(types.ENDPOINT_SLICES, {
        metadata: { name: `${name}-abcde`, namespace, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: [port] as never,
        endpoints: endpoints as never,
      }),
    );
  const webEndpoints = [
    { addresses: ["10.244.1.2"], nodeName: "node-1", conditions: { ready: true } },
    { addresses: ["10.244.2.2"], nodeName: "node-2", conditions: { ready: true } },
  ];
  service("web", { clusterIP: "10.96.0.50", ports: [{ name: "http", port: 80, targetPort: 8080 }] });
  slice("web", "default", { name: "http", port: 8080, protocol: "TCP" }, webEndpoints);
  service("headless", { clusterIP: "None", selector: { app: "web" }, ports: [{ name: "http", port: 8080 }] });
  slice("headless", "default", { name: "http", port: 8080, protocol: "TCP" }, [
    { ...webEndpoints[0], hostname: "web-0" },
    webEndpoints[1]!,
  ]);
  service("outside", { type: "ExternalName", externalName: "example.test" });
  if (!client.get(types.SERVICES, { namespace: "default", name: "kubernetes" }).ok)
    service("kubernetes", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443, targetPort: 6443 }] });
  service("kube-dns", { clusterIP: "10.96.0.10", ports: [{ name: "dns", port: 53, protocol: "UDP" }] }, "kube-system");

  const dns = makePod(nodes[1]!.node, nodes[1]!.podNetwork, "coredns", {
    "/etc/coredns/Corefile": corefile,
    "/etc/resolv.conf": "nameserver 10.0.0.53\n",
  });
  slice("kube-dns", "kube-system", { name: "dns", port: 53, protocol: "UDP" }, [
    { addresses: [dns.netns.address!], nodeName: "node-2", conditions: { ready: true } },
  ]);
  world.start(dns, programs.get("coredns")!, ["coredns", "-conf", "/etc/coredns/Corefile"]);
  const lab = makePod(nodes[0]!.node, nodes[0]!.podNetwork, "lab");
  const outsider = world.host("outsider", "10.0.0.99");
  const balancer = new CloudLoadBalancer(world.network, world.lan, {
    cidr: parseCidr("10.0.0.0/24")!,
    range: parseCidr("10.0.0.200/29")!,
    own: "10.0.0.5",
  });
  new CloudControllerManager({
    loop,
    random,
    transport: server,
    credentials: admin,
    leaderElect: false,
    balancer,
    provider: "lab://lab",
    region: "lab-1",
    zones: ["lab-1a", "lab-1b"],
    instanceType: "lab.small",
  }).start();
  settle();

  return {
    world,
    nodes,
    outsider,
    client: lab,
    settle,
    query: (name: string, type: string): string => world.run(lab, ["dig", "+short", name, type]).out,
    startIngress(): string {
      const pod = makePod(nodes[0]!.node, nodes[0]!.podNetwork, "ingress");
      must(
        client.create(types.INGRESS_CLASSES, {
          metadata: { name: "nginx" },
          spec: { controller: "k8s.io/ingress-nginx" },
        }),
      );
      must(
        client.create(types.INGRESSES, {
          metadata: { name: "shop", namespace: "default" },
          spec: {
            ingressClassName: "nginx",
            rules: [
              {
                host: "shop.test",
                http: {
                  paths: [
                    { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
                  ],
                },
              },
            ],
          },
        }),
      );
      world.start(pod, programs.get("nginx-ingress-controller")!, ["/nginx-ingress-controller"]);
      settle();
      outsider.netns.addRoute({ destination: parseCidr("10.244.1.0/24")!, gateway: "10.0.0.11", device: "eth0" });
      return pod.netns.address!;
    },
    api: {
      patchSlice: (name: string, endpoints: readonly object[]) =>
        must(
          client.patch(types.ENDPOINT_SLICES, { namespace: "default", name: `${name}-abcde` }, "merge", { endpoints }),
        ),
      deleteService: (name: string) => must(client.delete(types.SERVICES, { namespace: "default", name })),
      setType: (name: string, type: string) =>
        must(client.patch(types.SERVICES, { namespace: "default", name }, "merge", { spec: { type } })),
      externalAddress: (name: string) =>
        must(client.get(types.SERVICES, { namespace: "default", name })).status.loadBalancer?.ingress?.[0]?.ip,
      node: (name: string) => must(client.get(types.NODES, { name })),
      createPolicy: (spec: object) =>
        must(
          client.create(types.NETWORK_POLICIES, {
            metadata: { generateName: "policy-", namespace: "default" },
            spec: spec as never,
          }),
        ),
    },
  };
}
