/** grep: searches whole chunks with one regular expression, and looks at single lines only where options ask for it. */
import type { Task } from "../../base/task";
import type { SysError } from "../../os/errno";
import type { OpenFile } from "../../os/open-file";
import { byCodePoint } from "../glob";
import { matchesPattern } from "../pattern";
import { translate } from "../regex";
import { type Tool, ToolFailure, type ToolRun } from "../tool";

interface View {
  readonly pattern: RegExp;
  readonly invert: boolean;
  readonly count: boolean;
  readonly only: boolean;
  readonly quiet: boolean;
  readonly list: "with" | "without" | undefined;
  readonly numbers: boolean;
  readonly byteOffsets: boolean;
  readonly names: boolean;
  readonly max: number;
  readonly before: number;
  readonly after: number;
  readonly color: boolean;
}

export const grep: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  tool.busyboxOpens = false;
  // `-5` is context.
  const args = tool.args.map((arg) => (/^-\d+$/.test(arg) ? `-C${arg.slice(1)}` : arg));
  const options = yield* tool.options(
    {
      short: "EFGPe:f:ivwxzcm:oqsbHhnAL".replace("A", "A:B:C:D:lTUd:rRIay"),
      long: {
        "extended-regexp": "E",
        "fixed-strings": "F",
        "basic-regexp": "G",
        "perl-regexp": "P",
        "regexp=": "e",
        "file=": "f",
        "ignore-case": "i",
        "no-ignore-case": "noi",
        "invert-match": "v",
        "word-regexp": "w",
        "line-regexp": "x",
        count: "c",
        "max-count=": "m",
        "only-matching": "o",
        quiet: "q",
        silent: "q",
        "no-messages": "s",
        "byte-offset": "b",
        "with-filename": "H",
        "no-filename": "h",
        "line-number": "n",
        "line-buffered": "lb",
        "after-context=": "A",
        "before-context=": "B",
        "context=": "C",
        "files-with-matches": "l",
        "files-without-match": "L",
        "initial-tab": "T",
        recursive: "r",
        "dereference-recursive": "R",
        "include=": "include",
        "exclude=": "exclude",
        "exclude-dir=": "xdir",
        text: "a",
        "color=?": "color",
        "colour=?": "color",
        "null-data": "z",
        "binary-files=": "bf",
      },
    },
    args,
  );
  const operands = [...options.operands];
  const patterns: string[] = [];
  for (const value of options.values("e")) patterns.push(...value.split("\n"));
  for (const path of options.values("f")) {
    const text = (yield* readPatterns(tool, path)).replace(/\n$/, "");
    if (text !== "") patterns.push(...text.split("\n"));
  }
  if (patterns.length === 0 && !options.has("e") && !options.has("f")) {
    const first = operands.shift();
    if (first === undefined) {
      yield* tool.process.printError(
        tool.flavour === "gnu"
          ? `Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n`
          : "BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: grep [-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...\n",
      );
      return tool.flavour === "gnu" ? 2 : 1;
    }
    patterns.push(...first.split("\n"));
  }
  const style =
    tool.name === "egrep"
      ? "E"
      : tool.name === "fgrep"
        ? "F"
        : (options.all.findLast((option) => /^[EFGP]$/.test(option.key))?.key ?? "G");
  const pattern = yield* compile(tool, patterns, style, {
    word: options.has("w"),
    line: options.has("x"),
    ignoreCase: options.has("i") || options.has("y"),
  });
  const recursive = options.has("r") || options.has("R");
  const files = recursive ? expandTrees(tool, operands.length ? operands : ["."], options) : operands;
  const context = options.value("C");
  for (const key of ["A", "B", "C", "m"]) {
    const value = options.value(key);
    if (value !== undefined && !/^\d+$/.test(value))
      yield* tool.fail(key === "m" ? "invalid max count" : `${value}: invalid context length argument`, 2);
  }
  const colorOption = options.all.findLast((option) => option.key === "color");
  const view: View = {
    pattern,
    invert: options.has("v"),
    count: options.has("c"),
    only: options.has("o"),
    quiet: options.has("q"),
    list: options.has("l") ? "with" : options.has("L") ? "without" : undefined,
    numbers: options.has("n"),
    byteOffsets: options.has("b"),
    names:
      options.has("H") ||
      (!options.has("h") &&
        (files.length > 1 ||
          (recursive &&
            !(operands.length === 1 && tool.process.fs.find(tool.process.path(operands[0]!))?.kind === "file")))),
    max: options.value("m") === undefined ? Number.POSITIVE_INFINITY : Number(options.value("m")),
    before: Number(options.value("B") ?? context ?? 0),
    after: Number(options.value("A") ?? context ?? 0),
    color:
      colorOption !== undefined &&
      (colorOption.value === "always" || ((colorOption.value ?? "auto") === "auto" && tool.isTerminal)),
  };
  let found = false;
  let failed = false;
  if (recursive && files.length === 0) return 1;
  for (const path of files.length ? files : ["-"]) {
    const fine = yield* tool.inputs(
      [path],
      function* (file) {
        if (yield* search(tool, file, path === "-" ? "(standard input)" : path, view)) found = true;
      },
      options.has("s") ? undefined : wordFailure,
    );
    if (!fine) failed = true;
    if (found && view.quiet) return 0;
  }
  return failed ? 2 : found ? 0 : 1;
};

const wordFailure = (path: string, error: SysError): string => `${path}: ${error.text}`;

function* readPatterns(tool: Tool, path: string): Task<string> {
  let text = "";
  const fine = yield* tool.inputs([path], function* (file) {
    yield* tool.lineChunks(file, function* (chunk) {
      text += chunk;
    });
  });
  if (!fine) throw new ToolFailure(2);
  return text;
}

function* compile(
  tool: Tool,
  patterns: readonly string[],
  style: string,
  how: { readonly word: boolean; readonly line: boolean; readonly ignoreCase: boolean },
): Task<RegExp> {
  const sources: string[] = [];
  for (const pattern of patterns) {
    if (style === "F") sources.push(pattern.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    else if (style === "P") sources.push(pattern.replace(/\(\?<([^>=!][^>]*)>/g, "(?<$1>").replace(/\\K/g, ""));
    else {
      const translated = translate(pattern, { extended: style === "E", lineBound: true });
      if (typeof translated !== "string") yield* tool.fail(translated.error, 2);
      sources.push(translated as string);
    }
  }
  let source = sources.map((each) => (sources.length > 1 ? `(?:${each})` : each)).join("|");
  if (patterns.length === 0) source = "(?!)";
  if (how.line) source = `^(?:${source})$`;
  else if (how.word) source = `(?<![\\p{L}\\p{N}_])(?:${source})(?![\\p{L}\\p{N}_])`;
  // Plain ASCII expressions run without the slower Unicode mode.
  const simple = /^[\x00-\x7f]*$/.test(source) && !/\\p|\.|\[\^|\[\\n\^/.test(source) && style !== "P";
  try {
    return new RegExp(source, `gm${simple ? "" : "u"}${how.ignoreCase ? "i" : ""}`);
  } catch {
    try {
      return new RegExp(source, `gm${how.ignoreCase ? "i" : ""}`);
    } catch {
      return yield* tool.fail("Invalid regular expression", 2);
    }
  }
}

function expandTrees(
  tool: Tool,
  roots: readonly string[],
  options: { values(key: string): readonly string[]; has(key: string): boolean },
): string[] {
  const out: string[] = [];
  const include = options.values("include");
  const exclude = options.values("exclude");
  const excludeDir = options.values("xdir");
  const visit = (path: string, name: string, isRoot: boolean): void => {
    const node = tool.process.fs.find(tool.process.path(path), { followLast: isRoot || options.has("R") });
    if (node?.kind === "dir") {
      if (!isRoot && excludeDir.some((pattern) => matchesPattern(name, pattern))) return;
      for (const child of node.names().sort(byCodePoint))
        visit(
          path === "." && isRoot && roots[0] === "." && roots.length === 1 && tool.args.at(-1) !== "."
            ? child
            : `${path.replace(/\/$/, "")}/${child}`,
          child,
          false,
        );
    } else if (!node && isRoot) out.push(path);
    else if (node?.kind === "file") {
      if (!isRoot && include.length > 0 && !include.some((pattern) => matchesPattern(name, pattern))) return;
      if (!isRoot && exclude.some((pattern) => matchesPattern(name, pattern))) return;
      out.push(path);
    }
  };
  for (const root of roots) visit(root, root, true);
  return out;
}

/** Searches one input; whether a line was selected. */
function* search(tool: Tool, file: OpenFile, name: string, view: View): Task<boolean> {
  let selected = 0;
  let binary = false;
  const plain =
    !view.invert &&
    !view.only &&
    !view.numbers &&
    !view.byteOffsets &&
    !view.names &&
    !view.color &&
    view.before === 0 &&
    view.after === 0;
  const state: LineState = { number: 0, offset: 0, lastShown: 0, pendingAfter: 0, before: [], shownAny: false };
  const silent = view.quiet || view.list !== undefined || view.count;
  yield* tool.lineChunks(file, function* (text) {
    if (!binary && text.includes("\0")) binary = true;
    if (plain || (silent && !view.invert)) {
      let out = "";
      const { pattern } = view;
      pattern.lastIndex = 0;
      for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
        // An empty match after the last newline is no line.
        if (match.index === text.length && text.endsWith("\n")) break;
        const start = text.lastIndexOf("\n", match.index - 1) + 1;
        let end = text.indexOf("\n", match.index);
        if (end < 0) end = text.length;
        selected++;
        if (!silent && !binary) out += text.slice(start, end) + "\n";
        if (selected >= view.max || view.quiet || view.list) break;
        pattern.lastIndex = end + 1;
        if (end + 1 >= text.length) break;
      }
      yield* tool.text(out);
      return !(
        selected >= view.max ||
        ((view.quiet || view.list !== undefined || binary) && selected > 0 && !view.count)
      );
    }
    return yield* eachLine(tool, text, name, view, state, () => ++selected, binary || silent);
  });
  if (view.list) {
    if ((view.list === "with") === selected > 0) yield* tool.text(`${name}\n`);
    return (view.list === "with") === selected > 0;
  }
  if (view.count && !view.quiet) yield* tool.text(`${view.names ? `${name}:` : ""}${selected}\n`);
  else if (binary && selected > 0 && !view.quiet)
    yield* tool.text(
      `${tool.flavour === "gnu" ? "grep: " : "Binary file "}${name}${tool.flavour === "gnu" ? ": binary file matches" : " matches"}\n`,
    );
  return selected > 0;
}

interface LineState {
  number: number;
  offset: number;
  lastShown: number;
  pendingAfter: number;
  before: { readonly number: number; readonly line: string }[];
  shownAny: boolean;
}

function* eachLine(
  tool: Tool,
  text: string,
  name: string,
  view: View,
  state: LineState,
  count: () => number,
  silent: boolean,
): Task<boolean> {
  const context = view.before > 0 || view.after > 0;
  let start = 0;
  let out = "";
  const prefix = (number: number, separator: string, offset?: number): string => {
    const paint = (code: string, value: string): string =>
      view.color ? `\x1b[${code}m\x1b[K${value}\x1b[m\x1b[K` : value;
    const mark = paint("36", separator);
    return `${view.names ? paint("35", name) + mark : ""}${view.numbers ? paint("32", String(number)) + mark : ""}${view.byteOffsets ? `${offset ?? state.offset}${mark}` : ""}`;
  };
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    const line = text.slice(start, end);
    state.number++;
    view.pattern.lastIndex = 0;
    const isMatch = view.pattern.test(line) !== view.invert;
    if (isMatch) {
      const total = count();
      if (!silent) {
        if (context && state.shownAny && state.lastShown < state.number - state.before.length - 1)
          out += view.color ? "\x1b[36m\x1b[K--\x1b[m\x1b[K\n" : "--\n";
        for (const old of state.before) out += `${prefix(old.number, "-")}${old.line}\n`;
        state.before = [];
        if (view.only && !view.invert) {
          view.pattern.lastIndex = 0;
          for (let match = view.pattern.exec(line); match; match = view.pattern.exec(line)) {
            if (match[0] === "") {
              view.pattern.lastIndex++;
              continue;
            }
            out += `${prefix(state.number, ":", state.offset + match.index)}${view.color ? `\x1b[01;31m\x1b[K${match[0]}\x1b[m\x1b[K` : match[0]}\n`;
          }
        } else if (!view.only) {
          const painted =
            view.color && !view.invert
              ? line.replace(view.pattern, (match) => (match === "" ? "" : `\x1b[01;31m\x1b[K${match}\x1b[m\x1b[K`))
              : line;
          out += `${prefix(state.number, ":")}${painted}\n`;
        }
        state.lastShown = state.number;
        state.shownAny = true;
        state.pendingAfter = view.after;
      }
      if (view.quiet || total >= view.max) {
        // After the last match its context still follows.
        yield* tool.text(out);
        if (total >= view.max && view.after > 0 && !silent) {
          let at = end + 1;
          for (let i = 0; i < view.after && at < text.length; i++) {
            let stop = text.indexOf("\n", at);
            if (stop < 0) stop = text.length;
            state.number++;
            yield* tool.text(`${prefix(state.number, "-")}${text.slice(at, stop)}\n`);
            at = stop + 1;
          }
        }
        return false;
      }
    } else if (!silent && state.pendingAfter > 0) {
      out += `${prefix(state.number, "-")}${line}\n`;
      state.pendingAfter--;
      state.lastShown = state.number;
    } else if (view.before > 0) {
      state.before.push({ number: state.number, line });
      if (state.before.length > view.before) state.before.shift();
    }
    state.offset += line.length + 1;
    start = end + 1;
  }
  yield* tool.text(out);
  return true;
}
