/** A packet on its way: what routing and netfilter look at and change. Payload travels apart (see tcp.ts, udp.ts). */

export type Protocol = "tcp" | "udp" | "icmp" | "sctp";

export interface Packet {
  readonly protocol: Protocol;
  source: string;
  /** For ICMP the echo id. */
  sourcePort: number;
  destination: string;
  destinationPort: number;
  /** fwmark; local to the namespace that the packet is in. */
  mark: number;
  ttl: number;
  inInterface: string | undefined;
  outInterface: string | undefined;
  /** TCP's first segment: what `--syn` matches and what may open a conntrack entry. */
  readonly syn: boolean;
  /** TCP's last segment: closes conntrack entries on its way. */
  readonly last: boolean;
}

export interface Tuple {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export const tupleKey = (protocol: Protocol, tuple: Tuple): string =>
  protocol === "icmp"
    ? `icmp ${tuple.source} ${tuple.destination} ${tuple.sourcePort}`
    : `${protocol} ${tuple.source}:${tuple.sourcePort} ${tuple.destination}:${tuple.destinationPort}`;

export const inverse = (tuple: Tuple, protocol: Protocol): Tuple =>
  protocol === "icmp"
    ? { ...tuple, source: tuple.destination, destination: tuple.source }
    : {
        source: tuple.destination,
        sourcePort: tuple.destinationPort,
        destination: tuple.source,
        destinationPort: tuple.sourcePort,
      };

export const makePacket = (
  protocol: Protocol,
  tuple: Tuple,
  options: { readonly syn?: boolean; readonly last?: boolean; readonly ttl?: number } = {},
): Packet => ({
  protocol,
  source: tuple.source,
  sourcePort: tuple.sourcePort,
  destination: tuple.destination,
  destinationPort: tuple.destinationPort,
  mark: 0,
  ttl: options.ttl ?? 64,
  inInterface: undefined,
  outInterface: undefined,
  syn: options.syn ?? false,
  last: options.last ?? false,
});
