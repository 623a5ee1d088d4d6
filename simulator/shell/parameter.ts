/** Parameter expansion: `$x`, `${x:-y}`, `${x#p}`, `${x/p/r}`, `${!x}`, `${#x}`, arrays and the special parameters. */
import type { ParameterExpansionPart, ParameterOperation, SimpleExpansionPart, Word } from "unbash";
import { limits } from "../base/limits";
import type { Task } from "../base/task";
import { ExpansionError } from "./control";
import { patternRegExp, patternSource } from "./pattern";
import { doubleQuote, singleQuote } from "./quoting";
import type { Shell } from "./state";
import { elementsOf, isName, keysOf, scalarOf } from "./variables";

/** How results reach the word being built, and how operands are expanded. */
export interface ParameterHost {
  readonly ifs: string;
  pattern(word: Word): Task<string>;
  string(word: Word): Task<string>;
  arithmetic(text: string): Task<bigint>;
  /** Puts an operand word in place of the parameter. */
  operand(word: Word): Task<void>;
  scalar(value: string): void;
  list(values: readonly string[], joined: boolean): void;
}

/** What a parameter is before its operation: one value, or a list (`@` or `*`). */
type Parameter =
  | { readonly kind: "one"; readonly value: string | undefined }
  | { readonly kind: "list"; readonly values: readonly string[]; readonly star: boolean; readonly positional: boolean };

export function* expandParameter(
  shell: Shell,
  part: SimpleExpansionPart | ParameterExpansionPart,
  inQuotes: boolean,
  host: ParameterHost,
): Task<void> {
  if (part.type === "SimpleExpansion") {
    const name = part.text.slice(1);
    const parameter = readParameter(shell, name, undefined);
    if (parameter.kind === "one" && parameter.value === undefined) unbound(shell, name);
    emit(parameter, host);
    return;
  }
  let name = part.parameter;
  let index = part.index === undefined ? undefined : yield* indexText(shell, part.index, name, host);
  const operation = part.operation;
  if (operation?.type === "Unknown" || (operation === undefined && !isParameterName(name)))
    throw new ExpansionError(`${part.text}: bad substitution`, 1, true);
  if (part.prefix === "#") {
    const parameter = readParameter(shell, name, index);
    if (parameter.kind === "list") host.scalar(String(parameter.values.length));
    else {
      if (parameter.value === undefined) unbound(shell, name);
      host.scalar(String([...(parameter.value ?? "")].length));
    }
    return;
  }
  if (part.prefix === "!") {
    if (operation?.type === "Names") {
      const names = [...shell.variables.keys()].filter((candidate) => candidate.startsWith(name)).sort();
      host.list(names, operation.operator === "*");
      return;
    }
    if (index === "@" || index === "*") {
      host.list(
        shell.specialArray(name)?.map((_value, at) => String(at)) ?? keysOf(shell.variable(name)),
        index === "*",
      );
      return;
    }
    const direct = shell.variables.get(name);
    const target = direct?.reference ? direct.value : valueText(readParameter(shell, name, index));
    if (direct?.reference) {
      host.scalar(target ?? "");
      return;
    }
    if (target === undefined) throw new ExpansionError(`${name}: invalid indirect expansion`, 1, true);
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(target);
    if (!indexed && !isParameterName(target)) throw new ExpansionError(`${target}: invalid variable name`, 1, true);
    name = indexed ? indexed[1]! : target;
    index = indexed ? indexed[2] : undefined;
  }
  const parameter = readParameter(shell, name, index);
  if (!operation) {
    if (parameter.kind === "one" && parameter.value === undefined)
      unbound(shell, index === undefined ? name : `${name}[${index}]`);
    emit(parameter, host);
    return;
  }
  yield* applyOperation(shell, { name, index, parameter, operation, inQuotes, host });
}

const isParameterName = (name: string): boolean => isName(name) || /^(\d+|[@*#?$!_-])$/.test(name);

function* indexText(shell: Shell, word: Word, name: string, host: ParameterHost): Task<string> {
  if (word.text === "@" || word.text === "*") return word.text;
  const text = yield* host.string(word);
  if (shell.variable(name)?.map) return text;
  return text;
}

const valueText = (parameter: Parameter): string | undefined =>
  parameter.kind === "one" ? parameter.value : parameter.values.length > 0 ? parameter.values.join(" ") : undefined;

function emit(parameter: Parameter, host: ParameterHost): void {
  if (parameter.kind === "list") host.list(parameter.values, parameter.star);
  else host.scalar(parameter.value ?? "");
}

function unbound(shell: Shell, name: string): void {
  if (!shell.options.has("nounset")) return;
  throw new ExpansionError(
    shell.flavour === "bash"
      ? `${/^\d/.test(name) ? `$${name}` : name}: unbound variable`
      : `${name}: parameter not set`,
    shell.flavour === "bash" ? (shell.interactive ? 1 : 127) : 2,
    true,
    true,
  );
}

function readParameter(shell: Shell, name: string, index: string | undefined): Parameter {
  if (index === "@" || index === "*") {
    const values = shell.specialArray(name) ?? elementsOf(shell.variable(name));
    return { kind: "list", values, star: index === "*", positional: false };
  }
  if (index !== undefined) return { kind: "one", value: shell.element(name, index) };
  if (/^\d+$/.test(name)) return { kind: "one", value: name === "0" ? shell.name : shell.positional[Number(name) - 1] };
  switch (name) {
    case "@":
    case "*":
      return { kind: "list", values: shell.positional, star: name === "*", positional: true };
    case "#":
      return { kind: "one", value: String(shell.positional.length) };
    case "?":
      return { kind: "one", value: String(shell.status) };
    case "$":
      return { kind: "one", value: String(shell.mainPid) };
    case "!":
      return { kind: "one", value: shell.lastBackground === undefined ? "" : String(shell.lastBackground) };
    case "-":
      return { kind: "one", value: shell.optionFlags };
    case "_":
      return { kind: "one", value: shell.lastArgument };
  }
  const special = shell.specialArray(name);
  if (special) return { kind: "one", value: special[0] };
  return { kind: "one", value: shell.get(name) };
}

interface Application {
  readonly name: string;
  readonly index: string | undefined;
  readonly parameter: Parameter;
  readonly operation: ParameterOperation;
  readonly inQuotes: boolean;
  readonly host: ParameterHost;
}

function* applyOperation(shell: Shell, application: Application): Task<void> {
  const { name, parameter, operation, host } = application;
  switch (operation.type) {
    case "Default":
      yield* applyDefault(shell, application);
      return;
    case "Slice":
      yield* applySlice(shell, application);
      return;
    case "Names":
      emit(parameter, host);
      return;
    case "Unknown":
      throw new ExpansionError(`${name}: bad substitution`, 1, true);
    case "Transform": {
      const letter = operation.operand.text;
      if (letter === "A" || letter === "a" || letter === "K" || letter === "k") {
        applyAttributes(shell, application, letter);
        return;
      }
      mapped(shell, application, (value) => transform(value, letter));
      return;
    }
    case "Remove": {
      const pattern = yield* host.pattern(operation.operand);
      const remove = remover(operation.operator, pattern);
      mapped(shell, application, remove);
      return;
    }
    case "Replace": {
      const pattern = yield* host.pattern(operation.pattern);
      const replacement = yield* host.string(operation.replacement);
      mapped(shell, application, replacer(shell, operation.operator, pattern, replacement));
      return;
    }
    case "CaseModification": {
      const pattern = operation.operand ? yield* host.pattern(operation.operand) : "?";
      const regexp = patternRegExp(pattern || "?");
      const change = (ch: string): string => (operation.operator.startsWith("^") ? ch.toUpperCase() : ch.toLowerCase());
      mapped(shell, application, (value) => {
        const chars = [...value];
        const count = operation.operator.length === 1 ? Math.min(1, chars.length) : chars.length;
        for (let i = 0; i < count; i++) if (regexp.test(chars[i]!)) chars[i] = change(chars[i]!);
        return chars.join("");
      });
      return;
    }
  }
}

function mapped(shell: Shell, { parameter, host, name }: Application, change: (value: string) => string): void {
  if (parameter.kind === "list") host.list(parameter.values.map(change), parameter.star);
  else {
    if (parameter.value === undefined) unbound(shell, name);
    host.scalar(change(parameter.value ?? ""));
  }
}

function* applyDefault(shell: Shell, { name, index, parameter, operation, host }: Application): Task<void> {
  if (operation.type !== "Default") return;
  const colon = operation.operator.startsWith(":");
  const isSet = parameter.kind === "list" ? parameter.values.length > 0 : parameter.value !== undefined;
  const isEmpty =
    parameter.kind === "list"
      ? parameter.values.join("") === "" && parameter.values.length <= 1
      : (parameter.value ?? "") === "";
  const usable = isSet && !(colon && isEmpty);
  switch (operation.operator.replace(":", "")) {
    case "-":
      if (usable) emit(parameter, host);
      else yield* host.operand(operation.operand);
      return;
    case "+":
      if (usable) yield* host.operand(operation.operand);
      return;
    case "=": {
      if (usable) {
        emit(parameter, host);
        return;
      }
      if (!isName(name)) throw new ExpansionError(`$${name}: cannot assign in this way`, 1, true);
      const value = yield* host.string(operation.operand);
      if (index !== undefined) shell.setElement(name, index, value);
      else shell.set(name, value);
      host.scalar(value);
      return;
    }
    default: {
      if (usable) {
        emit(parameter, host);
        return;
      }
      const text = yield* host.string(operation.operand);
      const words = text || (colon ? "parameter null or not set" : "parameter not set");
      throw new ExpansionError(
        `${name}: ${words}`,
        shell.flavour === "bash" ? (shell.interactive ? 1 : 127) : 2,
        true,
        true,
      );
    }
  }
}

function* applySlice(shell: Shell, { name, parameter, operation, host }: Application): Task<void> {
  if (operation.type !== "Slice") return;
  const offset = Number(yield* host.arithmetic(operation.offset.text));
  const length = operation.length ? Number(yield* host.arithmetic(operation.length.text)) : undefined;
  if (parameter.kind === "list") {
    // `$@` counts from $0; offsets below zero from the end.
    const values = parameter.positional && offset <= 0 ? [shell.name, ...parameter.values] : parameter.values;
    const base = parameter.positional && offset > 0 ? offset - 1 : offset < 0 ? values.length + offset : offset;
    if (length !== undefined && length < 0)
      throw new ExpansionError(`${operation.length!.text}: substring expression < 0`, 1, true);
    if (base < 0) {
      host.list([], parameter.star);
      return;
    }
    host.list(values.slice(base, length === undefined ? undefined : base + length), parameter.star);
    return;
  }
  if (parameter.value === undefined) unbound(shell, name);
  const chars = [...(parameter.value ?? "")];
  const start = offset < 0 ? chars.length + offset : offset;
  if (start < 0) {
    host.scalar("");
    return;
  }
  let end = length === undefined ? chars.length : length < 0 ? chars.length + length : start + length;
  if (length !== undefined && length < 0 && end < start && start <= chars.length)
    throw new ExpansionError(`${operation.length!.text}: substring expression < 0`, 1, true);
  end = Math.min(end, chars.length);
  host.scalar(chars.slice(start, Math.max(start, end)).join(""));
}

/** `#`, `##`, `%`, `%%`: removes the shortest or longest match at one end. */
function remover(operator: string, pattern: string): (value: string) => string {
  if (operator.startsWith("#")) {
    const regexp = new RegExp(`^(?:${patternSource(pattern, operator === "#")})`, "su");
    return (value) => value.replace(regexp, "");
  }
  const whole = patternRegExp(pattern);
  return (value) => {
    const cuts: number[] = [];
    for (let i = 0; i <= value.length; i++) cuts.push(i);
    if (operator === "%") cuts.reverse();
    for (const cut of cuts) if (whole.test(value.slice(cut))) return value.slice(0, cut);
    return value;
  };
}

function replacer(shell: Shell, operator: string, pattern: string, replacement: string): (value: string) => string {
  if (pattern === "")
    return (value) => (operator === "/#" ? replacement + value : operator === "/%" ? value + replacement : value);
  const source = patternSource(pattern);
  const anchored = operator === "/#" ? `^(?:${source})` : operator === "/%" ? `(?:${source})$` : source;
  const regexp = new RegExp(anchored, operator === "//" ? "gsu" : "su");
  return (value) =>
    value.length >= LONG_TEXT && operator === "//"
      ? replaceInLong(shell, value, regexp, replacement)
      : value.replace(regexp, (match, ...rest) =>
          match === "" && operator === "//" && rest.at(-2) === value.length && value !== "" ? "" : replacement,
        );
}

const LONG_TEXT = 1024 * 1024;

/** One match at a time: all matches of a long text at once are more than the engine we run on takes. */
function replaceInLong(shell: Shell, value: string, regexp: RegExp, replacement: string): string {
  let out = "";
  let done = 0;
  for (let match = regexp.exec(value); match; match = regexp.exec(value)) {
    out += value.slice(done, match.index);
    done = match.index + match[0].length;
    if (match[0] === "") regexp.lastIndex++;
    if (match[0] !== "" || match.index < value.length) out += replacement;
    if (out.length > limits.shellTextMax) shell.process.exhaustMemory();
  }
  return out + value.slice(done);
}

function transform(value: string, letter: string): string {
  switch (letter) {
    case "Q":
      return singleQuote(value);
    case "U":
      return value.toUpperCase();
    case "u":
      return value.slice(0, 1).toUpperCase() + value.slice(1);
    case "L":
      return value.toLowerCase();
    case "E":
      return value.replace(
        /\\(n|t|r|\\|a|b|e)/g,
        (_all, ch: string) => ({ n: "\n", t: "\t", r: "\r", "\\": "\\", a: "\x07", b: "\b", e: "\x1b" })[ch]!,
      );
    default:
      return value;
  }
}

function applyAttributes(shell: Shell, { name, index, host }: Application, letter: string): void {
  const variable = shell.variable(name);
  if (!variable) {
    host.scalar("");
    return;
  }
  let flags = "";
  if (variable.list) flags += "a";
  if (variable.map) flags += "A";
  if (variable.integer) flags += "i";
  if (variable.letters === "lower") flags += "l";
  if (variable.readonly) flags += "r";
  if (variable.letters === "upper") flags += "u";
  if (variable.exported) flags += "x";
  if (letter === "a") {
    host.scalar(flags);
    return;
  }
  if ((variable.list || variable.map) && (index === "@" || index === "*")) {
    const pairs = keysOf(variable).map((key) => ({
      key,
      value: (variable.map ? variable.map.get(key) : variable.list!.get(Number(key)))!,
    }));
    if (letter === "k")
      host.list(
        pairs.flatMap(({ key, value }) => [key, value]),
        index === "*",
      );
    else if (letter === "K") host.scalar(pairs.map(({ key, value }) => `${key} ${doubleQuote(value)}`).join(" "));
    else
      host.scalar(
        `declare -${flags} ${name}=(${pairs.map(({ key, value }) => `[${key}]=${doubleQuote(value)}`).join(" ")})`,
      );
    return;
  }
  const value = scalarOf(variable) ?? "";
  host.scalar(
    letter !== "A"
      ? singleQuote(value)
      : flags === ""
        ? `${name}=${singleQuote(value)}`
        : `declare -${flags} ${name}=${singleQuote(value)}`,
  );
}
