/** CronJob controller: a Job at each time of a schedule. */
import { civilTime, type Instant, parseRfc3339, rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import type { CronJob, CronJobStatus, Job, ObjectReference } from "../api/types.generated";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../client/client";
import { type ControllerContext, defineController, type Outcome } from "../client/controller";
import { BY_CONTROLLER, controllerOf, indexByController, newControllerRef } from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import { CRON_JOBS, JOBS } from "../client/resources";
import { type CronSchedule, nextTime, parseCron } from "./cron-schedule";

/** Upstream adds a little, so that the minute has surely begun. */
const DELTA_MS = 100;
const MISSED_MAX = 100;

export const cronJobController = defineController({
  name: "cronjob-controller",
  setup(context) {
    const cronJobs = context.watch(CRON_JOBS, (cronJob) => [keyOf(cronJob)]).cache;
    const jobs = context.watch(JOBS, (job) => {
      const owner = controllerOf(job);
      return owner?.kind === "CronJob" ? [`${job.metadata.namespace}/${owner.name}`] : [];
    }).cache;
    jobs.addIndex(BY_CONTROLLER, indexByController);
    return {
      reconcile(key) {
        const cronJob = cronJobs.get(key);
        if (!cronJob) return undefined;
        return new Sync(context, cronJob, [...jobs.byIndex(BY_CONTROLLER, cronJob.metadata.uid)]).run();
      },
    };
  },
});

const finishedType = (job: Job): string | undefined =>
  job.status?.conditions?.find((c) => (c.type === "Complete" || c.type === "Failed") && c.status === "True")?.type;

class Sync {
  readonly #context: ControllerContext;
  readonly #cronJob: CronJob;
  readonly #jobs: readonly Job[];
  #active: readonly ObjectReference[];
  #status: { -readonly [K in keyof CronJobStatus]: CronJobStatus[K] };

  constructor(context: ControllerContext, cronJob: CronJob, jobs: readonly Job[]) {
    this.#context = context;
    this.#cronJob = cronJob;
    this.#jobs = jobs;
    this.#status = { ...cronJob.status };
    this.#active = cronJob.status?.active ?? [];
  }

  run(): Outcome {
    // What history does not keep goes first, as in upstream's sync.
    this.#cleanUp();
    this.#observeJobs();
    const outcome = this.#cronJob.metadata.deletionTimestamp ? undefined : this.#start();
    return this.#write() ?? outcome;
  }

  #observeJobs(): void {
    const { recorder, client } = this.#context;
    const cronJob = this.#cronJob;
    for (const job of this.#jobs) {
      const isListed = this.#active.some(({ uid }) => uid === job.metadata.uid);
      const finished = finishedType(job);
      if (!isListed && !finished) {
        const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
        // A manual run keeps telling so each time, as upstream does.
        recorder.event(cronJob, "Warning", "UnexpectedJob", message);
      } else if (isListed && finished) {
        this.#drop(job.metadata.uid);
        recorder.event(
          cronJob,
          "Normal",
          "SawCompletedJob",
          `Saw completed job: ${job.metadata.name}, condition: ${finished}`,
        );
        this.#noteSuccess(job, finished);
      } else if (finished) this.#noteSuccess(job, finished);
    }
    for (const reference of this.#active) {
      if (this.#jobs.some((job) => job.metadata.uid === reference.uid)) continue;
      const fresh = client.get(JOBS, { namespace: cronJob.metadata.namespace!, name: reference.name! });
      if (fresh.ok || !isNotFound(fresh.error)) continue;
      recorder.event(cronJob, "Normal", "MissingJob", `Active job went missing: ${reference.name}`);
      this.#drop(reference.uid!);
    }
  }

  #noteSuccess(job: Job, finished: string): void {
    const at = job.status?.completionTime;
    if (finished !== "Complete" || !at) return;
    if (!this.#status.lastSuccessfulTime || this.#status.lastSuccessfulTime < at) this.#status.lastSuccessfulTime = at;
  }

  #drop(uid: string): void {
    this.#active = this.#active.filter((reference) => reference.uid !== uid);
  }

  #start(): Outcome {
    const { recorder, client } = this.#context;
    const cronJob = this.#cronJob;
    const { spec } = cronJob;
    const now = this.#context.now();
    if (spec.suspend) return undefined;
    const schedule = parseCron(spec.schedule);
    if (!schedule) {
      recorder.event(
        cronJob,
        "Warning",
        "UnparseableSchedule",
        `unparseable schedule: "${spec.schedule}" : not a cron expression`,
      );
      return undefined;
    }
    const again: Outcome = this.#nextWake(schedule, now);
    const due = this.#mostRecent(schedule, now);
    if (due === undefined) return again;
    const { startingDeadlineSeconds } = spec;
    if (startingDeadlineSeconds !== undefined && due + startingDeadlineSeconds * 1000 < now) {
      recorder.event(cronJob, "Warning", "MissSchedule", `Missed scheduled time to start a job: ${rfc1123(due)}`);
      return again;
    }
    const name = `${cronJob.metadata.name}-${Math.floor(due / 60_000)}`;
    if (this.#active.some((reference) => reference.name === name) || this.#status.lastScheduleTime === rfc3339(due))
      return again;
    if (spec.concurrencyPolicy === "Forbid" && this.#active.length > 0) {
      const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
      recorder.event(cronJob, "Normal", "JobAlreadyActive", message);
      return again;
    }
    if (spec.concurrencyPolicy === "Replace") {
      for (const reference of this.#active) this.#deleteJob(reference.name!, reference.uid!);
    }
    const { metadata: template, spec: jobSpec } = spec.jobTemplate;
    const created = client.create(JOBS, {
      metadata: {
        name,
        namespace: cronJob.metadata.namespace!,
        ...(template?.labels ? { labels: template.labels } : {}),
        annotations: { ...template?.annotations, "batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339(due) },
        ownerReferences: [newControllerRef(cronJob, CRON_JOBS)],
      },
      spec: jobSpec!,
    });
    if (!created.ok) {
      if (isNamespaceTerminating(created.error)) return undefined;
      if (!isAlreadyExists(created.error)) {
        recorder.event(cronJob, "Warning", "FailedCreate", `Error creating job: ${created.error.message}`);
        return { error: created.error };
      }
      this.#status.lastScheduleTime = rfc3339(due);
      return again;
    }
    recorder.event(cronJob, "Normal", "SuccessfulCreate", `Created job ${name}`);
    const { uid, resourceVersion, namespace } = created.value.metadata;
    this.#active = [
      ...this.#active,
      { apiVersion: "batch/v1", kind: "Job", name, namespace: namespace!, resourceVersion, uid },
    ];
    this.#status.lastScheduleTime = rfc3339(due);
    return again;
  }

  #nextWake(schedule: CronSchedule, now: Instant): Outcome {
    const next = nextTime(schedule, now);
    return next === undefined ? undefined : { afterMs: next - now + DELTA_MS };
  }

  /** mostRecentScheduleTime: the latest time that has come since the last start. */
  #mostRecent(schedule: CronSchedule, now: Instant): Instant | undefined {
    const cronJob = this.#cronJob;
    const last = this.#status.lastScheduleTime ?? cronJob.metadata.creationTimestamp;
    let from = parseRfc3339(last) ?? now;
    const { startingDeadlineSeconds } = cronJob.spec;
    if (startingDeadlineSeconds !== undefined) from = Math.max(from, now - startingDeadlineSeconds * 1000);
    let latest: Instant | undefined;
    let missed = 0;
    for (let t = nextTime(schedule, from); t !== undefined && t <= now; t = nextTime(schedule, t)) {
      latest = t;
      if (++missed === MISSED_MAX + 1) {
        const message =
          "too many missed start times: %d. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        this.#context.recorder.event(cronJob, "Warning", "TooManyMissedTimes", message.replace("%d", String(missed)));
      }
    }
    return latest;
  }

  #cleanUp(): void {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = this.#cronJob.spec;
    const byEnd = (type: string): Job[] =>
      this.#jobs
        .filter((job) => finishedType(job) === type && !job.metadata.deletionTimestamp)
        .sort((a, b) => {
          const left = a.status?.startTime ?? a.metadata.creationTimestamp;
          const right = b.status?.startTime ?? b.metadata.creationTimestamp;
          return left === right ? (a.metadata.name < b.metadata.name ? -1 : 1) : left < right ? -1 : 1;
        });
    const succeeded = byEnd("Complete");
    const failed = byEnd("Failed");
    for (const job of succeeded.slice(0, Math.max(succeeded.length - successfulJobsHistoryLimit, 0))) {
      this.#deleteJob(job.metadata.name, job.metadata.uid);
    }
    for (const job of failed.slice(0, Math.max(failed.length - failedJobsHistoryLimit, 0))) {
      this.#deleteJob(job.metadata.name, job.metadata.uid);
    }
  }

  #deleteJob(name: string, uid: string): void {
    const { client, recorder } = this.#context;
    const target = { namespace: this.#cronJob.metadata.namespace!, name };
    const deleted = client.delete(JOBS, target, { propagationPolicy: "Background" });
    if (deleted.ok) {
      this.#drop(uid);
      recorder.event(this.#cronJob, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
    } else if (!isNotFound(deleted.error)) {
      recorder.event(this.#cronJob, "Warning", "FailedDelete", `Deleted job: ${deleted.error.message}`);
    }
  }

  #write(): Outcome {
    const { active: _old, ...rest } = this.#status;
    const status: CronJobStatus = this.#active.length > 0 ? { active: this.#active, ...rest } : rest;
    if (deepEqual(this.#cronJob.status ?? {}, status)) return undefined;
    const written = this.#context.client.updateStatus(CRON_JOBS, { ...this.#cronJob, status });
    return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
  }
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** time.RFC1123Z, as the message prints a missed time. */
function rfc1123(instant: Instant): string {
  const t = civilTime(instant);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${DAYS[t.weekday]}, ${two(t.day)} ${MONTHS[t.month - 1]} ${t.year} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} +0000`;
}
