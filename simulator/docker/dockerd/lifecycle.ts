/** Starting, stopping and removing containers, and what happens when one ends. */
import { Deferred, type Task, firstOf, suspend } from "../../base/task";
import { encodeUtf8 } from "../../base/bytes";
import { RuntimeFailure, type MountSpec } from "../../containerd/api";
import type { StartedProcess } from "../../containerd/tasks";
import { Netns } from "../../net/netns";
import { DirInode, FileInode } from "../../os/inode";
import { type ExitStatus, type SignalName, parseSignal, signalNumber } from "../../os/signals";
import { ApiFailure, badRequest, conflict, noSuchContainer, systemError } from "../api/failure";
import type { PortBinding } from "../api/types";
import type { DockerContainer } from "./container";
import { COST, type Daemon } from "./daemon";
import { serveDns } from "./dns";
import { hostsFile, resolvFile } from "./files";
import { startHealthChecks } from "./health-check";
import type { Published } from "./ports";
import { restartAfterExit } from "./restart-policy";

interface Live {
  published: Published | undefined;
  stopDns: (() => void) | undefined;
  ownsNetns: boolean;
}

const live = new WeakMap<DockerContainer, Live>();

export interface StartOptions {
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** docker start. Answers false when it runs already. */
export function* startContainer(daemon: Daemon, container: DockerContainer, options: StartOptions = {}): Task<boolean> {
  if (container.paused) throw conflict("cannot start a paused container, try unpause instead");
  if (container.running) return false;
  if (container.removing || container.dead) throw conflict("container is marked for removal and cannot be started");
  container.manuallyStopped = false;
  container.cancelRestart.current?.();
  container.restartCount = 0;
  yield* bringUp(daemon, container, options);
  return true;
}

/**
 * Everything a start does; also used by restarts. A failure leaves the container as it was, with its error noted. Starts of
 * one container come one after another, as its lock has it in the real daemon: a second finds it running.
 */
export function* bringUp(daemon: Daemon, container: DockerContainer, options: StartOptions = {}): Task<void> {
  while (container.starting) yield* suspend(container.starting.wait);
  if (container.running) return;
  const started = new Deferred<undefined>();
  container.starting = started;
  try {
    yield* bringUpAlone(daemon, container, options);
  } finally {
    container.starting = undefined;
    started.resolve(undefined);
  }
}

function* bringUpAlone(daemon: Daemon, container: DockerContainer, options: StartOptions): Task<void> {
  try {
    const others = daemon.starting;
    daemon.starting++;
    try {
      yield* daemon.wait(COST.network);
      if (container.running) return;
      setUpNetwork(daemon, container);
      yield* daemon.wait(COST.start - COST.network + (others > 0 ? COST.startBeside : 0));
    } finally {
      daemon.starting--;
    }
    if (container.removing) throw conflict("container is marked for removal and cannot be started");
    const main = startTask(daemon, container, options);
    container.running = true;
    container.restarting = false;
    container.wasStarted = true;
    container.error = "";
    container.exitCode = 0;
    container.oomKilled = false;
    container.startedAt = daemon.now();
    for (const mount of container.mounts)
      if (mount.type === "volume" && mount.name)
        daemon.events.publish("volume", "mount", mount.name, {
          container: container.id,
          destination: mount.destination,
          driver: "local",
          propagation: "",
          "read/write": String(mount.rw),
        });
    daemon.publish(container, "start");
    container.changed.ring();
    main.process.ended.wait((status) => ended(daemon, container, main, status));
    startHealthChecks(daemon, container);
  } catch (error) {
    tearDownNetwork(daemon, container);
    container.running = false;
    if (error instanceof RuntimeFailure) {
      container.error = `failed to create task for container: ${error.message}`;
      container.exitCode = error.exitCode;
      container.log.close();
      failStart(daemon, container);
      throw new ApiFailure(error.exitCode === 126 || error.exitCode === 127 ? 400 : 500, container.error);
    }
    if (error instanceof ApiFailure) {
      container.error = error.message;
      container.exitCode = 128;
      failStart(daemon, container);
      throw error;
    }
    if (error instanceof Error && /^unable to find (user|group)/.test(error.message)) {
      container.error = error.message;
      container.exitCode = 128;
      failStart(daemon, container);
      throw badRequest(error.message);
    }
    throw error;
  }
}

/** A container that could not be started stays (Created, or Exited before), unless it was to be removed. */
function failStart(daemon: Daemon, container: DockerContainer): void {
  container.restarting = false;
  for (const attachment of [...container.attachments]) attachment.ended();
  container.changed.ring();
  container.exits++;
  if (container.hostConfig.AutoRemove && !container.removing) dropContainer(daemon, container, true);
}

function startTask(daemon: Daemon, container: DockerContainer, options: StartOptions): StartedProcess {
  const { config, hostConfig } = container;
  const { containerd } = daemon;
  const mounts = taskMounts(daemon, container);
  const env = [...(config.Env ?? [])];
  const find = (key: string): boolean => env.some((entry) => entry.startsWith(`${key}=`));
  const defaults = [
    ...(find("PATH") ? [] : ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
    `HOSTNAME=${config.Hostname ?? ""}`,
    ...(config.Tty ? ["TERM=xterm"] : []),
  ];
  const path = env.findIndex((entry) => entry.startsWith("PATH="));
  const ordered = path >= 0 ? [env[path]!, ...defaults, ...env.filter((_, i) => i !== path)] : [...defaults, ...env];
  // What the user sets wins over HOSTNAME and TERM.
  const settings = new Map<string, string>();
  for (const entry of ordered) {
    const at = entry.indexOf("=");
    if (at > 0) settings.set(entry.slice(0, at), entry);
    else {
      // A name alone takes the variable away.
      settings.delete(entry);
    }
  }
  for (const device of hostConfig.Devices ?? [])
    if (!daemon.fs.exists(device.PathOnHost))
      throw systemError(
        `error gathering device information while adding custom device ${JSON.stringify(device.PathOnHost)}: no such file or directory`,
      );
  const pidMode = hostConfig.PidMode ?? "";
  container.runtime.spec = {
    ...container.runtime.spec,
    env: [...settings.values()],
    mounts,
    net: container.netns ?? daemon.host,
    resources: resourcesOf(container),
    ...(pidMode === "host" ? { pid: "host" as const } : {}),
    ...(pidMode.startsWith("container:")
      ? { pid: { container: daemon.container(pidMode.slice("container:".length)).id } }
      : {}),
    ...(hostConfig.Init ? { init: true } : {}),
    ...(hostConfig.Privileged ? { privileged: true } : {}),
    ...(hostConfig.CgroupParent ? { cgroupParent: hostConfig.CgroupParent.replace(/^\//, "") } : {}),
    ...(hostConfig.Ulimits
      ? {
          ulimits: Object.fromEntries(
            hostConfig.Ulimits.map((limit) => [limit.Name, { soft: limit.Soft, hard: limit.Hard }]),
          ),
        }
      : {}),
  };
  container.log.open();
  return containerd.start(
    container.id,
    {
      stdout: (bytes) => container.output("stdout", bytes),
      stderr: (bytes) => container.output("stderr", bytes),
    },
    options.size,
  );
}

export function resourcesOf(container: DockerContainer) {
  const host = container.hostConfig;
  const cpus = host.NanoCpus
    ? host.NanoCpus / 1e9
    : host.CpuQuota && host.CpuQuota > 0
      ? host.CpuQuota / (host.CpuPeriod || 100_000)
      : 0;
  return {
    ...(host.Memory ? { memoryBytes: host.Memory } : {}),
    ...(cpus ? { cpus } : {}),
    ...(host.CpuShares ? { cpuShares: host.CpuShares } : {}),
    ...(host.PidsLimit && host.PidsLimit > 0 ? { pidsMax: host.PidsLimit } : {}),
  };
}

function taskMounts(daemon: Daemon, container: DockerContainer): MountSpec[] {
  const base = `${daemon.dataRoot}/containers/${container.id}`;
  const file = (name: string, text: string): MountSpec => ({
    destination: `/etc/${name}`,
    root: new FileInode(encodeUtf8(text), { mtime: daemon.now() }),
    type: "bind",
    readOnly: false,
    label: `${base}/${name}`,
  });
  const mounts: MountSpec[] = container.mounts.map((mount) => {
    if (mount.type === "tmpfs")
      return {
        destination: mount.destination,
        root: new DirInode({ mode: 0o1777, mtime: daemon.now() }),
        type: "tmpfs",
        readOnly: !mount.rw,
        options: `rw,nosuid,nodev,noexec,relatime${mount.sizeBytes === undefined ? "" : `,size=${Math.ceil(mount.sizeBytes / 1024)}k`}`,
      };
    return { destination: mount.destination, source: mount.source, type: mount.type, readOnly: !mount.rw };
  });
  const has = (path: string): boolean => container.mounts.some((mount) => mount.destination === path);
  if (!has("/etc/resolv.conf")) mounts.push(file("resolv.conf", resolvFile(daemon, container)));
  if (!has("/etc/hostname")) mounts.push(file("hostname", `${container.config.Hostname}\n`));
  if (!has("/etc/hosts")) mounts.push(file("hosts", hostsFile(daemon, container)));
  return mounts;
}

// ---- network -------------------------------------------------------------------------------------------------------

function setUpNetwork(daemon: Daemon, container: DockerContainer): void {
  const mode = container.networkMode;
  if (mode.startsWith("container:")) {
    let peer: DockerContainer;
    try {
      peer = daemon.container(mode.slice("container:".length));
    } catch {
      throw noSuchPeer(mode);
    }
    if (!peer.running)
      throw conflict(`cannot join network namespace of a non running container: container ${peer.name} is exited`);
    container.netns = peer.netns;
    live.set(container, { published: undefined, stopDns: undefined, ownsNetns: false });
    return;
  }
  for (const endpoint of container.endpoints.values())
    if (!daemon.networks.find(endpoint.networkName))
      throw new ApiFailure(404, `failed to set up container networking: network ${endpoint.networkName} not found`);
  for (const link of container.hostConfig.Links ?? []) {
    const target = daemon.container(link.split(":")[0]!.replace(/^\//, ""));
    if (mode === "bridge" && !target.endpoints.has("bridge"))
      throw badRequest(`container ${target.id} not attached to default bridge network`);
    if (!target.running)
      throw badRequest(
        `Cannot link to a non running container: /${target.name} AS /${container.name}/${link.split(":")[1] ?? target.name}`,
      );
  }
  const isHost = mode === "host";
  container.sandboxId = daemon.random.hex(64);
  container.netns = isHost ? daemon.host : new Netns(daemon.host.network, `docker-${container.shortId}`);
  const state: Live = { published: undefined, stopDns: undefined, ownsNetns: !isHost };
  live.set(container, state);
  try {
    for (const endpoint of container.endpoints.values()) daemon.networks.connect(container, endpoint, container.netns);
    publishPorts(daemon, container, state);
    updateDns(daemon, container);
  } catch (error) {
    tearDownNetwork(daemon, container);
    throw error;
  }
}

const noSuchPeer = (mode: string) =>
  new ApiFailure(404, `joining network namespace of container: No such container: ${mode.slice("container:".length)}`);

function publishPorts(daemon: Daemon, container: DockerContainer, state: Live): void {
  const bindings: Record<string, readonly PortBinding[]> = {};
  for (const [port, list] of Object.entries(container.hostConfig.PortBindings ?? {}))
    if (list && list.length > 0) bindings[port] = list;
  if (container.hostConfig.PublishAllPorts)
    for (const port of Object.keys(container.config.ExposedPorts ?? {}))
      bindings[port] ??= [{ HostIp: "", HostPort: "" }];
  container.ports = new Map();
  if (Object.keys(bindings).length === 0 || container.networkMode === "host") return;
  for (const endpoint of container.endpoints.values()) {
    if (!endpoint.live || endpoint.live.address === "") continue;
    const network = daemon.networks.get(endpoint.networkName);
    if (!network.bridge || network.internal) continue;
    state.published = daemon.ports.publish({
      containerName: container.name,
      endpointId: endpoint.live.endpointId,
      address: endpoint.live.address,
      device: network.bridge.device,
      bindings: Object.fromEntries(Object.entries(bindings).sort(([a], [b]) => (a < b ? -1 : 1))),
    });
    container.ports = state.published.ports;
    return;
  }
}

/** The embedded name server runs while the container is in a network of the user's own. */
export function updateDns(daemon: Daemon, container: DockerContainer): void {
  const state = live.get(container);
  if (!state?.ownsNetns || !container.netns) return;
  const wanted = [...container.endpoints.values()].some(
    (endpoint) => !daemon.networks.find(endpoint.networkName)?.isPredefined,
  );
  if (wanted && !state.stopDns)
    state.stopDns = serveDns(daemon.process, container.netns, container, daemon.networks, daemon.host);
}

function tearDownNetwork(daemon: Daemon, container: DockerContainer): void {
  const state = live.get(container);
  if (!state) return;
  live.delete(container);
  state.published?.release();
  container.ports = new Map();
  state.stopDns?.();
  for (const endpoint of container.endpoints.values()) daemon.networks.disconnect(container, endpoint);
  if (state.ownsNetns) container.netns?.destroy();
  container.netns = undefined;
  container.sandboxId = "";
}

// ---- the end -------------------------------------------------------------------------------------------------------

function ended(daemon: Daemon, container: DockerContainer, main: StartedProcess, status: ExitStatus): void {
  // containerd has its own listener first; both see the end in the same step.
  daemon.loop.after(COST.stop, () => {
    if (container.runtime.main !== main || !container.running) return;
    container.stopHealth.current?.();
    container.log.close();
    const startedAt = container.startedAt ?? daemon.now();
    container.running = false;
    container.paused = false;
    container.exitCode = status.code;
    container.oomKilled = container.runtime.oomKilled;
    container.finishedAt = daemon.now();
    container.exits++;
    if (container.health) container.health.status = "unhealthy";
    tearDownNetwork(daemon, container);
    if (container.stopping) daemon.publish(container, "stop");
    const execDuration = String(Math.floor((daemon.now() - startedAt) / 1000));
    daemon.publish(container, "die", { execDuration, exitCode: String(status.code) });
    for (const mount of container.mounts)
      if (mount.type === "volume" && mount.name)
        daemon.events.publish("volume", "unmount", mount.name, { container: container.id, driver: "local" });
    const willRestart = restartAfterExit(
      daemon,
      container,
      { exitCode: status.code, ms: daemon.now() - startedAt },
      () => bringUp(daemon, container),
    );
    if (!willRestart) container.restarting = false;
    for (const attachment of [...container.attachments]) attachment.ended();
    container.changed.ring();
    if (!willRestart && container.hostConfig.AutoRemove && !container.removing) dropContainer(daemon, container, true);
  });
  if (container.runtime.oomKilled) daemon.publish(container, "oom");
}

/** Waits for the next exit. */
export function* waitExit(container: DockerContainer): Task<void> {
  const exits = container.exits;
  while (container.running && container.exits === exits) yield* suspend(container.changed.wait);
}

// ---- stop, kill, restart -------------------------------------------------------------------------------------------

export function readSignal(text: string): SignalName {
  const signal = parseSignal(text);
  if (!signal) throw badRequest(`invalid signal: ${text}`);
  return signal;
}

function sendSignal(daemon: Daemon, container: DockerContainer, signal: SignalName): void {
  daemon.publish(container, "kill", { signal: String(signalNumber(signal)) });
  container.runtime.signal(signal);
}

export interface StopOptions {
  readonly signal?: string;
  /** Seconds; negative: wait without end. */
  readonly timeout?: number;
}

/** docker stop. Answers false when it does not run. */
export function* stopContainer(daemon: Daemon, container: DockerContainer, options: StopOptions = {}): Task<boolean> {
  const signal = readSignal(options.signal || container.config.StopSignal || "TERM");
  container.manuallyStopped = true;
  container.cancelRestart.current?.();
  if (container.restarting && !container.running) {
    container.restarting = false;
    container.changed.ring();
    return true;
  }
  if (!container.running) return false;
  container.stopping = true;
  try {
    if (container.paused) {
      // Frozen processes could never obey.
      container.paused = false;
      daemon.containerd.resume(container.id);
    }
    sendSignal(daemon, container, signal);
    const timeout = options.timeout ?? container.config.StopTimeout ?? 10;
    const exits = container.exits;
    if (timeout >= 0) {
      const deadline = daemon.now() + timeout * 1000;
      while (container.running && container.exits === exits && daemon.now() < deadline && container.runtime.running)
        yield* suspend(
          firstOf([
            container.changed.wait,
            container.runtime.main!.process.ended.wait as never,
            (resume) => daemon.loop.at(deadline, () => resume(undefined)),
          ]),
        );
      if (container.running && container.exits === exits && container.runtime.running)
        sendSignal(daemon, container, "KILL");
    }
    while (container.running && container.exits === exits) yield* suspend(container.changed.wait);
  } finally {
    container.stopping = false;
  }
  return true;
}

/** docker kill. */
export function* killContainer(daemon: Daemon, container: DockerContainer, text: string, shown: string): Task<void> {
  const signal = parseSignal(text || "KILL");
  if (!signal) throw badRequest(`cannot kill container: ${shown}: invalid signal: ${text}`);
  if (!container.running) throw conflict(`cannot kill container: ${shown}: container ${container.id} is not running`);
  yield* daemon.wait(COST.small);
  if (!container.running) return;
  // A container that is told to end is not started again by its policy.
  if (signal === "KILL" || signal === (parseSignal(container.config.StopSignal ?? "TERM") ?? "TERM")) {
    container.manuallyStopped = true;
    container.cancelRestart.current?.();
  }
  if (signal === "KILL" && container.paused) {
    container.paused = false;
    daemon.containerd.resume(container.id);
  }
  sendSignal(daemon, container, signal);
  if (signal === "KILL") yield* waitExit(container);
}

export function* restartContainer(daemon: Daemon, container: DockerContainer, options: StopOptions): Task<void> {
  const autoRemove = container.hostConfig.AutoRemove;
  if (container.running || container.restarting) {
    // Removal waits until it really ends.
    if (autoRemove) container.hostConfig = { ...container.hostConfig, AutoRemove: false };
    yield* stopContainer(daemon, container, options);
    if (autoRemove) container.hostConfig = { ...container.hostConfig, AutoRemove: true };
  }
  container.manuallyStopped = false;
  container.restartCount = 0;
  yield* bringUp(daemon, container);
  daemon.publish(container, "restart");
}

export function* pauseContainer(daemon: Daemon, container: DockerContainer): Task<void> {
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  if (container.paused) throw conflict(`Container ${container.id} is already paused`);
  if (container.restarting)
    throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  yield* daemon.wait(COST.small);
  if (!container.running || !container.runtime.running) throw conflict(`container ${container.id} is not running`);
  daemon.containerd.pause(container.id);
  container.paused = true;
  daemon.publish(container, "pause");
  container.changed.ring();
}

export function* unpauseContainer(daemon: Daemon, container: DockerContainer): Task<void> {
  if (!container.paused) throw systemError(`Container ${container.id} is not paused`);
  yield* daemon.wait(COST.small);
  daemon.containerd.resume(container.id);
  container.paused = false;
  daemon.publish(container, "unpause");
  container.changed.ring();
}

// ---- removal -------------------------------------------------------------------------------------------------------

export function* removeContainer(
  daemon: Daemon,
  container: DockerContainer,
  options: { readonly force: boolean; readonly volumes: boolean; readonly shown: string },
): Task<void> {
  if (container.removing) throw conflict(`removal of container ${options.shown} is already in progress`);
  if (container.running || container.restarting) {
    if (!options.force) {
      const state = container.status;
      throw conflict(
        `cannot remove container ${JSON.stringify(options.shown)}: container is ${state}: ${state === "paused" ? "unpause and then " : ""}stop the container before removing or force remove`,
      );
    }
    container.removing = true;
    container.manuallyStopped = true;
    container.cancelRestart.current?.();
    if (container.running) {
      if (container.paused) daemon.containerd.resume(container.id);
      container.paused = false;
      sendSignal(daemon, container, "KILL");
      yield* waitExit(container);
    }
    container.restarting = false;
  }
  container.removing = true;
  yield* daemon.wait(COST.remove);
  if (daemon.containers.get(container.id) !== container) throw noSuchContainer(options.shown);
  dropContainer(daemon, container, options.volumes);
}

/** Takes a container that does not run out of the world. Its anonymous volumes go with `volumes`. */
export function dropContainer(daemon: Daemon, container: DockerContainer, volumes: boolean): void {
  container.removing = true;
  daemon.forget(container);
  daemon.containerd.delete(container.id);
  container.log.clear();
  daemon.publish(container, "destroy");
  if (volumes)
    for (const mount of container.mounts)
      if (
        mount.isAnonymous &&
        mount.name &&
        daemon.volumes.get(mount.name) &&
        daemon.volumes.users(mount.name).length === 0
      )
        daemon.volumes.remove(mount.name);
  container.dead = true;
  container.changed.ring();
}
