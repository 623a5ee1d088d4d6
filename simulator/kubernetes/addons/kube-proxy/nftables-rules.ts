/** kube-proxy's nftables mode: one table `ip kube-proxy`, with upstream's chains, sets and maps (pkg/proxy/nftables/proxier.go). */
import type { Netns } from "../../../net/netns";
import type { EvaluationContext } from "../../../net/netfilter/evaluate";
import { type NftChain, type NftRule, NftRuleset, type NftSet } from "../../../net/nftables/ruleset";
import { cidrHas, parseCidr } from "../../../net/address";
import type { Packet } from "../../../net/packet";
import { stateOf } from "../../../net/conntrack";
import { hashName } from "./chain-names";
import { type ProxyEndpoint, type ProxyServicePort, usableEndpoints } from "./service-ports";

const MARK = 0x4000;

const baseName = (port: ProxyServicePort): string => {
  const name = `${port.namespace}/${port.serviceName}/${port.protocol}/${port.portName}`;
  return `${hashName(name, 8)}-${name}`;
};

const endpointChainName = (port: ProxyServicePort, endpoint: ProxyEndpoint): string => {
  const name = `${port.namespace}/${port.serviceName}/${port.protocol}/${port.portName}__${endpoint.address}/${endpoint.port}`;
  return `endpoint-${hashName(name, 8)}-${name}`;
};

const isNew = (_packet: Packet, context: EvaluationContext): boolean => stateOf(context.tracked) === "NEW";
const serviceKey = (packet: Packet): string => `${packet.destination} . ${packet.protocol} . ${packet.destinationPort}`;
const portKey = (packet: Packet): string => `${packet.protocol} . ${packet.destinationPort}`;
const hasPorts = (packet: Packet): boolean => packet.protocol !== "icmp";

const jumpWhenNew = (chain: string): NftRule => ({
  text: `ct state new jump ${chain}`,
  matches: isNew,
  action: { kind: "jump", chain },
});

export function syncNftables(
  netns: Netns,
  ports: readonly ProxyServicePort[],
  options: { readonly clusterCidr: string | undefined },
): void {
  const chains = new Map<string, NftChain>();
  const add = (chain: NftChain): void => {
    chains.set(chain.name, chain);
  };
  const nodeAddresses = netns.interfaces
    .filter((device) => device.kind !== "loopback" && device.kind !== "dummy")
    .flatMap((device) => device.addresses.map(({ address }) => address));
  const clusterIps = new Map<string, string>();
  const serviceIps = new Map<string, string>();
  const serviceNodePorts = new Map<string, string>();
  const noEndpointServices = new Map<string, string>();
  const noEndpointNodePorts = new Map<string, string>();
  const affinitySets = new Map<string, NftSet>();
  const hook = (
    name: string,
    type: "filter" | "nat",
    at: string,
    priority: number,
    shownPriority: string,
    rules: readonly NftRule[],
  ): void => add({ name, hook: { type, hook: at, priority, shownPriority }, rules });

  hook("filter-prerouting", "filter", "prerouting", -110, "dstnat - 10", [jumpWhenNew("firewall-check")]);
  hook("filter-input", "filter", "input", -110, "-110", [
    jumpWhenNew("nodeport-endpoints-check"),
    jumpWhenNew("service-endpoints-check"),
  ]);
  hook("filter-forward", "filter", "forward", -110, "-110", [
    jumpWhenNew("service-endpoints-check"),
    jumpWhenNew("cluster-ips-check"),
  ]);
  hook("filter-output", "filter", "output", -110, "-110", [
    jumpWhenNew("service-endpoints-check"),
    jumpWhenNew("firewall-check"),
  ]);
  hook("filter-output-post-dnat", "filter", "output", -90, "-90", [jumpWhenNew("cluster-ips-check")]);
  hook("nat-prerouting", "nat", "prerouting", -100, "dstnat", [
    { text: "jump services", action: { kind: "jump", chain: "services" } },
  ]);
  hook("nat-output", "nat", "output", -100, "-100", [
    { text: "jump services", action: { kind: "jump", chain: "services" } },
  ]);
  hook("nat-postrouting", "nat", "postrouting", 100, "srcnat", [
    { text: "jump masquerading", action: { kind: "jump", chain: "masquerading" } },
  ]);
  add({
    name: "mark-for-masquerade",
    rules: [{ text: "meta mark set meta mark | 0x00004000", action: { kind: "mark", change: (mark) => mark | MARK } }],
  });
  add({
    name: "masquerading",
    rules: [
      {
        text: "meta mark & 0x00004000 == 0x00000000 return",
        matches: (packet) => (packet.mark & MARK) === 0,
        action: { kind: "return" },
      },
      { text: "meta mark set meta mark ^ 0x00004000", action: { kind: "mark", change: (mark) => mark ^ MARK } },
      { text: "masquerade fully-random", action: { kind: "masquerade" } },
    ],
  });
  add({
    name: "reject-chain",
    comment: "helper for @no-endpoint-services / @no-endpoint-nodeports",
    rules: [{ text: "reject", action: { kind: "reject" } }],
  });
  add({
    name: "cluster-ips-check",
    rules: [
      {
        text: 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
        matches: (packet) => clusterIps.has(packet.destination),
        action: { kind: "reject" },
      },
    ],
  });
  add({ name: "firewall-check", rules: [] });
  add({
    name: "service-endpoints-check",
    rules: [
      {
        text: "ip daddr . meta l4proto . th dport vmap @no-endpoint-services",
        matches: hasPorts,
        action: { kind: "vmap", map: "no-endpoint-services", key: serviceKey },
      },
    ],
  });
  const toNode = (packet: Packet): boolean => hasPorts(packet) && nodeAddresses.includes(packet.destination);
  add({
    name: "nodeport-endpoints-check",
    rules: [
      {
        text: "ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports",
        matches: toNode,
        action: { kind: "vmap", map: "no-endpoint-nodeports", key: portKey },
      },
    ],
  });
  add({
    name: "services",
    rules: [
      {
        text: "ip daddr . meta l4proto . th dport vmap @service-ips",
        matches: hasPorts,
        action: { kind: "vmap", map: "service-ips", key: serviceKey },
      },
      {
        text: "ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports",
        matches: toNode,
        action: { kind: "vmap", map: "service-nodeports", key: portKey },
      },
    ],
  });

  const cidr = options.clusterCidr === undefined ? undefined : parseCidr(options.clusterCidr);
  for (const port of ports) {
    const usable = usableEndpoints(port);
    const inside = port.internalLocal ? usable.local : usable.cluster;
    const outside = port.externalLocal ? usable.local : usable.cluster;
    clusterIps.set(port.clusterIP, "");
    const base = baseName(port);
    const insideName = `service-${base}`;
    const outsideName = `external-${base}`;
    const outsideTarget = port.externalLocal === port.internalLocal ? insideName : `local-${base}`;
    const key = (address: string): string => `${address} . ${port.protocol} . ${port.port}`;
    const none = usable.hasAny ? "drop" : "goto reject-chain";
    if (inside.length > 0) serviceIps.set(key(port.clusterIP), `goto ${insideName}`);
    else noEndpointServices.set(key(port.clusterIP), none);
    const addresses = [...port.externalIPs, ...port.loadBalancerIPs];
    for (const address of addresses)
      if (outside.length > 0) serviceIps.set(key(address), `goto ${outsideName}`);
      else noEndpointServices.set(key(address), none);
    if (port.nodePort !== undefined) {
      const nodeKey = `${port.protocol} . ${port.nodePort}`;
      if (outside.length > 0) serviceNodePorts.set(nodeKey, `goto ${outsideName}`);
      else noEndpointNodePorts.set(nodeKey, none);
    }
    const balance = (endpoints: readonly ProxyEndpoint[]): NftRule[] => {
      const rules: NftRule[] = [];
      if (port.affinitySeconds !== undefined)
        for (const endpoint of endpoints) {
          const chain = endpointChainName(port, endpoint);
          const set = `affinity-${chain.slice("endpoint-".length)}`;
          affinitySets.set(set, {
            name: set,
            type: "ipv4_addr",
            flags: "dynamic,timeout",
            timeoutSeconds: port.affinitySeconds,
            elements: new Map(),
            isMap: false,
          });
          rules.push({
            text: `ip saddr @${set} goto ${chain}`,
            matches: (packet, context, table) => NftRuleset.isRecent(table, set, packet.source, context.clock.now()),
            action: { kind: "goto", chain },
          });
        }
      const targets = endpoints.map((endpoint) => endpointChainName(port, endpoint));
      rules.push({
        text: `numgen random mod ${targets.length} vmap { ${targets.map((chain, i) => `${i} : goto ${chain}`).join(", ")} }`,
        action: { kind: "numgen", chains: targets },
      });
      return rules;
    };
    if (inside.length > 0) {
      const masquerade: NftRule[] =
        cidr === undefined
          ? []
          : [
              {
                text: `ip daddr ${port.clusterIP} ${port.protocol} dport ${port.port} ip saddr != ${options.clusterCidr} jump mark-for-masquerade`,
                matches: (packet) =>
                  packet.destination === port.clusterIP &&
                  packet.destinationPort === port.port &&
                  !cidrHas(cidr, packet.source),
                action: { kind: "jump", chain: "mark-for-masquerade" },
              },
            ];
      add({ name: insideName, rules: [...masquerade, ...balance(inside)] });
    }
    if (outside.length > 0 && (addresses.length > 0 || port.nodePort !== undefined)) {
      add({
        name: outsideName,
        rules: [
          ...(port.externalLocal
            ? []
            : [{ text: "jump mark-for-masquerade", action: { kind: "jump", chain: "mark-for-masquerade" } as const }]),
          { text: `goto ${outsideTarget}`, action: { kind: "goto", chain: outsideTarget } },
        ],
      });
      if (!chains.has(outsideTarget)) add({ name: outsideTarget, rules: balance(outside) });
    }
    for (const endpoint of new Set([...inside, ...outside])) {
      const chain = endpointChainName(port, endpoint);
      const remember: NftRule[] =
        port.affinitySeconds === undefined
          ? []
          : [
              {
                text: `update @affinity-${chain.slice("endpoint-".length)} { ip saddr }`,
                action: { kind: "update", set: `affinity-${chain.slice("endpoint-".length)}` },
              },
            ];
      add({
        name: chain,
        rules: [
          {
            text: `ip saddr ${endpoint.address} jump mark-for-masquerade`,
            matches: (packet) => packet.source === endpoint.address,
            action: { kind: "jump", chain: "mark-for-masquerade" },
          },
          ...remember,
          {
            text: `meta l4proto ${port.protocol} dnat to ${endpoint.address}:${endpoint.port}`,
            matches: (packet) => packet.protocol === port.protocol,
            action: { kind: "dnat", range: { address: endpoint.address, port: endpoint.port } },
          },
        ],
      });
    }
  }
  const set = (
    name: string,
    type: string,
    comment: string,
    elements: ReadonlyMap<string, string>,
    isMap: boolean,
  ): [string, NftSet] => [name, { name, type, comment, elements, isMap }];
  netns.nft.setTable({
    family: "ip",
    name: "kube-proxy",
    comment: "rules for kube-proxy",
    chains,
    sets: new Map([
      set("cluster-ips", "ipv4_addr", "Active ClusterIPs", clusterIps, false),
      set(
        "nodeport-ips",
        "ipv4_addr",
        "IPs that accept NodePort traffic",
        new Map(nodeAddresses.map((address) => [address, ""])),
        false,
      ),
      set(
        "no-endpoint-services",
        "ipv4_addr . inet_proto . inet_service : verdict",
        "vmap to drop or reject packets to services with no endpoints",
        noEndpointServices,
        true,
      ),
      set(
        "no-endpoint-nodeports",
        "inet_proto . inet_service : verdict",
        "vmap to drop or reject packets to service nodeports with no endpoints",
        noEndpointNodePorts,
        true,
      ),
      set(
        "service-ips",
        "ipv4_addr . inet_proto . inet_service : verdict",
        "ClusterIP, ExternalIP and LoadBalancer IP traffic",
        serviceIps,
        true,
      ),
      set("service-nodeports", "inet_proto . inet_service : verdict", "NodePort traffic", serviceNodePorts, true),
      ...affinitySets,
    ]),
  });
}
