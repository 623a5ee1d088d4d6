/** The CLI's side of the Engine API: requests through a door, and what is said when no answer comes. */
import { decodeUtf8, type Bytes } from "../../base/bytes";
import type { ApiRequest, ApiResponse } from "../../base/door";
import { failure, ok, type Result } from "../../base/result";
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";
import { resolveHost } from "./endpoint";

/** How the CLI reaches the engine through a socket of its own file system; undefined where no daemon listens. */
export type EngineDoor = (process: Process, socket: string) => ((request: ApiRequest) => Task<ApiResponse>) | undefined;

/** What every docker command is called with. */
export interface DockerContext {
  readonly door: EngineDoor;
  /** Compose and other plugins keep nothing between runs; the context store is a file. */
  readonly clientVersion: string;
  /** Global flags: what stood before the command. */
  readonly globals?: Readonly<Record<string, unknown>>;
}

/** The version this CLI asks for: its own, as it negotiates down from a newer engine. */
export const CLIENT_API_VERSION = "1.50";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, or the words for standard error (without "docker: "). */
export type Answer<T = ApiResponse> = Result<T, CallFailure>;

export interface CallFailure {
  /** 0 when no answer came. */
  readonly status: number;
  readonly message: string;
}

export class DockerClient {
  readonly process: Process;
  readonly #context: DockerContext;
  readonly #host: Result<string, string>;
  readonly #version: string;

  constructor(process: Process, context: DockerContext) {
    const flags = context.globals ?? {};
    this.process = process;
    this.#context = context;
    this.#version = process.env["DOCKER_API_VERSION"]?.replace(/^v/, "") || CLIENT_API_VERSION;
    this.#host = resolveHost(process, flags);
  }

  /** Sends a request. Anything from 400 up is a failure in the daemon's words. */
  *call(method: ApiRequest["method"], path: string, options: CallOptions = {}): Task<Answer> {
    if (!this.#host.ok) return failure({ status: 0, message: this.#host.error });
    const nameless = /^\/(container|network|volume)s\/\s*(?:\/|$)/.exec(path);
    if (nameless) return failure({ status: 0, message: `invalid ${nameless[1]} name or ID: value is empty` });
    const host = this.#host.value;
    const door = host.startsWith("unix://")
      ? this.#context.door(this.process, host.slice("unix://".length))
      : undefined;
    if (!door) return failure({ status: 0, message: unreachable(host) });
    const response = yield* door({
      method,
      path: path === "/_ping" ? path : `/v${this.#version}${path}`,
      query: queryOf(options.query ?? {}),
      headers: { "user-agent": `Docker-Client/${this.#context.clientVersion} (linux)`, ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body }),
    });
    if (response.status >= 400) {
      return failure({ status: response.status, message: `Error response from daemon: ${messageOf(response.body)}` });
    }
    return ok(response);
  }

  get(path: string, query?: Query): Task<Answer> {
    return this.call("GET", path, query ? { query } : {});
  }

  post(path: string, options: CallOptions = {}): Task<Answer> {
    return this.call("POST", path, options);
  }

  delete(path: string, query?: Query): Task<Answer> {
    return this.call("DELETE", path, query ? { query } : {});
  }

  /** GET, and the body as what it is known to be. */
  *fetch<T>(path: string, query?: Query): Task<Answer<T>> {
    const answer = yield* this.get(path, query);
    return answer.ok ? ok(answer.value.body as T) : answer;
  }
}

const unreachable = (host: string): string =>
  `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running?`;

function queryOf(query: Query): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    result[key] = Array.isArray(value)
      ? [...value]
      : [typeof value === "boolean" ? (value ? "1" : "0") : String(value)];
  }
  return result;
}

function messageOf(body: unknown): string {
  if (typeof body === "string") return decodeUtf8(body as Bytes).trim();
  return String((body as { readonly message?: string } | undefined)?.message ?? "");
}

/** `--filter key=value` into the API's `filters`. */
export function encodeFilters(filters: readonly string[]): Result<string | undefined, string> {
  if (filters.length === 0) return ok(undefined);
  const all: Record<string, Record<string, boolean>> = {};
  for (const filter of filters) {
    const at = filter.indexOf("=");
    if (at < 0)
      return failure(
        `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    const key = filter.slice(0, at).trim().toLowerCase();
    (all[key] ??= {})[filter.slice(at + 1).trim()] = true;
  }
  return ok(JSON.stringify(all));
}
