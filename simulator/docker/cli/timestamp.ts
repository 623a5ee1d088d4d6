/** `--since` and `--until`: times, Unix seconds and durations, as api/types/time reads them. */
import { instantOf, parseRfc3339 } from "../../base/clock";
import { failure, ok, type Result } from "../../base/result";
import { parseDuration } from "../../text/go-duration";

/** Unix seconds with a fraction, as the API takes them. */
export function readTimestamp(text: string, now: number): Result<string, string> {
  if (/^\d+(\.\d+)?$/.test(text)) return ok(text);
  const duration = parseDuration(text);
  if (duration.ok) return ok(seconds(now - duration.value));
  const full = parseRfc3339(text);
  if (full !== undefined) return ok(seconds(full));
  const partial = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.\d+)?)?)?)?Z?$/.exec(text);
  if (!partial) return failure(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const [, year, month, day, hour, minute, second] = partial.map(Number) as number[];
  return ok(seconds(instantOf(year!, month!, day!, hour || 0, minute || 0, second || 0)));
}

const seconds = (instant: number): string => (instant / 1000).toFixed(9);
