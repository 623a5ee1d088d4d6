/** kube-proxy's ipvs mode: virtual servers, the dummy interface that holds their addresses, and the sets that say what to masquerade. */
import { assert } from "../../../base/assert";
import { parseCidr } from "../../../net/address";
import type { IpvsScheduler } from "../../../net/ipvs";
import type { Netns } from "../../../net/netns";
import { forwardRules, masqueradeRules } from "./iptables-rules";
import { type ProxyEndpoint, type ProxyServicePort, usableEndpoints } from "./service-ports";

const DEVICE = "kube-ipvs0";

const portal = "kubernetes service portals";

/** Upstream's sets, with their types. */
const sets = {
  "KUBE-LOOP-BACK": "hash:ip,port,ip",
  "KUBE-CLUSTER-IP": "hash:ip,port",
  "KUBE-EXTERNAL-IP": "hash:ip,port",
  "KUBE-LOAD-BALANCER": "hash:ip,port",
  "KUBE-NODE-PORT-TCP": "bitmap:port",
  "KUBE-NODE-PORT-UDP": "bitmap:port",
  "KUBE-NODE-PORT-LOCAL-TCP": "bitmap:port",
} as const;

export function syncIpvs(
  netns: Netns,
  ports: readonly ProxyServicePort[],
  options: { readonly clusterCidr: string | undefined; readonly scheduler: IpvsScheduler },
): void {
  if (!netns.interface(DEVICE))
    netns.addInterface({ name: DEVICE, kind: "dummy", mac: "32:0d:5c:6c:0e:5a", mtu: 1500, segment: undefined });
  const members = new Map<string, string[]>(Object.keys(sets).map((name) => [name, []]));
  const addresses = new Set<string>();
  const wanted = new Set<string>();
  const nodeAddresses = netns.interfaces
    .filter((device) => device.kind !== "loopback" && device.kind !== "dummy")
    .flatMap((device) => device.addresses.map(({ address }) => address));

  const serve = (
    port: ProxyServicePort,
    address: string,
    number: number,
    endpoints: readonly ProxyEndpoint[],
  ): void => {
    wanted.add(`${port.protocol} ${address}:${number}`);
    const service = netns.ipvs.set(port.protocol, address, number, {
      scheduler: options.scheduler,
      ...(port.affinitySeconds === undefined ? {} : { persistentSeconds: port.affinitySeconds }),
    });
    netns.ipvs.setReals(service, endpoints);
  };

  for (const port of ports) {
    const { cluster, local } = usableEndpoints(port);
    const inside = port.internalLocal ? local : cluster;
    const outside = port.externalLocal ? local : cluster;
    addresses.add(port.clusterIP);
    members.get("KUBE-CLUSTER-IP")!.push(`${port.clusterIP},${port.protocol}:${port.port}`);
    serve(port, port.clusterIP, port.port, inside);
    for (const address of [...port.externalIPs, ...port.loadBalancerIPs]) {
      addresses.add(address);
      members
        .get(port.externalIPs.includes(address) ? "KUBE-EXTERNAL-IP" : "KUBE-LOAD-BALANCER")!
        .push(`${address},${port.protocol}:${port.port}`);
      serve(port, address, port.port, outside);
    }
    if (port.nodePort !== undefined) {
      if (!port.externalLocal)
        members.get(port.protocol === "udp" ? "KUBE-NODE-PORT-UDP" : "KUBE-NODE-PORT-TCP")!.push(String(port.nodePort));
      else if (port.protocol === "tcp") members.get("KUBE-NODE-PORT-LOCAL-TCP")!.push(String(port.nodePort));
      for (const address of nodeAddresses) serve(port, address, port.nodePort, outside);
    }
    for (const endpoint of port.endpoints)
      if (endpoint.isLocal)
        members
          .get("KUBE-LOOP-BACK")!
          .push(`${endpoint.address},${port.protocol}:${endpoint.port},${endpoint.address}`);
  }

  for (const service of netns.ipvs.services())
    if (!wanted.has(`${service.protocol} ${service.address}:${service.port}`))
      netns.ipvs.delete(service.protocol, service.address, service.port);
  const device = netns.interface(DEVICE)!;
  for (const { address } of device.addresses) if (!addresses.has(address)) netns.removeAddress(DEVICE, address);
  for (const address of addresses)
    if (!device.addresses.some((own) => own.address === address)) netns.addAddress(DEVICE, address, 32);
  for (const [name, type] of Object.entries(sets)) netns.iptables.fillSet(name, type, members.get(name)!, parseCidr);
  writeRules(netns, options.clusterCidr);
}

function writeRules(netns: Netns, clusterCidr: string | undefined): void {
  const { iptables } = netns;
  for (const [table, chain, target, comment] of [
    ["nat", "OUTPUT", "KUBE-SERVICES", portal],
    ["nat", "PREROUTING", "KUBE-SERVICES", portal],
    ["nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"],
    ["filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"],
  ] as const) {
    iptables.ensureChain(table, target);
    iptables.apply(table, `-I ${chain} -m comment --comment "${comment}" -j ${target}`, { unique: true });
  }
  const outsider = clusterCidr === undefined ? "" : `! -s ${clusterCidr} `;
  const text = [
    "*filter",
    ":KUBE-FORWARD - [0:0]",
    ...forwardRules,
    "COMMIT",
    "*nat",
    ...["KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER"].map(
      (chain) => `:${chain} - [0:0]`,
    ),
    '-A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE',
    ...masqueradeRules,
    "-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN",
    '-A KUBE-SERVICES -m comment --comment "Kubernetes service lb portal" -m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER',
    `-A KUBE-SERVICES -m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" ${outsider}-m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ`,
    '-A KUBE-SERVICES -m comment --comment "Kubernetes service external ip + port for masquerade and filter purpose" -m set --match-set KUBE-EXTERNAL-IP dst,dst -j KUBE-MARK-MASQ',
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT",
    "-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT",
    "-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ",
    '-A KUBE-NODE-PORT -p tcp -m comment --comment "Kubernetes nodeport TCP port with externalTrafficPolicy=local" -m set --match-set KUBE-NODE-PORT-LOCAL-TCP dst -j RETURN',
    '-A KUBE-NODE-PORT -p tcp -m comment --comment "Kubernetes nodeport TCP port for masquerade purpose" -m set --match-set KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ',
    '-A KUBE-NODE-PORT -p udp -m comment --comment "Kubernetes nodeport UDP port for masquerade purpose" -m set --match-set KUBE-NODE-PORT-UDP dst -j KUBE-MARK-MASQ',
    "COMMIT",
    "",
  ].join("\n");
  const result = iptables.restore(text, { noFlush: true });
  assert(result.ok, `kube-proxy's rules are accepted${result.ok ? "" : `: ${result.error}`}`);
}

export function cleanupIpvs(netns: Netns): void {
  if (!netns.interface(DEVICE)) return;
  netns.ipvs.clear();
  netns.removeInterface(DEVICE);
  for (const name of Object.keys(sets)) netns.iptables.sets.delete(name);
}
