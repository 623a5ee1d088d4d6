/** Describes Jobs and CronJobs. */
import { parseRfc3339 } from "../../../base/clock";
import { humanDuration } from "../../../text/human-duration";
import { formatLabelSelector } from "../../apimachinery/labels";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { controllerOf, type Page, type Part, rfc1123, writeAnnotations, writeLabels } from "./page";
import { writePodTemplate } from "./pod-template";

function writeJobSpec(w: Page, spec: Part): void {
  if (spec.parallelism !== undefined) w.write(0, `Parallelism:\t${spec.parallelism}\n`);
  else w.write(0, "Parallelism:\t<unset>\n");
  if (spec.completions !== undefined) w.write(0, `Completions:\t${spec.completions}\n`);
  else w.write(0, "Completions:\t<unset>\n");
}

export const jobDescriber: Describer = {
  group: "batch",
  kind: "Job",
  *describe(w, job, context) {
    const { metadata, spec, status = {} } = job;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    if (spec.selector) w.write(0, `Selector:\t${formatLabelSelector(spec.selector)}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    const controller = controllerOf(job);
    if (controller) w.write(0, `Controlled By:\t${controller}\n`);
    writeJobSpec(w, spec);
    if (spec.completionMode) w.write(0, `Completion Mode:\t${spec.completionMode}\n`);
    if (spec.suspend !== undefined) w.write(0, `Suspend:\t${spec.suspend}\n`);
    if (spec.backoffLimit !== undefined) w.write(0, `Backoff Limit:\t${spec.backoffLimit}\n`);
    if (spec.ttlSecondsAfterFinished !== undefined)
      w.write(0, `TTL Seconds After Finished:\t${spec.ttlSecondsAfterFinished}\n`);
    if (status.startTime) w.write(0, `Start Time:\t${rfc1123(status.startTime)}\n`);
    if (status.completionTime) {
      w.write(0, `Completed At:\t${rfc1123(status.completionTime)}\n`);
      const start = parseRfc3339(status.startTime ?? "");
      const end = parseRfc3339(status.completionTime);
      if (start !== undefined && end !== undefined) w.write(0, `Duration:\t${humanDuration(end - start)}\n`);
    }
    if (spec.activeDeadlineSeconds !== undefined)
      w.write(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s\n`);
    const ready = status.ready === undefined ? "" : ` (${status.ready} Ready)`;
    w.write(
      0,
      `Pods Statuses:\t${status.active ?? 0} Active${ready} / ${status.succeeded ?? 0} Succeeded / ${status.failed ?? 0} Failed\n`,
    );
    if (spec.completionMode === "Indexed") w.write(0, `Completed Indexes:\t${status.completedIndexes || "<none>"}\n`);
    writePodTemplate(w, spec.template);
    writeEvents(w, context.events, context.now);
  },
};

export const cronJobDescriber: Describer = {
  group: "batch",
  kind: "CronJob",
  *describe(w, cron, context) {
    const { metadata, spec, status = {} } = cron;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Schedule:\t${spec.schedule}\n`);
    w.write(0, `Concurrency Policy:\t${spec.concurrencyPolicy}\n`);
    w.write(0, `Suspend:\t${spec.suspend === undefined ? "<unset>" : boolWord(spec.suspend)}\n`);
    w.write(0, `Time Zone:\t${spec.timeZone ?? "<unset>"}\n`);
    w.write(0, `Successful Job History Limit:\t${spec.successfulJobsHistoryLimit ?? "<unset>"}\n`);
    w.write(0, `Failed Job History Limit:\t${spec.failedJobsHistoryLimit ?? "<unset>"}\n`);
    w.write(
      0,
      `Starting Deadline Seconds:\t${spec.startingDeadlineSeconds === undefined ? "<unset>" : `${spec.startingDeadlineSeconds}s`}\n`,
    );
    const job = spec.jobTemplate.spec;
    w.write(0, `Selector:\t${job.selector ? formatLabelSelector(job.selector) : "<unset>"}\n`);
    writeJobSpec(w, job);
    if (job.activeDeadlineSeconds !== undefined)
      w.write(0, `Active Deadline Seconds:\t${job.activeDeadlineSeconds}s\n`);
    writePodTemplate(w, job.template);
    w.write(0, `Last Schedule Time:\t${status.lastScheduleTime ? rfc1123(status.lastScheduleTime) : "<unset>"}\n`);
    const active: readonly Part[] = status.active ?? [];
    w.write(0, `Active Jobs:\t${active.length === 0 ? "<none>" : active.map((each) => each.name).join(", ")}\n`);
    writeEvents(w, context.events, context.now);
  },
};

const boolWord = (value: boolean): string => (value ? "True" : "False");
