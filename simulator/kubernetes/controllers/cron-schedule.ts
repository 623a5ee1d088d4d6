/** Cron expressions (robfig/cron's standard parser): five fields or a @name; when is the next time. */
import { civilTime, type Instant, instantOf } from "../../base/clock";

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`: of the two day fields only one then decides. */
  readonly isStar: boolean;
}

export interface CronSchedule {
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
  /** `@every 1h30m`. */
  readonly everyMs?: number;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NAMED: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Undefined when it is no schedule. */
export function parseCron(text: string): CronSchedule | undefined {
  const every = /^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim());
  const [minute, hour, day, month, weekday, ...rest] = (NAMED[text.trim()] ?? (every ? "* * * * *" : text))
    .trim()
    .split(/\s+/);
  if (weekday === undefined || rest.length > 0) return undefined;
  const fields = {
    minute: parseField(minute!, 0, 59),
    hour: parseField(hour!, 0, 23),
    day: parseField(day!, 1, 31),
    month: parseField(month!, 1, 12, MONTHS, 1),
    weekday: parseField(weekday, 0, 6, WEEKDAYS, 0),
  };
  for (const field of Object.values(fields)) if (!field) return undefined;
  const everyMs = every
    ? (Number(every[1] ?? 0) * 3600 + Number(every[2] ?? 0) * 60 + Number(every[3] ?? 0)) * 1000
    : undefined;
  return { ...(fields as Omit<CronSchedule, "everyMs">), ...(everyMs ? { everyMs } : {}) };
}

function parseField(
  text: string,
  min: number,
  max: number,
  names: readonly string[] = [],
  base = 0,
): Field | undefined {
  const values = new Set<number>();
  let isStar = false;
  const number = (part: string): number => {
    const named = names.indexOf(part.toLowerCase());
    return named >= 0 ? named + base : /^\d+$/.test(part) ? Number(part) : Number.NaN;
  };
  for (const item of text.split(",")) {
    const m = /^([^/]+)(?:\/(\d+))?$/.exec(item);
    if (!m) return undefined;
    const range = m[1]!;
    const step = Number(m[2] ?? 1);
    let from: number;
    let to: number;
    if (range === "*" || range === "?") {
      from = min;
      to = max;
      if (step === 1) isStar = true;
    } else {
      const [first, last] = range.split("-");
      from = number(first!);
      to = last === undefined ? (m[2] ? max : from) : number(last);
      if (max === 6 && to === 7) return undefined;
    }
    if (!(from >= min && to <= max && from <= to && step > 0)) return undefined;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values, isStar };
}

/** The first time after `after` that fits, in UTC; undefined when there is none within five years. */
export function nextTime(schedule: CronSchedule, after: Instant): Instant | undefined {
  if (schedule.everyMs) return Math.floor(after / 1000) * 1000 + schedule.everyMs;
  let t = Math.floor(after / 60_000) * 60_000 + 60_000;
  const end = after + 5 * 366 * 86_400_000;
  while (t < end) {
    const c = civilTime(t);
    if (!schedule.month.values.has(c.month)) {
      t = c.month === 12 ? instantOf(c.year + 1, 1, 1) : instantOf(c.year, c.month + 1, 1);
    } else if (!dayMatches(schedule, c.day, c.weekday)) t = instantOf(c.year, c.month, c.day) + 86_400_000;
    else if (!schedule.hour.values.has(c.hour)) t = instantOf(c.year, c.month, c.day, c.hour) + 3_600_000;
    else if (!schedule.minute.values.has(c.minute)) t += 60_000;
    else return t;
  }
  return undefined;
}

function dayMatches({ day, weekday }: CronSchedule, dayOfMonth: number, dayOfWeek: number): boolean {
  const byDay = day.values.has(dayOfMonth);
  const byWeekday = weekday.values.has(dayOfWeek);
  return day.isStar || weekday.isStar ? byDay && byWeekday : byDay || byWeekday;
}
