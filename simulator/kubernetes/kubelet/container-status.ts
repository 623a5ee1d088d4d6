/** Container statuses as the API shows them, from what the runtime says, what was said before and why starts failed. */
import { rfc3339 } from "../../base/clock";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  EphemeralContainer,
  Pod,
  ResourceRequirements,
} from "../api/types.generated";
import {
  isRestartableInit,
  type RuntimeContainer,
  type RuntimePodStatus,
  shouldContainerBeRestarted,
} from "./runtime-status";

/** Why the last start of a container failed: what turns "terminated" into "waiting". */
export interface StartFailure {
  readonly reason: string;
  readonly message: string;
}

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtime: RuntimePodStatus;
  readonly old: readonly ContainerStatus[];
  readonly containers: readonly (Container | EphemeralContainer)[];
  readonly hasInitContainers: boolean;
  readonly kind: "init" | "regular" | "ephemeral";
  readonly startFailure: (containerName: string) => StartFailure | undefined;
}

export function containerStatuses(input: ContainerStatusInput): ContainerStatus[] {
  const { pod, runtime, containers, hasInitContainers, kind } = input;
  const waitingReason = hasInitContainers ? "PodInitializing" : "ContainerCreating";
  const old = new Map(input.old.map((status) => [status.name, status]));
  const result: ContainerStatus[] = [];
  for (const container of containers) {
    const instances = runtime.containers.filter((c) => c.name === container.name).slice(0, 2);
    const before = old.get(container.name);
    let status: ContainerStatus;
    if (instances.length > 0) {
      status = fromRuntime(container, instances[0]!, before);
      const last = instances[1] ? stateOf(instances[1], undefined) : before?.lastState;
      status = { ...status, lastState: instances[1] ? (last ?? {}) : keptLastState(before, instances[0]!) };
    } else status = withoutRuntime(container, before, waitingReason, pod);
    status = { ...status, ...volumeMountStatuses(container, kind) };
    result.push(explained(input, container, status));
  }
  if (kind === "regular") result.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return result;
}

/** A dead predecessor may be collected already: what was said of it stays true for as long as the restart count does. */
function keptLastState(before: ContainerStatus | undefined, current: RuntimeContainer): ContainerState {
  if (!before || current.restartCount === 0) return {};
  if (before.restartCount === current.restartCount) return before.lastState ?? {};
  return before.state?.terminated ? { terminated: before.state.terminated } : (before.lastState ?? {});
}

function fromRuntime(
  container: Container | EphemeralContainer,
  found: RuntimeContainer,
  before: ContainerStatus | undefined,
): ContainerStatus {
  return {
    ...(found.state === "created" ? {} : allocated(container)),
    containerID: `containerd://${found.id}`,
    image: found.image,
    imageID: found.imageRef,
    lastState: {},
    name: container.name,
    ready: false,
    resources: resourcesOf(container),
    restartCount: found.restartCount,
    state: stateOf(found, before),
    ...(found.user ? { user: found.user } : {}),
  } as ContainerStatus;
}

const resourcesOf = (container: Container | EphemeralContainer): ResourceRequirements => {
  const { limits, requests } = container.resources ?? {};
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
};

const allocated = (container: Container | EphemeralContainer): Pick<ContainerStatus, "allocatedResources"> =>
  container.resources?.requests ? { allocatedResources: container.resources.requests } : {};

function stateOf(found: RuntimeContainer, before: ContainerStatus | undefined): ContainerState {
  switch (found.state) {
    case "running":
      return { running: { startedAt: rfc3339(found.startedAt) } };
    case "exited":
      return {
        terminated: {
          containerID: `containerd://${found.id}`,
          exitCode: found.exitCode,
          finishedAt: rfc3339(found.finishedAt),
          ...(found.message ? { message: found.message } : {}),
          reason: found.reason,
          startedAt: rfc3339(found.startedAt),
        },
      };
    case "unknown":
      if (!before?.state?.running) return { waiting: {} };
      return {
        terminated: {
          exitCode: 137,
          message: "The container could not be located when the pod was terminated",
          reason: "ContainerStatusUnknown",
        },
      };
    case "created":
      return { waiting: {} };
  }
}

function withoutRuntime(
  container: Container | EphemeralContainer,
  before: ContainerStatus | undefined,
  waitingReason: string,
  pod: Pod,
): ContainerStatus {
  if (before?.state?.terminated) return before;
  const status = {
    image: container.image ?? "",
    imageID: "",
    lastState: before?.lastState ?? {},
    name: container.name,
    ready: false,
    restartCount: before?.restartCount ?? 0,
    state: { waiting: { reason: waitingReason } },
  };
  // It ran, and now there is no trace of it: it has stopped, even if nobody knows how.
  if (!before?.state?.running || status.lastState.terminated) return status;
  return {
    ...status,
    restartCount: status.restartCount + (pod.metadata.deletionTimestamp === undefined ? 1 : 0),
    lastState: {
      terminated: {
        exitCode: 137,
        message: "The container could not be located when the pod was deleted.  The container used to be Running",
        reason: "ContainerStatusUnknown",
      },
    },
  };
}

/** A container that is to be started again is waiting, with the reason why the last attempt failed. */
function explained(
  input: ContainerStatusInput,
  container: Container | EphemeralContainer,
  status: ContainerStatus,
): ContainerStatus {
  const { pod, runtime, kind } = input;
  if (kind === "init" && !isRestartableInit(container)) {
    const newest = runtime.containers.find((c) => c.name === container.name);
    if (newest?.state === "exited" && newest.exitCode === 0) return status;
  }
  if (kind === "ephemeral" && runtime.containers.some((c) => c.name === container.name)) return status;
  if (!shouldContainerBeRestarted(container, pod, runtime)) return status;
  const failed = input.startFailure(container.name);
  if (!failed) return status;
  return {
    ...status,
    ...(status.state?.terminated ? { lastState: { terminated: status.state.terminated } } : {}),
    state: { waiting: { ...(failed.message ? { message: failed.message } : {}), reason: failed.reason } },
  };
}

function volumeMountStatuses(
  container: Container | EphemeralContainer,
  kind: ContainerStatusInput["kind"],
): Pick<ContainerStatus, "volumeMounts"> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0 || kind === "ephemeral") return {};
  return {
    volumeMounts: mounts.map(({ mountPath, name, readOnly }) => ({
      mountPath,
      name,
      ...(readOnly ? { readOnly: true, recursiveReadOnly: "Disabled" } : {}),
    })),
  };
}
