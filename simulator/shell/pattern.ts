/** Shell patterns (`*`, `?`, `[…]`, extglob) as regular expressions. A backslash in a pattern quotes what follows. */

const posixClasses: Readonly<Record<string, string>> = {
  alnum: "\\p{L}\\p{Nd}",
  alpha: "\\p{L}",
  ascii: "\\x00-\\x7f",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e\\u00a1-\\u{10ffff}",
  lower: "\\p{Ll}",
  print: "\\x20-\\x7e\\u00a0-\\u{10ffff}",
  punct: "!-\\/:-@\\[-`{-~",
  space: " \\t-\\r",
  upper: "\\p{Lu}",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
};

export const posixClass = (name: string): string | undefined => posixClasses[name];

/** Quotes text so that a pattern matches exactly it. */
export const escapePattern = (text: string): string => text.replace(/[\\*?[\]!@+()|^{}~-]/g, "\\$&");

/** Takes the quoting out of a pattern again. */
export const unescapePattern = (pattern: string): string => pattern.replace(/\\([\s\S])/g, "$1");

/** Whether a pattern could match anything but itself. */
export const hasMagic = (pattern: string): boolean => /(?:^|[^\\])(?:\\\\)*(?:[*?[]|[@+!]\()/.test(pattern);

const cache = new Map<string, RegExp>();

/** A regular expression for a whole string. */
export function patternRegExp(pattern: string, ignoreCase = false): RegExp {
  const key = (ignoreCase ? "i" : "c") + pattern;
  let compiled = cache.get(key);
  if (!compiled) {
    compiled = new RegExp(`^(?:${patternSource(pattern)})$`, ignoreCase ? "sui" : "su");
    if (cache.size > 1000) cache.clear();
    cache.set(key, compiled);
  }
  return compiled;
}

export const matchesPattern = (text: string, pattern: string, ignoreCase = false): boolean =>
  patternRegExp(pattern, ignoreCase).test(text);

const literal = (ch: string): string => (ch === "-" ? "\\x2d" : ch.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&"));

/** The regular expression source of a pattern; `lazy` makes stars match as little as they can. */
export function patternSource(pattern: string, lazy = false): string {
  let out = "";
  let i = 0;
  while (i < pattern.length) {
    const ch = String.fromCodePoint(pattern.codePointAt(i)!);
    if (ch === "\\") {
      const next = i + 1 < pattern.length ? String.fromCodePoint(pattern.codePointAt(i + 1)!) : "\\";
      out += literal(next);
      i += 1 + next.length;
    } else if (/[?*+@!]/.test(ch) && pattern[i + 1] === "(" && closingParen(pattern, i + 1) > 0) {
      const end = closingParen(pattern, i + 1);
      const inner = splitAlternatives(pattern.slice(i + 2, end))
        .map((part) => patternSource(part, lazy))
        .join("|");
      if (ch === "!") out += `(?:(?!(?:${inner})(?:${patternSource(pattern.slice(end + 1), lazy)})$)[^]*?)`;
      else out += `(?:${inner})${ch === "@" ? "" : ch}`;
      i = end + 1;
    } else if (ch === "*") {
      while (pattern[i + 1] === "*" && pattern[i + 2] !== "(") i++;
      out += lazy ? "[^]*?" : "[^]*";
      i++;
    } else if (ch === "?") {
      out += "[^]";
      i++;
    } else if (ch === "[") {
      const bracket = bracketSource(pattern, i);
      if (bracket) {
        out += bracket.source;
        i = bracket.end;
      } else {
        out += "\\[";
        i++;
      }
    } else {
      out += literal(ch);
      i += ch.length;
    }
  }
  return out;
}

function closingParen(pattern: string, open: number): number {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === "\\") i++;
    else if (pattern[i] === "(") depth++;
    else if (pattern[i] === ")" && --depth === 0) return i;
  }
  return -1;
}

function splitAlternatives(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (text[i] === "|" && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** A bracket expression starting at `start`; undefined when it is not closed. */
export function bracketSource(
  pattern: string,
  start: number,
  backslashQuotes = true,
): { readonly source: string; readonly end: number } | undefined {
  let i = start + 1;
  let negated = false;
  if (pattern[i] === "!" || pattern[i] === "^") {
    negated = true;
    i++;
  }
  let out = "";
  let first = true;
  for (;;) {
    if (i >= pattern.length) return undefined;
    const ch = String.fromCodePoint(pattern.codePointAt(i)!);
    if (ch === "]" && !first) break;
    first = false;
    if (ch === "[" && (pattern[i + 1] === ":" || pattern[i + 1] === "." || pattern[i + 1] === "=")) {
      const close = pattern.indexOf(`${pattern[i + 1]}]`, i + 2);
      if (close > 0) {
        const name = pattern.slice(i + 2, close);
        if (pattern[i + 1] === ":") {
          const known = posixClasses[name];
          if (known === undefined) return undefined;
          out += known;
        } else out += classLiteral(name);
        i = close + 2;
        continue;
      }
    }
    let low = ch;
    i += ch.length;
    if (ch === "\\" && backslashQuotes && i < pattern.length) {
      low = String.fromCodePoint(pattern.codePointAt(i)!);
      i += low.length;
    }
    if (pattern[i] === "-" && pattern[i + 1] !== "]" && i + 1 < pattern.length) {
      let high = String.fromCodePoint(pattern.codePointAt(i + 1)!);
      let width = 1 + high.length;
      if (high === "\\" && backslashQuotes && i + 2 < pattern.length) {
        high = String.fromCodePoint(pattern.codePointAt(i + 2)!);
        width += high.length;
      }
      i += width;
      if (low.codePointAt(0)! <= high.codePointAt(0)!) out += `${classLiteral(low)}-${classLiteral(high)}`;
      continue;
    }
    out += classLiteral(low);
  }
  const source = out === "" ? (negated ? "[^]" : "(?!)") : `[${negated ? "^" : ""}${out}]`;
  return { source, end: i + 1 };
}

const classLiteral = (text: string): string => text.replace(/[\\\]^[-]/g, "\\$&");
