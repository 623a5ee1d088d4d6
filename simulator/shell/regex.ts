/** POSIX basic and extended regular expressions as JavaScript's. Leftmost matches; the longest only where JS agrees. */
import { bracketSource, posixClass } from "./pattern";

export interface RegexOptions {
  readonly extended: boolean;
  readonly ignoreCase?: boolean;
  /** `g` and `m`, for tools that search whole chunks of lines. */
  readonly flags?: string;
  /** Nothing may match a newline. */
  readonly lineBound?: boolean;
}

/** The compiled expression, or what is wrong with it in glibc's words. */
export function posixToRegExp(source: string, options: RegexOptions): RegExp | string {
  const translated = translate(source, options);
  if (typeof translated !== "string") return translated.error;
  try {
    return new RegExp(
      translated,
      `${options.lineBound ? "" : "s"}u${options.ignoreCase ? "i" : ""}${options.flags ?? ""}`,
    );
  } catch {
    return "Invalid regular expression";
  }
}

const escapeLiteral = (ch: string): string => ch.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");

/** The JS source of a POSIX expression. */
export function translate(source: string, options: RegexOptions): string | { readonly error: string } {
  const { extended } = options;
  let out = "";
  let i = 0;
  let depth = 0;
  /** Whether something stands before, that `*` can repeat. */
  let hasAtom = false;
  let groups = 0;
  while (i < source.length) {
    const ch = String.fromCodePoint(source.codePointAt(i)!);
    const next = source[i + 1];
    const atStart = out === "" || /(?:^|[^\\])(?:\\\\)*(?:\(|\||\(\?:)$/.test(out);
    if (ch === "\\") {
      if (next === undefined) return { error: "Trailing backslash" };
      i += 2;
      if (/[1-9]/.test(next)) {
        if (Number(next) > groups) return { error: "Invalid back reference" };
        out += `(?:\\${next})`;
        hasAtom = true;
        continue;
      }
      if (!extended && (next === "(" || next === ")" || next === "{" || next === "|" || next === "+" || next === "?")) {
        if (next === "(") {
          out += "(";
          depth++;
          groups++;
          hasAtom = false;
        } else if (next === ")") {
          if (depth-- === 0) return { error: "Unmatched ) or \\)" };
          out += ")";
          hasAtom = true;
        } else if (next === "|") {
          out += "|";
          hasAtom = false;
        } else if (next === "{") {
          const end = source.indexOf("\\}", i);
          if (end < 0) return { error: "Unmatched \\{" };
          const range = interval(source.slice(i, end));
          if (!range) return { error: "Invalid content of \\{\\}" };
          out += range;
          i = end + 2;
        } else out += hasAtom ? next : `\\${next}`;
        continue;
      }
      hasAtom = true;
      if (next === "w") out += "[\\p{L}\\p{N}_]";
      else if (next === "W") out += options.lineBound ? "[^\\p{L}\\p{N}_\\n]" : "[^\\p{L}\\p{N}_]";
      else if (next === "s") out += options.lineBound ? "[^\\S\\n]" : "\\s";
      else if (next === "S") out += "\\S";
      else if (next === "b") out += "\\b";
      else if (next === "B") out += "\\B";
      else if (next === "<") out += "\\b(?=\\w)";
      else if (next === ">") out += "\\b(?<=\\w)";
      else if (next === "`") out += "(?<![^])";
      else if (next === "'") out += "(?![^])";
      else if (next === "n") out += options.lineBound ? "n" : "\\n";
      else if (next === "t") out += "\\t";
      else out += escapeLiteral(next);
      continue;
    }
    if (ch === "[") {
      const bracket = bracketSource(source, i, false);
      if (!bracket) return { error: badBracket(source, i) };
      let text = bracket.source;
      if (options.lineBound && text.startsWith("[^")) text = `${text.slice(0, -1)}\\n]`;
      out += text;
      i = bracket.end;
      hasAtom = true;
      continue;
    }
    i += ch.length;
    if (ch === ".") {
      out += options.lineBound ? "[^\\n]" : "[^]";
      hasAtom = true;
    } else if (ch === "*") {
      if (!hasAtom) {
        if (!extended || atStart) out += extended ? "" : "\\*";
        hasAtom = !extended;
      } else if (!/[*+?}]$/.test(out) || /\\[*+?}]$/.test(out)) out += "*";
      else out = `${out.slice(0, 0)}${wrapRepeat(out)}*`;
    } else if (ch === "^") {
      if (extended || atStart) {
        out += "^";
        hasAtom = false;
      } else {
        out += "\\^";
        hasAtom = true;
      }
    } else if (ch === "$") {
      const ends = i >= source.length || source.startsWith("\\)", i) || source.startsWith("\\|", i);
      if (extended || ends) out += "$";
      else out += "\\$";
      hasAtom = !(extended || ends);
    } else if (extended && ch === "(") {
      out += "(";
      depth++;
      groups++;
      hasAtom = false;
    } else if (extended && ch === ")") {
      if (depth === 0) {
        out += "\\)";
        hasAtom = true;
      } else {
        depth--;
        out += ")";
        hasAtom = true;
      }
    } else if (extended && ch === "|") {
      out += "|";
      hasAtom = false;
    } else if (extended && (ch === "+" || ch === "?")) {
      if (!hasAtom) continue;
      if (/[*+?}]$/.test(out) && !/\\[*+?}]$/.test(out)) out = wrapRepeat(out);
      out += ch;
    } else if (extended && ch === "{") {
      const end = source.indexOf("}", i);
      const range = end < 0 ? undefined : interval(source.slice(i, end));
      if (range && hasAtom) {
        out += range;
        i = end + 1;
      } else {
        out += "\\{";
        hasAtom = true;
      }
    } else {
      out += escapeLiteral(ch);
      hasAtom = true;
    }
  }
  if (depth > 0) return { error: extended ? "Unmatched ( or \\(" : "Unmatched ( or \\(" };
  return out;
}

/** `a*+` repeats a repetition, which JS would read as a syntax error. */
function wrapRepeat(out: string): string {
  const match = /(\\.|\[(?:\\.|[^\]])*\]|\((?:[^()]|\([^()]*\))*\)|[\s\S])([*+?]|\{[\d,]*\})$/u.exec(out);
  return match ? `${out.slice(0, match.index)}(?:${match[0]})` : out;
}

function interval(text: string): string | undefined {
  const match = /^(\d*)(,?)(\d*)$/.exec(text);
  if (!match || text === "") return undefined;
  return `{${match[1] || "0"}${match[2]}${match[3]}}`;
}

function badBracket(source: string, at: number): string {
  const name = /\[:([^:]*):\]/.exec(source.slice(at));
  if (name && posixClass(name[1]!) === undefined) return "Invalid character class name";
  return "Unmatched [, [^, [:, [., or [=";
}
