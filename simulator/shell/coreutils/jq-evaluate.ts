/** Runs jq filters: every filter gives any number of results, so evaluation is a plain generator. */
import { civilTime, instantOf, parseRfc3339, rfc3339 } from "../../base/clock";
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import { byCodePoint } from "../glob";
import { strftime } from "../strftime";
import { fromBase64, toBase64 } from "./binary";
import { type Json, type JsonMap, JsonReader, JsonSyntaxError, printJson } from "./jq-json";
import type { Filter, Pattern } from "./jq-parse";

export class JqError {
  constructor(readonly value: Json) {}
}

class Break {
  constructor(readonly label: object) {}
}

interface Closure {
  readonly parameters: readonly string[];
  readonly body: Filter;
  readonly environment: Environment;
  /** A filter given as an argument: it runs where it was written. */
  readonly isArgument: boolean;
}

export interface Environment {
  readonly variables: ReadonlyMap<string, Json>;
  readonly functions: ReadonlyMap<string, Closure>;
  readonly labels: ReadonlyMap<string, object>;
  readonly world: { readonly env: Readonly<Record<string, string>>; now(): number; nextInput(): Json | undefined };
}

const compact = { indent: undefined, sortKeys: false, color: false, ascii: false } as const;
export const toJson = (value: Json): string => printJson(value, compact);

export const typeOf = (value: Json): string =>
  value === null
    ? "null"
    : typeof value === "boolean"
      ? "boolean"
      : typeof value === "number"
        ? "number"
        : typeof value === "string"
          ? "string"
          : Array.isArray(value)
            ? "array"
            : "object";

const isMap = (value: Json): value is JsonMap => value instanceof Map;
const truthy = (value: Json): boolean => value !== null && value !== false;

/** A value in an error message: long ones are cut, as jq cuts them. */
function shown(value: Json): string {
  const text = toJson(value);
  return text.length > 11 ? `${text.slice(0, 10)}...` : text;
}

const fail = (message: string): never => {
  throw new JqError(message);
};

const ORDER = ["null", "false", "true", "number", "string", "array", "object"];
const rank = (value: Json): number => ORDER.indexOf(typeof value === "boolean" ? String(value) : typeOf(value));

export function compareJson(a: Json, b: Json): number {
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference;
  if (typeof a === "number") return a - (b as number);
  if (typeof a === "string") return byCodePoint(a, b as string);
  if (Array.isArray(a)) {
    const other = b as Json[];
    for (let i = 0; i < Math.min(a.length, other.length); i++) {
      const order = compareJson(a[i]!, other[i]!);
      if (order !== 0) return order;
    }
    return a.length - other.length;
  }
  if (isMap(a) && isMap(b)) {
    const x = [...a.keys()].sort(byCodePoint);
    const y = [...b.keys()].sort(byCodePoint);
    const keys = compareJson(x, y);
    if (keys !== 0) return keys;
    for (const key of x) {
      const order = compareJson(a.get(key)!, b.get(key)!);
      if (order !== 0) return order;
    }
  }
  return 0;
}

function index(target: Json, key: Json): Json {
  if (target === null && (key === null || typeof key === "string" || typeof key === "number" || isMap(key)))
    return null;
  if (isMap(target) && typeof key === "string") return target.get(key) ?? null;
  if (Array.isArray(target) && typeof key === "number")
    return target[key < 0 ? target.length + Math.floor(key) : Math.floor(key)] ?? null;
  if (isMap(key) && (Array.isArray(target) || typeof target === "string"))
    return slice(target, key.get("start") ?? null, key.get("end") ?? null);
  if (Array.isArray(target) && Array.isArray(key))
    return target.flatMap((_item, at) =>
      key.length > 0 && key.every((each, i) => at + i < target.length && compareJson(target[at + i]!, each) === 0)
        ? [at]
        : [],
    );
  if (typeof key === "string") return fail(`Cannot index ${typeOf(target)} with string "${key}"`);
  return fail(`Cannot index ${typeOf(target)} with ${typeOf(key)}`);
}

function slice(target: Json, from: Json, to: Json): Json {
  if (target === null) return null;
  if (typeof target !== "string" && !Array.isArray(target)) return fail(`Cannot index ${typeOf(target)} with object`);
  const list = typeof target === "string" ? [...target] : target;
  const at = (value: Json, fallback: number, up: boolean): number => {
    if (value === null) return fallback;
    if (typeof value !== "number") return fail("Start and end indices of an array slice must be numbers");
    const whole = up ? Math.ceil(value) : Math.floor(value);
    return Math.max(0, Math.min(list.length, whole < 0 ? list.length + whole : whole));
  };
  const part = list.slice(at(from, 0, false), at(to, list.length, true));
  return typeof target === "string" ? part.join("") : (part as Json[]);
}

type Path = Json[];

/** Results with the paths that lead to them: what assignments and `path()` need. */
function* paths(filter: Filter, path: Path, input: Json, env: Environment): Generator<[Path, Json]> {
  switch (filter.kind) {
    case "identity":
      yield [path, input];
      return;
    case "recurse":
      yield* recursePaths(path, input);
      return;
    case "field":
      for (const [base, target] of paths(filter.target, path, input, env))
        for (const key of evaluate(filter.name, input, env)) yield [[...base, key], index(target, key)];
      return;
    case "slice":
      for (const [base, target] of paths(filter.target, path, input, env))
        for (const to of filter.to ? evaluate(filter.to, input, env) : [null])
          for (const from of filter.from ? evaluate(filter.from, input, env) : [null])
            yield [
              [
                ...base,
                new Map<string, Json>([
                  ["start", from],
                  ["end", to],
                ]),
              ],
              slice(target, from, to),
            ];
      return;
    case "iterate":
      for (const [base, target] of paths(filter.target, path, input, env)) {
        if (Array.isArray(target)) for (let i = 0; i < target.length; i++) yield [[...base, i], target[i]!];
        else if (isMap(target)) for (const [key, value] of target) yield [[...base, key], value];
        else fail(`Cannot iterate over ${typeOf(target)}${target === null ? "" : ` (${shown(target)})`}`);
      }
      return;
    case "pipe":
      for (const [base, value] of paths(filter.left, path, input, env)) yield* paths(filter.right, base, value, env);
      return;
    case "comma":
      yield* paths(filter.left, path, input, env);
      yield* paths(filter.right, path, input, env);
      return;
    case "alternative": {
      let found = false;
      try {
        for (const result of paths(filter.left, path, input, env)) {
          if (!truthy(result[1])) continue;
          found = true;
          yield result;
        }
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
      }
      if (!found) yield* paths(filter.right, path, input, env);
      return;
    }
    case "if":
      for (const test of evaluate(filter.test, input, env))
        yield* paths(truthy(test) ? filter.yes : (filter.no ?? { kind: "identity" }), path, input, env);
      return;
    case "try":
      try {
        yield* paths(filter.body, path, input, env);
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
        if (filter.handler) yield* paths(filter.handler, path, error.value, env);
      }
      return;
    case "bind":
      for (const value of evaluate(filter.source, input, env))
        yield* paths(filter.body, path, input, bind(filter.pattern, value, env));
      return;
    case "reduce": {
      let state: [Path, Json] | undefined = first(paths(filter.start, path, input, env));
      for (const value of evaluate(filter.source, input, env))
        if (state) state = last(paths(filter.update, state[0], state[1], bind(filter.pattern, value, env)));
      if (state) yield state;
      return;
    }
    case "define":
      yield* paths(filter.rest, path, input, define(filter, env));
      return;
    case "label":
      yield* paths(filter.body, path, input, env);
      return;
    case "call":
      yield* callPaths(filter, path, input, env);
      return;
    case "literal":
      if (filter.value === null) {
        yield [path, null];
        return;
      }
  }
  for (const value of evaluate(filter, input, env))
    throw new JqError(`Invalid path expression with result ${shown(value)}`);
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

function last<T>(values: Iterable<T>): T | undefined {
  let result: T | undefined;
  for (const value of values) result = value;
  return result;
}

function* recursePaths(path: Path, input: Json): Generator<[Path, Json]> {
  yield [path, input];
  if (Array.isArray(input)) for (let i = 0; i < input.length; i++) yield* recursePaths([...path, i], input[i]!);
  else if (isMap(input)) for (const [key, value] of input) yield* recursePaths([...path, key], value);
}

function* callPaths(
  filter: Extract<Filter, { kind: "call" }>,
  path: Path,
  input: Json,
  env: Environment,
): Generator<[Path, Json]> {
  const closure = env.functions.get(`${filter.name}/${filter.args.length}`);
  if (closure) {
    yield* paths(closure.body, path, input, enter(closure, filter, input, env));
    return;
  }
  const [a] = filter.args;
  switch (filter.name) {
    case "empty":
      return;
    case "select":
      for (const test of evaluate(a!, input, env)) if (truthy(test)) yield [path, input];
      return;
    case "recurse":
      if (!a) yield* recursePaths(path, input);
      else {
        yield [path, input];
        for (const [base, value] of paths(a, path, input, env)) yield* callPaths(filter, base, value, env);
      }
      return;
    case "first":
      if (!a) yield [[...path, 0], index(input, 0)];
      else
        for (const result of paths(a, path, input, env)) {
          yield result;
          return;
        }
      return;
    case "last":
      if (!a) yield [[...path, -1], index(input, -1)];
      else {
        const result = last(paths(a, path, input, env));
        if (result) yield result;
      }
      return;
    case "getpath":
      for (const each of evaluate(a!, input, env))
        yield [[...path, ...(each as Json[])], getPath(input, each as Json[])];
      return;
    case "error":
      for (const _value of evaluate(filter, input, env)) break;
      return;
  }
  for (const value of evaluate(filter, input, env))
    throw new JqError(`Invalid path expression with result ${shown(value)}`);
}

function getPath(value: Json, path: Path): Json {
  let at = value;
  for (const key of path) {
    if (at === null) return null;
    at = index(at, key);
  }
  return at;
}

function setPath(value: Json, path: Path, replacement: Json): Json {
  if (path.length === 0) return replacement;
  const [key, ...rest] = path;
  if (isMap(key!)) {
    const list = value === null ? [] : value;
    if (!Array.isArray(list)) return fail("A slice of an array can only be assigned another array");
    const from = (key.get("start") as number | null) ?? 0;
    const to = (key.get("end") as number | null) ?? list.length;
    const changed = setPath(slice(list, from, to), rest, replacement);
    if (!Array.isArray(changed)) return fail("A slice of an array can only be assigned another array");
    return [
      ...list.slice(0, from < 0 ? list.length + from : from),
      ...changed,
      ...list.slice(to < 0 ? list.length + to : to),
    ];
  }
  if (typeof key === "string") {
    if (value !== null && !isMap(value)) return fail(`Cannot index ${typeOf(value)} with "${key}"`);
    const copy: JsonMap = new Map(value ?? []);
    copy.set(key, setPath(copy.get(key) ?? null, rest, replacement));
    return copy;
  }
  if (typeof key === "number") {
    if (value !== null && !Array.isArray(value)) return fail(`Cannot index ${typeOf(value)} with number`);
    const copy = [...(value ?? [])];
    const at = key < 0 ? copy.length + key : key;
    if (at < 0) return fail("Out of bounds negative array index");
    while (copy.length < at) copy.push(null);
    copy[at] = setPath(copy[at] ?? null, rest, replacement);
    return copy;
  }
  return fail(`Invalid path component ${shown(key!)}`);
}

function deletePaths(value: Json, list: readonly Path[]): Json {
  let result = value;
  for (const path of [...list].sort(compareJson).reverse()) result = deletePath(result, path);
  return result;
}

function deletePath(value: Json, path: Path): Json {
  if (value === null || path.length === 0) return null;
  const [key, ...rest] = path;
  if (rest.length > 0) {
    const inner = index(value, key!);
    return inner === null ? value : setPath(value, [key!], deletePath(inner, rest));
  }
  if (isMap(value) && typeof key === "string") {
    const copy = new Map(value);
    copy.delete(key);
    return copy;
  }
  if (Array.isArray(value) && typeof key === "number")
    return value.filter((_item, at) => at !== (key < 0 ? value.length + key : key));
  if (Array.isArray(value) && isMap(key!)) {
    const gone = slice(value, key.get("start") ?? null, key.get("end") ?? null) as Json[];
    const from =
      value.length === 0
        ? 0
        : Math.max(
            0,
            ((key.get("start") as number | null) ?? 0) < 0
              ? value.length + (key.get("start") as number)
              : ((key.get("start") as number | null) ?? 0),
          );
    return [...value.slice(0, from), ...value.slice(from + gone.length)];
  }
  return fail(`Cannot delete field at ${typeof key === "string" ? "object" : "array"} index of ${typeOf(value)}`);
}

function bind(pattern: Pattern, value: Json, env: Environment): Environment {
  switch (pattern.kind) {
    case "variable":
      return { ...env, variables: new Map(env.variables).set(pattern.name, value) };
    case "array":
      return pattern.items.reduce((inner, item, at) => bind(item, index(value, at), inner), env);
    case "object":
      return pattern.entries.reduce((inner, { key, value: item }) => {
        const name = first(evaluate(key, value, inner)) ?? null;
        const named =
          key.kind === "variable" ? bind({ kind: "variable", name: key.name }, index(value, key.name), inner) : inner;
        return bind(item, index(value, key.kind === "variable" ? key.name : name), named);
      }, env);
  }
}

const define = (filter: Extract<Filter, { kind: "define" }>, env: Environment): Environment => {
  const functions = new Map(env.functions);
  const inner = { ...env, functions };
  functions.set(`${filter.name}/${filter.parameters.length}`, {
    parameters: filter.parameters,
    body: filter.body,
    environment: inner,
    isArgument: false,
  });
  return inner;
};

/** The environment in which a function's body runs. */
function enter(closure: Closure, call: Extract<Filter, { kind: "call" }>, input: Json, env: Environment): Environment {
  if (closure.isArgument) return closure.environment;
  const functions = new Map(closure.environment.functions);
  let variables = closure.environment.variables;
  closure.parameters.forEach((name, at) => {
    const plain = name.replace("$", "");
    functions.set(`${plain}/0`, { parameters: [], body: call.args[at]!, environment: env, isArgument: true });
    if (name.startsWith("$"))
      variables = new Map(variables).set(plain, first(evaluate(call.args[at]!, input, env)) ?? null);
  });
  return { ...closure.environment, functions, variables, labels: env.labels };
}

export function* evaluate(filter: Filter, input: Json, env: Environment): Generator<Json> {
  switch (filter.kind) {
    case "identity":
      yield input;
      return;
    case "literal":
      yield filter.value;
      return;
    case "recurse":
      for (const [, value] of recursePaths([], input)) yield value;
      return;
    case "field":
    case "slice":
    case "iterate":
      for (const target of evaluate(filter.target, input, env)) yield* evaluateAccess(filter, target, input, env);
      return;
    case "pipe":
      for (const value of evaluate(filter.left, input, env)) yield* evaluate(filter.right, value, env);
      return;
    case "comma":
      yield* evaluate(filter.left, input, env);
      yield* evaluate(filter.right, input, env);
      return;
    case "and":
    case "or":
      for (const left of evaluate(filter.left, input, env)) {
        if (truthy(left) === (filter.kind === "or")) yield filter.kind === "or";
        else for (const right of evaluate(filter.right, input, env)) yield truthy(right);
      }
      return;
    case "alternative": {
      let found = false;
      try {
        for (const value of evaluate(filter.left, input, env)) {
          if (!truthy(value)) continue;
          found = true;
          yield value;
        }
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
      }
      if (!found) yield* evaluate(filter.right, input, env);
      return;
    }
    case "binary":
      for (const right of evaluate(filter.right, input, env))
        for (const left of evaluate(filter.left, input, env)) yield binary(filter.operator, left, right);
      return;
    case "negate":
      for (const value of evaluate(filter.value, input, env))
        yield typeof value === "number" ? -value : fail(`${typeOf(value)} (${shown(value)}) cannot be negated`);
      return;
    case "update":
      yield* update(filter, input, env);
      return;
    case "array":
      yield filter.body ? [...evaluate(filter.body, input, env)] : [];
      return;
    case "object":
      yield* objects(filter.entries, 0, new Map(), input, env);
      return;
    case "string":
      yield* strings(filter, 0, "", input, env);
      return;
    case "format":
      yield format(filter.name, input);
      return;
    case "variable": {
      if (filter.name === "ENV") yield new Map(Object.entries(env.world.env));
      else if (filter.name === "__loc__")
        yield new Map<string, Json>([
          ["file", "<top-level>"],
          ["line", 1],
        ]);
      else if (env.variables.has(filter.name)) yield env.variables.get(filter.name)!;
      else throw new JqError(`$${filter.name} is not defined`);
      return;
    }
    case "bind":
      for (const value of evaluate(filter.source, input, env))
        yield* evaluate(filter.body, input, bind(filter.pattern, value, env));
      return;
    case "reduce":
      for (const start of evaluate(filter.start, input, env)) {
        let state: Json = start;
        for (const value of evaluate(filter.source, input, env))
          state = last(evaluate(filter.update, state, bind(filter.pattern, value, env))) ?? null;
        yield state;
      }
      return;
    case "foreach":
      for (const start of evaluate(filter.start, input, env)) {
        let state: Json = start;
        for (const value of evaluate(filter.source, input, env)) {
          const inner = bind(filter.pattern, value, env);
          for (const next of evaluate(filter.update, state, inner)) {
            state = next;
            if (filter.extract) yield* evaluate(filter.extract, state, inner);
            else yield state;
          }
        }
      }
      return;
    case "if":
      for (const test of evaluate(filter.test, input, env)) {
        if (truthy(test)) yield* evaluate(filter.yes, input, env);
        else if (filter.no) yield* evaluate(filter.no, input, env);
        else yield input;
      }
      return;
    case "try":
      try {
        yield* evaluate(filter.body, input, env);
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
        if (filter.handler) yield* evaluate(filter.handler, error.value, env);
      }
      return;
    case "define":
      yield* evaluate(filter.rest, input, define(filter, env));
      return;
    case "label": {
      const mark = {};
      try {
        yield* evaluate(filter.body, input, { ...env, labels: new Map(env.labels).set(filter.name, mark) });
      } catch (error) {
        if (!(error instanceof Break) || error.label !== mark) throw error;
      }
      return;
    }
    case "call": {
      const closure = env.functions.get(`${filter.name}/${filter.args.length}`);
      if (closure) yield* evaluate(closure.body, input, enter(closure, filter, input, env));
      else yield* builtin(filter.name, filter.args, input, env);
      return;
    }
  }
}

function* evaluateAccess(
  filter: Extract<Filter, { kind: "field" | "slice" | "iterate" }>,
  target: Json,
  input: Json,
  env: Environment,
): Generator<Json> {
  if (filter.kind === "field") for (const key of evaluate(filter.name, input, env)) yield index(target, key);
  else if (filter.kind === "slice") {
    for (const to of filter.to ? evaluate(filter.to, input, env) : [null])
      for (const from of filter.from ? evaluate(filter.from, input, env) : [null]) yield slice(target, from, to);
  } else if (Array.isArray(target)) yield* target;
  else if (isMap(target)) yield* target.values();
  else fail(`Cannot iterate over ${typeOf(target)}${target === null ? "" : ` (${shown(target)})`}`);
}

function* objects(
  entries: readonly { readonly key: Filter; readonly value: Filter }[],
  at: number,
  built: JsonMap,
  input: Json,
  env: Environment,
): Generator<Json> {
  if (at === entries.length) {
    yield new Map(built);
    return;
  }
  for (const key of evaluate(entries[at]!.key, input, env)) {
    if (typeof key !== "string") fail(`Object keys must be strings`);
    for (const value of evaluate(entries[at]!.value, input, env))
      yield* objects(entries, at + 1, new Map(built).set(key as string, value), input, env);
  }
}

function* strings(
  filter: Extract<Filter, { kind: "string" }>,
  at: number,
  built: string,
  input: Json,
  env: Environment,
): Generator<Json> {
  if (at === filter.parts.length) {
    yield built;
    return;
  }
  const part = filter.parts[at]!;
  if (typeof part === "string") yield* strings(filter, at + 1, built + part, input, env);
  else
    for (const value of evaluate(part, input, env))
      yield* strings(
        filter,
        at + 1,
        built + (filter.format ? (format(filter.format, value) as string) : text(value)),
        input,
        env,
      );
}

const text = (value: Json): string => (typeof value === "string" ? value : toJson(value));

function format(name: string, value: Json): Json {
  switch (name) {
    case "text":
      return text(value);
    case "json":
      return toJson(value);
    case "base64":
      return toBase64(encodeUtf8(text(value)));
    case "base64d":
      return decodeUtf8(fromBase64(text(value).replace(/=+$/, "")).bytes as never);
    case "uri":
      return encodeUtf8(text(value)).replace(
        /[^A-Za-z0-9\-_.~]/g,
        (ch) => `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
      );
    case "html":
      return text(value).replace(
        /[<>&'"]/g,
        (ch) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&#39;", '"': "&quot;" })[ch]!,
      );
    case "csv":
    case "tsv": {
      if (!Array.isArray(value))
        return fail(`${typeOf(value)} (${shown(value)}) cannot be ${name}-formatted, only an array can be`);
      return value
        .map((item) => {
          if (item === null) return "";
          if (typeof item === "boolean" || typeof item === "number") return toJson(item);
          if (typeof item !== "string") return fail(`${typeOf(item)} (${shown(item)}) is not valid in a ${name} row`);
          return name === "csv"
            ? `"${item.replaceAll('"', '""')}"`
            : item.replace(/[\\\t\n\r]/g, (ch) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" })[ch]!);
        })
        .join(name === "csv" ? "," : "\t");
    }
    case "sh":
      return (Array.isArray(value) ? value : [value])
        .map((item) => (typeof item === "string" ? `'${item.replaceAll("'", "'\\''")}'` : toJson(item)))
        .join(" ");
    default:
      return fail(`${name} is not a valid format`);
  }
}

function binary(operator: string, a: Json, b: Json): Json {
  switch (operator) {
    case "==":
      return compareJson(a, b) === 0;
    case "!=":
      return compareJson(a, b) !== 0;
    case "<":
      return compareJson(a, b) < 0;
    case "<=":
      return compareJson(a, b) <= 0;
    case ">":
      return compareJson(a, b) > 0;
    case ">=":
      return compareJson(a, b) >= 0;
    case "+":
      if (a === null) return b;
      if (b === null) return a;
      if (typeof a === "number" && typeof b === "number") return a + b;
      if (typeof a === "string" && typeof b === "string") return a + b;
      if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
      if (isMap(a) && isMap(b)) return new Map([...a, ...b]);
      return fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be added`);
    case "-":
      if (typeof a === "number" && typeof b === "number") return a - b;
      if (Array.isArray(a) && Array.isArray(b))
        return a.filter((item) => !b.some((other) => compareJson(item, other) === 0));
      return fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be subtracted`);
    case "*":
      if (typeof a === "number" && typeof b === "number") return a * b;
      if (typeof a === "string" && typeof b === "number") return b <= 0 ? null : a.repeat(Math.max(1, Math.floor(b)));
      if (isMap(a) && isMap(b)) return merge(a, b);
      return fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be multiplied`);
    case "/":
      if (typeof a === "number" && typeof b === "number")
        return b === 0
          ? fail(
              `${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be divided because the divisor is zero`,
            )
          : a / b;
      if (typeof a === "string" && typeof b === "string") return a === "" ? [] : a.split(b);
      return fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be divided`);
    default:
      if (typeof a === "number" && typeof b === "number")
        return Math.trunc(b) === 0
          ? fail(
              `${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be divided because the divisor is zero`,
            )
          : Math.trunc(a) % Math.trunc(Math.abs(b));
      return fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot be divided`);
  }
}

function merge(a: JsonMap, b: JsonMap): JsonMap {
  const out: JsonMap = new Map(a);
  for (const [key, value] of b) {
    const old = out.get(key);
    out.set(key, old !== undefined && isMap(old) && isMap(value) ? merge(old, value) : value);
  }
  return out;
}

function* update(filter: Extract<Filter, { kind: "update" }>, input: Json, env: Environment): Generator<Json> {
  if (filter.operator === "|=") {
    let result = input;
    const gone: Path[] = [];
    for (const [path] of [...paths(filter.left, [], input, env)]) {
      const next = first(evaluate(filter.right, getPath(result, path), env));
      if (next === undefined) gone.push(path);
      else result = setPath(result, path, next);
    }
    yield deletePaths(result, gone);
    return;
  }
  for (const value of evaluate(filter.right, input, env)) {
    let result = input;
    for (const [path] of [...paths(filter.left, [], input, env)]) {
      const old = getPath(result, path);
      const next =
        filter.operator === "="
          ? value
          : filter.operator === "//="
            ? truthy(old)
              ? old
              : value
            : binary(filter.operator[0]!, old, value);
      result = setPath(result, path, next);
    }
    yield result;
  }
}

/** Builtins that jq writes in jq itself. */
export const PRELUDE = `
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def recurse(f): def r: ., (f | r); r;
def recurse(f; c): def r: ., (f | select(c) | r); r;
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}];
def from_entries: reduce .[] as $x ({}; . + { ($x | if type == "object" then (if has("key") then .key elif has("k") then .k elif has("name") then .name elif has("Name") then .Name elif has("Key") then .Key else .K end) else . end | if type == "string" then . elif . == null then "null" else tojson end): ($x | if has("value") then .value elif has("v") then .v else .Value end) });
def with_entries(f): to_entries | map(f) | from_entries;
def del(f): delpaths([path(f)]);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def nulls: select(. == null);
def values: select(. != null);
def scalars: select(type != "array" and type != "object");
def add: reduce .[] as $x (null; . + $x);
def add(f): reduce f as $x (null; . + $x);
def any: reduce .[] as $x (false; . or $x);
def all: reduce .[] as $x (true; . and $x);
def any(f): reduce (.[] | f) as $x (false; . or $x);
def all(f): reduce (.[] | f) as $x (true; . and $x);
def any(g; f): reduce (g | f) as $x (false; . or $x);
def all(g; f): reduce (g | f) as $x (true; . and $x);
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def nth($n): .[$n];
def nth($n; f): last(limit($n + 1; f));
def until(c; u): def _u: if c then . else (u | _u) end; _u;
def while(c; u): def _w: if c then ., (u | _w) else empty end; _w;
def repeat(f): def _r: ., (f | _r); _r;
def isvalid(f): try (f | true) catch false;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def todateiso8601: todate;
def finites: select(isinfinite or isnan | not);
def normals: select(isnormal);
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def env: $ENV;
def ascii: [.] | implode;
def group_by(f): _group(map([f]));
def unique_by(f): [_group(map([f]))[] | .[0]];
def min_by(f): _min(map([f]));
def max_by(f): _max(map([f]));
def sort_by(f): _sort(map([f]));
def pick(pathexps): . as $top | reduce path(pathexps) as $p (null; setpath($p; $top | getpath($p)));
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p+$q]);
def ascii(f): f;
def debug: .;
def input_line_number: 0;
def splits($re): splits($re; null);
def splits($re; flags): split($re; flags) | .[];
def capture(re): capture(re; null);
def test(re): test(re; null);
def match(re): match(re; null);
def scan(re): scan(re; null);
def sub(re; str): sub(re; str; "");
def gsub(re; str): sub(re; str; "g");
def gsub(re; str; $flags): sub(re; str; $flags + "g");
def abs: if type == "number" and . < 0 then -. else . end;
def toarray: if type == "array" then . else [.] end;
def have_literal_numbers: true;
def halt_error: halt_error(5);
`;

function sortBy(list: readonly Json[], keys: readonly Json[]): number[] {
  return list.map((_item, at) => at).sort((x, y) => compareJson(keys[x]!, keys[y]!) || x - y);
}

const array = (value: Json, what: string): Json[] =>
  Array.isArray(value) ? value : fail(`${typeOf(value)} (${shown(value)}) ${what}`);
const string = (value: Json, what: string): string =>
  typeof value === "string" ? value : fail(`${typeOf(value)} (${shown(value)}) ${what}`);
const number = (value: Json, what: string): number =>
  typeof value === "number" ? value : fail(`${typeOf(value)} (${shown(value)}) ${what}`);

const math: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => Math.sign(x) * Math.round(Math.abs(x)),
  sqrt: Math.sqrt,
  fabs: Math.abs,
  trunc: Math.trunc,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  exp2: (x) => 2 ** x,
  exp10: (x) => 10 ** x,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cbrt: Math.cbrt,
};

export class Halt {
  constructor(
    readonly status: number,
    readonly value: Json | undefined,
  ) {}
}

function* builtin(name: string, args: readonly Filter[], input: Json, env: Environment): Generator<Json> {
  const [a, b, c] = args;
  const each = (filter: Filter): Generator<Json> => evaluate(filter, input, env);
  switch (`${name}/${args.length}`) {
    case "empty/0":
      return;
    case "not/0":
      yield !truthy(input);
      return;
    case "error/0":
      throw new JqError(input);
    case "error/1":
      for (const value of each(a!)) throw new JqError(value);
      return;
    case "break/1": {
      const mark = env.labels.get((a as { value: string }).value);
      if (!mark) fail(`$*label-${(a as { value: string }).value} is not defined`);
      throw new Break(mark!);
    }
    case "halt/0":
      throw new Halt(0, undefined);
    case "halt_error/1":
      for (const value of each(a!)) throw new Halt(number(value, "halt_error/1: number required"), input);
      return;
    case "input/0": {
      const next = env.world.nextInput();
      if (next === undefined) fail("No more inputs");
      yield next!;
      return;
    }
    case "inputs/0":
      for (let next = env.world.nextInput(); next !== undefined; next = env.world.nextInput()) yield next;
      return;
    case "select/1":
      for (const test of each(a!)) if (truthy(test)) yield input;
      return;
    case "recurse/0":
      for (const [, value] of recursePaths([], input)) yield value;
      return;
    case "path/1":
      for (const [path] of paths(a!, [], input, env)) yield path;
      return;
    case "getpath/1":
      for (const path of each(a!)) yield getPath(input, array(path, "Path must be specified as an array"));
      return;
    case "setpath/2":
      for (const path of each(a!))
        for (const value of each(b!)) yield setPath(input, array(path, "Path must be specified as an array"), value);
      return;
    case "delpaths/1":
      for (const list of each(a!)) yield deletePaths(input, list as Json[][]);
      return;
    case "first/0":
      yield index(input, 0);
      return;
    case "last/0":
      yield index(input, -1);
      return;
    case "first/1":
      for (const value of each(a!)) {
        yield value;
        return;
      }
      return;
    case "last/1": {
      const value = last(each(a!));
      if (value !== undefined) yield value;
      return;
    }
    case "limit/2":
      for (const count of each(a!)) {
        let left = number(count, "limit count must be a number");
        if (left <= 0) continue;
        for (const value of each(b!)) {
          yield value;
          if (--left === 0) break;
        }
      }
      return;
    case "skip/2":
      for (const count of each(a!)) {
        let left = number(count, "skip count must be a number");
        for (const value of each(b!)) if (left-- <= 0) yield value;
      }
      return;
    case "isempty/1":
      for (const _value of each(a!)) {
        yield false;
        return;
      }
      yield true;
      return;
    case "range/1":
      for (const end of each(a!)) for (let i = 0; i < number(end, "Range bounds must be numeric"); i++) yield i;
      return;
    case "range/2":
      for (const start of each(a!))
        for (const end of each(b!))
          for (
            let i = number(start, "Range bounds must be numeric");
            i < number(end, "Range bounds must be numeric");
            i++
          )
            yield i;
      return;
    case "range/3":
      for (const start of each(a!))
        for (const end of each(b!))
          for (const step of each(c!)) {
            const by = number(step, "Range bounds must be numeric");
            if (by === 0) continue;
            for (let i = start as number; by > 0 ? i < (end as number) : i > (end as number); i += by) yield i;
          }
      return;
    case "sub/3":
      for (const flags of each(c!))
        for (const pattern of each(a!))
          yield* substitute(
            string(input, "cannot be matched, as it is not a string"),
            text(pattern),
            text(flags),
            b!,
            env,
          );
      return;
  }
  if (args.length === 0) {
    yield simple(name, input, env);
    return;
  }
  if (args.length === 1) {
    for (const value of each(a!)) yield* one(name, input, value);
    return;
  }
  for (const second of each(b!)) for (const value of each(a!)) yield* two(name, input, value, second);
}

/** Builtins without arguments. */
function simple(name: string, input: Json, env: Environment): Json {
  if (math[name]) return math[name]!(number(input, "number required"));
  switch (name) {
    case "length":
      if (input === null) return 0;
      if (typeof input === "boolean") return fail(`boolean (${input}) has no length`);
      if (typeof input === "number") return Math.abs(input);
      return typeof input === "string" ? [...input].length : isMap(input) ? input.size : input.length;
    case "utf8bytelength":
      return encodeUtf8(string(input, "only strings have UTF-8 byte length")).length;
    case "keys":
    case "keys_unsorted":
      if (Array.isArray(input)) return input.map((_item, at) => at);
      if (isMap(input)) return name === "keys" ? [...input.keys()].sort(byCodePoint) : [...input.keys()];
      return fail(`${typeOf(input)} (${shown(input)}) has no keys`);
    case "type":
      return typeOf(input);
    case "tostring":
      return text(input);
    case "tonumber":
      if (typeof input === "number") return input;
      if (typeof input === "string" && input.trim() !== "" && !Number.isNaN(Number(input))) return Number(input);
      return fail(
        typeof input === "string"
          ? `Invalid numeric literal at EOF at line 1, column ${input.length} (while parsing '${input}')`
          : `${typeOf(input)} (${shown(input)}) cannot be parsed as a number`,
      );
    case "tojson":
      return toJson(input);
    case "fromjson":
      try {
        return new JsonReader(string(input, "only strings can be parsed")).next()?.value ?? null;
      } catch (error) {
        if (!(error instanceof JsonSyntaxError)) throw error;
        return fail(`${error.message} at line ${error.line}, column ${error.column} (while parsing '${text(input)}')`);
      }
    case "sort": {
      const list = array(input, "cannot be sorted, as it is not an array");
      return sortBy(list, list).map((at) => list[at]!);
    }
    case "unique": {
      const list = array(input, "cannot be sorted, as it is not an array");
      const order = sortBy(list, list).map((at) => list[at]!);
      return order.filter((item, at) => at === 0 || compareJson(order[at - 1]!, item) !== 0);
    }
    case "min":
    case "max": {
      const list = array(input, "Cannot iterate over");
      return list.reduce<Json>(
        (best, item, at) =>
          at === 0 || (name === "min" ? compareJson(item, best) < 0 : compareJson(item, best) >= 0) ? item : best,
        null,
      );
    }
    case "reverse":
      if (typeof input === "string") return [...input].reverse().join("");
      return input === null ? [] : [...array(input, "Cannot reverse")].reverse();
    case "flatten":
      return flatten(array(input, "Cannot iterate over"), Number.POSITIVE_INFINITY);
    case "ascii_downcase":
      return string(input, "ascii_downcase input must be a string").replace(/[A-Z]/g, (ch) => ch.toLowerCase());
    case "ascii_upcase":
      return string(input, "ascii_upcase input must be a string").replace(/[a-z]/g, (ch) => ch.toUpperCase());
    case "trim":
      return string(input, "trim input must be a string").trim();
    case "ltrim":
      return string(input, "trim input must be a string").trimStart();
    case "rtrim":
      return string(input, "trim input must be a string").trimEnd();
    case "explode":
      return [...string(input, "cannot be exploded")].map((ch) => ch.codePointAt(0)!);
    case "implode":
      return array(input, "cannot be imploded")
        .map((code) => String.fromCodePoint(code as number))
        .join("");
    case "now":
      return env.world.now() / 1000;
    case "transpose": {
      const rows = array(input, "cannot be transposed") as Json[][];
      const width = Math.max(0, ...rows.map((row) => row.length));
      return Array.from({ length: width }, (_cell, at) => rows.map((row) => row[at] ?? null));
    }
    case "infinite":
      return Number.POSITIVE_INFINITY;
    case "nan":
      return Number.NaN;
    case "isinfinite":
      return typeof input === "number" && !Number.isFinite(input) && !Number.isNaN(input);
    case "isnan":
      return typeof input === "number" && Number.isNaN(input);
    case "isnormal":
      return typeof input === "number" && Number.isFinite(input) && input !== 0;
    case "fromdateiso8601": {
      const at = parseRfc3339(text(input));
      return at === undefined
        ? fail(`date "${text(input)}" does not match format "%Y-%m-%dT%H:%M:%SZ"`)
        : Math.floor(at / 1000);
    }
    case "mktime": {
      const [year, month, day, hour, minute, second] = array(input, "mktime requires array of 6 numbers") as number[];
      return Math.floor(instantOf(year!, month! + 1, day!, hour, minute, Math.floor(second ?? 0)) / 1000);
    }
    case "gmtime": {
      const t = civilTime(number(input, "gmtime() requires a number") * 1000);
      return [t.year, t.month - 1, t.day, t.hour, t.minute, t.second, t.weekday, 0];
    }
    case "input_filename":
      return null;
    case "builtins":
      return [];
    case "rfc3339":
      return rfc3339(number(input, "number required") * 1000);
    case "getpath":
      return null;
  }
  return fail(`${name}/0 is not defined`);
}

function flatten(list: readonly Json[], depth: number): Json[] {
  return list.flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1) : [item]));
}

function contains(a: Json, b: Json): boolean {
  if (isMap(a) && isMap(b)) return [...b].every(([key, value]) => a.has(key) && contains(a.get(key)!, value));
  if (Array.isArray(a) && Array.isArray(b)) return b.every((item) => a.some((other) => contains(other, item)));
  if (typeof a === "string" && typeof b === "string") return a.includes(b);
  if (typeOf(a) !== typeOf(b))
    fail(`${typeOf(a)} (${shown(a)}) and ${typeOf(b)} (${shown(b)}) cannot have their containment checked`);
  return compareJson(a, b) === 0;
}

/** Builtins with one argument, evaluated. */
function* one(name: string, input: Json, value: Json): Generator<Json> {
  switch (name) {
    case "has":
      if (isMap(input) && typeof value === "string") yield input.has(value);
      else if (Array.isArray(input) && typeof value === "number") yield value >= 0 && value < input.length;
      else
        fail(`Cannot check whether ${typeOf(input)} has a ${typeof value === "string" ? "string" : typeOf(value)} key`);
      return;
    case "contains":
      yield contains(input, value);
      return;
    case "startswith":
      yield string(input, "startswith() requires string inputs").startsWith(
        string(value, "startswith() requires string inputs"),
      );
      return;
    case "endswith":
      yield string(input, "endswith() requires string inputs").endsWith(
        string(value, "endswith() requires string inputs"),
      );
      return;
    case "ltrimstr":
      yield typeof input === "string" && typeof value === "string" && input.startsWith(value)
        ? input.slice(value.length)
        : input;
      return;
    case "rtrimstr":
      yield typeof input === "string" && typeof value === "string" && value !== "" && input.endsWith(value)
        ? input.slice(0, -value.length)
        : input;
      return;
    case "split":
      yield string(input, "split input and separator must be strings") === ""
        ? []
        : (input as string).split(string(value, "split input and separator must be strings"));
      return;
    case "join":
      yield array(input, "cannot be joined")
        .map((item) =>
          item === null
            ? ""
            : typeof item === "string"
              ? item
              : typeof item === "number" || typeof item === "boolean"
                ? toJson(item)
                : fail(`Cannot join with ${typeOf(item)}`),
        )
        .join(string(value, "cannot be a separator"));
      return;
    case "flatten":
      yield flatten(array(input, "Cannot iterate over"), number(value, "flatten depth must not be negative"));
      return;
    case "index":
    case "rindex":
    case "indices": {
      const found = positions(input, value);
      yield name === "indices" ? found : ((name === "index" ? found[0] : found.at(-1)) ?? null);
      return;
    }
    case "tojson":
      yield toJson(input);
      return;
    case "strftime": {
      const seconds = Array.isArray(input)
        ? (simple("mktime", input, undefined as never) as number)
        : number(input, "strftime/1 requires parsed datetime inputs");
      yield strftime(string(value, "strftime/1 requires a string format"), seconds * 1000);
      return;
    }
    case "strptime": {
      const at = parseRfc3339(text(input));
      if (at === undefined) fail(`date "${text(input)}" does not match format "${text(value)}"`);
      yield simple("gmtime", at! / 1000, undefined as never);
      return;
    }
    case "splits":
      return;
    case "_group": {
      const list = array(input, "cannot be grouped, as it is not an array");
      const keys = value as Json[];
      const groups: { key: Json; items: Json[] }[] = [];
      for (const at of sortBy(list, keys)) {
        const lastGroup = groups.at(-1);
        if (lastGroup && compareJson(lastGroup.key, keys[at]!) === 0) lastGroup.items.push(list[at]!);
        else groups.push({ key: keys[at]!, items: [list[at]!] });
      }
      yield groups.map(({ items }) => items);
      return;
    }
    case "_sort": {
      const list = array(input, "cannot be sorted, as it is not an array");
      yield sortBy(list, value as Json[]).map((at) => list[at]!);
      return;
    }
    case "_min":
    case "_max": {
      const list = array(input, "Cannot iterate over");
      const keys = value as Json[];
      let best = -1;
      for (let at = 0; at < list.length; at++)
        if (
          best < 0 ||
          (name === "_min" ? compareJson(keys[at]!, keys[best]!) < 0 : compareJson(keys[at]!, keys[best]!) >= 0)
        )
          best = at;
      yield best < 0 ? null : list[best]!;
      return;
    }
    case "ascii":
    case "debug":
    case "stderr":
      yield input;
      return;
    case "getpath":
      yield getPath(input, value as Json[]);
      return;
    case "error":
      throw new JqError(value);
    case "tostream":
      return;
    case "significand":
      yield input;
      return;
    case "trimstr":
      yield typeof input === "string" && typeof value === "string"
        ? input.replace(new RegExp(`^(?:${value})|(?:${value})$`, "g"), "")
        : input;
      return;
  }
  fail(`${name}/1 is not defined`);
}

function positions(input: Json, value: Json): number[] {
  if (input === null) return [];
  if (typeof input === "string" && typeof value === "string") {
    const found: number[] = [];
    for (let at = input.indexOf(value); at >= 0 && value !== ""; at = input.indexOf(value, at + 1))
      found.push([...input.slice(0, at)].length);
    return found;
  }
  const list = array(input, "Cannot determine indices");
  if (Array.isArray(value)) return index(list, value) as number[];
  return list.flatMap((item, at) => (compareJson(item, value) === 0 ? [at] : []));
}

/** Builtins with two arguments: mostly the regular expressions. */
function* two(name: string, input: Json, first_: Json, second: Json): Generator<Json> {
  switch (name) {
    case "split":
    case "test":
    case "match":
    case "capture":
    case "scan":
      break;
    case "pow":
      yield (first_ as number) ** (second as number);
      return;
    case "atan2":
      yield Math.atan2(first_ as number, second as number);
      return;
    case "ltrimstr":
      return;
    default:
      fail(`${name}/2 is not defined`);
  }
  const subject = string(input, `cannot be matched, as it is not a string`);
  let pattern = first_;
  let flags = second ?? "";
  if (Array.isArray(pattern)) {
    flags = pattern[1] ?? "";
    pattern = pattern[0]!;
  }
  const letters = flags === null ? "" : (flags as string);
  let regexp: RegExp;
  try {
    regexp = new RegExp(
      string(pattern, "cannot be matched, as it is not a string"),
      `gu${letters.includes("i") ? "i" : ""}${letters.includes("s") ? "s" : ""}`,
    );
  } catch {
    return void fail(`${text(pattern)} (at offset 0) is not a valid regex`);
  }
  const matches = [...subject.matchAll(regexp)];
  switch (name) {
    case "test":
      yield matches.length > 0;
      return;
    case "split": {
      const parts: Json[] = [];
      let at = 0;
      for (const match of matches) {
        parts.push(subject.slice(at, match.index));
        at = match.index + match[0].length;
      }
      yield [...parts, subject.slice(at)];
      return;
    }
    case "scan":
      for (const match of matches) yield match.length > 1 ? match.slice(1).map((group) => group ?? null) : match[0];
      return;
    case "capture":
      for (const match of letters.includes("g") ? matches : matches.slice(0, 1))
        yield new Map<string, Json>(Object.entries(match.groups ?? {}).map(([key, value]) => [key, value ?? null]));
      return;
    case "match":
      for (const match of letters.includes("g") ? matches : matches.slice(0, 1)) {
        const names = Object.keys(match.groups ?? {});
        yield new Map<string, Json>([
          ["offset", [...subject.slice(0, match.index ?? 0)].length],
          ["length", [...match[0]].length],
          ["string", match[0]],
          [
            "captures",
            match.slice(1).map(
              (group, at) =>
                new Map<string, Json>([
                  [
                    "offset",
                    group === undefined
                      ? -1
                      : [...subject.slice(0, (match.index ?? 0) + match[0].indexOf(group))].length,
                  ],
                  ["length", group === undefined ? 0 : [...group].length],
                  ["string", group ?? null],
                  ["name", names[at] ?? null],
                ]),
            ),
          ],
        ]);
      }
      return;
  }
}

/** sub and gsub: the replacement is a filter that sees the named captures of each match. */
function* substitute(
  subject: string,
  pattern: string,
  flags: string,
  filter: Filter,
  env: Environment,
): Generator<Json> {
  const regexp = new RegExp(pattern, `gu${flags.includes("i") ? "i" : ""}`);
  const matches = [...subject.matchAll(regexp)];
  let out = "";
  let at = 0;
  for (const match of flags.includes("g") ? matches : matches.slice(0, 1)) {
    const groups = new Map<string, Json>(
      Object.entries(match.groups ?? {}).map(([key, value]) => [key, value ?? null]),
    );
    out += subject.slice(at, match.index) + text(first(evaluate(filter, groups, env)) ?? "");
    at = match.index + match[0].length;
  }
  yield out + subject.slice(at);
}
