/** Jobs: defaults, generated selector, rules and printed columns. */
import { type Instant, parseRfc3339 } from "../../../base/clock";
import { deepEqual } from "../../../base/json";
import { humanDuration } from "../../../text/human-duration";
import { type FieldError, invalid, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { IMMUTABLE } from "../../apimachinery/validation";
import { defaultPodSpec } from "../core/pod-spec";
import { validatePodTemplate } from "../core/pod-validation";
import type { Job } from "../types.generated";
import { containersColumn, imagesColumn, selectorColumn } from "../workload-columns";
import { nonNegative } from "../workload-validation";

export type { Job, JobCondition, JobSpec, JobStatus } from "../types.generated";

/** Also the defaults of a CronJob's jobTemplate. */
export function defaultJobSpec(spec: Draft, isTemplate = false): void {
  if (!isTemplate) {
    // A Job without either runs one Pod to completion.
    if (spec.completions === undefined && spec.parallelism === undefined) {
      spec.completions = 1;
      spec.parallelism = 1;
    }
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex !== undefined ? 2147483647 : 6;
    spec.completionMode ??= "NonIndexed";
    spec.suspend ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  }
  spec.template ??= {};
  spec.template.metadata ??= {};
  spec.template.spec ??= {};
  // The restart policy becomes Always here too, as upstream, and is then refused.
  defaultPodSpec(spec.template.spec);
}

export function validateJobSpec(spec: Draft, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
  ]) {
    errors.push(...nonNegative(spec[name], `${field}.${name}`));
  }
  if (spec.completionMode === "Indexed" && spec.completions === undefined) {
    errors.push(required(`${field}.completions`, "when completion mode is Indexed"));
  }
  errors.push(...validatePodTemplate(spec.template ?? {}, `${field}.template`));
  const policy = spec.template?.spec?.restartPolicy;
  if (!policy || policy === "Always") {
    errors.push(required(`${field}.template.spec.restartPolicy`, `valid values: "OnFailure", "Never"`));
  } else if (policy !== "OnFailure" && policy !== "Never") {
    errors.push(notSupported(`${field}.template.spec.restartPolicy`, policy, ["OnFailure", "Never"]));
  }
  return errors;
}

const LABELS = (name: string, uid: string): Readonly<Record<string, string>> => ({
  "batch.kubernetes.io/controller-uid": uid,
  "batch.kubernetes.io/job-name": name,
  "controller-uid": uid,
  "job-name": name,
});

export const job = defineResource<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  namespaced: true,
  schema: "batch.v1.Job",
  subresources: ["status"],
  hasGeneration: true,
  defaultPropagation: "Orphan",
  selectableFields: { "status.successful": ({ status }) => String(status.succeeded ?? 0) },
  defaults(draft) {
    draft.spec ??= {};
    defaultJobSpec(draft.spec);
  },
  prepareForCreate(draft) {
    const { spec, metadata } = draft;
    if (!spec.manualSelector) {
      spec.manualSelector = false;
      const uid = metadata.uid;
      const labels = LABELS(metadata.name, uid);
      spec.template.metadata.labels = { ...spec.template.metadata.labels, ...labels };
      spec.selector ??= {};
      spec.selector.matchLabels = { ...spec.selector.matchLabels, "batch.kubernetes.io/controller-uid": uid };
    }
    // A Job without labels shows its template's: upstream defaults them whenever it reads one.
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...spec.template.metadata.labels };
  },
  validate({ spec }) {
    const errors = validateJobSpec(spec, "spec");
    if (!spec.selector) errors.push(required("spec.selector"));
    return errors;
  },
  validateUpdate({ spec }, { spec: old }) {
    const errors: FieldError[] = [];
    if (!deepEqual(spec.completions, old.completions) && spec.completionMode !== "Indexed")
      errors.push(invalid("spec.completions", spec.completions, IMMUTABLE));
    if (!deepEqual(spec.selector, old.selector)) errors.push(invalid("spec.selector", spec.selector, IMMUTABLE));
    // A suspended Job that never started may change where its Pods go.
    if (!(old.suspend && spec.suspend) && !deepEqual(spec.template, old.template))
      errors.push(invalid("spec.template", spec.template, IMMUTABLE));
    if (spec.completionMode !== old.completionMode)
      errors.push(invalid("spec.completionMode", spec.completionMode, IMMUTABLE));
    return errors;
  },
  columns: [
    nameColumn,
    column<Job>("Status", statusOf),
    column<Job>("Completions", completionsOf),
    column<Job>("Duration", durationOf),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});

function statusOf({ status, metadata }: Job): string {
  const is = (type: string): boolean => (status.conditions ?? []).some((c) => c.type === type && c.status === "True");
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (metadata.deletionTimestamp) return "Terminating";
  for (const type of ["Suspended", "FailureTarget", "SuccessCriteriaMet"]) if (is(type)) return type;
  return "Running";
}

function completionsOf({ spec, status }: Job): string {
  const done = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationOf({ status }: Job, now: Instant): string {
  if (!status.startTime) return "";
  const start = parseRfc3339(status.startTime) ?? now;
  const end = status.completionTime ? (parseRfc3339(status.completionTime) ?? now) : now;
  return humanDuration(end - start);
}
