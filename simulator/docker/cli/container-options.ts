/** The flags that `docker run` and `docker create` share, and the API request they make. */
import { failure, ok, type Result } from "../../base/result";
import {
  boolFlag,
  durationFlag,
  type FlagOptions,
  type FlagValues,
  intFlag,
  parseInteger,
  readCsv,
  stringArrayFlag,
  stringFlag,
  valueFlag,
  type Flag,
} from "../../cli/flags";
import type { Process } from "../../os/process";
import { ramInBytes } from "../../text/human-size";
import { quote } from "../../text/strconv";
import type { HealthConfig, MountRequest, PortBinding } from "../api/types";
import { parsePublish } from "./publish";
import { parseVolume } from "./volume-spec";
import { SysError } from "../../os/errno";

const list = (usage: string, options: FlagOptions = {}): Flag<readonly string[]> =>
  stringArrayFlag([], usage, { typeName: "list", defaultText: "", ...options });

/** opts.MemBytes: "512m" */
export const bytesFlag = (usage: string, options: FlagOptions = {}): Flag<number> =>
  valueFlag("bytes", 0, usage, (text) => ramInBytes(text), { defaultText: "", ...options });

/** opts.MemSwapBytes: -1 is without limit. */
const swapFlag = (usage: string): Flag<number> =>
  valueFlag("bytes", 0, usage, (text) => (text === "-1" ? ok(-1) : ramInBytes(text)), { defaultText: "" });

/** opts.NanoCPUs: a rational number of CPUs. */
export const cpusFlag = (usage: string): Flag<number> =>
  valueFlag(
    "decimal",
    0,
    usage,
    (text) => {
      if (!/^[-+]?(\d+\.?\d*|\.\d+|\d+\/\d+)$/.test(text))
        return failure(`failed to parse ${text} as a rational number`);
      const [over, under] = text.split("/");
      const nano = (Number(over) / Number(under ?? 1)) * 1e9;
      return Number.isInteger(Math.round(nano * 1e6) / 1e6) ? ok(Math.round(nano)) : failure("value is too precise");
    },
    { defaultText: "" },
  );

const ulimitFlag = (): Flag<readonly { Name: string; Soft: number; Hard: number }[]> =>
  valueFlag<readonly { Name: string; Soft: number; Hard: number }[]>(
    "ulimit",
    [],
    "Ulimit options",
    (text, previous) => {
      const match = /^([^=]+)=([^:]+)(?::(.+))?$/.exec(text);
      if (!match) return failure(`invalid ulimit argument: ${text}`);
      if (!ULIMITS.includes(match[1]!)) return failure(`invalid ulimit type: ${match[1]}`);
      const soft = parseInteger(match[2]!, 64);
      if (!soft.ok) return soft;
      const hard = match[3] === undefined ? soft : parseInteger(match[3], 64);
      if (!hard.ok) return hard;
      if (hard.value !== -1 && (soft.value === -1 || soft.value > hard.value))
        return failure(`ulimit soft limit must be less than or equal to hard limit: ${soft.value} > ${hard.value}`);
      return ok([...(previous ?? []), { Name: match[1]!, Soft: soft.value, Hard: hard.value }]);
    },
    { defaultText: "[]" },
  );

const ULIMITS = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

const sysctlFlag = (): Flag<Readonly<Record<string, string>>> =>
  valueFlag(
    "map",
    {},
    "Sysctl options",
    (text, previous) => {
      const at = text.indexOf("=");
      const key = at < 0 ? text : text.slice(0, at);
      if (
        at < 0 ||
        !/^(net\.|fs\.mqueue\.|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$)/.test(key)
      )
        return failure(`sysctl '${text}' is not allowed`);
      return ok({ ...previous, [key]: text.slice(at + 1) });
    },
    { defaultText: "map[]" },
  );

const attachFlag = (): Flag<readonly string[]> =>
  valueFlag<readonly string[]>(
    "list",
    [],
    "Attach to STDIN, STDOUT or STDERR",
    (text, previous) => {
      const stream = text.toLowerCase();
      if (!["stdin", "stdout", "stderr"].includes(stream)) return failure("valid streams are STDIN, STDOUT and STDERR");
      return ok([...(previous ?? []), stream]);
    },
    { shorthand: "a", defaultText: "" },
  );

export const containerFlags = {
  "add-host": list("Add a custom host-to-IP mapping (host:ip)"),
  annotation: list("Add an annotation to the container (passed through to the OCI runtime)", {
    typeName: "map",
    defaultText: "map[]",
  }),
  attach: attachFlag(),
  "blkio-weight": intFlag(0, "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)", {
    typeName: "uint16",
  }),
  "cap-add": list("Add Linux capabilities"),
  "cap-drop": list("Drop Linux capabilities"),
  "cgroup-parent": stringFlag("", "Optional parent cgroup for the container"),
  cgroupns: stringFlag("", "Cgroup namespace to use (host|private)"),
  cidfile: stringFlag("", "Write the container ID to the file"),
  "cpu-count": intFlag(0, "CPU count (Windows only)", { hidden: true }),
  "cpu-period": intFlag(0, "Limit CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": intFlag(0, "Limit CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-rt-period": intFlag(0, "Limit CPU real-time period in microseconds"),
  "cpu-rt-runtime": intFlag(0, "Limit CPU real-time runtime in microseconds"),
  "cpu-shares": intFlag(0, "CPU shares (relative weight)", { shorthand: "c" }),
  cpus: cpusFlag("Number of CPUs"),
  "cpuset-cpus": stringFlag("", "CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": stringFlag("", "MEMs in which to allow execution (0-3, 0,1)"),
  device: list("Add a host device to the container"),
  "disable-content-trust": boolFlag(true, "Skip image verification"),
  dns: list("Set custom DNS servers"),
  "dns-option": list("Set DNS options"),
  "dns-search": list("Set custom DNS search domains"),
  domainname: stringFlag("", "Container NIS domain name"),
  entrypoint: stringFlag("", "Overwrite the default ENTRYPOINT of the image"),
  env: list("Set environment variables", { shorthand: "e" }),
  "env-file": list("Read in a file of environment variables"),
  expose: list("Expose a port or a range of ports"),
  gpus: stringFlag("", "GPU devices to add to the container ('all' to pass all GPUs)", { typeName: "gpu-request" }),
  "group-add": list("Add additional groups to join"),
  "health-cmd": stringFlag("", "Command to run to check health"),
  "health-interval": durationFlag(0, "Time between running the check (ms|s|m|h) (default 0s)"),
  "health-retries": intFlag(0, "Consecutive failures needed to report unhealthy"),
  "health-start-interval": durationFlag(
    0,
    "Time between running the check during the start period (ms|s|m|h) (default 0s)",
  ),
  "health-start-period": durationFlag(
    0,
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
  ),
  "health-timeout": durationFlag(0, "Maximum time to allow one check to run (ms|s|m|h) (default 0s)"),
  hostname: stringFlag("", "Container host name", { shorthand: "h" }),
  init: boolFlag(false, "Run an init inside the container that forwards signals and reaps processes"),
  interactive: boolFlag(false, "Keep STDIN open even if not attached", { shorthand: "i" }),
  ip: stringFlag("", "IPv4 address (e.g., 172.30.100.104)"),
  ip6: stringFlag("", "IPv6 address (e.g., 2001:db8::33)"),
  ipc: stringFlag("", "IPC mode to use"),
  isolation: stringFlag("", "Container isolation technology"),
  "kernel-memory": bytesFlag("Kernel memory limit", { hidden: true }),
  label: list("Set meta data on a container", { shorthand: "l" }),
  "label-file": list("Read in a line delimited file of labels"),
  link: list("Add link to another container"),
  "log-driver": stringFlag("", "Logging driver for the container"),
  "log-opt": list("Log driver options"),
  "mac-address": stringFlag("", "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
  memory: bytesFlag("Memory limit", { shorthand: "m" }),
  "memory-reservation": bytesFlag("Memory soft limit"),
  "memory-swap": swapFlag("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
  "memory-swappiness": intFlag(-1, "Tune container memory swappiness (0 to 100)"),
  mount: list("Attach a filesystem mount to the container", { typeName: "mount" }),
  name: stringFlag("", "Assign a name to the container"),
  network: list("Connect a container to a network", { typeName: "network" }),
  net: list("Connect a container to a network", { hidden: true }),
  "network-alias": list("Add network-scoped alias for the container"),
  "net-alias": list("Add network-scoped alias for the container", { hidden: true }),
  "no-healthcheck": boolFlag(false, "Disable any container-specified HEALTHCHECK"),
  "oom-kill-disable": boolFlag(false, "Disable OOM Killer"),
  "oom-score-adj": intFlag(0, "Tune host's OOM preferences (-1000 to 1000)"),
  pid: stringFlag("", "PID namespace to use"),
  "pids-limit": intFlag(0, "Tune container pids limit (set -1 for unlimited)"),
  platform: stringFlag("", "Set platform if server is multi-platform capable"),
  privileged: boolFlag(false, "Give extended privileges to this container"),
  publish: list("Publish a container's port(s) to the host", { shorthand: "p" }),
  "publish-all": boolFlag(false, "Publish all exposed ports to random ports", { shorthand: "P" }),
  pull: stringFlag("missing", 'Pull image before running ("always", "missing", "never")'),
  quiet: boolFlag(false, "Suppress the pull output", { shorthand: "q" }),
  "read-only": boolFlag(false, "Mount the container's root filesystem as read only"),
  restart: stringFlag("no", "Restart policy to apply when a container exits"),
  rm: boolFlag(false, "Automatically remove the container and its associated anonymous volumes when it exits"),
  runtime: stringFlag("", "Runtime to use for this container"),
  "security-opt": list("Security Options"),
  "shm-size": bytesFlag("Size of /dev/shm"),
  "stop-signal": stringFlag("", "Signal to stop the container"),
  "stop-timeout": intFlag(0, "Timeout (in seconds) to stop a container"),
  "storage-opt": list("Storage driver options for the container"),
  sysctl: sysctlFlag(),
  tmpfs: list("Mount a tmpfs directory"),
  tty: boolFlag(false, "Allocate a pseudo-TTY", { shorthand: "t" }),
  ulimit: ulimitFlag(),
  user: stringFlag("", "Username or UID (format: <name|uid>[:<group|gid>])", { shorthand: "u" }),
  userns: stringFlag("", "User namespace to use"),
  uts: stringFlag("", "UTS namespace to use"),
  volume: list("Bind mount a volume", { shorthand: "v" }),
  "volume-driver": stringFlag("", "Optional volume driver for the container"),
  "volumes-from": list("Mount volumes from the specified container(s)"),
  workdir: stringFlag("", "Working directory inside the container", { shorthand: "w" }),
} as const;

export type ContainerFlags = FlagValues<typeof containerFlags>;

export interface ContainerRequest {
  readonly name: string;
  readonly platform: string;
  readonly image: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Flags and arguments into the create request; the error is what the CLI says before it asks the engine. */
export function containerRequest(
  process: Process,
  flags: ContainerFlags,
  changed: (flag: string) => boolean,
  args: readonly string[],
): Result<ContainerRequest, string> {
  const [image, ...command] = args as [string, ...string[]];
  const environment = environmentOf(process, flags.env, flags["env-file"]);
  if (!environment.ok) return environment;
  const labels = labelsOf(process, flags.label, flags["label-file"]);
  if (!labels.ok) return labels;
  const ports = parsePublish(flags.publish, flags.expose);
  if (!ports.ok) return ports;
  const volumes = volumesOf(process, flags.volume);
  if (!volumes.ok) return volumes;
  const mounts = mountsOf(flags.mount);
  if (!mounts.ok) return mounts;
  const restart = restartPolicy(flags.restart);
  if (!restart.ok) return restart;
  const health = healthcheck(flags, changed);
  if (!health.ok) return health;
  if (flags.rm && changed("restart") && flags.restart !== "no" && flags.restart !== "")
    return failure("conflicting options: cannot specify both --restart and --rm");
  if (changed("stop-timeout") && flags["stop-timeout"] < -1) return failure("invalid stop timeout");
  for (const host of flags["add-host"])
    if (!/^[^:=]+[:=].+$/.test(host)) return failure(`bad format for add-host: ${quote(host)}`);
  const devices = devicesOf(flags.device);
  if (!devices.ok) return devices;
  const networks = [...flags.network, ...flags.net];
  const network = readNetwork(networks[0]);
  const aliases = [...flags["network-alias"], ...flags["net-alias"], ...network.aliases];
  const mode = network.name || "default";
  const ip = flags.ip || network.ip;
  const logOptions: Record<string, string> = {};
  for (const option of flags["log-opt"]) logOptions[option.split("=")[0]!] = option.slice(option.indexOf("=") + 1);

  const endpoints: Record<string, unknown> = {};
  if (mode !== "default" || aliases.length > 0 || ip || flags["mac-address"]) {
    endpoints[mode] = {
      ...(aliases.length > 0 ? { Aliases: aliases } : {}),
      ...(ip || flags.ip6
        ? { IPAMConfig: { ...(ip ? { IPv4Address: ip } : {}), ...(flags.ip6 ? { IPv6Address: flags.ip6 } : {}) } }
        : {}),
      ...(flags["mac-address"] ? { MacAddress: flags["mac-address"] } : {}),
    };
  }
  for (const extra of networks.slice(1)) endpoints[readNetwork(extra).name] = {};

  const attach = flags.attach;
  return ok({
    name: flags.name,
    platform: flags.platform,
    image,
    body: {
      Hostname: flags.hostname,
      Domainname: flags.domainname,
      User: flags.user,
      AttachStdin: attach.includes("stdin"),
      AttachStdout: attach.includes("stdout"),
      AttachStderr: attach.includes("stderr"),
      ...(Object.keys(ports.value.exposed).length > 0 ? { ExposedPorts: ports.value.exposed } : {}),
      Tty: flags.tty,
      OpenStdin: flags.interactive,
      StdinOnce: false,
      Env: environment.value,
      Cmd: command.length > 0 ? command : null,
      ...(health.value ? { Healthcheck: health.value } : {}),
      Image: image,
      Volumes: volumes.value.anonymous,
      WorkingDir: flags.workdir,
      Entrypoint: changed("entrypoint") ? (flags.entrypoint === "" ? [""] : [flags.entrypoint]) : null,
      Labels: labels.value,
      ...(flags["stop-signal"] ? { StopSignal: flags["stop-signal"] } : {}),
      ...(changed("stop-timeout") ? { StopTimeout: flags["stop-timeout"] } : {}),
      HostConfig: {
        Binds: volumes.value.binds.length > 0 ? volumes.value.binds : null,
        ContainerIDFile: flags.cidfile,
        LogConfig: { Type: flags["log-driver"], Config: logOptions },
        NetworkMode: mode,
        PortBindings: ports.value.bindings satisfies Record<string, PortBinding[]>,
        RestartPolicy: restart.value,
        AutoRemove: flags.rm,
        VolumeDriver: flags["volume-driver"],
        VolumesFrom: flags["volumes-from"].length > 0 ? flags["volumes-from"] : null,
        ConsoleSize: consoleSize(process),
        CapAdd: flags["cap-add"].length > 0 ? flags["cap-add"] : null,
        CapDrop: flags["cap-drop"].length > 0 ? flags["cap-drop"] : null,
        CgroupnsMode: flags.cgroupns,
        Dns: flags.dns,
        DnsOptions: flags["dns-option"],
        DnsSearch: flags["dns-search"],
        ExtraHosts: flags["add-host"].length > 0 ? flags["add-host"].map((host) => host.replace("=", ":")) : null,
        GroupAdd: flags["group-add"].length > 0 ? flags["group-add"] : null,
        IpcMode: flags.ipc,
        Links: flags.link.length > 0 ? flags.link : null,
        OomScoreAdj: flags["oom-score-adj"],
        PidMode: flags.pid,
        Privileged: flags.privileged,
        PublishAllPorts: flags["publish-all"],
        ReadonlyRootfs: flags["read-only"],
        SecurityOpt: flags["security-opt"].length > 0 ? flags["security-opt"] : null,
        ...(flags["storage-opt"].length > 0 ? { StorageOpt: flags["storage-opt"] } : {}),
        ...(flags.tmpfs.length > 0
          ? {
              Tmpfs: Object.fromEntries(
                flags.tmpfs.map((entry) => [
                  entry.split(":")[0]!,
                  entry.includes(":") ? entry.slice(entry.indexOf(":") + 1) : "",
                ]),
              ),
            }
          : {}),
        UTSMode: flags.uts,
        UsernsMode: flags.userns,
        ShmSize: flags["shm-size"],
        ...(Object.keys(flags.sysctl).length > 0 ? { Sysctls: flags.sysctl } : {}),
        Runtime: flags.runtime,
        Isolation: flags.isolation,
        CpuShares: flags["cpu-shares"],
        Memory: flags.memory,
        NanoCpus: flags.cpus,
        CgroupParent: flags["cgroup-parent"],
        BlkioWeight: flags["blkio-weight"],
        CpuPeriod: flags["cpu-period"],
        CpuQuota: flags["cpu-quota"],
        CpuRealtimePeriod: flags["cpu-rt-period"],
        CpuRealtimeRuntime: flags["cpu-rt-runtime"],
        CpusetCpus: flags["cpuset-cpus"],
        CpusetMems: flags["cpuset-mems"],
        Devices: devices.value,
        DeviceRequests: flags.gpus
          ? [
              {
                Driver: "",
                Count: flags.gpus === "all" ? -1 : Number(flags.gpus),
                DeviceIDs: null,
                Capabilities: [["gpu"]],
                Options: {},
              },
            ]
          : null,
        MemoryReservation: flags["memory-reservation"],
        MemorySwap: flags["memory-swap"],
        MemorySwappiness: flags["memory-swappiness"],
        OomKillDisable: flags["oom-kill-disable"],
        PidsLimit: flags["pids-limit"],
        Ulimits: flags.ulimit,
        ...(flags.init ? { Init: true } : {}),
        ...(mounts.value.length > 0 ? { Mounts: mounts.value } : {}),
        ...(flags.annotation.length > 0
          ? {
              Annotations: Object.fromEntries(
                flags.annotation.map((one) => [one.split("=")[0]!, one.slice(one.indexOf("=") + 1)]),
              ),
            }
          : {}),
      },
      NetworkingConfig: { EndpointsConfig: endpoints },
    },
  });
}

function consoleSize(process: Process): [number, number] {
  const tty = process.ttyOf(1);
  return tty ? [tty.rows, tty.columns] : [0, 0];
}

/** KEY=VALUE, KEY alone (taken from the caller's environment), and files of such lines. */
export function environmentOf(
  process: Process,
  given: readonly string[],
  files: readonly string[],
): Result<string[], string> {
  const all: string[] = [];
  for (const file of files) {
    const lines = readLines(process, file);
    if (!lines.ok) return lines;
    for (const line of lines.value) {
      const trimmed = line.trimStart();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const key = trimmed.split("=")[0]!;
      if (/\s/.test(key)) return failure(`invalid env file (${file}): variable '${key}' contains whitespaces`);
      if (key === "") return failure(`invalid env file (${file}): no variable name on line '${trimmed}'`);
      add(trimmed);
    }
  }
  for (const entry of given) {
    if (entry.startsWith("=") || entry === "") return failure(`invalid environment variable: ${entry}`);
    add(entry);
  }
  return ok(all);

  function add(entry: string): void {
    if (entry.includes("=")) all.push(entry);
    else if (process.env[entry] !== undefined) all.push(`${entry}=${process.env[entry]}`);
  }
}

function labelsOf(
  process: Process,
  given: readonly string[],
  files: readonly string[],
): Result<Record<string, string>, string> {
  const labels: Record<string, string> = {};
  for (const file of files) {
    const lines = readLines(process, file);
    if (!lines.ok) return lines;
    for (const line of lines.value) if (line.trim() !== "" && !line.trimStart().startsWith("#")) set(line.trim());
  }
  for (const entry of given) set(entry);
  return ok(labels);

  function set(entry: string): void {
    const at = entry.indexOf("=");
    labels[at < 0 ? entry : entry.slice(0, at)] = at < 0 ? "" : entry.slice(at + 1);
  }
}

function readLines(process: Process, file: string): Result<string[], string> {
  try {
    return ok(process.readText(file).split("\n"));
  } catch (error) {
    if (error instanceof SysError) return failure(`open ${file}: ${error.text.toLowerCase()}`);
    throw error;
  }
}

function volumesOf(
  process: Process,
  given: readonly string[],
): Result<{ binds: string[]; anonymous: Record<string, object> }, string> {
  const binds: string[] = [];
  const anonymous: Record<string, object> = {};
  for (const spec of given) {
    const volume = parseVolume(spec);
    if (!volume.ok) return volume;
    if (volume.value.source === undefined) anonymous[volume.value.target] = {};
    else binds.push([absoluteSource(process, volume.value.source), ...spec.split(":").slice(1)].join(":"));
  }
  return ok({ binds, anonymous });
}

/** `.` and `./x` are from the working folder; names stay names. */
export const absoluteSource = (process: Process, source: string): string =>
  source === "." || source.startsWith("./") || source.startsWith("../") || source === ".."
    ? process.path(source)
    : source;

/** `type=bind,src=/a,dst=/b,readonly` */
function mountsOf(given: readonly string[]): Result<MountRequest[], string> {
  const mounts: MountRequest[] = [];
  for (const spec of given) {
    const invalid = (why: string): Result<never, string> =>
      failure(`invalid argument ${quote(spec)} for "--mount" flag: ${why}`);
    let mount: Record<string, unknown> = { Type: "volume" };
    for (const field of readCsv(spec)) {
      const at = field.indexOf("=");
      const key = (at < 0 ? field : field.slice(0, at)).trim().toLowerCase();
      const value = at < 0 ? undefined : field.slice(at + 1);
      if (at < 0 && !["readonly", "ro", "volume-nocopy", "bind-nonrecursive"].includes(key))
        return invalid(`invalid field '${field}' must be a key=value pair`);
      if (key === "type") mount["Type"] = value!.toLowerCase();
      else if (key === "source" || key === "src") mount["Source"] = value;
      else if (key === "target" || key === "dst" || key === "destination") mount["Target"] = value;
      else if (key === "readonly" || key === "ro")
        mount["ReadOnly"] = value === undefined || value === "true" || value === "1";
      else if (key === "volume-nocopy")
        mount = { ...mount, VolumeOptions: { ...(mount["VolumeOptions"] as object), NoCopy: value !== "false" } };
      else if (key === "volume-driver")
        mount = { ...mount, VolumeOptions: { ...(mount["VolumeOptions"] as object), DriverConfig: { Name: value } } };
      else if (key === "volume-subpath")
        mount = { ...mount, VolumeOptions: { ...(mount["VolumeOptions"] as object), Subpath: value } };
      else if (key === "bind-propagation")
        mount = { ...mount, BindOptions: { ...(mount["BindOptions"] as object), Propagation: value } };
      else if (key === "tmpfs-size") {
        const size = ramInBytes(value!);
        if (!size.ok) return invalid(`invalid value for ${key}: ${value}`);
        mount = { ...mount, TmpfsOptions: { ...(mount["TmpfsOptions"] as object), SizeBytes: size.value } };
      } else if (key === "tmpfs-mode")
        mount = { ...mount, TmpfsOptions: { ...(mount["TmpfsOptions"] as object), Mode: Number.parseInt(value!, 8) } };
      else if (key !== "consistency" && key !== "bind-recursive" && key !== "bind-nonrecursive")
        return invalid(`unexpected key '${key}' in '${field}'`);
    }
    if (!mount["Type"]) return invalid("type is required");
    if (!mount["Target"]) return invalid("target is required");
    mounts.push(mount as unknown as MountRequest);
  }
  return ok(mounts);
}

function devicesOf(given: readonly string[]): Result<Record<string, string>[], string> {
  const devices: Record<string, string>[] = [];
  for (const spec of given) {
    const parts = spec.split(":");
    if (parts.length > 3) return failure(`invalid device specification: ${spec}`);
    const [source, second, third] = parts as [string, string?, string?];
    const isMode = second !== undefined && /^[rwm]{1,3}$/.test(second);
    devices.push({
      PathOnHost: source,
      PathInContainer: isMode || !second ? source : second,
      CgroupPermissions: third ?? (isMode ? second! : "rwm"),
    });
  }
  return ok(devices);
}

/** `on-failure:3` */
export function restartPolicy(text: string): Result<{ Name: string; MaximumRetryCount: number }, string> {
  if (text === "") return ok({ Name: "", MaximumRetryCount: 0 });
  const at = text.indexOf(":");
  const name = at < 0 ? text : text.slice(0, at);
  if (name === "") return failure("invalid restart policy format: no policy provided before colon");
  if (at < 0) return ok({ Name: name, MaximumRetryCount: 0 });
  const count = text.slice(at + 1);
  if (!/^-?\d+$/.test(count)) return failure("invalid restart policy format: maximum retry count must be an integer");
  return ok({ Name: name, MaximumRetryCount: Number(count) });
}

function healthcheck(
  flags: ContainerFlags,
  changed: (flag: string) => boolean,
): Result<HealthConfig | undefined, string> {
  const some = [
    "health-cmd",
    "health-interval",
    "health-timeout",
    "health-start-period",
    "health-retries",
    "health-start-interval",
  ].some(changed);
  if (flags["no-healthcheck"])
    return some ? failure("--no-healthcheck conflicts with --health-* options") : ok({ Test: ["NONE"] });
  if (!some) return ok(undefined);
  if (flags["health-interval"] < 0) return failure("--health-interval cannot be negative");
  if (flags["health-timeout"] < 0) return failure("--health-timeout cannot be negative");
  if (flags["health-retries"] < 0) return failure("--health-retries cannot be negative");
  if (flags["health-start-period"] < 0) return failure("--health-start-period cannot be negative");
  const nanoseconds = (ms: number): number => ms * 1_000_000;
  return ok({
    ...(flags["health-cmd"] ? { Test: ["CMD-SHELL", flags["health-cmd"]] } : {}),
    Interval: nanoseconds(flags["health-interval"]),
    Timeout: nanoseconds(flags["health-timeout"]),
    StartPeriod: nanoseconds(flags["health-start-period"]),
    StartInterval: nanoseconds(flags["health-start-interval"]),
    Retries: flags["health-retries"],
  });
}

/** `--network name=x,alias=a,ip=…` or a plain name. */
function readNetwork(text: string | undefined): { name: string; aliases: string[]; ip: string } {
  if (text === undefined || !text.includes("=")) return { name: text ?? "", aliases: [], ip: "" };
  const result = { name: "", aliases: [] as string[], ip: "" };
  for (const field of readCsv(text)) {
    const value = field.slice(field.indexOf("=") + 1);
    if (field.startsWith("name=")) result.name = value;
    else if (field.startsWith("alias=")) result.aliases.push(value);
    else if (field.startsWith("ip=")) result.ip = value;
  }
  return result;
}
