/**
 * kube-proxy's iptables mode as text for iptables-restore: chains and rules in upstream's order and with its comments
 * (pkg/proxy/iptables/proxier.go). Pure: the same services give the same text.
 */
import { clusterPolicyChain, endpointChain, externalChain, firewallChain, localPolicyChain } from "./chain-names";
import { type ProxyEndpoint, type ProxyServicePort, endpointName, usableEndpoints } from "./service-ports";

export const MASQUERADE_MARK = "0x4000";

/** Built-in chains jump to kube-proxy's; each rule is inserted first, in this order, when it is missing. */
export const jumpRules: readonly {
  readonly table: "filter" | "nat";
  readonly chain: string;
  readonly rule: string;
  readonly target: string;
}[] = (() => {
  const rule = (comment: string, target: string, isNew: boolean): string =>
    `${isNew ? "-m conntrack --ctstate NEW " : ""}-m comment --comment "${comment}" -j ${target}`;
  const make = (table: "filter" | "nat", target: string, chain: string, comment: string, isNew: boolean) => ({
    table,
    chain,
    target,
    rule: rule(comment, target, isNew),
  });
  const visible = "kubernetes externally-visible service portals";
  const portals = "kubernetes service portals";
  const firewall = "kubernetes load balancer firewall";
  return [
    make("filter", "KUBE-EXTERNAL-SERVICES", "INPUT", visible, true),
    make("filter", "KUBE-EXTERNAL-SERVICES", "FORWARD", visible, true),
    make("filter", "KUBE-NODEPORTS", "INPUT", "kubernetes health check service ports", false),
    make("filter", "KUBE-SERVICES", "FORWARD", portals, true),
    make("filter", "KUBE-SERVICES", "OUTPUT", portals, true),
    make("filter", "KUBE-FORWARD", "FORWARD", "kubernetes forwarding rules", false),
    make("filter", "KUBE-PROXY-FIREWALL", "INPUT", firewall, true),
    make("filter", "KUBE-PROXY-FIREWALL", "OUTPUT", firewall, true),
    make("filter", "KUBE-PROXY-FIREWALL", "FORWARD", firewall, true),
    make("nat", "KUBE-SERVICES", "OUTPUT", portals, false),
    make("nat", "KUBE-SERVICES", "PREROUTING", portals, false),
    make("nat", "KUBE-POSTROUTING", "POSTROUTING", "kubernetes postrouting rules", false),
  ];
})();

const quote = (text: string): string => `-m comment --comment "${text}"`;

/** The mark and masquerade chains that iptables and ipvs mode share. */
export const masqueradeRules: readonly string[] = [
  `-A KUBE-POSTROUTING -m mark ! --mark ${MASQUERADE_MARK}/${MASQUERADE_MARK} -j RETURN`,
  `-A KUBE-POSTROUTING -j MARK --xor-mark ${MASQUERADE_MARK}`,
  `-A KUBE-POSTROUTING ${quote("kubernetes service traffic requiring SNAT")} -j MASQUERADE --random-fully`,
  `-A KUBE-MARK-MASQ -j MARK --or-mark ${MASQUERADE_MARK}`,
];

export const forwardRules: readonly string[] = [
  "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
  `-A KUBE-FORWARD ${quote("kubernetes forwarding rules")} -m mark --mark ${MASQUERADE_MARK}/${MASQUERADE_MARK} -j ACCEPT`,
  `-A KUBE-FORWARD ${quote("kubernetes forwarding conntrack rule")} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
];

/** What a chain of endpoints holds: affinity first, then chance, the last one unconditionally. */
function balance(chain: string, port: ProxyServicePort, endpoints: readonly ProxyEndpoint[]): string[] {
  const rules: string[] = [];
  const target = (endpoint: ProxyEndpoint): string => endpointChain(port.name, port.protocol, endpointName(endpoint));
  const comment = (endpoint: ProxyEndpoint): string => quote(`${port.name} -> ${endpointName(endpoint)}`);
  if (port.affinitySeconds !== undefined)
    for (const endpoint of endpoints)
      rules.push(
        `-A ${chain} ${comment(endpoint)} -m recent --name ${target(endpoint)} --rcheck --seconds ${port.affinitySeconds} --reap -j ${target(endpoint)}`,
      );
  endpoints.forEach((endpoint, i) => {
    const left = endpoints.length - i;
    const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : "";
    rules.push(`-A ${chain} ${comment(endpoint)}${chance} -j ${target(endpoint)}`);
  });
  return rules;
}

/** The whole text for `iptables-restore --noflush --counters`. `stale`: chains of ours that are to go. */
export function iptablesRules(
  ports: readonly ProxyServicePort[],
  options: {
    readonly clusterCidr: string | undefined;
    readonly staleNatChains?: readonly string[];
    readonly staleFilterChains?: readonly string[];
  },
): string {
  const filterChains = [
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-FORWARD",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
  ];
  const natChains = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];
  const filter: string[] = [];
  const nat: string[] = [...masqueradeRules];
  const seen = new Set<string>();
  for (const port of ports) writeServicePort(port, options.clusterCidr, { filterChains, natChains, filter, nat, seen });
  nat.push(
    `-A KUBE-SERVICES ${quote("kubernetes service nodeports; NOTE: this must be the last rule in this chain")} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
  );
  filter.push(...forwardRules);
  const keep = new Set(natChains);
  const gone = (options.staleNatChains ?? []).filter((chain) => !keep.has(chain));
  return [
    "*filter",
    ...filterChains.map((chain) => `:${chain} - [0:0]`),
    ...filter,
    "COMMIT",
    "*nat",
    ...natChains.map((chain) => `:${chain} - [0:0]`),
    ...gone.map((chain) => `:${chain} - [0:0]`),
    ...nat,
    ...gone.map((chain) => `-X ${chain}`),
    "COMMIT",
    "",
  ].join("\n");
}

interface Draft {
  readonly filterChains: string[];
  readonly natChains: string[];
  readonly filter: string[];
  readonly nat: string[];
  readonly seen: Set<string>;
}

function writeServicePort(port: ProxyServicePort, clusterCidr: string | undefined, draft: Draft): void {
  const { filter, nat } = draft;
  const { name, protocol } = port;
  const usable = usableEndpoints(port);
  const matchPort = (address: string | undefined, number: number): string =>
    `-m ${protocol} -p ${protocol}${address === undefined ? "" : ` -d ${address}`} --dport ${number}`;

  const clusterChain = clusterPolicyChain(name, protocol);
  const localChain = localPolicyChain(name, protocol);
  const outsideChain = externalChain(name, protocol);
  const hasOutside = port.nodePort !== undefined || port.loadBalancerIPs.length > 0 || port.externalIPs.length > 0;
  const usesCluster = usable.cluster.length > 0 && (!port.internalLocal || hasOutside);
  const usesLocal = usable.local.length > 0 && (port.internalLocal || (hasOutside && port.externalLocal));

  const inside = port.internalLocal ? usable.local : usable.cluster;
  const outside = port.externalLocal ? usable.local : usable.cluster;
  const insideChain = port.internalLocal ? localChain : clusterChain;
  const verdict = (endpoints: readonly ProxyEndpoint[]): { comment: string; target: string } | undefined =>
    endpoints.length > 0
      ? undefined
      : usable.hasAny
        ? { comment: `${name} has no local endpoints`, target: "DROP" }
        : { comment: `${name} has no endpoints`, target: "REJECT" };

  // The cluster IP.
  const insideVerdict = verdict(inside);
  if (!insideVerdict)
    nat.push(
      `-A KUBE-SERVICES ${quote(`${name} cluster IP`)} ${matchPort(port.clusterIP, port.port)} -j ${insideChain}`,
    );
  else
    filter.push(
      `-A KUBE-SERVICES ${quote(insideVerdict.comment)} ${matchPort(port.clusterIP, port.port)} -j ${insideVerdict.target}`,
    );

  // External IPs, load balancers and node ports: the nat rules lead to KUBE-EXT whenever there are endpoints anywhere.
  const outsideVerdict = verdict(outside);
  const firewall = firewallChain(name, protocol);
  const hasFirewall = port.sourceRanges.length > 0 && port.loadBalancerIPs.length > 0;
  for (const address of port.externalIPs) {
    if (usable.hasAny)
      nat.push(`-A KUBE-SERVICES ${quote(`${name} external IP`)} ${matchPort(address, port.port)} -j ${outsideChain}`);
    if (outsideVerdict)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES ${quote(outsideVerdict.comment)} ${matchPort(address, port.port)} -j ${outsideVerdict.target}`,
      );
  }
  for (const address of port.loadBalancerIPs) {
    if (usable.hasAny)
      nat.push(
        `-A KUBE-SERVICES ${quote(`${name} loadbalancer IP`)} ${matchPort(address, port.port)} -j ${hasFirewall ? firewall : outsideChain}`,
      );
    if (hasFirewall)
      filter.push(
        `-A KUBE-PROXY-FIREWALL ${quote(`${name} traffic not accepted by ${firewall}`)} ${matchPort(address, port.port)} -j DROP`,
      );
    if (outsideVerdict)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES ${quote(outsideVerdict.comment)} ${matchPort(address, port.port)} -j ${outsideVerdict.target}`,
      );
  }
  if (port.nodePort !== undefined) {
    if (usable.hasAny)
      nat.push(`-A KUBE-NODEPORTS ${quote(name)} ${matchPort(undefined, port.nodePort)} -j ${outsideChain}`);
    if (outsideVerdict)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES ${quote(outsideVerdict.comment)} -m addrtype --dst-type LOCAL ${matchPort(undefined, port.nodePort)} -j ${outsideVerdict.target}`,
      );
  }

  if (!usable.hasAny) return;

  // Who comes to the cluster IP from outside the Pods' network needs its answers to come back through this node.
  if (!insideVerdict && clusterCidr !== undefined) {
    nat.push(
      `-A ${insideChain} ${quote(`${name} cluster IP`)} ${matchPort(port.clusterIP, port.port)} ! -s ${clusterCidr} -j KUBE-MARK-MASQ`,
    );
  }

  if (hasFirewall) {
    draft.natChains.push(firewall);
    for (const range of port.sourceRanges)
      nat.push(`-A ${firewall} ${quote(`${name} loadbalancer IP`)} -s ${range.trim()} -j ${outsideChain}`);
    nat.push(`-A ${firewall} ${quote(`other traffic to ${name} will be dropped by KUBE-PROXY-FIREWALL`)}`);
  }

  if (hasOutside) {
    draft.natChains.push(outsideChain);
    if (!port.externalLocal) {
      nat.push(`-A ${outsideChain} ${quote(`masquerade traffic for ${name} external destinations`)} -j KUBE-MARK-MASQ`);
    } else if (usesCluster) {
      if (clusterCidr !== undefined)
        nat.push(
          `-A ${outsideChain} ${quote(`pod traffic for ${name} external destinations`)} -s ${clusterCidr} -j ${clusterChain}`,
        );
      nat.push(
        `-A ${outsideChain} ${quote(`masquerade LOCAL traffic for ${name} external destinations`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
      );
      nat.push(
        `-A ${outsideChain} ${quote(`route LOCAL traffic for ${name} external destinations`)} -m addrtype --src-type LOCAL -j ${clusterChain}`,
      );
    }
    if (outside.length > 0) nat.push(`-A ${outsideChain} -j ${port.externalLocal ? localChain : clusterChain}`);
  }

  if (usesCluster) {
    draft.natChains.push(clusterChain);
    nat.push(...balance(clusterChain, port, usable.cluster));
  }
  if (usesLocal) {
    draft.natChains.push(localChain);
    nat.push(...balance(localChain, port, usable.local));
  }
  for (const endpoint of new Set([...(usesCluster ? usable.cluster : []), ...(usesLocal ? usable.local : [])])) {
    const chain = endpointChain(name, protocol, endpointName(endpoint));
    if (draft.seen.has(chain)) continue;
    draft.seen.add(chain);
    draft.natChains.push(chain);
    nat.push(`-A ${chain} ${quote(name)} -s ${endpoint.address} -j KUBE-MARK-MASQ`);
    const recent = port.affinitySeconds === undefined ? "" : ` -m recent --name ${chain} --set`;
    nat.push(
      `-A ${chain} ${quote(name)}${recent} -m ${protocol} -p ${protocol} -j DNAT --to-destination ${endpointName(endpoint)}`,
    );
  }
}
