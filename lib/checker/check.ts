/** Checks as data: validated once, evaluated as often as the world changes. */
import type { Observation } from "@/simulator";
import { checkKinds } from "./kinds";
import type { CheckKind, Verdict } from "./verdict";

const byKind = new Map(checkKinds.map((kind) => [kind.kind, kind]));

/** A check whose data has been validated (defaults filled in). */
export interface PreparedCheck {
  readonly kind: CheckKind;
  readonly data: unknown;
  /** Names that the lesson's text must mention. */
  readonly names: readonly string[];
}

export class CheckError extends Error {
  override name = "CheckError";
}

/** Validates a check of lesson.yaml, with the checks inside it. Throws CheckError with a path to what is wrong. */
export function prepareCheck(check: unknown, path = "check"): PreparedCheck {
  const { after: _after, ...data } = check as { kind?: unknown; after?: unknown };
  const kind = byKind.get(String(data.kind));
  if (!kind)
    throw new CheckError(
      `${path}.kind: no check kind "${String(data.kind)}" (known: ${[...byKind.keys()].join(", ")})`,
    );
  const parsed = kind.schema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new CheckError(`${[path, ...issue.path].join(".")}: ${issue.message}`);
  }
  const inner = parsed.data as { of?: readonly unknown[]; check?: unknown };
  const parts = [...(inner.of ?? []), ...(inner.check === undefined ? [] : [inner.check])];
  const names = [
    ...(kind.names?.(parsed.data) ?? []),
    ...parts.flatMap((part, index) => prepareCheck(part, `${path}.${index}`).names),
  ];
  return { kind, data: parsed.data, names };
}

export function evaluateCheck(check: PreparedCheck, observation: Observation): Verdict {
  return check.kind.evaluate(check.data, observation, (part) => evaluateCheck(prepareCheck(part), observation));
}
