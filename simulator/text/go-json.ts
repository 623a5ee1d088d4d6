/** JSON as Go's encoding/json prints it: indentation, empty containers, HTML escaping, number forms. */
import { compareStrings } from "./strconv";

export interface GoJsonOptions {
  /** Indentation per level; absent for one line without spaces. */
  readonly indent?: string;
  /** Put before every line but the first. */
  readonly prefix?: string;
  /** Maps are printed in key order; structs (keep the order given) when false. Default true. */
  readonly sortKeys?: boolean;
  /** `<`, `>` and `&` become \u003c … Default true. */
  readonly escapeHtml?: boolean;
}

/** json.Marshal or json.MarshalIndent. Members that are undefined are left out. */
export function goJson(value: unknown, options: GoJsonOptions = {}): string {
  return print(value, options, `\n${options.prefix ?? ""}`);
}

/** What `-o json` prints: four spaces, sorted keys. */
export const goJsonIndent = (value: unknown): string => goJson(value, { indent: "    " });

function print(value: unknown, options: GoJsonOptions, newline: string): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return goJsonString(value, options.escapeHtml ?? true);
  if (typeof value === "number") return goJsonNumber(value);
  if (typeof value === "boolean") return String(value);
  const inner = newline + (options.indent ?? "");
  const pretty = options.indent !== undefined;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const items = value.map((item) => print(item, options, inner));
    return pretty ? `[${inner}${items.join(`,${inner}`)}${newline}]` : `[${items.join(",")}]`;
  }
  const map = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(map).filter((key) => map[key] !== undefined);
  if (keys.length === 0) return "{}";
  if (options.sortKeys ?? true) keys.sort(compareStrings);
  const colon = pretty ? ": " : ":";
  const members = keys.map(
    (key) => goJsonString(key, options.escapeHtml ?? true) + colon + print(map[key], options, inner),
  );
  return pretty ? `{${inner}${members.join(`,${inner}`)}${newline}}` : `{${members.join(",")}}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

/** A JSON string literal as Go writes it. */
export function goJsonString(text: string, escapeHtml = true): string {
  const pattern = escapeHtml ? /["\\\u0000-\u001f<>&\u2028\u2029]/g : /["\\\u0000-\u001f\u2028\u2029]/g;
  return `"${text.replace(pattern, (ch) => ESCAPES[ch] ?? `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** A JSON number as Go writes a float64. */
export function goJsonNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
  // JavaScript agrees with Go on the exponent's limits (1e-6, 1e21); Go drops a leading zero of the exponent too.
  return String(value);
}
