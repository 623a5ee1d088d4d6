/** fmt.Sprintf for the verbs that templates and messages use. */
import { formatFloat, formatGoSyntax, formatNumber, formatValue, quote } from "./strconv";

/** Formats as Go does, with Go's marks for missing, extra and mismatched arguments. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let used = 0;
  let out = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?([a-zA-Z%])/g,
    (all, flags: string, width, precision, verb) => {
      if (verb === "%") return "%";
      const size = width === "*" ? Number(args[used++]) : width === undefined ? undefined : Number(width);
      const hasPrecision = all.includes(".");
      const digits = precision === "*" ? Number(args[used++]) : hasPrecision ? Number(precision ?? 0) : undefined;
      if (used >= args.length) return `%!${verb}(MISSING)`;
      return pad(one(verb, args[used++], flags, digits), size, flags);
    },
  );
  if (used < args.length) {
    const rest = args.slice(used).map((arg) => `${goType(arg)}=${formatValue(arg)}`);
    out += `%!(EXTRA ${rest.join(", ")})`;
  }
  return out;
}

function one(verb: string, arg: unknown, flags: string, precision: number | undefined): string {
  const bad = (): string =>
    arg === null || arg === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${goType(arg)}=${formatValue(arg)})`;
  switch (verb) {
    case "v":
      return flags.includes("#") ? formatGoSyntax(arg) : formatValue(arg);
    case "s":
      if (typeof arg === "number" || typeof arg === "boolean" || arg === null || arg === undefined) return bad();
      return precision === undefined ? formatValue(arg) : [...formatValue(arg)].slice(0, precision).join("");
    case "q":
      return typeof arg === "string"
        ? quote(arg)
        : typeof arg === "number"
          ? quote(String.fromCodePoint(arg)).replace(/^"|"$/g, "'")
          : bad();
    case "d":
      return typeof arg === "number" && Number.isInteger(arg) ? sign(arg, flags) + formatNumber(arg) : bad();
    case "t":
      return typeof arg === "boolean" ? String(arg) : bad();
    case "x":
    case "X": {
      const hex =
        typeof arg === "number"
          ? arg.toString(16)
          : typeof arg === "string"
            ? [...arg].map((ch) => ch.charCodeAt(0).toString(16).padStart(2, "0")).join("")
            : undefined;
      return hex === undefined ? bad() : verb === "X" ? hex.toUpperCase() : hex;
    }
    case "o":
      return typeof arg === "number" ? arg.toString(8) : bad();
    case "b":
      return typeof arg === "number" ? arg.toString(2) : bad();
    case "c":
      return typeof arg === "number" ? String.fromCodePoint(arg) : bad();
    case "f":
    case "F":
      return typeof arg === "number" ? sign(arg, flags) + arg.toFixed(precision ?? 6) : bad();
    case "g":
      return typeof arg === "number" ? formatFloat(arg) : bad();
    case "e":
      return typeof arg === "number" ? arg.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2") : bad();
    case "T":
      return goType(arg);
    default:
      return bad();
  }
}

const sign = (value: number, flags: string): string => (flags.includes("+") && value >= 0 ? "+" : "");

function pad(text: string, width: number | undefined, flags: string): string {
  const length = [...text].length;
  if (width === undefined || length >= width) return text;
  const fill = width - length;
  if (flags.includes("-")) return text + " ".repeat(fill);
  if (!flags.includes("0")) return " ".repeat(fill) + text;
  return /^[-+]/.test(text) ? text[0]! + "0".repeat(fill) + text.slice(1) : "0".repeat(fill) + text;
}

/** The Go type that decoded JSON has. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}
