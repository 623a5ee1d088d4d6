/**
 * The Container Runtime Interface (cri-api, runtime/v1): what the kubelet calls. Field names are the protocol's in its
 * JSON form. Calls that may take time are Tasks; a failure is a thrown CriError, as it is a gRPC status upstream.
 */
import type { Bytes } from "../base/bytes";
import type { Instant } from "../base/clock";
import type { Cancel } from "../base/loop";
import type { Task } from "../base/task";
import type { Inode } from "../os/inode";
import type { NetworkNamespace } from "../os/process";
import type { ContainerLog } from "./logs";

export type CriCode =
  | "Unknown"
  | "NotFound"
  | "AlreadyExists"
  | "InvalidArgument"
  | "DeadlineExceeded"
  | "FailedPrecondition"
  | "Unavailable";

/** A gRPC status. The kubelet prints `rpc error: code = <code> desc = <description>`. */
export class CriError extends Error {
  override name = "CriError";
  readonly code: CriCode;
  readonly description: string;

  constructor(code: CriCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.code = code;
    this.description = description;
  }
}

// ---- pod sandboxes -----------------------------------------------------------------------------------------------

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export type PortProtocol = "TCP" | "UDP" | "SCTP";

export interface PortMapping {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname: string;
  /** `/var/log/pods/NAMESPACE_NAME_UID` */
  readonly logDirectory: string;
  /** Absent: the host's resolv.conf. */
  readonly dnsConfig?: DnsConfig;
  readonly portMappings?: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux?: {
    /** e.g. `kubepods/burstable/podUID` */
    readonly cgroupParent?: string;
    /** The pod's level limits, set on its control group. */
    readonly resources?: LinuxContainerResources;
    /** "NODE": the host's network. */
    readonly network?: "POD" | "NODE";
    /** "POD": the containers share one pid namespace. */
    readonly pid?: "CONTAINER" | "POD" | "NODE";
  };
}

export type PodSandboxState = "SANDBOX_READY" | "SANDBOX_NOTREADY";

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  readonly createdAt: Instant;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface PodSandboxStatus extends PodSandbox {
  /** Absent with the host's network, or while there is none. */
  readonly ip: string | undefined;
  readonly network: NetworkNamespace;
}

export interface PodSandboxFilter {
  readonly id?: string;
  readonly state?: PodSandboxState;
  readonly labelSelector?: Readonly<Record<string, string>>;
}

// ---- containers --------------------------------------------------------------------------------------------------

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface Mount {
  readonly containerPath: string;
  /** A path in the node's file system. For tests and in-memory volumes the tree itself may be given instead. */
  readonly hostPath?: string;
  readonly root?: Inode;
  readonly readonly: boolean;
}

export interface LinuxContainerResources {
  /** µs; 0 or absent: 100 ms. */
  readonly cpuPeriod?: number;
  /** µs for each period; 0 or absent: no limit. */
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  /** 0 or absent: no limit. */
  readonly memoryLimitInBytes?: number;
  readonly pidsMax?: number;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  /** A name, or the id that PullImage or ImageStatus answered. */
  readonly image: string;
  /** The image as the user wrote it. */
  readonly userSpecifiedImage?: string;
  /** Replaces the image's Entrypoint when not empty. */
  readonly command: readonly string[];
  /** Replaces the image's Cmd when not empty. */
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly { readonly key: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Under the sandbox's logDirectory: `NAME/ATTEMPT.log` */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux?: {
    readonly resources?: LinuxContainerResources;
    readonly securityContext?: {
      readonly privileged?: boolean;
      readonly runAsUser?: number;
      readonly runAsGroup?: number;
      readonly runAsUsername?: string;
      readonly readonlyRootfs?: boolean;
    };
  };
}

export type ContainerState = "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED" | "CONTAINER_UNKNOWN";

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  /** As the user wrote it. */
  readonly image: string;
  /** The image's id, `sha256:…`. */
  readonly imageRef: string;
  readonly state: ContainerState;
  readonly createdAt: Instant;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerStatus extends Container {
  /** 0 before it has happened. */
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly exitCode: number;
  /** Set where a signal ended it: 9 for KILL. */
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerCannotRun` … */
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  /** `docker.io/library/nginx@sha256:…` of the image where it is known: what a Pod's status calls imageID. */
  readonly imageId: string;
  readonly resources: LinuxContainerResources;
  /** The user the first process runs as. */
  readonly user:
    | { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
    | undefined;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly podSandboxId?: string;
  readonly state?: ContainerState;
  readonly labelSelector?: Readonly<Record<string, string>>;
}

export interface ExecSyncResponse {
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly exitCode: number;
}

export interface StreamIo {
  stdout(bytes: Bytes): void;
  stderr(bytes: Bytes): void;
}

/** A running exec or attach session. */
export interface StreamSession {
  /** Settles with the exit code of an exec, or when an attached container ends. */
  wait(): Task<number>;
  stdin(bytes: Bytes): void;
  closeStdin(): void;
  resize(columns: number, rows: number): void;
  /** The client hangs up: the process goes on (upstream leaves it running too). */
  detach(): void;
}

export interface ContainerStats {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamp: Instant;
  /** Nanoseconds of CPU time used since the start. */
  readonly usageCoreNanoSeconds: number;
  /** Nanoseconds of CPU per second, over the last interval. */
  readonly usageNanoCores: number;
  readonly workingSetBytes: number;
  readonly writableLayerBytes: number;
}

/** Pushed when a container or sandbox changes state (evented PLEG). */
export interface ContainerEvent {
  readonly containerId: string;
  readonly type:
    | "CONTAINER_CREATED_EVENT"
    | "CONTAINER_STARTED_EVENT"
    | "CONTAINER_STOPPED_EVENT"
    | "CONTAINER_DELETED_EVENT";
  readonly createdAt: Instant;
  readonly podSandboxId: string;
}

export interface RuntimeVersion {
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface RuntimeService {
  version(): RuntimeVersion;
  status(): { readonly runtimeReady: boolean; readonly networkReady: boolean; readonly networkMessage: string };

  /** Makes and starts a sandbox: network namespace, addresses, pause container. Answers its id. */
  runPodSandbox(config: PodSandboxConfig): Task<string>;
  /** Kills what runs in it and takes its network away. Harmless when it is stopped or gone. */
  stopPodSandbox(podSandboxId: string): Task<void>;
  removePodSandbox(podSandboxId: string): Task<void>;
  podSandboxStatus(podSandboxId: string): PodSandboxStatus;
  listPodSandbox(filter?: PodSandboxFilter): readonly PodSandbox[];

  createContainer(podSandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig): Task<string>;
  startContainer(containerId: string): Task<void>;
  /** Its stop signal, then KILL after `timeout` seconds. Ends when the container has. Harmless when it has stopped. */
  stopContainer(containerId: string, timeout: number): Task<void>;
  removeContainer(containerId: string): Task<void>;
  listContainers(filter?: ContainerFilter): readonly Container[];
  containerStatus(containerId: string): ContainerStatus;
  updateContainerResources(containerId: string, resources: LinuxContainerResources): void;

  /** Runs a command to its end. Past `timeout` seconds (0: none) it is killed and DeadlineExceeded thrown. */
  execSync(containerId: string, cmd: readonly string[], timeout: number): Task<ExecSyncResponse>;
  exec(
    containerId: string,
    options: { readonly cmd: readonly string[]; readonly tty: boolean; readonly stdin: boolean; readonly io: StreamIo },
  ): Task<StreamSession>;
  attach(containerId: string, options: { readonly stdin: boolean; readonly io: StreamIo }): StreamSession;
  /** The network namespace in which a forwarded port is dialled (127.0.0.1 there). */
  portForwardNetwork(podSandboxId: string): NetworkNamespace;
  /** The log of a container that was created; undefined once it is removed. */
  containerLog(containerId: string): ContainerLog | undefined;

  containerStats(containerId: string): ContainerStats;
  listContainerStats(filter?: ContainerFilter): readonly ContainerStats[];
  getContainerEvents(listener: (event: ContainerEvent) => void): Cancel;
}

export interface CriImage {
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly size: number;
  readonly username: string;
  readonly uid: number | undefined;
}

export interface AuthConfig {
  readonly username: string;
  readonly password: string;
}

export interface ImageService {
  listImages(): readonly CriImage[];
  imageStatus(image: string): CriImage | undefined;
  /** Answers the image's id. Throws NotFound, Unknown … with upstream's description. */
  pullImage(image: string, auth?: AuthConfig): Task<string>;
  removeImage(image: string): void;
  imageFsInfo(): { readonly usedBytes: number; readonly inodesUsed: number };
}

/** What gives a sandbox its network: a CNI plugin, handed in by whoever joins the parts. */
export interface CniPlugin {
  /** Answers the addresses. Throws an Error whose message is the plugin's. */
  add(
    sandboxId: string,
    config: PodSandboxConfig,
    network: NetworkNamespace,
  ): Task<{ readonly ips: readonly string[] }>;
  del(sandboxId: string, network: NetworkNamespace): void;
}
