/** date: virtual time in UTC, `+format`, and `-d` for the phrases people write. */
import { civilTime, instantOf, parseRfc3339 } from "../../base/clock";
import { strftime } from "../strftime";
import type { ToolRun } from "../tool";

const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** The instant a date text means; undefined when it means none. */
export function parseDate(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  if (/^@-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed.slice(1)) * 1000;
  const exact = parseRfc3339(trimmed);
  if (exact !== undefined) return exact;
  let at = now;
  let rest = ` ${trimmed.toLowerCase()} `.replace(/,/g, " ");
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(rest);
    if (match) rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`;
    return match;
  };
  const startOfDay = (instant: number): number => Math.floor(instant / 86_400_000) * 86_400_000;
  const iso = take(/\s(\d{4})-(\d{1,2})-(\d{1,2})(?:t(?=\d)|(?=\s))/);
  const slash = iso ? null : take(/\s(\d{1,2})\/(\d{1,2})\/(\d{4})(?=\s)/);
  const named =
    iso || slash
      ? null
      : (take(/\s(\d{1,2})[\s-](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s-](\d{4})(?=\s)/) ??
        take(/\s(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+(\d{1,2})(?:\s+(\d{4}))?(?=\s)/));
  if (iso) {
    if (Number(iso[2]) > 12 || Number(iso[3]) > 31) return undefined;
    at = instantOf(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  } else if (slash) at = instantOf(Number(slash[3]), Number(slash[1]), Number(slash[2]));
  else if (named) {
    const dayFirst = /^\s\d/.test(named[0]);
    const month = months.indexOf(dayFirst ? named[2]! : named[1]!) + 1;
    at = instantOf(Number(named[3] ?? civilTime(now).year), month, Number(dayFirst ? named[1] : named[2]));
  }
  const hasDate = iso !== null || slash !== null || named !== null;
  const time = take(/\s?(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?\s*(am|pm)?(?=[\sz+-])/);
  if (time) {
    let hour = Number(time[1]);
    if (time[5] === "pm" && hour < 12) hour += 12;
    if (time[5] === "am" && hour === 12) hour = 0;
    if (hour > 24 || Number(time[2]) > 59) return undefined;
    at =
      startOfDay(at) +
      hour * 3_600_000 +
      Number(time[2]) * 60_000 +
      Number(time[3] ?? 0) * 1000 +
      Number(`0${time[4] ?? ""}`) * 1000;
    const zone = take(/^\s*([+-])(\d{2}):?(\d{2})(?=\s)/);
    if (zone) at -= (zone[1] === "-" ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) * 60_000;
  }
  take(/\s(utc|gmt|z)(?=\s)/);
  if (take(/\snow(?=\s)/)) at = hasDate || time ? at : now;
  if (take(/\stoday(?=\s)/)) at = time ? at : now;
  if (take(/\sbeginning(?=\s)/)) return undefined;
  if (take(/\smidnight(?=\s)/)) at = startOfDay(at);
  if (take(/\snoon(?=\s)/)) at = startOfDay(at) + 43_200_000;
  if (take(/\stomorrow(?=\s)/)) at += 86_400_000;
  if (take(/\syesterday(?=\s)/)) at -= 86_400_000;
  for (;;) {
    const shift = take(
      /\s([+-]?\s*\d+|next|last|a|an)\s*(sec(?:ond)?|min(?:ute)?|hour|day|week|fortnight|month|year)s?(\s+ago)?(?=\s)/,
    );
    if (!shift) break;
    const word = shift[1]!.replace(/\s/g, "");
    const count =
      (word === "next" || word.startsWith("a") ? 1 : word === "last" ? -1 : Number(word)) * (shift[3] ? -1 : 1);
    const unit = shift[2]!;
    if (unit === "month" || unit === "year") {
      const t = civilTime(at);
      const month = t.month - 1 + count * (unit === "year" ? 12 : 1);
      at = instantOf(
        t.year + Math.floor(month / 12),
        (((month % 12) + 12) % 12) + 1,
        t.day,
        t.hour,
        t.minute,
        t.second,
        t.millisecond,
      );
    } else
      at +=
        count *
        {
          sec: 1000,
          second: 1000,
          min: 60_000,
          minute: 60_000,
          hour: 3_600_000,
          day: 86_400_000,
          week: 604_800_000,
          fortnight: 1_209_600_000,
        }[unit]!;
  }
  const day = take(/\s(next\s+|last\s+|this\s+)?(sun|mon|tue|wed|thu|fri|sat)[a-z]*(?=\s)/);
  if (day && !hasDate) {
    const ahead = (weekdays.indexOf(day[2]!) - civilTime(at).weekday + 7) % 7;
    at =
      startOfDay(at) +
      (ahead + (day[1]?.startsWith("last") ? -7 : day[1]?.startsWith("next") && ahead === 0 ? 7 : 0)) * 86_400_000;
  }
  return rest.trim() === "" ? at : undefined;
}

export const date: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "d:f:I::r:Rs:u",
    long: {
      "date=": "d",
      "iso-8601=?": "I",
      "reference=": "r",
      "rfc-email": "R",
      "rfc-3339=": "3",
      "set=": "s",
      utc: "u",
      universal: "u",
    },
  });
  const { process } = tool;
  let at = process.now();
  const text = options.value("d");
  if (text !== undefined) {
    const parsed = parseDate(text, at);
    if (parsed === undefined) yield* tool.fail(`invalid date ${tool.quote(text)}`);
    at = parsed!;
  }
  const reference = options.value("r");
  if (reference !== undefined) {
    const node = process.fs.find(process.path(reference));
    if (!node) yield* tool.fail(`${reference}: No such file or directory`);
    at = node!.mtime;
  }
  const list = options.value("f");
  if (list !== undefined && !process.fs.exists(process.path(list)))
    yield* tool.fail(`${list}: No such file or directory`);
  if (options.has("s")) yield* tool.fail("cannot set date: Operation not permitted");
  const format = options.operands.find((operand) => operand.startsWith("+"));
  const odd = options.operands.find((operand) => !operand.startsWith("+"));
  if (odd !== undefined) yield* tool.fail(`invalid date ${tool.quote(odd)}`);
  const iso = options.all.find((option) => option.key === "I");
  const rfc = options.value("3");
  let pattern = format?.slice(1);
  if (iso)
    pattern = { date: "%F", hours: "%FT%H%:z", minutes: "%FT%H:%M%:z", seconds: "%FT%T%:z", ns: "%FT%T,%N%:z" }[
      iso.value ?? "date"
    ];
  if (rfc) pattern = { date: "%F", seconds: "%F %T%:z", ns: "%F %T.%N%:z" }[rfc];
  if (options.has("R")) pattern = "%a, %d %b %Y %T %z";
  yield* tool.text(`${strftime(pattern ?? "%a %b %e %T %Z %Y", at)}\n`);
  return 0;
};
