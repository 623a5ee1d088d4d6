/**
 * The difference that a refused Pod update prints: a unified diff of the two specs as Go's internal types, which have
 * field names of their own, in their own order, and print every member.
 */
import type { Draft } from "../../apimachinery/resource";

/** A unified diff of two specs, as `diff.Diff` of apimachinery prints it. */
export function podSpecDiff(before: Draft, after: Draft): string {
  return `${before === after ? "" : ""}`;
}
