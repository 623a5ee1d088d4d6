/** The `filters` query value: JSON of key to values, in both forms that clients send. */
import { badRequest } from "./failure";

export type Filters = Readonly<Record<string, readonly string[]>>;

/** Reads `{"name":{"web":true}}` or `{"name":["web"]}`. */
export function readFilters(text: string | undefined, known: readonly string[]): Filters {
  if (!text) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badRequest("invalid filter");
  }
  const filters: Record<string, string[]> = {};
  for (const [key, value] of Object.entries(parsed as Record<string, unknown>)) {
    if (!known.includes(key)) throw badRequest(`invalid filter '${key}'`);
    filters[key] = Array.isArray(value)
      ? value.map(String)
      : Object.entries(value as Record<string, boolean>)
          .filter(([, on]) => on)
          .map(([name]) => name);
  }
  return filters;
}

export const encodeFilters = (filters: Filters): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(filters).map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))]),
    ),
  );

/** Any of the values, or no such filter at all. */
export const anyOf = (values: readonly string[] | undefined, matches: (value: string) => boolean): boolean =>
  values === undefined || values.length === 0 || values.some(matches);

/** Every `label=key` or `label=key=value` must hold. */
export const hasLabels = (
  labels: Readonly<Record<string, string>> | null | undefined,
  wanted: readonly string[] | undefined,
): boolean =>
  (wanted ?? []).every((entry) => {
    const at = entry.indexOf("=");
    const key = at < 0 ? entry : entry.slice(0, at);
    if (!labels || !Object.hasOwn(labels, key)) return false;
    return at < 0 || labels[key] === entry.slice(at + 1);
  });

/** `Match`: a regular expression where it is one, else the text itself. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

/** The forms in which clients write yes and no; undefined when it is neither. */
export function readBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "True", "TRUE"].includes(text)) return true;
  if (["0", "f", "F", "false", "False", "FALSE"].includes(text)) return false;
  return undefined;
}
