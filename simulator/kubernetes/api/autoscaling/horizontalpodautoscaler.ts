/** HorizontalPodAutoscalers: stored as v2, also served as v1. */
import { type FieldError, invalid, required } from "../../apimachinery/field-path";
import type { KubeObject } from "../../apimachinery/object";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { HorizontalPodAutoscaler } from "../types.generated";

export type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from "../types.generated";

export const horizontalPodAutoscaler = defineResource<HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  namespaced: true,
  schema: "autoscaling.v2.HorizontalPodAutoscaler",
  subresources: ["status"],
  otherVersions: [
    {
      group: "autoscaling",
      version: "v1",
      schema: "autoscaling.v1.HorizontalPodAutoscaler",
      fromStored: toV1,
      toStored: fromV1,
    },
  ],
  defaults(draft) {
    draft.spec ??= {};
    if (Object.isFrozen(draft.spec)) return;
    draft.spec.minReplicas ??= 1;
    if (!draft.spec.metrics?.length) {
      draft.spec.metrics = [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ];
    }
  },
  prepareForCreate: (draft) => {
    draft.status = { desiredReplicas: 0 };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    const { minReplicas, maxReplicas, scaleTargetRef } = spec as Draft;
    if (minReplicas !== undefined && minReplicas < 1)
      errors.push(invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
    if (!(maxReplicas >= 1)) errors.push(invalid("spec.maxReplicas", maxReplicas ?? 0, "must be greater than 0"));
    if (minReplicas !== undefined && maxReplicas < minReplicas) {
      errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
    }
    if (!scaleTargetRef?.kind) errors.push(required("spec.scaleTargetRef.kind"));
    if (!scaleTargetRef?.name) errors.push(required("spec.scaleTargetRef.name"));
    return errors;
  },
  columns: [
    nameColumn,
    column<HorizontalPodAutoscaler>(
      "Reference",
      ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    ),
    column<HorizontalPodAutoscaler>("Targets", targets),
    column<HorizontalPodAutoscaler>("MinPods", ({ spec }) => String(spec.minReplicas ?? "<unset>")),
    column<HorizontalPodAutoscaler>("MaxPods", ({ spec }) => spec.maxReplicas),
    column<HorizontalPodAutoscaler>("Replicas", ({ status }) => status.currentReplicas ?? 0),
    ageColumn,
  ],
});

const UNKNOWN = "<unknown>";

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const specs = spec.metrics ?? [];
  if (specs.length === 0) return "<none>";
  const texts = specs.map((metric: Draft, i: number) => targetText(metric, (status.currentMetrics as Draft)?.[i]));
  return texts.length > 2 ? `${texts.slice(0, 2).join(", ")} + ${texts.length - 2} more...` : texts.join(", ");
}

function targetText(metric: Draft, current: Draft): string {
  const key =
    metric.type === "ContainerResource"
      ? "containerResource"
      : String(metric.type).charAt(0).toLowerCase() + String(metric.type).slice(1);
  const target = metric[key]?.target ?? {};
  const now = current?.[key]?.current;
  const prefix = metric.type === "Resource" || metric.type === "ContainerResource" ? `${metric[key]?.name}: ` : "";
  if (target.averageUtilization !== undefined) {
    return `${prefix}${now?.averageUtilization !== undefined ? `${now.averageUtilization}%` : UNKNOWN}/${target.averageUtilization}%`;
  }
  if (target.averageValue !== undefined)
    return `${prefix}${now?.averageValue ?? UNKNOWN}/${target.averageValue}${prefix ? "" : metric.type === "Pods" ? "" : " (avg)"}`;
  return `${prefix}${now?.value ?? UNKNOWN}/${target.value ?? "<auto>"}`;
}

function toV1(stored: KubeObject): KubeObject {
  const { metrics = [], behavior: _b, ...spec } = stored.spec;
  const cpu = metrics.find(
    (m: Draft) =>
      m.type === "Resource" && m.resource.name === "cpu" && m.resource.target.averageUtilization !== undefined,
  );
  const { currentMetrics = [], conditions: _c, ...status } = stored.status ?? {};
  const now = currentMetrics.find((m: Draft) => m.type === "Resource" && m.resource.name === "cpu");
  return {
    ...stored,
    apiVersion: "autoscaling/v1",
    spec: { ...spec, ...(cpu ? { targetCPUUtilizationPercentage: cpu.resource.target.averageUtilization } : {}) },
    status: {
      currentReplicas: 0,
      ...status,
      ...(now?.resource.current.averageUtilization !== undefined
        ? { currentCPUUtilizationPercentage: now.resource.current.averageUtilization }
        : {}),
    },
  };
}

function fromV1(draft: Draft): Draft {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = draft.spec ?? {};
  const { currentCPUUtilizationPercentage: _n, ...status } = draft.status ?? {};
  return {
    ...draft,
    spec: {
      ...spec,
      ...(cpu !== undefined
        ? {
            metrics: [
              { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpu } } },
            ],
          }
        : {}),
    },
    status,
  };
}
