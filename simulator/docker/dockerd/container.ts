/** One container as dockerd knows it: configuration, state, and who is attached to it. */
import type { Bytes } from "../../base/bytes";
import { type Deferred, Signal } from "../../base/task";
import type { ContainerLog } from "../../containerd/logs";
import type { Image } from "../../containerd/api";
import type { Container as RuntimeContainer, StartedProcess } from "../../containerd/tasks";
import type { Netns } from "../../net/netns";
import type { ContainerConfig, EndpointSettings, HostConfig } from "../api/types";

export const ZERO_TIME = undefined;

export interface HealthProbe {
  readonly start: number;
  readonly end: number;
  readonly exitCode: number;
  readonly output: string;
}

export interface Health {
  status: "starting" | "healthy" | "unhealthy";
  failingStreak: number;
  log: HealthProbe[];
}

/** A mount as it was resolved when the container was created. */
export interface MountPoint {
  readonly type: "bind" | "volume" | "tmpfs";
  readonly name: string | undefined;
  readonly source: string;
  readonly destination: string;
  readonly driver: string | undefined;
  /** As inspect shows it: "z", "ro", "" … */
  readonly mode: string;
  readonly rw: boolean;
  readonly propagation: string;
  /** A volume's first user fills it with what the image has there. */
  readonly copyUp: boolean;
  readonly sizeBytes?: number;
  /** Volumes made for this container alone go with `rm -v`. */
  readonly isAnonymous: boolean;
}

/** A container's place in one network. */
export interface Endpoint {
  readonly networkName: string;
  /** What the user asked for. */
  readonly request: EndpointSettings;
  /** Present while it is connected and the container runs. */
  live:
    | {
        readonly networkId: string;
        readonly endpointId: string;
        readonly address: string;
        readonly prefix: number;
        readonly gateway: string;
        readonly mac: string;
        readonly device: string;
      }
    | undefined;
}

export interface ExecRecord {
  readonly id: string;
  readonly container: DockerContainer;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly privileged: boolean;
  readonly detachKeys: string;
  started: StartedProcess | undefined;
  exitCode: number | undefined;
  running: boolean;
}

export interface Attachment {
  readonly stdout: ((bytes: Bytes) => void) | undefined;
  readonly stderr: ((bytes: Bytes) => void) | undefined;
  readonly ended: () => void;
}

export class DockerContainer {
  readonly id: string;
  /** Without the leading slash. */
  name: string;
  readonly created: number;
  readonly config: ContainerConfig;
  hostConfig: HostConfig;
  readonly image: Image;
  readonly path: string;
  readonly args: readonly string[];
  readonly runtime: RuntimeContainer;
  readonly log: ContainerLog;
  mounts: readonly MountPoint[] = [];
  /** By network name, in the order they were connected. */
  readonly endpoints = new Map<string, Endpoint>();
  /** The runtime's namespace; undefined while it does not run. */
  netns: Netns | undefined;
  sandboxId = "";

  running = false;
  /** Over when the start that is under way is. */
  starting: Deferred<undefined> | undefined;
  paused = false;
  restarting = false;
  removing = false;
  dead = false;
  /** It was started at least once: files under /var/lib/docker/containers exist. */
  wasStarted = false;
  oomKilled = false;
  exitCode = 0;
  error = "";
  startedAt: number | undefined;
  finishedAt: number | undefined;
  health: Health | undefined;
  restartCount = 0;
  manuallyStopped = false;
  /** The stop in progress sends events of its own. */
  stopping = false;
  /** Live port bindings: container port to what is published. */
  ports: ReadonlyMap<string, readonly { readonly HostIp: string; readonly HostPort: string }[]> = new Map();
  readonly attachments = new Set<Attachment>();
  readonly execs = new Map<string, ExecRecord>();
  /** Rings at every change of state. */
  readonly changed = new Signal();
  /** How often it has ended: waiters for the next exit compare it. */
  exits = 0;
  readonly cancelRestart: { current: (() => void) | undefined } = { current: undefined };
  readonly stopHealth: { current: (() => void) | undefined } = { current: undefined };

  constructor(options: {
    readonly id: string;
    readonly name: string;
    readonly created: number;
    readonly config: ContainerConfig;
    readonly hostConfig: HostConfig;
    readonly image: Image;
    readonly runtime: RuntimeContainer;
    readonly log: ContainerLog;
    readonly argv: readonly string[];
  }) {
    this.id = options.id;
    this.name = options.name;
    this.created = options.created;
    this.config = options.config;
    this.hostConfig = options.hostConfig;
    this.image = options.image;
    this.runtime = options.runtime;
    this.log = options.log;
    this.path = options.argv[0] ?? "";
    this.args = options.argv.slice(1);
  }

  /** The word that `docker ps` filters on and inspect shows. */
  get status(): "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead" {
    if (this.running) return this.paused ? "paused" : this.restarting ? "restarting" : "running";
    if (this.restarting) return "restarting";
    if (this.removing) return "removing";
    if (this.dead) return "dead";
    return this.startedAt === undefined ? "created" : "exited";
  }

  get networkMode(): string {
    const mode = this.hostConfig.NetworkMode ?? "default";
    return mode === "default" || mode === "" ? "bridge" : mode;
  }

  get shortId(): string {
    return this.id.slice(0, 12);
  }

  /** What events carry. */
  attributes(): Record<string, string> {
    return { ...(this.config.Labels ?? {}), image: this.config.Image ?? "", name: this.name };
  }

  output(stream: "stdout" | "stderr", bytes: Bytes): void {
    if (this.hostConfig.LogConfig?.Type !== "none") this.log.write(stream, bytes);
    for (const attachment of this.attachments) attachment[stream]?.(bytes);
  }
}
