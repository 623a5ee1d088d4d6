/** iptables, iptables-save, iptables-restore, ipset, ipvsadm, conntrack. */
import { decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import type { Process, Program } from "../../os/process";
import { civilTime } from "../../base/clock";
import type { Flow } from "../conntrack";
import { type Netfilter, tableNames } from "../netfilter/netfilter";
import { parseRule } from "../netfilter/parse";
import type { TableName } from "../netfilter/rule";
import { listChain, ruleText } from "../netfilter/save";
import { netOf } from "../netns";
import { listTable } from "../nftables/ruleset";

const VERSION = "1.8.9";

function* fail(process: Process, text: string, code = 1): Task<number> {
  yield* process.printError(`iptables: ${text}\n`);
  return code;
}

/** Errors that the parser words come with the version and a hint. */
function* misuse(process: Process, text: string): Task<number> {
  yield* process.printError(
    `iptables v${VERSION} (nf_tables): ${text}\nTry \`iptables -h' or 'iptables --help' for more information.\n`,
  );
  return 2;
}

const longCommands: Readonly<Record<string, string>> = {
  "--append": "-A",
  "--insert": "-I",
  "--delete": "-D",
  "--check": "-C",
  "--replace": "-R",
  "--list": "-L",
  "--list-rules": "-S",
  "--flush": "-F",
  "--zero": "-Z",
  "--new-chain": "-N",
  "--new": "-N",
  "--delete-chain": "-X",
  "--policy": "-P",
  "--rename-chain": "-E",
};

export const iptables: Program = function* (process) {
  if (process.context.uid !== 0) {
    yield* process.printError(
      `iptables v${VERSION} (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n`,
    );
    return 4;
  }
  const tables = netOf(process).iptables;
  let table: TableName = "filter";
  let command: string | undefined;
  const operands: string[] = [];
  const ruleWords: string[] = [];
  const list = { numeric: false, verbose: false, lineNumbers: false };
  const args = process.argv.slice(1);
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === "-t" || word === "--table") {
      const name = args[++i] ?? "";
      if (!tableNames.includes(name as TableName))
        return yield* misuse(
          process,
          `can't initialize iptables table \`${name}': Table does not exist (do you need to insmod?)`,
        );
      table = name as TableName;
    } else if (word === "-V" || word === "--version") {
      yield* process.print(`iptables v${VERSION} (nf_tables)\n`);
      return 0;
    } else if (word === "-w" || word === "--wait") {
      if (/^\d+$/.test(args[i + 1] ?? "")) i++;
    } else if (word === "-n" || word === "--numeric") list.numeric = true;
    else if (word === "-v" || word === "--verbose") list.verbose = true;
    else if (word === "--line-numbers") list.lineNumbers = true;
    else if (word === "-x" || word === "--exact") continue;
    else if (/^-[nvLx]{2,}$/.test(word) && /L/.test(word)) {
      // `-nvL`
      command = "-L";
      list.numeric ||= word.includes("n");
      list.verbose ||= word.includes("v");
      if (args[i + 1] !== undefined && !args[i + 1]!.startsWith("-")) operands.push(args[++i]!);
    } else if (/^-[nvx]{2,}$/.test(word)) {
      list.numeric ||= word.includes("n");
      list.verbose ||= word.includes("v");
    } else if (command === undefined && (/^-[AIDCRLSFZNXPE]$/.test(word) || longCommands[word])) {
      command = longCommands[word] ?? word;
      while (args[i + 1] !== undefined && !args[i + 1]!.startsWith("-") && args[i + 1] !== "!")
        operands.push(args[++i]!);
    } else ruleWords.push(word);
  }
  if (command === undefined) return yield* misuse(process, "no command specified");
  const chain = operands[0];
  switch (command) {
    case "-L":
    case "-S": {
      if (chain !== undefined && !tables.chain(table, chain))
        return yield* fail(process, "No chain/target/match by that name.");
      const chains = [...tables.tables[table].chains.values()].filter(
        (candidate) => chain === undefined || candidate.name === chain,
      );
      if (command === "-L") {
        yield* process.print(
          chains.map((each) => listChain(each, tables.references(table, each.name), list)).join("\n"),
        );
        return 0;
      }
      for (const each of chains)
        yield* process.print(each.policy ? `-P ${each.name} ${each.policy}\n` : `-N ${each.name}\n`);
      for (const each of chains)
        for (const rule of each.rules) yield* process.print(`-A ${each.name} ${ruleText(rule)}\n`);
      return 0;
    }
    case "-Z":
      for (const each of tables.tables[table].chains.values()) {
        each.counters.packets = each.counters.bytes = 0;
        for (const rule of each.rules) rule.counters.packets = rule.counters.bytes = 0;
      }
      return 0;
    case "-F":
      return yield* report(process, tables.flush(table, chain));
    case "-N":
      return yield* report(process, tables.newChain(table, chain ?? ""));
    case "-X": {
      if (chain !== undefined) return yield* report(process, tables.deleteChain(table, chain));
      for (const each of [...tables.tables[table].chains.values()])
        if (!each.policy) tables.deleteChain(table, each.name);
      return 0;
    }
    case "-P": {
      const policy = operands[1] ?? "";
      if (policy !== "ACCEPT" && policy !== "DROP")
        return yield* fail(process, "Bad policy name. Run `dmesg' for more information.");
      return yield* report(process, tables.setPolicy(table, chain ?? "", policy));
    }
  }
  if (chain === undefined) return yield* misuse(process, `option "${command}" requires an argument`);
  if (command === "-D" && operands[1] !== undefined)
    return yield* report(process, tables.deleteRule(table, chain, Number(operands[1]) - 1));
  const rule = parseRule(ruleWords);
  if (!rule.ok) return yield* misuse(process, rule.error);
  switch (command) {
    case "-A":
      return yield* report(process, tables.insertRule(table, chain, rule.value));
    case "-I":
      return yield* report(process, tables.insertRule(table, chain, rule.value, Number(operands[1] ?? 1) - 1));
    case "-R":
      return yield* report(process, tables.replaceRule(table, chain, rule.value, Number(operands[1] ?? 1) - 1));
    case "-D":
      return yield* report(process, tables.deleteRule(table, chain, rule.value));
    case "-C":
      if (!tables.chain(table, chain)) return yield* fail(process, "No chain/target/match by that name.");
      if (tables.findRule(table, chain, rule.value) >= 0) return 0;
      return yield* fail(process, "Bad rule (does a matching rule exist in that chain?).");
    default:
      yield* process.printError(`iptables: ${command} is not simulated; delete and append instead\n`);
      return 2;
  }
};

function* report(process: Process, result: ReturnType<Netfilter["newChain"]>): Task<number> {
  if (result.ok) return 0;
  if (/^Chain '|^Couldn't/.test(result.error)) return yield* misuse(process, result.error);
  return yield* fail(process, result.error);
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function ctime(instant: number): string {
  const t = civilTime(instant);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${weekdays[t.weekday]} ${months[t.month - 1]} ${String(t.day).padStart(2)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} ${t.year}`;
}

/** A table as iptables-save prints it. */
export function saveTable(
  tables: Netfilter,
  name: TableName,
  options: { readonly counters?: boolean; readonly date: string },
): string {
  const chains = [...tables.tables[name].chains.values()];
  let text = `# Generated by iptables-save v${VERSION} on ${options.date}\n*${name}\n`;
  for (const chain of chains)
    text += `:${chain.name} ${chain.policy ?? "-"} [${chain.counters.packets}:${chain.counters.bytes}]\n`;
  for (const chain of chains)
    for (const rule of chain.rules)
      text += `${options.counters ? `[${rule.counters.packets}:${rule.counters.bytes}] ` : ""}-A ${chain.name} ${ruleText(rule)}\n`;
  return `${text}COMMIT\n# Completed on ${options.date}\n`;
}

export const iptablesSave: Program = function* (process) {
  const args = process.argv.slice(1);
  const at = args.indexOf("-t");
  const tables = netOf(process).iptables;
  const chosen = at >= 0 ? [args[at + 1] as TableName] : (["mangle", "raw", "filter", "nat"] as const);
  for (const name of chosen) {
    const table = tables.tables[name];
    if (!table) return yield* misuse(process, `can't initialize iptables table \`${name}': Table does not exist`);
    // An untouched table does not exist for nf_tables.
    if (at < 0 && [...table.chains.values()].every((chain) => chain.policy === "ACCEPT" && chain.rules.length === 0))
      continue;
    yield* process.print(saveTable(tables, name, { counters: args.includes("-c"), date: ctime(process.now()) }));
  }
  return 0;
};

export const iptablesRestore: Program = function* (process) {
  const args = process.argv.slice(1);
  const file = args.find((word) => !word.startsWith("-"));
  const text = file === undefined ? decodeUtf8(yield* process.readAll(0)) : process.readText(file);
  const result = netOf(process).iptables.restore(text, { noFlush: args.includes("-n") || args.includes("--noflush") });
  if (result.ok) return 0;
  yield* process.printError(`iptables-restore v${VERSION} (nf_tables): ${result.error}\n`);
  return 1;
};

export const ipset: Program = function* (process) {
  const [verb = "list", name] = process.argv.slice(1);
  const { sets } = netOf(process).iptables;
  if (verb !== "list" && verb !== "-L" && verb !== "save") {
    yield* process.printError("ipset: only `ipset list [NAME]` is simulated; kube-proxy's ipvs mode writes the sets\n");
    return 1;
  }
  if (name !== undefined && !sets.has(name)) {
    yield* process.printError(`ipset v7.17: The set with the given name does not exist\n`);
    return 1;
  }
  const chosen = [...sets.values()].filter((set) => name === undefined || set.name === name);
  yield* process.print(
    chosen
      .map((set) => {
        const members = [...set.members.keys()];
        return `Name: ${set.name}\nType: ${set.type}\nRevision: 6\nHeader: family inet hashsize 1024 maxelem 65536\nSize in memory: ${200 + members.length * 64}\nReferences: 1\nNumber of entries: ${members.length}\nMembers:\n${members.map((member) => `${member}\n`).join("")}`;
      })
      .join("\n"),
  );
  return 0;
};

export const nft: Program = function* (process) {
  const args = process.argv.slice(1).filter((word) => !/^-[anNs]+$/.test(word));
  const ruleset = netOf(process).nft;
  const [verb, object, family, name] = args;
  if (verb === "list" && object === "ruleset") {
    yield* process.print(ruleset.list());
    return 0;
  }
  if (verb === "list" && object === "tables") {
    for (const table of ruleset.tables()) yield* process.print(`table ${table.family} ${table.name}\n`);
    return 0;
  }
  if (verb === "list" && (object === "table" || object === "chain")) {
    const table = ruleset.table(family ?? "ip", name ?? "");
    const chain = args[4];
    if (!table || (object === "chain" && !table.chains.has(chain ?? ""))) {
      yield* process.printError(`Error: No such file or directory\n${args.join(" ")}\n`);
      return 1;
    }
    yield* process.print(
      listTable(
        object === "table"
          ? table
          : { ...table, sets: new Map(), chains: new Map([[chain!, table.chains.get(chain!)!]]) },
      ),
    );
    return 0;
  }
  if (verb === "flush" && object === "ruleset") {
    ruleset.clear();
    return 0;
  }
  yield* process.printError(
    "nft: only `list ruleset|tables|table|chain` and `flush ruleset` are simulated; kube-proxy's nftables mode writes the table ip kube-proxy\n",
  );
  return 1;
};

export const ipvsadm: Program = function* (process) {
  const args = process.argv.slice(1);
  const { ipvs } = netOf(process);
  if (args.includes("-C") || args.includes("--clear")) {
    ipvs.clear();
    return 0;
  }
  if (args.length > 0 && !args.some((word) => /^-(L|l|Ln|ln|-list)/.test(word))) {
    yield* process.printError("ipvsadm: only -L, -Ln and -C are simulated; kube-proxy writes the services\n");
    return 2;
  }
  yield* process.print(
    "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
  );
  for (const service of ipvs.services()) {
    const persistent = service.persistentSeconds === undefined ? "" : ` persistent ${service.persistentSeconds}`;
    yield* process.print(
      `${service.protocol.toUpperCase()}  ${service.address}:${service.port} ${service.scheduler}${persistent}\n`,
    );
    for (const real of service.reals)
      yield* process.print(
        `  -> ${`${real.address}:${real.port}`.padEnd(28)} ${"Masq".padEnd(7)} ${String(real.weight).padEnd(6)} ${String(real.activeConnections).padEnd(10)} ${String(real.inactiveConnections).padEnd(10)}\n`,
      );
  }
  return 0;
};

function flowLine(flow: Flow, now: number): string {
  const left = Math.max(0, Math.floor((flow.expiresAt - now) / 1000));
  const number = { tcp: 6, udp: 17, icmp: 1, sctp: 132 }[flow.protocol];
  const state =
    flow.protocol !== "tcp" ? "" : flow.closing ? "TIME_WAIT " : flow.seenReply ? "ESTABLISHED " : "SYN_SENT ";
  const half = (tuple: Flow["original"]): string =>
    flow.protocol === "icmp"
      ? `src=${tuple.source} dst=${tuple.destination} type=8 code=0 id=${tuple.sourcePort}`
      : `src=${tuple.source} dst=${tuple.destination} sport=${tuple.sourcePort} dport=${tuple.destinationPort}`;
  return `${flow.protocol.padEnd(8)} ${number} ${left} ${state}${half(flow.original)} ${flow.seenReply ? "" : "[UNREPLIED] "}${half(flow.reply)} ${flow.seenReply && flow.protocol !== "icmp" ? "[ASSURED] " : ""}mark=0 use=1\n`;
}

export const conntrack: Program = function* (process) {
  const args = process.argv.slice(1);
  const table = netOf(process).conntrack;
  const value = (...names: string[]): string | undefined => {
    const at = args.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : args[at + 1];
  };
  const protocol = value("-p", "--proto");
  const source = value("-s", "--src", "--orig-src");
  const destination = value("-d", "--dst", "--orig-dst");
  const port = value("--dport", "--orig-port-dst");
  const chosen = table
    .flows()
    .filter(
      (flow) =>
        (protocol === undefined || flow.protocol === protocol) &&
        (source === undefined || flow.original.source === source) &&
        (destination === undefined || flow.original.destination === destination) &&
        (port === undefined || flow.original.destinationPort === Number(port)),
    );
  if (args.includes("-C") || args.includes("--count")) {
    yield* process.print(`${table.flows().length}\n`);
    return 0;
  }
  const isDelete = args.includes("-D") || args.includes("--delete");
  if (args.includes("-F") || args.includes("--flush")) {
    table.clear();
    yield* process.printError("conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n");
    return 0;
  }
  if (!isDelete && !args.includes("-L") && !args.includes("--dump")) {
    yield* process.printError(
      "conntrack v1.4.7 (conntrack-tools): Missing command\nTry `conntrack -h' or 'conntrack --help' for more information.\n",
    );
    return 2;
  }
  for (const flow of chosen) {
    yield* process.print(flowLine(flow, process.now()));
    if (isDelete) table.delete(flow);
  }
  yield* process.printError(
    `conntrack v1.4.7 (conntrack-tools): ${chosen.length} flow entries have been ${isDelete ? "deleted" : "shown"}.\n`,
  );
  return isDelete && chosen.length === 0 ? 1 : 0;
};
