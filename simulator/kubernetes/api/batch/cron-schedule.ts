/** Cron schedules as robfig/cron v3 reads them (ParseStandard): the fields as bit sets, or its error text. */
import { failure, ok, type Result } from "../../../base/result";

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const MONTHS = { jan: 1, feb: 2, mar: 3, apr: 4, may: 5, jun: 6, jul: 7, aug: 8, sep: 9, oct: 10, nov: 11, dec: 12 };
const DAYS = { sun: 0, mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6 };
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

export interface CronSchedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** Whether the two day fields are restricted: when both are, either suffices. */
  readonly anyDayOfMonth: boolean;
  readonly anyDayOfWeek: boolean;
  /** `@every 5m`: a constant delay in ms. */
  readonly everyMs?: number;
}

const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

export function parseSchedule(text: string): Result<CronSchedule, string> {
  if (text === "") return failure("empty spec string");
  if (text.startsWith("@")) {
    const known = DESCRIPTORS[text];
    if (known) return parseSchedule(known);
    const every = /^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
    if (every && (every[1] || every[2] || every[3])) {
      const ms = (Number(every[1] ?? 0) * 3600 + Number(every[2] ?? 0) * 60 + Number(every[3] ?? 0)) * 1000;
      const none: ReadonlySet<number> = new Set();
      return ok({
        minutes: none,
        hours: none,
        daysOfMonth: none,
        months: none,
        daysOfWeek: none,
        anyDayOfMonth: true,
        anyDayOfWeek: true,
        everyMs: Math.max(ms, 1000),
      });
    }
    return failure(`unrecognized descriptor: ${text}`);
  }
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) return failure(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const sets: Set<number>[] = [];
  for (let i = 0; i < 5; i++) {
    const set = parseField(fields[i]!, FIELDS[i]!);
    if (!set.ok) return set;
    sets.push(set.value);
  }
  const star = (field: string): boolean =>
    field === "*" || field === "?" || field.startsWith("*/") || field.startsWith("?/");
  return ok({
    minutes: sets[0]!,
    hours: sets[1]!,
    daysOfMonth: sets[2]!,
    months: sets[3]!,
    daysOfWeek: sets[4]!,
    anyDayOfMonth: star(fields[2]!),
    anyDayOfWeek: star(fields[4]!),
  });
}

/** The error of a schedule, or undefined when it is good. */
export function scheduleError(text: string): string | undefined {
  const parsed = parseSchedule(text);
  return parsed.ok ? undefined : parsed.error;
}

function parseField(text: string, bounds: Bounds): Result<Set<number>, string> {
  const set = new Set<number>();
  for (const expression of text.split(",")) {
    const error = addRange(set, expression, bounds);
    if (error) return failure(error);
  }
  return ok(set);
}

function addRange(set: Set<number>, expression: string, { min, max, names }: Bounds): string | undefined {
  const [range, stepText, ...moreSteps] = expression.split("/");
  const [lowText, highText, ...moreParts] = range!.split("-");
  const read = (text: string): number | string => {
    const named = names?.[text.toLowerCase()];
    if (named !== undefined) return named;
    if (!/^[+-]?\d+$/.test(text))
      return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    const value = Number(text);
    return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
  };
  let start: number;
  let end: number;
  const single = highText === undefined;
  if (lowText === "*" || lowText === "?") {
    start = min;
    end = max;
  } else {
    const low = read(lowText!);
    if (typeof low === "string") return low;
    start = low;
    if (single) end = start;
    else if (moreParts.length > 0) return `too many hyphens: ${expression}`;
    else {
      const high = read(highText);
      if (typeof high === "string") return high;
      end = high;
    }
  }
  let step = 1;
  if (stepText !== undefined) {
    if (moreSteps.length > 0) return `too many slashes: ${expression}`;
    const value = read(stepText);
    if (typeof value === "string") return value;
    step = value;
    // "N/step" means from N to the end.
    if (single && lowText !== "*" && lowText !== "?") end = max;
  }
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${expression}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  if (step === 0) return `step of range should be a positive number: ${expression}`;
  for (let value = start; value <= end; value += step) set.add(value);
  return undefined;
}
