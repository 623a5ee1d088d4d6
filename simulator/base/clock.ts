/**
 * Virtual time. Instants are milliseconds since the Unix epoch, as numbers (they may have a fraction: the loop orders
 * tasks by them); nobody reads the wall clock. `Date` is banned here, so the civil calendar is computed.
 */
export type Instant = number;

export interface Clock {
  /** The current instant, in ms since the Unix epoch. */
  now(): Instant;
}

export interface CivilTime {
  readonly year: number;
  /** 1–12 */
  readonly month: number;
  /** 1–31 */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** The UTC calendar reading of an instant (days-from-civil arithmetic, proleptic Gregorian). */
export function civilTime(instant: Instant): CivilTime {
  const ms = Math.floor(instant);
  const days = Math.floor(ms / 86_400_000);
  const msOfDay = ms - days * 86_400_000;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return {
    year,
    month,
    day,
    hour: Math.floor(msOfDay / 3_600_000),
    minute: Math.floor(msOfDay / 60_000) % 60,
    second: Math.floor(msOfDay / 1000) % 60,
    millisecond: msOfDay % 1000,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

/** The instant of a UTC calendar reading. `month` is 1–12. */
export function instantOf(year: number, month: number, day: number, hour = 0, minute = 0, second = 0, ms = 0): Instant {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  return days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms;
}

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** The text of the second that was asked for last: much of what happens at once bears the same time. */
let lastSecond = Number.NaN;
let lastText = "";

/** RFC 3339 in seconds, as Kubernetes prints times: `2026-03-01T09:30:00Z`. */
export function rfc3339(instant: Instant): string {
  const second = Math.floor(instant / 1000);
  if (second !== lastSecond) {
    const t = civilTime(instant);
    lastText = `${pad(t.year, 4)}-${pad(t.month)}-${pad(t.day)}T${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** RFC 3339 with nine fractional digits, as Docker prints times. The fraction of a millisecond is kept. */
export function rfc3339Nano(instant: Instant): string {
  const fraction = pad(Math.floor((instant - Math.floor(instant / 1000) * 1000) * 1_000_000), 9);
  return `${rfc3339(instant).slice(0, -1)}.${fraction}Z`;
}

const rfc3339Pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?(Z|z|[+-]\d\d:\d\d)$/;

/** The number that `count` digits of a text from `from` on are; NaN when one of them is no digit. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The form that is written here, `2026-03-01T09:30:00Z` with or without a fraction; undefined for every other one. */
function parsePlain(text: string): Instant | undefined {
  const end = text.length - 1;
  if (end < 19 || end === 20 || end > 35 || text[end] !== "Z" || text[4] !== "-" || text[7] !== "-" || text[10] !== "T")
    return;
  if (text[13] !== ":" || text[16] !== ":" || (end > 19 && text[19] !== ".")) return;
  const fraction = end > 19 ? digits(text, 20, end - 20) / 10 ** (end - 20) : 0;
  const ms = instantOf(
    digits(text, 0, 4),
    digits(text, 5, 2),
    digits(text, 8, 2),
    digits(text, 11, 2),
    digits(text, 14, 2),
    digits(text, 17, 2),
  );
  const instant = ms + fraction * 1000;
  return Number.isNaN(instant) ? undefined : instant;
}

/** Reads an RFC 3339 time; undefined when it is not one. */
export function parseRfc3339(text: string): Instant | undefined {
  const plain = parsePlain(text);
  if (plain !== undefined) return plain;
  const m = rfc3339Pattern.exec(text);
  if (!m) return undefined;
  const zone = m[8]!;
  const offset = /[zZ]/.test(zone)
    ? 0
    : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const seconds = instantOf(Number(m[1]), Number(m[2]), Number(m[3]), Number(m[4]), Number(m[5]), Number(m[6]));
  return seconds + Number(`0${m[7] ?? ""}`) * 1000 - offset * 60_000;
}
