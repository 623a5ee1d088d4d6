/** Reads the arguments of one iptables rule, as the command line and iptables-save write them. */
import { type Result, failure, ok } from "../../base/result";
import { parseCidr } from "../address";
import type { AddressType, Match, NatRange, Negatable, PortRange, RejectWith, Rule, Target } from "./rule";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Splits a line of iptables-save into arguments, honouring double quotes. */
export function splitArguments(line: string): string[] {
  const words: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
  for (let m = pattern.exec(line); m; m = pattern.exec(line))
    words.push(m[1] !== undefined ? m[1].replace(/\\(.)/g, "$1") : m[2]!);
  return words;
}

const services: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  https: 443,
  mysql: 3306,
  postgresql: 5432,
};

function parsePort(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 65_535 ? Number(text) : undefined;
  return services[text];
}

export function parsePortRange(text: string): PortRange | undefined {
  const colon = text.search(/[:-]/);
  if (colon < 0) {
    const port = parsePort(text);
    return port === undefined ? undefined : { from: port, to: port };
  }
  const from = colon === 0 ? 0 : parsePort(text.slice(0, colon));
  const to = colon === text.length - 1 ? 65_535 : parsePort(text.slice(colon + 1));
  return from === undefined || to === undefined ? undefined : { from, to };
}

function parseMark(text: string): { value: number; mask: number } | undefined {
  const [value, mask] = text.split("/");
  const number = (word: string): number => (/^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) >>> 0 : Number.NaN);
  const result = { value: number(value!), mask: mask === undefined ? 0xffffffff : number(mask) };
  return Number.isNaN(result.value) || Number.isNaN(result.mask) ? undefined : result;
}

function parseNatRange(text: string): NatRange | undefined {
  const m = /^([\d.]+)?(?:-([\d.]+))?(?::(\d+)(?:-(\d+))?)?$/.exec(text);
  if (!m) return undefined;
  return {
    ...(m[1] ? { address: m[1] } : {}),
    ...(m[2] ? { lastAddress: m[2] } : {}),
    ...(m[3] ? { port: Number(m[3]) } : {}),
    ...(m[4] ? { lastPort: Number(m[4]) } : {}),
  };
}

/** Modules that have options here; another name is refused as a missing extension is. */
const modules = new Set([
  "tcp",
  "udp",
  "icmp",
  "multiport",
  "addrtype",
  "comment",
  "conntrack",
  "state",
  "statistic",
  "mark",
  "connmark",
  "set",
  "recent",
  "limit",
  "physdev",
]);

const plainTargets = new Set(["ACCEPT", "DROP", "RETURN"]);

/** A rule under construction: matches are gathered option by option. */
class RuleParser {
  readonly #words: readonly string[];
  #at = 0;
  #not = false;
  readonly rule: Mutable<Rule> = { matches: [], counters: { packets: 0, bytes: 0 } };
  readonly #matches: Record<string, unknown>[] = [];
  #target: Record<string, unknown> | undefined;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  #value(option: string): string {
    if (this.#at >= this.#words.length) throw new ParseFailure(`option "${option}" requires an argument`);
    return this.#words[this.#at++]!;
  }

  #negatable<T>(value: T): Negatable<T> {
    // The old form `-s ! 1.2.3.4` is refused by iptables too.
    const not = this.#not;
    this.#not = false;
    return { not, value };
  }

  parse(): Rule {
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++]!;
      if (word === "!") this.#not = true;
      else this.#option(word);
    }
    this.rule.matches = this.#matches as unknown as Match[];
    if (this.#target) this.rule.target = finishTarget(this.#target);
    return this.rule;
  }

  #option(word: string): void {
    switch (word) {
      case "-p":
      case "--protocol":
      case "--proto": {
        const protocol = this.#value(word).toLowerCase();
        if (protocol === "all" || protocol === "0") {
          this.#not = false;
          return;
        }
        const name = ({ "6": "tcp", "17": "udp", "1": "icmp", "132": "sctp" } as Record<string, string>)[protocol];
        if (!name && !/^(tcp|udp|icmp|sctp|esp|ah|ipv6-icmp|\d+)$/.test(protocol))
          throw new ParseFailure(`unknown protocol "${protocol}" specified`);
        this.rule.protocol = this.#negatable(name ?? protocol);
        return;
      }
      case "-s":
      case "--source":
      case "--src":
        this.rule.source = this.#cidr(word);
        return;
      case "-d":
      case "--destination":
      case "--dst":
        this.rule.destination = this.#cidr(word);
        return;
      case "-i":
      case "--in-interface":
        this.rule.inInterface = this.#negatable(this.#value(word));
        return;
      case "-o":
      case "--out-interface":
        this.rule.outInterface = this.#negatable(this.#value(word));
        return;
      case "-m":
      case "--match": {
        const name = this.#value(word);
        if (!modules.has(name))
          throw new ParseFailure(`Couldn't load match \`${name}':No such file or directory\n`, true);
        this.#matches.push(newMatch(name));
        return;
      }
      case "-j":
      case "--jump":
      case "-g":
      case "--goto": {
        const name = this.#value(word);
        const isGoto = word === "-g" || word === "--goto";
        this.#target = { kind: name, isGoto };
        return;
      }
      case "-c":
      case "--set-counters":
        this.rule.counters.packets = Number(this.#value(word));
        this.rule.counters.bytes = Number(this.#value(word));
        return;
    }
    if (this.#matchOption(word) || this.#targetOption(word)) return;
    throw new ParseFailure(`unknown option "${word}"`);
  }

  #cidr(word: string): Negatable<{ base: number; prefix: number }> | undefined {
    const text = this.#value(word);
    const cidr = parseCidr(text);
    if (!cidr) throw new ParseFailure(`host/network \`${text}' not found`);
    const value = this.#negatable(cidr);
    return cidr.prefix === 0 && !value.not ? undefined : value;
  }

  /** The latest match of one of these kinds; `-p tcp --dport` implies `-m tcp`. */
  #match(...kinds: string[]): Record<string, unknown> | undefined {
    for (let i = this.#matches.length - 1; i >= 0; i--)
      if (kinds.includes(this.#matches[i]!["kind"] as string)) return this.#matches[i];
    const protocol = this.rule.protocol?.value;
    if (protocol && kinds.includes(protocol) && modules.has(protocol)) {
      const match = newMatch(protocol);
      this.#matches.push(match);
      return match;
    }
    return undefined;
  }

  #set(kinds: readonly string[], key: string, read: () => unknown): boolean {
    const match = this.#match(...kinds);
    if (!match) return false;
    match[key] = read();
    return true;
  }

  #ports(word: string): Negatable<PortRange> {
    const text = this.#value(word);
    const range = parsePortRange(text);
    if (!range) throw new ParseFailure(`invalid port/service \`${text}' specified`);
    return this.#negatable(range);
  }

  #portList(word: string): Negatable<readonly PortRange[]> {
    const ranges = this.#value(word)
      .split(",")
      .map((text) => {
        const range = parsePortRange(text);
        if (!range) throw new ParseFailure(`invalid port/service \`${text}' specified`);
        return range;
      });
    return this.#negatable(ranges);
  }

  #number(word: string): number {
    const text = this.#value(word);
    if (!/^[\d.]+$/.test(text))
      throw new ParseFailure(`${word.replace(/^--/, "")}: bad value for option "${word}", or out of range`);
    return Number(text);
  }

  #matchOption(word: string): boolean {
    switch (word) {
      case "--dport":
      case "--destination-port":
        return this.#set(["tcp", "udp"], "dport", () => this.#ports(word));
      case "--sport":
      case "--source-port":
        return this.#set(["tcp", "udp"], "sport", () => this.#ports(word));
      case "--syn":
        return this.#set(["tcp"], "syn", () => this.#negatable(true));
      case "--dports":
      case "--destination-ports":
      case "--sports":
      case "--source-ports":
      case "--ports": {
        const match = this.#match("multiport");
        if (!match) return false;
        match["side"] =
          word === "--ports" ? "ports" : word.includes("d") && !word.startsWith("--s") ? "dports" : "sports";
        match["ports"] = this.#portList(word);
        return true;
      }
      case "--icmp-type":
        return this.#set(["icmp"], "type", () => this.#negatable(this.#value(word)));
      case "--dst-type":
        return this.#set(["addrtype"], "destination", () => this.#negatable(this.#value(word) as AddressType));
      case "--src-type":
        return this.#set(["addrtype"], "source", () => this.#negatable(this.#value(word) as AddressType));
      case "--comment":
        return this.#set(["comment"], "text", () => this.#value(word));
      case "--ctstate":
        return this.#set(["conntrack"], "states", () => this.#negatable(this.#value(word).split(",")));
      case "--state":
        return this.#set(["state"], "states", () => this.#negatable(this.#value(word).split(",")));
      case "--mode":
        return this.#set(["statistic"], "mode", () => this.#value(word));
      case "--probability":
        return this.#set(["statistic"], "probability", () => this.#number(word));
      case "--every":
        return this.#set(["statistic"], "every", () => this.#number(word));
      case "--packet":
        return this.#set(["statistic"], "packet", () => this.#number(word));
      case "--mark":
        return this.#set(["mark", "connmark"], "mark", () => {
          const text = this.#value(word);
          const mark = parseMark(text);
          if (!mark) throw new ParseFailure(`mark: bad mark value for option "--mark", or out of range`);
          return this.#negatable(mark);
        });
      case "--match-set": {
        const match = this.#match("set");
        if (!match) return false;
        match["set"] = this.#negatable(this.#value(word));
        match["flags"] = this.#value(word).split(",");
        return true;
      }
      case "--set":
      case "--rcheck":
      case "--update":
      case "--remove": {
        const match = this.#match("recent");
        if (!match) return false;
        match["action"] = word.slice(2);
        match["not"] = this.#negatable(true).not;
        return true;
      }
      case "--seconds":
        return this.#set(["recent"], "seconds", () => this.#number(word));
      case "--reap":
        return this.#set(["recent"], "reap", () => true);
      case "--name":
        return this.#set(["recent"], "name", () => this.#value(word));
      case "--mask":
        this.#value(word);
        return this.#match("recent") !== undefined;
      case "--rsource":
      case "--rdest":
        return this.#set(["recent"], "by", () => word.slice(2));
      case "--limit": {
        const match = this.#match("limit");
        if (!match) return false;
        const text = this.#value(word);
        const m = /^(\d+)(?:\/(s|sec|second|m|min|minute|h|hour|d|day))?$/.exec(text);
        if (!m) throw new ParseFailure(`limit: bad value for option "--limit", or out of range`);
        const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[(m[2] ?? "s")[0] as "s" | "m" | "h" | "d"];
        match["rate"] =
          `${m[1]}/${{ s: "sec", m: "min", h: "hour", d: "day" }[(m[2] ?? "s")[0] as "s" | "m" | "h" | "d"]}`;
        match["perMs"] = unit / Number(m[1]);
        return true;
      }
      case "--limit-burst":
        return this.#set(["limit"], "burst", () => this.#number(word));
      case "--physdev-is-bridged":
        return this.#set(["physdev"], "isBridged", () => !this.#negatable(true).not);
    }
    return false;
  }

  #targetOption(word: string): boolean {
    const target = this.#target;
    if (!target) return false;
    switch (word) {
      case "--to-destination":
      case "--to-source": {
        const text = this.#value(word);
        const range = parseNatRange(text);
        if (!range) throw new ParseFailure(`Bad IP address "${text}"`);
        target["range"] = range;
        return true;
      }
      case "--to-ports": {
        const text = this.#value(word);
        const range = parsePortRange(text);
        if (!range) throw new ParseFailure(`Port \`${text}' not valid`);
        target["ports"] = range;
        return true;
      }
      case "--random":
      case "--random-fully":
        target["random"] = true;
        return true;
      case "--reject-with":
        target["with"] = this.#value(word);
        return true;
      case "--set-xmark":
      case "--set-mark": {
        const mark = parseMark(this.#value(word));
        if (!mark) throw new ParseFailure('MARK: bad value for option "--set-mark", or out of range');
        target["value"] = mark.value;
        // --set-mark v/m is --set-xmark v/(v|m), as the manual says.
        target["mask"] = word === "--set-mark" ? (mark.value | mark.mask) >>> 0 : mark.mask;
        target["how"] = "xset";
        return true;
      }
      case "--or-mark": {
        const value = Number(this.#value(word)) >>> 0;
        Object.assign(target, { value, mask: value, how: "or" });
        return true;
      }
      case "--and-mark": {
        const value = Number(this.#value(word)) >>> 0;
        Object.assign(target, { value: 0, mask: ~value >>> 0, how: "and" });
        return true;
      }
      case "--xor-mark":
        Object.assign(target, { value: Number(this.#value(word)) >>> 0, mask: 0, how: "xor" });
        return true;
      case "--log-prefix":
        target["prefix"] = this.#value(word);
        return true;
      case "--log-level":
        this.#value(word);
        return target["kind"] === "LOG";
    }
    return false;
  }
}

function newMatch(kind: string): Record<string, unknown> {
  switch (kind) {
    case "statistic":
      return { kind, mode: "random", probability: 0, packet: 0, every: 1, not: false };
    case "recent":
      return { kind, action: "rcheck", not: false, reap: false, name: "DEFAULT", by: "rsource" };
    case "limit":
      return { kind, rate: "3/hour", perMs: 1_200_000, burst: 5 };
    case "comment":
      return { kind, text: "" };
    case "physdev":
      return { kind, isBridged: true };
    case "icmp":
      return { kind, type: { not: false, value: "any" } };
    default:
      return { kind };
  }
}

function finishTarget(raw: Record<string, unknown>): Target {
  const kind = raw["kind"] as string;
  if (plainTargets.has(kind)) return { kind: kind as "ACCEPT" };
  switch (kind) {
    case "REJECT":
      return { kind, with: (raw["with"] as RejectWith | undefined) ?? "icmp-port-unreachable" };
    case "DNAT":
    case "SNAT":
      if (!raw["range"])
        throw new ParseFailure(
          `${kind}: option "--to-${kind === "DNAT" ? "destination" : "source"}" must be specified`,
        );
      return { kind, range: raw["range"] as NatRange, random: raw["random"] === true };
    case "MASQUERADE":
    case "REDIRECT":
      return { kind, ...(raw["ports"] ? { ports: raw["ports"] as PortRange } : {}), random: raw["random"] === true };
    case "MARK":
      return {
        kind,
        value: (raw["value"] as number) ?? 0,
        mask: (raw["mask"] as number) ?? 0,
        how: (raw["how"] as "xset") ?? "xset",
      };
    case "LOG":
      return { kind, ...(raw["prefix"] ? { prefix: raw["prefix"] as string } : {}) };
    case "NOTRACK":
    case "TCPMSS":
    case "CHECKSUM":
      return { kind, text: "" };
    default:
      return { kind: raw["isGoto"] ? "goto" : "jump", chain: kind };
  }
}

/** A line the learner must see, without the `iptables v…:` before it. `withHelp`: "Try …" follows. */
class ParseFailure {
  readonly message: string;
  readonly isLoad: boolean;
  constructor(message: string, isLoad = false) {
    this.message = message;
    this.isLoad = isLoad;
  }
}

/** The rule that these words describe; the error is iptables' own text. */
export function parseRule(words: readonly string[]): Result<Rule, string> {
  try {
    return ok(new RuleParser(words).parse());
  } catch (error) {
    if (error instanceof ParseFailure) return failure(error.message.trimEnd());
    throw error;
  }
}
