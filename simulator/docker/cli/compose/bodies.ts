/** Services, networks and volumes as the Engine API wants them. */
import { sha256Hex } from "../../../base/hash";
import { encodeUtf8 } from "../../../base/bytes";
import { parseDuration } from "../../../text/go-duration";
import type { NamedVolume, NetworkConfig, Project, ServiceConfig } from "./types";

export const COMPOSE_VERSION = "2.40.3";

const LABEL = "com.docker.compose.";
export const label = (name: string): string => LABEL + name;

export const imageOf = (project: Project, name: string): string =>
  project.services[name]?.image ?? project.disabled[name]?.image ?? `${project.name}-${name}`;

export const containerName = (project: Project, name: string, number: number): string =>
  project.services[name]?.container_name ?? `${project.name}-${name}-${number}`;

export const networkName = (project: Project, key: string): string => project.networks[key]?.name ?? key;

/** What makes a container be made anew when it changes. */
export function configHash(service: ServiceConfig): string {
  const {
    build: _build,
    depends_on: _depends,
    scale: _scale,
    deploy,
    profiles: _profiles,
    pull_policy: _policy,
    ...rest
  } = service;
  const { replicas: _replicas, ...kept } = deploy ?? {};
  return sha256Hex(encodeUtf8(JSON.stringify({ ...rest, ...(Object.keys(kept).length > 0 ? { deploy: kept } : {}) })));
}

export interface OneContainer {
  readonly number: number;
  readonly imageId: string;
  /** A one-off of `compose run`. */
  readonly oneOff?: {
    readonly name: string;
    readonly command: readonly string[];
    readonly tty: boolean;
    readonly stdin: boolean;
    readonly ports: boolean;
  };
}

const nanoseconds = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value * 1_000_000 : undefined;
};

const list = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.length > 0 ? (value as string[]) : null;
const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));
const bytes = (value: unknown): number => Number(value ?? 0);

export function containerBody(project: Project, name: string, one: OneContainer): Readonly<Record<string, unknown>> {
  const service = project.services[name]!;
  const { oneOff } = one;
  const exposed: Record<string, object> = {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const each of service.expose ?? []) exposed[each.includes("/") ? each : `${each}/tcp`] = {};
  for (const port of oneOff && !oneOff.ports ? [] : (service.ports ?? [])) {
    const key = `${port.target}/${port.protocol}`;
    exposed[key] = {};
    (bindings[key] ??= []).push({ HostIp: port.host_ip ?? "", HostPort: port.published ?? "" });
  }
  const binds: string[] = [];
  const mounts: Record<string, unknown>[] = [];
  const anonymous: Record<string, object> = {};
  for (const volume of service.volumes ?? []) {
    const mode = volume.read_only ? "ro" : "rw";
    if (volume.type === "tmpfs")
      mounts.push({
        Type: "tmpfs",
        Target: volume.target,
        ...(volume.tmpfs?.size ? { TmpfsOptions: { SizeBytes: bytes(volume.tmpfs.size) } } : {}),
      });
    else if (volume.source === undefined) anonymous[volume.target] = {};
    else if (volume.type === "bind" && volume.bind?.create_host_path === false)
      mounts.push({ Type: "bind", Source: volume.source, Target: volume.target, ReadOnly: volume.read_only ?? false });
    else
      binds.push(
        `${volume.type === "volume" ? (project.volumes[volume.source]?.name ?? volume.source) : volume.source}:${volume.target}:${mode}`,
      );
  }
  for (const kind of ["secrets", "configs"] as const)
    for (const each of (service[kind] ?? []) as readonly { source: string; target?: string }[]) {
      const source = project[kind][each.source];
      if (!source?.file) continue;
      const target = each.target ?? (kind === "secrets" ? each.source : `/${each.source}`);
      const path = source.file.startsWith("/") ? source.file : `${project.folder}/${source.file.replace(/^\.\//, "")}`;
      mounts.push({
        Type: "bind",
        Source: path,
        Target: target.startsWith("/") ? target : `/run/secrets/${target}`,
        ReadOnly: true,
      });
    }
  const networks = Object.entries(service.networks ?? {});
  const own = oneOff?.name ?? containerName(project, name, one.number);
  const endpoints = Object.fromEntries(
    networks.map(([key, network]) => [
      networkName(project, key),
      {
        Aliases: oneOff ? [own, ...(network?.aliases ?? [])] : [own, name, ...(network?.aliases ?? [])],
        ...(network?.ipv4_address ? { IPAMConfig: { IPv4Address: network.ipv4_address } } : {}),
      },
    ]),
  );
  const mode = service.network_mode?.replace(
    /^service:(.+)$/,
    (_, other: string) => `container:${containerName(project, other, 1)}`,
  );
  const limits = service.deploy?.resources?.limits;
  const health = service.healthcheck;
  const command = oneOff && oneOff.command.length > 0 ? oneOff.command : (service.command ?? null);
  return {
    Hostname: text(service["hostname"]),
    Domainname: text(service["domainname"]),
    User: text(service["user"]),
    AttachStdin: oneOff?.stdin ?? false,
    AttachStdout: true,
    AttachStderr: true,
    ExposedPorts: exposed,
    Tty: oneOff ? oneOff.tty : Boolean(service["tty"]),
    OpenStdin: oneOff ? oneOff.stdin : Boolean(service["stdin_open"]),
    StdinOnce: oneOff?.stdin ?? false,
    Env: Object.entries(service.environment ?? {}).flatMap(([key, value]) =>
      value === null ? [] : [`${key}=${value}`],
    ),
    Cmd: command,
    Entrypoint: service.entrypoint ?? null,
    Image: imageOf(project, name),
    Volumes: anonymous,
    WorkingDir: text(service["working_dir"]),
    Labels: {
      ...service.labels,
      [label("config-hash")]: configHash(service),
      [label("container-number")]: String(one.number),
      [label("depends_on")]: Object.entries(service.depends_on ?? {})
        .map(([other, { condition, restart }]) => `${other}:${condition}:${restart ?? false}`)
        .join(","),
      [label("image")]: one.imageId,
      [label("oneoff")]: oneOff ? "True" : "False",
      [label("project")]: project.name,
      [label("project.config_files")]: project.files.join(","),
      [label("project.working_dir")]: project.folder,
      [label("service")]: name,
      [label("version")]: COMPOSE_VERSION,
    },
    ...(service["stop_signal"] ? { StopSignal: service["stop_signal"] } : {}),
    ...(service["stop_grace_period"]
      ? { StopTimeout: Math.ceil((nanoseconds(String(service["stop_grace_period"])) ?? 0) / 1e9) }
      : {}),
    ...(health
      ? {
          Healthcheck: health.disable
            ? { Test: ["NONE"] }
            : {
                ...(health.test ? { Test: health.test } : {}),
                Interval: nanoseconds(health.interval) ?? 0,
                Timeout: nanoseconds(health.timeout) ?? 0,
                StartPeriod: nanoseconds(health.start_period) ?? 0,
                StartInterval: nanoseconds(health.start_interval) ?? 0,
                Retries: health.retries ?? 0,
              },
        }
      : {}),
    HostConfig: {
      Binds: binds.length > 0 ? binds : null,
      LogConfig: { Type: "", Config: {} },
      NetworkMode: mode ?? (networks.length > 0 ? networkName(project, networks[0]![0]) : "default"),
      PortBindings: bindings,
      RestartPolicy: oneOff ? { Name: "", MaximumRetryCount: 0 } : restartPolicy(service),
      AutoRemove: false,
      CapAdd: list(service["cap_add"]),
      CapDrop: list(service["cap_drop"]),
      Dns: list(service["dns"]) ?? [],
      DnsOptions: list(service["dns_opt"]) ?? [],
      DnsSearch: list(service["dns_search"]) ?? [],
      ExtraHosts: (list(service["extra_hosts"]) ?? []).map((each) => each.replace("=", ":")),
      GroupAdd: list(service["group_add"]),
      IpcMode: text(service["ipc"]),
      PidMode: text(service["pid"]),
      OomScoreAdj: bytes(service["oom_score_adj"]),
      Privileged: Boolean(service["privileged"]),
      ReadonlyRootfs: Boolean(service["read_only"]),
      SecurityOpt: list(service["security_opt"]),
      ...(list(service["tmpfs"])
        ? {
            Tmpfs: Object.fromEntries(
              list(service["tmpfs"])!.map((each) => [each.split(":")[0]!, each.split(":").slice(1).join(":")]),
            ),
          }
        : {}),
      ShmSize: bytes(service["shm_size"]),
      ...(service["sysctls"] ? { Sysctls: service["sysctls"] } : {}),
      ...(service["init"] ? { Init: true } : {}),
      CpuShares: bytes(service["cpu_shares"]),
      CpuPeriod: bytes(service["cpu_period"]),
      CpuQuota: bytes(service["cpu_quota"]),
      CpusetCpus: text(service["cpuset"]),
      NanoCpus: Math.round(Number(service["cpus"] ?? limits?.cpus ?? 0) * 1e9),
      Memory: bytes(service["mem_limit"] ?? limits?.memory),
      MemoryReservation: bytes(service["mem_reservation"] ?? service.deploy?.resources?.reservations?.memory),
      MemorySwap: bytes(service["memswap_limit"]),
      ...(service["pids_limit"] || limits?.pids ? { PidsLimit: bytes(service["pids_limit"] ?? limits?.pids) } : {}),
      ...(mounts.length > 0 ? { Mounts: mounts } : {}),
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
}

function restartPolicy(service: ServiceConfig): { Name: string; MaximumRetryCount: number } {
  const policy = service.deploy?.restart_policy;
  if (service.restart === undefined && policy) {
    const name = policy.condition === "none" ? "no" : policy.condition === "on-failure" ? "on-failure" : "always";
    return { Name: name, MaximumRetryCount: name === "on-failure" ? (policy.max_attempts ?? 0) : 0 };
  }
  const [name = "", count = "0"] = (service.restart ?? "").split(":");
  return { Name: name, MaximumRetryCount: Number(count) };
}

export const networkBody = (
  project: Project,
  key: string,
  network: NetworkConfig,
): Readonly<Record<string, unknown>> => ({
  Name: network.name,
  Driver: network.driver ?? "bridge",
  Internal: network.internal ?? false,
  Attachable: network.attachable ?? false,
  IPAM: {
    Driver: network.ipam?.driver ?? "default",
    Config: (network.ipam?.config ?? []).map((each) => ({
      ...(each.subnet ? { Subnet: each.subnet } : {}),
      ...(each.gateway ? { Gateway: each.gateway } : {}),
      ...(each.ip_range ? { IPRange: each.ip_range } : {}),
    })),
  },
  Options: network.driver_opts ?? {},
  Labels: {
    ...network.labels,
    [label("config-hash")]: sha256Hex(encodeUtf8(JSON.stringify(network))),
    [label("network")]: key,
    [label("project")]: project.name,
    [label("version")]: COMPOSE_VERSION,
  },
});

export const volumeBody = (project: Project, key: string, volume: NamedVolume): Readonly<Record<string, unknown>> => ({
  Name: volume.name,
  Driver: volume.driver ?? "local",
  DriverOpts: volume.driver_opts ?? {},
  Labels: {
    ...volume.labels,
    [label("config-hash")]: sha256Hex(encodeUtf8(JSON.stringify(volume))),
    [label("project")]: project.name,
    [label("version")]: COMPOSE_VERSION,
    [label("volume")]: key,
  },
});
