/** Ages as printed tables show them. */
import { type Instant, parseRfc3339 } from "../../base/clock";
import { humanDuration } from "../../text/human-duration";

/** `5m12s` since a timestamp; `<unknown>` when there is none. */
export function translateTimestampSince(timestamp: string | undefined | null, now: Instant): string {
  const instant = timestamp ? parseRfc3339(timestamp) : undefined;
  // Timestamps hold whole seconds and so does Go's subtraction here.
  return instant === undefined ? "<unknown>" : humanDuration(now - instant);
}
