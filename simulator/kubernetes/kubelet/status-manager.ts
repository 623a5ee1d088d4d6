/**
 * Statuses of Pods: what the kubelet last decided, and its way to the API server. A status that does not get through
 * (a server that is away) is tried again every ten seconds; of several only the newest is sent.
 */
import { type Instant, rfc3339 } from "../../base/clock";
import { deepEqual, deepFreeze } from "../../base/json";
import { type Client, isNotFound } from "../client/client";
import { PODS } from "../client/resources";
import type { Scope } from "../client/scope";
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../api/types.generated";
import { quote } from "../../text/strconv";
import { isStaticPod } from "./pod-status";

export interface StatusManagerOptions {
  readonly scope: Scope;
  readonly client: Client;
  /** The API's Pod for one of ours: itself, or a static Pod's mirror. Undefined: there is none (yet). */
  apiPod(pod: Pod): Pod | undefined;
  /** The server has gone on without this Pod. */
  log(text: string): void;
}

interface Entry {
  pod: Pod;
  status: PodStatus;
  /** The worker has finished with it: it may be deleted. */
  finished: boolean;
  dirty: boolean;
  /** The part of the status the server has from us. */
  sent: PodStatus | undefined;
}

const RETRY_MS = 10_000;
/** What the kubelet takes to send one update. */
const SEND_MS = 3;

const OWNED_CONDITIONS = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  "DisruptionTarget",
  "PodResizePending",
  "PodResizeInProgress",
]);

export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  #scheduled = false;
  #retry = false;

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  get(podUid: string): PodStatus | undefined {
    return this.#entries.get(podUid)?.status;
  }

  isFinished(podUid: string): boolean {
    return this.#entries.get(podUid)?.finished ?? false;
  }

  /** Takes a status over and sends it, when it says anything new. */
  set(pod: Pod, status: PodStatus): void {
    this.#set(pod, status, this.#entries.get(pod.metadata.uid)?.finished ?? false);
  }

  /** The last status of a Pod whose containers have ended for good. */
  terminate(pod: Pod): void {
    const known = this.#entries.get(pod.metadata.uid)?.status ?? pod.status ?? {};
    const ended = (status: ContainerStatus): ContainerStatus =>
      status.state?.terminated || isNeverStarted(status)
        ? status
        : {
            ...status,
            ready: false,
            state: {
              terminated: {
                exitCode: 137,
                message: "The container could not be located when the pod was terminated",
                reason: "ContainerStatusUnknown",
              },
            },
          };
    const phase = known.phase === "Succeeded" || known.phase === "Failed" ? known.phase : terminalPhase(pod, known);
    this.#set(
      pod,
      {
        ...known,
        ...(phase ? { phase } : {}),
        ...(known.containerStatuses ? { containerStatuses: known.containerStatuses.map(ended) } : {}),
      },
      true,
    );
  }

  /** Sends again what the server shows differently (somebody else wrote the status). */
  reconcile(podUid: string): void {
    const entry = this.#entries.get(podUid);
    const shown = entry && this.#options.apiPod(entry.pod)?.status;
    if (!entry || !shown || entry.dirty || !entry.sent) return;
    if (
      shown.phase !== entry.status.phase ||
      !deepEqual(shown.containerStatuses, entry.status.containerStatuses) ||
      !haveSameConditions(shown, entry.status)
    ) {
      entry.sent = undefined;
      this.#mark(entry);
    }
  }

  /** The API's object has changed: a deletion mark may be waiting for us. */
  poke(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry) return;
    entry.pod = pod;
    if (entry.finished && pod.metadata.deletionTimestamp !== undefined) this.#mark(entry);
  }

  forget(podUid: string): void {
    this.#entries.delete(podUid);
  }

  #set(pod: Pod, draft: PodStatus, finished: boolean): void {
    const uid = pod.metadata.uid;
    const known = this.#entries.get(uid);
    const before = known?.status ?? pod.status;
    const now = this.#options.scope.now();
    const status = deepFreeze(
      keepTerminated(before, {
        ...draft,
        startTime: before?.startTime ?? rfc3339(now),
        conditions: withTransitions(draft.conditions ?? [], before?.conditions ?? [], now),
      }),
    );
    if (known) {
      known.pod = pod;
      if (known.finished === finished && deepEqual(known.status, status)) return;
      known.status = status;
      known.finished = finished;
      this.#mark(known);
      return;
    }
    const entry: Entry = { pod, status, finished, dirty: false, sent: undefined };
    this.#entries.set(uid, entry);
    this.#mark(entry);
  }

  #mark(entry: Entry): void {
    entry.dirty = true;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.scope.after(SEND_MS, () => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // Nothing comes or goes meanwhile but what is sent and then forgotten.
    for (const entry of this.#entries.values()) {
      if (!entry.dirty) continue;
      entry.dirty = false;
      if (this.#send(entry)) continue;
      entry.dirty = true;
      if (this.#retry) continue;
      this.#retry = true;
      this.#options.scope.after(RETRY_MS, () => {
        this.#retry = false;
        this.#flush();
      });
    }
  }

  /** False: try again later. */
  #send(entry: Entry): boolean {
    const { client } = this.#options;
    const target = this.#options.apiPod(entry.pod);
    if (!target) return true;
    const name = { namespace: target.metadata.namespace ?? "default", name: target.metadata.name };
    if (entry.sent !== entry.status) {
      const current = client.get(PODS, name);
      if (!current.ok) return isNotFound(current.error);
      if (current.value.metadata.uid !== target.metadata.uid) return true;
      const status = merged(current.value.status ?? {}, entry.status);
      const isNew = !deepEqual(status, current.value.status);
      const updated = isNew ? client.updateStatus(PODS, { ...current.value, status }) : current;
      if (!updated.ok) {
        if (isNotFound(updated.error)) return true;
        this.#options.log(
          `"Failed to update status for pod" pod="${name.namespace}/${name.name}" err=${quote(updated.error.message ?? "")}`,
        );
        return false;
      }
      entry.sent = entry.status;
    }
    if (!entry.finished || target.metadata.deletionTimestamp === undefined || isStaticPod(entry.pod)) return true;
    const deleted = client.delete(PODS, name, { gracePeriodSeconds: 0, preconditions: { uid: target.metadata.uid } });
    return deleted.ok || isNotFound(deleted.error) || deleted.error.reason === "Conflict";
  }
}

const isNeverStarted = (status: ContainerStatus): boolean => !status.containerID && !status.lastState?.terminated;

function terminalPhase(pod: Pod, status: PodStatus): PodStatus["phase"] {
  const all = status.containerStatuses ?? [];
  const succeeded = all.length > 0 && all.every((c) => c.state?.terminated?.exitCode === 0);
  if (isStaticPod(pod)) return status.phase;
  return succeeded ? "Succeeded" : "Failed";
}

/** What has ended for good does not run again: a terminal phase and restart policy Never hold. */
function keepTerminated(before: PodStatus | undefined, status: PodStatus): PodStatus {
  if (before?.phase !== "Succeeded" && before?.phase !== "Failed") return status;
  return { ...status, phase: before.phase };
}

function withTransitions(
  drafts: readonly PodCondition[],
  before: readonly PodCondition[],
  now: Instant,
): PodCondition[] {
  let present: string | undefined;
  return drafts.map((draft) => {
    const old = before.find((condition) => condition.type === draft.type);
    const kept = old && old.status === draft.status ? old.lastTransitionTime : undefined;
    return { ...draft, lastTransitionTime: kept ?? (present ??= rfc3339(now)) };
  });
}

/** Whether the conditions we own read the same: the node controller writes them too, for a node it takes to be lost. */
function haveSameConditions(shown: PodStatus, own: PodStatus): boolean {
  return (own.conditions ?? []).every(
    (condition) =>
      !OWNED_CONDITIONS.has(condition.type) ||
      shown.conditions?.find((c) => c.type === condition.type)?.status === condition.status,
  );
}

/** Ours, with what others own: their conditions, nominations, resize requests. */
function merged(current: PodStatus, own: PodStatus): PodStatus {
  const foreign = (current.conditions ?? []).filter((condition) => !OWNED_CONDITIONS.has(condition.type));
  const { nominatedNodeName, resourceClaimStatuses, resize } = current;
  const conditions = (own.conditions ?? []).filter((condition) => OWNED_CONDITIONS.has(condition.type));
  return {
    ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    ...(resourceClaimStatuses === undefined ? {} : { resourceClaimStatuses }),
    ...(resize === undefined ? {} : { resize }),
    ...own,
    conditions: [...conditions, ...foreign],
  };
}
