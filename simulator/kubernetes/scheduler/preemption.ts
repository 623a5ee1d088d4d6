/** DefaultPreemption: which Pods of lower priority would have to go, on which node, for this one to fit. */
import { parseRfc3339 } from "../../base/clock";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Pod, PodDisruptionBudget } from "../api/types.generated";
import { fitErrorMessage } from "./failure";
import { type NodeFilter, priorityOf, type Rejection, reject } from "./framework";
import type { NodeInfo, Snapshot } from "./node-info";

const NAME = "DefaultPreemption";

export interface PreemptionRequest {
  readonly pod: Pod;
  readonly snapshot: Snapshot;
  readonly filters: readonly NodeFilter[];
  /** Why each node was turned down. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  readonly budgets: Iterable<PodDisruptionBudget>;
}

export interface Preemption {
  readonly nodeName: string;
  readonly victims: readonly Pod[];
}

export type PreemptionResult =
  | { readonly ok: true; readonly preemption: Preemption }
  /** What FailedScheduling appends. */
  | { readonly ok: false; readonly message: string };

interface Candidate extends Preemption {
  readonly violations: number;
}

/** PostFilter. Changes nothing but what it puts back. */
export function findPreemption(request: PreemptionRequest): PreemptionResult {
  const { pod, snapshot, rejections } = request;
  const ineligible = ineligibility(pod, snapshot);
  if (ineligible) return { ok: false, message: withClaims(ineligible) };
  const notes = new Map<string, Rejection>();
  const candidates: Candidate[] = [];
  const budgets = [...request.budgets];
  for (const info of snapshot.nodes) {
    const rejection = rejections.get(info.name);
    if (!rejection || rejection.unresolvable) {
      notes.set(info.name, reject(NAME, "Preemption is not helpful for scheduling"));
      continue;
    }
    const outcome = selectVictims(request, info, budgets);
    if ("victims" in outcome) candidates.push(outcome);
    else notes.set(info.name, outcome);
  }
  const best = pick(candidates);
  if (best) return { ok: true, preemption: best };
  return { ok: false, message: withClaims(fitErrorMessage({ nodeCount: snapshot.nodes.length, rejections: notes })) };
}

/** DynamicResources is asked before and never has a claim to give back: claims of devices are not simulated. */
const withClaims = (message: string): string => `no new claims to deallocate, preemption: ${message}`;

/** PodEligibleToPreemptOthers. */
function ineligibility(pod: Pod, snapshot: Snapshot): string | undefined {
  if (pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = pod.status?.nominatedNodeName;
  const info = nominated ? snapshot.get(nominated) : undefined;
  for (const { pod: other } of info?.pods.values() ?? []) {
    if (!other.metadata.deletionTimestamp || priorityOf(other) >= priorityOf(pod)) continue;
    const isPreempted = other.status?.conditions?.some(
      (c) => c.type === "DisruptionTarget" && c.status === "True" && c.reason === "PreemptionByScheduler",
    );
    if (isPreempted) return "not eligible due to a terminating pod on the nominated node.";
  }
  return undefined;
}

/** SelectVictimsOnNode: all lower ones away; if that helps, as many as possible come back, the important first. */
function selectVictims(
  { pod, filters }: PreemptionRequest,
  original: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
): Candidate | Rejection {
  const info = original.clone();
  const gone: Pod[] = [];
  const take = (victim: Pod): void => {
    info.remove(victim.metadata.uid);
    for (const filter of filters) filter.remove?.(victim, info);
  };
  const putBack = (victim: Pod): void => {
    info.add(victim);
    for (const filter of filters) filter.add?.(victim, info);
  };
  const fits = (): Rejection | undefined => {
    for (const filter of filters) {
      const rejection = filter.filter(info);
      if (rejection) return rejection;
    }
    return undefined;
  };
  const lower = [...original.pods.values()].map((p) => p.pod).filter((p) => priorityOf(p) < priorityOf(pod));
  if (lower.length === 0) return reject(NAME, "No preemption victims found for incoming pod");
  lower.sort(moreImportant);
  for (const victim of lower) take(victim);
  const rejection = fits();
  if (rejection) {
    for (const victim of lower) putBack(victim);
    return rejection;
  }
  const { violating, others } = splitByBudgets(lower, budgets);
  let violations = 0;
  const reprieve = (victim: Pod): boolean => {
    putBack(victim);
    if (!fits()) return true;
    take(victim);
    gone.push(victim);
    return false;
  };
  for (const victim of violating) if (!reprieve(victim)) violations++;
  for (const victim of others) reprieve(victim);
  // The filters' counts are shared with the cycle: they go back to what is.
  for (const victim of gone) putBack(victim);
  return { nodeName: original.name, victims: gone.sort(moreImportant), violations };
}

/** util.MoreImportantPod: higher priority, then older. */
const moreImportant = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1);

const startOf = (pod: Pod): number =>
  parseRfc3339(pod.status?.startTime ?? pod.metadata.creationTimestamp) ?? Number.POSITIVE_INFINITY;

function splitByBudgets(
  pods: readonly Pod[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: Pod[]; readonly others: Pod[] } {
  const allowed = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    let isViolating = false;
    for (const budget of budgets) {
      if (budget.metadata.namespace !== pod.metadata.namespace || !budget.spec.selector) continue;
      const selector = selectorFromLabelSelector(budget.spec.selector);
      if (selector.requirements.length === 0 || !matches(selector, pod.metadata.labels)) continue;
      if (budget.status?.disruptedPods?.[pod.metadata.name] !== undefined) continue;
      const left = allowed.get(budget)! - 1;
      allowed.set(budget, left);
      if (left < 0) isViolating = true;
    }
    (isViolating ? violating : others).push(pod);
  }
  return { violating, others };
}

/** pickOneNodeForPreemption: each criterion decides only between those that the earlier ones left equal. */
function pick(candidates: readonly Candidate[]): Candidate | undefined {
  const criteria: ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => (victims[0] ? priorityOf(victims[0]) : Number.NEGATIVE_INFINITY),
    ({ victims }) => victims.reduce((sum, pod) => sum + priorityOf(pod) + 2_147_483_648, 0),
    ({ victims }) => victims.length,
    ({ victims }) => -latestStart(victims),
  ];
  let left = candidates;
  for (const criterion of criteria) {
    if (left.length <= 1) break;
    const least = Math.min(...left.map(criterion));
    left = left.filter((candidate) => criterion(candidate) === least);
  }
  return left[0];
}

/** GetEarliestPodStartTime: of the victims of the highest priority, the earliest start. */
function latestStart(victims: readonly Pod[]): number {
  const highest = victims[0] ? priorityOf(victims[0]) : 0;
  return Math.min(...victims.filter((pod) => priorityOf(pod) === highest).map(startOf));
}
