/** docker create: checks a request, merges it with the image's configuration, and makes the container. */
import type { Task } from "../../base/task";
import type { Image } from "../../containerd/api";
import { ContainerLog } from "../../containerd/logs";
import { familiarString, parseReference, withDefaultTag } from "../../containerd/reference";
import { badRequest, conflict, noSuchImage, notFound, systemError } from "../api/failure";
import type { ContainerConfig, CreateContainerBody, EndpointSettings, HostConfig } from "../api/types";
import { DockerContainer } from "./container";
import { COST, type Daemon } from "./daemon";
import { randomName } from "./names";
import { verifyConfig, verifyHostConfig } from "./verify";
import { fillVolume, resolveMounts } from "./volumes";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Refuses a name that is taken or not a name. `shown` is the name as the message quotes it. */
export function checkName(daemon: Daemon, name: string, shown = name): void {
  if (!NAME.test(name))
    throw badRequest(`Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  const owner = daemon.byName(name);
  if (owner)
    throw conflict(
      `Conflict. The container name "/${name}" is already in use by container "${owner.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
}

export function* createContainer(
  daemon: Daemon,
  body: CreateContainerBody,
  options: { readonly name?: string; readonly platform?: string } = {},
): Task<{ readonly container: DockerContainer; readonly warnings: readonly string[] }> {
  const { HostConfig: host = {}, NetworkingConfig: networking = {}, ...asked } = body;
  yield* daemon.wait(COST.create);
  verifyConfig(asked);
  verifyHostConfig(host, daemon.containerd.kernel.cpuCount);
  const imageName = asked.Image ?? "";
  const image = daemon.findImage(imageName);
  if (!image) {
    const reference = parseReference(imageName);
    if (!reference.ok) throw badRequest(reference.error);
    throw noSuchImage(familiarString(withDefaultTag(reference.value)));
  }
  checkPlatform(image, imageName, options.platform);
  if (options.name !== undefined && options.name !== "")
    checkName(daemon, options.name.replace(/^\//, ""), options.name);
  const config = mergeConfig(asked, image);
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (argv.length === 0) throw badRequest("no command specified");
  for (const device of host.DeviceRequests ?? [])
    throw systemError(
      `could not select device driver "${device.Driver}" with capabilities: [[${device.Capabilities.map((set) => set.join(" ")).join("] [")}]]`,
    );
  const id = daemon.random.hex(64);
  const name =
    options.name?.replace(/^\//, "") ||
    randomName(daemon.random.stream("names"), (candidate) => Boolean(daemon.byName(candidate)));
  const finalHost = fillHostConfig(host);
  const hostname = hostnameOf(daemon, config, finalHost, id);
  const mounts = resolveMounts(
    {
      host: finalHost,
      configVolumes: Object.keys(asked.Volumes ?? {}),
      imageVolumes: Object.keys(image.config.Volumes ?? {}),
    },
    { volumes: daemon.volumes, fs: daemon.fs, container: (wanted) => daemon.container(wanted) },
  );
  for (const mount of mounts) fillVolume(daemon.fs, image, mount);
  const runtime = daemon.containerd.create({
    id,
    image,
    args: argv,
    env: [],
    cwd: config.WorkingDir || "/",
    user: config.User ?? "",
    hostname,
    mounts: [],
    net: daemon.host,
    cgroupParent: "docker",
    resources: {},
    readOnlyRootfs: finalHost.ReadonlyRootfs ?? false,
    tty: config.Tty ?? false,
    openStdin: config.OpenStdin ?? false,
  });
  const container = new DockerContainer({
    id,
    name,
    created: daemon.now(),
    config: { ...config, Hostname: hostname, Image: imageName },
    hostConfig: finalHost,
    image,
    runtime,
    log: new ContainerLog(daemon.loop),
    argv,
  });
  container.mounts = mounts;
  addEndpoints(daemon, container, networking.EndpointsConfig ?? {});
  daemon.add(container);
  daemon.publish(container, "create");
  return { container, warnings: warningsOf(finalHost) };
}

function checkPlatform(image: Image, name: string, platform: string | undefined): void {
  if (!platform) return;
  const [os = "linux", architecture = ""] = platform.split("/");
  const wanted = architecture === "x86_64" ? "amd64" : architecture === "aarch64" ? "arm64" : architecture;
  if (os !== image.os || (wanted !== "" && wanted !== image.architecture))
    throw notFound(
      `image with reference ${name} was found but its platform (${image.os}/${image.architecture}) does not match the specified platform (${platform})`,
    );
}

/** The image's configuration with what the user asked for over it (runconfig.Merge). */
export function mergeConfig(asked: ContainerConfig, image: Image): ContainerConfig {
  const base = image.config;
  const env = [...(asked.Env ?? [])];
  for (const entry of base.Env ?? []) {
    const key = entry.split("=", 1)[0];
    if (!env.some((own) => own.split("=", 1)[0] === key)) env.push(entry);
  }
  const labels = { ...base.Labels, ...asked.Labels };
  const ports = { ...base.ExposedPorts, ...asked.ExposedPorts };
  const volumes = { ...base.Volumes, ...asked.Volumes };
  let entrypoint = asked.Entrypoint;
  let cmd = asked.Cmd;
  if (!entrypoint || entrypoint.length === 0) {
    if (!cmd || cmd.length === 0) cmd = base.Cmd ?? null;
    // [""] is how a client says "no entrypoint".
    entrypoint = base.Entrypoint ?? null;
  }
  if (asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === "") entrypoint = null;
  const health = mergeHealth(asked.Healthcheck, base.Healthcheck);
  const stopSignal = asked.StopSignal || base.StopSignal;
  return {
    ...asked,
    User: asked.User || base.User || "",
    Env: env,
    Cmd: cmd ?? null,
    Entrypoint: entrypoint ?? null,
    WorkingDir: asked.WorkingDir || base.WorkingDir || "",
    ...(Object.keys(ports).length > 0 ? { ExposedPorts: ports } : {}),
    Volumes: Object.keys(volumes).length > 0 ? volumes : null,
    Labels: labels,
    ...(stopSignal ? { StopSignal: stopSignal } : {}),
    ...(health ? { Healthcheck: health } : {}),
  };
}

function mergeHealth(
  asked: ContainerConfig["Healthcheck"],
  base: ContainerConfig["Healthcheck"],
): ContainerConfig["Healthcheck"] {
  const clean = (config: NonNullable<ContainerConfig["Healthcheck"]>): ContainerConfig["Healthcheck"] =>
    Object.fromEntries(
      Object.entries(config).filter(([, value]) => value !== undefined && value !== 0),
    ) as ContainerConfig["Healthcheck"];
  if (!asked) return base;
  if (!base) return clean(asked);
  return clean({
    Test: asked.Test?.length ? asked.Test : base.Test,
    Interval: asked.Interval || base.Interval,
    Timeout: asked.Timeout || base.Timeout,
    StartPeriod: asked.StartPeriod || base.StartPeriod,
    StartInterval: asked.StartInterval || base.StartInterval,
    Retries: asked.Retries || base.Retries,
  } as NonNullable<ContainerConfig["Healthcheck"]>);
}

function hostnameOf(daemon: Daemon, config: ContainerConfig, host: HostConfig, id: string): string {
  const mode = host.NetworkMode ?? "";
  if (mode === "host" || host.UTSMode === "host") return config.Hostname || daemon.containerd.kernel.hostname;
  if (mode.startsWith("container:")) {
    const target = findPeer(daemon, mode.slice("container:".length));
    return target?.config.Hostname ?? id.slice(0, 12);
  }
  return config.Hostname || id.slice(0, 12);
}

function findPeer(daemon: Daemon, name: string): DockerContainer | undefined {
  try {
    return daemon.container(name);
  } catch {
    return undefined;
  }
}

/** Defaults that upstream writes into the stored configuration. */
function fillHostConfig(host: HostConfig): HostConfig {
  const memory = host.Memory ?? 0;
  const mode = host.NetworkMode ?? "";
  return {
    ...host,
    NetworkMode: mode === "" || mode === "default" ? "bridge" : mode,
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || "no",
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    // Without a limit of its own, swap may grow to as much again.
    MemorySwap: memory > 0 && !host.MemorySwap ? memory * 2 : (host.MemorySwap ?? 0),
    LogConfig: { Type: host.LogConfig?.Type || "json-file", Config: host.LogConfig?.Config ?? {} },
    ShmSize: host.ShmSize || 64 * 1024 * 1024,
    Runtime: host.Runtime || "runc",
    IpcMode: host.IpcMode || "private",
    CgroupnsMode: host.CgroupnsMode || "",
  };
}

function addEndpoints(
  daemon: Daemon,
  container: DockerContainer,
  asked: Readonly<Record<string, EndpointSettings>>,
): void {
  const mode = container.networkMode;
  if (mode.startsWith("container:")) return;
  const settings = (name: string): EndpointSettings =>
    asked[name] ?? (name === "bridge" ? (asked["default"] ?? {}) : {});
  const network = daemon.networks.find(mode);
  const name = network?.name ?? mode;
  container.endpoints.set(name, { networkName: name, request: settings(mode), live: undefined });
  if (network) daemon.networks.checkRequest(network, settings(mode));
  for (const [other, request] of Object.entries(asked)) {
    const found = daemon.networks.find(other);
    const otherName = found?.name ?? other;
    if (other === "default" || container.endpoints.has(otherName)) continue;
    if (found) daemon.networks.checkRequest(found, request);
    container.endpoints.set(otherName, { networkName: otherName, request, live: undefined });
  }
}

function warningsOf(host: HostConfig): string[] {
  const warnings: string[] = [];
  if (host.NetworkMode === "host" && Object.keys(host.PortBindings ?? {}).length > 0)
    warnings.push("Published ports are discarded when using host network mode");
  if (host.OomKillDisable && !host.Memory)
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  return warnings;
}
