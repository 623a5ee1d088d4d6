/**
 * Makes the runtime match a Pod: sandbox, init containers, containers, ends of what is not wanted. One call does what
 * one sync can do and answers with what it could not (upstream's kuberuntime SyncPod and KillPod).
 */
import type { Clock, Instant } from "../../base/clock";
import type { Random } from "../../base/random";
import { ok, type Result } from "../../base/result";
import type { Task } from "../../base/task";
import { CriError, type ImageService, type PodSandboxConfig, type RuntimeService } from "../../containerd/cri";
import type { Process } from "../../os/process";
import type { Container, EphemeralContainer, Pod, PodStatus } from "../api/types.generated";
import { formatDuration } from "../../text/go-duration";
import { quote } from "../../text/strconv";
import { Backoff } from "./backoff";
import { containerConfig, definitionHash, type DnsOptions, sandboxConfig } from "./container-config";
import type { StartFailure } from "./container-status";
import { type EnvironmentSources, makeEnvironment } from "./environment";
import { runHook } from "./hooks";
import type { ImageManager } from "./image-manager";
import { computePodActions, type KillReason, type PodActions } from "./pod-actions";
import type { ProbeManager } from "./prober";
import type { RuntimeCache } from "./runtime-cache";
import { findContainer, isRestartableInit, type RuntimeContainer, type RuntimePodStatus } from "./runtime-status";
import type { VolumeManager } from "./volumes";
import { within } from "./within";

export type AnyContainer = Container | EphemeralContainer;

export interface PodRuntimeOptions {
  readonly process: Process;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeName: string;
  readonly dns: DnsOptions;
  readonly cache: RuntimeCache;
  readonly imageManager: ImageManager;
  readonly volumes: VolumeManager;
  readonly probes: ProbeManager;
  runtime(): RuntimeService;
  images(): ImageService;
  environment(pod: Pod, podIp: string): EnvironmentSources;
  /** A sandbox is up: containers may be started in it. Told at once, before the next relist. */
  sandboxReady(pod: Pod): void;
  /** What was last said of a Pod. */
  podStatus(pod: Pod): PodStatus | undefined;
  /** An event about a container (its fieldPath) or, without one, about the Pod. */
  event(
    pod: Pod,
    container: AnyContainer | undefined,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void;
}

/** Why a sync is not done: shown in the log; `at` is when trying again makes sense, where that is known. */
export interface SyncFailure {
  readonly text: string;
  readonly at?: Instant;
}

export interface StartResult {
  readonly container: string;
  readonly failure: StartFailure | undefined;
}

export interface SyncResult {
  readonly failures: readonly SyncFailure[];
  /** Each container that was to be started, and how that went: feeds the reason cache. */
  readonly starts: readonly StartResult[];
}

/** Containers always get this long to end in order, seconds. */
const GRACE_MIN_SECONDS = 2;

export class PodRuntime {
  readonly #options: PodRuntimeOptions;
  readonly #crashBackoff: Backoff;

  constructor(options: PodRuntimeOptions) {
    this.#options = options;
    this.#crashBackoff = new Backoff(options.clock, 10_000, 300_000);
  }

  /** Work that takes a machine a moment: a few ms with some spread. */
  *#busy(ms: number): Task<void> {
    yield* this.#options.process.sleep(ms * (0.8 + 0.4 * this.#options.random.float()));
  }

  *syncPod(pod: Pod, status: RuntimePodStatus): Task<SyncResult> {
    const { probes } = this.#options;
    const actions = computePodActions(pod, status, {
      livenessFailed: (id) => probes.result("Liveness", id) === "failure",
      startup: (id) => {
        const result = probes.result("Startup", id);
        return result === "unknown" ? undefined : result;
      },
      definitionChanged: (container, running) => this.#definitionChanged(container, running),
    });
    const failures: SyncFailure[] = [];
    const starts: StartResult[] = [];
    if (actions.createSandbox && actions.sandboxId !== "")
      this.#options.event(
        pod,
        undefined,
        "Normal",
        "SandboxChanged",
        "Pod sandbox changed, it will be killed and re-created.",
      );
    if (actions.killPod) {
      if (status.containers.length + status.sandboxes.length > 0) yield* this.killPod(pod, status, undefined);
      if (actions.createSandbox && pod.spec.initContainers?.length) yield* this.#purge(status, pod.spec.initContainers);
    } else {
      for (const { running, container, message, reason } of actions.containersToKill)
        yield* this.#killContainer(pod, container, running, status.ip, { message, reason });
    }
    if (pod.spec.initContainers?.length) yield* this.#pruneInits(pod, status);
    let sandboxId = actions.sandboxId;
    let podIp = status.ip;
    let config: PodSandboxConfig | undefined;
    if (actions.createSandbox) {
      config = sandboxConfig(pod, actions.attempt, this.#options.nodeName, this.#options.dns);
      const made = yield* this.#createSandbox(pod, config);
      if (!made.ok) return { failures: [made.error], starts };
      sandboxId = made.value;
      podIp = this.#options.runtime().podSandboxStatus(sandboxId).ip ?? "";
      this.#options.sandboxReady(pod);
    }
    const { ephemeralContainersToStart, initContainersToStart, containersToStart } = actions;
    const hasWork = containersToStart.length + initContainersToStart.length + ephemeralContainersToStart.length > 0;
    if (sandboxId === "" || !hasWork) return { failures, starts };
    config ??= sandboxConfig(pod, actions.attempt, this.#options.nodeName, this.#options.dns);
    const start = this.#starter(pod, status, sandboxId, config, podIp, { failures, starts });
    yield* startAll(pod, actions, start);
    return { failures, starts };
  }

  #definitionChanged(container: Container, running: RuntimeContainer): boolean {
    const found = this.#options.runtime().listContainers({ id: running.id })[0];
    const hash = found?.annotations["io.kubernetes.container.hash"];
    return hash !== undefined && hash !== definitionHash(container);
  }

  *#createSandbox(pod: Pod, config: PodSandboxConfig): Task<Result<string, SyncFailure>> {
    const { cache } = this.#options;
    yield* this.#busy(170);
    try {
      const id = yield* this.#options.runtime().runPodSandbox(config);
      cache.addSandbox(pod.metadata.uid, id);
      return ok(id);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      this.#options.event(
        pod,
        undefined,
        "Warning",
        "FailedCreatePodSandBox",
        `Failed to create pod sandbox: ${error.message}`,
      );
      const where = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
      return {
        ok: false,
        error: {
          text: `failed to "CreatePodSandbox" for "${where}" with CreatePodSandboxError: ${quote(`Failed to create sandbox for pod ${quote(where)}: ${error.message}`)}`,
        },
      };
    }
  }

  /** A function that starts one container unless it has to wait; answers whether it was started. */
  #starter(
    pod: Pod,
    status: RuntimePodStatus,
    sandboxId: string,
    sandbox: PodSandboxConfig,
    podIp: string,
    into: { readonly failures: SyncFailure[]; readonly starts: StartResult[] },
  ): (container: AnyContainer) => Task<boolean> {
    const self = this;
    return function* (container) {
      const waiting = self.#crashLoop(pod, container, status);
      const failure =
        waiting?.failure ?? (yield* self.#startContainer(pod, container, status, sandboxId, sandbox, podIp));
      into.starts.push({ container: container.name, failure });
      if (!failure) return true;
      into.failures.push({
        text: `failed to "StartContainer" for "${container.name}" with ${failure.reason}: ${quote(failure.message)}`,
        ...(waiting ? { at: waiting.at } : {}),
      });
      return false;
    };
  }

  /** The crash loop's wait, when it is on: counted from the end of the last container that has ended. */
  #crashLoop(
    pod: Pod,
    container: AnyContainer,
    status: RuntimePodStatus,
  ): { readonly failure: StartFailure; readonly at: Instant } | undefined {
    const ended = status.containers.find((c) => c.name === container.name && c.state === "exited");
    if (!ended) return undefined;
    const key = `${pod.metadata.uid}_${container.name}_${container.image ?? ""}`;
    if (!this.#crashBackoff.isInBackOffSince(key, ended.finishedAt)) {
      this.#crashBackoff.next(key, ended.finishedAt);
      return undefined;
    }
    const where = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    this.#options.event(
      pod,
      container,
      "Warning",
      "BackOff",
      `Back-off restarting failed container ${container.name} in pod ${where}`,
    );
    const waitMs = this.#crashBackoff.get(key);
    return {
      failure: {
        reason: "CrashLoopBackOff",
        message: `back-off ${formatDuration(waitMs)} restarting failed container=${container.name} pod=${where}`,
      },
      at: ended.finishedAt + waitMs,
    };
  }

  *#startContainer(
    pod: Pod,
    container: AnyContainer,
    status: RuntimePodStatus,
    sandboxId: string,
    sandbox: PodSandboxConfig,
    podIp: string,
  ): Task<StartFailure | undefined> {
    const { cache } = this.#options;
    const failed = (reason: string, message: string): StartFailure => {
      this.#options.event(pod, container, "Warning", "Failed", `Error: ${message}`);
      return { reason, message };
    };
    const image = yield* this.#options.imageManager.ensure(pod, container);
    if (!image.ok) {
      this.#options.event(pod, container, "Warning", "Failed", `Error: ${image.error.reason}`);
      return image.error;
    }
    const last = findContainer(status, container.name);
    const restartCount = last ? last.restartCount + 1 : previousCount(this.#options.podStatus(pod), container.name);
    const variables = makeEnvironment(pod, container, this.#options.environment(pod, podIp));
    if (!variables.ok) return failed("CreateContainerConfigError", variables.error);
    const config = containerConfig({
      pod,
      container,
      restartCount,
      image: this.#options.images().imageStatus(image.value),
      imageId: image.value,
      variables: variables.value,
      volumes: this.#options.volumes,
      podIp,
      nodeName: this.#options.nodeName,
      clusterDomain: this.#options.dns.clusterDomain,
    });
    if (!config.ok) return failed("CreateContainerConfigError", config.error);
    yield* this.#busy(23);
    let id: string;
    try {
      id = yield* this.#options.runtime().createContainer(sandboxId, config.value, sandbox);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return failed("CreateContainerError", error.description);
    }
    cache.addContainer(sandboxId, id);
    this.#options.event(pod, container, "Normal", "Created", "Container created");
    yield* this.#busy(70);
    try {
      yield* this.#options.runtime().startContainer(id);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return failed("RunContainerError", error.description);
    }
    this.#options.event(pod, container, "Normal", "Started", "Container started");
    const hook = container.lifecycle?.postStart;
    if (!hook) return undefined;
    const { process } = this.#options;
    const ran = yield* runHook({ process, runtime: () => this.#options.runtime(), podIp }, container, id, hook);
    if (ran.ok) return undefined;
    this.#options.event(pod, container, "Warning", "FailedPostStartHook", "PostStartHook failed");
    const running = this.#running(pod, id);
    if (running)
      yield* this.#killContainer(pod, container, running, podIp, { message: "FailedPostStartHook", reason: "Unknown" });
    return { reason: "PostStartHookError", message: "PostStartHook failed" };
  }

  #running(pod: Pod, id: string): RuntimeContainer | undefined {
    return this.#options.cache.status(pod.metadata.uid).containers.find((c) => c.id === id && c.state === "running");
  }

  /** Ends all containers, side by side, sidecars last, then the sandboxes. */
  *killPod(pod: Pod, status: RuntimePodStatus, graceSeconds: number | undefined): Task<void> {
    const { process } = this.#options;
    const specs = new Map(
      [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].map(
        (container) => [container.name, container as AnyContainer],
      ),
    );
    const running = status.containers.filter((c) => c.state === "running" || c.state === "unknown");
    const sidecars = (pod.spec.initContainers ?? []).filter(isRestartableInit).map((c) => c.name);
    const main = running.filter((c) => !sidecars.includes(c.name));
    const graceOption = graceSeconds === undefined ? {} : { graceSeconds };
    const kill = (found: RuntimeContainer): Task<void> =>
      this.#killContainer(pod, specs.get(found.name) ?? { name: found.name }, found, status.ip, {
        message: "",
        reason: "Unknown",
        ...graceOption,
      });
    yield* allOf(process, main.map(kill));
    // Sidecars end in the reverse order of their start.
    for (const name of [...sidecars].reverse())
      for (const found of running.filter((c) => c.name === name)) yield* kill(found);
    for (const sandbox of status.sandboxes) {
      if (!sandbox.ready) continue;
      // The network plugin takes the Pod's interface down.
      yield* this.#busy(130);
      yield* this.#options.runtime().stopPodSandbox(sandbox.id);
    }
  }

  *#killContainer(
    pod: Pod,
    container: AnyContainer,
    running: RuntimeContainer,
    podIp: string,
    how: { readonly message: string; readonly reason: KillReason; readonly graceSeconds?: number },
  ): Task<void> {
    const { process, clock } = this.#options;
    this.#options.event(pod, container, "Normal", "Killing", how.message || `Stopping container ${container.name}`);
    let grace = how.graceSeconds ?? graceSecondsOf(pod, container, how.reason);
    const hook = container.lifecycle?.preStop;
    if (hook && grace > 0) {
      const began = clock.now();
      const ran = yield* within(
        process,
        grace * 1000,
        runHook({ process, runtime: () => this.#options.runtime(), podIp }, container, running.id, hook),
      );
      if (ran && !ran.ok) this.#options.event(pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed");
      grace -= Math.floor((clock.now() - began) / 1000);
    }
    grace = Math.max(grace, GRACE_MIN_SECONDS);
    yield* this.#options.runtime().stopContainer(running.id, grace);
    // Shim and task are cleaned up before the runtime answers.
    yield* this.#busy(60);
  }

  /** After the sandbox is gone init containers run anew: their old records would be taken for results. */
  *#purge(status: RuntimePodStatus, inits: readonly Container[]): Task<void> {
    const names = new Set(inits.map((container) => container.name));
    for (const found of status.containers)
      if (names.has(found.name)) yield* this.#options.runtime().removeContainer(found.id);
  }

  /** Of init containers that have ended only the newest record is kept. */
  *#pruneInits(pod: Pod, status: RuntimePodStatus): Task<void> {
    for (const container of pod.spec.initContainers ?? []) {
      const ended = status.containers.filter((c) => c.name === container.name && c.state === "exited");
      for (const found of ended.slice(1)) yield* this.#options.runtime().removeContainer(found.id);
    }
  }

  forget(podUid: string): void {
    this.#crashBackoff.forget(`${podUid}_`);
  }
}

/** Where there is no record of a container, it is counted on from the Pod's status (upstream: from its log files). */
function previousCount(known: PodStatus | undefined, name: string): number {
  const statuses = [...(known?.containerStatuses ?? []), ...(known?.initContainerStatuses ?? [])];
  const status = statuses.find((each) => each.name === name);
  if (!status) return 0;
  return status.restartCount + (status.containerID && !status.state?.waiting ? 1 : 0);
}

function graceSecondsOf(pod: Pod, container: AnyContainer, reason: KillReason): number {
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  const probe =
    reason === "LivenessProbe"
      ? container.livenessProbe
      : reason === "StartupProbe"
        ? container.startupProbe
        : undefined;
  return probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

/** Ephemeral containers, then init containers as far as they come, then the main ones. */
function* startAll(pod: Pod, actions: PodActions, start: (container: AnyContainer) => Task<boolean>): Task<void> {
  for (const index of actions.ephemeralContainersToStart) yield* start(pod.spec.ephemeralContainers![index]!);
  for (const index of actions.initContainersToStart) {
    const container = pod.spec.initContainers![index]!;
    const started = yield* start(container);
    // A sidecar that does not start does not hold up the ones before it; any other init container does.
    if (!started && !isRestartableInit(container)) return;
  }
  for (const index of actions.containersToStart) yield* start(pod.spec.containers[index]!);
}

/** Runs tasks side by side and waits for all of them. */
function* allOf(process: Process, tasks: readonly Task<void>[]): Task<void> {
  if (tasks.length === 1) return yield* tasks[0]!;
  if (tasks.length === 0) return;
  let left = tasks.length;
  yield (resume) => {
    const handles = tasks.map((task) =>
      process.thread(
        (function* () {
          yield* task;
          if (--left === 0) resume(undefined);
        })(),
      ),
    );
    return () => {
      for (const handle of handles) handle.cancel();
    };
  };
}
