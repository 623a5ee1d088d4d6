/** all, any, not: checks made of checks. The explanation is that of the part to mend. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";

export const all = defineCheck({
  kind: "all",
  schema: z.strictObject({
    kind: z.literal("all"),
    of: z.array(z.looseObject({ kind: z.string() })).check(z.minLength(1)),
  }),
  evaluate(check, _observation, evaluate) {
    for (const part of check.of) {
      const verdict = evaluate(part);
      if (!verdict.met) return verdict;
    }
    return met;
  },
});

export const any = defineCheck({
  kind: "any",
  schema: z.strictObject({
    kind: z.literal("any"),
    of: z.array(z.looseObject({ kind: z.string() })).check(z.minLength(1)),
  }),
  evaluate(check, _observation, evaluate) {
    const verdicts = check.of.map(evaluate);
    // The first way is the one the lesson teaches.
    return verdicts.find((verdict) => verdict.met) ?? verdicts[0]!;
  },
});

export const not = defineCheck({
  kind: "not",
  schema: z.strictObject({
    kind: z.literal("not"),
    check: z.looseObject({ kind: z.string() }),
    means: z.strictObject({ vi: z.string(), en: z.string() }),
    look: z.string(),
  }),
  evaluate(check, _observation, evaluate) {
    if (!evaluate(check.check).met) return met;
    return unmet(check.means, { vi: "Điều đó vẫn còn.", en: "It still is so." }, check.look);
  },
});
