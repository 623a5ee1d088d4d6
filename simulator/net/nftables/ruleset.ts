/** The nftables ruleset of a namespace: tables that daemons write, evaluated at the hooks and listed as `nft list ruleset` does. */
import type { Clock } from "../../base/clock";
import type { EvaluationContext, Verdict } from "../netfilter/evaluate";
import type { NatRange } from "../netfilter/rule";
import type { Packet } from "../packet";

/** `output` is what comes before and with dstnat, `output-filter` what comes after it. */
export type NftHook = "prerouting" | "input" | "forward" | "output" | "output-filter" | "postrouting";

export type NftAction =
  | { readonly kind: "accept" | "drop" | "reject" | "return" | "masquerade" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  | { readonly kind: "mark"; change(mark: number): number }
  | { readonly kind: "dnat"; readonly range: NatRange }
  /** One of the chains, at random. */
  | { readonly kind: "numgen"; readonly chains: readonly string[] }
  /** A chain by a key of the packet; nothing happens when the map lacks it. */
  | { readonly kind: "vmap"; readonly map: string; key(packet: Packet): string }
  /** Remembers the source in a set with a timeout. */
  | { readonly kind: "update"; readonly set: string };

/** A rule: nft's words for it, and what they mean. */
export interface NftRule {
  readonly text: string;
  matches?(packet: Packet, context: EvaluationContext, table: NftTable): boolean;
  readonly action?: NftAction;
}

export interface NftChain {
  readonly name: string;
  readonly comment?: string;
  readonly hook?: {
    readonly type: "filter" | "nat";
    readonly hook: string;
    readonly priority: number;
    readonly shownPriority: string;
  };
  readonly rules: readonly NftRule[];
}

export interface NftSet {
  readonly name: string;
  readonly type: string;
  readonly comment?: string;
  readonly flags?: string;
  /** Element to verdict (`goto chain`, `drop`) in maps; to "" in sets. */
  readonly elements: ReadonlyMap<string, string>;
  readonly isMap: boolean;
  readonly timeoutSeconds?: number;
}

export interface NftTable {
  readonly family: "ip" | "inet";
  readonly name: string;
  readonly comment?: string;
  readonly chains: ReadonlyMap<string, NftChain>;
  readonly sets: ReadonlyMap<string, NftSet>;
  /** Dynamic elements of sets with a timeout: address to when it was seen. */
  readonly recent: Map<string, Map<string, number>>;
}

const ACCEPT: Verdict = Object.freeze({ kind: "accept" });
const DSTNAT = -100;

export class NftRuleset {
  readonly #tables = new Map<string, NftTable>();
  readonly #changed: () => void;
  readonly #clock: Clock;

  constructor(changed: () => void, clock: Clock) {
    this.#changed = changed;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  tables(): readonly NftTable[] {
    return [...this.#tables.values()];
  }

  table(family: string, name: string): NftTable | undefined {
    return this.#tables.get(`${family} ${name}`);
  }

  /** Replaces a whole table, as one transaction. What its dynamic sets remember stays. */
  setTable(table: Omit<NftTable, "recent">): void {
    const key = `${table.family} ${table.name}`;
    this.#tables.set(key, { ...table, recent: this.#tables.get(key)?.recent ?? new Map() });
    this.#changed();
  }

  deleteTable(family: string, name: string): boolean {
    this.#changed();
    return this.#tables.delete(`${family} ${name}`);
  }

  clear(): void {
    this.#tables.clear();
    this.#changed();
  }

  evaluate(hook: NftHook, packet: Packet, context: EvaluationContext): Verdict {
    const name = hook === "output-filter" ? "output" : hook;
    const chains = this.tables()
      .flatMap((table) => [...table.chains.values()].map((chain) => ({ table, chain })))
      .filter(
        ({ chain }) =>
          chain.hook?.hook === name && (name !== "output" || chain.hook.priority <= DSTNAT === (hook === "output")),
      )
      .sort((a, b) => a.chain.hook!.priority - b.chain.hook!.priority);
    for (const { table, chain } of chains) {
      // nat chains see a flow's first packet only.
      if (chain.hook!.type === "nat" && context.tracked.flow.confirmed) continue;
      const verdict = this.#run(table, chain, packet, context, 0);
      if (verdict && verdict.kind !== "accept") return verdict;
    }
    return ACCEPT;
  }

  #run(
    table: NftTable,
    chain: NftChain,
    packet: Packet,
    context: EvaluationContext,
    depth: number,
  ): Verdict | undefined {
    if (depth > 32) return { kind: "drop" };
    for (const rule of chain.rules) {
      if (rule.matches && !rule.matches(packet, context, table)) continue;
      const action = rule.action && this.#resolve(table, rule.action, packet, context);
      if (!action) continue;
      switch (action.kind) {
        case "accept":
          return ACCEPT;
        case "drop":
          return { kind: "drop" };
        case "reject":
          return { kind: "reject", with: "icmp-port-unreachable" };
        case "return":
          return undefined;
        case "masquerade":
          return { kind: "nat", action: { kind: "masquerade" } };
        case "dnat":
          return { kind: "nat", action: { kind: "destination", range: action.range } };
        case "mark":
          packet.mark = action.change(packet.mark) >>> 0;
          break;
        case "update": {
          const seen = table.recent.get(action.set) ?? new Map<string, number>();
          table.recent.set(action.set, seen);
          seen.set(packet.source, this.#clock.now());
          break;
        }
        case "jump":
        case "goto": {
          const next = table.chains.get(action.chain);
          const verdict = next && this.#run(table, next, packet, context, depth + 1);
          if (verdict) return verdict;
          if (action.kind === "goto") return undefined;
          break;
        }
        default:
          break;
      }
    }
    return undefined;
  }

  /** Maps and chance lead to a plain action. */
  #resolve(table: NftTable, action: NftAction, packet: Packet, context: EvaluationContext): NftAction | undefined {
    if (action.kind === "numgen") {
      const chain = action.chains[Math.floor(context.random.float() * action.chains.length)];
      return chain === undefined ? undefined : { kind: "goto", chain };
    }
    if (action.kind !== "vmap") return action;
    const verdict = table.sets.get(action.map)?.elements.get(action.key(packet));
    if (verdict === undefined) return undefined;
    const [kind, chain] = verdict.split(" ");
    if (kind === "goto" || kind === "jump") return { kind, chain: chain! };
    return { kind: verdict as "drop" };
  }

  /** Whether a dynamic set has seen an address within its timeout. */
  static isRecent(table: NftTable, set: string, address: string, now: number): boolean {
    const seen = table.recent.get(set)?.get(address);
    const timeout = table.sets.get(set)?.timeoutSeconds;
    return seen !== undefined && (timeout === undefined || now - seen <= timeout * 1000);
  }

  /** `nft list ruleset` */
  list(): string {
    return this.tables().map(listTable).join("\n");
  }
}

export function listTable(table: NftTable): string {
  const parts: string[] = [];
  for (const set of table.sets.values()) {
    const lines = [`\t${set.isMap ? "map" : "set"} ${set.name} {`, `\t\ttype ${set.type}`];
    if (set.flags) lines.push(`\t\tflags ${set.flags}`);
    if (set.timeoutSeconds !== undefined) lines.push(`\t\ttimeout ${duration(set.timeoutSeconds)}`);
    if (set.comment) lines.push(`\t\tcomment "${set.comment}"`);
    const elements = [...set.elements].map(([key, value]) => (set.isMap ? `${key} : ${value}` : key));
    if (elements.length > 0) lines.push(`\t\telements = { ${elements.join(`,\n\t\t\t     `)} }`);
    lines.push("\t}");
    parts.push(lines.join("\n"));
  }
  for (const chain of table.chains.values()) {
    const lines = [`\tchain ${chain.name} {`];
    if (chain.comment) lines.push(`\t\tcomment "${chain.comment}"`);
    if (chain.hook)
      lines.push(
        `\t\ttype ${chain.hook.type} hook ${chain.hook.hook} priority ${chain.hook.shownPriority}; policy accept;`,
      );
    for (const rule of chain.rules) lines.push(`\t\t${rule.text}`);
    lines.push("\t}");
    parts.push(lines.join("\n"));
  }
  return `table ${table.family} ${table.name} {\n${table.comment ? `\tcomment "${table.comment}"\n\n` : ""}${parts.join("\n\n")}\n}\n`;
}

function duration(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const s = seconds % 60;
  return `${h ? `${h}h` : ""}${m ? `${m}m` : ""}${s ? `${s}s` : ""}` || "0s";
}
