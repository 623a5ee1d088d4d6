/** sed: a stream editor; scripts are parsed once and run line by line. */
import { NO_BYTES, Utf8Decoder, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { OpenFile } from "../../os/open-file";
import { posixToRegExp } from "../regex";
import type { Tool, ToolRun } from "../tool";

type Address =
  | { readonly kind: "line"; readonly line: number }
  | { readonly kind: "last" }
  | { readonly kind: "step"; readonly first: number; readonly step: number }
  | { readonly kind: "match"; readonly regexp: RegExp | undefined }
  | { readonly kind: "plus"; readonly count: number }
  | { readonly kind: "multiple"; readonly of: number };

interface Command {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  readonly name: string;
  /** Where `{` jumps when its addresses do not match, and where `b`, `t`, `T` go. */
  target: number;
  readonly text: string;
  readonly regexp: RegExp | undefined;
  readonly replacement: readonly ReplacementPart[];
  readonly flags: {
    readonly global: boolean;
    readonly print: boolean;
    readonly number: number;
    readonly write: string | undefined;
  };
  readonly map: ReadonlyMap<string, string> | undefined;
  /** Of a range: whether it is on, and at which line it ends. */
  active: boolean;
  endLine: number;
}

type ReplacementPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "group"; readonly group: number }
  | { readonly kind: "case"; readonly how: string };

class SedError {
  constructor(readonly message: string) {}
}

class Parser {
  readonly #text: string;
  readonly #extended: boolean;
  #at = 0;
  readonly commands: Command[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly command: Command; readonly label: string }[] = [];
  readonly #blocks: Command[] = [];

  constructor(text: string, extended: boolean) {
    this.#text = text;
    this.#extended = extended;
  }

  parse(): readonly Command[] {
    for (;;) {
      this.#skip(/[\s;]/);
      if (this.#at >= this.#text.length) break;
      this.#command();
    }
    if (this.#blocks.length > 0)
      throw new SedError("unmatched `{'".replace("unmatched", "-e expression #1, char 0: unmatched"));
    for (const { command, label } of this.#jumps) {
      if (label === "") command.target = this.commands.length;
      else {
        const target = this.#labels.get(label);
        if (target === undefined)
          throw new SedError(
            `-e expression #1, char ${this.#text.length}: can't find label for jump to \`${label}'`.replace(
              /-e expression #1, char \d+: /,
              "",
            ),
          );
        command.target = target;
      }
    }
    return this.commands;
  }

  #fail(why: string): never {
    throw new SedError(`-e expression #1, char ${Math.min(this.#at, this.#text.length)}: ${why}`);
  }

  #skip(pattern: RegExp): void {
    while (this.#at < this.#text.length && pattern.test(this.#text[this.#at]!)) this.#at++;
  }

  #address(): Address | undefined {
    const rest = this.#text.slice(this.#at);
    const step = /^(\d+)~(\d+)/.exec(rest);
    if (step) {
      this.#at += step[0].length;
      return { kind: "step", first: Number(step[1]), step: Number(step[2]) };
    }
    const line = /^\d+/.exec(rest);
    if (line) {
      this.#at += line[0].length;
      return { kind: "line", line: Number(line[0]) };
    }
    if (rest[0] === "$") {
      this.#at++;
      return { kind: "last" };
    }
    if (rest[0] === "/" || rest[0] === "\\") {
      if (rest[0] === "\\") this.#at++;
      const source = this.#delimited(this.#text[this.#at]!, "unterminated address regex");
      let ignoreCase = false;
      while (this.#text[this.#at] === "I" || this.#text[this.#at] === "M")
        ignoreCase = this.#text[this.#at++] === "I" || ignoreCase;
      return { kind: "match", regexp: source === "" ? undefined : this.#regexp(source, ignoreCase ? "i" : "") };
    }
    return undefined;
  }

  #regexp(source: string, flags: string): RegExp {
    const compiled = posixToRegExp(source, {
      extended: this.#extended,
      ignoreCase: flags.includes("i"),
      flags: `g${flags.includes("m") ? "m" : ""}`,
    });
    if (typeof compiled === "string") this.#fail(compiled);
    return compiled;
  }

  /** Text up to an unescaped delimiter; the escape of the delimiter itself is taken out. */
  #delimited(delimiter: string, unterminated: string, inBrackets = true): string {
    let out = "";
    this.#at++;
    for (;;) {
      const ch = this.#text[this.#at];
      if (ch === undefined) {
        this.#fail(unterminated);
      }
      if (ch === delimiter) {
        this.#at++;
        return out;
      }
      if (ch === "\\") {
        const next = this.#text[this.#at + 1];
        if (next === delimiter && delimiter !== "\\")
          out += delimiter === "|" || /[.*[\]^$+?(){}]/.test(delimiter) ? `\\${delimiter}` : delimiter;
        else out += ch + (next ?? "");
        this.#at += 2;
        continue;
      }
      if (ch === "[" && inBrackets) {
        const end = /^\[\^?\]?(?:\[:\w+:\]|[^\]])*\]/.exec(this.#text.slice(this.#at));
        if (end) {
          out += end[0];
          this.#at += end[0].length;
          continue;
        }
      }
      out += ch;
      this.#at++;
    }
  }

  #command(): void {
    if (this.#text[this.#at] === "#") {
      this.#skip(/[^\n]/);
      return;
    }
    const from = this.#address();
    let to: Address | undefined;
    if (from) {
      this.#skip(/\s/);
      if (this.#text[this.#at] === ",") {
        this.#at++;
        this.#skip(/\s/);
        const relative = /^([+~])(\d+)/.exec(this.#text.slice(this.#at));
        if (relative) {
          this.#at += relative[0].length;
          to =
            relative[1] === "+"
              ? { kind: "plus", count: Number(relative[2]) }
              : { kind: "multiple", of: Number(relative[2]) };
        } else to = this.#address();
        if (!to) this.#fail("unexpected `,'");
      }
    }
    this.#skip(/\s/);
    let negated = false;
    while (this.#text[this.#at] === "!") {
      negated = true;
      this.#at++;
      this.#skip(/\s/);
    }
    const name = this.#text[this.#at];
    if (name === undefined) this.#fail("missing command");
    this.#at++;
    const base = {
      from,
      to,
      negated,
      name: name!,
      target: 0,
      text: "",
      regexp: undefined,
      replacement: [],
      flags: { global: false, print: false, number: 0, write: undefined },
      map: undefined,
      active: false,
      endLine: 0,
    };
    switch (name) {
      case "{": {
        const block: Command = { ...base };
        this.#blocks.push(block);
        this.commands.push(block);
        return;
      }
      case "}": {
        const block = this.#blocks.pop();
        if (!block) this.#fail("unexpected `}'");
        block!.target = this.commands.length;
        this.#end();
        return;
      }
      case ":": {
        const label = /^[ \t]*([^\s;]+)/.exec(this.#text.slice(this.#at));
        if (!label) this.#fail('":" lacks a label');
        this.#at += label![0].length;
        this.#labels.set(label![1]!, this.commands.length);
        return;
      }
      case "b":
      case "t":
      case "T": {
        const label = /^[ \t]*([^\s;}]*)/.exec(this.#text.slice(this.#at))!;
        this.#at += label[0].length;
        const command: Command = { ...base };
        this.#jumps.push({ command, label: label[1]! });
        this.commands.push(command);
        this.#end();
        return;
      }
      case "s":
        this.commands.push(this.#substitute(base));
        this.#end();
        return;
      case "y": {
        const delimiter = this.#text[this.#at]!;
        const a = [...unescapeText(this.#delimited(delimiter, "unterminated `y' command", false))];
        this.#at--;
        const b = [...unescapeText(this.#delimited(delimiter, "unterminated `y' command", false))];
        if (a.length !== b.length) this.#fail("strings for `y' command are different lengths");
        this.commands.push({ ...base, map: new Map(a.map((ch, index) => [ch, b[index]!])) });
        this.#end();
        return;
      }
      case "a":
      case "i":
      case "c": {
        let match = /^[ \t]*\\\n((?:[^\\\n]|\\[\s\S])*)/.exec(this.#text.slice(this.#at));
        match ??= /^[ \t]*\\?((?:[^\\\n]|\\[\s\S])*)/.exec(this.#text.slice(this.#at));
        this.#at += match![0].length;
        if (match![1] === "" && this.#at >= this.#text.length) this.#fail("expected \\ after `a', `c' or `i'");
        this.commands.push({ ...base, text: match![1]!.replace(/\\([\s\S])/g, "$1") });
        return;
      }
      case "r":
      case "R":
      case "w":
      case "W": {
        const file = /^[ \t]*([^\n]*)/.exec(this.#text.slice(this.#at))!;
        this.#at += file[0].length;
        if (file[1] === "") this.#fail("missing filename in r/R/w/W commands");
        this.commands.push({ ...base, text: file[1]! });
        return;
      }
      case "q":
      case "Q":
      case "l":
      case "L": {
        const code = /^[ \t]*(\d*)/.exec(this.#text.slice(this.#at))!;
        this.#at += code[0].length;
        this.commands.push({ ...base, text: code[1]! });
        this.#end();
        return;
      }
      case "=":
      case "d":
      case "D":
      case "g":
      case "G":
      case "h":
      case "H":
      case "n":
      case "N":
      case "p":
      case "P":
      case "x":
      case "z":
      case "F":
        this.commands.push({ ...base });
        this.#end();
        return;
      default:
        this.#fail(`unknown command: \`${name}'`);
    }
  }

  #end(): void {
    this.#skip(/[ \t]/);
    const ch = this.#text[this.#at];
    if (ch === undefined || ch === ";" || ch === "\n" || ch === "}" || ch === "#") return;
    this.#at++;
    this.#fail("extra characters after command");
  }

  #substitute(base: Command): Command {
    const delimiter = this.#text[this.#at];
    if (delimiter === undefined || delimiter === "\n" || delimiter === "\\") this.#fail("unterminated `s' command");
    const source = this.#delimited(delimiter!, "unterminated `s' command");
    this.#at--;
    const replacement = this.#delimited(delimiter!, "unterminated `s' command", false);
    let global = false;
    let print = false;
    let number = 0;
    let flags = "";
    let write: string | undefined;
    for (;;) {
      const ch = this.#text[this.#at];
      if (ch === "g") global = true;
      else if (ch === "p") print = true;
      else if (ch === "i" || ch === "I") flags += "i";
      else if (ch === "m" || ch === "M") flags += "m";
      else if (ch === "e") this.#fail("e/r/w commands disabled in sandbox mode");
      else if (ch !== undefined && /\d/.test(ch)) {
        const digits = /^\d+/.exec(this.#text.slice(this.#at))![0];
        number = Number(digits);
        if (number === 0) this.#fail("number option to `s' command may not be zero");
        this.#at += digits.length - 1;
      } else if (ch === "w") {
        write = this.#text
          .slice(this.#at + 1)
          .split("\n")[0]!
          .trim();
        this.#at = this.#text.indexOf("\n", this.#at) < 0 ? this.#text.length : this.#text.indexOf("\n", this.#at);
        break;
      } else if (ch === undefined || /[\s;}#]/.test(ch)) break;
      else {
        this.#at++;
        this.#fail("unknown option to `s'");
      }
      this.#at++;
    }
    const regexp = source === "" ? undefined : this.#regexp(source, flags);
    const parts = parseReplacement(replacement);
    const groups = regexp ? new RegExp(`${regexp.source}|`, regexp.flags).exec("")!.length - 1 : 9;
    for (const part of parts)
      if (part.kind === "group" && part.group > groups)
        this.#fail(`invalid reference \\${part.group} on \`s' command's RHS`);
    return { ...base, regexp, replacement: parts, flags: { global, print, number, write } };
  }
}

const unescapeText = (text: string): string =>
  text.replace(/\\([\s\S])/g, (_all, ch: string) => ({ n: "\n", t: "\t", r: "\r" })[ch] ?? ch);

function parseReplacement(text: string): ReplacementPart[] {
  const parts: ReplacementPart[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
  };
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!;
    if (ch === "&") {
      flush();
      parts.push({ kind: "group", group: 0 });
    } else if (ch === "\\") {
      const next = text[++i] ?? "\\";
      if (/\d/.test(next)) {
        flush();
        parts.push({ kind: "group", group: Number(next) });
      } else if (/[ULEul]/.test(next)) {
        flush();
        parts.push({ kind: "case", how: next });
      } else plain += { n: "\n", t: "\t", r: "\r", a: "\x07", f: "\f", v: "\v" }[next] ?? next;
    } else plain += ch;
  }
  flush();
  return parts;
}

function render(parts: readonly ReplacementPart[], match: RegExpExecArray): string {
  let out = "";
  let mode = "E";
  let next = "";
  for (const part of parts) {
    if (part.kind === "case") {
      if (/[ul]/.test(part.how)) next = part.how;
      else mode = part.how;
      continue;
    }
    let text = part.kind === "text" ? part.text : (match[part.group] ?? "");
    if (mode === "U") text = text.toUpperCase();
    if (mode === "L") text = text.toLowerCase();
    if (next !== "" && text !== "") {
      text = (next === "u" ? text[0]!.toUpperCase() : text[0]!.toLowerCase()) + text.slice(1);
      next = "";
    }
    out += text;
  }
  return out;
}

export const sed: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "nrEe:f:i::l:suz",
    long: {
      quiet: "n",
      silent: "n",
      "regexp-extended": "E",
      "expression=": "e",
      "file=": "f",
      "in-place=?": "i",
      separate: "s",
      unbuffered: "u",
      "null-data": "z",
      posix: "P",
      sandbox: "X",
      debug: "D",
    },
  });
  const operands = [...options.operands];
  const scripts: string[] = [];
  for (const option of options.all) {
    if (option.key === "e") scripts.push(option.value!);
    else if (option.key === "f") {
      try {
        scripts.push(decodeUtf8(yield* tool.readAllOf(option.value!)).replace(/\n$/, ""));
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* tool.fail(`couldn't open file ${option.value}: ${error.text}`);
      }
    }
  }
  if (scripts.length === 0) {
    const first = operands.shift();
    if (first === undefined) {
      yield* tool.process.printError("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n");
      return 1;
    }
    scripts.push(first);
  }
  let commands: readonly Command[];
  try {
    commands = new Parser(scripts.join("\n"), options.has("E") || options.has("r")).parse();
  } catch (error) {
    if (!(error instanceof SedError)) throw error;
    return yield* tool.fail(error.message);
  }
  const quiet = options.has("n") || scripts[0]?.startsWith("#n\n") === true;
  const inPlace = options.has("i");
  if (!inPlace && !options.has("s")) {
    const run = new Run(tool, commands, quiet, options.has("z") ? "\0" : "\n");
    return yield* run.over(operands.length ? operands : ["-"]);
  }
  let status = 0;
  for (const path of operands) {
    const run = new Run(tool, commands, quiet, "\n");
    if (inPlace) run.capture = "";
    const code = yield* run.over([path]);
    if (code !== 0 && run.unreadable) {
      status = 4;
      continue;
    }
    if (inPlace) {
      const suffix = options.value("i");
      const full = tool.process.path(path);
      if (suffix)
        tool.process.fs.writeFile(
          suffix.includes("*") ? full.replace(/[^/]*$/, (name) => suffix.replaceAll("*", name)) : full + suffix,
          tool.process.fs.readFile(full),
        );
      tool.process.fs.writeFile(full, encodeUtf8(run.capture!));
    }
    if (code !== 0) status = code;
    if (run.quit) return code;
  }
  return status;
};

class Run {
  /** Output kept back, for -i. */
  capture: string | undefined;
  quit = false;
  unreadable = false;
  readonly #tool: Tool;
  readonly #commands: readonly Command[];
  readonly #quiet: boolean;
  readonly #end: string;
  #paths: readonly string[] = [];
  #next = 0;
  #file: OpenFile | undefined;
  #decoder = new Utf8Decoder();
  #buffer = "";
  #ended = false;
  #current = "-";
  #line = 0;
  #pattern = "";
  #hold = "";
  #terminated = true;
  #lastRegExp: RegExp | undefined;
  #queue: string[] = [];

  constructor(tool: Tool, commands: readonly Command[], quiet: boolean, end: string) {
    this.#tool = tool;
    this.#commands = commands;
    this.#quiet = quiet;
    this.#end = end;
    for (const command of commands) {
      command.active = false;
      command.endLine = 0;
    }
  }

  *#emit(text: string, terminated = true): Task<void> {
    const out = text + (terminated ? this.#end : "");
    if (this.capture !== undefined) this.capture += out;
    else yield* this.#tool.text(out);
  }

  /** Makes sure a line (or the end) is in the buffer. */
  *#fill(): Task<boolean> {
    for (;;) {
      if (this.#buffer.includes(this.#end) || (this.#ended && this.#buffer !== "")) return true;
      if (!this.#file || this.#ended) {
        this.#file?.release();
        this.#file = undefined;
        if (this.#next >= this.#paths.length) return false;
        const path = this.#paths[this.#next++]!;
        try {
          this.#file = this.#tool.openInput(path);
          this.#current = path;
          this.#ended = false;
          this.#decoder = new Utf8Decoder();
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          this.unreadable = true;
          yield* this.#tool.error(
            error.code === "EISDIR"
              ? this.capture !== undefined
                ? `couldn't edit ${path}: not a regular file`
                : `couldn't read ${path}: ${error.text}`.replace(`couldn't read ${path}`, `read error on ${path}`)
              : this.#tool.flavour === "gnu"
                ? `can't read ${path}: ${error.text}`
                : `${path}: ${error.text}`,
          );
        }
        continue;
      }
      const chunk = yield* this.#tool.read(this.#file);
      if (chunk === NO_BYTES) {
        this.#ended = true;
        this.#buffer += this.#decoder.flush();
      } else this.#buffer += this.#decoder.push(chunk);
    }
  }

  *#readLine(): Task<string | undefined> {
    if (!(yield* this.#fill())) return undefined;
    const at = this.#buffer.indexOf(this.#end);
    this.#terminated = at >= 0;
    const line = at < 0 ? this.#buffer : this.#buffer.slice(0, at);
    this.#buffer = at < 0 ? "" : this.#buffer.slice(at + 1);
    this.#line++;
    return line;
  }

  *#isLast(): Task<boolean> {
    return !(yield* this.#fill());
  }

  *over(paths: readonly string[]): Task<number> {
    this.#paths = paths;
    const needsLast = this.#commands.some(
      (command) => command.from?.kind === "last" || command.to?.kind === "last" || /[nN]/.test(command.name),
    );
    try {
      for (;;) {
        const line = yield* this.#readLine();
        if (line === undefined) break;
        this.#pattern = line;
        let code = yield* this.#cycle(needsLast);
        while (code === "again") code = yield* this.#cycle(needsLast);
        if (typeof code === "number") {
          this.quit = true;
          return code;
        }
      }
    } finally {
      this.#file?.release();
    }
    return this.unreadable ? 2 : 0;
  }

  /** Runs the script once on the pattern space. A number ends sed; "again" restarts without reading (D). */
  *#cycle(_needsLast: boolean): Task<number | "again" | undefined> {
    let substituted = false;
    for (let at = 0; at < this.#commands.length; at++) {
      const command = this.#commands[at]!;
      if ((yield* this.#selects(command)) === command.negated) {
        if (command.name === "{") at = command.target - 1;
        continue;
      }
      switch (command.name) {
        case "s":
          if (yield* this.#substitute(command)) substituted = true;
          break;
        case "d":
          yield* this.#flushQueue();
          return undefined;
        case "D": {
          const end = this.#pattern.indexOf("\n");
          if (end < 0) {
            yield* this.#flushQueue();
            return undefined;
          }
          this.#pattern = this.#pattern.slice(end + 1);
          yield* this.#flushQueue();
          return "again";
        }
        case "p":
          yield* this.#emit(this.#pattern);
          break;
        case "P":
          yield* this.#emit(this.#pattern.split("\n")[0]!);
          break;
        case "=":
          yield* this.#emit(String(this.#line));
          break;
        case "n":
          if (yield* this.#isLast()) {
            if (!this.#quiet) yield* this.#emit(this.#pattern, this.#terminated);
            yield* this.#flushQueue();
            return undefined;
          }
          if (!this.#quiet) yield* this.#emit(this.#pattern);
          yield* this.#flushQueue();
          this.#pattern = (yield* this.#readLine())!;
          break;
        case "N":
          if (yield* this.#isLast()) {
            if (!this.#quiet) yield* this.#emit(this.#pattern, this.#terminated);
            yield* this.#flushQueue();
            return undefined;
          }
          yield* this.#flushQueue();
          this.#pattern += `\n${(yield* this.#readLine())!}`;
          break;
        case "g":
          this.#pattern = this.#hold;
          break;
        case "G":
          this.#pattern += `\n${this.#hold}`;
          break;
        case "h":
          this.#hold = this.#pattern;
          break;
        case "H":
          this.#hold += `\n${this.#pattern}`;
          break;
        case "x":
          [this.#pattern, this.#hold] = [this.#hold, this.#pattern];
          break;
        case "z":
          this.#pattern = "";
          break;
        case "F":
          yield* this.#emit(this.#current);
          break;
        case "y":
          this.#pattern = [...this.#pattern].map((ch) => command.map!.get(ch) ?? ch).join("");
          break;
        case "a":
          this.#queue.push(`${command.text}\n`);
          break;
        case "i":
          yield* this.#emit(command.text);
          break;
        case "c":
          if (!command.to || command.negated || !command.active) yield* this.#emit(command.text);
          yield* this.#flushQueue();
          return undefined;
        case "r": {
          const node = this.#tool.process.fs.find(this.#tool.process.path(command.text));
          if (node?.kind === "file") this.#queue.push(decodeUtf8(node.read()));
          break;
        }
        case "w":
          this.#write(command.text, this.#pattern);
          break;
        case "l":
          yield* this.#emit(`${listed(this.#pattern)}$`);
          break;
        case "q":
          if (!this.#quiet) yield* this.#emit(this.#pattern, this.#terminated);
          yield* this.#flushQueue();
          return Number(command.text || 0);
        case "Q":
          return Number(command.text || 0);
        case "b":
          at = command.target - 1;
          break;
        case "t":
          if (substituted) {
            substituted = false;
            at = command.target - 1;
          }
          break;
        case "T":
          if (!substituted) at = command.target - 1;
          substituted = false;
          break;
      }
    }
    if (!this.#quiet) yield* this.#emit(this.#pattern, this.#terminated);
    yield* this.#flushQueue();
    return undefined;
  }

  *#flushQueue(): Task<void> {
    for (const text of this.#queue.splice(0)) yield* this.#emit(text, false);
  }

  #written = new Set<string>();

  #write(path: string, text: string): void {
    const full = this.#tool.process.path(path);
    if (path === "/dev/stdout") return;
    if (!this.#written.has(full)) this.#tool.process.fs.writeFile(full, NO_BYTES);
    this.#written.add(full);
    this.#tool.process.fs.appendFile(full, encodeUtf8(`${text}\n`));
  }

  *#matches(address: Address): Task<boolean> {
    switch (address.kind) {
      case "line":
        return this.#line === address.line;
      case "last":
        return yield* this.#isLast();
      case "step":
        return address.step === 0
          ? this.#line === address.first
          : this.#line >= address.first && (this.#line - address.first) % address.step === 0;
      case "match": {
        const regexp = address.regexp ?? this.#lastRegExp;
        if (!regexp) return false;
        this.#lastRegExp = regexp;
        regexp.lastIndex = 0;
        return regexp.test(this.#pattern);
      }
      default:
        return false;
    }
  }

  *#selects(command: Command): Task<boolean> {
    const { from, to } = command;
    if (!from) return true;
    if (!to) return yield* this.#matches(from);
    if (!command.active) {
      // `0,/re/` may end at the first line itself.
      const fromZero = from.kind === "line" && from.line === 0 && command.endLine === 0;
      if (fromZero) {
        command.endLine = -1;
        if (!(to.kind === "match" && (yield* this.#matches(to)))) command.active = true;
        return true;
      }
      if (!(yield* this.#matches(from))) return false;
      if (to.kind === "plus") command.endLine = this.#line + to.count;
      else if (to.kind === "multiple") command.endLine = to.of > 0 ? Math.ceil(this.#line / to.of) * to.of : this.#line;
      else if (to.kind === "line") command.endLine = to.line;
      else command.endLine = Number.POSITIVE_INFINITY;
      command.active = this.#line < command.endLine && !(to.kind === "last" && (yield* this.#isLast()));
      return true;
    }
    if (to.kind === "match" || to.kind === "last") {
      if (yield* this.#matches(to)) command.active = false;
      return true;
    }
    if (this.#line >= command.endLine) command.active = false;
    return this.#line <= command.endLine;
  }

  *#substitute(command: Command): Task<boolean> {
    const regexp = command.regexp ?? this.#lastRegExp;
    if (!regexp) return false;
    this.#lastRegExp = regexp;
    const text = this.#pattern;
    regexp.lastIndex = 0;
    let out = "";
    let last = 0;
    let count = 0;
    let done = false;
    let matchEnd = -1;
    for (let match = regexp.exec(text); match; match = regexp.exec(text)) {
      // An empty match right after the one before does not count.
      const isEmpty = match[0] === "";
      if (!(isEmpty && match.index === matchEnd)) {
        count++;
        if (count >= (command.flags.number || 1)) {
          out += text.slice(last, match.index) + render(command.replacement, match);
          last = match.index + match[0].length;
          done = true;
          if (!command.flags.global) break;
        }
      }
      matchEnd = match.index + match[0].length;
      if (isEmpty) regexp.lastIndex++;
      if (regexp.lastIndex > text.length) break;
    }
    if (!done) return false;
    this.#pattern = out + text.slice(last);
    if (command.flags.print) yield* this.#emit(this.#pattern);
    if (command.flags.write) this.#write(command.flags.write, this.#pattern);
    return true;
  }
}

const listed = (text: string): string =>
  encodeUtf8(text).replace(
    /[\x00-\x1f\x7f-\xff\\]/g,
    (ch) =>
      ({ "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "\x07": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v" })[
        ch
      ] ?? `\\${ch.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
