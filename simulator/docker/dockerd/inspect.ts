/** The JSON of `docker inspect` and of `docker ps`, made from a container's state. */
import { rfc3339Nano } from "../../base/clock";
import { changesOf } from "../../containerd/layers";
import { dockerDuration } from "../../text/human-duration";
import type { DockerContainer, Endpoint } from "./container";
import type { Daemon } from "./daemon";

const ZERO = "0001-01-01T00:00:00Z";

/** Times lose the zeros at the end of their fraction, as Go prints them. */
export const goTime = (at: number | undefined): string =>
  at === undefined ? ZERO : rfc3339Nano(at).replace(/\.?0+Z$/, "Z");

function healthJson(container: DockerContainer) {
  const { health } = container;
  if (!health) return {};
  return {
    Health: {
      Status: health.status,
      FailingStreak: health.failingStreak,
      Log: health.log.map((probe) => ({
        Start: goTime(probe.start),
        End: goTime(probe.end),
        ExitCode: probe.exitCode,
        Output: probe.output,
      })),
    },
  };
}

const MASKED = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

function hostConfigJson(daemon: Daemon, container: DockerContainer) {
  const host = container.hostConfig;
  return {
    Binds: host.Binds ?? null,
    ContainerIDFile: host.ContainerIDFile ?? "",
    LogConfig: host.LogConfig,
    NetworkMode: host.NetworkMode,
    PortBindings: host.PortBindings ?? {},
    RestartPolicy: host.RestartPolicy,
    AutoRemove: host.AutoRemove ?? false,
    VolumeDriver: host.VolumeDriver ?? "",
    VolumesFrom: host.VolumesFrom ?? null,
    ConsoleSize: host.ConsoleSize ?? [0, 0],
    ...(host.Annotations ? { Annotations: host.Annotations } : {}),
    CapAdd: host.CapAdd ?? null,
    CapDrop: host.CapDrop ?? null,
    CgroupnsMode: host.CgroupnsMode || (daemon.facts.cgroupVersion === "1" ? "host" : "private"),
    Dns: host.Dns ?? [],
    DnsOptions: host.DnsOptions ?? [],
    DnsSearch: host.DnsSearch ?? [],
    ExtraHosts: host.ExtraHosts ?? null,
    GroupAdd: host.GroupAdd ?? null,
    IpcMode: host.IpcMode,
    Cgroup: "",
    Links: host.Links ?? null,
    OomScoreAdj: host.OomScoreAdj ?? 0,
    PidMode: host.PidMode ?? "",
    Privileged: host.Privileged ?? false,
    PublishAllPorts: host.PublishAllPorts ?? false,
    ReadonlyRootfs: host.ReadonlyRootfs ?? false,
    SecurityOpt: host.Privileged ? ["label=disable"] : (host.SecurityOpt ?? null),
    ...(host.Tmpfs && Object.keys(host.Tmpfs).length > 0 ? { Tmpfs: host.Tmpfs } : {}),
    UTSMode: host.UTSMode ?? "",
    UsernsMode: host.UsernsMode ?? "",
    ShmSize: host.ShmSize,
    ...(host.Sysctls && Object.keys(host.Sysctls).length > 0 ? { Sysctls: host.Sysctls } : {}),
    Runtime: host.Runtime,
    Isolation: host.Isolation ?? "",
    CpuShares: host.CpuShares ?? 0,
    Memory: host.Memory ?? 0,
    NanoCpus: host.NanoCpus ?? 0,
    CgroupParent: host.CgroupParent ?? "",
    BlkioWeight: host.BlkioWeight ?? 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuPeriod: host.CpuPeriod ?? 0,
    CpuQuota: host.CpuQuota ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: host.CpusetCpus ?? "",
    CpusetMems: host.CpusetMems ?? "",
    Devices: host.Devices ?? [],
    DeviceCgroupRules: null,
    DeviceRequests: host.DeviceRequests?.length ? host.DeviceRequests : null,
    MemoryReservation: host.MemoryReservation ?? 0,
    MemorySwap: host.MemorySwap ?? 0,
    MemorySwappiness: host.MemorySwappiness === -1 ? null : (host.MemorySwappiness ?? null),
    OomKillDisable: host.OomKillDisable ?? false,
    PidsLimit: host.PidsLimit || null,
    Ulimits: host.Ulimits ?? [],
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    ...(host.Mounts?.length ? { Mounts: host.Mounts } : {}),
    MaskedPaths: host.Privileged ? null : MASKED,
    ReadonlyPaths: host.Privileged ? null : READ_ONLY,
    ...(host.Init === undefined ? {} : { Init: host.Init }),
  };
}

export function mountsJson(container: DockerContainer) {
  return container.mounts
    .filter((mount) => mount.type !== "tmpfs" || !Object.hasOwn(container.hostConfig.Tmpfs ?? {}, mount.destination))
    .map((mount) => ({
      Type: mount.type,
      ...(mount.name ? { Name: mount.name } : {}),
      Source: mount.source,
      Destination: mount.destination,
      ...(mount.driver ? { Driver: mount.driver } : {}),
      Mode: mount.mode,
      RW: mount.rw,
      Propagation: mount.propagation,
    }));
}

export function endpointJson(daemon: Daemon, container: DockerContainer, endpoint: Endpoint) {
  const { live, request } = endpoint;
  const network = daemon.networks.find(endpoint.networkName);
  const knownId = live?.networkId ?? (container.wasStarted ? (network?.id ?? "") : "");
  const isOwn = network && !network.isPredefined;
  return {
    IPAMConfig: request.IPAMConfig ?? null,
    Links: request.Links ?? null,
    Aliases: request.Aliases?.length ? request.Aliases : null,
    MacAddress: live?.mac ?? "",
    DriverOpts: request.DriverOpts ?? null,
    GwPriority: request.GwPriority ?? 0,
    NetworkID: knownId,
    EndpointID: live?.endpointId ?? "",
    Gateway: live?.gateway ?? "",
    IPAddress: live?.address ?? "",
    IPPrefixLen: live?.prefix ?? 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: isOwn && container.wasStarted ? daemon.networks.dnsNames(container, endpoint) : null,
  };
}

/** Live bindings; exposed ports without one are null. */
export function portsJson(container: DockerContainer): Record<string, unknown> {
  if (!container.running) return {};
  const ports: Record<string, unknown> = {};
  const names = new Set([...Object.keys(container.config.ExposedPorts ?? {}), ...container.ports.keys()]);
  for (const name of [...names].sort()) ports[name] = container.ports.get(name) ?? null;
  return ports;
}

const overlay = (daemon: Daemon, seed: string): string => `${daemon.dataRoot}/overlay2/${seed}`;

/** A stable 64-digit directory name from an id. */
const cacheId = (id: string): string =>
  id
    .replace(/^sha256:/, "")
    .split("")
    .reverse()
    .join("");

export function graphDriverJson(
  daemon: Daemon,
  options: { readonly id?: string; readonly key: string; readonly lower: readonly string[] },
) {
  const base = overlay(daemon, cacheId(options.key));
  return {
    Data: {
      ...(options.id ? { ID: options.id } : {}),
      ...(options.lower.length > 0 ? { LowerDir: options.lower.join(":") } : {}),
      MergedDir: `${base}/merged`,
      UpperDir: `${base}/diff`,
      WorkDir: `${base}/work`,
    },
    Name: "overlay2",
  };
}

export const layerDir = (daemon: Daemon, diffId: string): string => `${overlay(daemon, cacheId(diffId))}/diff`;

export function inspectContainer(daemon: Daemon, container: DockerContainer, withSize = false) {
  const { config } = container;
  const base = `${daemon.dataRoot}/containers/${container.id}`;
  const onlyBridge = container.endpoints.get("bridge")?.live;
  const lower = [
    `${overlay(daemon, cacheId(container.id))}-init/diff`,
    ...[...container.image.layers].reverse().map((layer) => layerDir(daemon, layer.diffId)),
  ];
  const path = (name: string): string => (container.wasStarted ? `${base}/${name}` : "");
  const sizes = withSize
    ? { SizeRw: writtenSize(container), SizeRootFs: writtenSize(container) + container.image.size }
    : {};
  return {
    Id: container.id,
    Created: goTime(container.created),
    Path: container.path,
    Args: container.args,
    State: {
      Status: container.status,
      Running: container.running || container.restarting,
      Paused: container.paused,
      Restarting: container.restarting,
      OOMKilled: container.oomKilled,
      Dead: false,
      Pid: container.running ? (container.runtime.main?.pid ?? 0) : 0,
      ExitCode: container.exitCode,
      Error: container.error,
      StartedAt: goTime(container.startedAt),
      FinishedAt: goTime(container.finishedAt),
      ...healthJson(container),
    },
    Image: container.image.id,
    ResolvConfPath: path("resolv.conf"),
    HostnamePath: path("hostname"),
    HostsPath: path("hosts"),
    LogPath: container.hostConfig.LogConfig?.Type === "json-file" ? path(`${container.id}-json.log`) : "",
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execIds(container),
    HostConfig: hostConfigJson(daemon, container),
    GraphDriver: graphDriverJson(daemon, { id: container.id, key: container.id, lower }),
    ...sizes,
    Mounts: mountsJson(container),
    Config: {
      Hostname: config.Hostname ?? "",
      Domainname: config.Domainname ?? "",
      User: config.User ?? "",
      AttachStdin: config.AttachStdin ?? false,
      AttachStdout: config.AttachStdout ?? false,
      AttachStderr: config.AttachStderr ?? false,
      ...(config.ExposedPorts && Object.keys(config.ExposedPorts).length > 0
        ? { ExposedPorts: config.ExposedPorts }
        : {}),
      Tty: config.Tty ?? false,
      OpenStdin: config.OpenStdin ?? false,
      StdinOnce: config.StdinOnce ?? false,
      Env: config.Env ?? [],
      Cmd: config.Cmd ?? null,
      ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
      Image: config.Image ?? "",
      Volumes: config.Volumes ?? null,
      WorkingDir: config.WorkingDir ?? "",
      Entrypoint: config.Entrypoint ?? null,
      OnBuild: config.OnBuild ?? null,
      Labels: config.Labels ?? {},
      ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
      ...(config.StopTimeout === undefined ? {} : { StopTimeout: config.StopTimeout }),
      ...(config.Shell ? { Shell: config.Shell } : {}),
    },
    NetworkSettings: {
      Bridge: "",
      SandboxID: container.sandboxId,
      SandboxKey: container.sandboxId
        ? container.networkMode === "host"
          ? "/var/run/docker/netns/default"
          : `/var/run/docker/netns/${container.sandboxId.slice(0, 12)}`
        : "",
      Ports: portsJson(container),
      HairpinMode: false,
      LinkLocalIPv6Address: "",
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      EndpointID: onlyBridge?.endpointId ?? "",
      Gateway: onlyBridge?.gateway ?? "",
      GlobalIPv6Address: "",
      GlobalIPv6PrefixLen: 0,
      IPAddress: onlyBridge?.address ?? "",
      IPPrefixLen: onlyBridge?.prefix ?? 0,
      IPv6Gateway: "",
      MacAddress: onlyBridge?.mac ?? "",
      Networks: Object.fromEntries(
        [...container.endpoints.values()].map((endpoint) => [
          endpoint.networkName,
          endpointJson(daemon, container, endpoint),
        ]),
      ),
    },
  };
}

function execIds(container: DockerContainer): string[] | null {
  const running = [...container.execs.values()].filter((exec) => exec.running).map((exec) => exec.id);
  return running.length > 0 ? running : null;
}

export function writtenSize(container: DockerContainer): number {
  let bytes = 0;
  for (const { node } of changesOf(container.runtime.root)) if (node?.kind === "file") bytes += node.size;
  return bytes;
}

/** "Up 3 seconds (healthy)", "Exited (0) 5 minutes ago", "Created". */
export function statusText(container: DockerContainer, now: number): string {
  const since = (at: number | undefined): string => dockerDuration(Math.max(0, now - (at ?? now)));
  if (container.running) {
    const up = `Up ${since(container.startedAt)}`;
    if (container.paused) return `${up} (Paused)`;
    if (container.restarting) return `Restarting (${container.exitCode}) ${since(container.finishedAt)} ago`;
    const health = container.health?.status;
    return health ? `${up} (${health === "starting" ? "health: starting" : health})` : up;
  }
  if (container.restarting) return `Restarting (${container.exitCode}) ${since(container.finishedAt)} ago`;
  if (container.removing) return "Removal In Progress";
  if (container.dead) return "Dead";
  if (container.startedAt === undefined) return "Created";
  return `Exited (${container.exitCode}) ${since(container.finishedAt)} ago`;
}

/** The image as `ps` shows it: the name it was made with while that still points there, else the id. */
export function shownImage(daemon: Daemon, container: DockerContainer): string {
  const name = container.config.Image ?? "";
  const found = daemon.findImage(name);
  if (found?.id === container.image.id) return name;
  return container.image.id;
}

interface PortRow {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

function portRows(container: DockerContainer): PortRow[] {
  if (!container.running) return [];
  const rows: PortRow[] = [];
  for (const [name, bindings] of Object.entries(portsJson(container))) {
    const [port = "", type = "tcp"] = name.split("/");
    const list = bindings as readonly { HostIp: string; HostPort: string }[] | null;
    if (!list) rows.push({ PrivatePort: Number(port), Type: type });
    for (const binding of list ?? [])
      rows.push({ IP: binding.HostIp, PrivatePort: Number(port), PublicPort: Number(binding.HostPort), Type: type });
  }
  return rows;
}

export function summarizeContainer(daemon: Daemon, container: DockerContainer, withSize: boolean) {
  const command = [container.path, ...container.args].map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(" ");
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: shownImage(daemon, container),
    ImageID: container.image.id,
    Command: command,
    Created: Math.floor(container.created / 1000),
    Ports: portRows(container),
    ...(withSize ? { SizeRw: writtenSize(container), SizeRootFs: writtenSize(container) + container.image.size } : {}),
    Labels: container.config.Labels ?? {},
    State: container.status,
    Status: statusText(container, daemon.now()),
    HostConfig: { NetworkMode: container.networkMode },
    NetworkSettings: {
      Networks: Object.fromEntries(
        [...container.endpoints.values()].map((endpoint) => [
          endpoint.networkName,
          endpointJson(daemon, container, endpoint),
        ]),
      ),
    },
    Mounts: mountsJson(container),
  };
}
