/** The `until` filter: an instant, or how long ago. */
import { parseRfc3339 } from "../../base/clock";
import { parseDuration } from "../../text/go-duration";
import { badRequest } from "../api/failure";

/** In ms since the epoch; what is older matches. Absent: everything is. */
export function untilOf(now: number, text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const ago = parseDuration(text);
  if (ago.ok) return now - ago.value;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const instant = parseRfc3339(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
  if (instant === undefined) throw badRequest(`invalid until filter: ${text}`);
  return instant;
}
