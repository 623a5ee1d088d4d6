/** The resolver library: /etc/hosts, /etc/resolv.conf with search and ndots, and queries over UDP; and a server loop. */
import { decodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Process } from "../os/process";
import { isIpv4, isIpv6 } from "./address";
import {
  type DnsMessage,
  type Question,
  type RecordType,
  type ResourceRecord,
  decodeDns,
  encodeDns,
} from "./dns-message";
import type { Datagram } from "./namespace";
import { type Netns, netOf } from "./netns";
import type { UdpSocket } from "./udp";

export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeoutMs: number;
  readonly attempts: number;
}

/** Reads /etc/resolv.conf of a process; without one the resolver asks 127.0.0.1. */
export function resolverConfig(process: Process): ResolverConfig {
  let text = "";
  try {
    text = decodeUtf8(process.fs.readFile("/etc/resolv.conf"));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  const nameservers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  let timeoutMs = 5000;
  let attempts = 2;
  for (const line of text.split("\n")) {
    const words = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (words[0] === "nameserver" && words[1]) nameservers.push(words[1]);
    else if (words[0] === "search" || words[0] === "domain") search = words.slice(1);
    else if (words[0] === "options")
      for (const option of words.slice(1)) {
        const [name, value] = option.split(":");
        if (name === "ndots") ndots = Number(value) || 0;
        else if (name === "timeout") timeoutMs = (Number(value) || 5) * 1000;
        else if (name === "attempts") attempts = Number(value) || 2;
      }
  }
  return {
    nameservers: nameservers.length > 0 ? nameservers.slice(0, 3) : ["127.0.0.1"],
    search,
    ndots,
    timeoutMs,
    attempts,
  };
}

/** Addresses that /etc/hosts gives a name, in its order. */
export function hostsLookup(process: Process, name: string): readonly string[] {
  let text: string;
  try {
    text = decodeUtf8(process.fs.readFile("/etc/hosts"));
  } catch (error) {
    if (error instanceof SysError) return [];
    throw error;
  }
  const wanted = name.replace(/\.$/, "").toLowerCase();
  const found: string[] = [];
  for (const line of text.split("\n")) {
    const [address, ...names] = line.replace(/#.*$/, "").trim().split(/\s+/);
    if (address && names.some((candidate) => candidate.toLowerCase() === wanted)) found.push(address);
  }
  return found;
}

/** The name /etc/hosts gives an address. */
export function hostsReverse(process: Process, address: string): readonly string[] {
  try {
    for (const line of decodeUtf8(process.fs.readFile("/etc/hosts")).split("\n")) {
      const [own, ...names] = line.replace(/#.*$/, "").trim().split(/\s+/);
      if (own === address && names.length > 0) return names;
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return [];
}

export type QueryResult =
  | { readonly kind: "answer"; readonly message: DnsMessage; readonly server: string }
  | { readonly kind: "timeout" }
  | { readonly kind: "refused"; readonly server: string };

/** Asks one server, once. */
export function* queryServer(
  process: Process,
  server: string,
  question: Question,
  options: { readonly timeoutMs?: number; readonly port?: number; readonly netns?: Netns } = {},
): Task<QueryResult> {
  const netns = options.netns ?? netOf(process);
  const id = netns.network.random.stream("dns").integer(1, 65_535);
  const socket = netns.bindUdp({ owner: process });
  try {
    socket.sendTo(
      encodeDns({ id, isResponse: false, recursionDesired: true, code: "NOERROR", questions: [question], answers: [] }),
      { address: server, port: options.port ?? 53 },
    );
    const deadline = process.now() + (options.timeoutMs ?? 5000);
    for (;;) {
      if (socket.readable) {
        const message = decodeDns((yield* socket.receive()).bytes);
        if (message?.isResponse && message.id === id) return { kind: "answer", message, server };
        continue;
      }
      const left = deadline - process.now();
      if (left <= 0 || !(yield* process.waitFor(socket.arrived.wait, left))) return { kind: "timeout" };
    }
  } catch (error) {
    if (error instanceof SysError) return { kind: "refused", server };
    throw error;
  } finally {
    socket.close();
  }
}

/** Asks the configured servers in turn, as often as resolv.conf says. */
export function* query(process: Process, question: Question, config = resolverConfig(process)): Task<QueryResult> {
  let last: QueryResult = { kind: "timeout" };
  for (let attempt = 0; attempt < config.attempts; attempt++)
    for (const server of config.nameservers) {
      const result = yield* queryServer(process, server, question, { timeoutMs: config.timeoutMs });
      if (result.kind === "answer" && result.message.code !== "SERVFAIL" && result.message.code !== "REFUSED")
        return result;
      last = result;
    }
  return last;
}

/** The names that a search list makes of one, in the order they are asked. */
export function searchNames(name: string, config: ResolverConfig): readonly string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const dots = name.split(".").length - 1;
  const searched = config.search.map((domain) => `${name}.${domain.replace(/\.$/, "")}`);
  return dots >= config.ndots ? [name, ...searched] : [...searched, name];
}

export interface LookupResult {
  readonly kind: "found" | "not-found" | "timeout" | "refused";
  /** The name that was found, after the search list. */
  readonly name: string;
  readonly records: readonly ResourceRecord[];
  readonly server: string | undefined;
}

/** Asks DNS for a name's records, through the search list. */
export function* lookup(
  process: Process,
  name: string,
  type: RecordType = "A",
  config = resolverConfig(process),
): Task<LookupResult> {
  let failed: LookupResult["kind"] = "not-found";
  let server: string | undefined;
  for (const candidate of searchNames(name, config)) {
    const result = yield* query(process, { name: candidate, type }, config);
    if (result.kind === "answer") {
      server = result.server;
      if (
        result.message.code === "NOERROR" &&
        result.message.answers.some((record) => record.type === type || type === "ANY")
      )
        return { kind: "found", name: candidate, records: result.message.answers, server };
    } else {
      failed = result.kind;
      // No server answers: the rest of the list would only take longer.
      break;
    }
  }
  return { kind: failed, name, records: [], server };
}

/** getaddrinfo: the addresses of a host name, none when it has none. */
export function* resolve(process: Process, name: string): Task<string[]> {
  if (isIpv4(name) || isIpv6(name)) return [name];
  const fromHosts = hostsLookup(process, name);
  if (fromHosts.length > 0) return [...fromHosts].sort((a, b) => Number(isIpv6(a)) - Number(isIpv6(b)));
  // RFC 6761: localhost is always the loopback.
  if (/^localhost\.?$/i.test(name)) return ["127.0.0.1"];
  if (name === "" || name.length > 253) return [];
  const result = yield* lookup(process, name);
  return result.records.filter((record) => record.type === "A").map((record) => record.data);
}

/** `4.3.2.1.in-addr.arpa` */
export const reverseName = (address: string): string => `${address.split(".").reverse().join(".")}.in-addr.arpa`;

/** What a server answers to one question. */
export interface DnsAnswer {
  readonly code: DnsMessage["code"];
  readonly answers: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
  readonly authoritative?: boolean;
}

/** Serves DNS over UDP until the process ends: each question on a thread of its own. Throws EADDRINUSE at once. */
export function* serveDns(
  process: Process,
  where: { readonly port?: number; readonly address?: string; readonly netns?: Netns },
  answer: (question: Question, client: { readonly address: string; readonly port: number }) => Task<DnsAnswer>,
): Task<never> {
  const netns = where.netns ?? netOf(process);
  const socket = netns.bindUdp({
    owner: process,
    port: where.port ?? 53,
    ...(where.address === undefined ? {} : { address: where.address }),
  });
  for (;;) {
    const datagram = yield* receiveOne(socket);
    if (!datagram) continue;
    const request = decodeDns(datagram.bytes);
    const question = request?.questions[0];
    if (!request || request.isResponse || !question) continue;
    process.thread(
      (function* (): Task<void> {
        const result = yield* answer(question, datagram.from);
        socket.reply(
          datagram,
          encodeDns({
            id: request.id,
            isResponse: true,
            recursionDesired: request.recursionDesired ?? true,
            recursionAvailable: true,
            authoritative: result.authoritative ?? false,
            code: result.code,
            questions: request.questions,
            answers: result.answers,
            ...(result.authority ? { authority: result.authority } : {}),
          }),
        );
      })(),
    );
  }
}

/** An ICMP error on a server's socket belongs to an old answer: the server goes on. */
function* receiveOne(socket: UdpSocket): Task<Datagram | undefined> {
  try {
    return yield* socket.receive();
  } catch (error) {
    if (error instanceof SysError && error.code !== "EBADF") return undefined;
    throw error;
  }
}
