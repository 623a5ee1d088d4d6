/** A Pod's phase and conditions, from its containers' statuses: pure. */
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from "../api/types.generated";
import { isRestartableInit, type RuntimePodStatus, sandboxChanged } from "./runtime-status";

export type PodPhase = NonNullable<PodStatus["phase"]>;

const byName = (statuses: readonly ContainerStatus[], name: string): ContainerStatus | undefined =>
  statuses.find((status) => status.name === name);

export const isStaticPod = (pod: Pod): boolean => {
  const source = pod.metadata.annotations?.["kubernetes.io/config.source"];
  return source !== undefined && source !== "api";
};

/** `isTerminal`: the Pod is deleted or evicted and its containers have stopped for good. */
export function podPhase(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  initStatuses: readonly ContainerStatus[],
  isTerminal: boolean,
): PodPhase {
  const { pending, failed } = initCounts(pod, initStatuses, statuses);
  if (failed > 0 && pod.spec.restartPolicy === "Never") return "Failed";
  let [unknown, running, waiting, stopped, succeeded] = [0, 0, 0, 0, 0];
  for (const container of pod.spec.containers) {
    const status = byName(statuses, container.name);
    if (status?.state?.running) running++;
    else if (status?.state?.terminated) {
      stopped++;
      if (status.state.terminated.exitCode === 0) succeeded++;
    } else if (status?.state?.waiting) status.lastState?.terminated ? stopped++ : waiting++;
    else unknown++;
  }
  if (pending > 0 || waiting > 0) return "Pending";
  if (running > 0 && unknown === 0) return "Running";
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (isTerminal && !isStaticPod(pod)) return stopped === succeeded ? "Succeeded" : "Failed";
    if (pod.spec.restartPolicy === "Always" || pod.spec.restartPolicy === undefined) return "Running";
    if (stopped === succeeded) return "Succeeded";
    return pod.spec.restartPolicy === "Never" ? "Failed" : "Running";
  }
  return "Pending";
}

function initCounts(
  pod: Pod,
  initStatuses: readonly ContainerStatus[],
  statuses: readonly ContainerStatus[],
): { readonly pending: number; readonly failed: number } {
  const mainStarted = statuses.some((s) => s.state?.running || s.state?.terminated || s.lastState?.terminated);
  let [pending, failed] = [0, 0];
  for (const container of pod.spec.initContainers ?? []) {
    const status = byName(initStatuses, container.name);
    if (isRestartableInit(container)) {
      if (mainStarted) continue;
      if (!status?.state?.running || !status.started) pending++;
      continue;
    }
    const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined);
    if (!ended) pending++;
    else if (ended.exitCode !== 0) failed++;
  }
  // Once the main containers have run, an init container whose traces are gone is not pending again.
  return { pending: mainStarted ? 0 : pending, failed };
}

export interface ConditionInput {
  readonly pod: Pod;
  readonly runtime: RuntimePodStatus;
  readonly phase: PodPhase;
  readonly containers: readonly ContainerStatus[];
  readonly inits: readonly ContainerStatus[];
}

type Draft = Pick<PodCondition, "type" | "status" | "reason" | "message">;

/** The conditions the kubelet owns, in the order it writes them. */
export function podConditions(input: ConditionInput): Draft[] {
  const containersReady = containersReadyCondition(input);
  return [
    { type: "PodReadyToStartContainers", status: sandboxChanged(input.pod, input.runtime).changed ? "False" : "True" },
    initializedCondition(input),
    readyCondition(input, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
  ];
}

/** As Go prints a []string. */
const list = (names: readonly string[]): string => `[${names.join(" ")}]`;

function initializedCondition({ pod, phase, inits, containers }: ConditionInput): Draft {
  const type = "Initialized";
  const specs = pod.spec.initContainers ?? [];
  if (specs.length === 0 && phase !== "Succeeded") return { type, status: "True" };
  const unknown = specs.filter((c) => !byName(inits, c.name)).map((c) => c.name);
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "True", reason: "PodCompleted" };
  if (containers.some((c) => c.state?.running || c.state?.terminated || c.lastState?.terminated))
    return { type, status: "True" };
  const incomplete = specs.filter((c) => isIncomplete(c, byName(inits, c.name))).map((c) => c.name);
  return unready(type, "ContainersNotInitialized", "incomplete", unknown, incomplete) ?? { type, status: "True" };
}

function isIncomplete(container: Container, status: ContainerStatus | undefined): boolean {
  if (!status) return false;
  return isRestartableInit(container) ? !status.started : !status.ready;
}

function containersReadyCondition({ pod, phase, containers, inits }: ConditionInput): Draft {
  const type = "ContainersReady";
  const unknown: string[] = [];
  const notReady: string[] = [];
  const look = (name: string, statuses: readonly ContainerStatus[]): void => {
    const status = byName(statuses, name);
    if (!status) unknown.push(name);
    else if (!status.ready) notReady.push(name);
  };
  for (const container of pod.spec.initContainers ?? []) if (isRestartableInit(container)) look(container.name, inits);
  for (const container of pod.spec.containers) look(container.name, containers);
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  return unready(type, "ContainersNotReady", "unready", unknown, notReady) ?? { type, status: "True" };
}

function unready(
  type: string,
  reason: string,
  word: string,
  unknown: readonly string[],
  bad: readonly string[],
): Draft | undefined {
  if (unknown.length === 0 && bad.length === 0) return undefined;
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${list(unknown)}`] : []),
    ...(bad.length > 0 ? [`containers with ${word} status: ${list(bad)}`] : []),
  ];
  return messages.length === 0 ? undefined : { type, status: "False", reason, message: messages.join(", ") };
}

function readyCondition(input: ConditionInput, containersReady: Draft): Draft {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const messages: string[] = [];
  for (const gate of input.pod.spec.readinessGates ?? []) {
    const condition = input.pod.status?.conditions?.find((c) => c.type === gate.conditionType);
    if (!condition)
      messages.push(`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`);
    else if (condition.status !== "True")
      messages.push(`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${condition.status}`);
  }
  if (messages.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}
