/**
 * What the outside (lib, app, tests) knows of a machine. `state = fold(start state, seed, input log, virtual clock)`:
 * the inputs below are the only ones there are.
 */
import type { ApiRequest, ApiResponse } from "../base/door";
import type { Bytes } from "../base/bytes";
import type { Cancel } from "../base/loop";
import type { JsonObject } from "../base/json";

/** Changes whenever the same log could give other bytes. A log names the version that made it. */
export const SIMULATOR_VERSION = 1;

/** What a world starts from. Plain data: lessons carry it, the log names it. */
export interface StartState {
  /** A scenario's name (see `scenarios`). */
  readonly scenario: string;
  readonly seed: number;
  /** Files laid on the laptop, by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Commands that are run in order, as root in the home folder, before the learner arrives. Their output is not shown. */
  readonly commands?: readonly string[];
}

/** Thrown by createMachine() when the start state needs a part that is not there: provide it and try again. */
export class MissingPart extends Error {
  constructor(readonly part: string) {
    super(`the start state needs the part "${part}", which has not been loaded`);
  }
}

/** One input. `at` is in whole ms of virtual time since the learner arrived; never smaller than the one before. */
export type LogEntry = { readonly at: number } & Input;

export type Input =
  | { readonly kind: "open"; readonly terminal: number; readonly columns: number; readonly rows: number }
  /** UTF-8 text typed or pasted. */
  | { readonly kind: "type"; readonly terminal: number; readonly text: string }
  | { readonly kind: "resize"; readonly terminal: number; readonly columns: number; readonly rows: number }
  | { readonly kind: "close"; readonly terminal: number }
  /** A file saved in the page's editor. */
  | { readonly kind: "save"; readonly path: string; readonly content: string }
  /** The page's editor was closed without saving. */
  | { readonly kind: "close-editor"; readonly path: string }
  | { readonly kind: "fault"; readonly name: string; readonly arguments?: JsonObject };

/** Everything needed to have the same world again. `end` is the virtual time reached, in ms since arrival. */
export interface MachineLog {
  readonly version: number;
  readonly start: StartState;
  readonly entries: readonly LogEntry[];
  readonly end: number;
}

export interface Machine {
  readonly start: StartState;
  /** Virtual ms since the learner arrived. */
  now(): number;
  /** The instant `now() === 0` stands for, ms since the Unix epoch. */
  readonly epoch: number;
  /** Runs everything due up to and including `until` (ms since arrival). False when `maxSteps` ran first. */
  runUntil(until: number, maxSteps?: number): boolean;
  /**
   * The part of the simulator's code that the world waits for (see simulator/parts): runUntil() stops there, and goes on
   * once it was provided. Inputs are applied only while this is undefined. Never set where all parts were provided.
   */
  readonly missing: string | undefined;
  /** When the next task is due, in ms since arrival; undefined when nothing ever will be. */
  nextAt(): number | undefined;
  /** Applies an input at `now()` and appends it to the log. */
  apply(input: Input): void;
  /**
   * Starts a command line in a fresh non-interactive bash on the laptop: start states, headless runs and tests. It is
   * no learner's input and is not in the log.
   */
  command(line: string, options?: CommandOptions): CommandRun;
  /** Terminal output, as it is produced. One listener. */
  onOutput(listener: (terminal: number, bytes: Bytes) => void): void;
  /** Whether a terminal's shell waits at its prompt for a line. */
  isAtPrompt(terminal: number): boolean;
  /** Told when a program asks for the page's editor (vi, nano, kubectl edit). Saved with a `save` input. */
  onEditor(listener: (request: { readonly path: string; readonly content: string }) => void): void;
  log(): MachineLog;
  /** Bugs of the simulator itself that programs ran into, with a stack each: for a report. Empty is right. */
  readonly faults: readonly string[];
  /** Loop tasks run so far: a replay's budget counts these. */
  readonly steps: number;
  /** A number that grows whenever observable state changes. */
  readonly revision: number;
  /** One hash over etcd, dockerd, files, processes and all output so far. */
  stateHash(): string;
  readonly observe: Observation;
  /**
   * The doors of the two servers, for adapters that serve them to real clients; like command(), not in the log. The API
   * server answers at once (or says in `failure` why nobody did); the engine answers when it is done, `undefined` when
   * no daemon listens. Streams go on as the machine runs.
   */
  kubernetes(request: OutsideKubernetesRequest): ApiResponse | NoAnswer;
  docker(request: ApiRequest, answer: (response: ApiResponse | undefined) => void): Cancel;
}

/** A request to the Kubernetes API and who makes it; a bearer token may also come in `headers.authorization`. */
export interface OutsideKubernetesRequest extends ApiRequest {
  readonly credentials?: {
    readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
    readonly token?: string;
    readonly impersonate?: { readonly user?: string; readonly groups?: readonly string[]; readonly uid?: string };
  };
}

/** Why no answer came, in the words of Go's net package. */
export interface NoAnswer {
  readonly failure: string;
}

export interface CommandOptions {
  /** Absent: root's home folder. */
  readonly cwd?: string;
  /** What standard input holds. Absent: nothing. */
  readonly stdin?: string;
  /** Runs on a terminal of this size; its stream is `stdout`. */
  readonly tty?: { readonly columns: number; readonly rows: number };
}

/** A command line under way. Run the machine until `exitCode` is there. */
export interface CommandRun {
  /** Bytes so far. */
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  /** Undefined while it runs. */
  readonly exitCode: number | undefined;
  /** Keys, where it runs on a terminal. */
  type(text: string): void;
}

/** What checks and panels may read: state and history, never the text of a command. */
export interface Observation {
  /** Any GET of the Kubernetes API as cluster-admin; undefined where this world has no cluster or it is down. */
  kubernetes(request: ApiRequest): ApiResponse | undefined;
  /** Any GET of the Docker Engine API that answers at once. */
  docker(request: ApiRequest): ApiResponse | undefined;
  /** API requests served so far (Kubernetes audit log), oldest first, bounded. */
  audit(): readonly AuditEntry[];
  /** Docker events so far, oldest first, bounded. */
  dockerEvents(): readonly JsonObject[];
  /** Requests the Docker engine has served since the learner arrived, oldest first, bounded. */
  dockerRequests(): readonly DockerRequest[];
  /** HTTP exchanges the laptop's programs have had, oldest first, bounded. */
  exchanges(): readonly HttpExchange[];
  /** Programs run on the laptop and, over ssh, on nodes: argv and exit code. For history checks that nothing else can tell. */
  programs(): readonly ProgramRun[];
  /** Lines entered at a prompt of the laptop or of a node it is logged in to, oldest first, bounded: for looking back, never for checks. */
  lines(): readonly LineRun[];
  readFile(path: string): string | undefined;
  /** A machine of the cluster; undefined where there is none of that name. */
  node(name: string): NodeView | undefined;
}

/** What stands on a node, outside of the API. */
export interface NodeView {
  readFile(path: string): string | undefined;
  /** The state of a systemd unit (`kubelet`, `etcd`): active, inactive, failed …; undefined where there is none of that name. */
  unit(name: string): string | undefined;
  /** How many Services' ports each of kube-proxy's modes serves in the node's kernel at this moment. */
  serviceRules(): Readonly<Record<"iptables" | "ipvs" | "nftables", number>>;
}

export interface AuditEntry {
  /** Virtual ms since arrival; negative for what happened before. */
  readonly at: number;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly code: number;
}

export interface DockerRequest {
  readonly at: number;
  readonly method: string;
  /** Without the version prefix. */
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly status: number;
}

export interface HttpExchange {
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly body: string;
}

export interface ProgramRun {
  readonly at: number;
  /** The name of the machine it ran on. */
  readonly host: string;
  readonly argv: readonly string[];
  readonly exitCode: number;
}

/** One line as a shell took it: history references expanded, an input method's detours gone. */
export interface LineRun {
  readonly at: number;
  /** The name of the machine whose shell it was. */
  readonly host: string;
  readonly text: string;
}
