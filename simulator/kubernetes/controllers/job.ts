/** Job controller: Pods that run to an end, counted exactly once by means of a finalizer on each. */
import { type Instant, parseRfc3339, rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import { selectorFromLabelSelector } from "../apimachinery/labels";
import type { Status } from "../apimachinery/object";
import type { Job, JobCondition, JobStatus, Pod, PodFailurePolicyRule } from "../api/types.generated";
import { isNamespaceTerminating, isNotFound } from "../client/client";
import { type ControllerContext, defineController, type Outcome } from "../client/controller";
import {
  BY_CONTROLLER,
  claim,
  claimable,
  controllerOf,
  indexByController,
  newControllerRef,
} from "../client/controller-ref";
import { Expectations } from "../client/expectations";
import { keyOf } from "../client/resource-type";
import { JOBS, PODS } from "../client/resources";
import { PodControl, slowStartBatch } from "./pod-control";
import { isPodActive, isPodReady, isPodTerminal, isPodTerminating } from "./pods";

const FINALIZER = "batch.kubernetes.io/job-tracking";
const INDEX = "batch.kubernetes.io/job-completion-index";
/** Upstream gathers Pod updates for a second. */
const BATCH_MS = 1000;
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;

export const jobController = defineController({
  name: "job-controller",
  queue: { backoffBaseMs: 1000, backoffMaxMs: 60_000 },
  setup(context) {
    const { queue } = context;
    const expectations = new Expectations(context);
    const jobs = context.watch(JOBS, (job) => [keyOf(job)]).cache;
    const ownerKey = (pod: Pod): string | undefined => {
      const owner = controllerOf(pod);
      return owner?.kind === "Job" ? `${pod.metadata.namespace}/${owner.name}` : undefined;
    };
    const pods = context.watch(PODS, {
      added(pod) {
        const key = ownerKey(pod);
        if (!key) return;
        expectations.creationObserved(key);
        queue.addAfter(key, BATCH_MS);
      },
      updated(pod) {
        const key = ownerKey(pod);
        if (key) queue.addAfter(key, BATCH_MS);
      },
      deleted(pod) {
        const key = ownerKey(pod);
        if (!key) return;
        expectations.deletionObserved(key, keyOf(pod));
        queue.addAfter(key, BATCH_MS);
      },
    }).cache;
    pods.addIndex(BY_CONTROLLER, indexByController);

    return {
      reconcile(key) {
        const job = jobs.get(key);
        if (!job) {
          expectations.delete(key);
          return undefined;
        }
        if (job.spec.managedBy && job.spec.managedBy !== "kubernetes.io/job-controller") return undefined;
        if (isFinished(job)) {
          releaseFinalizers(context, [...pods.byIndex(BY_CONTROLLER, job.metadata.uid)].filter(isPodTerminal));
          return undefined;
        }
        context.spend(pods.countByIndex(BY_CONTROLLER, job.metadata.uid) * 0.05);
        const { claimed, error } = claim(claimable(pods, job), {
          client: context.client,
          owner: job,
          ownerType: JOBS,
          type: PODS,
          selector: selectorFromLabelSelector(job.spec.selector),
        });
        if (error) return { error };
        return new Sync(context, job, claimed, expectations).run();
      },
    };
  },
});

const conditionOf = (job: Job, type: string): JobCondition | undefined =>
  job.status?.conditions?.find((c) => c.type === type && c.status === "True");
const isFinished = (job: Job): boolean => Boolean(conditionOf(job, "Complete") ?? conditionOf(job, "Failed"));
const hasFinalizer = (pod: Pod): boolean => pod.metadata.finalizers?.includes(FINALIZER) ?? false;
const indexOf = (pod: Pod): number => Number(pod.metadata.annotations?.[INDEX] ?? pod.metadata.labels?.[INDEX] ?? -1);

/** Lets Pods go that have been counted. */
function releaseFinalizers(context: ControllerContext, pods: Iterable<Pod>): void {
  for (const pod of pods) {
    if (!hasFinalizer(pod)) continue;
    context.client.patch(PODS, pod.metadata, "merge", {
      metadata: { finalizers: pod.metadata.finalizers!.filter((finalizer) => finalizer !== FINALIZER) },
    });
  }
}

class Sync {
  readonly #context: ControllerContext;
  #job: Job;
  readonly #pods: readonly Pod[];
  readonly #expectations: Expectations;
  readonly #key: string;

  constructor(context: ControllerContext, job: Job, pods: readonly Pod[], expectations: Expectations) {
    this.#context = context;
    this.#job = job;
    this.#pods = pods;
    this.#expectations = expectations;
    this.#key = keyOf(job);
  }

  run(): Outcome {
    const now = this.#context.now();
    const job = this.#job;
    const { spec } = job;
    const isIndexed = spec.completionMode === "Indexed";
    // Counters first: what is finished and not yet counted.
    const uncounted = {
      succeeded: new Set(job.status?.uncountedTerminatedPods?.succeeded),
      failed: new Set(job.status?.uncountedTerminatedPods?.failed),
    };
    let policyFailure: string | undefined;
    for (const pod of this.#pods) {
      if (!hasFinalizer(pod)) continue;
      const { uid } = pod.metadata;
      if (pod.status?.phase === "Succeeded") uncounted.succeeded.add(uid);
      else if (this.#countsAsFailed(pod)) {
        const rule = matchingRule(job, pod);
        if (rule?.action === "FailJob") policyFailure ??= failureText(rule, pod, this.#ruleIndex(rule));
        if (rule?.action !== "Ignore") uncounted.failed.add(uid);
        else releaseFinalizers(this.#context, [pod]);
      }
    }
    const succeeded = (job.status?.succeeded ?? 0) + uncounted.succeeded.size;
    const failed = (job.status?.failed ?? 0) + uncounted.failed.size;
    const completed = isIndexed ? completedIndexes(job, this.#pods) : undefined;
    const doneCount = completed ? completed.size : succeeded;
    const active = this.#pods.filter(isPodActive);
    let startTime = job.status?.startTime;
    if (!startTime && !spec.suspend) startTime = rfc3339(now);

    let verdict: JobCondition | undefined = conditionOf(job, "FailureTarget") ?? conditionOf(job, "SuccessCriteriaMet");
    verdict ??= this.#failure(failed, startTime, policyFailure);
    if (!verdict && this.#isSuccess(doneCount, active)) {
      verdict = this.#condition(
        "SuccessCriteriaMet",
        "CompletionsReached",
        "Reached expected number of succeeded pods",
      );
    }
    let problem: Status | undefined;
    const conditions: JobCondition[] = [...(job.status?.conditions ?? [])];
    let remaining = active.length;
    if (verdict) {
      if (!conditions.some((c) => c.type === verdict.type)) conditions.push(verdict);
      problem = this.#deletePods(active);
      if (!problem) remaining = 0;
    } else if (this.#expectations.satisfied(this.#key) && !job.metadata.deletionTimestamp) {
      if (spec.suspend) {
        problem = this.#deletePods(active);
        remaining = 0;
        if (!conditionOf(job, "Suspended")) {
          setCondition(conditions, this.#condition("Suspended", "JobSuspended", "Job suspended"));
          this.#context.recorder.event(job, "Normal", "Suspended", "Job suspended");
        }
        startTime = undefined;
      } else {
        if (conditionOf(job, "Suspended")) {
          setCondition(conditions, { ...this.#condition("Suspended", "JobResumed", "Job resumed"), status: "False" });
          this.#context.recorder.event(job, "Normal", "Resumed", "Job resumed");
          startTime = rfc3339(now);
        }
        const managed = this.#manage(active, doneCount, completed);
        problem = managed.error;
        remaining += managed.change;
      }
    }
    const terminating = this.#pods.filter(isPodTerminating).length;
    const status: JobStatus = {
      ...(remaining > 0 ? { active: remaining } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
      ...(job.status?.failed ? { failed: job.status.failed } : {}),
      ...(job.status?.succeeded ? { succeeded: job.status.succeeded } : {}),
      ready: verdict ? 0 : active.filter(isPodReady).length,
      ...(startTime ? { startTime } : {}),
      terminating: verdict ? terminating + active.length : terminating,
      ...(completed?.size ? { completedIndexes: formatIndexes(completed) } : {}),
      uncountedTerminatedPods: {
        ...(uncounted.succeeded.size > 0 ? { succeeded: [...uncounted.succeeded] } : {}),
        ...(uncounted.failed.size > 0 ? { failed: [...uncounted.failed] } : {}),
      },
    };
    problem ??= this.#track(status, uncounted, verdict, terminating + active.length);
    if (problem) return { error: problem };
    return this.#deadline(startTime, now);
  }

  /** Writes the uncounted uids, lets the Pods go, then counts them: a crash in between counts nothing twice. */
  #track(
    status: JobStatus,
    uncounted: { readonly succeeded: Set<string>; readonly failed: Set<string> },
    verdict: JobCondition | undefined,
    stillThere: number,
  ): Status | undefined {
    let problem = this.#write(status);
    if (problem) return problem;
    const counted = this.#pods.filter(
      (pod) => uncounted.succeeded.has(pod.metadata.uid) || uncounted.failed.has(pod.metadata.uid),
    );
    releaseFinalizers(this.#context, counted);
    const succeeded = (status.succeeded ?? 0) + uncounted.succeeded.size;
    const failed = (status.failed ?? 0) + uncounted.failed.size;
    const next: { -readonly [K in keyof JobStatus]: JobStatus[K] } = {
      ...status,
      ...(succeeded ? { succeeded } : {}),
      ...(failed ? { failed } : {}),
      uncountedTerminatedPods: {},
    };
    // Finished only when every Pod has ended: until then the target condition stands alone.
    if (verdict && stillThere === 0) {
      const type = verdict.type === "FailureTarget" ? "Failed" : "Complete";
      const final = this.#condition(type, verdict.reason!, verdict.message!);
      next.conditions = [...(status.conditions ?? []), final];
      next.terminating = 0;
      if (type === "Complete") next.completionTime = final.lastTransitionTime!;
    }
    problem = this.#write(next);
    if (problem) return problem;
    if (verdict && stillThere === 0) {
      const { recorder } = this.#context;
      if (verdict.type === "FailureTarget") recorder.event(this.#job, "Warning", verdict.reason!, verdict.message!);
      else recorder.event(this.#job, "Normal", "Completed", "Job completed");
    }
    return undefined;
  }

  #write(status: JobStatus): Status | undefined {
    if (deepEqual(this.#job.status, status)) return undefined;
    const written = this.#context.client.updateStatus(JOBS, { ...this.#job, status });
    if (!written.ok) return isNotFound(written.error) ? undefined : written.error;
    this.#job = written.value;
    return undefined;
  }

  #countsAsFailed(pod: Pod): boolean {
    if (pod.status?.phase === "Failed") return true;
    if (!pod.metadata.deletionTimestamp || pod.status?.phase === "Succeeded") return false;
    // A Pod that is deleted counts as failed, unless the replacement policy waits for its end.
    return this.#job.spec.podReplacementPolicy !== "Failed" && !this.#job.spec.podFailurePolicy;
  }

  #failure(failed: number, startTime: string | undefined, policyFailure: string | undefined): JobCondition | undefined {
    const { spec } = this.#job;
    if (policyFailure) return this.#condition("FailureTarget", "PodFailurePolicy", policyFailure);
    const limit = spec.backoffLimit ?? 6;
    const restarts =
      spec.template.spec?.restartPolicy === "OnFailure"
        ? this.#pods
            .filter((pod) => pod.status?.phase === "Running" || pod.status?.phase === "Pending")
            .reduce((sum, pod) => sum + restartsOf(pod), 0)
        : 0;
    const isPastRestarts = restarts > 0 && (limit === 0 || restarts >= limit);
    if (failed > limit || isPastRestarts) {
      return this.#condition("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    const { activeDeadlineSeconds } = spec;
    const since = parseRfc3339(startTime ?? "");
    if (activeDeadlineSeconds !== undefined && since !== undefined && !spec.suspend) {
      if (this.#context.now() - since >= activeDeadlineSeconds * 1000) {
        return this.#condition("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline");
      }
    }
    return undefined;
  }

  #isSuccess(done: number, active: readonly Pod[]): boolean {
    const { completions } = this.#job.spec;
    // Without a number the Pods decide: one success, and no one left.
    return completions === undefined ? done > 0 && active.length === 0 : done >= completions;
  }

  #manage(
    active: readonly Pod[],
    done: number,
    completed: ReadonlySet<number> | undefined,
  ): { readonly change: number; readonly error?: Status } {
    const job = this.#job;
    const parallelism = job.spec.parallelism ?? 1;
    const { completions } = job.spec;
    let wanted: number;
    if (completions === undefined) wanted = done > 0 ? Math.min(active.length, parallelism) : parallelism;
    else wanted = Math.max(Math.min(completions - done, parallelism), 0);
    if (active.length > wanted) {
      const doomed = [...active]
        .sort(
          (a, b) =>
            Number(isPodReady(a)) - Number(isPodReady(b)) ||
            (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1),
        )
        .slice(0, active.length - wanted);
      const error = this.#deletePods(doomed);
      return error ? { change: 0, error } : { change: -doomed.length };
    }
    const occupied = job.spec.podReplacementPolicy === "Failed" ? this.#pods.filter(isPodTerminating).length : 0;
    const missing = Math.max(wanted - active.length - occupied, 0);
    if (missing === 0) return { change: 0 };
    const backoff = this.#backoffMs();
    if (backoff > 0) {
      this.#context.queue.addAfter(this.#key, backoff);
      return { change: 0 };
    }
    const { successes, error } = this.#create(missing, active, completed);
    return error ? { change: successes, error } : { change: successes };
  }

  /** Failed Pods since the last success make the next one wait: 10 s, doubled up to 10 minutes. */
  #backoffMs(): number {
    let failures = 0;
    let last = 0;
    const ended = this.#pods
      .filter((pod) => isPodTerminal(pod) || pod.metadata.deletionTimestamp)
      .map((pod) => ({ isFailure: pod.status?.phase !== "Succeeded", at: endOf(pod) }))
      .sort((a, b) => a.at - b.at);
    for (const { isFailure, at } of ended) {
      failures = isFailure ? failures + 1 : 0;
      last = at;
    }
    if (failures === 0) return 0;
    const delay = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 20), BACKOFF_MAX_MS);
    return Math.max(last + delay - this.#context.now(), 0);
  }

  #create(
    count: number,
    active: readonly Pod[],
    completed: ReadonlySet<number> | undefined,
  ): { readonly successes: number; readonly error?: Status } {
    const job = this.#job;
    const { client, recorder } = this.#context;
    const podControl = new PodControl({ client, recorder });
    const indexes = completed ? firstFree(job.spec.completions!, count, completed, active.map(indexOf)) : [];
    const total = completed ? indexes.length : count;
    const controllerRef = newControllerRef(job, JOBS);
    this.#expectations.expectCreations(this.#key, total);
    let next = 0;
    const result = slowStartBatch(total, 1, () => {
      const index = indexes[next++];
      const created = podControl.create({
        owner: job,
        controllerRef,
        template: job.spec.template,
        adjust: (pod) => (index === undefined ? tracked(pod) : indexed(tracked(pod), job.metadata.name, index)),
      });
      return created.ok || isNamespaceTerminating(created.error) ? undefined : created.error;
    });
    for (let i = result.successes; i < total; i++) this.#expectations.creationObserved(this.#key);
    return result;
  }

  #deletePods(pods: readonly Pod[]): Status | undefined {
    if (pods.length === 0) return undefined;
    const podControl = new PodControl({ client: this.#context.client, recorder: this.#context.recorder });
    this.#expectations.expectDeletions(this.#key, pods.map(keyOf));
    let failed: Status | undefined;
    for (const pod of pods) {
      const deleted = podControl.delete(this.#job, pod);
      // The deletion of a Pod with a finalizer shows as an update: nothing to wait for.
      this.#expectations.deletionObserved(this.#key, keyOf(pod));
      if (!deleted.ok && !isNotFound(deleted.error)) failed ??= deleted.error;
    }
    return failed;
  }

  #deadline(startTime: string | undefined, now: Instant): Outcome {
    const { activeDeadlineSeconds } = this.#job.spec;
    const since = parseRfc3339(startTime ?? "");
    if (activeDeadlineSeconds === undefined || since === undefined || isFinished(this.#job)) return undefined;
    return { afterMs: Math.max(since + activeDeadlineSeconds * 1000 - now, 1) };
  }

  #ruleIndex(rule: PodFailurePolicyRule): number {
    return this.#job.spec.podFailurePolicy?.rules.indexOf(rule) ?? 0;
  }

  #condition(type: string, reason: string, message: string): JobCondition {
    const at = rfc3339(this.#context.now());
    return { type, status: "True", lastProbeTime: at, lastTransitionTime: at, reason, message };
  }
}

function setCondition(conditions: JobCondition[], condition: JobCondition): void {
  const i = conditions.findIndex((c) => c.type === condition.type);
  if (i < 0) conditions.push(condition);
  else conditions[i] = condition;
}

const restartsOf = (pod: Pod): number =>
  [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].reduce(
    (sum, status) => sum + status.restartCount,
    0,
  );

function endOf(pod: Pod): Instant {
  let latest = 0;
  for (const { state } of pod.status?.containerStatuses ?? []) {
    latest = Math.max(latest, parseRfc3339(state?.terminated?.finishedAt ?? "") ?? 0);
  }
  return latest || (parseRfc3339(pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp) ?? 0);
}

function tracked<P extends { readonly metadata: { readonly finalizers?: readonly string[] | undefined } }>(pod: P): P {
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), FINALIZER] } };
}

// biome-ignore lint/suspicious/noExplicitAny: a draft of a Pod that the server completes.
function indexed(pod: any, jobName: string, index: number): any {
  const env = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } },
  };
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const withIndex = (container: any) =>
    container.env?.some((e: { name: string }) => e.name === env.name)
      ? container
      : { ...container, env: [...(container.env ?? []), env] };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${jobName}-${index}-`,
      labels: { ...pod.metadata.labels, [INDEX]: String(index) },
      annotations: { ...pod.metadata.annotations, [INDEX]: String(index) },
    },
    spec: {
      ...pod.spec,
      hostname: `${jobName}-${index}`,
      containers: pod.spec.containers.map(withIndex),
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(withIndex) } : {}),
    },
  };
}

function completedIndexes(job: Job, pods: readonly Pod[]): Set<number> {
  const done = parseIndexes(job.status?.completedIndexes ?? "");
  for (const pod of pods) {
    const index = indexOf(pod);
    if (pod.status?.phase === "Succeeded" && index >= 0 && index < (job.spec.completions ?? 0)) done.add(index);
  }
  return done;
}

/** `0,2-4,7`. */
export function parseIndexes(text: string): Set<number> {
  const indexes = new Set<number>();
  for (const part of text.split(",")) {
    const m = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (m) for (let i = Number(m[1]); i <= Number(m[2] ?? m[1]); i++) indexes.add(i);
  }
  return indexes;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    if (end === i) parts.push(`${sorted[i]}`);
    else parts.push(end === i + 1 ? `${sorted[i]},${sorted[end]}` : `${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(",");
}

function firstFree(completions: number, count: number, done: ReadonlySet<number>, active: readonly number[]): number[] {
  const free: number[] = [];
  for (let i = 0; i < completions && free.length < count; i++) if (!done.has(i) && !active.includes(i)) free.push(i);
  return free;
}

function matchingRule(job: Job, pod: Pod): PodFailurePolicyRule | undefined {
  for (const rule of job.spec.podFailurePolicy?.rules ?? []) {
    const codes = rule.onExitCodes;
    if (codes) {
      const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
      for (const { name, state } of statuses) {
        const code = state?.terminated?.exitCode;
        if (!code || (codes.containerName && codes.containerName !== name)) continue;
        if (codes.values.includes(code) === (codes.operator === "In")) return rule;
      }
    }
    const isMatched = rule.onPodConditions?.some(({ type, status = "True" }) =>
      pod.status?.conditions?.some((c) => c.type === type && c.status === status),
    );
    if (isMatched) return rule;
  }
  return undefined;
}

function failureText(rule: PodFailurePolicyRule, pod: Pod, index: number): string {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const { name: container, state } of pod.status?.containerStatuses ?? []) {
    const code = state?.terminated?.exitCode;
    if (rule.onExitCodes && code) {
      return `Container ${container} for pod ${name} failed with exit code ${code} matching FailJob rule at index ${index}`;
    }
  }
  const condition = rule.onPodConditions?.[0]?.type ?? "";
  return `Pod ${name} has condition ${condition} matching FailJob rule at index ${index}`;
}
