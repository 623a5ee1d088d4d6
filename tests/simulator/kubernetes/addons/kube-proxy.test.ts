import { httpRequest, serveHttp, textResponse } from "@/simulator/net/http";
import { netOf } from "@/simulator/net/netns";
import { netPrograms } from "@/simulator/net/programs/index";
import { parseCidr } from "@/simulator/net/address";
import { clusterPolicyChain } from "@/simulator/kubernetes/addons/kube-proxy/chain-names";
import { iptablesRules, jumpRules } from "@/simulator/kubernetes/addons/kube-proxy/iptables-rules";
import { syncIpvs } from "@/simulator/kubernetes/addons/kube-proxy/ipvs-rules";
import { syncNftables } from "@/simulator/kubernetes/addons/kube-proxy/nftables-rules";
import type { ProxyEndpoint, ProxyServicePort } from "@/simulator/kubernetes/addons/kube-proxy/service-ports";
import { SysError } from "@/simulator/os/errno";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Host, makeWorld } from "../../net/world";

const CIDR = "10.244.0.0/16";

const endpoint = (address: string, more: Partial<ProxyEndpoint> = {}): ProxyEndpoint => ({
  address,
  port: 8080,
  isLocal: address.startsWith("10.244.1."),
  ready: true,
  serving: true,
  terminating: false,
  ...more,
});

const servicePort = (more: Partial<ProxyServicePort> = {}): ProxyServicePort => ({
  name: "default/web:http",
  namespace: "default",
  serviceName: "web",
  portName: "http",
  protocol: "tcp",
  clusterIP: "10.96.0.50",
  port: 80,
  nodePort: undefined,
  loadBalancerIPs: [],
  externalIPs: [],
  sourceRanges: [],
  affinitySeconds: undefined,
  internalLocal: false,
  externalLocal: false,
  endpoints: [],
  ...more,
});

type Mode = "iptables" | "ipvs" | "nftables";

/** Two nodes with Pods each, and a host outside the cluster. Every Pod answers with its address and who asked. */
function cluster() {
  const world = makeWorld(netPrograms);
  const nodes = [1, 2].map((n) => {
    const node = world.host(`node-${n}`, `10.0.0.1${n}`);
    const bridge = world.bridge(node, "cni0", `10.244.${n}.1`, 24);
    const pods = [2, 3].map((i) => {
      const pod = world.container(node, bridge, `pod-${n}-${i}`, `10.244.${n}.${i}`);
      world.start(pod, (process) =>
        serveHttp(process, 8080, function* (request) {
          return textResponse(200, `${request.localAddress} ${request.remoteAddress}`);
        }),
      );
      return pod;
    });
    return { node, pods };
  });
  nodes.forEach(({ node }, i) => {
    const other = 2 - i;
    node.netns.addRoute({
      destination: parseCidr(`10.244.${other}.0/24`)!,
      gateway: `10.0.0.1${other}`,
      device: "eth0",
    });
  });
  const outsider = world.host("outsider", "10.0.0.99");
  return { world, nodes, outsider };
}

function program(node: Host, ports: readonly ProxyServicePort[], mode: Mode): void {
  const netns = node.netns;
  if (mode === "ipvs") {
    syncIpvs(netns, ports, { clusterCidr: CIDR, scheduler: "rr" });
    return;
  }
  if (mode === "nftables") {
    syncNftables(netns, ports, { clusterCidr: CIDR });
    return;
  }
  for (const { table, chain, rule, target } of jumpRules) {
    netns.iptables.ensureChain(table, target);
    netns.iptables.apply(table, `-I ${chain} ${rule}`, { unique: true });
  }
  const stale = [...netns.iptables.tables.nat.chains.keys()].filter((chain) =>
    /^KUBE-(SVC|SVL|SEP|FW|EXT)-/.test(chain),
  );
  expect(
    netns.iptables.restore(iptablesRules(ports, { clusterCidr: CIDR, staleNatChains: stale }), { noFlush: true }),
  ).toMatchObject({ ok: true });
}

/** What a request from a host comes to: `server client`, or an errno. */
function ask(world: ReturnType<typeof cluster>["world"], from: Host, url: string): string {
  return world.run(
    from,
    function* (process) {
      const [, address, port] = /^http:\/\/([\d.]+):(\d+)/.exec(url)!;
      try {
        const probe = yield* netOf(process).connect(process, { address: address!, port: Number(port), timeoutMs: 900 });
        probe.close();
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* process.print(error.code);
        return 1;
      }
      yield* process.print((yield* httpRequest(process, { url, timeoutMs: 3000 })).body);
      return 0;
    },
    30,
  ).out;
}

test("the chain of default/kubernetes has the name that every cluster shows", () => {
  expect(clusterPolicyChain("default/kubernetes:https", "tcp")).toBe("KUBE-SVC-NPX46M4PTMTKRN6Y");
  expect(clusterPolicyChain("kube-system/kube-dns:dns", "udp")).toBe("KUBE-SVC-TCOU7JCQXEZGVUNU");
  expect(clusterPolicyChain("kube-system/kube-dns:dns-tcp", "tcp")).toBe("KUBE-SVC-ERIFXISQEP7F7OF4");
});

test("a Service without endpoints is rejected in the filter table, and the jumps stand in upstream's order", () => {
  const { world, nodes } = cluster();
  const { node } = nodes[0]!;
  program(node, [servicePort({ nodePort: 30080 })], "iptables");
  const saved = world
    .run(node, ["iptables-save", "-t", "filter"])
    .out.split("\n")
    .filter((line) => line.startsWith("-A"));
  expect(saved).toEqual([
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/web:http has no endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j REJECT --reject-with icmp-port-unreachable',
    '-A KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  ]);
});

test("the saved text of one Service, line by line", () => {
  const { world, nodes } = cluster();
  const { node } = nodes[0]!;
  program(node, [servicePort({ endpoints: [endpoint("10.244.1.2"), endpoint("10.244.2.2")] })], "iptables");
  const saved = world
    .run(node, ["iptables-save", "-t", "nat"])
    .out.split("\n")
    .filter((line) => line.startsWith("-A KUBE"));
  expect(saved.map((line) => line.replace(/-[A-Z2-7]{16}/g, "-HASH"))).toEqual([
    '-A KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-HASH',
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    '-A KUBE-SVC-HASH ! -s 10.244.0.0/16 -d 10.96.0.50/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    '-A KUBE-SVC-HASH -m comment --comment "default/web:http -> 10.244.1.2:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-HASH',
    '-A KUBE-SVC-HASH -m comment --comment "default/web:http -> 10.244.2.2:8080" -j KUBE-SEP-HASH',
    '-A KUBE-SEP-HASH -s 10.244.1.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
    '-A KUBE-SEP-HASH -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.1.2:8080',
    '-A KUBE-SEP-HASH -s 10.244.2.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
    '-A KUBE-SEP-HASH -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.2.2:8080',
  ]);
});

const modes: Mode[] = ["iptables", "ipvs", "nftables"];

test.each(modes)("%s: a Pod reaches itself through its own Service, and a NodePort is served on every node", (mode) => {
  const { world, nodes, outsider } = cluster();
  const ports = [servicePort({ nodePort: 30080, endpoints: [endpoint("10.244.1.2")] })];
  for (const { node } of nodes) program(node, ports, mode);
  expect(ask(world, nodes[0]!.pods[0]!, "http://10.96.0.50:80/")).toMatch(/^10\.244\.1\.2 /);
  expect(ask(world, nodes[1]!.pods[0]!, "http://10.96.0.50:80/")).toBe("10.244.1.2 10.244.2.2");
  expect(ask(world, nodes[1]!.node, "http://10.96.0.50:80/")).toMatch(/^10\.244\.1\.2 /);
  expect(ask(world, outsider, "http://10.0.0.11:30080/")).toMatch(/^10\.244\.1\.2 /);
  expect(ask(world, outsider, "http://10.0.0.12:30080/")).toMatch(/^10\.244\.1\.2 /);
});

test.each(modes)(
  "%s: externalTrafficPolicy Local keeps the client's address, and drops on nodes without an endpoint",
  (mode) => {
    const { world, nodes, outsider } = cluster();
    for (const [i, { node }] of nodes.entries())
      program(
        node,
        [
          servicePort({
            nodePort: 30080,
            externalLocal: true,
            endpoints: [endpoint("10.244.1.2", { isLocal: i === 0 })],
          }),
        ],
        mode,
      );
    expect(ask(world, outsider, "http://10.0.0.11:30080/")).toBe("10.244.1.2 10.0.0.99");
    expect(ask(world, outsider, "http://10.0.0.12:30080/")).toBe(mode === "ipvs" ? "ECONNREFUSED" : "ETIMEDOUT");
  },
);

test.each(modes)("%s: ClientIP affinity stays with one endpoint", (mode) => {
  const { world, nodes } = cluster();
  const ports = [
    servicePort({
      affinitySeconds: 10_800,
      endpoints: ["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.2.3"].map((address) => endpoint(address)),
    }),
  ];
  for (const { node } of nodes) program(node, ports, mode);
  const answers = new Set(
    Array.from({ length: 8 }, () => ask(world, nodes[0]!.pods[1]!, "http://10.96.0.50:80/").split(" ")[0]),
  );
  expect(answers.size).toBe(1);
});

test.each(modes)("%s: endpoints share the load", (mode) => {
  const { world, nodes } = cluster();
  const ports = [servicePort({ endpoints: [endpoint("10.244.1.2"), endpoint("10.244.2.2"), endpoint("10.244.2.3")] })];
  for (const { node } of nodes) program(node, ports, mode);
  const answers = new Set(
    Array.from({ length: 30 }, () => ask(world, nodes[0]!.pods[1]!, "http://10.96.0.50:80/").split(" ")[0]),
  );
  expect([...answers].sort()).toEqual(["10.244.1.2", "10.244.2.2", "10.244.2.3"]);
});

test.each(modes)(
  "%s: every connection to a cluster IP lands on a usable endpoint or is refused (seed 20260301)",
  (mode) => {
    const { world, nodes } = cluster();
    const addresses = ["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.2.3"];
    const endpoints = fc.uniqueArray(
      fc.record({
        address: fc.constantFrom(...addresses),
        ready: fc.boolean(),
        serving: fc.boolean(),
        terminating: fc.boolean(),
      }),
      { selector: ({ address }) => address, maxLength: 4 },
    );
    const world1 = fc.array(
      fc.record({ endpoints, internalLocal: fc.boolean(), nodePort: fc.boolean(), externalLocal: fc.boolean() }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(world1, fc.integer({ min: 0, max: 3 }), fc.boolean(), (services, which, fromNode) => {
        const portsFor = (node: number): ProxyServicePort[] =>
          services.map((service, i) =>
            servicePort({
              name: `default/s${i}:http`,
              serviceName: `s${i}`,
              clusterIP: `10.96.0.${50 + i}`,
              nodePort: service.nodePort ? 30_080 + i : undefined,
              internalLocal: service.internalLocal,
              externalLocal: service.externalLocal,
              endpoints: service.endpoints.map(({ address, ...state }) =>
                endpoint(address, { ...state, isLocal: address.startsWith(`10.244.${node + 1}.`) }),
              ),
            }),
          );
        for (const [i, { node }] of nodes.entries()) program(node, portsFor(i), mode);
        const i = which % services.length;
        const from = fromNode ? nodes[0]!.node : nodes[0]!.pods[0]!;
        const answer = ask(world, from, `http://10.96.0.${50 + i}:80/`).split(" ")[0]!;
        const service = services[i]!;
        const usable = (list: typeof service.endpoints): string[] => {
          const ready = list.filter(({ ready }) => ready);
          return (ready.length > 0 ? ready : list.filter(({ serving, terminating }) => serving && terminating)).map(
            ({ address }) => address,
          );
        };
        const all = usable(service.endpoints);
        const local = usable(service.endpoints.filter(({ address }) => address.startsWith("10.244.1.")));
        const allowed = service.internalLocal ? local : all;
        if (allowed.length > 0) expect(allowed).toContain(answer);
        else
          expect(answer).toBe(
            all.length > 0 && mode !== "ipvs" ? "ETIMEDOUT" : local.length > 0 ? "ETIMEDOUT" : "ECONNREFUSED",
          );
      }),
      { seed: 20260301, numRuns: 60 },
    );
  },
);
