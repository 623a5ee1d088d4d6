/** Container statuses as the API shows them, from what the runtime says, what was said before and why starts failed. */
import { rfc3339 } from "../../base/clock";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  EphemeralContainer,
  Pod,
  ResourceRequirements,
  VolumeMount,
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
  readonly startFailure: (containerName: string) => StartFailure | undefined;
}

type Kind = "init" | "regular" | "ephemeral";
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** New objects, for the caller to complete. */
export function containerStatuses(
  input: ContainerStatusInput,
  kind: Kind,
  containers: readonly (Container | EphemeralContainer)[],
  old: readonly ContainerStatus[] | undefined,
  hasInitContainers: boolean,
): Mutable<ContainerStatus>[] {
  const { pod, runtime } = input;
  const waitingReason = hasInitContainers ? "PodInitializing" : "ContainerCreating";
  const result: Mutable<ContainerStatus>[] = [];
  for (const container of containers) {
    let newest: RuntimeContainer | undefined;
    let previous: RuntimeContainer | undefined;
    for (const found of runtime.containers) {
      if (found.name !== container.name) continue;
      if (newest) {
        previous = found;
        break;
      }
      newest = found;
    }
    const before = old?.find((status) => status.name === container.name);
    let status: Mutable<ContainerStatus>;
    if (newest) {
      status = fromRuntime(container, newest, before);
      status.lastState = previous ? stateOf(previous, undefined) : keptLastState(before, newest);
    } else status = withoutRuntime(container, before, waitingReason, pod);
    if (container.volumeMounts?.length && kind !== "ephemeral")
      status.volumeMounts = container.volumeMounts.map(mountStatus);
    result.push(explained(input, kind, container, status));
  }
  if (kind === "regular" && result.length > 1) result.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
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
): Mutable<ContainerStatus> {
  const status: Mutable<Partial<ContainerStatus>> = {};
  const requests = container.resources?.requests;
  if (found.state !== "created" && requests) status.allocatedResources = requests;
  status.containerID = `containerd://${found.id}`;
  status.image = found.image;
  status.imageID = found.imageRef;
  status.lastState = NOTHING;
  status.name = container.name;
  status.ready = false;
  status.resources = resourcesOf(container);
  status.restartCount = found.restartCount;
  status.state = stateOf(found, before);
  if (found.user) status.user = found.user;
  return status as Mutable<ContainerStatus>;
}

const NOTHING: ContainerState = Object.freeze({});

const resourcesOf = (container: Container | EphemeralContainer): ResourceRequirements => {
  const { limits, requests } = container.resources ?? {};
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
};

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
): Mutable<ContainerStatus> {
  if (before?.state?.terminated) return { ...before };
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
  kind: Kind,
  container: Container | EphemeralContainer,
  status: Mutable<ContainerStatus>,
): Mutable<ContainerStatus> {
  const { pod, runtime } = input;
  if (kind === "init" && !isRestartableInit(container)) {
    const newest = runtime.containers.find((c) => c.name === container.name);
    if (newest?.state === "exited" && newest.exitCode === 0) return status;
  }
  if (kind === "ephemeral" && runtime.containers.some((c) => c.name === container.name)) return status;
  if (!shouldContainerBeRestarted(container, pod, runtime)) return status;
  const failed = input.startFailure(container.name);
  if (!failed) return status;
  if (status.state?.terminated) status.lastState = { terminated: status.state.terminated };
  status.state = { waiting: { ...(failed.message ? { message: failed.message } : {}), reason: failed.reason } };
  return status;
}

function mountStatus({ mountPath, name, readOnly }: VolumeMount): NonNullable<ContainerStatus["volumeMounts"]>[number] {
  return readOnly ? { mountPath, name, readOnly: true, recursiveReadOnly: "Disabled" } : { mountPath, name };
}
