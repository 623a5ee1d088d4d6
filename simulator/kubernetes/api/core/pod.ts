/** Pods: strategy, update rules and printed columns. */
import { humanDuration } from "../../../text/human-duration";
import { deepEqual } from "../../../base/json";
import { type Instant, parseRfc3339 } from "../../../base/clock";
import { type FieldError, forbidden } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, orNone, wide } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { parseQuantity } from "../../apimachinery/quantity";
import type { Container, ContainerStatus, Pod } from "../types.generated";
import { podSpecDiff } from "./pod-diff";
import { defaultPodOnly, defaultPodSpec } from "./pod-spec";
import { validatePodSpec } from "./pod-validation";

export type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from "../types.generated";

export const pod = defineResource<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  schema: "core.v1.Pod",
  subresources: [
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "resize",
    "status",
  ],
  hasGeneration: true,
  selectableFields: {
    "spec.nodeName": (p) => p.spec.nodeName ?? "",
    "spec.restartPolicy": (p) => p.spec.restartPolicy ?? "",
    "spec.schedulerName": (p) => p.spec.schedulerName ?? "",
    "spec.serviceAccountName": (p) => p.spec.serviceAccountName ?? "",
    "spec.hostNetwork": (p) => String(p.spec.hostNetwork ?? false),
    "status.phase": (p) => p.status.phase ?? "",
    "status.podIP": (p) => p.status.podIP ?? "",
    "status.podIPs": (p) => p.status.podIP ?? "",
    "status.nominatedNodeName": (p) => p.status.nominatedNodeName ?? "",
  },
  defaults(draft) {
    draft.spec ??= {};
    defaultPodSpec(draft.spec);
    defaultPodOnly(draft.spec);
  },
  prepareForCreate(draft) {
    draft.status = { phase: "Pending", qosClass: qosClass(draft.spec) };
    delete draft.spec.ephemeralContainers;
    if (draft.spec.schedulingGates?.length) {
      draft.status.conditions = [
        {
          type: "PodScheduled",
          status: "False",
          observedGeneration: 1,
          lastProbeTime: null,
          lastTransitionTime: null,
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
        },
      ];
    }
  },
  prepareForUpdate(draft, old, { subresource }) {
    if (subresource === "status") {
      draft.metadata.deletionTimestamp ??= old.metadata.deletionTimestamp;
      if (draft.status && old.status.qosClass) draft.status = { ...draft.status, qosClass: old.status.qosClass };
      return;
    }
    if (subresource === "ephemeralcontainers") {
      const { ephemeralContainers } = draft.spec;
      draft.spec = { ...old.spec, ...(ephemeralContainers ? { ephemeralContainers } : {}) };
      return;
    }
    if (subresource === "resize") {
      draft.spec = {
        ...old.spec,
        containers: old.spec.containers.map((container, i) => {
          const changed = draft.spec.containers?.[i];
          return changed
            ? {
                ...container,
                resources: changed.resources,
                ...(changed.resizePolicy ? { resizePolicy: changed.resizePolicy } : {}),
              }
            : container;
        }),
      };
      return;
    }
    // Ephemeral containers come and stay through their own subresource.
    if (draft.spec !== old.spec && old.spec.ephemeralContainers)
      draft.spec.ephemeralContainers = old.spec.ephemeralContainers;
  },
  validate: (object) => validatePodSpec(object.spec, "spec"),
  validateUpdate: validatePodUpdate,
  validateUpdateOnly: false,
  gracePeriod(object, requested) {
    let period = requested ?? object.spec.terminationGracePeriodSeconds ?? 30;
    if (period < 0) period = 1;
    // Nobody runs it, or it has ended: it goes at once.
    if (!object.spec.nodeName) return 0;
    if (object.status.phase === "Failed" || object.status.phase === "Succeeded") return 0;
    return period;
  },
  columns: [
    nameColumn,
    column<Pod>("Ready", (p) => summarize(p).ready),
    column<Pod>("Status", (p) => summarize(p).reason),
    column<Pod>("Restarts", restartsCell),
    ageColumn,
    column<Pod>("IP", (p) => orNone(p.status.podIPs?.[0]?.ip ?? p.status.podIP), wide),
    column<Pod>("Node", (p) => orNone(p.spec.nodeName), wide),
    column<Pod>("Nominated Node", (p) => orNone(p.status.nominatedNodeName), wide),
    column<Pod>("Readiness Gates", readinessGates, wide),
  ],
});

/** Guaranteed, Burstable or BestEffort (component-helpers qos). */
export function qosClass(spec: Draft): "Guaranteed" | "Burstable" | "BestEffort" {
  let any = false;
  let guaranteed = true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])] as Container[]) {
    const { requests = {}, limits = {} } = container.resources ?? {};
    for (const name of ["cpu", "memory"]) {
      const request = positive(requests[name]);
      const limit = positive(limits[name]);
      if (request || limit) any = true;
      if (!limit || (request !== undefined && request !== limit)) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

function positive(text: string | undefined): bigint | undefined {
  const nano = text === undefined ? 0n : (parseQuantity(text)?.nano ?? 0n);
  return nano > 0n ? nano : undefined;
}

const UPDATABLE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function validatePodUpdate(next: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const a: Draft = next.spec;
  const b: Draft = old.spec;
  for (const list of ["containers", "initContainers"]) {
    if ((a[list]?.length ?? 0) !== (b[list]?.length ?? 0)) {
      errors.push(forbidden(`spec.${list}`, "pod updates may not add or remove containers"));
      return errors;
    }
  }
  if (
    b.activeDeadlineSeconds !== undefined &&
    (a.activeDeadlineSeconds === undefined || a.activeDeadlineSeconds > b.activeDeadlineSeconds)
  ) {
    errors.push({
      type: "FieldValueInvalid",
      field: "spec.activeDeadlineSeconds",
      body:
        a.activeDeadlineSeconds === undefined
          ? `Invalid value: null: must not update from a positive integer to nil value`
          : `Invalid value: ${a.activeDeadlineSeconds}: must be less than or equal to previous value`,
    });
    return errors;
  }
  const tolerationsKept = (b.tolerations ?? []).every((t: Draft) =>
    (a.tolerations ?? []).some((n: Draft) => deepEqual({ ...n, tolerationSeconds: 0 }, { ...t, tolerationSeconds: 0 })),
  );
  if (!tolerationsKept)
    errors.push(forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"));
  const gated = (b.schedulingGates?.length ?? 0) > 0;
  // What may change is taken from the old spec; the rest must then be equal.
  const withImages = (list: string): Draft[] | undefined =>
    a[list]?.map((container: Draft, i: number) => ({ ...container, image: b[list][i].image }));
  const munged: Draft = {
    ...a,
    containers: withImages("containers"),
    ...(a.initContainers ? { initContainers: withImages("initContainers") } : {}),
    activeDeadlineSeconds: b.activeDeadlineSeconds,
    tolerations: b.tolerations,
    ...(gated ? { schedulingGates: b.schedulingGates, nodeSelector: b.nodeSelector, affinity: b.affinity } : {}),
  };
  if ((b.terminationGracePeriodSeconds ?? 0) < 0 && a.terminationGracePeriodSeconds === 1)
    munged.terminationGracePeriodSeconds = b.terminationGracePeriodSeconds;
  if (!deepEqual(munged, b)) errors.push(forbidden("spec", `${UPDATABLE}\n${podSpecDiff(b, munged)}`));
  return errors;
}

interface Summary {
  readonly ready: string;
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestart: number;
}

const summaries = new WeakMap<Pod, Summary>();

/** What `kubectl get pods` shows of a Pod (printers/internalversion printPod). */
function summarize(p: Pod): Summary {
  let summary = summaries.get(p);
  if (!summary) {
    summary = computeSummary(p);
    summaries.set(p, summary);
  }
  return summary;
}

function computeSummary(p: Pod): Summary {
  const { spec, status, metadata } = p;
  const isSidecar = (name: string): boolean =>
    spec.initContainers?.find((c) => c.name === name)?.restartPolicy === "Always";
  let restarts = 0;
  let sidecarRestarts = 0;
  const total = spec.containers.length + (spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always").length;
  let ready = 0;
  let last = 0;
  let sidecarLast = 0;
  let reason: string = status.reason || status.phase || "";
  for (const condition of status.conditions ?? []) {
    if (condition.type === "PodScheduled" && condition.reason === "SchedulingGated") reason = "SchedulingGated";
  }
  let initializing = false;
  const inits = status.initContainerStatuses ?? [];
  for (let i = 0; i < inits.length; i++) {
    const container = inits[i]!;
    restarts += container.restartCount;
    last = Math.max(last, finishedAt(container));
    if (isSidecar(container.name)) {
      sidecarRestarts += container.restartCount;
      sidecarLast = Math.max(sidecarLast, finishedAt(container));
    }
    const terminated = container.state?.terminated;
    const waiting = container.state?.waiting;
    if (terminated?.exitCode === 0) continue;
    if (isSidecar(container.name) && container.started) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated)
      reason = `Init:${terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") reason = `Init:${waiting.reason}`;
    else reason = `Init:${i}/${spec.initContainers?.length ?? 0}`;
    initializing = true;
    break;
  }
  const initialized = (status.conditions ?? []).some((c) => c.type === "Initialized" && c.status === "True");
  if (!initializing || initialized) {
    restarts = sidecarRestarts;
    last = sidecarLast;
    let hasRunning = false;
    const containers = status.containerStatuses ?? [];
    for (let i = containers.length - 1; i >= 0; i--) {
      const container = containers[i]!;
      restarts += container.restartCount;
      last = Math.max(last, finishedAt(container));
      const { waiting, terminated, running } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated)
        reason =
          terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`);
      else if (container.ready && running) {
        hasRunning = true;
        ready++;
      }
    }
    if (reason === "Completed" && hasRunning) {
      const isReady = (status.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");
      reason = isReady ? "Running" : "NotReady";
    }
  }
  if (metadata.deletionTimestamp) {
    if (status.reason === "NodeLost") reason = "Unknown";
    else if (status.phase !== "Failed" && status.phase !== "Succeeded") reason = "Terminating";
  }
  return { ready: `${ready}/${total}`, reason, restarts, lastRestart: last };
}

const finishedAt = (container: ContainerStatus): Instant => {
  const text = container.lastState?.terminated?.finishedAt;
  return text ? (parseRfc3339(text) ?? 0) : 0;
};

function restartsCell(p: Pod, now: Instant): string {
  const { restarts, lastRestart } = summarize(p);
  if (restarts === 0 || lastRestart === 0) return String(restarts);
  return `${restarts} (${humanDuration(now - lastRestart)} ago)`;
}

function readinessGates(p: Pod): string {
  const gates = p.spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const ready = gates.filter((gate) =>
    p.status.conditions?.some((c) => c.type === gate.conditionType && c.status === "True"),
  );
  return `${ready.length}/${gates.length}`;
}
