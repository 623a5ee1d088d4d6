/** Rules as iptables-save prints them, and as `iptables -L` lists them. */
import { formatCidr, formatIpv4, type Cidr } from "../address";
import type { Chain, MarkMask, Match, NatRange, Negatable, PortRange, Rule, Target } from "./rule";

const bang = (value: Negatable<unknown>): string => (value.not ? "! " : "");
const range = (ports: PortRange, separator = ":"): string =>
  ports.from === ports.to ? String(ports.from) : `${ports.from}${separator}${ports.to}`;
const hex = (value: number): string => `0x${value.toString(16)}`;
const markText = (mark: MarkMask): string =>
  mark.mask === 0xffffffff ? hex(mark.value) : `${hex(mark.value)}/${hex(mark.mask)}`;
/** The kernel keeps probabilities in 2^-31: iptables-save shows what it kept. */
export const probabilityText = (probability: number): string =>
  (Math.round(probability * 0x80000000) / 0x80000000).toFixed(11);
const quoted = (text: string): string =>
  /^[A-Za-z0-9_-]+$/.test(text) ? text : `"${text.replace(/(["\\'])/g, "\\$1")}"`;

export function natRangeText(nat: NatRange): string {
  let text = nat.address ?? "";
  if (nat.lastAddress) text += `-${nat.lastAddress}`;
  if (nat.port !== undefined) text += `:${nat.port}${nat.lastPort !== undefined ? `-${nat.lastPort}` : ""}`;
  return text;
}

function matchText(match: Match): string {
  switch (match.kind) {
    case "tcp":
    case "udp": {
      let text = `-m ${match.kind}`;
      if (match.sport) text += ` ${bang(match.sport)}--sport ${range(match.sport.value)}`;
      if (match.dport) text += ` ${bang(match.dport)}--dport ${range(match.dport.value)}`;
      if (match.kind === "tcp" && match.syn) text += ` ${bang(match.syn)}--tcp-flags FIN,SYN,RST,ACK SYN`;
      return text;
    }
    case "multiport":
      return `-m multiport ${bang(match.ports)}--${match.side} ${match.ports.value.map((ports) => range(ports)).join(",")}`;
    case "icmp":
      return `-m icmp ${bang(match.type)}--icmp-type ${icmpType(match.type.value)}`;
    case "addrtype": {
      let text = "-m addrtype";
      if (match.source) text += ` ${bang(match.source)}--src-type ${match.source.value}`;
      if (match.destination) text += ` ${bang(match.destination)}--dst-type ${match.destination.value}`;
      return text;
    }
    case "comment":
      return `-m comment --comment ${quoted(match.text)}`;
    case "conntrack":
      return `-m conntrack${match.states ? ` ${bang(match.states)}--ctstate ${stateList(match.states.value)}` : ""}`;
    case "state":
      return `-m state${match.states ? ` ${bang(match.states)}--state ${stateList(match.states.value)}` : ""}`;
    case "statistic":
      return match.mode === "random"
        ? `-m statistic --mode random ${match.not ? "! " : ""}--probability ${probabilityText(match.probability)}`
        : `-m statistic --mode nth ${match.not ? "! " : ""}--every ${match.every}${match.packet ? ` --packet ${match.packet}` : ""}`;
    case "mark":
    case "connmark":
      return `-m ${match.kind} ${bang(match.mark)}--mark ${markText(match.mark.value)}`;
    case "set":
      return `-m set ${bang(match.set)}--match-set ${match.set.value} ${match.flags.join(",")}`;
    case "recent": {
      let text = `-m recent ${match.not ? "! " : ""}--${match.action}`;
      if (match.seconds !== undefined) text += ` --seconds ${match.seconds}`;
      if (match.reap) text += " --reap";
      return `${text} --name ${match.name} --mask 255.255.255.255 --${match.by}`;
    }
    case "limit":
      return `-m limit --limit ${match.rate}${match.burst === 5 ? "" : ` --limit-burst ${match.burst}`}`;
    case "physdev":
      return `-m physdev ${match.isBridged ? "" : "! "}--physdev-is-bridged`;
  }
}

const stateOrder = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
const stateList = (states: readonly string[]): string => stateOrder.filter((state) => states.includes(state)).join(",");

const icmpNumbers: Readonly<Record<string, string>> = {
  any: "any",
  "echo-request": "8",
  "echo-reply": "0",
  "destination-unreachable": "3",
};
const icmpType = (type: string): string => icmpNumbers[type] ?? type;

/** `-j …` with its options. */
export function targetText(target: Target): string {
  switch (target.kind) {
    case "jump":
      return `-j ${target.chain}`;
    case "goto":
      return `-g ${target.chain}`;
    case "REJECT":
      return `-j REJECT --reject-with ${target.with}`;
    case "DNAT":
      return `-j DNAT --to-destination ${natRangeText(target.range)}${target.random ? " --random" : ""}`;
    case "SNAT":
      return `-j SNAT --to-source ${natRangeText(target.range)}${target.random ? " --random-fully" : ""}`;
    case "MASQUERADE":
      return `-j MASQUERADE${target.ports ? ` --to-ports ${range(target.ports, "-")}` : ""}${target.random ? " --random-fully" : ""}`;
    case "REDIRECT":
      return `-j REDIRECT${target.ports ? ` --to-ports ${range(target.ports, "-")}` : ""}`;
    case "MARK":
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case "LOG":
      return `-j LOG${target.prefix ? ` --log-prefix ${quoted(target.prefix)}` : ""}`;
    default:
      return `-j ${target.kind}`;
  }
}

/** A rule's arguments as iptables-save writes them, after `-A CHAIN`. */
export function ruleText(rule: Rule): string {
  const parts: string[] = [];
  if (rule.source) parts.push(`${bang(rule.source)}-s ${formatCidr(rule.source.value)}`);
  if (rule.destination) parts.push(`${bang(rule.destination)}-d ${formatCidr(rule.destination.value)}`);
  if (rule.inInterface) parts.push(`${bang(rule.inInterface)}-i ${rule.inInterface.value}`);
  if (rule.outInterface) parts.push(`${bang(rule.outInterface)}-o ${rule.outInterface.value}`);
  if (rule.protocol) parts.push(`${bang(rule.protocol)}-p ${rule.protocol.value}`);
  for (const match of rule.matches) parts.push(matchText(match));
  if (rule.target) parts.push(targetText(rule.target));
  return parts.join(" ");
}

// ---- iptables -L -------------------------------------------------------------------------------------------------

function listMatch(match: Match, numeric: boolean): string {
  switch (match.kind) {
    case "tcp":
    case "udp": {
      let text = ` ${match.kind}`;
      if (match.sport) text += ` ${listPorts("spt", match.sport, match.kind, numeric)}`;
      if (match.dport) text += ` ${listPorts("dpt", match.dport, match.kind, numeric)}`;
      if (match.kind === "tcp" && match.syn) text += ` flags:${match.syn.not ? "!" : ""}0x17/0x02`;
      return text === ` ${match.kind}` ? text : text;
    }
    case "multiport":
      return ` multiport ${match.side} ${match.ports.not ? "!" : ""}${match.ports.value.map((ports) => range(ports)).join(",")}`;
    case "icmp":
      return match.type.value === "any" ? "" : ` ${match.type.not ? "!" : ""}icmptype ${icmpType(match.type.value)}`;
    case "addrtype": {
      let text = " ADDRTYPE match";
      if (match.source) text += ` src-type ${match.source.not ? "not " : ""}${match.source.value}`;
      if (match.destination) text += ` dst-type ${match.destination.not ? "not " : ""}${match.destination.value}`;
      return text;
    }
    case "comment":
      return ` /* ${match.text} */`;
    case "conntrack":
      return match.states ? ` ${match.states.not ? "! " : ""}ctstate ${stateList(match.states.value)}` : "";
    case "state":
      return match.states ? ` ${match.states.not ? "! " : ""}state ${stateList(match.states.value)}` : "";
    case "statistic":
      return match.mode === "random"
        ? ` statistic mode random${match.not ? " !" : ""} probability ${probabilityText(match.probability)}`
        : ` statistic mode nth${match.not ? " !" : ""} every ${match.every}${match.packet ? ` packet ${match.packet}` : ""}`;
    case "mark":
    case "connmark":
      return ` ${match.kind} match ${match.mark.not ? "!" : ""}${markText(match.mark.value)}`;
    case "set":
      return ` ${match.set.not ? "! " : ""}match-set ${match.set.value} ${match.flags.join(",")}`;
    case "recent": {
      const action = { set: "SET", rcheck: "CHECK", update: "UPDATE", remove: "REMOVE" }[match.action];
      const seconds = match.seconds === undefined ? "" : ` seconds: ${match.seconds}`;
      const side = match.by === "rsource" ? "source" : "dest";
      return ` ${match.not ? "!" : ""}recent: ${action}${seconds}${match.reap ? " reap" : ""} name: ${match.name} side: ${side} mask: 255.255.255.255`;
    }
    case "limit":
      return ` limit: avg ${match.rate} burst ${match.burst}`;
    case "physdev":
      return ` PHYSDEV match${match.isBridged ? "" : " !"} --physdev-is-bridged`;
  }
}

const portNames: Readonly<Record<string, string>> = {
  "22/tcp": "ssh",
  "53/tcp": "domain",
  "53/udp": "domain",
  "80/tcp": "http",
  "443/tcp": "https",
  "3306/tcp": "mysql",
  "5432/tcp": "postgresql",
  "6379/tcp": "redis",
  "8080/tcp": "http-alt",
};

function listPorts(name: string, ports: Negatable<PortRange>, protocol: string, numeric: boolean): string {
  const { from, to } = ports.value;
  const inverted = ports.not ? "!" : "";
  if (from !== to) return `${name}s:${inverted}${from}:${to}`;
  return `${name}:${inverted}${(numeric ? undefined : portNames[`${from}/${protocol}`]) ?? from}`;
}

function listTarget(target: Target | undefined): string {
  switch (target?.kind) {
    case "goto":
      return `  [goto] `;
    case "REJECT":
      return ` reject-with ${target.with}`;
    case "DNAT":
    case "SNAT":
      return ` to:${natRangeText(target.range)}`;
    case "MASQUERADE":
      return `${target.ports ? ` masq ports: ${range(target.ports, "-")}` : ""}${target.random ? " random-fully" : ""}`;
    case "REDIRECT":
      return target.ports ? ` redir ports ${range(target.ports, "-")}` : "";
    case "MARK":
      if (target.how === "or" || (target.how === "xset" && target.value === target.mask && target.mask !== 0xffffffff))
        return ` MARK or ${hex(target.value)}`;
      if (target.value === 0) return ` MARK and ${hex(~target.mask >>> 0)}`;
      if (target.mask === 0) return ` MARK xor ${hex(target.value)}`;
      if (target.mask === 0xffffffff) return ` MARK set ${hex(target.value)}`;
      return ` MARK xset ${hex(target.value)}/${hex(target.mask)}`;
    case "LOG":
      return ` LOG flags 0 level 4${target.prefix ? ` prefix ${quoted(target.prefix)}` : ""}`;
    default:
      return "";
  }
}

const targetName = (target: Target | undefined): string =>
  target === undefined ? "" : target.kind === "jump" || target.kind === "goto" ? target.chain : target.kind;

function listAddress(address: Negatable<Cidr> | undefined, numeric: boolean): string {
  if (!address) return ` ${(numeric ? "0.0.0.0/0" : "anywhere").padEnd(19)} `;
  const { base, prefix } = address.value;
  return `${address.not ? "!" : " "}${(prefix === 32 ? formatIpv4(base) : formatCidr(address.value)).padEnd(19)} `;
}

/** Large counters in thousands, as iptables prints them. */
function counter(value: number): string {
  for (const [limit, divisor, unit] of [
    [100_000, 1, ""],
    [9_999_500, 1000, "K"],
    [9_999_500_000, 1_000_000, "M"],
  ] as const)
    if (value < limit) return `${divisor === 1 ? value : Math.floor((value + divisor / 2) / divisor)}${unit}`;
  return `${Math.floor(value / 1_000_000_000)}G`;
}

export interface ListOptions {
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly lineNumbers: boolean;
}

/** One chain's part of `iptables -L`. `references`: how many rules jump to it. */
export function listChain(chain: Chain, references: number, options: ListOptions): string {
  const counters = options.verbose
    ? ` ${counter(chain.counters.packets)} packets, ${counter(chain.counters.bytes)} bytes`
    : "";
  const head = chain.policy ? `policy ${chain.policy}${counters}` : `${references} references`;
  const lines = [`Chain ${chain.name} (${head})`];
  const number = options.lineNumbers ? "num  " : "";
  lines.push(
    options.verbose
      ? `${number} pkts bytes target     prot opt in     out     source               destination         `
      : `${number}target     prot opt source               destination         `,
  );
  chain.rules.forEach((rule, index) => {
    let line = options.lineNumbers ? `${String(index + 1).padEnd(4)} ` : "";
    if (options.verbose)
      line += `${counter(rule.counters.packets).padStart(5)} ${counter(rule.counters.bytes).padStart(5)} `;
    // As iptables' print_rule: each field is followed by a space, and addresses and protocol have a place for `!`.
    line += `${targetName(rule.target).padEnd(9)} ${rule.protocol?.not ? "!" : " "}${(rule.protocol?.value ?? "all").padEnd(5)}-- `;
    if (options.verbose)
      line += ` ${listInterface(rule.inInterface, options)} ${listInterface(rule.outInterface, options)} `;
    line += `${listAddress(rule.source, options.numeric)}${listAddress(rule.destination, options.numeric)}`;
    if (rule.target?.kind === "goto") line += " [goto] ";
    for (const match of rule.matches) line += listMatch(match, options.numeric);
    if (rule.target?.kind !== "goto") line += listTarget(rule.target);
    lines.push(line);
  });
  return `${lines.join("\n")}\n`;
}

function listInterface(name: Negatable<string> | undefined, options: ListOptions): string {
  const text = name ? `${name.not ? "!" : ""}${name.value}` : options.numeric ? "*" : "any";
  return text.padEnd(6);
}
