/** The functions templates may call: Go's built-in ones, and those that docker and kubectl add. */
import { decodeUtf8, type Bytes } from "../base/bytes";
import { goJson } from "./go-json";
import { sprintf } from "./sprintf";
import { compareStrings, formatValue } from "./strconv";

export type TemplateFunction = (...args: unknown[]) => unknown;

/** A failure of execution. `located` ones carry their position already; `isUsage` ones are not "error calling f". */
export class TemplateFailure extends Error {
  readonly located: boolean;
  readonly isUsage: boolean;
  constructor(message: string, options: { readonly located?: boolean; readonly isUsage?: boolean } = {}) {
    super(message);
    this.located = options.located ?? false;
    this.isUsage = options.isUsage ?? false;
  }
}

const fail = (message: string): never => {
  throw new TemplateFailure(message);
};

/** Checks the number of arguments as Go's exec does before a call. */
function arity(name: string, count: number, args: readonly unknown[], variadic = false): void {
  if (variadic ? args.length >= count : args.length === count) return;
  const want = variadic ? `at least ${count}` : String(count);
  throw new TemplateFailure(`wrong number of args for ${name}: want ${want} got ${args.length}`, { isUsage: true });
}

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  value === 0 ||
  value === "" ||
  (Array.isArray(value) ? value.length === 0 : typeof value === "object" && Object.keys(value).length === 0);

function length(item: unknown): number {
  if (typeof item === "string") return utf8Length(item);
  if (Array.isArray(item)) return item.length;
  if (typeof item === "object" && item !== null) return Object.keys(item).length;
  if (item === null || item === undefined) return fail("len of nil pointer");
  return fail(`len of type ${kindName(item)}`);
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const ch of text) {
    const c = ch.codePointAt(0)!;
    bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const kindName = (value: unknown): string =>
  typeof value === "string"
    ? "string"
    : typeof value === "boolean"
      ? "bool"
      : typeof value === "number"
        ? Number.isInteger(value)
          ? "int"
          : "float64"
        : Array.isArray(value)
          ? "slice"
          : "map";

function index(item: unknown, ...keys: unknown[]): unknown {
  let value = item;
  if (value === null || value === undefined) return fail("index of untyped nil");
  for (const key of keys) {
    if (value === null || value === undefined) return fail("index of nil pointer");
    if (Array.isArray(value) || typeof value === "string") {
      if (typeof key !== "number")
        return fail(`cannot index slice/array with type ${key === null ? "nil" : kindName(key)}`);
      if (key < 0 || key > value.length) return fail(`index out of range: ${key}`);
      if (key === value.length) return fail("reflect: slice index out of range");
      value = typeof value === "string" ? value.charCodeAt(key) : value[key];
    } else if (typeof value === "object") {
      if (typeof key !== "string") return fail(`value has type ${kindName(key)}; should be string`);
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : null;
    } else return fail(`can't index item of type ${kindName(value)}`);
  }
  return value;
}

function slice(item: unknown, ...bounds: unknown[]): unknown {
  if (typeof item !== "string" && !Array.isArray(item)) return fail(`can't slice item of type ${kindName(item)}`);
  const [from = 0, to = item.length] = bounds as (number | undefined)[];
  for (const bound of [from, to]) {
    if (typeof bound !== "number") return fail(`cannot index slice/array with type ${kindName(bound)}`);
    if (bound < 0 || bound > item.length) return fail(`index out of range: ${bound}`);
  }
  if (from > to) return fail(`invalid slice index: ${from} > ${to}`);
  return item.slice(from, to);
}

/** fmt.Sprint: a space between operands when neither is a string. */
function sprint(args: readonly unknown[]): string {
  let out = "";
  args.forEach((arg, i) => {
    if (i > 0 && typeof arg !== "string" && typeof args[i - 1] !== "string") out += " ";
    out += formatValue(arg);
  });
  return out;
}

function basicKind(value: unknown): string {
  if (typeof value === "string" || typeof value === "boolean") return typeof value;
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return value === null || value === undefined ? "nil" : fail("non-comparable type");
}

function equal(a: unknown, ...others: unknown[]): boolean {
  if (others.length === 0) fail("missing argument for comparison");
  const kind = basicKind(a);
  return others.some((b) => {
    const other = basicKind(b);
    if (kind === "nil" || other === "nil") return kind === other;
    if (kind !== other) return fail("incompatible types for comparison");
    return a === b;
  });
}

function less(a: unknown, b: unknown): boolean {
  const kind = basicKind(a);
  if (kind !== basicKind(b)) return fail("incompatible types for comparison");
  if (kind === "string") return compareStrings(a as string, b as string) < 0;
  return kind === "int" || kind === "float" ? (a as number) < (b as number) : fail("invalid type for comparison");
}

const text = (value: unknown): string => {
  if (typeof value === "string") return value;
  throw new TemplateFailure(
    `wrong type for value; expected string; got ${value === null ? "nil" : kindName(value) === "map" ? "map[string]interface {}" : kindName(value) === "slice" ? "[]interface {}" : kindName(value)}`,
    { isUsage: true },
  );
};

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\ufffd",
};

/** Go's built-in functions. */
export const BUILTIN_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  [
    "and",
    (...args) => {
      arity("and", 1, args, true);
      return args.find(isEmpty) ?? (args.some(isEmpty) ? args.find(isEmpty) : args.at(-1));
    },
  ],
  [
    "or",
    (...args) => {
      arity("or", 1, args, true);
      return args.find((arg) => !isEmpty(arg)) ?? args.at(-1);
    },
  ],
  [
    "not",
    (...args) => {
      arity("not", 1, args);
      return isEmpty(args[0]);
    },
  ],
  [
    "len",
    (...args) => {
      arity("len", 1, args);
      return length(args[0]);
    },
  ],
  [
    "index",
    (...args) => {
      arity("index", 1, args, true);
      return index(args[0], ...args.slice(1));
    },
  ],
  [
    "slice",
    (...args) => {
      arity("slice", 1, args, true);
      return slice(args[0], ...args.slice(1));
    },
  ],
  ["print", (...args) => sprint(args)],
  ["println", (...args) => `${args.map(formatValue).join(" ")}\n`],
  [
    "printf",
    (...args) => {
      arity("printf", 1, args, true);
      return sprintf(text(args[0]), args.slice(1));
    },
  ],
  ["html", (...args) => sprint(args).replace(/[<>&"'\0]/g, (ch) => HTML[ch]!)],
  [
    "js",
    (...args) =>
      sprint(args).replace(/[\\'"<>&=\n\r\t]/g, (ch) =>
        /[\\'"]/.test(ch) ? `\\${ch}` : `\\u${ch.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
      ),
  ],
  [
    "urlquery",
    (...args) =>
      sprint(args).replace(/[^A-Za-z0-9\-_.~]/g, (ch) =>
        ch === " "
          ? "+"
          : encodeURIComponent(ch).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
      ),
  ],
  ["eq", (...args) => equal(args[0], ...args.slice(1))],
  [
    "ne",
    (...args) => {
      arity("ne", 2, args);
      return !equal(args[0], args[1]);
    },
  ],
  [
    "lt",
    (...args) => {
      arity("lt", 2, args);
      return less(args[0], args[1]);
    },
  ],
  [
    "le",
    (...args) => {
      arity("le", 2, args);
      return less(args[0], args[1]) || equal(args[0], args[1]);
    },
  ],
  [
    "gt",
    (...args) => {
      arity("gt", 2, args);
      return !less(args[0], args[1]) && !equal(args[0], args[1]);
    },
  ],
  [
    "ge",
    (...args) => {
      arity("ge", 2, args);
      return !less(args[0], args[1]);
    },
  ],
]);

/** What docker/cli adds. `json` prints members in the order they have: structs are ordered, and maps come sorted. */
export const DOCKER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: (...args) => {
    arity("json", 1, args);
    const value = args[0] as { goValue?: () => unknown; escapesHtml?: boolean } | null;
    return goJson(typeof value === "object" && value?.goValue ? value.goValue() : value, {
      sortKeys: false,
      escapeHtml: (typeof value === "object" && value?.escapesHtml) || false,
    });
  },
  split: (...args) => {
    arity("split", 2, args);
    return text(args[1]) === "" ? [...text(args[0])] : text(args[0]).split(text(args[1]));
  },
  join: (...args) => {
    arity("join", 2, args);
    return Array.isArray(args[0]) ? args[0].map(formatValue).join(text(args[1])) : text(args[0]);
  },
  title: (...args) => {
    arity("title", 1, args);
    return text(args[0]).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    );
  },
  lower: (...args) => {
    arity("lower", 1, args);
    return text(args[0]).toLowerCase();
  },
  upper: (...args) => {
    arity("upper", 1, args);
    return text(args[0]).toUpperCase();
  },
  pad: (...args) => {
    arity("pad", 3, args);
    return " ".repeat(Number(args[1])) + text(args[0]) + (args[0] === "" ? "" : " ".repeat(Number(args[2])));
  },
  truncate: (...args) => {
    arity("truncate", 2, args);
    return text(args[0]).slice(0, Number(args[1]));
  },
};

/** What kubectl adds. */
export const KUBECTL_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  exists: (...args) => {
    let value = args[0];
    for (const key of args.slice(1)) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key as string | number)) return false;
      value = (value as Record<string, unknown>)[key as string];
    }
    return value !== undefined;
  },
  base64decode: (...args) => {
    arity("base64decode", 1, args);
    return decodeBase64(text(args[0]));
  },
};

function decodeBase64(encoded: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
    const bad = encoded.search(/[^A-Za-z0-9+/=]/);
    return fail(
      `base64 decode: illegal base64 data at input byte ${bad < 0 ? encoded.length - (encoded.length % 4) : bad}`,
    );
  }
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let bits = 0;
  let size = 0;
  let out = "";
  for (const ch of encoded.replace(/=+$/, "")) {
    bits = (bits << 6) | alphabet.indexOf(ch);
    size += 6;
    if (size >= 8) {
      size -= 8;
      out += String.fromCharCode((bits >> size) & 0xff);
    }
  }
  return decodeUtf8(out as Bytes);
}
