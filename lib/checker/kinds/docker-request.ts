/** docker.request: the engine served a request since the learner arrived, for what leaves no trace in its state (reading logs, stats). */
import * as z from "zod/mini";
import { plural } from "../plural";
import { defineCheck, met, unmet, type Text } from "../verdict";

const schema = z.strictObject({
  kind: z.literal("docker.request"),
  method: z._default(z.enum(["GET", "POST", "PUT", "DELETE", "HEAD"]), "GET"),
  /** A regular expression over the path without its version: `^/containers/[^/]+/logs$`. */
  path: z.string(),
  /** Query values that must be there. */
  query: z._default(z.record(z.string(), z.string()), {}),
  count: z._default(z.int().check(z.positive()), 1),
  /** What the request does, in words; and a command that shows the subject. */
  means: z.strictObject({ vi: z.string(), en: z.string() }),
  look: z.string(),
});

export const dockerRequest = defineCheck({
  kind: "docker.request",
  schema,
  evaluate(check, observation) {
    const pattern = new RegExp(check.path);
    const seen = observation
      .dockerRequests()
      .filter(
        (request) =>
          request.method === check.method &&
          request.status < 400 &&
          pattern.test(request.path) &&
          Object.entries(check.query).every(([key, value]) => request.query[key]?.includes(value)),
      );
    if (seen.length >= check.count) return met;
    const found: Text =
      seen.length > 0
        ? {
            vi: `Engine mới nhận ${seen.length} yêu cầu như vậy.`,
            en: `The engine has served ${plural(seen.length, "such request")}.`,
          }
        : { vi: "Engine chưa nhận yêu cầu nào như vậy.", en: "The engine has served no such request." };
    return unmet(check.means, found, check.look);
  },
});
