/**
 * The way of one packet: out of a namespace, over segments, through the rules of every namespace it passes, to the
 * namespace where it is delivered. Pure but for conntrack, counters and chance; the time it takes is part of the answer.
 */
import type { Tracked } from "./conntrack";
import { isLoopback } from "./address";
import { type EvaluationContext, type NatAction, type Verdict, evaluate } from "./netfilter/evaluate";
import type { RejectWith, Table } from "./netfilter/rule";
import type { Interface, Namespace, Port, Route } from "./namespace";
import type { Packet, Tuple } from "./packet";
import { inverse } from "./packet";

export type Outcome =
  | { readonly kind: "delivered"; readonly netns: Namespace; readonly packet: Packet }
  /** Silently: by a rule, by a switched off machine, or for want of forwarding. */
  | { readonly kind: "dropped"; readonly at: Namespace }
  /** A rule answered. */
  | { readonly kind: "rejected"; readonly with: RejectWith; readonly at: Namespace }
  /** Nobody on the segment has the next hop's address; a router says so, or the sender finds out. */
  | { readonly kind: "unreachable"; readonly at: Namespace; readonly isLocal: boolean }
  | { readonly kind: "no-route"; readonly at: Namespace; readonly isLocal: boolean }
  | { readonly kind: "ttl-exceeded"; readonly at: Namespace; readonly address: string };

/** Where a packet passed an interface, for counters. */
export interface Passage {
  readonly interface: Interface;
  readonly direction: "sent" | "received";
}

export interface Walk {
  readonly outcome: Outcome;
  readonly latencyMs: number;
  readonly passages: readonly Passage[];
  /** Namespaces the packet was in, in order. */
  readonly hops: readonly Namespace[];
}

const LOOPBACK_MS = 0.05;
const HOPS_MAX = 32;

class Walker {
  readonly packet: Packet;
  latencyMs = 0;
  readonly passages: Passage[] = [];
  readonly hops: Namespace[] = [];
  #steps = 0;

  constructor(packet: Packet) {
    this.packet = packet;
  }

  // ---- leaving the sender ------------------------------------------------------------------------------------------

  send(netns: Namespace): Outcome {
    this.hops.push(netns);
    const packet = this.packet;
    if (!netns.up) return { kind: "dropped", at: netns };
    packet.inInterface = undefined;
    const tracked = netns.conntrack.track(packet);
    const first = this.#routeFrom(netns);
    if (!first) return { kind: "no-route", at: netns, isLocal: true };
    packet.outInterface = first.device;
    const before = packet.destination;
    const stopped =
      this.#filter(netns, "raw", "OUTPUT", tracked) ??
      this.#filter(netns, "mangle", "OUTPUT", tracked) ??
      this.#destinationNat(netns, "OUTPUT", tracked) ??
      this.#nft(netns, "output", tracked);
    if (stopped) return stopped;
    let route: Hop | undefined = first;
    if (packet.destination !== before) {
      route = this.#routeFrom(netns);
      if (!route) return { kind: "no-route", at: netns, isLocal: true };
      packet.outInterface = route.device;
    }
    const blocked = this.#filter(netns, "filter", "OUTPUT", tracked) ?? this.#nft(netns, "output-filter", tracked);
    if (blocked) return blocked;
    // IPVS also hooks local output.
    const virtual = route.isLocal ? this.#virtualServer(netns, tracked) : undefined;
    if (virtual?.kind === "stopped") return virtual.outcome;
    if (virtual) {
      route = this.#routeFrom(netns);
      if (!route) return { kind: "no-route", at: netns, isLocal: true };
      packet.outInterface = route.device;
    }
    return this.#leave(netns, route, tracked, true);
  }

  #routeFrom(netns: Namespace): Hop | undefined {
    const { destination } = this.packet;
    if (netns.isLocal(destination)) return { device: "lo", isLocal: true, nextHop: destination, route: undefined };
    const route = netns.route(destination);
    return route && { device: route.device, isLocal: false, nextHop: route.gateway ?? destination, route };
  }

  /** POSTROUTING and the wire. */
  #leave(netns: Namespace, hop: Hop, tracked: Tracked, isOrigin: boolean): Outcome {
    const packet = this.packet;
    packet.outInterface = hop.device;
    const stopped =
      this.#filter(netns, "mangle", "POSTROUTING", tracked) ??
      this.#sourceNat(netns, tracked, hop) ??
      this.#nft(netns, "postrouting", tracked, hop);
    if (stopped) return stopped;
    if (hop.isLocal) {
      netns.conntrack.confirm(tracked, this.packet.last);
      this.latencyMs += LOOPBACK_MS;
      packet.inInterface = "lo";
      packet.outInterface = undefined;
      const lo = netns.interface("lo")!;
      this.passages.push({ interface: lo, direction: "sent" }, { interface: lo, direction: "received" });
      return this.#deliver(netns, tracked, true);
    }
    // A packet from 127/8 on a wire is a Martian, unless the namespace was told otherwise.
    if (isLoopback(packet.source) && !netns.sysctls.routeLocalnet) return { kind: "dropped", at: netns };
    const device = netns.interface(hop.device);
    const segment = device?.segment;
    if (!device?.up || !segment) return { kind: "dropped", at: netns };
    const target = segment.find(hop.nextHop);
    if (!target)
      return segment.silent ? { kind: "dropped", at: netns } : { kind: "unreachable", at: netns, isLocal: isOrigin };
    this.passages.push({ interface: device, direction: "sent" });
    this.latencyMs += segment.latencyMs;
    netns.conntrack.confirm(tracked, this.packet.last);
    const host = segment.host;
    if (host && host !== netns && host !== target.netns) {
      const bridged = this.#bridge(host, segment.ports().find((port) => port.netns === host)?.interface, target);
      if (bridged) return bridged;
    }
    this.passages.push({ interface: target.interface, direction: "received" });
    return this.#receive(target.netns, target.interface);
  }

  /** Two ports of a bridge talk: the host's rules see the packet (bridge-nf-call-iptables). */
  #bridge(host: Namespace, bridge: Interface | undefined, target: Port): Outcome | undefined {
    if (!host.up) return { kind: "dropped", at: host };
    if (!host.sysctls.bridgeNfCallIptables || !bridge) return undefined;
    const packet = this.packet;
    packet.mark = 0;
    packet.inInterface = bridge.name;
    packet.outInterface = bridge.name;
    const tracked = host.conntrack.track(packet);
    const before = packet.destination;
    const mapped = this.#destinationNat(host, "PREROUTING", tracked) ?? this.#nft(host, "prerouting", tracked);
    if (mapped) return mapped;
    if (packet.destination !== before) return undefined;
    const stopped =
      this.#filter(host, "filter", "FORWARD", tracked, true) ?? this.#nft(host, "forward", tracked, undefined, true);
    if (stopped) return stopped;
    const hop: Hop = {
      device: bridge.name,
      isLocal: false,
      nextHop: target.interface.addresses[0]?.address ?? "",
      route: undefined,
    };
    const source = this.#sourceNat(host, tracked, hop, true);
    if (source) return source;
    host.conntrack.confirm(tracked, this.packet.last);
    return undefined;
  }

  // ---- arriving ----------------------------------------------------------------------------------------------------

  #receive(netns: Namespace, device: Interface): Outcome {
    this.hops.push(netns);
    if (!netns.up || ++this.#steps > HOPS_MAX) return { kind: "dropped", at: netns };
    const packet = this.packet;
    packet.mark = 0;
    packet.inInterface = device.name;
    packet.outInterface = undefined;
    const tracked = netns.conntrack.track(packet);
    const stopped =
      this.#filter(netns, "raw", "PREROUTING", tracked) ??
      this.#filter(netns, "mangle", "PREROUTING", tracked) ??
      this.#destinationNat(netns, "PREROUTING", tracked) ??
      this.#nft(netns, "prerouting", tracked);
    if (stopped) return stopped;
    if (netns.isLocal(packet.destination)) {
      if (isLoopback(packet.destination) && !netns.sysctls.routeLocalnet) return { kind: "dropped", at: netns };
      return this.#deliver(netns, tracked, false);
    }
    return this.#forward(netns, tracked);
  }

  #forward(netns: Namespace, tracked: Tracked): Outcome {
    const packet = this.packet;
    if (!netns.sysctls.ipForward) return { kind: "dropped", at: netns };
    if (--packet.ttl <= 0)
      return {
        kind: "ttl-exceeded",
        at: netns,
        address: netns.interface(packet.inInterface ?? "")?.addresses[0]?.address ?? netns.address ?? "0.0.0.0",
      };
    const hop = this.#routeFrom(netns);
    if (!hop) return { kind: "no-route", at: netns, isLocal: false };
    packet.outInterface = hop.device;
    const stopped =
      this.#filter(netns, "mangle", "FORWARD", tracked) ??
      this.#filter(netns, "filter", "FORWARD", tracked) ??
      this.#nft(netns, "forward", tracked);
    if (stopped) return stopped;
    return this.#leave(netns, hop, tracked, false);
  }

  #deliver(netns: Namespace, tracked: Tracked, looped: boolean): Outcome {
    const packet = this.packet;
    packet.outInterface = undefined;
    const stopped =
      this.#filter(netns, "mangle", "INPUT", tracked) ??
      this.#filter(netns, "filter", "INPUT", tracked) ??
      this.#nft(netns, "input", tracked);
    if (stopped) return stopped;
    const virtual = looped ? undefined : this.#virtualServer(netns, tracked);
    if (virtual?.kind === "stopped") return virtual.outcome;
    if (virtual) {
      const hop = this.#routeFrom(netns);
      if (!hop) return { kind: "no-route", at: netns, isLocal: false };
      if (!hop.isLocal) return this.#leave(netns, hop, tracked, false);
    }
    netns.conntrack.confirm(tracked, this.packet.last);
    return { kind: "delivered", netns, packet };
  }

  // ---- rules -------------------------------------------------------------------------------------------------------

  #context(netns: Namespace, tracked: Tracked, bridged = false): EvaluationContext {
    return {
      clock: netns.network.loop,
      get random() {
        return netns.network.random.stream(`statistic/${netns.name}`);
      },
      tracked,
      addressType: (address) => netns.addressType(address),
      inSet: (name, packet, flags) => netns.iptables.inSet(name, packet, flags),
      recent: (name) => netns.iptables.recent(name),
      bridged,
    };
  }

  #filter(
    netns: Namespace,
    table: "raw" | "mangle" | "filter",
    chain: string,
    tracked: Tracked,
    bridged = false,
  ): Outcome | undefined {
    if (!netns.hasIptables) return undefined;
    const rules = netns.iptables.tables[table];
    if (isEmpty(rules, chain)) return undefined;
    return this.#outcome(netns, evaluate(rules, chain, this.packet, this.#context(netns, tracked, bridged)));
  }

  #outcome(netns: Namespace, verdict: Verdict): Outcome | undefined {
    if (verdict.kind === "drop") return { kind: "dropped", at: netns };
    if (verdict.kind === "reject") return { kind: "rejected", with: verdict.with, at: netns };
    return undefined;
  }

  #nft(
    netns: Namespace,
    hook: "prerouting" | "input" | "forward" | "output" | "output-filter" | "postrouting",
    tracked: Tracked,
    hop?: Hop,
    bridged = false,
  ): Outcome | undefined {
    if (!netns.hasNft) return undefined;
    const verdict = netns.nft.evaluate(hook, this.packet, this.#context(netns, tracked, bridged));
    if (verdict.kind !== "nat") return this.#outcome(netns, verdict);
    if (verdict.action.kind === "destination" || verdict.action.kind === "redirect")
      this.#mapDestination(netns, tracked, verdict.action);
    else if (hop) this.#mapSource(netns, tracked, verdict.action, hop);
    return undefined;
  }

  /** PREROUTING and OUTPUT of the nat table, for a flow's first packet; what was decided, for the others. */
  #destinationNat(netns: Namespace, chain: "PREROUTING" | "OUTPUT", tracked: Tracked): Outcome | undefined {
    const { flow, direction } = tracked;
    const packet = this.packet;
    if (direction === "reply") {
      // Answers to a translated source go back to the true one.
      packet.destination = flow.original.source;
      packet.destinationPort = flow.original.sourcePort;
      return undefined;
    }
    if (flow.confirmed || flow.destinationDecided) {
      packet.destination = flow.reply.source;
      packet.destinationPort = packet.protocol === "icmp" ? packet.destinationPort : flow.reply.sourcePort;
      return undefined;
    }
    if (!netns.hasIptables) return undefined;
    const rules = netns.iptables.tables.nat;
    if (isEmpty(rules, chain)) return undefined;
    const verdict = evaluate(rules, chain, packet, this.#context(netns, tracked));
    if (verdict.kind === "nat") this.#mapDestination(netns, tracked, verdict.action);
    return this.#outcome(netns, verdict);
  }

  #mapDestination(netns: Namespace, tracked: Tracked, action: NatAction): void {
    const { flow, direction } = tracked;
    const packet = this.packet;
    if (direction === "reply" || flow.confirmed || flow.destinationDecided) return;
    if (action.kind === "destination") {
      packet.destination = action.range.address ?? packet.destination;
      packet.destinationPort = action.range.port ?? packet.destinationPort;
    } else if (action.kind === "redirect") {
      packet.destination = packet.inInterface
        ? (netns.interface(packet.inInterface)?.addresses[0]?.address ?? packet.destination)
        : "127.0.0.1";
      packet.destinationPort = action.ports?.from ?? packet.destinationPort;
    } else return;
    flow.destinationDecided = true;
    flow.reply = { ...flow.reply, source: packet.destination, sourcePort: packet.destinationPort };
  }

  /** POSTROUTING of the nat table. */
  #sourceNat(netns: Namespace, tracked: Tracked, hop: Hop, bridged = false): Outcome | undefined {
    const { flow, direction } = tracked;
    const packet = this.packet;
    if (direction === "reply") {
      packet.source = flow.original.destination;
      packet.sourcePort = packet.protocol === "icmp" ? packet.sourcePort : flow.original.destinationPort;
      return undefined;
    }
    if (flow.confirmed || flow.sourceDecided) {
      packet.source = flow.reply.destination;
      packet.sourcePort = packet.protocol === "icmp" ? packet.sourcePort : flow.reply.destinationPort;
      return undefined;
    }
    if (!netns.hasIptables) return undefined;
    const rules = netns.iptables.tables.nat;
    if (isEmpty(rules, "POSTROUTING")) return undefined;
    const verdict = evaluate(rules, "POSTROUTING", packet, this.#context(netns, tracked, bridged));
    if (verdict.kind === "nat") this.#mapSource(netns, tracked, verdict.action, hop);
    return this.#outcome(netns, verdict);
  }

  #mapSource(netns: Namespace, tracked: Tracked, action: NatAction, hop: Hop): void {
    const { flow } = tracked;
    const packet = this.packet;
    if (tracked.direction === "reply" || flow.confirmed || flow.sourceDecided) return;
    let source = packet.source;
    if (action.kind === "source") source = action.range.address ?? source;
    else if (action.kind === "masquerade" && !hop.isLocal)
      source =
        hop.route?.source ??
        netns.interface(hop.device)?.addresses[0]?.address ??
        netns.sourceFor(packet.destination) ??
        source;
    else if (action.kind === "masquerade") source = packet.destination;
    flow.sourceDecided = true;
    let port = action.kind === "source" ? (action.range.port ?? packet.sourcePort) : packet.sourcePort;
    // The port stays unless another flow has the same answer tuple.
    for (let i = 0; i < 65_536; i++) {
      const reply = { ...flow.reply, destination: source, destinationPort: port };
      if (!netns.conntrack.isTaken(flow.protocol, reply, flow)) break;
      port = port >= 65_535 ? 1024 : port + 1;
    }
    packet.source = source;
    packet.sourcePort = port;
    flow.reply = { ...flow.reply, destination: source, destinationPort: port };
  }

  /** IPVS: a packet for a virtual server's address goes to one of its real servers. */
  #virtualServer(
    netns: Namespace,
    tracked: Tracked,
  ): { kind: "mapped" } | { kind: "stopped"; outcome: Outcome } | undefined {
    if (!netns.hasIpvs) return undefined;
    const { flow, direction } = tracked;
    const packet = this.packet;
    if (direction === "reply" || flow.confirmed) return undefined;
    const service = netns.ipvs.find(packet.protocol, packet.destination, packet.destinationPort);
    if (!service) return undefined;
    const real = netns.ipvs.schedule(service, packet, netns.network.loop.now());
    if (!real) return { kind: "stopped", outcome: { kind: "rejected", with: "icmp-port-unreachable", at: netns } };
    real.activeConnections++;
    flow.onClose = () => {
      real.activeConnections--;
      real.inactiveConnections++;
    };
    packet.destination = real.address;
    packet.destinationPort = real.port;
    flow.destinationDecided = true;
    flow.reply = { ...flow.reply, source: real.address, sourcePort: real.port };
    return { kind: "mapped" };
  }
}

/** Most chains of most namespaces: nothing to ask. */
function isEmpty(table: Table, name: string): boolean {
  const chain = table.chains.get(name);
  return !chain || (chain.rules.length === 0 && chain.policy === "ACCEPT");
}

interface Hop {
  readonly device: string;
  readonly isLocal: boolean;
  readonly nextHop: string;
  readonly route: Route | undefined;
}

/** Sends a packet from a namespace and follows it to its end. The packet is changed on the way. */
export function walk(netns: Namespace, packet: Packet): Walk {
  const walker = new Walker(packet);
  const outcome = walker.send(netns);
  return { outcome, latencyMs: walker.latencyMs, passages: walker.passages, hops: walker.hops };
}

/** The answer's way back from where a packet was delivered, and whether it reaches `home`. `last`: a RST. */
export function walkBack(
  from: Namespace,
  delivered: Packet,
  home: Namespace,
  last = false,
): Walk & { readonly arrived: boolean } {
  const answer: Tuple = inverse(delivered, delivered.protocol);
  const packet: Packet = {
    ...delivered,
    ...answer,
    mark: 0,
    ttl: 64,
    inInterface: undefined,
    outInterface: undefined,
    syn: false,
    last,
  };
  const result = walk(from, packet);
  return { ...result, arrived: result.outcome.kind === "delivered" && result.outcome.netns === home };
}
