/** Liveness, readiness and startup probes: one worker for each, with upstream's rules for when it asks and what counts. */
import { decodeUtf8 } from "../../base/bytes";
import { parseRfc3339 } from "../../base/clock";
import type { Random } from "../../base/random";
import { failure, type Result, ok } from "../../base/result";
import type { Task } from "../../base/task";
import type { Cancel } from "../../base/loop";
import { CriError, type RuntimeService } from "../../containerd/cri";
import { netOf } from "../../net/netns";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { formatDuration } from "../../text/go-duration";
import type { Container, ContainerStatus, Pod, PodStatus, Probe } from "../api/types.generated";
import { dialFailure, httpGet } from "./http-get";
import { isRestartableInit } from "./runtime-status";
import type { Scope } from "../client/scope";

export type ProbeType = "Liveness" | "Readiness" | "Startup";
export type ProbeResult = "success" | "failure" | "unknown";

export interface ProberOptions {
  readonly process: Process;
  readonly scope: Scope;
  readonly random: Random;
  runtime(): RuntimeService;
  /** The status last written for a Pod. */
  podStatus(podUid: string): PodStatus | undefined;
  event(pod: Pod, container: Container, reason: string, message: string): void;
  /** A probe's verdict on a container has changed. */
  changed(podUid: string, type: ProbeType, result: ProbeResult): void;
}

const probeOf = (container: Container, type: ProbeType): Probe | undefined =>
  type === "Liveness"
    ? container.livenessProbe
    : type === "Readiness"
      ? container.readinessProbe
      : container.startupProbe;

const INITIAL: Record<ProbeType, ProbeResult> = { Liveness: "success", Readiness: "failure", Startup: "unknown" };
const TYPES: readonly ProbeType[] = ["Startup", "Readiness", "Liveness"];

interface Worker {
  pod: Pod;
  readonly container: Container;
  readonly type: ProbeType;
  readonly probe: Probe;
  readonly isInit: boolean;
  containerId: string;
  onHold: boolean;
  lastResult: ProbeResult | undefined;
  resultRun: number;
  busy: boolean;
  stopped: boolean;
  cancel: Cancel | undefined;
}

export class ProbeManager {
  readonly #options: ProberOptions;
  readonly #workers = new Map<string, Worker[]>();
  readonly #results: Record<ProbeType, Map<string, ProbeResult>> = {
    Liveness: new Map(),
    Readiness: new Map(),
    Startup: new Map(),
  };
  readonly #startedAt: number;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#startedAt = options.scope.now();
  }

  /** The verdict on a container; undefined when no probe has one. */
  result(type: ProbeType, containerId: string): ProbeResult | undefined {
    return this.#results[type].get(containerId);
  }

  addPod(pod: Pod): void {
    const known = this.#workers.get(pod.metadata.uid);
    if (known) {
      for (const worker of known) worker.pod = pod;
      return;
    }
    const workers: Worker[] = [];
    const add = (container: Container, isInit: boolean): void => {
      for (const type of TYPES) {
        const probe = probeOf(container, type);
        if (!probe) continue;
        workers.push({
          pod,
          container,
          type,
          probe,
          isInit,
          containerId: "",
          onHold: false,
          lastResult: undefined,
          resultRun: 0,
          busy: false,
          stopped: false,
          cancel: undefined,
        });
      }
    };
    for (const container of pod.spec.initContainers ?? []) if (isRestartableInit(container)) add(container, true);
    for (const container of pod.spec.containers) add(container, false);
    if (workers.length === 0) return;
    this.#workers.set(pod.metadata.uid, workers);
    for (const worker of workers) this.#begin(worker);
  }

  /** Readiness goes on while a Pod ends; the others would only do harm. */
  stopLivenessAndStartup(podUid: string): void {
    for (const worker of this.#workers.get(podUid) ?? []) if (worker.type !== "Readiness") this.#stop(worker);
  }

  removePod(podUid: string): void {
    for (const worker of this.#workers.get(podUid) ?? []) {
      this.#stop(worker);
      this.#results[worker.type].delete(worker.containerId);
    }
    this.#workers.delete(podUid);
  }

  /** Fills in `started` and `ready`. A running container without a probe is both. */
  addVerdicts(
    pod: Pod,
    status: { -readonly [K in keyof ContainerStatus]: ContainerStatus[K] },
    container: Container | undefined,
    isInit: boolean,
  ): void {
    const id = idOf(status);
    const workers = this.#workers.get(pod.metadata.uid) ?? [];
    const worker = (type: ProbeType): Worker | undefined =>
      workers.find((w) => w.type === type && w.container.name === status.name);
    const startup = this.#results.Startup.get(id);
    const running = status.state?.running !== undefined;
    const started = running && (startup !== undefined ? startup === "success" : worker("Startup") === undefined);
    status.started = started;
    if (isInit && container && !isRestartableInit(container)) {
      status.ready = status.state?.terminated?.exitCode === 0;
      return;
    }
    if (!started) {
      status.ready = false;
      return;
    }
    const readiness = worker("Readiness");
    if (this.#results.Readiness.get(id) === "success") {
      status.ready = true;
      return;
    }
    // A probe that has said nothing yet is asked at once rather than at its next tick.
    if (readiness) this.#trigger(readiness);
    status.ready = readiness === undefined;
  }

  #begin(worker: Worker): void {
    const { scope, random } = this.#options;
    const periodMs = (worker.probe.periodSeconds ?? 10) * 1000;
    // After a restart of the kubelet all probes would fire together.
    const first = scope.now() - this.#startedAt < periodMs ? random.float() * periodMs : 0;
    const tick = (): void => {
      if (worker.stopped) return;
      worker.cancel = scope.after(periodMs, tick);
      this.#ask(worker);
    };
    worker.cancel = scope.after(first, tick);
  }

  #trigger(worker: Worker): void {
    if (!worker.busy && !worker.stopped && worker.containerId !== "") this.#options.scope.soon(() => this.#ask(worker));
  }

  #stop(worker: Worker): void {
    worker.stopped = true;
    worker.cancel?.();
  }

  #set(worker: Worker, result: ProbeResult): void {
    const results = this.#results[worker.type];
    if (results.get(worker.containerId) === result) return;
    results.set(worker.containerId, result);
    this.#options.changed(worker.pod.metadata.uid, worker.type, result);
  }

  /** One turn of a worker: decides whether to probe now. */
  #ask(worker: Worker): void {
    if (worker.busy || worker.stopped) return;
    const { scope, process } = this.#options;
    const status = this.#options.podStatus(worker.pod.metadata.uid);
    if (!status) return;
    if (status.phase === "Failed" || status.phase === "Succeeded") {
      this.#stop(worker);
      return;
    }
    const list = worker.isInit ? status.initContainerStatuses : status.containerStatuses;
    const found = list?.find((c) => c.name === worker.container.name);
    if (!found?.containerID) return;
    const id = idOf(found);
    if (worker.containerId !== id) {
      if (worker.containerId !== "") this.#results[worker.type].delete(worker.containerId);
      worker.containerId = id;
      this.#set(worker, INITIAL[worker.type]);
      worker.onHold = false;
      worker.lastResult = undefined;
      worker.resultRun = 0;
    }
    if (worker.onHold) return;
    const startedAt = found.state?.running?.startedAt;
    if (startedAt === undefined) {
      this.#set(worker, "failure");
      if (found.state?.terminated && worker.pod.spec.restartPolicy === "Never") this.#stop(worker);
      return;
    }
    if (worker.pod.metadata.deletionTimestamp !== undefined && worker.type !== "Readiness") {
      this.#set(worker, "success");
      this.#stop(worker);
      return;
    }
    const ageSeconds = Math.floor((scope.now() - (parseRfc3339(startedAt) ?? 0)) / 1000);
    if (ageSeconds < (worker.probe.initialDelaySeconds ?? 0)) return;
    if (found.started ? worker.type === "Startup" : worker.type !== "Startup") return;
    worker.busy = true;
    process.thread(this.#probe(worker, id, status.podIP ?? ""));
  }

  *#probe(worker: Worker, containerId: string, podIp: string): Task<void> {
    const timeoutMs = (worker.probe.timeoutSeconds ?? 1) * 1000;
    let outcome: Result<void, string>;
    try {
      outcome = yield* runProbe(this.#options, worker, containerId, podIp, timeoutMs);
    } finally {
      worker.busy = false;
    }
    if (worker.stopped || worker.containerId !== containerId) return;
    if (!outcome.ok)
      this.#options.event(worker.pod, worker.container, "Unhealthy", `${worker.type} probe failed: ${outcome.error}`);
    const result: ProbeResult = outcome.ok ? "success" : "failure";
    if (worker.lastResult === result) worker.resultRun++;
    else {
      worker.lastResult = result;
      worker.resultRun = 1;
    }
    const threshold = outcome.ok ? (worker.probe.successThreshold ?? 1) : (worker.probe.failureThreshold ?? 3);
    if (worker.resultRun < threshold) return;
    if (worker.type !== "Readiness" && !outcome.ok) {
      // It will be restarted: ask again only when there is a new container.
      worker.onHold = true;
      worker.resultRun = 0;
    }
    this.#set(worker, result);
  }
}

const idOf = (status: ContainerStatus): string => (status.containerID ?? "").replace(/^containerd:\/\//, "");

/** A port by number or by name. */
export function portOf(container: Container, port: number | string): number | undefined {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find((p) => p.name === port)?.containerPort;
}

function* runProbe(
  { process, runtime }: Pick<ProberOptions, "process" | "runtime">,
  { container, probe }: Pick<Worker, "container" | "probe">,
  containerId: string,
  podIp: string,
  timeoutMs: number,
): Task<Result<void, string>> {
  if (probe.exec) {
    const command = probe.exec.command ?? [];
    try {
      const { stdout, stderr, exitCode } = yield* runtime().execSync(containerId, command, timeoutMs / 1000);
      if (exitCode === 0) return ok();
      return failure(decodeUtf8((stdout + stderr) as never).slice(0, 10 * 1024));
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      if (error.code === "DeadlineExceeded")
        return failure(`command timed out: "${command.join(" ")}" timed out after ${formatDuration(timeoutMs)}`);
      return failure(error.message);
    }
  }
  if (probe.httpGet) {
    const { port: named, path = "/", host, scheme, httpHeaders = [] } = probe.httpGet;
    const port = portOf(container, named);
    if (port === undefined) return failure(`couldn't find named port ${named}`);
    const target = {
      scheme: scheme === "HTTPS" ? ("https" as const) : ("http" as const),
      host: host || podIp,
      port,
      path,
      headers: httpHeaders,
    };
    const answer = yield* httpGet(process, target, timeoutMs);
    if (!answer.ok) return answer;
    if (answer.value.status >= 200 && answer.value.status < 400) return ok();
    return failure(`HTTP probe failed with statuscode: ${answer.value.status}`);
  }
  const port = probe.tcpSocket ? portOf(container, probe.tcpSocket.port) : probe.grpc?.port;
  if (port === undefined) return failure("missing probe handler");
  const address = (probe.tcpSocket?.host || podIp) as string;
  try {
    const connection = yield* netOf(process).connect(process, { address, port, timeoutMs });
    connection.close();
    // gRPC's health service is reached when the port answers; its own protocol is not simulated.
    return ok();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (probe.grpc)
      return failure(
        `timeout: failed to connect service "${address}:${port}" within ${formatDuration(timeoutMs)}: context deadline exceeded`,
      );
    return failure(dialFailure(error, `${address}:${port}`));
  }
}
