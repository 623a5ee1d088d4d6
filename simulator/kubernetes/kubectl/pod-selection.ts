/** From what was named (a Pod, a Deployment, a Service …) to the Pod that logs, exec and port-forward work on. */
import { encodeUtf8 } from "../../base/bytes";
import { parseRfc3339 } from "../../base/clock";
import type { Task } from "../../base/task";
import type { KubeObject } from "../apimachinery/object";
import { formatLabels, formatSelector, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Part } from "./describe/page";
import type { Factory } from "./factory";
import { CommandFailure, fail } from "./failure";
import { type Target, listObjects } from "./targets";

/** The selector text of the Pods an object stands for; undefined for a Pod itself. */
function podSelectorOf(object: KubeObject, purpose: string): string | undefined {
  // Go's name of the object's type.
  const type = `*${object.apiVersion.replace(/^.*\//, "")}.${object.kind}`;
  const spec: Part = object["spec"] ?? {};
  switch (object.kind) {
    case "Pod":
      return undefined;
    case "Service":
      if (!spec.selector || Object.keys(spec.selector).length === 0)
        fail(`${purpose} ${type}: invalid service '${object.metadata.name}': Service is defined without a selector`);
      return formatLabels(spec.selector);
    case "ReplicationController":
      return formatLabels(spec.selector);
    case "Deployment":
    case "ReplicaSet":
    case "StatefulSet":
    case "DaemonSet":
    case "Job":
      return formatSelector(selectorFromLabelSelector(spec.selector));
    default:
      throw new CommandFailure(`${purpose} ${type}: selector for ${type} not implemented`);
  }
}

/** The Pods of an object, best first: running and ready before others, the longest ready before newer ones. */
export function* podsOf(
  factory: Factory,
  target: Pick<Target, "object" | "namespace">,
  purpose: string,
): Task<readonly Part[]> {
  const selector = podSelectorOf(target.object, purpose);
  if (selector === undefined) return [target.object];
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const list = yield* listObjects(factory, mapping, target.namespace, { labelSelector: selector });
  return [...(list.items as readonly Part[])].sort(byActivity);
}

/** The one Pod to work on; waits up to `timeoutMs` for one to appear. */
export function* podFor(
  factory: Factory,
  target: Pick<Target, "object" | "namespace">,
  timeoutMs: number,
  purpose = "cannot attach to",
): Task<{ readonly pod: Part; readonly count: number }> {
  const deadline = factory.process.now() + timeoutMs;
  for (;;) {
    const pods = yield* podsOf(factory, target, purpose);
    if (pods.length > 0) return { pod: pods[0], count: pods.length };
    if (factory.process.now() >= deadline) fail("timed out waiting for the condition");
    yield* factory.process.sleep(500);
  }
}

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** podutils.ActivePods, reversed: assigned, later phase, ready, longer ready, fewer restarts, older. */
function byActivity(a: Part, b: Part): number {
  const assigned = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  if (assigned) return assigned;
  const phase = (PHASES[b.status?.phase] ?? 0) - (PHASES[a.status?.phase] ?? 0);
  if (phase) return phase;
  const ready = Number(isReady(b)) - Number(isReady(a));
  if (ready) return ready;
  const readySince = readyTime(a) - readyTime(b);
  if (readySince) return readySince;
  const restarts = restartsOf(a) - restartsOf(b);
  if (restarts) return restarts;
  return (parseRfc3339(a.metadata.creationTimestamp) ?? 0) - (parseRfc3339(b.metadata.creationTimestamp) ?? 0);
}

const readyCondition = (pod: Part): Part => pod.status?.conditions?.find((each: Part) => each.type === "Ready");
export const isReady = (pod: Part): boolean => readyCondition(pod)?.status === "True";
const readyTime = (pod: Part): number =>
  isReady(pod) ? (parseRfc3339(readyCondition(pod)?.lastTransitionTime ?? "") ?? 0) : 0;
const restartsOf = (pod: Part): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((each: Part) => each.restartCount ?? 0));

/** Every container with its kind in brackets, as "Defaulted container" lists them. */
export function containerList(pod: Part): string {
  return [
    ...(pod.spec.containers ?? []).map((each: Part) => each.name),
    ...(pod.spec.ephemeralContainers ?? []).map((each: Part) => `${each.name} (ephem)`),
    ...(pod.spec.initContainers ?? []).map((each: Part) => `${each.name} (init)`),
  ].join(", ");
}

export function findContainer(pod: Part, name: string): Part | undefined {
  return [
    ...(pod.spec.containers ?? []),
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ].find((each) => each.name === name);
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The container that is meant: the named one, the annotated one, or the first (which is said when there are more). */
export function* chooseContainer(
  factory: Factory,
  pod: Part,
  wanted: string,
  options: { readonly quiet?: boolean; readonly remarksTo?: 1 | 2 } = {},
): Task<string> {
  const remark = (text: string): Task<unknown> => factory.process.write(options.remarksTo ?? 2, encodeUtf8(text));
  if (wanted !== "") {
    if (!findContainer(pod, wanted))
      fail(`container ${wanted} is not valid for pod ${pod.metadata.name} out of: ${containerList(pod)}`);
    return wanted;
  }
  const annotated = pod.metadata.annotations?.[DEFAULT_CONTAINER];
  if (annotated) {
    if (findContainer(pod, annotated)) return annotated;
    yield* remark(`Default container name "${annotated}" not found in pod ${pod.metadata.name}\n`);
  }
  const first: string = pod.spec.containers[0].name;
  const count =
    (pod.spec.containers?.length ?? 0) +
    (pod.spec.initContainers?.length ?? 0) +
    (pod.spec.ephemeralContainers?.length ?? 0);
  if (count > 1 && !options.quiet) yield* remark(`Defaulted container "${first}" out of: ${containerList(pod)}\n`);
  return first;
}
