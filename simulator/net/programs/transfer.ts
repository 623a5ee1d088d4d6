/** One HTTP exchange as curl and wget make it: name, connection, TLS, request, response as it comes, with times. */
import { type Bytes, NO_BYTES } from "../../base/bytes";
import type { Task } from "../../base/task";
import { type Errno, SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { isIpv6 } from "../address";
import { withDeadline } from "../deadline";
import { type Header, type Url, addressesOf, recordExchange } from "../http";
import { HttpReader, HttpSyntaxError, type MessageHead, formatHead } from "../http-message";
import { netOf } from "../netns";
import type { Connection } from "../tcp";
import { type Certificate, checkCertificate, startTls } from "../tls";
import { connectUnix } from "../unix";

export type TransferFailure =
  | { readonly kind: "resolve"; readonly host: string }
  | { readonly kind: "connect"; readonly errno: Errno; readonly address: string; readonly text: string }
  | { readonly kind: "connect-timeout"; readonly phase: "resolve" | "connect" }
  | { readonly kind: "not-tls" }
  | { readonly kind: "tls-closed" }
  | { readonly kind: "certificate"; readonly text: string; readonly certificate: Certificate }
  | { readonly kind: "empty" }
  | { readonly kind: "reset" }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "not-http"; readonly bytes: string }
  | { readonly kind: "partial"; readonly missing: number | undefined };

export interface TransferTimes {
  begun: number;
  resolved: number;
  connected: number;
  tls: number;
  sent: number;
  first: number;
  ended: number;
}

export interface TransferRequest {
  readonly url: Url;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body?: Bytes;
  readonly httpVersion?: "1.0" | "1.1";
  readonly connectTimeoutMs?: number;
  readonly insecure?: boolean;
  /** Issuers trusted besides the public one (`--cacert`). */
  readonly trusted?: readonly string[];
  /** `--resolve host:port:address`, and `-x`: connect there instead. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  readonly proxied?: boolean;
  readonly unixSocket?: string;
  readonly ignoreBody?: boolean;
}

/** What the program hears as it happens. */
export interface TransferEvents {
  trying?(address: string, port: number): Task<void>;
  failedTry?(address: string, port: number, text: string): Task<void>;
  connected?(connection: Connection): Task<void>;
  secured?(certificate: Certificate): Task<void>;
  sent?(head: string): Task<void>;
  head?(head: MessageHead, status: number): Task<void>;
  body?(chunk: Bytes): Task<void>;
}

export type TransferResult =
  | {
      readonly ok: true;
      readonly status: number;
      readonly reason: string;
      readonly headers: readonly Header[];
      readonly size: number;
    }
  | { readonly ok: false; readonly failure: TransferFailure };

const BODY_KEPT_MAX = 4096;

/** Makes the exchange. `times` is filled in on the way, so that a caller who gives up knows how far it came. */
export function* transfer(
  process: Process,
  request: TransferRequest,
  times: TransferTimes,
  events: TransferEvents,
): Task<TransferResult> {
  const fail = (failure: TransferFailure): TransferResult => ({ ok: false, failure });
  times.begun = process.now();
  const opened = yield* open(process, request, times, events);
  if (!opened.ok) return fail(opened.failure);
  const { connection } = opened;
  try {
    yield* events.connected?.(connection) ?? nothing();
    if (request.url.scheme === "https") {
      const hand = yield* startTls(connection, request.url.host);
      if (hand.kind !== "ok") return fail({ kind: hand.kind === "closed" ? "tls-closed" : "not-tls" });
      const problem = request.insecure
        ? undefined
        : checkCertificate(hand.certificate, request.url.host, process.now(), request.trusted);
      if (problem) return fail({ kind: "certificate", text: problem, certificate: hand.certificate });
      yield* events.secured?.(hand.certificate) ?? nothing();
    }
    times.tls = process.now();
    const target = request.proxied
      ? `${request.url.scheme}://${request.url.host}:${request.url.port}${request.url.path}`
      : request.url.path;
    const head = formatHead(`${request.method} ${target} HTTP/${request.httpVersion ?? "1.1"}`, request.headers);
    yield* events.sent?.(head) ?? nothing();
    try {
      yield* connection.write((head + (request.body ?? "")) as Bytes);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return fail({ kind: "send", text: error.text });
    }
    times.sent = process.now();
    return yield* receive(process, connection, request, times, events);
  } finally {
    times.ended = process.now();
    connection.close();
  }
}

function* nothing(): Task<void> {}

type Opened =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly failure: TransferFailure };

function* open(process: Process, request: TransferRequest, times: TransferTimes, events: TransferEvents): Task<Opened> {
  const { host, port } = request.connectTo ?? request.url;
  const deadline =
    request.connectTimeoutMs === undefined ? Number.POSITIVE_INFINITY : process.now() + request.connectTimeoutMs;
  if (request.unixSocket !== undefined) {
    try {
      const connection = yield* connectUnix(process, request.unixSocket);
      times.resolved = times.connected = process.now();
      return { ok: true, connection };
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return {
        ok: false,
        failure: { kind: "connect", errno: error.code, address: request.unixSocket, text: error.text },
      };
    }
  }
  const looked =
    deadline === Number.POSITIVE_INFINITY
      ? { value: yield* addressesOf(process, host) }
      : yield* withDeadline(process, addressesOf(process, host), deadline - process.now());
  if (!looked) return { ok: false, failure: { kind: "connect-timeout", phase: "resolve" } };
  const addresses = looked.value;
  if (addresses.length === 0) return { ok: false, failure: { kind: "resolve", host } };
  times.resolved = process.now();
  let failure: TransferFailure | undefined;
  // localhost has both loopbacks; the rest of this world is IPv4.
  for (const address of addresses) {
    yield* events.trying?.(address, port) ?? nothing();
    try {
      const left = deadline - process.now();
      const connection = yield* netOf(process).connect(process, {
        address,
        port,
        ...(left === Number.POSITIVE_INFINITY ? {} : { timeoutMs: left }),
      });
      times.connected = process.now();
      return { ok: true, connection };
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.code === "ETIMEDOUT" && process.now() >= deadline)
        return { ok: false, failure: { kind: "connect-timeout", phase: "connect" } };
      yield* events.failedTry?.(address, port, error.text) ?? nothing();
      failure = {
        kind: "connect",
        errno: error.code,
        address: isIpv6(address) ? `[${address}]` : address,
        text: error.text,
      };
    }
  }
  return { ok: false, failure: failure! };
}

function* receive(
  process: Process,
  connection: Connection,
  request: TransferRequest,
  times: TransferTimes,
  events: TransferEvents,
): Task<TransferResult> {
  const fail = (failure: TransferFailure): TransferResult => ({ ok: false, failure });
  const reader = new HttpReader(connection);
  try {
    for (;;) {
      const head = yield* reader.head();
      if (!head) return fail({ kind: "empty" });
      if (times.first === 0) times.first = process.now();
      const status = /^HTTP\/\d(?:\.\d)? (\d{3}) ?(.*)$/.exec(head.startLine);
      if (!status) return fail({ kind: "not-http", bytes: head.startLine });
      const code = Number(status[1]);
      if (code === 100) continue;
      yield* events.head?.(head, code) ?? nothing();
      let size = 0;
      let kept = NO_BYTES;
      let complete = true;
      if (request.method !== "HEAD" && !request.ignoreBody && code !== 204 && code !== 304)
        complete = yield* reader.body(head.headers, true, function* (chunk) {
          size += chunk.length;
          if (kept.length < BODY_KEPT_MAX) kept = (kept + chunk) as Bytes;
          yield* events.body?.(chunk) ?? nothing();
        });
      recordExchange(process, request.method, urlText(request.url), code, kept);
      if (!complete) {
        const length = head.headers.find(([name]) => name.toLowerCase() === "content-length")?.[1];
        return fail({ kind: "partial", missing: length === undefined ? undefined : Number(length) - size });
      }
      return { ok: true, status: code, reason: status[2]!, headers: head.headers, size };
    }
  } catch (error) {
    if (error instanceof HttpSyntaxError) return fail({ kind: "not-http", bytes: error.message });
    if (error instanceof SysError && (error.code === "ECONNRESET" || error.code === "ETIMEDOUT"))
      return fail({ kind: "reset" });
    throw error;
  }
}

export function urlText(url: Url): string {
  const standard = url.scheme === "https" ? 443 : 80;
  const host = isIpv6(url.host) ? `[${url.host}]` : url.host;
  return `${url.scheme}://${host}${url.port === standard && !url.hasPort ? "" : `:${url.port}`}${url.path}`;
}

export const newTimes = (): TransferTimes => ({
  begun: 0,
  resolved: 0,
  connected: 0,
  tls: 0,
  sent: 0,
  first: 0,
  ended: 0,
});
