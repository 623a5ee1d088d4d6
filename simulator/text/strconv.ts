/** Go's strconv and the parts of fmt that show in messages: quoting, %g, and printing any value with %v. */

/** strconv.Quote (%q): Go's double-quoted literal. */
export function quote(text: string): string {
  let out = '"';
  for (const ch of text) {
    const c = ch.codePointAt(0)!;
    if (ch === '"' || ch === "\\") out += `\\${ch}`;
    else if (isPrintable(c)) out += ch;
    else out += escapeRune(c);
  }
  return `${out}"`;
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
};

function escapeRune(c: number): string {
  const short = SHORT_ESCAPES[c];
  if (short) return short;
  if (c < 0x80) return `\\x${c.toString(16).padStart(2, "0")}`;
  if (c < 0x10000) return `\\u${c.toString(16).padStart(4, "0")}`;
  return `\\U${c.toString(16).padStart(8, "0")}`;
}

/** strconv.IsPrint, near enough: no controls, no separators but the space, no surrogates or format characters. */
export function isPrintable(c: number): boolean {
  if (c < 0x20 || c === 0x7f) return false;
  if (c < 0x7f) return true;
  if (c < 0xa1 || c === 0xad) return false;
  return !/[\p{Z}\p{C}]/u.test(String.fromCodePoint(c));
}

/** A Go string literal in double quotes or backquotes back to its text; undefined when malformed. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0];
  if (literal.length < 2 || mark !== literal.at(-1)) return undefined;
  const body = literal.slice(1, -1);
  if (mark === "`") return body.includes("`") ? undefined : body;
  if (mark !== '"' && mark !== "'") return undefined;
  return unescapeBody(body);
}

const LETTER_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

function unescapeBody(body: string): string | undefined {
  let out = "";
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== "\\") {
      if (body[i] === "\n") return undefined;
      out += body[i];
      continue;
    }
    const letter = body[++i];
    if (letter === undefined) return undefined;
    const simple = LETTER_ESCAPES[letter];
    if (simple !== undefined) {
      out += simple;
      continue;
    }
    const width = { x: 2, u: 4, U: 8 }[letter];
    const digits = width ? body.slice(i + 1, i + 1 + width) : body.slice(i, i + 3);
    if (width ? !(digits.length === width && /^[0-9a-fA-F]+$/.test(digits)) : !/^[0-7]{3}$/.test(digits))
      return undefined;
    out += String.fromCodePoint(Number.parseInt(digits, width ? 16 : 8));
    i += width ?? 2;
  }
  return out;
}

/** %.<precision>g: significant digits, trailing zeros removed, exponent form where Go uses it. */
export function formatG(value: number, precision: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0";
  const [mantissa, exponentText] = value.toExponential(precision - 1).split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= precision) return `${trimZeros(mantissa)}e${exponentSuffix(exponent)}`;
  return trimZeros(value.toFixed(Math.max(0, precision - 1 - exponent)));
}

/** strconv.FormatFloat(v, 'g', -1, 64): the shortest text that reads back the same; exponents from `limit` on are shown. */
export function formatFloat(value: number, limit = 6): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0";
  const [mantissa, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= limit) return `${mantissa}e${exponentSuffix(exponent)}`;
  const digits = mantissa.replace(/[-.]/g, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, "0");
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

const trimZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
const exponentSuffix = (exponent: number): string =>
  (exponent < 0 ? "-" : "+") + String(Math.abs(exponent)).padStart(2, "0");

/** Orders strings by code point, as Go compares bytes. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  // UTF-16 order differs from UTF-8 order only where surrogates meet U+E000–U+FFFF.
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && x <= 0xdfff) x += 0x10000;
    if (y >= 0xd800 && y <= 0xdfff) y += 0x10000;
    return x < y ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** fmt's %v of plain data: `map[a:1 b:[x y]]`, keys sorted. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  const map = value as Readonly<Record<string, unknown>>;
  const entries = Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort(compareStrings)
    .map((key) => `${key}:${formatValue(map[key])}`);
  return `map[${entries.join(" ")}]`;
}

/** A number as %v shows it. Whole numbers are int64 to the API's decoders, so they never get an exponent. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value).toString() : formatFloat(value);
}

/** fmt's %#v of decoded JSON: `map[string]interface {}{"a":1}`. */
export function formatGoSyntax(value: unknown): string {
  if (value === null || value === undefined) return "interface {}(nil)";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(formatGoSyntax).join(", ")}}`;
  const map = value as Readonly<Record<string, unknown>>;
  const entries = Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort(compareStrings)
    .map((key) => `${quote(key)}:${formatGoSyntax(map[key])}`);
  return `map[string]interface {}{${entries.join(", ")}}`;
}
