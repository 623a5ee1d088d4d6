/** What dockerd refuses before it makes a container: limits, modes and options, in its own words. */
import { badRequest, systemError } from "../api/failure";
import type { ContainerConfig, HostConfig, RestartPolicy } from "../api/types";
import { parseSignal } from "../../os/signals";

const MEMORY_MIN = 6 * 1024 * 1024;

export function verifyRestartPolicy(policy: RestartPolicy | undefined): void {
  if (!policy) return;
  const { Name: name, MaximumRetryCount: count } = policy;
  switch (name) {
    case "always":
    case "unless-stopped":
    case "no":
    case "":
      if (count > 0) throw badRequest("invalid restart policy: maximum retry count can only be used with 'on-failure'");
      if (count < 0)
        throw badRequest(
          "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
        );
      return;
    case "on-failure":
      if (count < 0) throw badRequest("invalid restart policy: maximum retry count cannot be negative");
      return;
    default:
      throw badRequest(
        `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}

/** Limits of memory, CPU and processes. */
export function verifyResources(host: HostConfig, cpuCount: number): void {
  const memory = host.Memory ?? 0;
  const swap = host.MemorySwap ?? 0;
  if (memory !== 0 && memory < MEMORY_MIN) throw badRequest("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory)
    throw badRequest("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (memory === 0 && swap > 0)
    throw badRequest("You should always set the Memory limit when using Memoryswap limit, see usage");
  const swappiness = host.MemorySwappiness;
  if (swappiness !== undefined && swappiness !== null && (swappiness < -1 || swappiness > 100))
    throw badRequest(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  const reservation = host.MemoryReservation ?? 0;
  if (reservation > 0 && reservation < MEMORY_MIN) throw badRequest("Minimum memory reservation allowed is 6MB");
  if (memory > 0 && reservation > 0 && memory < reservation)
    throw badRequest("Minimum memory limit can not be less than memory reservation limit, see usage");
  const nanoCpus = host.NanoCpus ?? 0;
  if (nanoCpus !== 0 && (host.CpuPeriod ?? 0) > 0)
    throw badRequest("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (nanoCpus !== 0 && (host.CpuQuota ?? 0) > 0)
    throw badRequest("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (nanoCpus < 0 || nanoCpus > cpuCount * 1e9)
    throw badRequest(
      `range of CPUs is from 0.01 to ${cpuCount.toFixed(2)}, as there are only ${cpuCount} CPUs available`,
    );
  const period = host.CpuPeriod ?? 0;
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    throw badRequest("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  const quota = host.CpuQuota ?? 0;
  if (quota > 0 && quota < 1000) throw badRequest("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  verifyCpuset(host.CpusetCpus ?? "", "cpus", cpuCount);
  verifyCpuset(host.CpusetMems ?? "", "mems", 1);
  const weight = host.BlkioWeight ?? 0;
  if (weight > 0 && (weight < 10 || weight > 1000)) throw badRequest("Range of blkio weight is from 10 to 1000");
}

function verifyCpuset(text: string, kind: "cpus" | "mems", count: number): void {
  if (text === "") return;
  const wanted: number[] = [];
  for (const part of text.split(",")) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!range) throw badRequest(`Invalid value ${text} for cpuset ${kind}: invalid format: ${text}`);
    for (let cpu = Number(range[1]); cpu <= Number(range[2] ?? range[1]); cpu++) wanted.push(cpu);
  }
  if (wanted.some((cpu) => cpu >= count)) {
    const what = kind === "cpus" ? "CPUs" : "memory nodes";
    throw badRequest(
      `Requested ${what} are not available - requested ${text}, available: ${count === 1 ? "0" : `0-${count - 1}`}`,
    );
  }
}

const capabilities =
  "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM".split(
    " ",
  );

function verifyCapabilities(names: readonly string[] | null | undefined, option: "CapAdd" | "CapDrop"): void {
  for (const name of names ?? []) {
    const upper = name.toUpperCase();
    const full = upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (full !== "ALL" && !capabilities.includes(full.slice(4)))
      throw badRequest(`invalid ${option}: unknown capability: "${full}"`);
  }
}

/** Everything of the host configuration that needs no look at other objects. */
export function verifyHostConfig(host: HostConfig, cpuCount: number): void {
  if (host.AutoRemove && host.RestartPolicy && !["", "no"].includes(host.RestartPolicy.Name))
    throw badRequest("can't create 'AutoRemove' container with restart policy");
  for (const entry of host.ExtraHosts ?? [])
    if (!entry.includes(":")) throw badRequest(`invalid extra host: bad format for add-host: "${entry}"`);
  verifyRestartPolicy(host.RestartPolicy);
  verifyCapabilities(host.CapAdd, "CapAdd");
  verifyCapabilities(host.CapDrop, "CapDrop");
  if (host.Isolation && host.Isolation !== "default")
    throw badRequest(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
  verifyResources(host, cpuCount);
  const runtime = host.Runtime ?? "";
  if (runtime !== "" && runtime !== "runc" && runtime !== "io.containerd.runc.v2")
    throw badRequest(`unknown or invalid runtime name: ${runtime}`);
  const log = host.LogConfig?.Type ?? "";
  if (log !== "" && !["json-file", "local", "none"].includes(log)) {
    if (["awslogs", "fluentd", "gelf", "journald", "splunk", "syslog"].includes(log))
      throw systemError(`the logging driver "${log}" is not simulated; json-file, local and none are`);
    throw badRequest(`error looking up logging plugin ${log}: plugin "${log}" not found`);
  }
  const ipc = host.IpcMode ?? "";
  if (ipc !== "" && !["none", "private", "shareable", "host"].includes(ipc) && !ipc.startsWith("container:"))
    throw badRequest(`invalid IPC mode: ${ipc}`);
  const pid = host.PidMode ?? "";
  if (pid !== "" && pid !== "host" && !pid.startsWith("container:")) throw badRequest(`invalid PID mode: ${pid}`);
  const uts = host.UTSMode ?? "";
  if (uts !== "" && uts !== "host") throw badRequest(`invalid UTS mode: ${uts}`);
  const mode = host.NetworkMode ?? "";
  if (mode.startsWith("container:") && Object.keys(host.PortBindings ?? {}).length > 0)
    throw badRequest("conflicting options: port publishing and the container type network mode");
  for (const bindings of Object.values(host.PortBindings ?? {}))
    for (const { HostPort: port } of bindings ?? [])
      if (port !== "" && !/^\d+(-\d+)?$/.test(port)) throw badRequest(`invalid port specification: "${port}"`);
}

/** The container's own configuration. */
export function verifyConfig(config: ContainerConfig): void {
  const directory = config.WorkingDir ?? "";
  if (directory !== "" && !directory.startsWith("/"))
    throw badRequest(`the working directory '${directory}' is invalid, it needs to be an absolute path`);
  if (config.StopSignal && !parseSignal(config.StopSignal)) throw badRequest(`invalid signal: ${config.StopSignal}`);
  for (const entry of config.Env ?? [])
    if (entry === "" || entry.startsWith("=")) throw badRequest("invalid environment variable: " + entry);
  const health = config.Healthcheck;
  if (!health) return;
  const interval = (value: number | undefined, name: string): void => {
    if (value !== undefined && value !== 0 && value < 1e6)
      throw badRequest(`${name} in Healthcheck cannot be less than 1ms`);
  };
  interval(health.Interval, "Interval");
  interval(health.Timeout, "Timeout");
  interval(health.StartPeriod, "StartPeriod");
  interval(health.StartInterval, "StartInterval");
  if ((health.Retries ?? 0) < 0) throw badRequest("Retries in Healthcheck cannot be negative");
}
