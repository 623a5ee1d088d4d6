/** Deployments: defaults, rules and printed columns. */
import { isPercent } from "../../apimachinery/int-or-string";
import { type FieldError, forbidden, invalid, notSupported } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { NOT_NEGATIVE } from "../../apimachinery/validation";
import { defaultPodSpec } from "../core/pod-spec";
import type { Deployment } from "../types.generated";
import { containersColumn, imagesColumn, selectorColumn } from "../workload-columns";
import { immutable, nonNegative, validateSelectorAndTemplate } from "../workload-validation";

export type { Deployment, DeploymentCondition, DeploymentSpec, DeploymentStatus } from "../types.generated";

export const deployment = defineResource<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  schema: "apps.v1.Deployment",
  subresources: ["scale", "status"],
  scale: { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", labelSelector: ".spec.selector" },
  hasGeneration: true,
  generationCountsAnnotations: true,
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ??= "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    spec.template ??= {};
    spec.template.metadata ??= {};
    spec.template.spec ??= {};
    defaultPodSpec(spec.template.spec);
  },
  validate: (object) => validateDeploymentSpec(object.spec),
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  columns: [
    nameColumn,
    column<Deployment>("Ready", ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    column<Deployment>("Up-to-date", ({ status }) => status.updatedReplicas ?? 0),
    column<Deployment>("Available", ({ status }) => status.availableReplicas ?? 0),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});

function validateDeploymentSpec(spec: Draft): FieldError[] {
  const errors = nonNegative(spec.replicas, "spec.replicas");
  errors.push(...validateSelectorAndTemplate(spec));
  errors.push(...validateStrategy(spec.strategy ?? {}, "spec.strategy"));
  errors.push(...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"));
  errors.push(...nonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"));
  errors.push(...nonNegative(spec.progressDeadlineSeconds, "spec.progressDeadlineSeconds"));
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.push(
      invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds"),
    );
  }
  return errors;
}

function validateStrategy(strategy: Draft, field: string): FieldError[] {
  if (strategy.type === "Recreate") {
    return strategy.rollingUpdate
      ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
      : [];
  }
  if (strategy.type !== "RollingUpdate")
    return [notSupported(field, strategy.type ?? "", ["Recreate", "RollingUpdate"])];
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate ?? {};
  const at = `${field}.rollingUpdate`;
  const errors = [...intOrPercent(maxUnavailable, `${at}.maxUnavailable`), ...intOrPercent(maxSurge, `${at}.maxSurge`)];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(invalid(`${at}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  if (isPercent(maxUnavailable) && Number.parseInt(maxUnavailable, 10) > 100) {
    errors.push(invalid(`${at}.maxUnavailable`, maxUnavailable, "must not be greater than 100%"));
  }
  return errors;
}

const isZero = (value: unknown): boolean => value === 0 || value === "0%" || value === undefined;

export function intOrPercent(value: unknown, field: string): FieldError[] {
  if (typeof value === "string" && !isPercent(value)) {
    return [
      invalid(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  }
  if (typeof value === "number" && value < 0) return [invalid(field, value, NOT_NEGATIVE)];
  return [];
}
