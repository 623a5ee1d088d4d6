/** Tab completion: commands, files, variables, and what registered programs know of their own words. */
import type { Task } from "../base/task";
import { byCodePoint } from "./glob";
import type { ShellHost } from "./host";
import { isBuiltin } from "./simple-command";
import type { Shell } from "./state";

export interface Completion {
  /** Where the word being typed starts, in characters of the text. */
  readonly start: number;
  /** Whole replacements for the word, as they are to be inserted. */
  readonly candidates: readonly { readonly text: string; readonly shown: string; readonly final: boolean }[];
}

interface Tokens {
  readonly words: readonly string[];
  readonly start: number;
  /** The current word with quotes and backslashes taken out. */
  readonly current: string;
  readonly quote: string;
  readonly afterRedirect: boolean;
}

/** Splits the simple command that the cursor is in. */
function tokenize(text: string): Tokens {
  let words: string[] = [];
  let current = "";
  let start = text.length;
  let inWord = false;
  let quote = "";
  let afterRedirect = false;
  const end = (): void => {
    if (inWord && !afterRedirect) words.push(current);
    if (inWord) afterRedirect = false;
    current = "";
    inWord = false;
  };
  const begin = (at: number): void => {
    if (!inWord) start = at;
    inWord = true;
  };
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!;
    if (quote !== "") {
      if (ch === quote) quote = "";
      else if (ch === "\\" && quote === '"' && /["\\$`]/.test(text[i + 1] ?? "")) current += text[++i];
      else current += ch;
      continue;
    }
    if (ch === "'" || ch === '"') {
      begin(i);
      quote = ch;
    } else if (ch === "\\") {
      begin(i);
      current += text[++i] ?? "";
    } else if (/\s/.test(ch)) end();
    else if (/[|;&(]/.test(ch) || (ch === "`" && !inWord)) {
      end();
      if (!(ch === "&" && text[i - 1] === ">")) words = [];
      afterRedirect = false;
    } else if (ch === "<" || ch === ">") {
      if (/^\d+$/.test(current)) {
        current = "";
        inWord = false;
      }
      end();
      afterRedirect = true;
    } else if (ch === "$" && text[i + 1] === "(") {
      end();
      words = [];
      i++;
    } else {
      begin(i);
      current += ch;
    }
  }
  if (!inWord) start = text.length;
  return { words, start, current, quote, afterRedirect };
}

const PREFIXES = new Set([
  "sudo",
  "time",
  "exec",
  "command",
  "builtin",
  "nohup",
  "watch",
  "xargs",
  "env",
  "then",
  "do",
  "else",
  "if",
  "while",
  "until",
  "!",
  "{",
  "nice",
  "elif",
]);

export function* complete(shell: Shell, host: ShellHost, before: string): Task<Completion> {
  const { words: raw, start, current, quote, afterRedirect } = tokenize(before);
  const words = [...raw];
  while (words.length > 0 && (PREFIXES.has(words[0]!) || /^[A-Za-z_]\w*=/.test(words[0]!))) words.shift();
  const quoteWord = (text: string): string =>
    quote !== ""
      ? quote + text.replace(quote === '"' ? /["\\$`]/g : /(?!)/g, "\\$&")
      : text.replace(/[\s'"\\|&;<>()$`*?[\]{}!#]/g, "\\$&");
  const variable = /^(.*)\$(\{?)(\w*)$/s.exec(current);
  if (variable && quote !== "'") {
    const names = [...shell.variables.keys()].filter((name) => name.startsWith(variable[3]!)).sort();
    return {
      start,
      candidates: names.map((name) => ({
        text: `${quote}${variable[1]}$${variable[2]}${name}${variable[2] ? "}" : ""}`,
        shown: `$${variable[2]}${name}${variable[2] ? "}" : ""}`,
        final: true,
      })),
    };
  }
  const isCommand = words.length === 0 && !afterRedirect;
  if (isCommand && !current.includes("/")) {
    const names = commandNames(shell).filter((name) => name.startsWith(current));
    if (names.length > 0 || current !== "")
      return {
        start,
        candidates: names.map((name) => ({ text: quoteWord(name) + (quote || ""), shown: name, final: true })),
      };
  }
  if (!isCommand && !afterRedirect) {
    const known = yield* fromCompleter(shell, host, words, current);
    if (known)
      return {
        start,
        candidates: known.map((value) => ({
          text: quoteWord(value).replace(/\\([{}!#])/g, "$1") + (quote || ""),
          shown: value,
          final: !/[=/:,]$/.test(value),
        })),
      };
  }
  const onlyDirs = !isCommand && !afterRedirect && /^(cd|pushd|rmdir|mkdir)$/.test(words[0] ?? "");
  return {
    start,
    candidates: fileCandidates(shell, current, { onlyDirs, onlyExecutable: isCommand }).map(
      ({ path, shown, isDir }) => ({
        text: escapeKeepingTilde(path, quoteWord) + (isDir || quote === "" ? "" : quote),
        shown,
        final: !isDir,
      }),
    ),
  };
}

const escapeKeepingTilde = (path: string, quoteWord: (text: string) => string): string =>
  path.startsWith("~/") ? `~/${quoteWord(path.slice(2))}` : quoteWord(path);

function* fromCompleter(
  shell: Shell,
  host: ShellHost,
  words: readonly string[],
  current: string,
): Task<readonly string[] | undefined> {
  let list = [...words];
  const alias = shell.aliases.get(list[0]!);
  if (alias !== undefined) list = [...alias.trim().split(/\s+/), ...list.slice(1)];
  const name = list[0]!.slice(list[0]!.lastIndexOf("/") + 1);
  const completer = host.completers?.get(name);
  if (completer) {
    const found = yield* completer({ process: shell.process, words: [...list, current], index: list.length });
    if (!found) return undefined;
    return [...new Set(found.filter((value) => value.startsWith(current)))].sort(byCodePoint);
  }
  if (name === "kill" || name === "fg" || name === "bg") {
    const jobs = [...(shell.jobs?.jobs.keys() ?? [])]
      .map((number) => `%${number}`)
      .filter((value) => value.startsWith(current));
    return current.startsWith("%") ? jobs : undefined;
  }
  if (name === "unset" || name === "export" || name === "declare")
    return [...shell.variables.keys()].filter((value) => value.startsWith(current)).sort();
  if (name === "type" || name === "which" || name === "command" || name === "man")
    return commandNames(shell).filter((value) => value.startsWith(current));
  if (name === "unalias") return [...shell.aliases.keys()].filter((value) => value.startsWith(current)).sort();
  return undefined;
}

const keywords = [
  "if",
  "then",
  "else",
  "elif",
  "fi",
  "for",
  "while",
  "until",
  "do",
  "done",
  "case",
  "esac",
  "select",
  "function",
  "time",
  "in",
];

/** Every name that could be a command here. */
export function commandNames(shell: Shell): string[] {
  const names = new Set<string>(keywords);
  for (const name of [...shell.engine.builtins.keys(), ...shell.engine.declarations.keys()])
    if (isBuiltin(shell, name)) names.add(name);
  for (const name of [...shell.aliases.keys(), ...shell.functions.keys()]) names.add(name);
  for (const dir of (shell.get("PATH") ?? "").split(":")) {
    const node = shell.process.fs.find(shell.process.path(dir || "."));
    if (node?.kind !== "dir") continue;
    for (const name of node.names()) {
      const file = shell.process.fs.find(shell.process.path(`${dir || "."}/${name}`));
      if (file?.kind === "file" && (file.mode & 0o111) !== 0) names.add(name);
    }
  }
  return [...names].sort(byCodePoint);
}

function fileCandidates(
  shell: Shell,
  current: string,
  options: { readonly onlyDirs: boolean; readonly onlyExecutable: boolean },
): { readonly path: string; readonly shown: string; readonly isDir: boolean }[] {
  const slash = current.lastIndexOf("/") + 1;
  const folder = current.slice(0, slash);
  const prefix = current.slice(slash);
  let real = folder;
  if (folder.startsWith("~/")) real = `${shell.get("HOME") ?? ""}/${folder.slice(2)}`;
  const node = shell.process.fs.find(shell.process.path(real || "."));
  if (node?.kind !== "dir") return [];
  const out: { path: string; shown: string; isDir: boolean }[] = [];
  for (const name of node.names().sort(byCodePoint)) {
    if (!name.startsWith(prefix) || (name.startsWith(".") && !prefix.startsWith("."))) continue;
    const file = shell.process.fs.find(shell.process.path(`${real || "."}/${name}`));
    const isDir = file?.kind === "dir";
    if (options.onlyDirs && !isDir) continue;
    if (options.onlyExecutable && !isDir && !(file && (file.mode & 0o111) !== 0)) continue;
    out.push({ path: `${folder}${name}${isDir ? "/" : ""}`, shown: `${name}${isDir ? "/" : ""}`, isDir });
  }
  return out;
}

/** What all have in common at the front. */
export function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? "";
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}
