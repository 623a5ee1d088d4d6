/** kubernetes.object: objects the API server holds now, with the fields a lesson cares about. */
import * as z from "zod/mini";
import { type Criterion, judge } from "../criteria";
import { both, defineCheck } from "../verdict";
import { type AnyObject, fieldAt, kubectlName, listObjects, show, silence } from "./cluster";
import { countRange, countSchema } from "./count";

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const whereSchema = z.strictObject({
  /** Dotted path; `[0]` for list items, `[type=Ready]` for the item of that type: `status.conditions[type=Ready].status`. */
  path: z.string(),
  equals: z.optional(scalar),
  not: z.optional(scalar),
  atLeast: z.optional(z.number()),
  atMost: z.optional(z.number()),
  contains: z.optional(z.string()),
  exists: z.optional(z.boolean()),
  /** The field in words, where the path alone would not be understood. */
  means: z.optional(z.strictObject({ vi: z.string(), en: z.string() })),
});

const schema = z.strictObject({
  kind: z.literal("kubernetes.object"),
  /** Plural name: deployments, pods, services … */
  resource: z.string(),
  /** Absent: default, for namespaced kinds. "*": all. */
  namespace: z._default(z.string(), "default"),
  name: z.optional(z.string()),
  /** Equality-based label selector: `app=web`. */
  selector: z.optional(z.string()),
  where: z._default(z.array(whereSchema), []),
  count: countSchema,
});

export const kubernetesObject = defineCheck({
  kind: "kubernetes.object",
  schema,
  names: (check) =>
    [check.name, check.namespace === "default" || check.namespace === "*" ? undefined : check.namespace].filter(
      (name) => name !== undefined,
    ),
  evaluate(check, observation) {
    const kind = kubectlName(check.resource);
    const scope = check.namespace === "*" ? " -A" : check.namespace === "default" ? "" : ` -n ${check.namespace}`;
    const chosen = check.name ? ` ${check.name}` : check.selector ? ` -l ${check.selector}` : "";
    const candidates = listObjects(observation, check.resource, check.namespace, check.selector);
    const what = check.name
      ? `${kind.title} \`${check.name}\``
      : check.selector
        ? `${kind.title} (\`${check.selector}\`)`
        : kind.title;
    const criteria: Criterion<AnyObject>[] = [];
    if (check.name !== undefined) {
      const { name } = check;
      criteria.push({
        matches: (object) => object.metadata.name === name,
        expected: { vi: "", en: "" },
        found: () => ({
          vi: `Chưa có ${kind.title} nào tên \`${name}\`.`,
          en: `No ${kind.title} is called \`${name}\`.`,
        }),
        look: () => `kubectl get ${kind.argument}${scope}`,
      });
    }
    for (const one of check.where)
      criteria.push(
        field(
          one,
          (object) =>
            `kubectl get ${kind.argument} ${object.metadata.name}${object.metadata.namespace && object.metadata.namespace !== "default" ? ` -n ${object.metadata.namespace}` : ""} -o yaml`,
        ),
      );
    return judge({
      candidates,
      criteria,
      what: both(what),
      count: countRange(check.count),
      none: (candidates.length === 0 ? silence(observation) : undefined) ?? {
        vi: `Chưa có ${kind.title} nào như vậy.`,
        en: `There is no such ${kind.title} yet.`,
      },
      look: `kubectl get ${kind.argument}${chosen}${scope}`,
    });
  },
});

/** Whole lists and objects would bury the sentence they stand in. */
const brief = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

function field(where: z.infer<typeof whereSchema>, look: (object: AnyObject) => string): Criterion<AnyObject> {
  const label = where.means ?? both(`\`${where.path}\``);
  const wants: string[] = [];
  if (where.equals !== undefined) wants.push(`= ${where.equals}`);
  if (where.not !== undefined) wants.push(`≠ ${where.not}`);
  if (where.atLeast !== undefined) wants.push(`≥ ${where.atLeast}`);
  if (where.atMost !== undefined) wants.push(`≤ ${where.atMost}`);
  if (where.contains !== undefined) wants.push(`∋ ${where.contains}`);
  if (where.exists !== undefined) wants.push(where.exists ? "≠ ∅" : "= ∅");
  return {
    matches: (object) => {
      const value = fieldAt(object, where.path);
      if (where.exists !== undefined && (value !== undefined) !== where.exists) return false;
      if (where.equals !== undefined && (value ?? 0) !== where.equals && value !== where.equals) return false;
      if (where.not !== undefined && value === where.not) return false;
      if (where.atLeast !== undefined && !(Number(value ?? 0) >= where.atLeast)) return false;
      if (where.atMost !== undefined && !(Number(value ?? 0) <= where.atMost)) return false;
      if (where.contains !== undefined && !show(value).includes(where.contains)) return false;
      return true;
    },
    expected: { vi: `có ${label.vi} ${wants.join(", ")}`, en: `with ${label.en} ${wants.join(", ")}` },
    found: (object) => {
      const value = brief(show(fieldAt(object, where.path)));
      const name = `\`${object.metadata.name}\``;
      return { vi: `${name} có ${label.vi} = ${value}.`, en: `${name} has ${label.en} = ${value}.` };
    },
    look,
  };
}
