/** FitError: why no node would do, counted and ordered as upstream does it. */
import type { Rejection } from "./framework";

export interface Diagnosis {
  readonly nodeCount: number;
  /** Set when a plugin turned the Pod away before any node was looked at. */
  readonly preFilter?: Rejection;
  /** By node name. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** What preemption says; "" when it made room. */
  readonly postFilterMessage?: string;
}

/** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as texts, counts included. */
function histogram(rejections: Iterable<Rejection>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

/** FitError.Error(). */
export function fitErrorMessage({ nodeCount, preFilter, rejections, postFilterMessage }: Diagnosis): string {
  let message = `0/${nodeCount} nodes are available:`;
  const reasons = preFilter ? preFilter.reasons.join(", ") : histogram(rejections.values());
  if (reasons) message += ` ${reasons}.`;
  if (postFilterMessage) message += ` ${postFilterMessage}`;
  return message;
}
