/** What a check answers: met, or the three things a learner needs to hear, in both languages. */
import type { Observation } from "@/simulator";
import type * as z from "zod/mini";

export interface Text {
  readonly vi: string;
  readonly en: string;
}

export interface Explanation {
  /** What the check looks for. */
  readonly expected: Text;
  /** What is there now. */
  readonly found: Text;
  /** Where to look: a command that shows it. The same in both languages. */
  readonly look: string;
}

export type Verdict = { readonly met: true } | { readonly met: false; readonly explanation: Explanation };

export const met: Verdict = { met: true };

export const unmet = (expected: Text, found: Text, look: string): Verdict => ({
  met: false,
  explanation: { expected, found, look },
});

/** A kind of check: the data it takes, its predicate and its explanation. Pure: it reads the observation and nothing else. */
export interface CheckKind<T = unknown> {
  readonly kind: string;
  readonly schema: z.ZodMiniType<T>;
  evaluate(check: T, observation: Observation, evaluate: (check: unknown) => Verdict): Verdict;
  /** Names that a lesson's text must mention, because the check requires them. */
  names?(check: T): readonly string[];
}

export const defineCheck = <T>(kind: CheckKind<T>): CheckKind<T> => kind;

export const both = (text: string): Text => ({ vi: text, en: text });
