/** Flag definitions: a type, a default, and what the help pages say; values are read as pflag reads them. */
import { failure, ok, type Result } from "../base/result";
import { formatDuration, parseDuration } from "../text/go-duration";
import { quote } from "../text/strconv";

export interface FlagOptions {
  readonly shorthand?: string;
  readonly hidden?: boolean;
  /** The message after "has been deprecated, ". Deprecated flags are hidden. */
  readonly deprecated?: string;
  readonly shorthandDeprecated?: string;
  /** The value of the flag when it is given without one: `--dry-run` is `--dry-run=unchanged`. */
  readonly noOptDefVal?: string;
  /** cobra's MarkFlagRequired. */
  readonly required?: boolean;
  /** The type's name on docker's help pages where it is not pflag's: "list", "bytes", "map". */
  readonly typeName?: string;
  /** The default as help pages show it. */
  readonly defaultText?: string;
}

/** One flag. `T` is what the command sees. */
export interface Flag<T> extends FlagOptions {
  readonly usage: string;
  readonly initial: T;
  readonly type: string;
  /** Reads one occurrence; `previous` is undefined before the first. The error is what follows `flag: `. */
  read(text: string, previous: T | undefined): Result<T, string>;
}

// biome-ignore lint/suspicious/noExplicitAny: a set holds flags of every type.
export type FlagSet = Readonly<Record<string, Flag<any>>>;
export type FlagValues<F extends FlagSet> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export function stringFlag(initial: string, usage: string, options: FlagOptions = {}): Flag<string> {
  return {
    ...options,
    usage,
    initial,
    type: "string",
    defaultText: options.defaultText ?? initial,
    read: (text) => ok(text),
  };
}

export function boolFlag(initial: boolean, usage: string, options: FlagOptions = {}): Flag<boolean> {
  return {
    noOptDefVal: "true",
    ...options,
    usage,
    initial,
    type: "bool",
    defaultText: String(initial),
    read: parseBool,
  };
}

export function intFlag(initial: number, usage: string, options: FlagOptions = {}): Flag<number> {
  return {
    ...options,
    usage,
    initial,
    type: "int",
    defaultText: String(initial),
    read: (text) => parseInteger(text, 64),
  };
}

export function int32Flag(initial: number, usage: string, options: FlagOptions = {}): Flag<number> {
  return {
    ...options,
    usage,
    initial,
    type: "int32",
    defaultText: String(initial),
    read: (text) => parseInteger(text, 32),
  };
}

export function uintFlag(initial: number, usage: string, options: FlagOptions = {}): Flag<number> {
  return { ...options, usage, initial, type: "uint", defaultText: String(initial), read: parseUnsigned };
}

export function floatFlag(initial: number, usage: string, options: FlagOptions = {}): Flag<number> {
  return { ...options, usage, initial, type: "float64", defaultText: String(initial), read: parseFloat64 };
}

/** Milliseconds. */
export function durationFlag(initialMs: number, usage: string, options: FlagOptions = {}): Flag<number> {
  return {
    ...options,
    usage,
    initial: initialMs,
    type: "duration",
    defaultText: formatDuration(initialMs),
    read: (text) => parseDuration(text),
  };
}

/** Every occurrence is one element, commas and all. */
export function stringArrayFlag(
  initial: readonly string[],
  usage: string,
  options: FlagOptions = {},
): Flag<readonly string[]> {
  return {
    ...options,
    usage,
    initial,
    type: "stringArray",
    defaultText: options.defaultText ?? `[${initial.join(",")}]`,
    read: (text, previous) => ok([...(previous ?? []), text]),
  };
}

/** Every occurrence is a line of comma-separated values. */
export function stringSliceFlag(
  initial: readonly string[],
  usage: string,
  options: FlagOptions = {},
): Flag<readonly string[]> {
  return {
    ...options,
    usage,
    initial,
    type: "stringSlice",
    defaultText: options.defaultText ?? `[${initial.join(",")}]`,
    read: (text, previous) => ok([...(previous ?? []), ...readCsv(text)]),
  };
}

export function stringToStringFlag(usage: string, options: FlagOptions = {}): Flag<Readonly<Record<string, string>>> {
  return {
    ...options,
    usage,
    initial: {},
    type: "stringToString",
    defaultText: "[]",
    read: (text, previous) => {
      const pairs = text.includes('"') ? readCsv(text) : text.split(",");
      const map: Record<string, string> = { ...previous };
      for (const pair of pairs) {
        const at = pair.indexOf("=");
        if (at < 0) return failure(`${pair} must be formatted as key=value`);
        map[pair.slice(0, at)] = pair.slice(at + 1);
      }
      return ok(map);
    },
  };
}

/** Counts its occurrences: -vvv. */
export function countFlag(usage: string, options: FlagOptions = {}): Flag<number> {
  return {
    noOptDefVal: "+1",
    ...options,
    usage,
    initial: 0,
    type: "count",
    defaultText: "0",
    read: (text, previous) => (text === "+1" ? ok((previous ?? 0) + 1) : parseInteger(text, 64)),
  };
}

/** A value type of the command's own. `read` answers with the text that follows `flag: ` when it refuses. */
export function valueFlag<T>(
  type: string,
  initial: T,
  usage: string,
  read: (text: string, previous: T | undefined) => Result<T, string>,
  options: FlagOptions = {},
): Flag<T> {
  return { ...options, usage, initial, type, read };
}

/** strconv.ParseBool. */
export function parseBool(text: string): Result<boolean, string> {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return ok(true);
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return ok(false);
  return failure(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
}

/** strconv.ParseInt with base 0. */
export function parseInteger(text: string, bits: 32 | 64): Result<number, string> {
  const m = /^([-+]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/.exec(text);
  if (!m) return failure(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  const digits = m[2]!.replaceAll("_", "");
  const magnitude = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  const value = m[1] === "-" ? -magnitude : magnitude;
  const limit = 2 ** (bits - 1);
  if (value >= limit || value < -limit) return failure(`strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  return ok(value === 0 ? 0 : value);
}

function parseUnsigned(text: string): Result<number, string> {
  if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(text))
    return failure(`strconv.ParseUint: parsing ${quote(text)}: invalid syntax`);
  return ok(Number(text));
}

function parseFloat64(text: string): Result<number, string> {
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) {
    return failure(`strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`);
  }
  return ok(Number(text));
}

/** One record of comma-separated values; double quotes group. */
export function readCsv(line: string): string[] {
  if (line === "") return [];
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    const field = quoted ? quoted[1]!.replaceAll('""', '"') : /^[^,]*/.exec(rest)![0];
    fields.push(field);
    const used = quoted ? quoted[0].length - quoted[2]!.length : field.length;
    if (rest[used] !== ",") return fields;
    rest = rest.slice(used + 1);
  }
}
