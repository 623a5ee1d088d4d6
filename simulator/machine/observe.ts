/** What checks and panels read: answers of the two doors, and histories. */
import { SysError } from "../os/errno";
import { decodeUtf8 } from "../base/bytes";
import type { JsonObject } from "../base/json";
import type { Netns } from "../net/netns";
import type { MountNamespace } from "../os/mounts";
import type { NodeView, Observation } from "./api";
import type { World } from "./world";

export function observe(world: World, arrivedAt: number): Observation {
  return {
    kubernetes: (request) => world.cluster?.observe(request),
    docker: (request) => world.engine?.observe(request),
    audit: () => world.cluster?.audit(arrivedAt) ?? [],
    dockerEvents: () =>
      (world.engine?.daemon.events.all() ?? [])
        .filter(({ at }) => at >= arrivedAt)
        .map(({ event }) => event as unknown as JsonObject),
    dockerRequests: () => world.history.dockerRequests.entries,
    exchanges: () =>
      world.network.exchanges
        .filter((exchange) => exchange.at >= arrivedAt && exchange.namespace === world.laptop.netns.name)
        .map(({ at, method, url, status, body }) => ({ at: at - arrivedAt, method, url, status, body })),
    programs: () => world.history.programs.entries,
    lines: () => world.history.lines.entries,
    readFile: (path) => textOf(world.laptop.mounts, path),
    node(name) {
      const host = world.cluster?.cluster.hosts.get(name);
      if (!host) return undefined;
      return {
        readFile: (path) => textOf(host.mounts, path),
        unit: (unit) => host.systemd.unit(unit)?.state,
        serviceRules: () => serviceRules(host.netns),
      };
    },
  };
}

function textOf(mounts: MountNamespace, path: string): string | undefined {
  try {
    return decodeUtf8(mounts.readFile(path));
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** Chains of earlier modes may lie about: what counts is what packets are led to. */
function serviceRules(netns: Netns): ReturnType<NodeView["serviceRules"]> {
  const jumps = netns.iptables.tables.nat.chains.get("KUBE-SERVICES")?.rules ?? [];
  const chains = netns.nft.table("ip", "kube-proxy")?.chains;
  return {
    iptables: jumps.filter((rule) => rule.target?.kind === "jump" && rule.target.chain.startsWith("KUBE-SVC-")).length,
    ipvs: netns.ipvs.services().length,
    nftables: [...(chains?.keys() ?? [])].filter((chain) => chain.startsWith("service-")).length,
  };
}
