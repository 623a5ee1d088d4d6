/** find and xargs. */
import { type Bytes, decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Inode } from "../../os/inode";
import { PipeBuffer, PipeReader, NullDevice } from "../../os/open-file";
import { basename, dirname } from "../../os/path";
import { byCodePoint } from "../glob";
import { matchesPattern } from "../pattern";
import { strftime } from "../strftime";
import { type Tool, type ToolRun, quoteName } from "../tool";
import { applyMode, permissions } from "./files";
import { sizeOf, typeLetter } from "./ls";
import { groupName, userId, userName } from "./users";

interface Found {
  readonly path: string;
  readonly full: string;
  readonly node: Inode;
  readonly depth: number;
  readonly root: string;
}

type Test = (found: Found) => Task<boolean>;

interface Walk {
  maxDepth: number;
  minDepth: number;
  depthFirst: boolean;
  follow: boolean;
  pruned: boolean;
  quits: boolean;
  status: number;
  readonly batches: { readonly argv: readonly string[]; readonly paths: string[] }[];
}

export const find: ToolRun = function* (tool) {
  const args = [...tool.args];
  const walk: Walk = {
    maxDepth: Number.POSITIVE_INFINITY,
    minDepth: 0,
    depthFirst: false,
    follow: false,
    pruned: false,
    quits: false,
    status: 0,
    batches: [],
  };
  while (/^-[HLP]$/.test(args[0] ?? "")) walk.follow = args.shift() === "-L";
  const roots: string[] = [];
  while (args.length > 0 && !/^[-(!)]/.test(args[0]!)) roots.push(args.shift()!);
  const parser = new ExpressionParser(tool, args, walk);
  const test = yield* parser.whole();
  for (const root of roots.length ? roots : ["."]) {
    const full = tool.process.path(root);
    const node = tool.process.fs.find(full, { followLast: walk.follow });
    if (!node) {
      yield* tool.error(
        tool.flavour === "gnu"
          ? `${tool.quote(root)}: No such file or directory`
          : `${root}: No such file or directory`,
      );
      walk.status = 1;
      continue;
    }
    yield* visit(tool, { path: root, full, node, depth: 0, root }, test, walk);
    if (walk.quits) break;
  }
  for (const { argv, paths } of walk.batches) {
    if (paths.length === 0) continue;
    yield* tool.flush();
    if ((yield* runProgram(tool, [...argv, ...paths])) !== 0) walk.status = 1;
  }
  return walk.status;
};

function* visit(tool: Tool, found: Found, test: Test, walk: Walk): Task<void> {
  if (walk.quits) return;
  walk.pruned = false;
  const counts = found.depth >= walk.minDepth;
  if (!walk.depthFirst && counts) yield* test(found);
  if (found.node.kind === "dir" && !walk.pruned && found.depth < walk.maxDepth && !walk.quits) {
    for (const name of found.node.names().sort(byCodePoint)) {
      const full = `${found.full === "/" ? "" : found.full}/${name}`;
      const node =
        tool.process.fs.find(full, { followLast: walk.follow }) ?? tool.process.fs.find(full, { followLast: false });
      if (node)
        yield* visit(
          tool,
          { path: `${found.path.replace(/\/$/, "")}/${name}`, full, node, depth: found.depth + 1, root: found.root },
          test,
          walk,
        );
    }
  }
  walk.pruned = false;
  if (walk.depthFirst && counts && !walk.quits) yield* test(found);
}

function* runProgram(tool: Tool, argv: readonly string[], stdin?: Bytes): Task<number> {
  try {
    const files = new Map(tool.process.files);
    if (stdin !== undefined) {
      const buffer = new PipeBuffer();
      buffer.push(stdin);
      buffer.end();
      files.set(0, new PipeReader(buffer));
    }
    yield* tool.process.compute(1);
    const child = tool.process.spawn({ argv, files });
    return (yield* tool.process.wait(child)).code;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.error(`${tool.name === "xargs" ? `${argv[0]}` : tool.quote(argv[0]!)}: ${error.text}`);
    return error.code === "ENOENT" ? 127 : 126;
  }
}

class ExpressionParser {
  readonly #tool: Tool;
  readonly #args: string[];
  readonly #walk: Walk;
  #acts = false;

  constructor(tool: Tool, args: string[], walk: Walk) {
    this.#tool = tool;
    this.#args = args;
    this.#walk = walk;
  }

  *whole(): Task<Test> {
    const tool = this.#tool;
    const test: Test = this.#args.length ? yield* this.#or() : yes;
    if (this.#args.length > 0)
      yield* tool.fail(
        this.#args[0] === ")"
          ? "invalid expression; you have used a binary operator '-o' with nothing before it.".replace(
              /you.*/,
              "you have too many ')'",
            )
          : `paths must precede expression: \`${this.#args[0]}'`,
      );
    if (this.#acts) return test;
    return function* (found) {
      if (yield* test(found)) yield* tool.text(`${found.path}\n`);
      return true;
    };
  }

  *#or(): Task<Test> {
    let left = yield* this.#and();
    while (this.#args[0] === "-o" || this.#args[0] === "-or" || this.#args[0] === ",") {
      const isComma = this.#args.shift() === ",";
      const a = left;
      const b = yield* this.#and();
      left = function* (found) {
        const first = yield* a(found);
        return isComma ? yield* b(found) : first || (yield* b(found));
      };
    }
    return left;
  }

  *#and(): Task<Test> {
    let left = yield* this.#not();
    while (this.#args.length > 0 && !/^(-o|-or|,|\))$/.test(this.#args[0]!)) {
      if (this.#args[0] === "-a" || this.#args[0] === "-and") this.#args.shift();
      const a = left;
      const b = yield* this.#not();
      left = function* (found) {
        return (yield* a(found)) && (yield* b(found));
      };
    }
    return left;
  }

  *#not(): Task<Test> {
    if (this.#args[0] === "!" || this.#args[0] === "-not") {
      this.#args.shift();
      const inner = yield* this.#not();
      return function* (found) {
        return !(yield* inner(found));
      };
    }
    if (this.#args[0] === "(") {
      this.#args.shift();
      const inner = yield* this.#or();
      if (this.#args.shift() !== ")")
        yield* this.#tool.fail("invalid expression; I was expecting to find a ')' somewhere but did not see one.");
      return inner;
    }
    return yield* this.#primary();
  }

  *#value(name: string): Task<string> {
    const value = this.#args.shift();
    if (value === undefined) yield* this.#tool.fail(`missing argument to \`${name}'`);
    return value!;
  }

  *#primary(): Task<Test> {
    const tool = this.#tool;
    const walk = this.#walk;
    const name = this.#args.shift()!;
    const { process } = tool;
    const plain = (accept: (found: Found) => boolean): Test =>
      function* (found) {
        return accept(found);
      };
    switch (name) {
      case "-name":
      case "-iname": {
        const pattern = yield* this.#value(name);
        return plain((found) => matchesPattern(basename(found.path) || found.path, pattern, name === "-iname"));
      }
      case "-path":
      case "-wholename":
      case "-ipath": {
        const pattern = yield* this.#value(name);
        return plain((found) => matchesPattern(found.path, pattern, name === "-ipath"));
      }
      case "-regex":
      case "-iregex": {
        const source = yield* this.#value(name);
        const regexp = new RegExp(
          `^(?:${source
            .replace(/\\([(){}|])/g, "\0$1")
            .replace(/[(){}|]/g, "\\$&")
            .replace(/\0\\([(){}|])/g, "$1")})$`,
          name === "-iregex" ? "i" : "",
        );
        return plain((found) => regexp.test(found.path));
      }
      case "-type": {
        const types = (yield* this.#value(name)).split(",");
        for (const type of types)
          if (!/^[bcdpflsD]$/.test(type)) yield* tool.fail(`Unknown argument to -type: ${type}`);
        return plain((found) => types.includes(typeLetter(found.node).replace("-", "f")));
      }
      case "-empty":
        return plain((found) =>
          found.node.kind === "dir"
            ? found.node.names().length === 0
            : found.node.kind === "file" && found.node.size === 0,
        );
      case "-size": {
        const text = yield* this.#value(name);
        const match = /^([-+]?)(\d+)([bcwkMG]?)$/.exec(text);
        if (!match) yield* tool.fail(`Invalid argument \`${text}' to -size`);
        const unit = { "": 512, b: 512, c: 1, w: 2, k: 1024, M: 1 << 20, G: 1 << 30 }[match![3] as ""];
        return plain((found) => compareCount(match![1]!, Math.ceil(sizeOf(found.node) / unit), Number(match![2])));
      }
      case "-mtime":
      case "-mmin":
      case "-ctime":
      case "-atime":
      case "-cmin":
      case "-amin": {
        const text = yield* this.#value(name);
        const match = /^([-+]?)(\d+)$/.exec(text);
        if (!match) yield* tool.fail(`invalid argument \`${text}' to \`${name}'`);
        const unit = name.endsWith("min") ? 60_000 : 86_400_000;
        return plain((found) =>
          compareCount(
            match![1]!,
            name.endsWith("min")
              ? Math.ceil((process.now() - found.node.mtime) / unit)
              : Math.floor((process.now() - found.node.mtime) / unit),
            Number(match![2]),
          ),
        );
      }
      case "-newer": {
        const path = yield* this.#value(name);
        const node = process.fs.find(process.path(path));
        if (!node) yield* tool.fail(`${quoteName(path)}: No such file or directory`);
        return plain((found) => found.node.mtime > node!.mtime);
      }
      case "-user": {
        const id = userId(process, yield* this.#value(name));
        return plain((found) => found.node.uid === id);
      }
      case "-perm": {
        const text = yield* this.#value(name);
        const mode = applyMode(text.replace(/^[-/]/, ""), 0, false, 0) ?? 0;
        return plain((found) =>
          text.startsWith("-")
            ? (found.node.mode & mode) === mode
            : text.startsWith("/")
              ? (found.node.mode & mode) !== 0 || mode === 0
              : (found.node.mode & 0o7777) === mode,
        );
      }
      case "-executable":
        return plain((found) => (found.node.mode & 0o111) !== 0);
      case "-readable":
      case "-writable":
        return yes;
      case "-maxdepth":
      case "-mindepth": {
        const text = yield* this.#value(name);
        if (!/^\d+$/.test(text))
          yield* tool.fail(`Expected a positive decimal integer argument to ${name}, but got ${tool.quote(text)}`);
        if (name === "-maxdepth") walk.maxDepth = Number(text);
        else walk.minDepth = Number(text);
        return yes;
      }
      case "-depth":
        walk.depthFirst = true;
        return yes;
      case "-xdev":
      case "-mount":
      case "-follow":
        return yes;
      case "-true":
        return yes;
      case "-false":
        return plain(() => false);
      case "-prune":
        return plain(() => {
          walk.pruned = true;
          return true;
        });
      case "-quit":
        this.#acts = true;
        return plain(() => {
          walk.quits = true;
          return true;
        });
      case "-print":
      case "-print0":
        this.#acts = true;
        return function* (found) {
          yield* tool.text(found.path + (name === "-print" ? "\n" : "\0"));
          return true;
        };
      case "-ls":
        this.#acts = true;
        return function* (found) {
          yield* tool.text(
            `${typeLetter(found.node)}${permissions(found.node.mode)} ${userName(process, found.node.uid)} ${groupName(process, found.node.gid)} ${sizeOf(found.node)} ${strftime("%b %e %H:%M", found.node.mtime)} ${found.path}\n`,
          );
          return true;
        };
      case "-printf": {
        this.#acts = true;
        const format = yield* this.#value(name);
        return function* (found) {
          yield* tool.text(formatFound(tool, format, found));
          return true;
        };
      }
      case "-delete":
        this.#acts = true;
        walk.depthFirst = true;
        return function* (found) {
          if (found.path === ".") return true;
          try {
            if (found.node.kind === "dir") process.fs.removeDir(found.full);
            else process.fs.unlink(found.full);
            return true;
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
            yield* tool.error(`cannot delete ${tool.quote(found.path)}: ${error.text}`);
            walk.status = 1;
            return false;
          }
        };
      case "-exec":
      case "-execdir":
      case "-ok":
        return yield* this.#exec(name);
      default:
        if (name.startsWith("-")) yield* tool.fail(`unknown predicate \`${name}'`);
        return yield* tool.fail(`paths must precede expression: \`${name}'`);
    }
  }

  *#exec(name: string): Task<Test> {
    const tool = this.#tool;
    this.#acts = true;
    const argv: string[] = [];
    for (;;) {
      const arg = this.#args.shift();
      if (arg === undefined) yield* tool.fail(`missing argument to \`${name}'`);
      if (arg === ";") break;
      if (arg === "+" && argv.at(-1) === "{}") {
        const batch = { argv: argv.slice(0, -1), paths: [] as string[] };
        this.#walk.batches.push(batch);
        return function* (found) {
          batch.paths.push(found.path);
          return true;
        };
      }
      argv.push(arg!);
    }
    return function* (found) {
      yield* tool.flush();
      const path = name === "-execdir" ? `./${basename(found.path)}` : found.path;
      return (
        (yield* runProgram(
          tool,
          argv.map((arg) => arg.replaceAll("{}", path)),
        )) === 0
      );
    };
  }
}

const yes: Test = function* () {
  return true;
};

const compareCount = (sign: string, value: number, limit: number): boolean =>
  sign === "+" ? value > limit : sign === "-" ? value < limit : value === limit;

function formatFound(tool: Tool, format: string, found: Found): string {
  const { node } = found;
  return format.replace(
    /%(-?\d*)(T[@a-zA-Z+]|[a-zA-Z%])|\\([abfnrtv0\\]|[0-7]{1,3})/g,
    (_all, width: string, verb: string | undefined, escaped: string | undefined) => {
      if (escaped !== undefined) return { n: "\n", t: "\t", "\\": "\\", "0": "\0", r: "\r", a: "\x07" }[escaped] ?? "";
      const text = ((): string => {
        switch (verb![0]) {
          case "p":
            return found.path;
          case "f":
            return basename(found.path) || found.path;
          case "h":
            return dirname(found.path);
          case "P":
            return found.path === found.root ? "" : found.path.slice(found.root.length).replace(/^\//, "");
          case "s":
            return String(sizeOf(node));
          case "m":
            return node.mode.toString(8);
          case "M":
            return typeLetter(node) + permissions(node.mode);
          case "u":
            return userName(tool.process, node.uid);
          case "g":
            return groupName(tool.process, node.gid);
          case "U":
            return String(node.uid);
          case "G":
            return String(node.gid);
          case "y":
            return typeLetter(node).replace("-", "f");
          case "d":
            return String(found.depth);
          case "l":
            return node.kind === "symlink" ? node.target : "";
          case "t":
            return strftime("%a %b %e %T.%N0 %Y", node.mtime);
          case "T":
            return verb === "T@" ? (node.mtime / 1000).toFixed(10) : strftime(`%${verb![1]}`, node.mtime);
          default:
            return "%";
        }
      })();
      return width === "" ? text : width.startsWith("-") ? text.padEnd(-Number(width)) : text.padStart(Number(width));
    },
  );
}

export const xargs: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "0a:d:E:I:i::L:n:oP:prs:tx",
    long: {
      null: "0",
      "arg-file=": "a",
      "delimiter=": "d",
      "replace=?": "i",
      "max-lines=": "L",
      "max-args=": "n",
      interactive: "p",
      "no-run-if-empty": "r",
      "max-chars=": "s",
      verbose: "t",
      "max-procs=": "P",
      exit: "x",
    },
    posix: true,
  });
  const source = options.value("a");
  const text = decodeUtf8(source === undefined ? yield* tool.readAllOf("-") : yield* tool.readAllOf(source));
  const replace = options.value("I") ?? (options.has("i") ? (options.value("i") ?? "{}") : undefined);
  const delimiter = options.has("0")
    ? "\0"
    : options.value("d")?.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0");
  let items: string[];
  let lines: string[][] | undefined;
  if (delimiter !== undefined) {
    items = text.split(delimiter);
    if (items.at(-1) === "") items.pop();
  } else if (replace !== undefined)
    items = text
      .split("\n")
      .map((line) => line.trimStart())
      .filter((line) => line !== "")
      .map((line) => splitQuoted(line, true)[0] ?? "");
  else {
    const quoted = splitQuoted(text);
    if (quoted.unmatched)
      yield* tool.fail(
        `unmatched ${quoted.unmatched === '"' ? "double" : "single"} quote; by default quotes are special to xargs unless you use the -0 option`,
      );
    items = quoted;
    if (options.has("L"))
      lines = text
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => splitQuoted(line));
  }
  const command = options.operands.length ? options.operands : ["echo"];
  const calls: string[][] = [];
  const max = options.value("n") === undefined ? Number.POSITIVE_INFINITY : Number(options.value("n"));
  if (replace !== undefined) for (const item of items) calls.push(command.map((arg) => arg.replaceAll(replace, item)));
  else if (lines) {
    const perCall = Number(options.value("L"));
    for (let i = 0; i < lines.length; i += perCall) calls.push([...command, ...lines.slice(i, i + perCall).flat()]);
  } else if (items.length === 0) {
    if (!options.has("r") && tool.flavour === "gnu") calls.push([...command]);
    else if (!options.has("r")) calls.push([...command]);
  } else {
    let call: string[] = [];
    let size = 0;
    for (const item of items) {
      if (call.length >= max || size + item.length > 120_000) {
        calls.push([...command, ...call]);
        call = [];
        size = 0;
      }
      call.push(item);
      size += item.length + 1;
    }
    calls.push([...command, ...call]);
  }
  let status = 0;
  const parallel = Math.max(1, Number(options.value("P") ?? 1) || calls.length);
  for (let i = 0; i < calls.length; i += parallel) {
    const group = calls.slice(i, i + parallel);
    if (options.has("t")) for (const argv of group) yield* tool.process.printError(`${argv.join(" ")}\n`);
    const codes: number[] = [];
    if (parallel === 1) codes.push(yield* runProgram(tool, group[0]!, "" as Bytes));
    else {
      const children = [];
      for (const argv of group) {
        try {
          children.push(
            tool.process.spawn({ argv, files: new Map(tool.process.files).set(0, new NullDevice("null")) }),
          );
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          yield* tool.error(`${argv[0]}: ${error.text}`);
          codes.push(127);
        }
      }
      for (const child of children) codes.push((yield* tool.process.wait(child)).code);
    }
    for (const code of codes) {
      if (code === 127 || code === 126) return code;
      if (code === 255) {
        yield* tool.error(`${command[0]}: exited with status 255; aborting`);
        return 124;
      }
      if (code !== 0) status = 123;
    }
  }
  return status;
};

type Items = string[] & { unmatched?: string };

/** Words with xargs' quoting; with `whole` the text is one word. */
function splitQuoted(text: string, whole = false): Items {
  const out: Items = [];
  let word = "";
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!;
    if (ch === "'" || ch === '"') {
      const end = text.indexOf(ch, i + 1);
      const line = text.indexOf("\n", i + 1);
      if (end < 0 || (line >= 0 && line < end)) {
        out.unmatched = ch;
        return out;
      }
      word += text.slice(i + 1, end);
      inWord = true;
      i = end;
    } else if (ch === "\\") {
      word += text[++i] ?? "";
      inWord = true;
    } else if (/\s/.test(ch) && !whole) {
      if (inWord) out.push(word);
      word = "";
      inWord = false;
    } else {
      word += ch;
      inWord = true;
    }
  }
  if (inWord) out.push(word);
  return out;
}
