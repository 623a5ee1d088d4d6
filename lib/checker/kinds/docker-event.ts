/** docker.event: something happened in the engine since the learner arrived (the engine's own events). */
import type { JsonObject } from "@/simulator";
import * as z from "zod/mini";
import { plural } from "../plural";
import { defineCheck, met, unmet } from "../verdict";
import { imageFits } from "./docker-container";

const schema = z.strictObject({
  kind: z.literal("docker.event"),
  type: z._default(z.enum(["container", "image", "network", "volume", "daemon"]), "container"),
  /** start, die, kill, stop, pause, unpause, destroy, oom, pull, … */
  action: z.string(),
  /** The container's name (or the image's). */
  name: z.optional(z.string()),
  image: z.optional(z.string()),
  attributes: z._default(z.record(z.string(), z.string()), {}),
  count: z._default(z.int().check(z.positive()), 1),
});

export const dockerEvent = defineCheck({
  kind: "docker.event",
  schema,
  names: (check) => [check.name, check.image].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const seen = observation.dockerEvents().filter((event) => fits(check, event));
    if (seen.length >= check.count) return met;
    const thing = check.name ?? check.image;
    const subject = thing ? ` \`${thing}\`` : "";
    return unmet(
      {
        vi: `Event \`${check.action}\` của ${check.type}${subject}${check.count > 1 ? `, ${check.count} lần` : ""}.`,
        en: `Event \`${check.action}\` of ${check.type}${subject}${check.count > 1 ? `, ${check.count} times` : ""}.`,
      },
      seen.length > 0
        ? { vi: `Mới xảy ra ${seen.length} lần.`, en: `It has happened ${plural(seen.length, "time")}.` }
        : { vi: "Chưa xảy ra.", en: "It has not happened yet." },
      `docker events --since 1h --filter event=${check.action}`,
    );
  },
});

function fits(check: z.infer<typeof schema>, event: JsonObject): boolean {
  const actor = event["Actor"] as
    | { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> }
    | undefined;
  const attributes = actor?.Attributes ?? {};
  if (event["Type"] !== check.type) return false;
  // `exec_start: ls` and `health_status: healthy` carry detail behind a colon.
  const action = String(event["Action"]);
  if (action !== check.action && !action.startsWith(`${check.action}:`)) return false;
  if (check.name !== undefined && attributes["name"] !== check.name && actor?.ID !== check.name) return false;
  if (check.image !== undefined && !imageFits(check.image, attributes["image"] ?? actor?.ID ?? "")) return false;
  return Object.entries(check.attributes).every(([key, value]) => attributes[key] === value);
}
