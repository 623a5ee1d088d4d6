/** nslookup (BIND's and BusyBox's), dig, host, getent. */
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { isIpv4, isIpv6 } from "../address";
import {
  hostsReverse,
  lookup,
  query,
  queryServer,
  type QueryResult,
  resolve,
  resolverConfig,
  reverseName,
  searchNames,
} from "../dns";
import type { DnsMessage, RecordType, ResourceRecord } from "../dns-message";

const types = new Set(["A", "AAAA", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "SRV", "ANY"]);

/** Asks through the search list; the answer of the last name asked when none has one. */
function* searched(
  process: Process,
  name: string,
  type: RecordType,
  server: string | undefined,
  useSearch = true,
): Task<{ readonly name: string; readonly result: QueryResult }> {
  const config = { ...resolverConfig(process), ...(server === undefined ? {} : { nameservers: [server] }) };
  let last: { name: string; result: QueryResult } = { name, result: { kind: "timeout" } };
  const names = useSearch ? searchNames(name, config) : [name.replace(/\.$/, "")];
  for (const candidate of names) {
    const result = yield* query(process, { name: candidate, type }, config);
    // NXDOMAIN is reported for the name as it was typed.
    last = { name: candidate, result };
    if (result.kind !== "answer" || result.message.code === "NOERROR") return last;
  }
  return last;
}

const questionOf = (text: string): { readonly name: string; readonly isReverse: boolean } =>
  isIpv4(text) ? { name: reverseName(text), isReverse: true } : { name: text, isReverse: false };

// ---- nslookup ------------------------------------------------------------------------------------------------------

interface NslookupArguments {
  readonly type: RecordType | undefined;
  readonly name: string | undefined;
  readonly server: string | undefined;
}

function nslookupArguments(args: readonly string[]): NslookupArguments {
  let type: RecordType | undefined;
  const words: string[] = [];
  for (const word of args) {
    const m = /^-(?:q|qu|que|query|quer|ty|typ|type|querytype)=(.+)$/i.exec(word);
    if (m && types.has(m[1]!.toUpperCase())) type = m[1]!.toUpperCase() as RecordType;
    else if (!word.startsWith("-")) words.push(word);
  }
  return { type, name: words[0], server: words[1] };
}

const bindRecord = (record: ResourceRecord): string => {
  switch (record.type) {
    case "A":
    case "AAAA":
      return `Name:\t${record.name}\nAddress: ${record.data}\n`;
    case "CNAME":
      return `${record.name}\tcanonical name = ${record.data}.\n`;
    case "PTR":
      return `${record.name}\tname = ${record.data}.\n`;
    case "SRV":
      return `${record.name}\tservice = ${record.data}.\n`;
    case "MX":
      return `${record.name}\tmail exchanger = ${record.data}.\n`;
    case "NS":
      return `${record.name}\tnameserver = ${record.data}.\n`;
    case "TXT":
      return `${record.name}\ttext = "${record.data}"\n`;
    default:
      return `${record.name}\n\t${record.data}\n`;
  }
};

/** nslookup of dnsutils. */
export const nslookup: Program = function* (process) {
  const { type, name, server: asked } = nslookupArguments(process.argv.slice(1));
  if (name === undefined) {
    yield* process.printError("nslookup: interactive mode is not simulated; give a name: nslookup NAME [SERVER]\n");
    return 1;
  }
  let server = asked;
  if (asked !== undefined && !isIpv4(asked)) {
    server = (yield* resolve(process, asked))[0];
    if (server === undefined) {
      yield* process.print(`nslookup: couldn't get address for '${asked}': not found\n`);
      return 1;
    }
  }
  const { name: question, isReverse } = questionOf(name);
  const wanted = type ?? (isReverse ? "PTR" : "A");
  const { name: found, result } = yield* searched(process, question, wanted, server, !isReverse);
  if (result.kind !== "answer") {
    const at = server ?? resolverConfig(process).nameservers[0]!;
    yield* process.print(
      result.kind === "refused"
        ? `;; communications error to ${at}#53: connection refused\n`.repeat(3)
        : `;; communications error to ${at}#53: timed out\n`.repeat(3),
    );
    yield* process.print(";; no servers could be reached\n\n");
    return 1;
  }
  const { message } = result;
  yield* process.print(isReverse ? "" : `Server:\t\t${result.server}\nAddress:\t${result.server}#53\n\n`);
  if (message.code !== "NOERROR") {
    yield* process.print(`** server can't find ${message.code === "NXDOMAIN" ? question : found}: ${message.code}\n\n`);
    return 1;
  }
  if (!message.authoritative && !isReverse) yield* process.print("Non-authoritative answer:\n");
  if (message.answers.length === 0) yield* process.print(`*** Can't find ${question}: No answer\n`);
  for (const record of message.answers) yield* process.print(bindRecord(record));
  yield* process.print("\n");
  return message.answers.length === 0 ? 1 : 0;
};

/** BusyBox's nslookup: asks for A and AAAA, and says so as musl builds do. */
export const busyboxNslookup: Program = function* (process) {
  const { type, name, server: asked } = nslookupArguments(process.argv.slice(1));
  if (name === undefined) {
    yield* process.printError(
      "BusyBox v1.37.0 () multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n",
    );
    return 1;
  }
  let server = asked;
  if (asked !== undefined && !isIpv4(asked)) {
    server = (yield* resolve(process, asked))[0];
    if (server === undefined) {
      yield* process.printError(`nslookup: bad address '${asked}'\n`);
      return 1;
    }
  }
  const config = { ...resolverConfig(process), ...(server === undefined ? {} : { nameservers: [server] }) };
  const { name: question, isReverse } = questionOf(name);
  const wanted: readonly RecordType[] = type ? [type] : isReverse ? ["PTR"] : ["A", "AAAA"];
  // BusyBox walks the search list only for names without a dot.
  const names =
    !isReverse && !question.includes(".") && config.search.length > 0
      ? config.search.map((domain) => `${question}.${domain}`)
      : [question.replace(/\.$/, "")];
  let printedServer = false;
  let code = 0;
  const sections: string[] = [];
  for (const candidate of names)
    for (const each of wanted) {
      const result = yield* query(process, { name: candidate, type: each }, config);
      if (result.kind !== "answer") {
        yield* process.print(";; connection timed out; no servers could be reached\n\n");
        return 1;
      }
      if (!printedServer) {
        yield* process.print(`Server:\t\t${result.server}\nAddress:\t${result.server}:53\n\n`);
        printedServer = true;
      }
      const { message } = result;
      if (message.code !== "NOERROR") {
        sections.push(`** server can't find ${candidate}: ${message.code}\n\n`);
        code = 1;
        continue;
      }
      let text = message.authoritative ? "" : "Non-authoritative answer:\n";
      for (const record of message.answers) text += bindRecord(record).replace(/\.\n$/, "\n");
      sections.push(`${text}\n`);
    }
  yield* process.print(sections.join(""));
  return code;
};

// ---- dig -----------------------------------------------------------------------------------------------------------

const dotted = (name: string): string => (name.endsWith(".") ? name : `${name}.`);

function presentation(record: ResourceRecord): string {
  switch (record.type) {
    case "CNAME":
    case "NS":
    case "PTR":
    case "SRV":
    case "MX":
      return dotted(record.data);
    case "TXT":
      return `"${record.data}"`;
    case "SOA": {
      const [mname, rname, ...rest] = record.data.split(" ");
      return `${dotted(mname!)} ${dotted(rname!)} ${rest.join(" ")}`;
    }
    default:
      return record.data;
  }
}

const digLine = (record: ResourceRecord): string =>
  `${dotted(record.name).padEnd(23)}${dotted(record.name).length >= 23 ? " " : ""}\t${record.ttl}\tIN\t${record.type}\t${presentation(record)}`;

export const dig: Program = function* (process) {
  let server: string | undefined;
  let name: string | undefined;
  let type: RecordType = "A";
  let port = 53;
  let useSearch = false;
  let short = false;
  let sections = { comments: true, question: true, answer: true, authority: true, stats: true, cmd: true };
  const args = process.argv.slice(1);
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word.startsWith("@")) server = word.slice(1);
    else if (word === "-x") {
      name = reverseName(args[++i] ?? "");
      type = "PTR";
    } else if (word === "-p") port = Number(args[++i]);
    else if (word === "-t") type = (args[++i] ?? "A").toUpperCase() as RecordType;
    else if (word === "+short") short = true;
    else if (word === "+search") useSearch = true;
    else if (word === "+noall")
      sections = { comments: false, question: false, answer: false, authority: false, stats: false, cmd: false };
    else if (word === "+answer") sections.answer = true;
    else if (word === "+nocomments") sections.comments = false;
    else if (word === "+nostats") sections.stats = false;
    else if (word === "+nocmd") sections.cmd = false;
    else if (word.startsWith("+") || word.startsWith("-")) continue;
    else if (types.has(word.toUpperCase()) && name !== undefined) type = word.toUpperCase() as RecordType;
    else if (types.has(word.toUpperCase())) type = word.toUpperCase() as RecordType;
    else if (word.toUpperCase() !== "IN") name = word;
  }
  if (name === undefined) {
    name = ".";
    type = "NS";
  }
  if (server !== undefined && !isIpv4(server)) {
    const found = (yield* resolve(process, server))[0];
    if (found === undefined) {
      yield* process.printError(`dig: couldn't get address for '${server}': not found\n`);
      return 10;
    }
    server = found;
  }
  const began = process.now();
  const config = resolverConfig(process);
  const at = server ?? config.nameservers[0]!;
  let result: QueryResult = { kind: "timeout" };
  const names = useSearch ? searchNames(name, config) : [name.replace(/\.$/, "")];
  let question = names[0]!;
  for (const candidate of names) {
    question = candidate;
    result = yield* queryServer(process, at, { name: candidate, type }, { port });
    for (let retry = 0; retry < 2 && result.kind === "timeout"; retry++)
      result = yield* queryServer(process, at, { name: candidate, type }, { port });
    if (result.kind !== "answer" || result.message.code === "NOERROR") break;
  }
  if (result.kind !== "answer") {
    const why = result.kind === "timeout" ? "timed out" : "connection refused";
    const error = `;; communications error to ${at}#${port}: ${why}\n`.repeat(3);
    yield* process.print(
      short
        ? `${error}`
        : `${error}\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> ${args.join(" ")}\n;; global options: +cmd\n;; no servers could be reached\n\n`,
    );
    return 9;
  }
  const { message } = result;
  if (short) {
    for (const record of message.answers) yield* process.print(`${presentation(record)}\n`);
    return 0;
  }
  yield* process.print(
    digText(message, { question, type, args, at, port, ms: Math.round(process.now() - began), sections }),
  );
  return 0;
};

function digText(
  message: DnsMessage,
  how: {
    readonly question: string;
    readonly type: RecordType;
    readonly args: readonly string[];
    readonly at: string;
    readonly port: number;
    readonly ms: number;
    readonly sections: Readonly<Record<"comments" | "question" | "answer" | "authority" | "stats" | "cmd", boolean>>;
  },
): string {
  const { sections } = how;
  const authority = message.authority ?? [];
  let text = "";
  if (sections.cmd)
    text += `\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> ${how.args.join(" ")}\n;; global options: +cmd\n`;
  if (sections.comments) {
    const flags = ["qr", message.authoritative ? "aa" : "", "rd", message.recursionAvailable ? "ra" : ""].filter(
      (flag) => flag !== "",
    );
    text += `;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: ${message.code}, id: ${message.id}\n;; flags: ${flags.join(" ")}; QUERY: 1, ANSWER: ${message.answers.length}, AUTHORITY: ${authority.length}, ADDITIONAL: 0\n\n`;
  }
  if (sections.question)
    text += `${sections.comments ? ";; QUESTION SECTION:\n" : ""};${dotted(how.question)}\t\t\tIN\t${how.type}\n\n`;
  if (sections.answer && message.answers.length > 0)
    text += `${sections.comments ? ";; ANSWER SECTION:\n" : ""}${message.answers.map((record) => `${digLine(record)}\n`).join("")}${sections.comments ? "\n" : ""}`;
  if (sections.authority && authority.length > 0)
    text += `${sections.comments ? ";; AUTHORITY SECTION:\n" : ""}${authority.map((record) => `${digLine(record)}\n`).join("")}\n`;
  if (sections.stats)
    text += `;; Query time: ${how.ms} msec\n;; SERVER: ${how.at}#${how.port}(${how.at}) (UDP)\n;; MSG SIZE  rcvd: ${40 + message.answers.length * 16}\n\n`;
  return text;
}

// ---- host, getent --------------------------------------------------------------------------------------------------

export const host: Program = function* (process) {
  const args = process.argv.slice(1);
  let type: RecordType | undefined;
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "-t") type = (args[++i] ?? "A").toUpperCase() as RecordType;
    else if (!args[i]!.startsWith("-")) words.push(args[i]!);
  }
  if (words[0] === undefined) {
    yield* process.printError(
      "Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]\n",
    );
    return 1;
  }
  const { name, isReverse } = questionOf(words[0]);
  const { name: found, result } = yield* searched(
    process,
    name,
    type ?? (isReverse ? "PTR" : "A"),
    words[1],
    !isReverse,
  );
  if (result.kind !== "answer") {
    const at = words[1] ?? resolverConfig(process).nameservers[0]!;
    yield* process.print(
      `;; communications error to ${at}#53: ${result.kind === "timeout" ? "timed out" : "connection refused"}\n;; no servers could be reached\n`,
    );
    return 1;
  }
  const { message } = result;
  if (message.code !== "NOERROR") {
    yield* process.print(
      `Host ${name} not found: ${message.code === "NXDOMAIN" ? "3(NXDOMAIN)" : message.code === "SERVFAIL" ? "2(SERVFAIL)" : `5(${message.code})`}\n`,
    );
    return 1;
  }
  const words2: Partial<Record<RecordType, string>> = {
    A: "has address",
    AAAA: "has IPv6 address",
    CNAME: "is an alias for",
    PTR: "domain name pointer",
    MX: "mail is handled by",
    NS: "name server",
    TXT: "descriptive text",
    SRV: "has SRV record",
  };
  if (message.answers.length === 0) yield* process.print(`${found} has no ${type ?? "A"} record\n`);
  for (const record of message.answers)
    yield* process.print(`${record.name} ${words2[record.type] ?? record.type} ${presentation(record)}\n`);
  return message.answers.length === 0 ? 1 : 0;
};

export const getent: Program = function* (process) {
  const [database, ...keys] = process.argv.slice(1);
  if (database === undefined) {
    yield* process.printError(
      "getent: wrong number of arguments\nTry `getent --help' or `getent --usage' for more information.\n",
    );
    return 1;
  }
  const fileOf: Record<string, string> = { passwd: "/etc/passwd", group: "/etc/group" };
  if (fileOf[database]) {
    let text = "";
    try {
      text = process.readText(fileOf[database]);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
    const lines = text.split("\n").filter((line) => line !== "");
    const chosen =
      keys.length === 0
        ? lines
        : lines.filter((line) => keys.includes(line.split(":")[0]!) || keys.includes(line.split(":")[2]!));
    for (const line of chosen) yield* process.print(`${line}\n`);
    return keys.length > 0 && chosen.length === 0 ? 2 : 0;
  }
  if (!["hosts", "ahosts", "ahostsv4"].includes(database)) {
    yield* process.printError(
      `Unknown database: ${database}\nTry \`getent --help' or \`getent --usage' for more information.\n`,
    );
    return 1;
  }
  if (keys.length === 0) {
    let text = "";
    try {
      text = process.readText("/etc/hosts");
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
    for (const line of text.split("\n")) {
      const [address, ...names] = line.replace(/#.*$/, "").trim().split(/\s+/);
      if (address && names.length > 0) yield* process.print(`${address.padEnd(15)} ${names.join(" ")}\n`);
    }
    return 0;
  }
  let code = 0;
  for (const key of keys) {
    if (database === "hosts" && (isIpv4(key) || isIpv6(key))) {
      let names = [...hostsReverse(process, key)];
      if (names.length === 0) {
        const found = yield* lookup(process, `${reverseName(key)}.`, "PTR");
        names = found.records.filter((record) => record.type === "PTR").map((record) => record.data);
      }
      if (names.length === 0) code = 2;
      else yield* process.print(`${key.padEnd(15)} ${names.join(" ")}\n`);
      continue;
    }
    const addresses = yield* resolve(process, key);
    if (addresses.length === 0) {
      code = 2;
      continue;
    }
    if (database === "hosts") {
      for (const address of addresses) yield* process.print(`${address.padEnd(15)} ${key}\n`);
      continue;
    }
    for (const address of addresses) {
      yield* process.print(
        `${address.padEnd(15)} STREAM ${address === addresses[0] ? key : ""}\n${address.padEnd(15)} DGRAM  \n${address.padEnd(15)} RAW    \n`,
      );
    }
  }
  return code;
};
