/** CronJobs: defaults, rules (robfig/cron's schedule errors) and printed columns. */
import { translateTimestampSince } from "../../apimachinery/age";
import { type FieldError, invalid, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, orNone } from "../../apimachinery/printing";
import type { Column } from "../../apimachinery/table";
import { defineResource } from "../../apimachinery/resource";
import { formatLabelSelector } from "../../apimachinery/labels";
import type { CronJob } from "../types.generated";
import { scheduleError } from "./cron-schedule";
import { defaultJobSpec, validateJobSpec } from "./job";

export type { CronJob, CronJobSpec, CronJobStatus } from "../types.generated";

const wide = { priority: 1 } as const;
const containers = ({ spec }: CronJob) => spec.jobTemplate.spec?.template.spec?.containers ?? [];

export const cronJob = defineResource<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  namespaced: true,
  schema: "batch.v1.CronJob",
  subresources: ["status"],
  hasGeneration: true,
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.concurrencyPolicy ??= "Allow";
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    spec.jobTemplate ??= {};
    spec.jobTemplate.metadata ??= {};
    spec.jobTemplate.spec ??= {};
    defaultJobSpec(spec.jobTemplate.spec, true);
  },
  validate({ spec, metadata }) {
    const errors: FieldError[] = [];
    // Eleven characters are left for the time that a Job's name ends in.
    if (metadata.name.length > 52)
      errors.push(invalid("metadata.name", metadata.name, "must be no more than 52 characters"));
    if (!spec.schedule) errors.push(required("spec.schedule"));
    else {
      if (spec.schedule.includes("TZ="))
        errors.push(
          invalid("spec.schedule", spec.schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
        );
      const error = scheduleError(spec.schedule);
      if (error) errors.push(invalid("spec.schedule", spec.schedule, error));
    }
    if (spec.startingDeadlineSeconds !== undefined && spec.startingDeadlineSeconds < 0) {
      errors.push(
        invalid("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds, "must be greater than or equal to 0"),
      );
    }
    if (!["Allow", "Forbid", "Replace"].includes(spec.concurrencyPolicy ?? "")) {
      errors.push(
        spec.concurrencyPolicy
          ? notSupported("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"])
          : required("spec.concurrencyPolicy"),
      );
    }
    errors.push(...validateJobSpec(spec.jobTemplate.spec ?? {}, "spec.jobTemplate.spec"));
    if (spec.jobTemplate.spec?.manualSelector)
      errors.push(notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]));
    return errors;
  },
  columns: [
    nameColumn,
    column<CronJob>("Schedule", ({ spec }) => spec.schedule),
    column<CronJob>("Timezone", ({ spec }) => orNone(spec.timeZone)),
    column<CronJob>(
      "Suspend",
      ({ spec }) => (spec.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False"),
      { type: "boolean" },
    ),
    column<CronJob>("Active", ({ status }) => status.active?.length ?? 0, { type: "integer" }),
    column<CronJob>("Last Schedule", ({ status }, now) =>
      status.lastScheduleTime ? translateTimestampSince(status.lastScheduleTime, now) : "<none>",
    ),
    ageColumn,
    column<CronJob>(
      "Containers",
      (c) =>
        containers(c)
          .map((x) => x.name)
          .join(","),
      wide,
    ),
    column<CronJob>(
      "Images",
      (c) =>
        containers(c)
          .map((x) => x.image ?? "")
          .join(","),
      wide,
    ),
    column<CronJob>("Selector", ({ spec }) => formatLabelSelector(spec.jobTemplate.spec?.selector), wide),
  ] as Column<CronJob>[],
});
