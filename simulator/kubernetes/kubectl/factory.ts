/** What every command starts from: configuration, one client, discovery, the namespace. Made anew for each run of kubectl. */
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";
import { parseDuration } from "../../text/go-duration";
import type { Transport, TransportFailure } from "../apimachinery/transport";
import { Discovery } from "./discovery";
import { CommandFailure, ConnectionFailure, fail } from "./failure";
import {
  loadKubeconfig,
  resolveConfig,
  type ConfigOverrides,
  type Kubeconfig,
  type ResolvedConfig,
} from "./kubeconfig";
import { listenLocally, type LocalListener } from "./local-listener";
import { klog, RestClient } from "./rest";

/** What kubectl needs of the machine it runs on, beyond its process. */
/** What is said of a type of the API, under "", and of its members: `core.v1.Pod`. */
export type ApiTexts = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface KubectlHost {
  /** The meaning of kinds and fields; without it, explain shows names and types only. */
  readonly apiTexts?: (process: Process) => Task<ApiTexts>;
  /** The API server at an address from a kubeconfig, as this process reaches it. */
  readonly connect: (process: Process, server: string) => Transport | TransportFailure;
  /** A listening TCP port, for port-forward and proxy, where it is not one of the process's network namespace. */
  readonly listen?: (process: Process, address: string, port: number) => LocalListener | { readonly failure: string };
}

export class Factory {
  readonly process: Process;
  readonly host: KubectlHost;
  readonly overrides: ConfigOverrides;
  readonly verbosity: number;
  readonly #requestTimeoutMs: number;
  readonly #warningsAsErrors: boolean;
  #kubeconfig: Kubeconfig | undefined;
  #config: ResolvedConfig | undefined;
  #client: RestClient | undefined;
  #discovery: Discovery | undefined;

  constructor(process: Process, host: KubectlHost, flags: Readonly<Record<string, unknown>>) {
    this.process = process;
    this.host = host;
    const text = (name: string): string | undefined => (flags[name] as string | undefined) || undefined;
    this.overrides = {
      kubeconfig: text("kubeconfig"),
      context: text("context"),
      cluster: text("cluster"),
      user: text("user"),
      namespace: text("namespace"),
      server: text("server"),
      token: text("token"),
      impersonate: {
        user: text("as"),
        groups: flags["as-group"] as readonly string[] | undefined,
        uid: text("as-uid"),
      },
    };
    this.verbosity = Number(flags["v"] ?? 0);
    this.#requestTimeoutMs = timeoutMs(String(flags["request-timeout"] ?? "0"));
    this.#warningsAsErrors = flags["warnings-as-errors"] === true;
  }

  /** A listening TCP port; the failure is Go's ("bind: address already in use"). */
  listen(address: string, port: number): LocalListener | { readonly failure: string } {
    return (this.host.listen ?? listenLocally)(this.process, address, port);
  }

  get kubeconfig(): Kubeconfig {
    this.#kubeconfig ??= loadKubeconfig(this.process, this.overrides.kubeconfig);
    return this.#kubeconfig;
  }

  get config(): ResolvedConfig {
    if (this.overrides.context && !Object.hasOwn(this.kubeconfig.contexts, this.overrides.context)) {
      throw new CommandFailure(
        `Error in configuration: context was not found for specified context: ${this.overrides.context}`,
        { raw: true },
      );
    }
    this.#config ??= resolveConfig(this.process, this.kubeconfig, this.overrides);
    return this.#config;
  }

  get namespace(): string {
    return this.config.namespace;
  }

  get hasClient(): boolean {
    return this.#client !== undefined;
  }

  get client(): RestClient {
    const config = this.config;
    this.#client ??= new RestClient({
      process: this.process,
      server: config.server,
      credentials: config.credentials,
      verbosity: this.verbosity,
      requestTimeoutMs: this.#requestTimeoutMs,
      warningsAsErrors: this.#warningsAsErrors,
      connect: this.host.connect,
    });
    return this.#client;
  }

  /** The lines that -v prints before the first request. */
  *traceStart(): Task<void> {
    if (this.verbosity < 6) return;
    const path =
      this.overrides.kubeconfig ??
      this.process.env["KUBECONFIG"] ??
      `${this.process.env["HOME"] ?? "/root"}/.kube/config`;
    const lines = [
      `loader.go:407] Config loaded from file:  ${path}`,
      ...FEATURE_GATES.map(
        ([name, on]) => `envvar.go:195] "Feature gate default state" feature="${name}" enabled=${on}`,
      ),
      `cert_rotation.go:141] "Starting client certificate rotation controller" logger="tls-transport-cache"`,
    ];
    for (const line of lines) yield* this.process.printError(klog("I", this.process, line));
  }

  /**
   * Discovery. kubectl keeps it on disk and asks the server again only for words it does not know, so that a normal
   * command does not pay for it; here every process asks once, without traces and without time passing.
   */
  *discovery(): Task<Discovery> {
    if (this.#discovery) return this.#discovery;
    const config = this.config;
    const quiet = new RestClient({
      process: this.process,
      server: config.server,
      credentials: config.credentials,
      verbosity: 0,
      requestTimeoutMs: 0,
      warningsAsErrors: false,
      isCached: true,
      connect: this.host.connect,
    });
    try {
      this.#discovery = yield* Discovery.load(quiet);
    } catch (error) {
      if (error instanceof ConnectionFailure) yield* this.#discoveryFailed(error);
      throw error;
    }
    return this.#discovery;
  }

  /** client-go tries five times before the command gives up. */
  *#discoveryFailed(error: ConnectionFailure): Task<void> {
    if (!error.reason.includes("connection refused")) return;
    const reason = `couldn't get current server API group list: ${error.reason}`.replaceAll('"', '\\"');
    for (let i = 0; i < 5; i++) {
      yield* this.process.printError(klog("E", this.process, `memcache.go:265] "Unhandled Error" err="${reason}"`));
    }
  }
}

/** --request-timeout: whole seconds, or a duration. */
function timeoutMs(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  return fail(
    "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
  );
}

const FEATURE_GATES: readonly (readonly [string, boolean])[] = [
  ["AtomicFIFO", true],
  ["ClientsAllowCARotation", true],
  ["ClientsAllowCBOR", false],
  ["ClientsAllowTLSCacheGC", true],
  ["ClientsPreferCBOR", false],
  ["InOrderInformers", true],
  ["InOrderInformersBatchProcess", true],
  ["InformerResourceVersion", true],
  ["UnlockWhileProcessingFIFO", true],
  ["WatchListClient", true],
];
