/** HorizontalPodAutoscaler: the size that keeps a metric at its target, within limits and without haste. */
import { type Instant, parseRfc3339, rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import { formatSelector, matches, parseSelector } from "../apimachinery/labels";
import type { KubeObject } from "../apimachinery/object";
import { formatQuantity, milliQuantity, milliValue } from "../apimachinery/quantity";
import type {
  AutoscalingV1Scale,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
  Pod,
} from "../api/types.generated";
import { isNotFound } from "../client/client";
import { type ControllerContext, defineController, type Outcome } from "../client/controller";
import { keyOf, type ResourceType, resourceType } from "../client/resource-type";
import {
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  STATEFUL_SETS,
} from "../client/resources";
import { isPodReady, podReadySince } from "./pods";

const SYNC_MS = 15_000;
const TOLERANCE = 0.1;
const DOWNSCALE_WINDOW_S = 300;
const CPU_INITIALIZATION_MS = 5 * 60_000;
const READINESS_DELAY_MS = 30_000;

interface PodMetrics extends KubeObject {
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
}
const POD_METRICS = resourceType<PodMetrics>("metrics.k8s.io/v1beta1", "PodMetrics", "pods");

const TARGETS: readonly ResourceType[] = [DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, REPLICATION_CONTROLLERS] as const;

interface Recommendation {
  readonly at: Instant;
  readonly replicas: number;
}

interface History {
  readonly recommendations: Recommendation[];
  readonly scaleUps: { readonly at: Instant; readonly change: number }[];
  readonly scaleDowns: { readonly at: Instant; readonly change: number }[];
}

export const horizontalPodAutoscalerController = defineController({
  name: "horizontal-pod-autoscaler",
  setup(context) {
    const histories = new Map<string, History>();
    const autoscalers = context.watch(HORIZONTAL_POD_AUTOSCALERS, {
      // Everything at its beat: neither a new one nor an update hurries it.
      added: (hpa) => context.queue.addAfter(keyOf(hpa), SYNC_MS),
      updated: (hpa) => context.queue.addAfter(keyOf(hpa), SYNC_MS),
      deleted: (hpa) => histories.delete(keyOf(hpa)),
    }).cache;
    context.informer(PODS);
    return {
      reconcile(key) {
        const hpa = autoscalers.get(key);
        if (!hpa || hpa.metadata.deletionTimestamp) return undefined;
        let history = histories.get(key);
        if (!history) {
          history = { recommendations: [], scaleUps: [], scaleDowns: [] };
          histories.set(key, history);
        }
        return new Sync(context, hpa, history).run() ?? { afterMs: SYNC_MS };
      },
    };
  },
});

interface Proposal {
  readonly replicas: number;
  readonly metric: string;
  readonly status: MetricStatus;
}

class MetricError {
  constructor(
    readonly reason: string,
    readonly message: string,
  ) {}
}

class Sync {
  readonly #context: ControllerContext;
  readonly #hpa: HorizontalPodAutoscaler;
  readonly #history: History;
  #conditions: readonly HorizontalPodAutoscalerCondition[];

  constructor(context: ControllerContext, hpa: HorizontalPodAutoscaler, history: History) {
    this.#context = context;
    this.#hpa = hpa;
    this.#history = history;
    this.#conditions = hpa.status?.conditions ?? [];
  }

  run(): Outcome {
    const { client, recorder } = this.#context;
    const hpa = this.#hpa;
    const { scaleTargetRef } = hpa.spec;
    const type = TARGETS.find(({ kind }) => kind === scaleTargetRef.kind) ?? unknownTarget(scaleTargetRef);
    const target = { namespace: hpa.metadata.namespace!, name: scaleTargetRef.name };
    const got = client.get(type, target, "scale");
    if (!got.ok) {
      recorder.event(hpa, "Warning", "FailedGetScale", got.error.message ?? "");
      this.#set(
        "AbleToScale",
        "False",
        "FailedGetScale",
        `the HPA controller was unable to get the target's current scale: ${got.error.message}`,
      );
      return this.#write({});
    }
    this.#set(
      "AbleToScale",
      "True",
      "SucceededGetScale",
      "the HPA controller was able to get the target's current scale",
    );
    const scale = got.value as unknown as AutoscalingV1Scale;
    const current = scale.spec.replicas ?? 0;
    const minReplicas = hpa.spec.minReplicas ?? 1;
    if (current === 0 && minReplicas !== 0) {
      this.#set(
        "ScalingActive",
        "False",
        "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero",
      );
      return this.#write({ currentReplicas: 0, desiredReplicas: 0 });
    }
    let desired = current;
    let reason = "";
    let currentMetrics: readonly MetricStatus[] = hpa.status?.currentMetrics ?? [];
    if (current > hpa.spec.maxReplicas) {
      desired = hpa.spec.maxReplicas;
      reason = "Current number of replicas above Spec.MaxReplicas";
    } else if (current < minReplicas) {
      desired = minReplicas;
      reason = "Current number of replicas below Spec.MinReplicas";
    } else {
      const proposals = this.#proposals(scale, current);
      currentMetrics = proposals.map(({ status }) => status);
      const best = proposals.reduce<Proposal | undefined>((a, b) => (a && a.replicas >= b.replicas ? a : b), undefined);
      if (!best) return this.#write({ currentReplicas: current, desiredReplicas: 0, currentMetrics });
      reason = best.replicas > current ? `${best.metric} above target` : "All metrics below target";
      desired = this.#limited(current, best.replicas, minReplicas);
    }
    let lastScaleTime: string | undefined;
    if (desired !== current) {
      const written = client.updateSubresource(type, target, "scale", {
        ...scale,
        spec: { ...scale.spec, replicas: desired },
      });
      if (!written.ok) {
        recorder.event(
          hpa,
          "Warning",
          "FailedRescale",
          `New size: ${desired}; reason: ${reason}; error: ${written.error.message}`,
        );
        this.#set(
          "AbleToScale",
          "False",
          "FailedUpdateScale",
          `the HPA controller was unable to update the target scale: ${written.error.message}`,
        );
        return this.#write({ currentReplicas: current, desiredReplicas: hpa.status?.desiredReplicas ?? 0 });
      }
      this.#set(
        "AbleToScale",
        "True",
        "SucceededRescale",
        `the HPA controller was able to update the target scale to ${desired}`,
      );
      recorder.event(hpa, "Normal", "SuccessfulRescale", `New size: ${desired}; reason: ${reason}`);
      const now = this.#context.now();
      if (desired > current) this.#history.scaleUps.push({ at: now, change: desired - current });
      else this.#history.scaleDowns.push({ at: now, change: current - desired });
      lastScaleTime = rfc3339(now);
    }
    return this.#write({
      currentReplicas: current,
      desiredReplicas: desired,
      currentMetrics,
      ...(lastScaleTime ? { lastScaleTime } : {}),
    });
  }

  /** computeReplicasForMetrics: what each metric asks for; conditions and events tell of those that cannot be read. */
  #proposals(scale: AutoscalingV1Scale, current: number): readonly Proposal[] {
    const { recorder } = this.#context;
    const hpa = this.#hpa;
    const metrics = hpa.spec.metrics ?? [];
    const selector = parseSelector(scale.status?.selector ?? "");
    if (!scale.status?.selector || !selector.ok) {
      recorder.event(hpa, "Warning", "SelectorRequired", "selector is required");
      this.#set("ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector");
      return [];
    }
    const pods = [...this.#context.informer(PODS).cache.inNamespace(hpa.metadata.namespace!)].filter((pod) =>
      matches(selector.value, pod.metadata.labels),
    );
    const proposals: Proposal[] = [];
    const errors: MetricError[] = [];
    for (const metric of metrics) {
      const result = this.#evaluate(metric, pods, formatSelector(selector.value), current);
      if (result instanceof MetricError) errors.push(result);
      else proposals.push(result);
    }
    const first = errors[0];
    const shrinks = proposals.every(({ replicas }) => replicas <= current);
    if (first && (proposals.length === 0 || shrinks)) {
      for (const error of errors) recorder.event(hpa, "Warning", error.reason, error.message);
      this.#set(
        "ScalingActive",
        "False",
        first.reason,
        `the HPA was unable to compute the replica count: ${first.message}`,
      );
      const resource = metrics[0]?.resource?.name ?? "cpu";
      const message = `invalid metrics (${errors.length} invalid out of ${metrics.length}), first error is: failed to get ${resource} resource metric value: ${first.message}`;
      recorder.event(hpa, "Warning", "FailedComputeMetricsReplicas", message);
      return [];
    }
    const best = proposals.reduce((a, b) => (a.replicas >= b.replicas ? a : b));
    this.#set(
      "ScalingActive",
      "True",
      "ValidMetricFound",
      `the HPA was able to successfully calculate a replica count from ${best.metric}`,
    );
    return proposals;
  }

  #evaluate(metric: MetricSpec, pods: readonly Pod[], selector: string, current: number): Proposal | MetricError {
    const source = metric.resource ?? metric.containerResource;
    if (!source) {
      return new MetricError(
        metric.type === "External" ? "FailedGetExternalMetric" : "FailedGetPodsMetric",
        `unable to fetch metrics from custom metrics API: the server could not find the requested resource`,
      );
    }
    const { name, target } = source;
    const container = metric.containerResource?.container;
    const isUtilization = target.averageUtilization !== undefined;
    const failure = (text: string): MetricError =>
      new MetricError(
        "FailedGetResourceMetric",
        `failed to get ${name} ${isUtilization ? "utilization" : "usage"}: ${text}`,
      );
    const listed = this.#context.client.list(POD_METRICS, {
      namespace: this.#hpa.metadata.namespace!,
      labelSelector: selector,
    });
    if (!listed.ok) {
      const isAbsent = isNotFound(listed.error) || listed.error.code === 404;
      const text = isAbsent
        ? "the server could not find the requested resource (get pods.metrics.k8s.io)"
        : listed.error.message;
      return failure(
        `unable to get metrics for resource ${name}: unable to fetch metrics from resource metrics API: ${text}`,
      );
    }
    const usage = new Map<string, number>();
    for (const { metadata, containers } of listed.value.items) {
      let sum = 0;
      for (const each of containers) if (!container || each.name === container) sum += milliValue(each.usage[name]);
      usage.set(metadata.name, sum);
    }
    if (usage.size === 0) {
      return failure(`unable to get metrics for resource ${name}: no metrics returned from resource metrics API`);
    }
    const groups = this.#group(pods, usage, name);
    if (groups.counted.length === 0)
      return failure("did not receive metrics for targeted pods (pods might be unready)");
    let requests = 0;
    let used = 0;
    const requestOf = (pod: Pod): number =>
      pod.spec.containers.reduce(
        (sum, c) => sum + (container && c.name !== container ? 0 : milliValue(c.resources?.requests?.[name])),
        0,
      );
    for (const pod of groups.counted) {
      used += usage.get(pod.metadata.name)!;
      const request = requestOf(pod);
      if (isUtilization && request === 0) {
        return failure(
          `missing request for ${name} in container ${pod.spec.containers[0]!.name} of Pod ${pod.metadata.name}`,
        );
      }
      requests += request;
    }
    const goal = isUtilization ? target.averageUtilization! : milliValue(target.averageValue);
    const ratioOf = (sum: number, requested: number, count: number): number =>
      isUtilization ? (sum * 100) / requested / goal : sum / count / goal;
    let ratio = ratioOf(used, requests, groups.counted.length);
    let count = groups.counted.length;
    const considersUnready = ratio > 1 && groups.unready.length > 0;
    if (considersUnready || groups.missing.length > 0) {
      // Those we know nothing of count as idle when growing, and as exactly on target when shrinking.
      for (const pod of groups.missing) {
        count++;
        requests += requestOf(pod);
        if (ratio < 1) used += isUtilization ? (requestOf(pod) * goal) / 100 : goal;
      }
      if (considersUnready) {
        for (const pod of groups.unready) {
          count++;
          requests += requestOf(pod);
        }
      }
      const adjusted = ratioOf(used, requests, count);
      if ((ratio < 1 && adjusted > 1) || (ratio > 1 && adjusted < 1)) count = current;
      ratio = adjusted;
    }
    const isClose = Math.abs(1 - ratio) <= TOLERANCE;
    const replicas = isClose ? current : Math.ceil(ratio * count);
    const average = used / groups.counted.length;
    const status = {
      averageValue: formatQuantity(milliQuantity(average)),
      ...(isUtilization ? { averageUtilization: Math.floor((used * 100) / requests) } : {}),
    };
    const kind = isUtilization ? "resource utilization (percentage of request)" : "resource";
    return {
      replicas: (ratio > 1 && replicas < current) || (ratio < 1 && replicas > current) ? current : replicas,
      metric: `${name} ${container ? "container " : ""}${kind}`,
      status: container
        ? { type: "ContainerResource", containerResource: { name, container, current: status } }
        : { type: "Resource", resource: { name, current: status } },
    };
  }

  /** groupPods: ready ones count; those just started may still burn CPU for their start. */
  #group(pods: readonly Pod[], usage: ReadonlyMap<string, number>, resource: string) {
    const counted: Pod[] = [];
    const unready: Pod[] = [];
    const missing: Pod[] = [];
    const now = this.#context.now();
    for (const pod of pods) {
      if (pod.metadata.deletionTimestamp || pod.status?.phase === "Failed") continue;
      if (pod.status?.phase === "Pending") unready.push(pod);
      else if (!usage.has(pod.metadata.name)) missing.push(pod);
      else if (resource === "cpu" && this.#isStarting(pod, now)) unready.push(pod);
      else counted.push(pod);
    }
    return { counted, unready, missing };
  }

  #isStarting(pod: Pod, now: Instant): boolean {
    const startedAt = parseRfc3339(pod.status?.startTime ?? "");
    if (startedAt === undefined) return !isPodReady(pod);
    if (startedAt + CPU_INITIALIZATION_MS > now) {
      // Within the initialization period a Pod counts when it is ready and its metrics are younger than that.
      return !isPodReady(pod) || (podReadySince(pod) ?? 0) + SYNC_MS > now;
    }
    return !isPodReady(pod) && startedAt + READINESS_DELAY_MS > now;
  }

  /** normalizeDesiredReplicas(WithBehaviors): stabilization, rates, then min and max. */
  #limited(current: number, wanted: number, minReplicas: number): number {
    const { behavior, maxReplicas } = this.#hpa.spec;
    const now = this.#context.now();
    const { recommendations } = this.#history;
    const downWindow = (behavior?.scaleDown?.stabilizationWindowSeconds ?? DOWNSCALE_WINDOW_S) * 1000;
    const upWindow = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
    while (recommendations[0] && recommendations[0].at < now - Math.max(downWindow, upWindow)) recommendations.shift();
    let highest = wanted;
    let lowest = wanted;
    for (const { at, replicas } of recommendations) {
      if (at >= now - downWindow) highest = Math.max(highest, replicas);
      if (at >= now - upWindow) lowest = Math.min(lowest, replicas);
    }
    recommendations.push({ at: now, replicas: wanted });
    let desired = current;
    if (desired < lowest) desired = lowest;
    if (desired > highest) desired = highest;
    if (desired !== wanted) {
      const [reason, text] =
        wanted < current
          ? [
              "ScaleDownStabilized",
              "recent recommendations were higher than current one, applying the highest recent recommendation",
            ]
          : [
              "ScaleUpStabilized",
              "recent recommendations were lower than current one, applying the lowest recent recommendation",
            ];
      this.#set("AbleToScale", "True", reason, text);
    } else this.#set("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
    let limit: readonly [string, string] | undefined;
    if (desired > current) {
      const rate = this.#rateLimit(behavior?.scaleUp, current, this.#history.scaleUps, true);
      if (desired > rate) {
        desired = Math.max(rate, current);
        limit = ["ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"];
      }
      if (desired > maxReplicas || (wanted > maxReplicas && desired >= maxReplicas)) {
        desired = maxReplicas;
        limit = ["TooManyReplicas", "the desired replica count is more than the maximum replica count"];
      }
    } else if (desired < current) {
      const rate = this.#rateLimit(behavior?.scaleDown, current, this.#history.scaleDowns, false);
      if (desired < rate) {
        desired = Math.min(rate, current);
        limit = ["ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"];
      }
    }
    if (desired < minReplicas || (wanted < minReplicas && desired <= minReplicas)) {
      desired = minReplicas;
      limit = ["TooFewReplicas", "the desired replica count is less than the minimum replica count"];
    }
    if (desired > maxReplicas || (wanted > maxReplicas && desired === maxReplicas)) {
      desired = maxReplicas;
      limit = ["TooManyReplicas", "the desired replica count is more than the maximum replica count"];
    }
    if (limit) this.#set("ScalingLimited", "True", limit[0], limit[1]);
    else this.#set("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range");
    return desired;
  }

  #rateLimit(
    rules: HPAScalingRules | undefined,
    current: number,
    events: readonly { readonly at: Instant; readonly change: number }[],
    isUp: boolean,
  ): number {
    const policies = rules?.policies ?? (isUp ? DEFAULT_UP : DEFAULT_DOWN);
    if (rules?.selectPolicy === "Disabled") return current;
    const now = this.#context.now();
    const limits = policies.map(({ type, value, periodSeconds }) => {
      const changed = events.filter(({ at }) => at > now - periodSeconds * 1000).reduce((sum, e) => sum + e.change, 0);
      const start = isUp ? current - changed : current + changed;
      if (isUp) return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
      return type === "Pods" ? start - value : Math.floor(start * (1 - value / 100));
    });
    // Max lets the change be as large as any policy allows.
    const isMax = (rules?.selectPolicy ?? "Max") === "Max";
    return isMax === isUp ? Math.max(...limits) : Math.min(...limits);
  }

  #set(type: string, status: string, reason: string, message: string): void {
    const known = this.#conditions.find((c) => c.type === type);
    const lastTransitionTime =
      known?.status === status ? (known.lastTransitionTime ?? "") : rfc3339(this.#context.now());
    const next = { type, status, reason, message, lastTransitionTime };
    this.#conditions = known ? this.#conditions.map((c) => (c === known ? next : c)) : [...this.#conditions, next];
  }

  #write(change: Partial<HorizontalPodAutoscalerStatus>): Outcome {
    const hpa = this.#hpa;
    const status: HorizontalPodAutoscalerStatus = {
      ...hpa.status,
      desiredReplicas: hpa.status?.desiredReplicas ?? 0,
      ...change,
      conditions: this.#conditions,
    };
    if (deepEqual(status, hpa.status)) return undefined;
    const written = this.#context.client.updateStatus(HORIZONTAL_POD_AUTOSCALERS, { ...hpa, status });
    return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
  }
}

const DEFAULT_UP = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const DEFAULT_DOWN = [{ type: "Percent", value: 100, periodSeconds: 15 }];

/** A custom kind with a scale: its plural is guessed as upstream's mapper of unregistered kinds would. */
const unknownTarget = ({ apiVersion, kind }: { readonly apiVersion?: string; readonly kind: string }): ResourceType =>
  resourceType(apiVersion ?? "v1", kind, `${kind.toLowerCase()}s`);
