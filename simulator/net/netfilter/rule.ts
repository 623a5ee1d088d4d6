/** iptables rules as data: what a rule matches and what it does. Text goes in through parse.ts and out through save.ts. */
import type { Cidr } from "../address";
import type { FlowState } from "../conntrack";

export type TableName = "raw" | "mangle" | "nat" | "filter";

/** A value with an optional `!` before it. */
export interface Negatable<T> {
  readonly not: boolean;
  readonly value: T;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export type AddressType = "LOCAL" | "UNICAST" | "BROADCAST" | "MULTICAST" | "UNSPEC";

export type Match =
  | {
      readonly kind: "tcp" | "udp";
      readonly sport?: Negatable<PortRange>;
      readonly dport?: Negatable<PortRange>;
      readonly syn?: Negatable<true>;
    }
  | {
      readonly kind: "multiport";
      readonly side: "sports" | "dports" | "ports";
      readonly ports: Negatable<readonly PortRange[]>;
    }
  | { readonly kind: "icmp"; readonly type: Negatable<string> }
  | {
      readonly kind: "addrtype";
      readonly source?: Negatable<AddressType>;
      readonly destination?: Negatable<AddressType>;
    }
  | { readonly kind: "comment"; readonly text: string }
  | {
      readonly kind: "conntrack" | "state";
      readonly states?: Negatable<readonly (FlowState | "DNAT" | "SNAT" | "UNTRACKED")[]>;
    }
  | { readonly kind: "statistic"; readonly mode: "random"; readonly probability: number; readonly not: boolean }
  | {
      readonly kind: "statistic";
      readonly mode: "nth";
      readonly every: number;
      readonly packet: number;
      readonly not: boolean;
    }
  | { readonly kind: "mark" | "connmark"; readonly mark: Negatable<MarkMask> }
  | { readonly kind: "set"; readonly set: Negatable<string>; readonly flags: readonly ("src" | "dst")[] }
  | {
      readonly kind: "recent";
      readonly action: "set" | "rcheck" | "update" | "remove";
      readonly not: boolean;
      readonly seconds?: number;
      readonly reap: boolean;
      readonly name: string;
      readonly by: "rsource" | "rdest";
    }
  | { readonly kind: "limit"; readonly rate: string; readonly perMs: number; readonly burst: number }
  | { readonly kind: "physdev"; readonly isBridged: boolean };

export interface MarkMask {
  readonly value: number;
  readonly mask: number;
}

export interface NatRange {
  /** Absent: the address stays, only the port changes. */
  readonly address?: string;
  readonly lastAddress?: string;
  readonly port?: number;
  readonly lastPort?: number;
}

export type RejectWith =
  | "icmp-port-unreachable"
  | "icmp-host-unreachable"
  | "icmp-net-unreachable"
  | "icmp-proto-unreachable"
  | "icmp-net-prohibited"
  | "icmp-host-prohibited"
  | "icmp-admin-prohibited"
  | "tcp-reset";

export type Target =
  | { readonly kind: "ACCEPT" | "DROP" | "RETURN" }
  | { readonly kind: "REJECT"; readonly with: RejectWith }
  | { readonly kind: "DNAT" | "SNAT"; readonly range: NatRange; readonly random: boolean }
  | { readonly kind: "MASQUERADE" | "REDIRECT"; readonly ports?: PortRange; readonly random: boolean }
  | {
      readonly kind: "MARK";
      readonly value: number;
      readonly mask: number;
      readonly how: "xset" | "or" | "and" | "xor";
    }
  | { readonly kind: "LOG"; readonly prefix?: string }
  | { readonly kind: "NOTRACK" | "TCPMSS" | "CHECKSUM"; readonly text: string }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

export interface Rule {
  readonly protocol?: Negatable<string>;
  readonly source?: Negatable<Cidr>;
  readonly destination?: Negatable<Cidr>;
  readonly inInterface?: Negatable<string>;
  readonly outInterface?: Negatable<string>;
  readonly matches: readonly Match[];
  readonly target?: Target;
  /** What passed: changes with every packet. */
  readonly counters: { packets: number; bytes: number };
}

export interface Chain {
  readonly name: string;
  /** Built-in chains have one. */
  policy: "ACCEPT" | "DROP" | undefined;
  rules: readonly Rule[];
  readonly counters: { packets: number; bytes: number };
}

export interface Table {
  readonly name: TableName;
  readonly chains: Map<string, Chain>;
}

export const builtinChains: Record<TableName, readonly string[]> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

export const makeChain = (name: string, policy?: "ACCEPT" | "DROP"): Chain => ({
  name,
  policy,
  rules: [],
  counters: { packets: 0, bytes: 0 },
});

export const makeTable = (name: TableName): Table => ({
  name,
  chains: new Map(builtinChains[name].map((chain) => [chain, makeChain(chain, "ACCEPT")])),
});
