/** Go's time.Duration as text: `5m0s`, `1.5s`, `300ms`, and back. Values are milliseconds, fractions allowed. */
import { failure, ok, type Result } from "../base/result";
import { quote } from "./strconv";

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** time.ParseDuration. The error is Go's. */
export function parseDuration(text: string): Result<number, string> {
  const bad = (): Result<number, string> => failure(`time: invalid duration ${quote(text)}`);
  let rest = text;
  let sign = 1;
  if (rest[0] === "-" || rest[0] === "+") {
    if (rest[0] === "-") sign = -1;
    rest = rest.slice(1);
  }
  if (rest === "0") return ok(0);
  if (rest === "") return bad();
  let total = 0;
  while (rest !== "") {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest);
    if (!number) return bad();
    rest = rest.slice(number[0].length);
    const unit = /^[^.\d]+/.exec(rest);
    if (!unit) return failure(`time: missing unit in duration ${quote(text)}`);
    const scale = UNIT_MS[unit[0]];
    if (scale === undefined) return failure(`time: unknown unit ${quote(unit[0])} in duration ${quote(text)}`);
    total += Number(number[0]) * scale;
    rest = rest.slice(unit[0].length);
  }
  return ok(sign * total);
}

/** Duration.String(). */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  const ns = Math.round(Math.abs(ms) * 1e6);
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${fraction(ns, 1e3)}µs`;
  if (ns < 1e9) return `${sign}${fraction(ns, 1e6)}ms`;
  const seconds = Math.floor(ns / 1e9);
  const tail = `${fraction(ns - Math.floor(seconds / 60) * 60e9, 1e9)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return sign + tail;
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${sign}${minutes}m${tail}`;
  return `${sign}${hours}h${minutes % 60}m${tail}`;
}

function fraction(ns: number, unit: number): string {
  const whole = Math.floor(ns / unit);
  const digits = String(ns - whole * unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "");
  return digits === "" ? String(whole) : `${whole}.${digits}`;
}
