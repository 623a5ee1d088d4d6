/** HTTP headers: pairs in the order they were sent, looked up without regard to case. */
import { type CivilTime, type Instant, civilTime } from "../base/clock";

export type Header = readonly [name: string, value: string];

export function headerOf(headers: readonly Header[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [key, value] of headers) if (key.toLowerCase() === wanted) return value;
  return undefined;
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
export function httpDate(instant: Instant): string {
  const t: CivilTime = civilTime(instant);
  return `${days[t.weekday]}, ${two(t.day)} ${months[t.month - 1]} ${t.year} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} GMT`;
}
