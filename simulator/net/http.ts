/** HTTP between processes: a client call, and a server that answers through a handler. Real HTTP/1.1 bytes on real connections. */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Process } from "../os/process";
import { isIpv4, isIpv6 } from "./address";
import { withDeadline } from "./deadline";
import { resolve } from "./dns";
import { type Header, headerOf, httpDate } from "./http-header";
import { HttpReader, HttpSyntaxError, formatHead, reasonOf } from "./http-message";
import { type Netns, netOf } from "./netns";
import type { Connection, TcpListener } from "./tcp";
import { type Certificate, acceptTls, checkCertificate, startTls } from "./tls";

export { type Header, headerOf, httpDate } from "./http-header";

// ---- URLs ----------------------------------------------------------------------------------------------------------

export interface Url {
  readonly scheme: string;
  readonly user?: string;
  readonly password?: string;
  readonly host: string;
  readonly port: number;
  /** Whether the port was written. */
  readonly hasPort: boolean;
  /** With the query, without the fragment. */
  readonly path: string;
}

/** Reads a URL; a missing scheme is http. Undefined when there is no host or the port is not a number. */
export function parseUrl(text: string): Url | undefined {
  const m = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/@?#]*)@)?(\[[^\]]+\]|[^/:?#]*)(?::([^/?#]*))?([^#]*)/i.exec(text);
  if (!m?.[3]) return undefined;
  const scheme = (m[1] ?? "http").toLowerCase();
  if (m[4] !== undefined && (!/^\d*$/.test(m[4]) || Number(m[4]) > 65_535)) return undefined;
  const [user, ...password] = (m[2] ?? "").split(":");
  const path = m[5]!.startsWith("/") ? m[5]! : `/${m[5]}`;
  return {
    scheme,
    ...(m[2] !== undefined ? { user: user!, password: password.join(":") } : {}),
    host: m[3].replace(/^\[|\]$/g, ""),
    port: m[4] ? Number(m[4]) : scheme === "https" ? 443 : scheme === "ftp" ? 21 : 80,
    hasPort: !!m[4],
    path,
  };
}

/** `host` or `host:port`, as the Host header has it. */
export function hostHeader(url: Url): string {
  const host = isIpv6(url.host) ? `[${url.host}]` : url.host;
  const standard = url.scheme === "https" ? 443 : 80;
  return url.port === standard ? host : `${host}:${url.port}`;
}

// ---- client --------------------------------------------------------------------------------------------------------

export interface HttpRequestOptions {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Bytes;
  readonly timeoutMs?: number;
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** Issuers to trust besides the public one. */
  readonly trusted?: readonly string[];
  /** Connect from this namespace instead of the process's own: a kubelet's probe, a proxy. */
  readonly netns?: Netns;
}

export interface HttpResponse {
  readonly status: number;
  readonly reason?: string;
  readonly headers: readonly Header[];
  /** Whole, or written piece by piece as it is made (servers only). */
  readonly body: Bytes;
}

/** Why there was no response; `message` is in the words of Go's net/http, which probes and controllers show. */
export class HttpFailure extends Error {
  override name = "HttpFailure";
  readonly kind: "resolve" | "connect" | "timeout" | "tls" | "protocol";

  constructor(kind: HttpFailure["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Addresses of a name; a literal address is its own. */
export function* addressesOf(process: Process, host: string): Task<readonly string[]> {
  if (isIpv4(host) || isIpv6(host)) return [host];
  return yield* resolve(process, host);
}

/** One request and its whole response. Throws HttpFailure. */
export function* httpRequest(process: Process, options: HttpRequestOptions): Task<HttpResponse> {
  if (options.timeoutMs === undefined) return yield* exchange(process, options);
  const done = yield* withDeadline(process, exchange(process, options), options.timeoutMs);
  if (!done)
    throw new HttpFailure("timeout", "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  return done.value;
}

function* exchange(process: Process, options: HttpRequestOptions): Task<HttpResponse> {
  const url = parseUrl(options.url);
  if (!url) throw new HttpFailure("protocol", `parse "${options.url}": invalid URI for request`);
  const netns = options.netns ?? netOf(process);
  const addresses = yield* addressesOf(process, url.host);
  if (addresses.length === 0) throw new HttpFailure("resolve", `dial tcp: lookup ${url.host}: no such host`);
  const connection = yield* dial(process, netns, addresses, url.port);
  try {
    if (url.scheme === "https") {
      const hand = yield* startTls(connection, url.host);
      if (hand.kind !== "ok")
        throw new HttpFailure(
          "tls",
          hand.kind === "closed" ? "EOF" : "http: server gave HTTP response to HTTPS client",
        );
      const problem = options.insecure
        ? undefined
        : checkCertificate(hand.certificate, url.host, process.now(), options.trusted && [...options.trusted]);
      if (problem) throw new HttpFailure("tls", `tls: failed to verify certificate: x509: ${problem}`);
    }
    const method = options.method ?? "GET";
    const headers: Header[] = [["Host", hostHeader(url)]];
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.push([name, value]);
    if (options.body !== undefined && headerOf(headers, "content-length") === undefined)
      headers.push(["Content-Length", String(options.body.length)]);
    if (headerOf(headers, "connection") === undefined) headers.push(["Connection", "close"]);
    yield* connection.write((formatHead(`${method} ${url.path} HTTP/1.1`, headers) + (options.body ?? "")) as Bytes);
    const reader = new HttpReader(connection);
    const head = yield* reader.head();
    if (!head) throw new HttpFailure("protocol", "EOF");
    const status = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(head.startLine);
    if (!status) throw new HttpFailure("protocol", "malformed HTTP response");
    const chunks: Bytes[] = [];
    if (method !== "HEAD" && status[1] !== "204" && status[1] !== "304")
      yield* reader.body(head.headers, true, function* (chunk) {
        chunks.push(chunk);
      });
    const response: HttpResponse = {
      status: Number(status[1]),
      reason: status[2]!,
      headers: head.headers,
      body: chunks.join("") as Bytes,
    };
    recordExchange(process, method, options.url, response.status, response.body);
    return response;
  } catch (error) {
    if (error instanceof SysError)
      throw new HttpFailure(
        "protocol",
        error.code === "ECONNRESET" || error.code === "EPIPE"
          ? `read tcp ${connection.local.address}:${connection.local.port}->${connection.remote.address}:${connection.remote.port}: read: connection reset by peer`
          : error.text.toLowerCase(),
      );
    if (error instanceof HttpSyntaxError)
      throw new HttpFailure("protocol", `malformed HTTP response "${error.message}"`);
    throw error;
  } finally {
    connection.close();
  }
}

function* dial(process: Process, netns: Netns, addresses: readonly string[], port: number): Task<Connection> {
  let last: HttpFailure | undefined;
  for (const address of addresses) {
    try {
      return yield* netns.connect(process, { address, port });
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const shown = isIpv6(address) ? `[${address}]` : address;
      last = new HttpFailure("connect", `dial tcp ${shown}:${port}: connect: ${error.text.toLowerCase()}`);
    }
  }
  throw last ?? new HttpFailure("resolve", "no such host");
}

/** Remembers an exchange for panels and checks. */
export function recordExchange(process: Process, method: string, url: string, status: number, body: Bytes): void {
  const netns = netOf(process);
  netns.network.record({
    at: process.now(),
    namespace: netns.name,
    method,
    url,
    status,
    body: decodeUtf8(body.slice(0, 4096) as Bytes),
  });
}

// ---- server --------------------------------------------------------------------------------------------------------

export interface ServerRequest {
  readonly method: string;
  /** With the query. */
  readonly target: string;
  /** Without the query, percent-decoded. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly version: string;
  readonly headers: readonly Header[];
  readonly body: Bytes;
  readonly host: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly isTls: boolean;
  readonly connection: Connection;
  /** Bytes read ahead: what an upgraded protocol starts with. */
  readonly rest: Bytes;
}

export interface ServerResponse {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly Header[];
  /** Bytes, or code that writes piece by piece (sent chunked). */
  readonly body?: Bytes | ((write: (chunk: Bytes) => Task<void>) => Task<void>);
  /** The handler spoke on the connection itself (an upgrade): nothing is written, and the connection closes. */
  readonly hijacked?: boolean;
  /** Close after this response. */
  readonly close?: boolean;
}

export type HttpHandler = (request: ServerRequest) => Task<ServerResponse>;

export interface ServeOptions {
  readonly port: number;
  readonly address?: string;
  /** Makes this an HTTPS server. */
  readonly tls?: (serverName: string) => Certificate;
  /** The Server header; absent: none. */
  readonly server?: string;
  /** Serve in another namespace than the process's own. */
  readonly netns?: Netns;
  /** What a client that speaks plain HTTP to a TLS port is told. */
  readonly plainOnTls?: ServerResponse;
  /** Seconds an idle connection is kept; 0: one request per connection. */
  readonly keepAliveSeconds?: number;
  readonly onListen?: (listener: TcpListener) => void;
}

/** A response with a text body. */
export function textResponse(
  status: number,
  text: string,
  headers: readonly Header[] = [["Content-Type", "text/plain; charset=utf-8"]],
): ServerResponse {
  return { status, headers, body: encodeUtf8(text) };
}

export const jsonResponse = (status: number, value: unknown): ServerResponse =>
  textResponse(status, JSON.stringify(value), [["Content-Type", "application/json"]]);

/** Listens and serves until the process ends. Throws EADDRINUSE at once. */
export function* serveHttp(process: Process, where: number | ServeOptions, handler: HttpHandler): Task<never> {
  const options: ServeOptions = typeof where === "number" ? { port: where } : where;
  const listener = (options.netns ?? netOf(process)).listen({
    port: options.port,
    owner: process,
    ...(options.address === undefined ? {} : { address: options.address }),
  });
  options.onListen?.(listener);
  for (;;) {
    const connection = yield* listener.accept();
    process.thread(serveConnection(process, connection, options, handler));
  }
}

/** Serves one connection: request after request, until one side closes. */
export function* serveConnection(
  process: Process,
  connection: Connection,
  options: Omit<ServeOptions, "port">,
  handler: HttpHandler,
): Task<void> {
  try {
    let rest: Bytes = NO_BYTES;
    if (options.tls) {
      const hand = yield* acceptTls(connection, options.tls);
      if (hand.kind === "closed") return;
      if (hand.kind === "plain") {
        yield* respond(
          process,
          connection,
          options.plainOnTls ?? textResponse(400, "Client sent an HTTP request to an HTTPS server.\n", []),
          { keepAlive: false, method: "GET", ...(options.server === undefined ? {} : { server: options.server }) },
        );
        return;
      }
      rest = NO_BYTES;
    }
    const reader = new HttpReader(connection, rest);
    for (;;) {
      const head = yield* reader.head();
      if (!head) return;
      const start = /^(\S+) (\S+) (HTTP\/1\.[01])$/.exec(head.startLine);
      if (!start) throw new HttpSyntaxError(head.startLine);
      const chunks: Bytes[] = [];
      if (/100-continue/i.test(headerOf(head.headers, "expect") ?? ""))
        yield* connection.write("HTTP/1.1 100 Continue\r\n\r\n" as Bytes);
      const complete = yield* reader.body(head.headers, false, function* (chunk) {
        chunks.push(chunk);
      });
      if (!complete) return;
      const [path, query] = splitTarget(start[2]!);
      const wish = (headerOf(head.headers, "connection") ?? "").toLowerCase();
      const request: ServerRequest = {
        method: start[1]!,
        target: start[2]!,
        path,
        query,
        version: start[3]!,
        headers: head.headers,
        body: chunks.join("") as Bytes,
        host: headerOf(head.headers, "host") ?? "",
        remoteAddress: connection.remote.address,
        remotePort: connection.remote.port,
        localAddress: connection.local.address,
        localPort: connection.local.port,
        isTls: options.tls !== undefined,
        connection,
        rest: reader.rest,
      };
      const response = yield* handler(request);
      if (response.hijacked) return;
      const keepAlive =
        !response.close &&
        options.keepAliveSeconds !== 0 &&
        (start[3] === "HTTP/1.1" ? !wish.includes("close") : wish.includes("keep-alive"));
      yield* respond(process, connection, response, {
        keepAlive,
        method: request.method,
        ...(options.server === undefined ? {} : { server: options.server }),
      });
      if (!keepAlive) return;
    }
  } catch (error) {
    if (error instanceof HttpSyntaxError) {
      yield* respond(process, connection, textResponse(400, "400 Bad Request"), { keepAlive: false, method: "GET" });
    } else if (!(error instanceof SysError)) throw error;
  } finally {
    connection.close();
  }
}

function splitTarget(target: string): [string, ReadonlyMap<string, string>] {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new Map<string, string>();
  if (mark >= 0)
    for (const pair of target.slice(mark + 1).split("&")) {
      if (pair === "") continue;
      const equals = pair.indexOf("=");
      const decode = (text: string): string => percentDecode(text.replace(/\+/g, " "));
      query.set(decode(equals < 0 ? pair : pair.slice(0, equals)), equals < 0 ? "" : decode(pair.slice(equals + 1)));
    }
  return [percentDecode(path), query];
}

/** Decodes %XX; the bytes are read as UTF-8. */
export const percentDecode = (text: string): string =>
  decodeUtf8(
    text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Bytes,
  );

function* respond(
  process: Process,
  connection: Connection,
  response: ServerResponse,
  how: { readonly keepAlive: boolean; readonly method: string; readonly server?: string },
): Task<void> {
  const own = response.headers ?? [];
  const headers: Header[] = [];
  if (how.server !== undefined && headerOf(own, "server") === undefined) headers.push(["Server", how.server]);
  if (headerOf(own, "date") === undefined) headers.push(["Date", httpDate(process.now())]);
  headers.push(...own);
  const { body } = response;
  const streamed = typeof body === "function";
  const bodiless = response.status === 204 || response.status === 304 || response.status < 200;
  if (streamed) headers.push(["Transfer-Encoding", "chunked"]);
  else if (!bodiless && headerOf(own, "content-length") === undefined)
    headers.push(["Content-Length", String(body?.length ?? 0)]);
  if (headerOf(own, "connection") === undefined) headers.push(["Connection", how.keepAlive ? "keep-alive" : "close"]);
  const head = formatHead(
    `HTTP/1.1 ${response.status} ${response.reason ?? reasonOf(response.status)}`.trimEnd(),
    headers,
  );
  if (!streamed) {
    yield* connection.write((how.method === "HEAD" || bodiless ? head : head + (body ?? "")) as Bytes);
    return;
  }
  yield* connection.write(head);
  if (how.method === "HEAD") return;
  yield* body(function* (chunk) {
    if (chunk.length > 0) yield* connection.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n` as Bytes);
  });
  yield* connection.write("0\r\n\r\n" as Bytes);
}
