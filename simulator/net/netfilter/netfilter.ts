/** The packet filter of one network namespace: iptables tables, ipsets, and the commands that change them. */
import { type Result, failure, ok } from "../../base/result";
import { type Cidr, cidrHasValue, parseIpv4 } from "../address";
import type { Packet } from "../packet";
import { parseRule, splitArguments } from "./parse";
import { type Chain, type Rule, type Table, type TableName, builtinChains, makeChain, makeTable } from "./rule";
import { ruleText } from "./save";

/** An ipset: `hash:ip` members are addresses or CIDRs, `hash:ip,port` members read `10.0.0.1,tcp:80`. */
export interface IpSet {
  readonly name: string;
  readonly type: string;
  readonly members: Map<string, Cidr | undefined>;
}

export const tableNames: readonly TableName[] = ["raw", "mangle", "nat", "filter"];

const plain = "No chain/target/match by that name.";

export class Netfilter {
  readonly tables: Readonly<Record<TableName, Table>> = {
    raw: makeTable("raw"),
    mangle: makeTable("mangle"),
    nat: makeTable("nat"),
    filter: makeTable("filter"),
  };
  readonly sets = new Map<string, IpSet>();
  readonly recentLists = new Map<string, Map<string, number>>();
  readonly #changed: () => void;
  #revision = 0;

  /** `changed` is called after every change: open connections then look at their way again. */
  constructor(changed: () => void) {
    this.#changed = () => {
      this.#revision++;
      changed();
    };
  }

  /** Grows with every change: who wrote rules can tell whether anybody has touched them since. */
  get revision(): number {
    return this.#revision;
  }

  recent(name: string): Map<string, number> {
    let list = this.recentLists.get(name);
    if (!list) this.recentLists.set(name, (list = new Map()));
    return list;
  }

  chain(table: TableName, name: string): Chain | undefined {
    return this.tables[table].chains.get(name);
  }

  // ---- the iptables command's operations ---------------------------------------------------------------------------

  newChain(table: TableName, name: string): Result<void, string> {
    const chains = this.tables[table].chains;
    if (chains.has(name)) return failure("Chain already exists.");
    chains.set(name, makeChain(name));
    this.#changed();
    return ok();
  }

  /** Makes the chain unless it is there. */
  ensureChain(table: TableName, name: string): void {
    if (!this.tables[table].chains.has(name)) this.newChain(table, name);
  }

  deleteChain(table: TableName, name: string): Result<void, string> {
    const chain = this.chain(table, name);
    if (!chain) return failure(plain);
    if (chain.policy) return failure("Operation not supported.");
    if (chain.rules.length > 0) return failure("Directory not empty.");
    if (this.references(table, name) > 0) return failure("Device or resource busy.");
    this.tables[table].chains.delete(name);
    this.#changed();
    return ok();
  }

  /** Empties one chain, or all of them. */
  flush(table: TableName, name?: string): Result<void, string> {
    if (name !== undefined && !this.chain(table, name)) return failure(plain);
    for (const chain of this.tables[table].chains.values())
      if (name === undefined || chain.name === name) chain.rules = [];
    this.#changed();
    return ok();
  }

  setPolicy(table: TableName, name: string, policy: "ACCEPT" | "DROP"): Result<void, string> {
    const chain = this.chain(table, name);
    if (!chain?.policy) return failure("Bad built-in chain name.");
    chain.policy = policy;
    this.#changed();
    return ok();
  }

  /** How many rules jump to a chain. */
  references(table: TableName, name: string): number {
    let count = 0;
    for (const chain of this.tables[table].chains.values())
      for (const rule of chain.rules)
        if ((rule.target?.kind === "jump" || rule.target?.kind === "goto") && rule.target.chain === name) count++;
    return count;
  }

  #checked(table: TableName, rule: Rule): Result<Rule, string> {
    const target = rule.target;
    if ((target?.kind === "jump" || target?.kind === "goto") && !this.chain(table, target.chain))
      return failure(
        /^[A-Z]+$/.test(target.chain)
          ? `Couldn't load target \`${target.chain}':No such file or directory`
          : `Chain '${target.chain}' does not exist`,
      );
    if (target && ["DNAT", "SNAT", "MASQUERADE", "REDIRECT"].includes(target.kind) && table !== "nat")
      return failure(plain);
    return ok(rule);
  }

  /** Inserts before position `at` (0-based), or appends when absent. */
  insertRule(table: TableName, name: string, rule: Rule, at?: number): Result<void, string> {
    const chain = this.chain(table, name);
    if (!chain) return failure(plain);
    const checked = this.#checked(table, rule);
    if (!checked.ok) return checked;
    if (at !== undefined && at > chain.rules.length) return failure("Index of insertion too big.");
    chain.rules = chain.rules.toSpliced(at ?? chain.rules.length, 0, rule);
    this.#changed();
    return ok();
  }

  replaceRule(table: TableName, name: string, rule: Rule, at: number): Result<void, string> {
    const chain = this.chain(table, name);
    if (!chain) return failure(plain);
    const checked = this.#checked(table, rule);
    if (!checked.ok) return checked;
    if (at >= chain.rules.length) return failure("Index of replacement too big.");
    chain.rules = chain.rules.with(at, rule);
    this.#changed();
    return ok();
  }

  /** The position of the rule that prints the same, or -1. */
  findRule(table: TableName, name: string, rule: Rule): number {
    const text = ruleText(rule);
    return this.chain(table, name)?.rules.findIndex((candidate) => ruleText(candidate) === text) ?? -1;
  }

  deleteRule(table: TableName, name: string, which: Rule | number): Result<void, string> {
    const chain = this.chain(table, name);
    if (!chain) return failure(plain);
    const at = typeof which === "number" ? which : this.findRule(table, name, which);
    if (typeof which === "number" && (at < 0 || at >= chain.rules.length)) return failure("Index of deletion too big.");
    if (at < 0) return failure("Bad rule (does a matching rule exist in that chain?).");
    chain.rules = chain.rules.toSpliced(at, 1);
    this.#changed();
    return ok();
  }

  // ---- for daemons -------------------------------------------------------------------------------------------------

  /** `-A CHAIN …` or `-I CHAIN [n] …`, as dockerd and kube-proxy call iptables. A rule that is there already stays alone with `unique`. */
  apply(table: TableName, command: string, options: { readonly unique?: boolean } = {}): Result<void, string> {
    const words = splitArguments(command);
    const action = words[0];
    const name = words[1] ?? "";
    let rest = words.slice(2);
    let at: number | undefined;
    if (action === "-N") return this.newChain(table, name);
    if (action === "-F") return this.flush(table, words[1]);
    if (action === "-X") return this.deleteChain(table, name);
    if (action === "-P") return this.setPolicy(table, name, words[2] as "ACCEPT");
    if (action === "-I") {
      at = 0;
      if (/^\d+$/.test(rest[0] ?? "")) {
        at = Number(rest[0]) - 1;
        rest = rest.slice(1);
      }
    }
    const rule = parseRule(rest);
    if (!rule.ok) return rule;
    if (action === "-D") return this.deleteRule(table, name, rule.value);
    if (options.unique && this.findRule(table, name, rule.value) >= 0) return ok();
    return this.insertRule(table, name, rule.value, at);
  }

  /**
   * iptables-restore: the text's tables. With `noFlush`, chains named in the text are emptied first and all others
   * stay, as kube-proxy does it. Nothing changes when a line is wrong.
   */
  restore(text: string, options: { readonly noFlush?: boolean } = {}): Result<void, string> {
    interface Draft {
      readonly table: TableName;
      readonly chains: Map<string, Chain>;
      /** Rule lists that belong to the draft alone. */
      readonly own: Map<Chain, Rule[]>;
    }
    const drafts: Draft[] = [];
    let draft: Draft | undefined;
    const lines = text.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!.trim();
      const fail = (why: string): Result<never, string> => failure(`line ${i + 1}: ${why}`);
      if (line === "" || line.startsWith("#")) continue;
      if (line.startsWith("*")) {
        const table = line.slice(1) as TableName;
        if (!tableNames.includes(table)) return fail(`can't initialize table '${table}'`);
        const chains = new Map(options.noFlush ? this.tables[table].chains : makeTable(table).chains);
        draft = { table, chains, own: new Map() };
        continue;
      }
      if (!draft) return fail("no table");
      if (line === "COMMIT") {
        drafts.push(draft);
        draft = undefined;
        continue;
      }
      if (line.startsWith(":")) {
        const m = /^:(\S+) (\S+)(?: \[(\d+):(\d+)\])?/.exec(line);
        if (!m) return fail("bad chain");
        const policy = builtinChains[draft.table].includes(m[1]!)
          ? ((m[2] === "DROP" ? "DROP" : "ACCEPT") as "DROP" | "ACCEPT")
          : undefined;
        const chain = makeChain(m[1]!, policy);
        // A built-in chain keeps its rules under --noflush.
        if (policy && options.noFlush) chain.rules = draft.chains.get(m[1]!)?.rules ?? [];
        chain.counters.packets = Number(m[3] ?? 0);
        chain.counters.bytes = Number(m[4] ?? 0);
        draft.chains.set(m[1]!, chain);
        continue;
      }
      const counters = /^\[(\d+):(\d+)\] (.*)$/.exec(line);
      const words = splitArguments(counters ? counters[3]! : line);
      const name = words[1] ?? "";
      const chain = draft.chains.get(name);
      if (words[0] === "-X") {
        draft.chains.delete(name);
        continue;
      }
      if (!chain) return fail(plain);
      if (words[0] === "-F") {
        draft.chains.set(name, { ...chain, rules: [] });
        continue;
      }
      if (words[0] !== "-A" && words[0] !== "-I") return fail(`unknown command ${words[0]}`);
      const rule = parseRule(words.slice(2));
      if (!rule.ok) return fail(rule.error);
      if (counters) {
        rule.value.counters.packets = Number(counters[1]);
        rule.value.counters.bytes = Number(counters[2]);
      }
      const rules = ownRules(draft.chains, draft.own, chain);
      if (words[0] === "-A") rules.push(rule.value);
      else rules.unshift(rule.value);
    }
    for (const { table, chains } of drafts) {
      for (const chain of chains.values())
        for (const rule of chain.rules)
          if ((rule.target?.kind === "jump" || rule.target?.kind === "goto") && !chains.has(rule.target.chain))
            return failure(`Chain '${rule.target.chain}' does not exist`);
      this.tables[table].chains.clear();
      for (const [name, chain] of chains) this.tables[table].chains.set(name, chain);
    }
    this.#changed();
    return ok();
  }

  // ---- ipset -------------------------------------------------------------------------------------------------------

  createSet(name: string, type: string): IpSet {
    let set = this.sets.get(name);
    if (!set) this.sets.set(name, (set = { name, type, members: new Map() }));
    return set;
  }

  /** Replaces a set's members. */
  fillSet(name: string, type: string, members: readonly string[], cidrOf: (member: string) => Cidr | undefined): void {
    const set = this.createSet(name, type);
    set.members.clear();
    for (const member of members) set.members.set(member, cidrOf(member));
    this.#changed();
  }

  inSet(name: string, packet: Packet, flags: readonly ("src" | "dst")[]): boolean {
    const set = this.sets.get(name);
    if (!set) return false;
    const parts = set.type.replace(/^\w+:/, "").split(",");
    const address = (flag: string | undefined): string => (flag === "src" ? packet.source : packet.destination);
    const port = (flag: string | undefined): string =>
      `${packet.protocol}:${flag === "src" ? packet.sourcePort : packet.destinationPort}`;
    if (parts.length === 1 && parts[0] !== "port") {
      const value = parseIpv4(address(flags[0]));
      if (value === undefined) return false;
      if (set.members.has(address(flags[0]))) return true;
      for (const cidr of set.members.values()) if (cidr && cidrHasValue(cidr, value)) return true;
      return false;
    }
    const key = parts.map((part, index) => (part === "port" ? port(flags[index]) : address(flags[index]))).join(",");
    if (set.members.has(key)) return true;
    // bitmap:port members are bare numbers.
    return parts.length === 1 && set.members.has(port(flags[0]).replace(/^\w+:/, ""));
  }
}

/** A chain's rules, copied on the first change: a live table's lists are never edited. */
function ownRules(chains: Map<string, Chain>, own: Map<Chain, Rule[]>, chain: Chain): Rule[] {
  let rules = own.get(chain);
  if (!rules) {
    rules = [...chain.rules];
    const copy: Chain = { ...chain, rules };
    chains.set(chain.name, copy);
    own.set(copy, rules);
  }
  return rules;
}
