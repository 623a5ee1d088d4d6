/** kubernetes.request: the API server served a request of the learner's, as its audit log tells. */
import * as z from "zod/mini";
import { type Text, defineCheck, met, unmet } from "../verdict";

const schema = z.strictObject({
  kind: z.literal("kubernetes.request"),
  /** get, list, watch, create, update, patch, delete … Several: any of them. */
  verb: z.union([z.string(), z.array(z.string())]),
  resource: z.string(),
  subresource: z.optional(z.string()),
  namespace: z.optional(z.string()),
  name: z.optional(z.string()),
  /** Who asked, as the API server knows them: `system:serviceaccount:default:reader`. Absent: anyone but the cluster's parts. */
  user: z.optional(z.string()),
  /** "refused" asks for an answer of 400 or more. */
  outcome: z._default(z.enum(["served", "refused"]), "served"),
  code: z.optional(z.int()),
  count: z._default(z.int().check(z.positive()), 1),
  /** What the request does, in words; and a command that shows the subject. */
  means: z.strictObject({ vi: z.string(), en: z.string() }),
  look: z.string(),
});

/** Who counts as the learner: everyone but the cluster's own components. */
const isComponent = (user: string): boolean =>
  user.startsWith("system:") && !user.startsWith("system:serviceaccount:default:") && user !== "system:admin";

export const kubernetesRequest = defineCheck({
  kind: "kubernetes.request",
  schema,
  names: (check) => [check.name, check.user].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const verbs = typeof check.verb === "string" ? [check.verb] : check.verb;
    const seen = observation
      .audit()
      .filter(
        (entry) =>
          entry.at >= 0 &&
          (check.user === undefined ? !isComponent(entry.user) : entry.user === check.user) &&
          verbs.includes(entry.verb) &&
          entry.resource === check.resource &&
          (entry.subresource ?? "") === (check.subresource ?? "") &&
          (check.namespace === undefined || entry.namespace === check.namespace) &&
          (check.name === undefined || entry.name === check.name) &&
          (check.outcome === "served") === entry.code < 400 &&
          (check.code === undefined || entry.code === check.code),
      );
    if (seen.length >= check.count) return met;
    const found: Text =
      seen.length > 0
        ? {
            vi: `API server mới nhận ${seen.length} trên ${check.count} yêu cầu.`,
            en: `The API server has seen ${seen.length} of ${check.count} such requests.`,
          }
        : {
            vi: "API server chưa nhận yêu cầu nào như vậy từ bạn.",
            en: "The API server has seen no such request of yours.",
          };
    return unmet(check.means, found, check.look);
  },
});
