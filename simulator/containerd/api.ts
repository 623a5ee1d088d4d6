/**
 * What the clients of containerd (dockerd, and the kubelet through cri.ts) know of it: the types of images, containers,
 * tasks and registries. `Containerd` in containerd.ts implements them; one per host.
 */
import type { Bytes } from "../base/bytes";
import type { Instant } from "../base/clock";
import type { JsonObject } from "../base/json";
import type { Cancel } from "../base/loop";
import type { Task } from "../base/task";
import type { Inode } from "../os/inode";
import type { NetworkNamespace, Process } from "../os/process";
import type { ExitStatus, SignalName } from "../os/signals";
import type { Tty } from "../os/tty";

// ---- images ------------------------------------------------------------------------------------------------------

/** `config` of an image, in the OCI image specification's own words. */
export interface ImageConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
  readonly Healthcheck?: HealthcheckConfig;
  readonly ArgsEscaped?: boolean;
}

/** Times are nanoseconds, as in Docker's API; 0 or absent means the default. */
export interface HealthcheckConfig {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  /** RFC 3339 */
  readonly created: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly author?: string;
  readonly empty_layer?: boolean;
}

/** One change of a layer to the tree below it. Nodes are shallow: a directory's entries are changes of their own. */
export type LayerChange =
  | { readonly path: string; readonly node: Inode }
  /** A whiteout: what was at `path` below is gone. */
  | { readonly path: string; readonly node: undefined };

export interface Layer {
  /** sha256:… of the uncompressed archive. */
  readonly diffId: string;
  /** sha256:… of the compressed blob, as registries and pull progress name it. */
  readonly digest: string;
  /** Uncompressed size, bytes. */
  readonly size: number;
  /** Size of the compressed blob, bytes: what a pull downloads. */
  readonly compressedSize: number;
  /** Sorted by path. */
  readonly changes: readonly LayerChange[];
}

/** An image: config, history and layers. Identified by the digest of its config. Immutable. */
export interface Image {
  /** sha256:… of the config: Docker's image id. */
  readonly id: string;
  /** sha256:… of the manifest: what `@sha256:` references and RepoDigests name. */
  readonly manifestDigest: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  /** RFC 3339 */
  readonly created: string;
  readonly author?: string;
  readonly config: ImageConfig;
  readonly history: readonly HistoryEntry[];
  readonly layers: readonly Layer[];
  /** Sum of the layers' sizes, bytes. */
  readonly size: number;
}

// ---- registries --------------------------------------------------------------------------------------------------

/** Why a registry does not give an image: what upstream's error words are made from. */
export type PullFailure =
  /** The repository is not there, or private: registries do not tell which. */
  | { readonly kind: "denied"; readonly message: string }
  /** The repository is there, the tag or digest is not. */
  | { readonly kind: "unknown-tag"; readonly message: string }
  /** No such host, connection refused, time-out. */
  | { readonly kind: "unreachable"; readonly message: string }
  /** The image is not built for this platform. */
  | { readonly kind: "no-platform"; readonly message: string }
  | { readonly kind: "invalid"; readonly message: string }
  /** 429 Too Many Requests */
  | { readonly kind: "rate-limited"; readonly message: string };

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Progress of one layer, as containerd's and Docker's pulls show it. */
export interface PullProgress {
  /** First 12 digits of the layer's digest. */
  readonly id: string;
  readonly status:
    | "Pulling fs layer"
    | "Waiting"
    | "Downloading"
    | "Verifying Checksum"
    | "Download complete"
    | "Extracting"
    | "Pull complete"
    | "Already exists";
  readonly current?: number;
  readonly total?: number;
}

export interface PullOptions {
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly credentials?: Credentials;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Called when the manifest is known, before the first layer. */
  readonly onResolved?: (image: Image) => void;
}

// ---- containers and tasks ----------------------------------------------------------------------------------------

export interface MountSpec {
  /** Absolute path in the container. */
  readonly destination: string;
  /** A path on the host, looked up when the container starts; or the tree itself. Not both. */
  readonly source?: string;
  readonly root?: Inode;
  readonly type: "bind" | "tmpfs" | "volume";
  readonly readOnly: boolean;
  /** What /proc/mounts shows as the source, where it is not `source`. */
  readonly label?: string;
  readonly options?: string;
}

export interface Resources {
  /** Bytes; absent or 0: no limit. */
  readonly memoryBytes?: number;
  /** CPUs: quota / period; absent: no limit. */
  readonly cpus?: number;
  readonly cpuShares?: number;
  readonly pidsMax?: number;
}

/** What a container runs and sees; the part of an OCI runtime spec that matters here. */
export interface ContainerSpec {
  readonly id: string;
  readonly image?: Image;
  readonly labels?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** `name`, `uid`, `name:group`, `uid:gid` or empty for root: looked up in the container's /etc/passwd. */
  readonly user: string;
  readonly hostname: string;
  readonly mounts: readonly MountSpec[];
  readonly net: NetworkNamespace;
  /** Shares the host's or another container's pid namespace. Absent: its own. */
  readonly pid?: "host" | { readonly container: string };
  /** Path of the parent control group under the host's root, e.g. `docker` or `kubepods/burstable/pod…`. */
  readonly cgroupParent: string;
  readonly resources: Resources;
  readonly readOnlyRootfs: boolean;
  readonly tty: boolean;
  /** Keeps stdin open for writers that come later. */
  readonly openStdin: boolean;
  /** Runs as PID 1 in front of the command and reaps zombies (docker run --init). */
  readonly init?: boolean;
  /** Soft and hard limits by name, e.g. nofile. */
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly privileged?: boolean;
}

export type TaskState = "created" | "running" | "paused" | "stopped";

/** Where a process's output goes and its input comes from. */
export interface IoSinks {
  stdout(bytes: Bytes): void;
  /** Never called where there is a terminal. */
  stderr(bytes: Bytes): void;
}

/** A started process: a container's first one, or one added by exec. */
export interface RuntimeProcess {
  readonly pid: number;
  readonly process: Process;
  readonly tty: Tty | undefined;
  readonly startedAt: Instant;
  /** Settled once the process has ended. */
  exitStatus(): ExitStatus | undefined;
  wait(): Task<ExitStatus>;
  writeStdin(bytes: Bytes): void;
  closeStdin(): void;
  resize(columns: number, rows: number): void;
}

export interface ExecSpec {
  readonly args: readonly string[];
  /** Added to the container's environment. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly io: IoSinks;
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** A path that a container's file system has and its image has not (or the other way round). */
export interface FileChange {
  readonly path: string;
  readonly kind: "A" | "C" | "D";
}

/** What a stats sample is made of. */
export interface ContainerMetrics {
  readonly cpuUsageMs: number;
  readonly throttledMs: number;
  readonly throttledPeriods: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly pids: number;
  readonly at: Instant;
}

/** Events of containerd itself, in the order they happened. */
export type RuntimeEvent =
  | { readonly topic: "/containers/create" | "/containers/delete"; readonly id: string }
  | { readonly topic: "/tasks/create" | "/tasks/start"; readonly id: string; readonly pid: number }
  | { readonly topic: "/tasks/oom" | "/tasks/paused" | "/tasks/resumed" | "/tasks/delete"; readonly id: string }
  | {
      readonly topic: "/tasks/exit";
      readonly id: string;
      readonly pid: number;
      readonly status: ExitStatus;
      readonly at: Instant;
    }
  | { readonly topic: "/images/create" | "/images/update" | "/images/delete"; readonly name: string };

export type RuntimeListener = (event: RuntimeEvent) => void;

/** A container could not be started: `message` is the OCI runtime's own, from "failed to create shim task" on. */
export class RuntimeFailure extends Error {
  override name = "RuntimeFailure";
  /** 127: not found, 126: found but not executable, 128: anything else. What a shell would say. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 128) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What clients call a container's record and its task. */
export interface RuntimeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly createdAt: Instant;
  readonly state: TaskState;
  readonly main: RuntimeProcess | undefined;
  readonly exitStatus: ExitStatus | undefined;
  readonly exitedAt: Instant | undefined;
  readonly oomKilled: boolean;
}

export type { Cancel, ExitStatus, JsonObject, SignalName };
