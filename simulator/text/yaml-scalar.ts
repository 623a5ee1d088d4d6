/** What a plain YAML scalar means to go-yaml v2 (YAML 1.1 words included), and so which strings must be quoted. */

export type ScalarTag = "str" | "null" | "bool" | "int" | "float" | "timestamp";

export interface ResolvedScalar {
  readonly tag: ScalarTag;
  readonly value: null | boolean | number | string;
}

const WORDS: ReadonlyMap<string, ResolvedScalar> = new Map<string, ResolvedScalar>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map(
    (word) => [word, { tag: "bool", value: true }] as const,
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map(
    (word) => [word, { tag: "bool", value: false }] as const,
  ),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, { tag: "null", value: null }] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, { tag: "float", value: Number.NaN }] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map(
    (word) => [word, { tag: "float", value: Number.POSITIVE_INFINITY }] as const,
  ),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, { tag: "float", value: Number.NEGATIVE_INFINITY }] as const),
]);

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?$/;
const BASE60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** The meaning of an unquoted scalar. */
export function resolveScalar(text: string): ResolvedScalar {
  const word = WORDS.get(text);
  if (word) return word;
  const first = text[0]!;
  if (first === ".") {
    return FLOAT.test(text) ? { tag: "float", value: Number(text) } : { tag: "str", value: text };
  }
  if (!/[-+0-9]/.test(first)) return { tag: "str", value: text };
  if (TIMESTAMP.test(text)) return { tag: "timestamp", value: text };
  const plain = text.replaceAll("_", "");
  const integer = parseInteger(plain);
  if (integer !== undefined) return { tag: "int", value: integer };
  if (FLOAT.test(plain)) return { tag: "float", value: Number(plain) };
  return { tag: "str", value: text };
}

/** strconv.ParseInt with base 0. */
function parseInteger(plain: string): number | undefined {
  const m = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.exec(plain);
  if (!m) return undefined;
  const digits = m[2]!;
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return m[1] === "-" ? -value : value;
}

/** Whether a string may stand unquoted and still be read back as a string. */
export function readsAsString(text: string): boolean {
  return resolveScalar(text).tag === "str" && !BASE60.test(text);
}
