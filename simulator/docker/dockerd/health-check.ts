/** Health checks: a probe runs in the container again and again; some failures in a row make it unhealthy. */
import { decodeUtf8 } from "../../base/bytes";
import { type Task, firstOf, sleep, startTask, suspend } from "../../base/task";
import { RuntimeFailure } from "../../containerd/api";
import type { StartedProcess } from "../../containerd/tasks";
import type { HealthConfig } from "../api/types";
import type { DockerContainer, HealthProbe } from "./container";
import type { Daemon } from "./daemon";

const LOG_MAX = 5;
const OUTPUT_MAX = 4096;
const DEFAULT_SHELL = ["/bin/sh", "-c"];

const ms = (nanoseconds: number | undefined, fallback: number): number => (nanoseconds ? nanoseconds / 1e6 : fallback);

/** The probe's command; undefined when there is none or it is switched off. */
function probeCommand(config: HealthConfig, shell: readonly string[]): readonly string[] | undefined {
  const [kind, ...rest] = config.Test ?? [];
  if (kind === "CMD") return rest;
  if (kind === "CMD-SHELL") return [...shell, rest[0] ?? ""];
  return undefined;
}

export function startHealthChecks(daemon: Daemon, container: DockerContainer): void {
  container.stopHealth.current?.();
  container.health = undefined;
  const config = container.config.Healthcheck;
  const command = config && probeCommand(config, container.config.Shell ?? DEFAULT_SHELL);
  if (!config || !command) return;
  container.health = { status: "starting", failingStreak: 0, log: [] };
  const task = startTask(daemon.loop, monitor(daemon, container, config, command), () => {});
  container.stopHealth.current = () => {
    task.cancel();
    container.stopHealth.current = undefined;
  };
}

function* monitor(
  daemon: Daemon,
  container: DockerContainer,
  config: HealthConfig,
  command: readonly string[],
): Task<void> {
  const startPeriodMs = ms(config.StartPeriod, 0);
  const startedAt = daemon.now();
  const interval = (): number => {
    const inStart = container.health?.status === "starting" && daemon.now() - startedAt < startPeriodMs;
    return inStart ? ms(config.StartInterval, 5000) : ms(config.Interval, 30_000);
  };
  for (;;) {
    yield* sleep(daemon.loop, interval());
    if (!container.running) return;
    if (container.paused) continue;
    const probe = yield* runProbe(daemon, container, command, ms(config.Timeout, 30_000));
    if (!container.running || !container.health) return;
    const inStart = daemon.now() - startedAt < startPeriodMs;
    judge(daemon, container, probe, config.Retries || 3, inStart);
  }
}

function judge(
  daemon: Daemon,
  container: DockerContainer,
  probe: HealthProbe,
  retries: number,
  isStarting: boolean,
): void {
  const health = container.health!;
  const before = health.status;
  health.log = [...health.log, probe].slice(-LOG_MAX);
  if (probe.exitCode === 0) {
    health.failingStreak = 0;
    health.status = "healthy";
  } else if (!(isStarting && health.status === "starting")) {
    health.failingStreak++;
    if (health.failingStreak >= retries) health.status = "unhealthy";
  }
  if (health.status !== before) daemon.publish(container, `health_status: ${health.status}`);
  container.changed.ring();
}

function* runProbe(
  daemon: Daemon,
  container: DockerContainer,
  command: readonly string[],
  timeoutMs: number,
): Task<HealthProbe> {
  const start = daemon.now();
  let output = "";
  const add = (bytes: string): void => {
    if (output.length < OUTPUT_MAX) output = (output + bytes).slice(0, OUTPUT_MAX);
  };
  const execID = daemon.random.hex(64);
  const shown = command.join(" ");
  daemon.publish(container, `exec_create: ${shown}`, { execID });
  daemon.publish(container, `exec_start: ${shown}`, { execID });
  let started: StartedProcess;
  try {
    started = daemon.containerd.exec(container.id, {
      args: command,
      tty: false,
      stdin: false,
      io: { stdout: add, stderr: add },
    });
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    return { start, end: daemon.now(), exitCode: -1, output: error.message };
  }
  const ended = started.process.ended;
  yield* suspend(firstOf([ended.wait as never, (resume) => daemon.loop.after(timeoutMs, () => resume(undefined))]));
  const status = ended.peek();
  if (!status) {
    started.process.signal("KILL", { fromOutside: true });
    const seconds = timeoutMs % 1000 === 0 ? `${timeoutMs / 1000}s` : `${timeoutMs}ms`;
    return {
      start,
      end: daemon.now(),
      exitCode: -1,
      output: `Health check exceeded timeout (${seconds})${output ? `: ${decodeUtf8(output as never)}` : ""}`,
    };
  }
  daemon.publish(container, "exec_die", { execID, exitCode: String(status.code) });
  return { start, end: daemon.now(), exitCode: status.code, output: decodeUtf8(output as never) };
}
