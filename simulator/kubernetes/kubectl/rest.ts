/** Requests to an API server: latency, failures, warnings and the traces of -v. */
import type { ApiResponse, ApiStream, StreamReceiver } from "../../base/door";
import { civilTime } from "../../base/clock";
import { Signal, suspend, type Task } from "../../base/task";
import type { Process } from "../../os/process";
import { goJson } from "../../text/go-json";
import { quote } from "../../text/strconv";
import type { KubeObject, Status } from "../apimachinery/object";
import {
  isTransportFailure,
  settled,
  type Credentials,
  type KubeRequest,
  type Transport,
  type TransportFailure,
} from "../apimachinery/transport";
import { ApiFailure, CommandFailure, ConnectionFailure } from "./failure";

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface RestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly accept?: string;
  readonly contentType?: string;
}

export const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

export const TABLE_ACCEPT =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

const USER_AGENT = "kubectl/v1.36.4 (linux/amd64) kubernetes/bb826b1";

export interface RestConfig {
  readonly process: Process;
  readonly server: string;
  readonly credentials: Credentials;
  readonly verbosity: number;
  readonly requestTimeoutMs: number;
  readonly warningsAsErrors: boolean;
  /** No virtual time passes: what kubectl has in its disk cache. */
  readonly isCached?: boolean;
  readonly connect: (process: Process, server: string) => Transport | TransportFailure;
}

export class RestClient {
  readonly #config: RestConfig;
  readonly #warned = new Set<string>();
  #connected = false;
  warningCount = 0;

  constructor(config: RestConfig) {
    this.#config = config;
  }

  get server(): string {
    return this.#config.server;
  }

  /** "10.89.0.10:6443" */
  get host(): string {
    return this.#config.server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  }

  url(path: string, query: Query = {}): string {
    const text = queryText(query);
    return `${this.#config.server.replace(/\/$/, "")}${path}${text ? `?${text}` : ""}`;
  }

  /** One request; a failed one throws ApiFailure or ConnectionFailure. The body of the answer. */
  *json<T = KubeObject>(method: KubeRequest["method"], path: string, options: RestOptions = {}): Task<T> {
    const answer = yield* this.send(method, path, options);
    return answer.body as T;
  }

  get<T = KubeObject>(path: string, query?: Query, accept?: string): Task<T> {
    return this.json<T>("GET", path, { query, accept });
  }

  *send(method: KubeRequest["method"], path: string, options: RestOptions = {}): Task<ApiResponse> {
    const { process, verbosity } = this.#config;
    const url = this.url(path, options.query);
    const timeout = this.#config.requestTimeoutMs;
    const latency = this.#config.isCached ? 0 : this.#connected ? 3 : 8;
    if (timeout > 0 && timeout < latency) {
      yield* process.sleep(timeout);
      throw new ConnectionFailure(this.host, "context deadline exceeded");
    }
    if (verbosity >= 8) yield* this.#traceRequest(method, url, options);
    if (latency > 0) yield* process.sleep(latency / 2);
    const first = this.#request(method, path, options);
    const answer = isTransportFailure(first) ? first : yield* settled(first);
    if (latency > 0) yield* process.sleep(latency / 2);
    if (isTransportFailure(answer)) {
      if (verbosity >= 6) {
        yield* this.trace(
          `round_trippers.go:632] "Response" verb=${quote(method)} url=${quote(url)} status="" milliseconds=${Math.round(latency)}`,
        );
      }
      throw new ConnectionFailure(
        this.host,
        `${method[0]}${method.slice(1).toLowerCase()} ${quote(url)}: dial tcp ${dialAddress(this.host)}: ${answer.failure.replace(/^dial tcp \S+: /, "")}`,
      );
    }
    this.#connected = true;
    if (verbosity >= 6) yield* this.#traceResponse(method, url, answer, latency);
    yield* this.#warnings(answer);
    if (answer.status >= 400) throw new ApiFailure(statusOf(answer));
    return answer;
  }

  /** Opens a stream (watch, followed log, exec). */
  *stream(method: KubeRequest["method"], path: string, options: RestOptions = {}): Task<ApiStream> {
    const answer = yield* this.send(method, path, options);
    if (answer.stream) return answer.stream;
    // A server that answers at once: its whole answer is the stream.
    return finishedStream(answer.body);
  }

  #request(method: KubeRequest["method"], path: string, options: RestOptions): ApiResponse | TransportFailure {
    const transport = this.#config.connect(this.#config.process, this.#config.server);
    if ("failure" in transport) return transport;
    const query: Record<string, readonly string[]> = {};
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) query[key] = typeof value === "string" ? [value] : value;
    }
    return transport.request({
      method,
      path,
      query,
      headers: {
        accept: options.accept ?? "application/json",
        "user-agent": USER_AGENT,
        ...(options.body === undefined ? {} : { "content-type": options.contentType ?? "application/json" }),
      },
      body: options.body,
      credentials: this.#config.credentials,
    });
  }

  *#warnings(answer: ApiResponse): Task<void> {
    const header = answer.headers?.["warning"];
    if (!header) return;
    for (const m of header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
      const text = m[1]!.replace(/\\(.)/g, "$1");
      this.warningCount++;
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      yield* this.#config.process.printError(`Warning: ${text}\n`);
    }
  }

  /** --warnings-as-errors. */
  checkWarnings(): void {
    if (!this.#config.warningsAsErrors || this.warningCount === 0) return;
    throw new CommandFailure(`${this.warningCount} warning${this.warningCount === 1 ? "" : "s"} received`);
  }

  // --- -v ---

  *trace(text: string): Task<void> {
    yield* this.#config.process.printError(klog("I", this.#config.process, text));
  }

  *#traceRequest(method: string, url: string, options: RestOptions): Task<void> {
    const body = options.body === undefined ? "" : goJson(options.body);
    yield* this.trace(
      `helper.go:113] "Request Body" body=${this.#config.verbosity >= 9 && body ? `<\n\t${body}\n >` : quote(body)}`,
    );
    const headers: [string, string][] = [["Accept", options.accept ?? "application/json"]];
    if (options.body !== undefined) headers.push(["Content-Type", options.contentType ?? "application/json"]);
    headers.push(["User-Agent", USER_AGENT]);
    if (this.#config.verbosity >= 9) {
      const curl = headers.map(([name, value]) => `-H "${name}: ${value}"`).join(" ");
      yield* this.trace(`round_trippers.go:527] "Request" curlCommand=<\n\tcurl -v -X${method}  ${curl} '${url}'\n >`);
    } else {
      const lines = headers.map(([name, value]) => `\t${name}: ${value}\n`).join("");
      yield* this.trace(
        `round_trippers.go:527] "Request" verb=${quote(method)} url=${quote(url)} headers=<\n${lines} >`,
      );
    }
  }

  *#traceResponse(method: string, url: string, answer: ApiResponse, latency: number): Task<void> {
    const status = `${answer.status} ${STATUS_TEXT[answer.status] ?? ""}`.trim();
    const ms = Math.round(latency);
    if (this.#config.verbosity < 8) {
      yield* this.trace(
        `round_trippers.go:632] "Response" verb=${quote(method)} url=${quote(url)} status=${quote(status)} milliseconds=${ms}`,
      );
      return;
    }
    const names = Object.keys(answer.headers ?? {}).sort();
    const lines = names.map(
      (name) =>
        `\t${name.replace(/(^|-)([a-z])/g, (_, dash: string, ch: string) => dash + ch.toUpperCase())}: ${answer.headers![name]}\n`,
    );
    const verb = this.#config.verbosity >= 9 ? `verb=${quote(method)} url=${quote(url)} ` : "";
    yield* this.trace(
      `round_trippers.go:632] "Response" ${verb}status=${quote(status)} headers=<\n${lines.join("")} > milliseconds=${ms}`,
    );
    if (answer.stream) return;
    const body = typeof answer.body === "string" ? answer.body : goJson(answer.body, { sortKeys: false });
    yield* this.trace(
      `helper.go:113] "Response Body" body=${this.#config.verbosity >= 9 ? `<\n\t${body}\n >` : quote(body)}`,
    );
  }
}

/** A line of Kubernetes' logger. */
export function klog(level: "I" | "W" | "E", process: Process, text: string): string {
  const t = civilTime(process.now());
  const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
  const micros = pad(Math.floor((process.now() % 1000) * 1000), 6);
  return `${level}${pad(t.month)}${pad(t.day)} ${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)}.${micros} ${String(process.nsPid).padStart(7)} ${text}\n`;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const dialAddress = (host: string): string => host.replace(/^localhost(?=:|$)/, "127.0.0.1");

export function queryText(query: Query): string {
  const parts: string[] = [];
  for (const key of Object.keys(query).sort()) {
    const value = query[key];
    if (value === undefined) continue;
    for (const each of typeof value === "string" ? [value] : value)
      parts.push(`${escapeQuery(key)}=${escapeQuery(each)}`);
  }
  return parts.join("&");
}

const escapeQuery = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (ch) => `%${ch.charCodeAt(0).toString(16).toUpperCase()}`);

function statusOf(answer: ApiResponse): Status {
  const body = answer.body as Status | undefined;
  if (typeof body === "object" && body?.kind === "Status") return body;
  const message = typeof body === "string" ? body : "the server responded with an unexpected error";
  if (answer.status === 404) {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      reason: "NotFound",
      message: "the server could not find the requested resource",
      code: 404,
    };
  }
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: answer.status };
}

function finishedStream(body: unknown): ApiStream {
  return {
    open(receiver) {
      if (typeof body === "string" && body !== "") receiver.frame({ channel: "stdout", bytes: body as never });
      receiver.end();
    },
    send() {},
    cancel() {},
  };
}

/** A stream's frames, read one after the other by a program that waits. */
export class StreamReader<T> {
  readonly #queue: T[] = [];
  readonly #changed = new Signal();
  readonly #stream: ApiStream;
  #ended = false;
  error: string | undefined;

  constructor(stream: ApiStream, convert: (frame: Parameters<StreamReceiver["frame"]>[0]) => T | undefined) {
    this.#stream = stream;
    stream.open({
      frame: (frame) => {
        const value = convert(frame);
        if (value === undefined) return;
        this.#queue.push(value);
        this.#changed.ring();
      },
      end: (error) => {
        this.#ended = true;
        this.error = error;
        this.#changed.ring();
      },
    });
  }

  get changed(): Signal {
    return this.#changed;
  }

  /** Undefined at the end, or when `timeoutMs` ran out (`timedOut` tells). */
  *next(process: Process, timeoutMs = Number.POSITIVE_INFINITY): Task<T | undefined> {
    const deadline = process.now() + timeoutMs;
    for (;;) {
      const value = this.#queue.shift();
      if (value !== undefined) return value;
      if (this.#ended) return undefined;
      if (timeoutMs === Number.POSITIVE_INFINITY) yield* suspend(this.#changed.wait);
      else if (process.now() >= deadline) return undefined;
      else yield* process.waitFor(this.#changed.wait, deadline - process.now());
    }
  }

  get finished(): boolean {
    return this.#ended && this.#queue.length === 0;
  }

  close(): void {
    this.#stream.cancel();
    this.#ended = true;
  }
}

export interface WatchEvent<T = KubeObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

export const watchReader = <T = KubeObject>(stream: ApiStream): StreamReader<WatchEvent<T>> =>
  new StreamReader(stream, (frame) => (frame.channel === "message" ? (frame.value as WatchEvent<T>) : undefined));
