/** TTL-after-finished controller: deletes Jobs some time after they have ended. */
import { parseRfc3339 } from "../../base/clock";
import type { Job } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { keyOf } from "../client/resource-type";
import { JOBS } from "../client/resources";

export const ttlAfterFinishedController = defineController({
  name: "ttl-after-finished-controller",
  setup(context) {
    const jobs = context.watch(JOBS, (job, _old, isDeleted) => (isDeleted ? [] : [keyOf(job)])).cache;
    return {
      reconcile(key) {
        const job = jobs.get(key);
        const ttl = job?.spec.ttlSecondsAfterFinished;
        if (!job || ttl === undefined || job.metadata.deletionTimestamp) return undefined;
        const at = finishedAt(job);
        if (at === undefined) return undefined;
        const left = at + ttl * 1000 - context.now();
        if (left > 0) return { afterMs: left };
        const deleted = context.client.delete(JOBS, job.metadata, {
          propagationPolicy: "Foreground",
          preconditions: { uid: job.metadata.uid },
        });
        return deleted.ok || isNotFound(deleted.error) ? undefined : { error: deleted.error };
      },
    };
  },
});

function finishedAt(job: Job): number | undefined {
  for (const { type, status, lastTransitionTime } of job.status?.conditions ?? []) {
    if ((type === "Complete" || type === "Failed") && status === "True") return parseRfc3339(lastTransitionTime ?? "");
  }
  return undefined;
}
