/** Connection tracking: which flow a packet belongs to, and the address translation that its first packet decided. */
import type { Clock } from "../base/clock";
import { type Packet, type Protocol, type Tuple, inverse, tupleKey } from "./packet";

export type FlowState = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID";

export interface Flow {
  readonly protocol: Protocol;
  readonly original: Tuple;
  /** What answers look like when they arrive: the inverse of the original, as changed by NAT. */
  reply: Tuple;
  /** NAT was decided for the half: only a flow's first packet consults the nat table. */
  destinationDecided: boolean;
  sourceDecided: boolean;
  confirmed: boolean;
  seenReply: boolean;
  closing: boolean;
  mark: number;
  expiresAt: number;
  /** Told once when the flow closes: IPVS counts its connections. */
  onClose: (() => void) | undefined;
}

export interface Tracked {
  readonly flow: Flow;
  readonly direction: "original" | "reply";
}

const TIMEOUT_MS = {
  established: 432_000_000,
  synSent: 120_000,
  closing: 120_000,
  udp: 30_000,
  udpStream: 120_000,
  icmp: 30_000,
} as const;

export class Conntrack {
  readonly #clock: Clock;
  readonly #flows = new Map<string, Flow>();
  #inserts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Confirmed flows that have not expired, in the order they were made. */
  flows(): readonly Flow[] {
    const seen = new Set<Flow>();
    for (const flow of this.#flows.values()) if (this.#isAlive(flow)) seen.add(flow);
    return [...seen];
  }

  find(packet: Packet): Tracked | undefined {
    const key = tupleKey(packet.protocol, packet);
    const flow = this.#flows.get(key);
    if (!flow || !this.#isAlive(flow)) return undefined;
    const isOriginal = tupleKey(flow.protocol, flow.original) === key;
    // ICMP between two loopback addresses has equal tuples both ways: then the first direction wins.
    return { flow, direction: isOriginal ? "original" : "reply" };
  }

  /** The packet's flow, or a new unconfirmed one. */
  track(packet: Packet): Tracked {
    const found = this.find(packet);
    if (found) {
      // A new SYN on the tuple of a flow that is closing opens it anew, through the nat table.
      if (!(packet.syn && found.flow.closing && found.direction === "original")) return found;
      this.delete(found.flow);
    }
    const original: Tuple = {
      source: packet.source,
      sourcePort: packet.sourcePort,
      destination: packet.destination,
      destinationPort: packet.destinationPort,
    };
    return {
      flow: {
        protocol: packet.protocol,
        original,
        reply: inverse(original, packet.protocol),
        destinationDecided: false,
        sourceDecided: false,
        confirmed: false,
        seenReply: false,
        closing: false,
        mark: 0,
        expiresAt: 0,
        onClose: undefined,
      },
      direction: "original",
    };
  }

  /** Whether a reply tuple is used by another flow: NAT then takes another port. */
  isTaken(protocol: Protocol, reply: Tuple, own: Flow): boolean {
    const holder = this.#flows.get(tupleKey(protocol, reply));
    return holder !== undefined && holder !== own && this.#isAlive(holder);
  }

  /** A packet got through: its flow stays, or lives on. */
  confirm(tracked: Tracked, last = false): void {
    const { flow, direction } = tracked;
    if (direction === "reply") flow.seenReply = true;
    // Both sides have closed: the flow stays for a while as TIME_WAIT.
    if (last && !flow.closing) {
      flow.closing = true;
      flow.onClose?.();
    }
    flow.expiresAt = this.#clock.now() + timeoutOf(flow);
    if (flow.confirmed) return;
    flow.confirmed = true;
    this.#flows.set(tupleKey(flow.protocol, flow.original), flow);
    this.#flows.set(tupleKey(flow.protocol, flow.reply), flow);
    if (++this.#inserts % 256 === 0) this.#sweep();
  }

  delete(flow: Flow): void {
    for (const tuple of [flow.original, flow.reply]) {
      const key = tupleKey(flow.protocol, tuple);
      if (this.#flows.get(key) === flow) this.#flows.delete(key);
    }
  }

  clear(): void {
    this.#flows.clear();
  }

  #isAlive(flow: Flow): boolean {
    return flow.expiresAt > this.#clock.now();
  }

  #sweep(): void {
    for (const [key, flow] of [...this.#flows]) if (!this.#isAlive(flow)) this.#flows.delete(key);
  }
}

function timeoutOf(flow: Flow): number {
  if (flow.protocol === "icmp") return TIMEOUT_MS.icmp;
  if (flow.protocol === "udp") return flow.seenReply ? TIMEOUT_MS.udpStream : TIMEOUT_MS.udp;
  if (flow.closing) return TIMEOUT_MS.closing;
  return flow.seenReply ? TIMEOUT_MS.established : TIMEOUT_MS.synSent;
}

/** A tracked packet's state as `--ctstate` sees it. */
export const stateOf = (tracked: Tracked): FlowState =>
  tracked.direction === "reply" || tracked.flow.seenReply ? "ESTABLISHED" : "NEW";
