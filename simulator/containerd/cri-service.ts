/** containerd's CRI plugin: pod sandboxes, their containers and images, as the kubelet asks for them. */
import type { Bytes } from "../base/bytes";
import { NO_BYTES } from "../base/bytes";
import { encodeUtf8 } from "../base/bytes";
import type { Cancel } from "../base/loop";
import type { Random } from "../base/random";
import { Deferred, type Task, firstOf, suspend } from "../base/task";
import { FileInode } from "../os/inode";
import type { NetworkNamespace } from "../os/process";
import { type ExitStatus, parseSignal, signalNumber } from "../os/signals";
import { type Image, type MountSpec, RuntimeFailure } from "./api";
import type { Containerd } from "./containerd";
import type * as cri from "./cri";
import { CriError } from "./cri";
import { findImage } from "./cri-images";
import { ContainerLog } from "./logs";
import { writtenBytes } from "./layers";
import type { Container, StartedProcess } from "./tasks";

export interface CriOptions {
  readonly containerd: Containerd;
  readonly random: Random;
  readonly cni: cri.CniPlugin;
  /** A network namespace for a sandbox, not yet connected to anything. */
  readonly makeNetwork: (name: string) => NetworkNamespace;
  readonly hostNetwork: NetworkNamespace;
  /** The image of pod infrastructure containers; imported when it is missing. */
  readonly pauseImage: Image;
}

interface Sandbox {
  readonly id: string;
  readonly config: cri.PodSandboxConfig;
  readonly createdAt: number;
  readonly network: NetworkNamespace;
  readonly isHostNetwork: boolean;
  state: cri.PodSandboxState;
  ip: string | undefined;
  readonly files: readonly MountSpec[];
}

interface Record_ {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: cri.ContainerConfig;
  readonly image: Image;
  readonly log: ContainerLog;
  readonly container: Container;
  readonly createdAt: number;
  startedAt: number;
  finishedAt: number;
  exit: ExitStatus | undefined;
  startError: { readonly reason: string; readonly message: string; readonly code: number } | undefined;
  resources: cri.LinuxContainerResources;
  attached: Set<cri.StreamIo>;
  /** For usageNanoCores. */
  sample: { readonly at: number; readonly cpuMs: number } | undefined;
}

const MANAGED = { "io.cri-containerd": "container" };

/** The runtime half of CRI. The image half is in cri-images.ts. */
export class CriRuntime implements cri.RuntimeService {
  readonly #options: CriOptions;
  readonly #containerd: Containerd;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Record_>();
  readonly #listeners = new Set<(event: cri.ContainerEvent) => void>();

  constructor(options: CriOptions) {
    this.#options = options;
    this.#containerd = options.containerd;
    this.#containerd.importImage(options.pauseImage);
    this.#containerd.subscribe((event) => {
      if (event.topic === "/tasks/exit") this.#exited(event.id, event.status);
    });
  }

  get #now(): number {
    return this.#containerd.loop.now();
  }

  version(): cri.RuntimeVersion {
    return { version: "0.1.0", runtimeName: "containerd", runtimeVersion: "2.1.9+unknown", runtimeApiVersion: "v1" };
  }

  status() {
    return { runtimeReady: true, networkReady: true, networkMessage: "" };
  }

  // ---- sandboxes ---------------------------------------------------------------------------------------------------

  *runPodSandbox(config: cri.PodSandboxConfig): Task<string> {
    const id = this.#options.random.hex(64);
    const isHostNetwork = config.linux?.network === "NODE";
    const network = isHostNetwork ? this.#options.hostNetwork : this.#options.makeNetwork(`cni-${id.slice(0, 12)}`);
    let ip: string | undefined;
    if (!isHostNetwork) {
      try {
        ip = (yield* this.#options.cni.add(id, config, network)).ips[0];
      } catch (error) {
        throw new CriError(
          "Unknown",
          `failed to create pod network sandbox: plugin type="bridge" failed (add): ${(error as Error).message}`,
        );
      }
    }
    const sandbox: Sandbox = {
      id,
      config,
      createdAt: this.#now,
      network,
      isHostNetwork,
      state: "SANDBOX_READY",
      ip,
      files: sandboxFiles(config, isHostNetwork, this.#containerd),
    };
    const group = this.#containerd.cgroup(config.linux?.cgroupParent ?? "kubepods");
    const podResources = config.linux?.resources;
    if (podResources) group.limits = cgroupLimits(podResources);
    const { pauseImage } = this.#options;
    this.#containerd.create({
      id,
      image: pauseImage,
      args: [...(pauseImage.config.Entrypoint ?? []), ...(pauseImage.config.Cmd ?? [])],
      env: pauseImage.config.Env ?? [],
      cwd: "/",
      user: pauseImage.config.User ?? "",
      hostname: config.hostname,
      mounts: [],
      net: network,
      cgroupParent: config.linux?.cgroupParent ?? "kubepods",
      resources: {},
      readOnlyRootfs: true,
      tty: false,
      openStdin: false,
      labels: { "io.cri-containerd": "sandbox" },
    });
    this.#containerd.start(id, { stdout: () => {}, stderr: () => {} });
    this.#sandboxes.set(id, sandbox);
    this.#emit(id, "CONTAINER_CREATED_EVENT", id);
    this.#emit(id, "CONTAINER_STARTED_EVENT", id);
    return id;
  }

  *stopPodSandbox(podSandboxId: string): Task<void> {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (!sandbox) return;
    for (const record of this.#containers.values())
      if (record.sandbox === sandbox && record.container.running) yield* this.#stop(record, 0);
    const pause = this.#containerd.container(podSandboxId);
    if (pause?.running) {
      pause.signal("KILL");
      yield* pause.main!.wait();
    }
    if (sandbox.state === "SANDBOX_READY") {
      sandbox.state = "SANDBOX_NOTREADY";
      if (!sandbox.isHostNetwork) this.#options.cni.del(podSandboxId, sandbox.network);
      this.#emit(podSandboxId, "CONTAINER_STOPPED_EVENT", podSandboxId);
    }
  }

  *removePodSandbox(podSandboxId: string): Task<void> {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (!sandbox) return;
    yield* this.stopPodSandbox(podSandboxId);
    for (const record of [...this.#containers.values()])
      if (record.sandbox === sandbox) yield* this.removeContainer(record.id);
    this.#containerd.delete(podSandboxId);
    this.#sandboxes.delete(podSandboxId);
    const path = sandbox.config.linux?.cgroupParent;
    if (path) this.#containerd.cgroup(path).remove();
    this.#emit(podSandboxId, "CONTAINER_DELETED_EVENT", podSandboxId);
  }

  podSandboxStatus(podSandboxId: string): cri.PodSandboxStatus {
    const sandbox = this.#sandbox(podSandboxId);
    const { config } = sandbox;
    return {
      id: sandbox.id,
      metadata: config.metadata,
      state: sandbox.state,
      createdAt: sandbox.createdAt,
      labels: config.labels,
      annotations: config.annotations,
      ip: sandbox.isHostNetwork ? undefined : sandbox.ip,
      network: sandbox.network,
    };
  }

  listPodSandbox(filter: cri.PodSandboxFilter = {}): readonly cri.PodSandbox[] {
    return [...this.#sandboxes.values()]
      .filter(
        (sandbox) =>
          (filter.id === undefined || sandbox.id.startsWith(filter.id)) &&
          (filter.state === undefined || sandbox.state === filter.state) &&
          matches(sandbox.config.labels, filter.labelSelector),
      )
      .map(summary);
  }

  // ---- containers --------------------------------------------------------------------------------------------------

  *createContainer(
    podSandboxId: string,
    config: cri.ContainerConfig,
    _sandboxConfig: cri.PodSandboxConfig,
  ): Task<string> {
    const sandbox = this.#sandbox(podSandboxId);
    const image = findImage(this.#containerd, config.image);
    if (!image) throw new CriError("NotFound", `failed to resolve image ${JSON.stringify(config.image)}: not found`);
    const id = this.#options.random.hex(64);
    const args = processArgs(config, image);
    if (args.length === 0) throw new CriError("Unknown", "failed to generate container spec: no command specified");
    const security = config.linux?.securityContext;
    const settings = new Map<string, string>();
    for (const entry of image.config.Env ?? [PATH]) settings.set(entry.slice(0, entry.indexOf("=")), entry);
    settings.set("HOSTNAME", `HOSTNAME=${sandbox.config.hostname}`);
    for (const { key, value } of config.envs) settings.set(key, `${key}=${value}`);
    if (config.tty) settings.set("TERM", "TERM=xterm");
    const mounts: MountSpec[] = sandbox.files.filter(
      (file) => !config.mounts.some((mount) => mount.containerPath === file.destination),
    );
    for (const mount of config.mounts)
      mounts.push({
        destination: mount.containerPath,
        ...(mount.root ? { root: mount.root } : { source: mount.hostPath ?? "/" }),
        ...(mount.hostPath === undefined ? {} : { label: mount.hostPath }),
        type: "bind",
        readOnly: mount.readonly,
      });
    const user =
      security?.runAsUser !== undefined
        ? `${security.runAsUser}${security.runAsGroup === undefined ? "" : `:${security.runAsGroup}`}`
        : (security?.runAsUsername ?? image.config.User ?? "");
    const container = this.#containerd.create({
      id,
      image,
      args,
      env: [...settings.values()],
      cwd: config.workingDir || image.config.WorkingDir || "/",
      user,
      hostname: sandbox.config.hostname,
      mounts,
      net: sandbox.network,
      ...(sandbox.config.linux?.pid === "POD" ? { pid: { container: sandbox.id } } : {}),
      ...(sandbox.config.linux?.pid === "NODE" ? { pid: "host" as const } : {}),
      cgroupParent: sandbox.config.linux?.cgroupParent ?? "kubepods",
      resources: fromCri(config.linux?.resources ?? {}),
      readOnlyRootfs: security?.readonlyRootfs ?? false,
      tty: config.tty,
      openStdin: config.stdin,
      labels: MANAGED,
      ...(security?.privileged ? { privileged: true } : {}),
    });
    this.#containers.set(id, {
      id,
      sandbox,
      config,
      image,
      container,
      log: new ContainerLog(this.#containerd.loop, CRI_LOG_BYTES),
      createdAt: this.#now,
      startedAt: 0,
      finishedAt: 0,
      exit: undefined,
      startError: undefined,
      resources: config.linux?.resources ?? {},
      attached: new Set(),
      sample: undefined,
    });
    this.#emit(id, "CONTAINER_CREATED_EVENT", podSandboxId);
    return id;
  }

  *startContainer(containerId: string): Task<void> {
    const record = this.#container(containerId);
    if (record.container.state !== "created")
      throw new CriError(
        "Unknown",
        `failed to start container ${JSON.stringify(containerId)}: container is in ${stateOf(record)} state`,
      );
    const { log, attached } = record;
    log.open();
    try {
      this.#containerd.start(containerId, {
        stdout: (bytes) => {
          log.write("stdout", bytes);
          for (const io of attached) io.stdout(bytes);
        },
        stderr: (bytes) => {
          log.write("stderr", bytes);
          for (const io of attached) io.stderr(bytes);
        },
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      log.close();
      const message = `failed to create containerd task: ${error.message.replace("error during container init: ", "")}`;
      record.startError = {
        reason: "StartError",
        message,
        code: error instanceof RuntimeFailure ? 128 : 128,
      };
      record.finishedAt = this.#now;
      this.#emit(containerId, "CONTAINER_STOPPED_EVENT", record.sandbox.id);
      throw new CriError("Unknown", message);
    }
    record.startedAt = this.#now;
    this.#emit(containerId, "CONTAINER_STARTED_EVENT", record.sandbox.id);
  }

  *stopContainer(containerId: string, timeout: number): Task<void> {
    const record = this.#containers.get(containerId);
    if (!record?.container.running) return;
    yield* this.#stop(record, timeout);
  }

  *#stop(record: Record_, timeout: number): Task<void> {
    const { container } = record;
    const main = container.main;
    if (!main || !container.running) return;
    if (timeout > 0) {
      container.signal(parseSignal(record.image.config.StopSignal ?? "TERM") ?? "TERM");
      const loop = this.#containerd.loop;
      yield* suspend(
        firstOf([main.process.ended.wait as never, (resume) => loop.after(timeout * 1000, () => resume(undefined))]),
      );
    }
    if (main.process.alive) container.signal("KILL");
    if (main.process.alive) yield* main.wait();
  }

  *removeContainer(containerId: string): Task<void> {
    const record = this.#containers.get(containerId);
    if (!record) return;
    if (record.container.running) yield* this.#stop(record, 0);
    this.#containers.delete(containerId);
    this.#containerd.delete(containerId);
    record.log.clear();
    this.#emit(containerId, "CONTAINER_DELETED_EVENT", record.sandbox.id);
  }

  listContainers(filter: cri.ContainerFilter = {}): readonly cri.Container[] {
    return this.#list(filter).map((record) => this.#summary(record));
  }

  #list(filter: cri.ContainerFilter): Record_[] {
    const whole = filter.id === undefined ? undefined : this.#containers.get(filter.id);
    if (whole && filter.podSandboxId === undefined && filter.state === undefined && !filter.labelSelector)
      return [whole];
    return [...this.#containers.values()].filter(
      (record) =>
        (filter.id === undefined || record.id.startsWith(filter.id)) &&
        (filter.podSandboxId === undefined || record.sandbox.id === filter.podSandboxId) &&
        (filter.state === undefined || stateOf(record) === filter.state) &&
        matches(record.config.labels, filter.labelSelector),
    );
  }

  #summary(record: Record_): cri.Container {
    return {
      id: record.id,
      podSandboxId: record.sandbox.id,
      metadata: record.config.metadata,
      image: record.config.userSpecifiedImage ?? record.config.image,
      imageRef: record.image.id,
      state: stateOf(record),
      createdAt: record.createdAt,
      labels: record.config.labels,
      annotations: record.config.annotations,
    };
  }

  containerStatus(containerId: string): cri.ContainerStatus {
    const record = this.#container(containerId);
    const { exit, startError } = record;
    const digest = this.#containerd.images.namesOf(record.image.id).find((name) => name.includes("@"));
    const context = record.container.main?.process.context;
    const reason = startError
      ? startError.reason
      : exit
        ? record.container.oomKilled
          ? "OOMKilled"
          : exit.code === 0
            ? "Completed"
            : "Error"
        : "";
    const { config } = record;
    const signal = exit?.signal ? { signal: signalNumber(exit.signal) } : undefined;
    return {
      id: record.id,
      podSandboxId: record.sandbox.id,
      metadata: config.metadata,
      image: config.userSpecifiedImage ?? config.image,
      imageRef: record.image.id,
      state: stateOf(record),
      createdAt: record.createdAt,
      labels: config.labels,
      annotations: config.annotations,
      startedAt: record.startedAt,
      finishedAt: record.finishedAt,
      exitCode: startError?.code ?? exit?.code ?? 0,
      ...signal,
      reason,
      message: startError?.message ?? "",
      logPath: `${record.sandbox.config.logDirectory}/${record.config.logPath}`,
      imageId: digest ?? record.image.id,
      resources: record.resources,
      user: context ? { uid: context.uid, gid: context.gid, supplementalGroups: [context.gid] } : undefined,
    };
  }

  updateContainerResources(containerId: string, resources: cri.LinuxContainerResources): void {
    const record = this.#container(containerId);
    record.resources = { ...record.resources, ...resources };
    record.container.update(fromCri(record.resources));
  }

  // ---- streams -----------------------------------------------------------------------------------------------------

  *execSync(containerId: string, cmd: readonly string[], timeout: number): Task<cri.ExecSyncResponse> {
    const record = this.#running(containerId);
    let stdout: string = NO_BYTES;
    let stderr: string = NO_BYTES;
    const started = this.#exec(record, cmd, false, false, {
      stdout: (bytes) => (stdout += bytes),
      stderr: (bytes) => (stderr += bytes),
    });
    if (timeout > 0) {
      const loop = this.#containerd.loop;
      yield* suspend(
        firstOf([started.process.ended.wait as never, (resume) => loop.after(timeout * 1000, () => resume(undefined))]),
      );
      if (started.process.alive) {
        started.process.signal("KILL", { fromOutside: true });
        throw new CriError(
          "DeadlineExceeded",
          `failed to exec in container: timeout ${timeout}s exceeded: context deadline exceeded`,
        );
      }
    }
    const status = yield* started.wait();
    return { stdout: stdout as Bytes, stderr: stderr as Bytes, exitCode: status.code };
  }

  *exec(
    containerId: string,
    options: {
      readonly cmd: readonly string[];
      readonly tty: boolean;
      readonly stdin: boolean;
      readonly io: cri.StreamIo;
    },
  ): Task<cri.StreamSession> {
    const record = this.#running(containerId);
    const started = this.#exec(record, options.cmd, options.tty, options.stdin, options.io);
    return session(started, function* () {
      return (yield* started.wait()).code;
    });
  }

  #exec(record: Record_, cmd: readonly string[], tty: boolean, stdin: boolean, io: cri.StreamIo): StartedProcess {
    try {
      return record.container.exec({ args: cmd, tty, stdin, io });
    } catch (error) {
      if (!(error instanceof RuntimeFailure)) throw error;
      const execId = this.#options.random.hex(64);
      throw new CriError(
        "Unknown",
        `failed to exec in container: failed to start exec ${JSON.stringify(execId)}: ${error.message}`,
      );
    }
  }

  attach(containerId: string, options: { readonly stdin: boolean; readonly io: cri.StreamIo }): cri.StreamSession {
    const record = this.#running(containerId);
    const main = record.container.main!;
    record.attached.add(options.io);
    return {
      ...session(main, function* () {
        return (yield* main.wait()).code;
      }),
      detach: () => record.attached.delete(options.io),
    };
  }

  portForwardNetwork(podSandboxId: string): NetworkNamespace {
    return this.#sandbox(podSandboxId).network;
  }

  containerLog(containerId: string): ContainerLog | undefined {
    return this.#containers.get(containerId)?.log;
  }

  // ---- statistics and events -----------------------------------------------------------------------------------------

  containerStats(containerId: string): cri.ContainerStats {
    return this.#stats(this.#container(containerId));
  }

  listContainerStats(filter: cri.ContainerFilter = {}): readonly cri.ContainerStats[] {
    return this.#list({ ...filter, state: "CONTAINER_RUNNING" }).map((record) => this.#stats(record));
  }

  #stats(record: Record_): cri.ContainerStats {
    const metrics = record.container.metrics();
    const at = this.#now;
    const cpuMs = metrics?.cpuUsageMs ?? 0;
    const before = record.sample ?? { at: record.startedAt, cpuMs: 0 };
    const elapsed = at - before.at;
    if (!record.sample || elapsed >= 1000) record.sample = { at, cpuMs };
    return {
      id: record.id,
      metadata: record.config.metadata,
      labels: record.config.labels,
      timestamp: at,
      usageCoreNanoSeconds: Math.round(cpuMs * 1e6),
      usageNanoCores: elapsed > 0 ? Math.round(((cpuMs - before.cpuMs) / elapsed) * 1e9) : 0,
      workingSetBytes: metrics?.memoryBytes ?? 0,
      writableLayerBytes: writtenBytes(record.container.root),
    };
  }

  getContainerEvents(listener: (event: cri.ContainerEvent) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #emit(containerId: string, type: cri.ContainerEvent["type"], podSandboxId: string): void {
    const event = { containerId, type, createdAt: this.#now, podSandboxId };
    for (const listener of [...this.#listeners]) listener(event);
  }

  #exited(id: string, status: ExitStatus): void {
    const record = this.#containers.get(id);
    if (record) {
      record.exit = status;
      record.finishedAt = this.#now;
      record.log.close();
      this.#emit(id, "CONTAINER_STOPPED_EVENT", record.sandbox.id);
      return;
    }
    const sandbox = this.#sandboxes.get(id);
    if (sandbox?.state === "SANDBOX_READY") {
      sandbox.state = "SANDBOX_NOTREADY";
      if (!sandbox.isHostNetwork) this.#options.cni.del(id, sandbox.network);
      this.#emit(id, "CONTAINER_STOPPED_EVENT", id);
    }
  }

  // ---- lookups -----------------------------------------------------------------------------------------------------

  #sandbox(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new CriError("NotFound", `an error occurred when try to find sandbox: not found`);
    return sandbox;
  }

  #container(id: string): Record_ {
    const record = this.#containers.get(id);
    if (!record)
      throw new CriError("NotFound", `an error occurred when try to find container ${JSON.stringify(id)}: not found`);
    return record;
  }

  #running(id: string): Record_ {
    const record = this.#container(id);
    if (!record.container.running)
      throw new CriError("Unknown", `failed to exec in container: container is in ${stateOf(record)} state`);
    return record;
  }
}

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** The kubelet rotates container logs at 10 MiB. */
const CRI_LOG_BYTES = 10 * 1024 * 1024;

function session(started: StartedProcess, wait: () => Task<number>): cri.StreamSession {
  const over = new Deferred<number>();
  return {
    *wait() {
      const known = over.peek();
      if (known !== undefined) return known;
      const code = yield* wait();
      over.resolve(code);
      return code;
    },
    stdin: (bytes) => started.writeStdin(bytes),
    closeStdin: () => started.closeStdin(),
    resize: (columns, rows) => started.resize(columns, rows),
    detach: () => {},
  };
}

function stateOf(record: Record_): cri.ContainerState {
  if (record.startError || record.container.state === "stopped") return "CONTAINER_EXITED";
  return record.container.state === "created" ? "CONTAINER_CREATED" : "CONTAINER_RUNNING";
}

const summary = (sandbox: Sandbox): cri.PodSandbox => ({
  id: sandbox.id,
  metadata: sandbox.config.metadata,
  state: sandbox.state,
  createdAt: sandbox.createdAt,
  labels: sandbox.config.labels,
  annotations: sandbox.config.annotations,
});

function matches(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>> | undefined,
): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}

/** command replaces the image's Entrypoint (and its Cmd with it), args replace Cmd. */
function processArgs(config: cri.ContainerConfig, image: Image): string[] {
  let command = [...config.command];
  let args = [...config.args];
  if (command.length === 0) {
    if (args.length === 0) args = [...(image.config.Cmd ?? [])];
    command = [...(image.config.Entrypoint ?? [])];
  }
  return [...command, ...args];
}

const fromCri = (resources: cri.LinuxContainerResources) => ({
  ...(resources.memoryLimitInBytes ? { memoryBytes: resources.memoryLimitInBytes } : {}),
  ...(resources.cpuQuota && resources.cpuQuota > 0
    ? { cpus: resources.cpuQuota / (resources.cpuPeriod || 100_000) }
    : {}),
  ...(resources.cpuShares ? { cpuShares: resources.cpuShares } : {}),
  ...(resources.pidsMax ? { pidsMax: resources.pidsMax } : {}),
});

const cgroupLimits = (resources: cri.LinuxContainerResources) => {
  const { memoryBytes, cpus, cpuShares, pidsMax } = {
    memoryBytes: undefined,
    cpus: undefined,
    cpuShares: undefined,
    pidsMax: undefined,
    ...fromCri(resources),
  };
  return { memoryMax: memoryBytes, cpuMax: cpus, cpuShares, pidsMax };
};

/** resolv.conf and hostname are the sandbox's, shared by its containers; /etc/hosts comes from the kubelet. */
function sandboxFiles(config: cri.PodSandboxConfig, isHostNetwork: boolean, containerd: Containerd): MountSpec[] {
  const file = (destination: string, text: string): MountSpec => ({
    destination,
    root: new FileInode(encodeUtf8(text)),
    type: "bind",
    readOnly: false,
    label: `/var/lib/containerd/sandboxes${destination}`,
  });
  const dns = config.dnsConfig;
  const hostResolv = containerd.hostMounts.find("/etc/resolv.conf");
  const resolv = dns
    ? (dns.searches.length ? `search ${dns.searches.join(" ")}\n` : "") +
      dns.servers.map((server) => `nameserver ${server}\n`).join("") +
      (dns.options.length ? `options ${dns.options.join(" ")}\n` : "")
    : hostResolv?.kind === "file"
      ? hostResolv.content
      : "";
  const files = [file("/etc/resolv.conf", resolv)];
  if (!isHostNetwork) files.push(file("/etc/hostname", `${config.hostname}\n`));
  return files;
}
