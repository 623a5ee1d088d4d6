/** Word expansion: from words of the tree to the fields a command gets. */
import type { DoubleQuotedChild, Word, WordPart } from "unbash";
import { limits } from "../base/limits";
import type { Task } from "../base/task";
import { evaluateArithmetic } from "./arithmetic";
import { expandBraces } from "./brace";
import { ExpansionError } from "./control";
import { globPaths } from "./glob";
import { type ParameterHost, expandParameter } from "./parameter";
import { escapePattern, hasMagic } from "./pattern";
import type { Shell } from "./state";
import { parseBody, parseWord } from "./syntax";

/** A field's text, and the same as a pattern in which what was quoted is escaped; undefined where all of it was. */
interface Field {
  readonly text: string;
  readonly pattern: string | undefined;
}

const patternOf = (field: Field): string => field.pattern ?? escapePattern(field.text);

/** Fields in the making. */
class Fields {
  readonly done: Field[] = [];
  #text = "";
  #pattern: string | undefined;
  /** Something was there, even if empty: `""` makes a field. */
  #present = false;
  readonly ifs: string;

  constructor(ifs: string) {
    this.ifs = ifs;
  }

  quoted(text: string): void {
    this.#text += text;
    if (this.#pattern !== undefined) this.#pattern += escapePattern(text);
    this.#present = true;
  }

  /** Unquoted source text: pattern characters act. */
  plain(text: string, pattern = text): void {
    if (text === "" && pattern === "") return;
    this.#pattern = (this.#pattern ?? escapePattern(this.#text)) + pattern;
    this.#text += text;
    this.#present = true;
  }

  next(): void {
    if (this.#present) this.done.push({ text: this.#text, pattern: this.#pattern });
    this.#text = "";
    this.#pattern = undefined;
    this.#present = false;
  }

  /** The unquoted result of an expansion: split at IFS. */
  split(value: string): void {
    if (value === "") return;
    if (this.ifs === "") {
      this.plain(value);
      return;
    }
    let i = 0;
    const isIfs = (ch: string): boolean => this.ifs.includes(ch);
    const isSpace = (ch: string): boolean => (ch === " " || ch === "\t" || ch === "\n") && isIfs(ch);
    if (isSpace(value[0]!)) {
      this.next();
      while (i < value.length && isSpace(value[i]!)) i++;
    }
    let start = i;
    while (i < value.length) {
      if (!isIfs(value[i]!)) {
        i++;
        continue;
      }
      this.plain(value.slice(start, i));
      // A delimiter: white space around at most one other separator.
      let other = false;
      while (i < value.length && (isSpace(value[i]!) || (!other && isIfs(value[i]!)))) {
        if (!isSpace(value[i]!)) other = true;
        i++;
      }
      if (other) this.#present = true;
      this.next();
      start = i;
    }
    this.plain(value.slice(start));
  }

  finish(): void {
    this.next();
  }
}

const USUAL_IFS = " \t\n";
const plainWord = /^[^\\~*?[{@+!]+$/;

/** Parameters whose value is made at the moment it is read. */
const madeWhenRead = new Set([
  "RANDOM",
  "SRANDOM",
  "SECONDS",
  "EPOCHSECONDS",
  "EPOCHREALTIME",
  "LINENO",
  "BASHPID",
  "BASH_SUBSHELL",
  "BASH_COMMAND",
  "PIPESTATUS",
  "FUNCNAME",
  "DIRSTACK",
  "GROUPS",
  "_",
]);

/** The value of `$name`, `$1`, `$?` or `$#` where that is a plain text that is there. */
function plainValue(shell: Shell, text: string): string | undefined {
  if (text.length === 2) {
    const code = text.charCodeAt(1);
    if (code >= 49 && code <= 57) return shell.positional[code - 49];
    if (code === 63) return String(shell.status);
    if (code === 35) return String(shell.positional.length);
  }
  const name = text.slice(1);
  const variable = shell.variables.get(name);
  if (!variable || variable.reference || variable.list || variable.map || madeWhenRead.has(name)) return undefined;
  return variable.value;
}

/** A value that is one field whatever its surroundings, if IFS is as usual. */
const unsplit = /^[A-Za-z0-9_./:=%,^-]+$/;

/**
 * A word that is one field and needs no waiting: literals, quotes and plain parameters, which is what most words are.
 * Undefined, with nothing done: the long way has to be gone. `splits`: unquoted values are split at IFS.
 */
function fieldAtOnce(shell: Shell, word: Word, splits: boolean): string | undefined {
  const { parts } = word;
  if (!parts) return plainWord.test(word.text) ? word.text : undefined;
  let field = "";
  for (const part of parts) {
    switch (part.type) {
      case "Literal":
        if (!plainWord.test(part.text)) return undefined;
        field += part.text;
        break;
      case "SingleQuoted":
        field += part.value;
        break;
      case "DoubleQuoted":
        for (const inner of part.parts) {
          const text =
            inner.type === "Literal"
              ? inner.value
              : inner.type === "SimpleExpansion"
                ? plainValue(shell, inner.text)
                : undefined;
          if (text === undefined) return undefined;
          field += text;
        }
        break;
      case "SimpleExpansion": {
        const value = plainValue(shell, part.text);
        if (value === undefined) return undefined;
        if (splits && !(unsplit.test(value) && (shell.get("IFS") ?? USUAL_IFS) === USUAL_IFS)) return undefined;
        field += value;
        break;
      }
      default:
        return undefined;
    }
  }
  return field;
}

/** The fields of words none of which needs waiting; undefined, with nothing done, where one does. */
export function expandAtOnce(shell: Shell, words: readonly Word[]): string[] | undefined {
  const out: string[] = [];
  for (const word of words) {
    const field = fieldAtOnce(shell, word, true);
    if (field === undefined) return undefined;
    out.push(field);
  }
  return out;
}

/** Expands words to fields: braces, tilde, parameters, substitutions, splitting, pathnames. */
export function* expandWords(shell: Shell, words: readonly Word[]): Task<string[]> {
  const out: string[] = [];
  for (const word of words) {
    const field = fieldAtOnce(shell, word, true);
    if (field === undefined) yield* expandOneWord(shell, word, out);
    else out.push(field);
  }
  return out;
}

function* expandOneWord(shell: Shell, word: Word, out: string[]): Task<void> {
  if (
    word.parts?.some((part) => part.type === "BraceExpansion") &&
    shell.options.has("braceexpand") &&
    shell.flavour === "bash"
  ) {
    const texts = expandBraces(word.text);
    if (texts.length > 1 || texts[0] !== word.text) {
      for (const text of texts) {
        const inner = parseWord(text);
        if (inner) yield* expandFields(shell, inner, out);
      }
      return;
    }
  }
  yield* expandFields(shell, word, out);
}

function* expandFields(shell: Shell, word: Word, out: string[]): Task<void> {
  const fields = new Fields(shell.get("IFS") ?? USUAL_IFS);
  yield* appendWord(shell, fields, word, false, true);
  fields.finish();
  for (const field of fields.done) {
    if (field.pattern !== undefined && !shell.options.has("noglob") && hasMagic(field.pattern)) {
      const paths = globPaths(shell.process, field.pattern, {
        dotglob: shell.shopt.has("dotglob"),
        ignoreCase: shell.shopt.has("nocaseglob"),
        globstar: shell.shopt.has("globstar"),
      });
      if (paths.length > 0) {
        out.push(...paths);
        continue;
      }
      if (shell.shopt.has("failglob")) throw new ExpansionError(`no match: ${field.text}`, 1, true);
      if (shell.shopt.has("nullglob")) continue;
    }
    out.push(field.text);
  }
  if (out.length > limits.shellWordsMax) shell.process.exhaustMemory();
}

/** As expandString, where that needs no waiting; undefined, with nothing done, where it does. */
export const stringAtOnce = (shell: Shell, word: Word): string | undefined => fieldAtOnce(shell, word, false);

/** One string: no splitting, no pathnames. For assignments, redirections, case words, here-strings. */
export function* expandString(shell: Shell, word: Word, options: { readonly assignment?: boolean } = {}): Task<string> {
  const field = fieldAtOnce(shell, word, false);
  if (field !== undefined) return field;
  const fields = new Fields("");
  yield* appendWord(shell, fields, word, false, true, options.assignment);
  fields.finish();
  return fields.done.map((field) => field.text).join(" ");
}

/** A pattern: quoted parts are escaped. */
export function* expandPattern(shell: Shell, word: Word): Task<string> {
  const fields = new Fields("");
  yield* appendWord(shell, fields, word, false, true);
  fields.finish();
  return fields.done.map(patternOf).join(" ");
}

/** A regular expression for `[[ =~ ]]`: quoted parts match themselves. */
export function* expandRegexp(shell: Shell, word: Word): Task<string> {
  let out = "";
  for (const part of word.parts ?? []) {
    if (
      part.type === "SingleQuoted" ||
      part.type === "DoubleQuoted" ||
      part.type === "AnsiCQuoted" ||
      part.type === "LocaleString"
    ) {
      const fields = new Fields("");
      yield* appendPart(shell, fields, part, false, []);
      fields.finish();
      out += fields.done.map((field) => field.text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(" ");
    } else if (
      part.type === "SimpleExpansion" ||
      part.type === "ParameterExpansion" ||
      part.type === "CommandExpansion" ||
      part.type === "ArithmeticExpansion"
    ) {
      const fields = new Fields("");
      yield* appendPart(shell, fields, part, true, []);
      fields.finish();
      out += fields.done.map((field) => field.text).join(" ");
    } else out += part.text;
  }
  return word.parts ? out : word.text;
}

/** The text of a here-document or prompt: expansions act, quotes are plain. */
export function* expandBody(shell: Shell, text: string, parts: readonly WordPart[] | undefined): Task<string> {
  if (!parts) return text.replace(/\\([$`\\\n])/g, (_all, ch: string) => (ch === "\n" ? "" : ch));
  const fields = new Fields("");
  for (const part of parts) {
    if (part.type === "Literal") fields.quoted(part.value);
    else yield* appendPart(shell, fields, part, true, []);
  }
  fields.finish();
  return fields.done.map((field) => field.text).join(" ");
}

/** Expands `$…` in free text, as arithmetic and prompts do. */
export function* expandText(shell: Shell, text: string): Task<string> {
  if (!/[$`\\]/.test(text)) return text;
  const body = yield* expandBody(shell, `${text}\n`, parseBody(text));
  return body.replace(/\n$/, "");
}

/** An arithmetic text: expansions first, then the value. */
export function* arithmetic(shell: Shell, text: string): Task<bigint> {
  const expanded = /[$`"'\\]/.test(text) ? (yield* expandText(shell, text)).replace(/["']/g, "") : text;
  return evaluateArithmetic(expanded, shell);
}

/** As arithmetic(), but a bad expression drops the line. */
function* fatalArithmetic(shell: Shell, text: string): Task<bigint> {
  try {
    return yield* arithmetic(shell, text);
  } catch (error) {
    throw error instanceof ExpansionError && !error.exits
      ? new ExpansionError(error.message, error.status, true)
      : error;
  }
}

function* appendWord(
  shell: Shell,
  fields: Fields,
  word: Word,
  inQuotes: boolean,
  tilde: boolean,
  assignment = false,
): Task<void> {
  if (!word.parts) {
    appendLiteral(shell, fields, word.text, inQuotes, tilde, assignment);
    return;
  }
  const parts = word.parts;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.type === "Literal") {
      // A tilde prefix must not be followed by something quoted or expanded.
      const isWhole = i === parts.length - 1 || part.text.includes("/");
      appendLiteral(
        shell,
        fields,
        part.text,
        inQuotes,
        (i === 0 && isWhole && tilde) || (assignment && i > 0),
        assignment,
        i > 0,
      );
    } else yield* appendPart(shell, fields, part, inQuotes, parts);
  }
}

/** Source text outside quotes: backslashes quote, a leading tilde is a home folder. */
function appendLiteral(
  shell: Shell,
  fields: Fields,
  source: string,
  inQuotes: boolean,
  tilde: boolean,
  assignment: boolean,
  isLater = false,
): void {
  if (inQuotes) {
    fields.quoted(source.replace(/\\([$`"\\])/g, "$1"));
    return;
  }
  let text = source;
  if (tilde && text.includes("~")) {
    const expandAt = (piece: string): string | undefined => {
      const prefix = /^~([A-Za-z0-9_.+-]*)(?=\/|$|:)/.exec(piece);
      if (!prefix) return undefined;
      const home = homeOf(shell, prefix[1]!);
      return home === undefined
        ? undefined
        : home + piece.slice(prefix[0].length).replace(/^(?=\/)/, home === "/" ? "" : "");
    };
    if (assignment) {
      const pieces = text.split(":");
      text = pieces.map((piece, index) => (index === 0 && isLater ? undefined : expandAt(piece)) ?? piece).join(":");
      if (text !== source) {
        fields.quoted(text.replace(/\\([\s\S])/g, "$1"));
        return;
      }
    } else if (text.startsWith("~")) {
      const prefix = /^~([A-Za-z0-9_.+-]*)(?=\/|$)/.exec(text);
      const home = prefix && homeOf(shell, prefix[1]!);
      if (prefix && home !== undefined && home !== null) {
        fields.quoted(home);
        text = text.slice(prefix[0].length);
      }
    }
  }
  if (!text.includes("\\")) {
    fields.plain(text);
    return;
  }
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") {
      if (i + 1 >= text.length) fields.quoted("\\");
      else if (text[i + 1] !== "\n") fields.quoted(text[i + 1]!);
      i++;
    } else {
      let end = text.indexOf("\\", i);
      if (end < 0) end = text.length;
      fields.plain(text.slice(i, end));
      i = end - 1;
    }
  }
}

function homeOf(shell: Shell, user: string): string | undefined {
  if (user === "") return shell.get("HOME") ?? homeInPasswd(shell, shell.process.context.user);
  if (user === "+") return shell.get("PWD");
  if (user === "-") return shell.get("OLDPWD");
  return homeInPasswd(shell, user);
}

function homeInPasswd(shell: Shell, user: string): string | undefined {
  const node = shell.process.fs.find("/etc/passwd");
  if (node?.kind !== "file") return undefined;
  for (const line of node.read().split("\n")) {
    const columns = line.split(":");
    if (columns[0] === user) return columns[5];
  }
  return undefined;
}

function* appendPart(
  shell: Shell,
  fields: Fields,
  part: WordPart | DoubleQuotedChild,
  inQuotes: boolean,
  _siblings: readonly WordPart[],
): Task<void> {
  switch (part.type) {
    case "Literal":
      if (inQuotes) fields.quoted(part.value);
      else fields.plain(part.value, part.text);
      return;
    case "Glob":
      if (inQuotes) fields.quoted(part.text);
      else if (part.kind === "bracket" && part.parts.some((inner) => inner.type !== "Literal"))
        yield* appendBracket(shell, fields, part.parts, part.text);
      else fields.plain(part.text.replace(/\\([\s\S])/g, "$1"), part.text);
      return;
    case "SingleQuoted":
      fields.quoted(inQuotes ? part.text : part.value);
      return;
    case "AnsiCQuoted":
      // dash has no $'…': a dollar sign and a quoted word.
      fields.quoted(inQuotes ? part.text : shell.flavour === "dash" ? `$${part.text.slice(2, -1)}` : part.value);
      return;
    case "DoubleQuoted":
    case "LocaleString":
      yield* appendDoubleQuoted(shell, fields, part.parts);
      return;
    case "SimpleExpansion":
    case "ParameterExpansion":
      yield* expandParameter(shell, part, inQuotes, parameterHost(shell, fields, inQuotes));
      return;
    case "CommandExpansion": {
      const output = part.script ? yield* shell.engine.substitute(shell, part.script) : "";
      if (inQuotes) fields.quoted(output);
      else fields.split(output);
      return;
    }
    case "ArithmeticExpansion": {
      const inner = part.text.startsWith("$((") ? part.text.slice(3, -2) : part.text.slice(2, -1);
      const value = String(yield* fatalArithmetic(shell, inner));
      if (inQuotes) fields.quoted(value);
      else fields.split(value);
      return;
    }
    case "ProcessSubstitution":
      if (part.script) fields.quoted(shell.engine.processSubstitution(shell, part.script, part.operator));
      return;
    case "ExtendedGlob":
      if (part.parts) {
        fields.plain(`${part.operator}(`, `${part.operator}(`);
        for (const inner of part.parts) {
          if (inner.type === "Literal") fields.plain(inner.value, inner.text);
          else yield* appendPart(shell, fields, inner, false, []);
        }
        fields.plain(")", ")");
      } else fields.plain(part.text, part.text);
      return;
    case "BraceExpansion":
      if (part.parts) {
        fields.plain("{");
        for (const inner of part.parts) {
          if (inner.type === "Literal") fields.plain(inner.value, inner.text);
          else yield* appendPart(shell, fields, inner, inQuotes, []);
        }
        fields.plain("}");
      } else fields.plain(part.text);
      return;
  }
}

function* appendBracket(shell: Shell, fields: Fields, parts: readonly WordPart[], text: string): Task<void> {
  fields.plain("[", "[");
  for (const part of parts) {
    if (part.type === "Literal") fields.plain(part.value, part.text);
    else yield* appendPart(shell, fields, part, false, []);
  }
  if (text.endsWith("]")) fields.plain("]", "]");
}

function* appendDoubleQuoted(shell: Shell, fields: Fields, parts: readonly DoubleQuotedChild[]): Task<void> {
  // "$@" alone, with no parameters, makes no field at all; anything else makes one.
  const onlyList =
    parts.length > 0 &&
    parts.every(
      (part) =>
        (part.type === "SimpleExpansion" && part.text === "$@") ||
        (part.type === "ParameterExpansion" && (part.parameter === "@" || part.index?.text === "@")),
    );
  if (!onlyList) fields.quoted("");
  for (const part of parts) {
    if (part.type === "Literal") fields.quoted(part.value);
    else yield* appendPart(shell, fields, part, true, []);
  }
}

function parameterHost(shell: Shell, fields: Fields, inQuotes: boolean): ParameterHost {
  return {
    ifs: fields.ifs,
    *pattern(word) {
      return yield* expandPattern(shell, word);
    },
    *string(word) {
      const inner = new Fields("");
      yield* appendWord(shell, inner, word, inQuotes, true);
      inner.finish();
      return inner.done.map((field) => field.text).join(" ");
    },
    *arithmetic(text) {
      return yield* fatalArithmetic(shell, text);
    },
    *operand(word) {
      yield* appendWord(shell, fields, word, inQuotes, true);
    },
    scalar(value) {
      if (inQuotes) fields.quoted(value);
      else fields.split(value);
    },
    list(values, joined) {
      if (inQuotes && joined) {
        const ifs = shell.get("IFS");
        fields.quoted(values.join(ifs === undefined ? " " : ifs.slice(0, 1)));
        return;
      }
      values.forEach((value, index) => {
        if (index > 0) fields.next();
        if (inQuotes) fields.quoted(value);
        else fields.split(value);
      });
    },
  };
}
