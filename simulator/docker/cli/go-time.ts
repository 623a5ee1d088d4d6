/** Times as Go prints them by default: `2026-11-23 11:03:36 +0000 UTC`. */
import { civilTime } from "../../base/clock";

const two = (value: number): string => String(value).padStart(2, "0");

export function goTime(instant: number): string {
  const t = civilTime(instant);
  return `${t.year}-${two(t.month)}-${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} +0000 UTC`;
}

/** time.RFC3339Nano drops trailing zeros; dates alone in `docker history -H=false` are RFC 3339. */
export function rfc3339Local(instant: number): string {
  const t = civilTime(instant);
  return `${t.year}-${two(t.month)}-${two(t.day)}T${two(t.hour)}:${two(t.minute)}:${two(t.second)}Z`;
}
