/** docker stats: one sample of a container's counters, in the API's form. */
import type { DockerContainer } from "./container";
import type { Daemon } from "./daemon";
import { goTime } from "./inspect";

export interface StatsSample {
  readonly name: string;
  readonly id: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly networks?: Readonly<
    Record<
      string,
      { readonly rx_bytes: number; readonly rx_packets: number; readonly tx_bytes: number; readonly tx_packets: number }
    >
  >;
  readonly blkio_stats: {
    readonly io_service_bytes_recursive: readonly { readonly op: string; readonly value: number }[] | null;
  };
}

interface CpuStats {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
  readonly throttling_data: {
    readonly periods: number;
    readonly throttled_periods: number;
    readonly throttled_time: number;
  };
}

const NO_CPU: CpuStats = {
  cpu_usage: { total_usage: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

export function statsOf(daemon: Daemon, container: DockerContainer, before: StatsSample | undefined): StatsSample {
  const base = { name: `/${container.name}`, id: container.id };
  const metrics = container.runtime.metrics();
  if (!metrics || !container.running)
    return {
      ...base,
      read: goTime(undefined),
      preread: goTime(undefined),
      pids_stats: {},
      cpu_stats: NO_CPU,
      precpu_stats: NO_CPU,
      memory_stats: {},
      blkio_stats: { io_service_bytes_recursive: null },
    };
  const { kernel } = daemon.containerd;
  const cpu: CpuStats = {
    cpu_usage: { total_usage: Math.round(metrics.cpuUsageMs * 1e6) },
    // All CPUs' time, busy or idle: what percentages are taken of.
    system_cpu_usage: Math.round((metrics.at - kernel.bootedAt) * 1e6 * kernel.cpuCount),
    online_cpus: kernel.cpuCount,
    throttling_data: {
      periods: metrics.throttledPeriods,
      throttled_periods: metrics.throttledPeriods,
      throttled_time: Math.round(metrics.throttledMs * 1e6),
    },
  };
  const interfaces = (container.netns?.interfaces ?? []).filter((device) => device.kind !== "loopback");
  const isHost = container.networkMode === "host";
  return {
    ...base,
    read: goTime(metrics.at),
    preread: before?.read ?? goTime(undefined),
    pids_stats: {
      current: metrics.pids,
      ...(container.hostConfig.PidsLimit ? { limit: container.hostConfig.PidsLimit } : {}),
    },
    cpu_stats: cpu,
    precpu_stats: before?.cpu_stats ?? NO_CPU,
    memory_stats: { usage: metrics.memoryBytes, limit: container.hostConfig.Memory || kernel.memoryBytes, stats: {} },
    ...(isHost
      ? {}
      : {
          networks: Object.fromEntries(
            interfaces.map((device) => [
              device.name,
              {
                rx_bytes: device.received.bytes,
                rx_packets: device.received.packets,
                tx_bytes: device.sent.bytes,
                tx_packets: device.sent.packets,
              },
            ]),
          ),
        }),
    blkio_stats: { io_service_bytes_recursive: null },
  };
}
