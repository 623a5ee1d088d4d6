/** /_ping, /version, /info, /events, /system, /networks and /volumes. */
import { parseRfc3339 } from "../../base/clock";
import { firstOf, suspend } from "../../base/task";
import { Signal } from "../../base/task";
import { parseDuration } from "../../text/go-duration";
import { ApiFailure, badRequest, conflict, forbidden, noSuchContainer } from "../api/failure";
import { type Filters, anyOf, hasLabels, matchesPattern, readBool, readFilters } from "../api/filters";
import type { CreateNetworkBody, EndpointSettings } from "../api/types";
import { buildCacheRecords } from "./build/cache";
import { COST, type Daemon } from "./daemon";
import type { RecordedEvent } from "./events";
import { sharedSize, listImages } from "./images";
import { goTime, summarizeContainer } from "./inspect";
import { updateDns } from "./lifecycle";
import type { DockerNetwork } from "./networks";
import { pruneNetworks, pruneVolumes } from "./prune";
import { type Route, json, noContent, route } from "./route";
import { streamResponse } from "./streams";
import type { Volume } from "./volumes";

const networkFilters = ["dangling", "driver", "id", "label", "name", "scope", "type"];
const volumeFilters = ["dangling", "driver", "label", "name"];
const eventFilters = [
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "secret",
  "service",
  "type",
  "volume",
];

const networkJson = (network: DockerNetwork, withContainers: boolean) => ({
  Name: network.name,
  Id: network.id,
  Created: goTime(network.created),
  Scope: "local",
  Driver: network.driver,
  EnableIPv4: true,
  EnableIPv6: network.enableIPv6,
  IPAM: {
    Driver: "default",
    Options: network.ipamOptions,
    Config: network.ipamConfig.length > 0 ? network.ipamConfig : null,
  },
  Internal: network.internal,
  Attachable: network.attachable,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: withContainers
    ? Object.fromEntries(
        [...network.active.values()]
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map((container) => {
            const live = container.endpoints.get(network.name)?.live;
            return [
              container.id,
              {
                Name: container.name,
                EndpointID: live?.endpointId ?? "",
                MacAddress: live?.mac ?? "",
                IPv4Address: live?.address ? `${live.address}/${live.prefix}` : "",
                IPv6Address: "",
              },
            ];
          }),
      )
    : {},
  Options: network.options,
  Labels: network.labels,
});

const volumeJson = (daemon: Daemon, volume: Volume, withUsage = false) => ({
  CreatedAt: goTime(Math.floor(volume.created / 1000) * 1000),
  Driver: "local",
  Labels: volume.labels,
  Mountpoint: volume.mountpoint,
  Name: volume.name,
  Options: volume.options,
  Scope: "local",
  ...(withUsage
    ? { UsageData: { RefCount: daemon.volumes.users(volume.name).length, Size: daemon.volumes.bytes(volume) } }
    : {}),
});

function matchesNetwork(daemon: Daemon, network: DockerNetwork, filters: Filters): boolean {
  const isUsed =
    network.active.size > 0 ||
    [...daemon.containers.values()].some((container) => container.endpoints.has(network.name));
  return (
    anyOf(filters["driver"], (driver) => network.driver === driver) &&
    anyOf(filters["id"], (id) => network.id.startsWith(id)) &&
    anyOf(filters["name"], (name) => matchesPattern(name, network.name)) &&
    anyOf(filters["scope"], (scope) => scope === "local") &&
    hasLabels(network.labels, filters["label"]) &&
    anyOf(filters["type"], (type) => {
      if (type !== "custom" && type !== "builtin") throw badRequest(`invalid filter 'type=${type}'`);
      return (type === "builtin") === network.isPredefined;
    }) &&
    anyOf(filters["dangling"], (value) => readBool(value) === (!isUsed && !network.isPredefined))
  );
}

/** Seconds, RFC 3339, or a time ago. */
function eventTime(daemon: Daemon, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const ago = parseDuration(text);
  if (ago.ok) return daemon.now() - ago.value;
  const instant = parseRfc3339(text);
  if (instant === undefined) throw badRequest(`invalid time: ${text}`);
  return instant;
}

function matchesEvent({ event }: RecordedEvent, filters: Filters): boolean {
  const { Type: type, Action: action, Actor: actor } = event;
  const names = (kind: string) => (value: string) =>
    type === kind &&
    (actor.ID === value ||
      actor.ID.startsWith(value) ||
      actor.Attributes["name"] === value ||
      actor.Attributes["name"]?.startsWith(value) === true);
  // Upstream's matcher looks at ids by prefix and at names in full or by prefix.
  return (
    anyOf(filters["type"], (value) => type === value) &&
    anyOf(filters["event"], (value) => action === value || action.startsWith(`${value}:`)) &&
    anyOf(filters["scope"], (value) => value === "local") &&
    hasLabels(actor.Attributes, filters["label"]) &&
    anyOf(filters["container"], (value) => matchesContainerFilter(type, actor, value)) &&
    anyOf(
      filters["image"],
      (value) =>
        names("image")(value) ||
        actor.Attributes["image"] === value ||
        stripTag(actor.Attributes["image"] ?? "") === value ||
        stripTag(actor.ID) === value,
    ) &&
    anyOf(filters["volume"], names("volume")) &&
    anyOf(filters["network"], names("network")) &&
    anyOf(filters["daemon"], names("daemon"))
  );
}

/** The name is compared with every kind of actor, as upstream's fuzzy match does: `ev` also finds `evv`. */
function matchesContainerFilter(type: string, actor: RecordedEvent["event"]["Actor"], value: string): boolean {
  if (type === "container" || type === "image" || type === "volume" || type === "network") {
    const name = actor.Attributes["name"];
    return actor.ID.startsWith(value) || (name?.startsWith(value) ?? false);
  }
  return false;
}

const stripTag = (name: string): string => name.replace(/:[^:/]*$/, "");

const notManager: Route["handle"] = function* () {
  throw new ApiFailure(
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
};

export const systemRoutes: readonly Route[] = [
  route("GET", "/_ping", function* (daemon) {
    return { status: 200, headers: pingHeaders(daemon), body: "OK" };
  }),
  route("HEAD", "/_ping", function* (daemon) {
    return { status: 200, headers: pingHeaders(daemon) };
  }),
  route("GET", "/version", function* (daemon) {
    const { facts } = daemon;
    const kernel = daemon.containerd.kernel.release;
    return json({
      Platform: { Name: "" },
      Components: [
        {
          Name: "Engine",
          Version: facts.version,
          Details: {
            ApiVersion: facts.apiVersion,
            Arch: "amd64",
            BuildTime: facts.buildTime,
            Experimental: "false",
            GitCommit: facts.gitCommit,
            GoVersion: facts.goVersion,
            KernelVersion: kernel,
            MinAPIVersion: facts.minApiVersion,
            Os: "linux",
          },
        },
        { Name: "containerd", Version: facts.containerdVersion, Details: { GitCommit: "" } },
        { Name: "runc", Version: facts.runcVersion, Details: { GitCommit: facts.runcCommit } },
        { Name: "docker-init", Version: facts.initVersion, Details: { GitCommit: "" } },
      ],
      Version: facts.version,
      ApiVersion: facts.apiVersion,
      MinAPIVersion: facts.minApiVersion,
      GitCommit: facts.gitCommit,
      GoVersion: facts.goVersion,
      Os: "linux",
      Arch: "amd64",
      KernelVersion: kernel,
      BuildTime: facts.buildTime,
    });
  }),
  route("GET", "/info", function* (daemon) {
    return json(info(daemon));
  }),
  route("GET", "/events", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), eventFilters);
    const since = eventTime(daemon, request.query("since"));
    const until = eventTime(daemon, request.query("until"));
    return streamResponse(daemon.loop, function* (writer) {
      const queue: RecordedEvent[] =
        since === undefined && until === undefined
          ? []
          : daemon.events.all().filter((recorded) => recorded.at >= (since ?? 0));
      const arrived = new Signal();
      const cancel = daemon.events.subscribe((recorded) => {
        queue.push(recorded);
        arrived.ring();
      });
      try {
        for (;;) {
          for (const recorded of queue.splice(0)) {
            if (until !== undefined && recorded.at > until) return;
            if (matchesEvent(recorded, filters)) writer.message(recorded.event);
          }
          if (until === undefined) yield* suspend(arrived.wait);
          else {
            if (daemon.now() >= until) return;
            yield* suspend(firstOf([arrived.wait, (resume) => daemon.loop.at(until, () => resume(undefined))]));
          }
        }
      } finally {
        cancel();
      }
    });
  }),
  route("GET", "/system/df", function* (daemon, request) {
    const types = request.queryAll("type");
    const wants = (type: string): boolean => types.length === 0 || types.includes(type);
    const images = listImages(daemon, { all: false, filters: {}, sharedSize: true, digests: false });
    return json({
      ...(wants("image")
        ? {
            LayersSize: daemon.containerd.images.content.bytes,
            Images: images.map((image) => ({
              ...image,
              Containers: [...daemon.containers.values()].filter((container) => container.image.id === image.Id).length,
              SharedSize: sharedSize(daemon, daemon.containerd.images.get(image.Id)!),
            })),
          }
        : {}),
      ...(wants("container")
        ? {
            Containers: [...daemon.containers.values()]
              .reverse()
              .map((container) => summarizeContainer(daemon, container, true)),
          }
        : {}),
      ...(wants("volume") ? { Volumes: daemon.volumes.all().map((volume) => volumeJson(daemon, volume, true)) } : {}),
      ...(wants("build-cache") ? { BuildCache: buildCacheRecords(daemon) } : {}),
    });
  }),

  // ---- networks ----------------------------------------------------------------------------------------------------

  ...["/services", "/nodes", "/secrets", "/configs", "/tasks"].flatMap((path) => [
    route("GET", path, notManager),
    route("GET", `${path}/:id`, notManager),
    route("DELETE", `${path}/:id`, notManager),
    route("POST", `${path}/create`, notManager),
    route("POST", `${path}/:id/update`, notManager),
  ]),
  route("GET", "/swarm", notManager),
  route("POST", "/swarm/leave", function* () {
    throw new ApiFailure(503, "This node is not part of a swarm");
  }),
  route("GET", "/plugins", function* () {
    return json([]);
  }),
  route("GET", "/networks", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), networkFilters);
    return json(
      daemon.networks
        .all()
        .filter((network) => matchesNetwork(daemon, network, filters))
        .map((network) => networkJson(network, false)),
    );
  }),
  route("POST", "/networks/create", function* (daemon, request) {
    const { network, warning } = daemon.networks.create(request.body<CreateNetworkBody>());
    yield* daemon.wait(60);
    return json({ Id: network.id, Warning: warning }, 201);
  }),
  route("POST", "/networks/prune", function* (daemon, request) {
    return json(pruneNetworks(daemon, readFilters(request.query("filters"), ["label", "label!", "until"])));
  }),
  route("GET", "/networks/:id", function* (daemon, request) {
    return json(networkJson(daemon.networks.get(decode(request.param())), true));
  }),
  route("DELETE", "/networks/:id", function* (daemon, request) {
    daemon.networks.remove(decode(request.param()));
    yield* daemon.wait(90);
    return noContent();
  }),
  route("POST", "/networks/:id/connect", function* (daemon, request) {
    const { Container: name = "", EndpointConfig: settings = {} } = request.body<{
      Container?: string;
      EndpointConfig?: EndpointSettings;
    }>();
    connect(daemon, decode(request.param()), name, settings ?? {});
    return noContent(200);
  }),
  route("POST", "/networks/:id/disconnect", function* (daemon, request) {
    const { Container: name = "", Force: force = false } = request.body<{ Container?: string; Force?: boolean }>();
    disconnect(daemon, decode(request.param()), name, force);
    return noContent(200);
  }),

  // ---- volumes -----------------------------------------------------------------------------------------------------

  route("GET", "/volumes", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), volumeFilters);
    const listed = daemon.volumes
      .all()
      .filter(
        (volume) =>
          anyOf(filters["name"], (name) => matchesPattern(name, volume.name)) &&
          anyOf(filters["driver"], (driver) => driver === "local") &&
          hasLabels(volume.labels, filters["label"]) &&
          anyOf(filters["dangling"], (value) => readBool(value) === (daemon.volumes.users(volume.name).length === 0)),
      );
    return json({ Volumes: listed.map((volume) => volumeJson(daemon, volume)), Warnings: null });
  }),
  route("POST", "/volumes/create", function* (daemon, request) {
    const body = request.body<{
      Name?: string;
      Driver?: string;
      DriverOpts?: Record<string, string>;
      Labels?: Record<string, string>;
    }>();
    const volume = daemon.volumes.create({
      ...(body.Name ? { name: body.Name } : {}),
      ...(body.Driver ? { driver: body.Driver } : {}),
      labels: body.Labels && Object.keys(body.Labels).length > 0 ? body.Labels : null,
      options: body.DriverOpts && Object.keys(body.DriverOpts).length > 0 ? body.DriverOpts : null,
    });
    return json(volumeJson(daemon, volume), 201);
  }),
  route("POST", "/volumes/prune", function* (daemon, request) {
    return json(pruneVolumes(daemon, readFilters(request.query("filters"), ["label", "label!", "all"])));
  }),
  route("GET", "/volumes/:name", function* (daemon, request) {
    const volume = daemon.volumes.get(request.param());
    if (!volume) throw noSuchVolume(request.param());
    return json(volumeJson(daemon, volume));
  }),
  route("PUT", "/volumes/:name", function* (daemon, request) {
    if (!daemon.volumes.get(request.param())) throw noSuchVolume(request.param());
    throw forbidden("volume is not a cluster volume");
  }),
  route("DELETE", "/volumes/:name", function* (daemon, request) {
    yield* daemon.wait(COST.small);
    daemon.volumes.remove(request.param(), request.flag("force"));
    return noContent();
  }),
];

const noSuchVolume = (name: string) => {
  const failure = noSuchContainer(name);
  failure.message = `get ${name}: no such volume`;
  return failure;
};

const decode = (text: string): string => decodeURIComponent(text.replace(/%(?![0-9a-fA-F]{2})/g, "%25"));

const pingHeaders = (daemon: Daemon) => ({
  "api-version": daemon.facts.apiVersion,
  "builder-version": "2",
  "docker-experimental": "false",
  ostype: "linux",
  server: `Docker/${daemon.facts.version} (linux)`,
  swarm: "inactive",
});

function connect(daemon: Daemon, id: string, name: string, request: EndpointSettings): void {
  const container = daemon.container(name);
  const network = daemon.networks.get(id);
  if (container.networkMode.startsWith("container:"))
    throw forbidden(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  if (network.driver === "host")
    throw forbidden("cannot connect container to host network - container must be created in host network mode");
  if (container.networkMode === "host")
    throw forbidden(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  const isPrivate =
    network.driver === "null" ||
    [...container.endpoints.keys()].some((other) => daemon.networks.find(other)?.driver === "null");
  if (
    isPrivate &&
    container.endpoints.size > 0 &&
    !(container.endpoints.size === 1 && container.endpoints.has(network.name))
  )
    throw forbidden(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  if (container.endpoints.has(network.name))
    throw forbidden(`endpoint with name ${container.name} already exists in network ${network.name}`);
  daemon.networks.checkRequest(network, request);
  const endpoint = {
    networkName: network.name,
    request: { ...request, DriverOpts: request.DriverOpts ?? {} },
    live: undefined,
  };
  container.endpoints.set(network.name, endpoint);
  if (container.running && container.netns) {
    try {
      daemon.networks.connect(container, endpoint, container.netns);
    } catch (error) {
      container.endpoints.delete(network.name);
      throw error;
    }
    updateDns(daemon, container);
  }
}

function disconnect(daemon: Daemon, id: string, name: string, force: boolean): void {
  const network = daemon.networks.find(id);
  const container = daemon.container(name);
  if (!network) throw daemon.networks.get(id);
  const endpoint = container.endpoints.get(network.name);
  if (network.driver === "host")
    throw conflict("container cannot be disconnected from host network or connected to host network");
  if (!endpoint) {
    if (force) return;
    throw forbidden(`container ${container.id} is not connected to network ${network.name}`);
  }
  daemon.networks.disconnect(container, endpoint);
  container.endpoints.delete(network.name);
}

function info(daemon: Daemon) {
  const all = [...daemon.containers.values()];
  const { kernel } = daemon.containerd;
  const { facts } = daemon;
  const paused = all.filter((container) => container.paused).length;
  const running = all.filter((container) => container.running && !container.paused).length;
  return {
    ID: daemon.id,
    Containers: all.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: all.length - running - paused,
    Images: daemon.containerd.images.images().length,
    Driver: "overlay2",
    DriverStatus: [
      ["Backing Filesystem", "extfs"],
      ["Supports d_type", "true"],
      ["Using metacopy", "false"],
      ["Native Overlay Diff", "true"],
      ["userxattr", "false"],
    ],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"],
      Authorization: null,
      Log: ["awslogs", "fluentd", "gelf", "journald", "json-file", "local", "splunk", "syslog"],
    },
    MemoryLimit: true,
    SwapLimit: true,
    ...(facts.cgroupVersion === "1" ? { KernelMemoryTCP: true } : {}),
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    IPv4Forwarding: true,
    Debug: false,
    NFd: 25 + all.length,
    OomKillDisable: facts.cgroupVersion === "1",
    NGoroutines: 40 + all.length * 4,
    SystemTime: goTime(daemon.now()),
    LoggingDriver: "json-file",
    CgroupDriver: facts.cgroupDriver,
    CgroupVersion: facts.cgroupVersion,
    NEventsListener: 0,
    KernelVersion: kernel.release,
    OperatingSystem: facts.operatingSystem,
    OSVersion: "",
    OSType: "linux",
    Architecture: "x86_64",
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      IndexConfigs: { "docker.io": { Mirrors: [], Name: "docker.io", Official: true, Secure: true } },
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"],
      Mirrors: null,
    },
    NCPU: kernel.cpuCount,
    MemTotal: kernel.memoryBytes,
    GenericResources: null,
    DockerRootDir: daemon.dataRoot,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: kernel.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: facts.version,
    Runtimes: { "io.containerd.runc.v2": { path: "runc" }, runc: { path: "runc" } },
    DefaultRuntime: "runc",
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: false,
    Isolation: "",
    InitBinary: "docker-init",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: facts.runcCommit },
    InitCommit: { ID: "" },
    SecurityOptions: ["name=seccomp,profile=builtin"],
    FirewallBackend: { Driver: "iptables" },
    CDISpecDirs: ["/etc/cdi", "/var/run/cdi"],
    Containerd: {
      Address: "/run/containerd/containerd.sock",
      Namespaces: { Containers: "moby", Plugins: "plugins.moby" },
    },
    Warnings: null,
  };
}
