/** strftime(3) and the formats of `date`, in UTC: the machines of this world have their clocks in UTC. */
import { civilTime, instantOf } from "../base/clock";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export function strftime(format: string, instant: number): string {
  const t = civilTime(instant);
  const dayOfYear = Math.floor((instant - instantOf(t.year, 1, 1)) / 86_400_000);
  const two = (n: number, fill = "0"): string => String(n).padStart(2, fill);
  const isoWeek = (): { week: number; year: number } => {
    const weekday = (t.weekday + 6) % 7;
    const thursday = civilTime(instant + (3 - weekday) * 86_400_000);
    const start = instantOf(thursday.year, 1, 1);
    const dayNumber = Math.floor((instantOf(thursday.year, thursday.month, thursday.day) - start) / 86_400_000);
    return { week: Math.floor(dayNumber / 7) + 1, year: thursday.year };
  };
  const one = (verb: string): string | undefined => {
    switch (verb) {
      case "%":
        return "%";
      case "a":
        return days[t.weekday]!.slice(0, 3);
      case "A":
        return days[t.weekday]!;
      case "b":
      case "h":
        return months[t.month - 1]!.slice(0, 3);
      case "B":
        return months[t.month - 1]!;
      case "c":
        return `${one("a")} ${one("b")} ${two(t.day, " ")} ${one("T")} ${t.year}`;
      case "C":
        return two(Math.floor(t.year / 100));
      case "d":
        return two(t.day);
      case "D":
      case "x":
        return `${two(t.month)}/${two(t.day)}/${two(t.year % 100)}`;
      case "e":
        return two(t.day, " ");
      case "F":
        return `${t.year}-${two(t.month)}-${two(t.day)}`;
      case "g":
        return two(isoWeek().year % 100);
      case "G":
        return String(isoWeek().year);
      case "H":
        return two(t.hour);
      case "I":
        return two(t.hour % 12 || 12);
      case "j":
        return String(dayOfYear + 1).padStart(3, "0");
      case "k":
        return two(t.hour, " ");
      case "l":
        return two(t.hour % 12 || 12, " ");
      case "m":
        return two(t.month);
      case "M":
        return two(t.minute);
      case "n":
        return "\n";
      case "N":
        return String(Math.floor((instant - Math.floor(instant / 1000) * 1000) * 1e6)).padStart(9, "0");
      case "p":
        return t.hour < 12 ? "AM" : "PM";
      case "P":
        return t.hour < 12 ? "am" : "pm";
      case "q":
        return String(Math.floor((t.month - 1) / 3) + 1);
      case "r":
        return `${one("I")}:${one("M")}:${one("S")} ${one("p")}`;
      case "R":
        return `${two(t.hour)}:${two(t.minute)}`;
      case "s":
        return String(Math.floor(instant / 1000));
      case "S":
        return two(t.second);
      case "t":
        return "\t";
      case "T":
      case "X":
        return `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
      case "u":
        return String(t.weekday || 7);
      case "U":
        return two(Math.floor((dayOfYear + 7 - t.weekday) / 7));
      case "V":
        return two(isoWeek().week);
      case "w":
        return String(t.weekday);
      case "W":
        return two(Math.floor((dayOfYear + 7 - ((t.weekday + 6) % 7)) / 7));
      case "y":
        return two(t.year % 100);
      case "Y":
        return String(t.year);
      case "z":
        return "+0000";
      case ":z":
        return "+00:00";
      case "Z":
        return "UTC";
      default:
        return undefined;
    }
  };
  return format.replace(/%([-_0^#]*)(\d*)(:?[a-zA-Z%])/g, (all, flags: string, width: string, verb: string) => {
    let text = one(verb);
    if (text === undefined) return all;
    if (verb === "N" && width !== "") return text.slice(0, Number(width));
    if (flags.includes("-")) text = text.replace(/^[0 ]+(?=.)/, "");
    if (flags.includes("_")) text = text.replace(/^0+(?=.)/, (zeros) => " ".repeat(zeros.length));
    if (flags.includes("^")) text = text.toUpperCase();
    return width === ""
      ? text
      : text.padStart(Number(width), /^[aAbBhpPZcDxF]$/.test(verb) && !flags.includes("0") ? " " : "0");
  });
}
