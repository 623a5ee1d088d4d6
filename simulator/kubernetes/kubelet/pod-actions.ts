/** What one sync of a Pod has to do, from its spec and what runs: pure, as upstream's computePodActions. */
import type { Container, Pod } from "../api/types.generated";
import {
  findContainer,
  isRestartableInit,
  type RuntimeContainer,
  type RuntimePodStatus,
  sandboxChanged,
  shouldContainerBeRestarted,
} from "./runtime-status";

export type KillReason = "LivenessProbe" | "StartupProbe" | "Unknown" | "Changed";

export interface ContainerToKill {
  readonly running: RuntimeContainer;
  readonly container: Container;
  readonly message: string;
  readonly reason: KillReason;
}

export interface PodActions {
  killPod: boolean;
  createSandbox: boolean;
  sandboxId: string;
  attempt: number;
  /** Positions in spec.initContainers, in order. */
  initContainersToStart: number[];
  containersToStart: number[];
  ephemeralContainersToStart: number[];
  containersToKill: ContainerToKill[];
}

export interface ProbeVerdicts {
  /** Whether a container's liveness (or startup) probe has the result "failure". */
  livenessFailed(containerId: string): boolean;
  /** The startup probe's result; undefined while it has none. */
  startup(containerId: string): "success" | "failure" | undefined;
  /** Whether a running container was made from another definition (image or restart of a static Pod). */
  definitionChanged(container: Container, running: RuntimeContainer): boolean;
}

export function computePodActions(pod: Pod, status: RuntimePodStatus, probes: ProbeVerdicts): PodActions {
  const { changed, attempt, sandboxId } = sandboxChanged(pod, status);
  const actions: PodActions = {
    killPod: changed,
    createSandbox: changed,
    sandboxId,
    attempt,
    initContainersToStart: [],
    containersToStart: [],
    ephemeralContainersToStart: [],
    containersToKill: [],
  };
  if (changed) {
    newSandboxActions(pod, status, actions);
    return actions;
  }
  (pod.spec.ephemeralContainers ?? []).forEach((container, index) => {
    if (!findContainer(status, container.name)) actions.ephemeralContainersToStart.push(index);
  });
  const initialized = initContainerActions(pod, status, probes, actions);
  if (actions.killPod || !initialized) return actions;
  let kept = 0;
  pod.spec.containers.forEach((container, index) => {
    const found = findContainer(status, container.name);
    if (found?.state !== "running") {
      if (shouldContainerBeRestarted(container, pod, status)) actions.containersToStart.push(index);
      return;
    }
    const cause = killCause(container, found, probes, "Container");
    if (!cause) {
      kept++;
      return;
    }
    let { message } = cause;
    if (cause.reason === "Changed" || restartsOnFailure(container, pod)) {
      message += ", will be restarted";
      actions.containersToStart.push(index);
    }
    actions.containersToKill.push({ running: found, container, message, reason: cause.reason });
  });
  if (kept === 0 && actions.containersToStart.length === 0) {
    actions.killPod = true;
    // Sidecars end with the Pod.
    actions.initContainersToStart = [];
  }
  return actions;
}

function newSandboxActions(pod: Pod, status: RuntimePodStatus, actions: PodActions): void {
  if (pod.spec.restartPolicy === "Never" && actions.attempt !== 0 && status.containers.length > 0) {
    actions.createSandbox = false;
    return;
  }
  const toStart: number[] = [];
  pod.spec.containers.forEach((container, index) => {
    const found = findContainer(status, container.name);
    if (pod.spec.restartPolicy === "OnFailure" && found?.state === "exited" && found.exitCode === 0) return;
    toStart.push(index);
  });
  if (toStart.length === 0) {
    actions.createSandbox = false;
    return;
  }
  if ((pod.spec.initContainers ?? []).length > 0) actions.initContainersToStart = [0];
  else actions.containersToStart = toStart;
}

const restartsOnFailure = (container: Container, pod: Pod): boolean =>
  (container.restartPolicy ?? pod.spec.restartPolicy) !== "Never";

function killCause(
  container: Container,
  running: RuntimeContainer,
  probes: ProbeVerdicts,
  noun: "Container" | "Init container",
): { readonly message: string; readonly reason: KillReason } | undefined {
  if (probes.definitionChanged(container, running))
    return { message: `${noun} ${container.name} definition changed`, reason: "Changed" };
  if (probes.livenessFailed(running.id))
    return { message: `${noun} ${container.name} failed liveness probe`, reason: "LivenessProbe" };
  if (probes.startup(running.id) === "failure")
    return { message: `${noun} ${container.name} failed startup probe`, reason: "StartupProbe" };
  return undefined;
}

/** Fills in what init containers need; tells whether the Pod is initialized. */
function initContainerActions(pod: Pod, status: RuntimePodStatus, probes: ProbeVerdicts, actions: PodActions): boolean {
  const inits = pod.spec.initContainers ?? [];
  if (inits.length === 0) return true;
  const before = pod.spec.containers.some((container) => {
    const found = findContainer(status, container.name);
    return found !== undefined && found.state !== "unknown";
  });
  let initialized = before;
  let seen = false;
  for (let i = inits.length - 1; i >= 0; i--) {
    const container = inits[i]!;
    const sidecar = isRestartableInit(container);
    const found = findContainer(status, container.name);
    if (!found) {
      if (before && sidecar) actions.initContainersToStart.push(i);
      continue;
    }
    seen = true;
    if (before && !sidecar) continue;
    const goOn = (): void => {
      if (i === inits.length - 1) initialized = true;
      else if (!before) actions.initContainersToStart.push(i + 1);
    };
    if (found.state === "created") actions.initContainersToStart.push(i);
    else if (found.state === "running") {
      if (sidecar) sidecarActions(container, found, i, goOn, probes, actions);
    } else if (found.state === "exited") {
      if (sidecar) actions.initContainersToStart.push(i);
      else if (found.exitCode === 0) goOn();
      else if (pod.spec.restartPolicy === "Never") {
        actions.killPod = true;
        actions.initContainersToStart = [];
        return false;
      } else actions.initContainersToStart.push(i);
    } else {
      const message = `Init container is in "Unknown" state, try killing it before restart`;
      actions.containersToKill.push({ running: found, container, message, reason: "Unknown" });
      actions.initContainersToStart.push(i);
    }
    if (!before) break;
  }
  if (!before && !seen) actions.initContainersToStart.push(0);
  actions.initContainersToStart.reverse();
  return initialized;
}

function sidecarActions(
  container: Container,
  found: RuntimeContainer,
  index: number,
  goOn: () => void,
  probes: ProbeVerdicts,
  actions: PodActions,
): void {
  if (container.startupProbe) {
    const startup = probes.startup(found.id);
    if (startup === undefined) return;
    if (startup === "failure") {
      const cause = killCause(container, found, probes, "Init container")!;
      actions.containersToKill.push({ running: found, container, ...cause });
      actions.initContainersToStart.push(index);
      return;
    }
  }
  goOn();
  const cause = killCause(container, found, probes, "Init container");
  if (cause) {
    actions.containersToKill.push({ running: found, container, ...cause });
    actions.initContainersToStart.push(index);
  }
}
