/** The one door to the parser: shell text to a tree, with bash's own words for what is wrong. */
import {
  type ParsedScript,
  type Statement,
  type SyntaxNode,
  type Word,
  type WordPart,
  forEachChild,
  parse,
} from "unbash";

export interface ParsedText {
  readonly script: ParsedScript;
  /** The statements before the first error. */
  readonly statements: readonly Statement[];
  readonly error: SyntaxFault | undefined;
  /** Here-documents that the end of the text cut off. */
  readonly cutHereDocs: readonly { readonly delimiter: string; readonly pos: number }[];
}

export interface SyntaxFault {
  readonly pos: number;
  /** The end came too early: more text could complete it. */
  readonly incomplete: boolean;
  /** bash's words, without prefix. */
  readonly message: string;
  /** The word that would have closed what is open; dash names it. */
  readonly expecting?: string;
}

const cache = new Map<string, ParsedText>();

export function parseShell(text: string): ParsedText {
  const known = cache.get(text);
  if (known) return known;
  const script = parse(text);
  const fault = script.errors?.[0] ? faultOf(text, script.errors[0]) : nestedFault(script, text);
  let statements = script.commands;
  if (fault) {
    // bash reads line by line: what stands on earlier lines runs.
    const lineStart = text.lastIndexOf("\n", Math.min(fault.pos, text.length) - 1) + 1;
    // Where the end came too early, the last statement is the broken one.
    const brokenLine = text.lastIndexOf("\n", (script.commands.at(-1)?.pos ?? 0) - 1) + 1;
    statements = fault.incomplete
      ? script.commands.slice(0, -1).filter((statement) => statement.end <= brokenLine)
      : script.commands.filter((statement) => statement.end <= lineStart);
  }
  const parsed: ParsedText = { script, statements, error: fault, cutHereDocs: cutHereDocs(script) };
  if (cache.size > 300) cache.clear();
  cache.set(text, parsed);
  return parsed;
}

/** Faults inside command substitutions, which the parser reports with the inner script. */
function nestedFault(script: ParsedScript, text: string): SyntaxFault | undefined {
  if (!text.includes("$(") && !text.includes("`")) return undefined;
  let found: SyntaxFault | undefined;
  const visit = (node: SyntaxNode): void => {
    if (found) return;
    if (node.type === "Script" && node !== script) {
      const error = (node as ParsedScript).errors?.[0];
      if (error) {
        const inner = faultOf(text, error);
        found = { ...inner, incomplete: false };
        return;
      }
    }
    forEachChild(node, visit);
  };
  forEachChild(script, visit);
  return found;
}

function faultOf(text: string, error: { readonly message: string; readonly pos: number }): SyntaxFault {
  const unexpected = /^unexpected token '([\s\S]*)'$/.exec(error.message);
  if (unexpected) {
    const token = unexpected[1] === "\n" ? "newline" : unexpected[1];
    return { pos: error.pos, incomplete: false, message: `syntax error near unexpected token \`${token}'` };
  }
  const open = {
    "single quote": "'",
    "double quote": '"',
    backtick: "`",
    "parameter expansion": "}",
    "command substitution": ")",
  } as const;
  const unterminated = /^unterminated (.*)$/.exec(error.message);
  if (unterminated) {
    const closing = open[unterminated[1] as keyof typeof open] ?? ")";
    return { pos: error.pos, incomplete: true, message: `unexpected EOF while looking for matching \`${closing}'` };
  }
  const rest = text.slice(error.pos);
  const lastWord = /(\S+)\s*$/.exec(text)?.[1] ?? "";
  if (error.message === "expected redirect target") {
    const next = /^[ \t]*(\S+)/.exec(rest)?.[1];
    const token = next === undefined || rest.startsWith("\n") ? "newline" : tokenAt(rest.trimStart());
    return { pos: error.pos, incomplete: false, message: `syntax error near unexpected token \`${token}'` };
  }
  if (error.message.startsWith("expected ']]'")) {
    const at = rest.trim() === "" ? "newline" : tokenAt(rest.trimStart());
    return {
      pos: error.pos,
      incomplete: rest.trim() === "" && !/\]\]\s*$/.test(text),
      message: `syntax error near \`${at === "newline" ? lastWord : at}'`,
    };
  }
  const early = /^expected (?:'then'|'do'|command)/.test(error.message);
  if (rest.trim() === "" || error.pos >= text.length) {
    if (early && /^(fi|done|esac|else|elif|then|do)$/.test(lastWord) && !error.message.endsWith(`'${lastWord}'`))
      return { pos: error.pos, incomplete: false, message: `syntax error near unexpected token \`${lastWord}'` };
    const expecting = /^expected '([^']+)'/.exec(error.message)?.[1];
    return {
      pos: error.pos,
      incomplete: true,
      message: "syntax error: unexpected end of file",
      ...(expecting ? { expecting } : {}),
    };
  }
  if (/^expected command in (brace group|subshell)/.test(error.message)) {
    const inner = text.slice(error.pos + 1);
    if (inner.trim() === "")
      return { pos: error.pos, incomplete: true, message: "syntax error: unexpected end of file" };
    return {
      pos: error.pos,
      incomplete: false,
      message: `syntax error near unexpected token \`${tokenAt(inner.trimStart())}'`,
    };
  }
  return {
    pos: error.pos,
    incomplete: false,
    message: `syntax error near unexpected token \`${tokenAt(rest.replace(/^[ \t]+/, ""))}'`,
  };
}

const tokenAt = (text: string): string =>
  /^(?:\n|;;&|;;|;&|&&|\|\||[;&|()<>]|[^\s;&|()<>]+)/.exec(text)?.[0].replace("\n", "newline") ?? "newline";

function cutHereDocs(script: ParsedScript): { readonly delimiter: string; readonly pos: number }[] {
  const cut: { delimiter: string; pos: number }[] = [];
  const visit = (node: SyntaxNode): void => {
    if (node.type === "HereDoc" && !node.closing) cut.push({ delimiter: node.delimiter?.value ?? "", pos: node.pos });
    forEachChild(node, visit);
  };
  visit(script);
  return cut;
}

/** Whether more lines are needed before the text can run: an open quote, group, here-document or a trailing backslash. */
export function needsMore(text: string): boolean {
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) return true;
  const parsed = parseShell(text);
  return parsed.error ? parsed.error.incomplete : parsed.cutHereDocs.length > 0;
}

const words = new Map<string, Word | undefined>();

/** Parses the source text of one word. */
export function parseWord(text: string): Word | undefined {
  if (words.has(text)) return words.get(text);
  const command = parse(`: ${text}`).commands[0]?.command;
  const suffix = command?.type === "Command" ? command.suffix[0] : undefined;
  const word = suffix?.type === "Word" ? suffix : undefined;
  if (words.size > 1000) words.clear();
  words.set(text, word);
  return word;
}

const bodies = new Map<string, readonly WordPart[] | undefined>();

/** Parses text as the inside of a here-document: expansions act, quotes are plain. */
export function parseBody(text: string): readonly WordPart[] | undefined {
  if (bodies.has(text)) return bodies.get(text);
  let delimiter = "END";
  while (text.includes(delimiter)) delimiter += "_";
  const command = parse(`: <<${delimiter}\n${text}\n${delimiter}\n`).commands[0]?.command;
  const doc = command?.type === "Command" ? command.redirects[0] : undefined;
  const parts = doc?.type === "HereDoc" ? doc.body.parts : undefined;
  if (bodies.size > 1000) bodies.clear();
  bodies.set(text, parts);
  return parts;
}

/** Replaces aliases at command words, as the reader does before it parses. */
export function expandAliases(text: string, aliases: ReadonlyMap<string, string>): string {
  if (aliases.size === 0) return text;
  let current = text;
  // A word that came out of its own alias is not expanded again: remember where each was.
  let done = 0;
  for (let round = 0; round < 50; round++) {
    const target = nextAlias(current, aliases, done);
    if (!target) return current;
    const value = expandOnce(target.name, aliases, new Set());
    current = current.slice(0, target.pos) + value + current.slice(target.end);
    done = target.pos + value.length;
    if (/\s$/.test(value)) {
      // A trailing space asks for the next word to be checked too.
      const next = /^\s*([^\s;&|<>()$"'`\\]+)/.exec(current.slice(done));
      const nextValue = next ? aliases.get(next[1]!) : undefined;
      if (next && nextValue !== undefined) {
        const from = done + next[0].length - next[1]!.length;
        current = current.slice(0, from) + nextValue + current.slice(from + next[1]!.length);
        done = from + nextValue.length;
      }
    }
  }
  return current;
}

function expandOnce(name: string, aliases: ReadonlyMap<string, string>, seen: Set<string>): string {
  const value = aliases.get(name);
  if (value === undefined || seen.has(name)) return name;
  seen.add(name);
  const first = /^\s*([^\s;&|<>()$"'`\\]+)/.exec(value);
  if (!first || !aliases.has(first[1]!)) return value;
  return expandOnce(first[1]!, aliases, seen) + value.slice(first[0].length);
}

function nextAlias(
  text: string,
  aliases: ReadonlyMap<string, string>,
  from: number,
): { name: string; pos: number; end: number } | undefined {
  const script = parse(text);
  let best: { name: string; pos: number; end: number } | undefined;
  const visit = (node: SyntaxNode): void => {
    if (node.type === "Command" && node.name && node.name.pos >= from && aliases.has(node.name.text)) {
      if (!best || node.name.pos < best.pos) best = { name: node.name.text, pos: node.name.pos, end: node.name.end };
    }
    if (node.type === "Word" || node.type === "Assignment") return;
    forEachChild(node, visit);
  };
  visit(script);
  return best;
}
