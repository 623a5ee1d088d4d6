/** Runs a packet through one chain: matches, targets, jumps and returns, until a verdict. */
import type { Clock } from "../../base/clock";
import type { Random } from "../../base/random";
import { cidrHasValue, parseIpv4 } from "../address";
import { type Tracked, stateOf } from "../conntrack";
import type { Packet } from "../packet";
import type { AddressType, Chain, Match, NatRange, Negatable, PortRange, RejectWith, Rule, Table } from "./rule";

export type NatAction =
  | { readonly kind: "destination"; readonly range: NatRange }
  | { readonly kind: "source"; readonly range: NatRange }
  | { readonly kind: "masquerade"; readonly ports?: PortRange }
  | { readonly kind: "redirect"; readonly ports?: PortRange };

export type Verdict =
  | { readonly kind: "accept" }
  | { readonly kind: "drop"; readonly rule?: Rule }
  | { readonly kind: "reject"; readonly with: RejectWith; readonly rule?: Rule }
  | { readonly kind: "nat"; readonly action: NatAction };

/** What matches may ask of the namespace that the packet is in. */
export interface EvaluationContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly tracked: Tracked;
  addressType(address: string): AddressType;
  inSet(name: string, packet: Packet, flags: readonly ("src" | "dst")[]): boolean;
  recent(name: string): Map<string, number>;
  readonly bridged: boolean;
  /** A trace of the rules that decided something, when somebody watches. */
  onRule?: (chain: Chain, rule: Rule) => void;
}

const ACCEPT: Verdict = Object.freeze({ kind: "accept" });
/** A packet's length for counters: a SYN or a small datagram. */
const PACKET_BYTES = 60;
const JUMP_DEPTH_MAX = 64;

/** The verdict of a built-in chain. */
export function evaluate(table: Table, chainName: string, packet: Packet, context: EvaluationContext): Verdict {
  const chain = table.chains.get(chainName);
  if (!chain || (chain.rules.length === 0 && chain.policy === "ACCEPT")) return ACCEPT;
  const verdict = walk(table, chain, packet, context, 0);
  if (verdict !== undefined) return verdict;
  chain.counters.packets++;
  chain.counters.bytes += PACKET_BYTES;
  return chain.policy === "DROP" ? { kind: "drop" } : ACCEPT;
}

/** Undefined: the chain's end, or a RETURN. */
function walk(
  table: Table,
  chain: Chain,
  packet: Packet,
  context: EvaluationContext,
  depth: number,
): Verdict | undefined {
  if (depth > JUMP_DEPTH_MAX) return { kind: "drop" };
  for (const rule of chain.rules) {
    if (!ruleMatches(rule, packet, context)) continue;
    rule.counters.packets++;
    rule.counters.bytes += PACKET_BYTES;
    const target = rule.target;
    if (!target) continue;
    context.onRule?.(chain, rule);
    switch (target.kind) {
      case "ACCEPT":
        return ACCEPT;
      case "DROP":
        return { kind: "drop", rule };
      case "RETURN":
        return undefined;
      case "REJECT":
        return { kind: "reject", with: target.with, rule };
      case "MARK":
        // xset: zero the mask's bits, then xor in the value.
        packet.mark = ((packet.mark & ~target.mask) ^ target.value) >>> 0;
        if (target.how === "or") packet.mark = (packet.mark | target.value) >>> 0;
        break;
      case "DNAT":
        return { kind: "nat", action: { kind: "destination", range: target.range } };
      case "SNAT":
        return { kind: "nat", action: { kind: "source", range: target.range } };
      case "MASQUERADE":
        return { kind: "nat", action: { kind: "masquerade", ...(target.ports ? { ports: target.ports } : {}) } };
      case "REDIRECT":
        return { kind: "nat", action: { kind: "redirect", ...(target.ports ? { ports: target.ports } : {}) } };
      case "jump":
      case "goto": {
        const next = table.chains.get(target.chain);
        const verdict = next && walk(table, next, packet, context, depth + 1);
        if (verdict !== undefined) return verdict;
        // What a goto leads to returns to the chain's caller.
        if (target.kind === "goto") return undefined;
        break;
      }
      default:
        // LOG, NOTRACK, TCPMSS and CHECKSUM do not decide.
        break;
    }
  }
  return undefined;
}

const holds = <T>(wanted: Negatable<T> | undefined, test: (value: T) => boolean): boolean =>
  wanted === undefined || test(wanted.value) !== wanted.not;

const interfaceMatches = (pattern: string, name: string | undefined): boolean =>
  name !== undefined && (pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : pattern === name);

const inRange = (ports: PortRange, port: number): boolean => port >= ports.from && port <= ports.to;

export function ruleMatches(rule: Rule, packet: Packet, context: EvaluationContext): boolean {
  if (!holds(rule.protocol, (value) => value === packet.protocol)) return false;
  if (rule.source) {
    const address = parseIpv4(packet.source);
    if (address === undefined || cidrHasValue(rule.source.value, address) === rule.source.not) return false;
  }
  if (rule.destination) {
    const address = parseIpv4(packet.destination);
    if (address === undefined || cidrHasValue(rule.destination.value, address) === rule.destination.not) return false;
  }
  if (!holds(rule.inInterface, (value) => interfaceMatches(value, packet.inInterface))) return false;
  if (!holds(rule.outInterface, (value) => interfaceMatches(value, packet.outInterface))) return false;
  for (const match of rule.matches) if (!matchHolds(match, rule, packet, context)) return false;
  return true;
}

function matchHolds(match: Match, rule: Rule, packet: Packet, context: EvaluationContext): boolean {
  switch (match.kind) {
    case "comment":
      return true;
    case "tcp":
    case "udp":
      return (
        packet.protocol === match.kind &&
        holds(match.dport, (ports) => inRange(ports, packet.destinationPort)) &&
        holds(match.sport, (ports) => inRange(ports, packet.sourcePort)) &&
        holds(match.syn, () => packet.syn)
      );
    case "multiport":
      return holds(match.ports, (ranges) =>
        ranges.some(
          (ports) =>
            (match.side !== "sports" && inRange(ports, packet.destinationPort)) ||
            (match.side !== "dports" && inRange(ports, packet.sourcePort)),
        ),
      );
    case "icmp":
      return packet.protocol === "icmp" && holds(match.type, (type) => icmpMatches(type, packet, context));
    case "addrtype":
      return (
        holds(match.source, (type) => context.addressType(packet.source) === type) &&
        holds(match.destination, (type) => context.addressType(packet.destination) === type)
      );
    case "conntrack":
    case "state":
      return holds(match.states, (states) => states.some((state) => stateMatches(state, context.tracked)));
    case "statistic": {
      if (match.mode === "random") return context.random.float() < match.probability !== match.not;
      // The counter of nth is the rule's own: packets seen so far.
      const seen = nthCounters.get(rule) ?? match.packet;
      nthCounters.set(rule, (seen + 1) % match.every);
      return (seen % match.every === 0) !== match.not;
    }
    case "mark":
      return holds(match.mark, (mark) => (packet.mark & mark.mask) >>> 0 === mark.value);
    case "connmark":
      return holds(match.mark, (mark) => (context.tracked.flow.mark & mark.mask) >>> 0 === mark.value);
    case "set":
      return holds(match.set, (name) => context.inSet(name, packet, match.flags));
    case "recent":
      return recentHolds(match, packet, context) !== match.not;
    case "limit":
      return limitHolds(match, rule, context.clock.now());
    case "physdev":
      return context.bridged === match.isBridged;
  }
}

/** State of `nth` and `limit`, which belongs to the rule and goes with it. */
const nthCounters = new WeakMap<Rule, number>();
const limitCredits = new WeakMap<Rule, { credit: number; at: number }>();

function limitHolds(match: Extract<Match, { kind: "limit" }>, rule: Rule, now: number): boolean {
  const state = limitCredits.get(rule) ?? { credit: match.burst, at: now };
  const credit = Math.min(match.burst, state.credit + (now - state.at) / match.perMs);
  const passes = credit >= 1;
  limitCredits.set(rule, { credit: passes ? credit - 1 : credit, at: now });
  return passes;
}

function icmpMatches(type: string, packet: Packet, context: EvaluationContext): boolean {
  if (type === "any") return true;
  const isReply = context.tracked.direction === "reply";
  return type === "echo-reply" || type === "0"
    ? isReply
    : (type === "echo-request" || type === "8") && !isReply && packet.protocol === "icmp";
}

function stateMatches(state: string, tracked: Tracked): boolean {
  const { flow } = tracked;
  switch (state) {
    case "DNAT":
      return flow.reply.source !== flow.original.destination || flow.reply.sourcePort !== flow.original.destinationPort;
    case "SNAT":
      return flow.reply.destination !== flow.original.source;
    default:
      return stateOf(tracked) === state;
  }
}

function recentHolds(match: Extract<Match, { kind: "recent" }>, packet: Packet, context: EvaluationContext): boolean {
  const list = context.recent(match.name);
  const address = match.by === "rsource" ? packet.source : packet.destination;
  const now = context.clock.now();
  if (match.action === "set") {
    list.delete(address);
    list.set(address, now);
    return true;
  }
  const seen = list.get(address);
  if (match.action === "remove") return list.delete(address);
  const isFresh = seen !== undefined && (match.seconds === undefined || now - seen <= match.seconds * 1000);
  if (!isFresh && seen !== undefined && match.reap) list.delete(address);
  if (isFresh && match.action === "update") list.set(address, now);
  return isFresh;
}
