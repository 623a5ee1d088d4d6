/** cat, tac, rev, head, tail, echo, true, false, yes, seq, sleep, nproc, sync, clear … */
import { type Bytes, NO_BYTES, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import type { SysError } from "../../os/errno";
import { echoBytes } from "../builtins/output";
import { formatPrintf } from "../printf";
import type { Tool, ToolRun } from "../tool";

export const cat: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "AbeEnstTuv",
    long: {
      "show-all": "A",
      "number-nonblank": "b",
      "show-ends": "E",
      number: "n",
      "squeeze-blank": "s",
      "show-tabs": "T",
      "show-nonprinting": "v",
    },
  });
  const flags = new Set(options.all.map((option) => option.key));
  const shows = {
    ends: flags.has("A") || flags.has("e") || flags.has("E"),
    tabs: flags.has("A") || flags.has("t") || flags.has("T"),
    odd: flags.has("A") || flags.has("v") || flags.has("e") || flags.has("t"),
  };
  const plain = !shows.ends && !shows.tabs && !shows.odd && !flags.has("n") && !flags.has("b") && !flags.has("s");
  let number = 0;
  let atStart = true;
  let blanks = 0;
  const fine = yield* tool.inputs(options.operands, function* (file) {
    for (;;) {
      const chunk = yield* tool.read(file);
      if (chunk === NO_BYTES) return;
      if (plain) {
        yield* tool.bytes(chunk);
        continue;
      }
      let out = "";
      for (const line of chunk.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
        const ended = line.endsWith("\n");
        const body = ended ? line.slice(0, -1) : line;
        if (atStart && flags.has("s")) {
          blanks = body === "" && ended ? blanks + 1 : 0;
          if (blanks > 1) continue;
        }
        if (atStart && (flags.has("b") ? body !== "" : flags.has("n"))) out += `${String(++number).padStart(6)}\t`;
        let shown: string = body;
        if (shows.odd) shown = shown.replace(/[\x00-\x08\x0b-\x1f\x7f-\xff]/g, visible);
        if (shows.tabs) shown = shown.replaceAll("\t", "^I");
        out += shown + (ended ? `${shows.ends ? "$" : ""}\n` : "");
        atStart = ended;
      }
      yield* tool.bytes(out);
    }
  });
  return fine ? 0 : 1;
};

function visible(ch: string): string {
  const code = ch.charCodeAt(0);
  if (code === 127) return "^?";
  if (code < 32) return `^${String.fromCharCode(code + 64)}`;
  const low = code - 128;
  return `M-${low === 127 ? "^?" : low < 32 ? `^${String.fromCharCode(low + 64)}` : String.fromCharCode(low)}`;
}

export const tac: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "bs:r" });
  const fine = yield* tool.inputs(
    options.operands,
    function* (_file, path) {
      const text = yield* tool.readAllOf(path);
      const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
      yield* tool.bytes([...lines].reverse().join(""));
    },
    (path, error) => `failed to open '${path}' for reading: ${error.text}`,
  );
  return fine ? 0 : 1;
};

export const rev: ToolRun = function* (tool) {
  const fine = yield* tool.inputs(
    tool.args.filter((arg) => !/^-./.test(arg)),
    function* (file) {
      yield* tool.lines(file, function* (line, terminated) {
        yield* tool.text([...line].reverse().join("") + (terminated ? "\n" : ""));
      });
    },
    (path, error) => `cannot open ${path}: ${error.text}`,
  );
  return fine ? 0 : 1;
};

/** `10`, `-5`, `+3`, `2k`: a count with its sign and unit. */
function readCount(text: string): { readonly sign: string; readonly count: number } | undefined {
  const match = /^([-+]?)(\d+)(b|kB|K|k|KiB|MB|M|m|MiB|GB|G|GiB)?$/.exec(text);
  if (!match) return undefined;
  const units: Record<string, number> = {
    b: 512,
    kB: 1000,
    K: 1024,
    k: 1024,
    KiB: 1024,
    MB: 1e6,
    M: 1 << 20,
    m: 1 << 20,
    MiB: 1 << 20,
    GB: 1e9,
    G: 1 << 30,
    GiB: 1 << 30,
  };
  return { sign: match[1]!, count: Number(match[2]) * (match[3] ? units[match[3]]! : 1) };
}

function* header(tool: Tool, path: string, first: boolean): Task<void> {
  yield* tool.text(`${first ? "" : "\n"}==> ${path === "-" ? "standard input" : path} <==\n`);
}

const openFailure = (path: string, error: SysError): string =>
  error.code === "EISDIR"
    ? `error reading '${path}': ${error.text}`
    : `cannot open '${path}' for reading: ${error.text}`;

export const head: ToolRun = function* (tool) {
  const old = tool.args[0] !== undefined && /^-\d+$/.test(tool.args[0]);
  const args = old ? ["-n", tool.args[0]!.slice(1), ...tool.args.slice(1)] : tool.args;
  const options = yield* tool.options(
    { short: "c:n:qvz", long: { "bytes=": "c", "lines=": "n", quiet: "q", silent: "q", verbose: "v" } },
    args,
  );
  const byBytes = options.value("c");
  const text = byBytes ?? options.value("n") ?? "10";
  const amount = readCount(text);
  if (!amount)
    yield* tool.fail(
      tool.flavour === "gnu"
        ? `invalid number of ${byBytes === undefined ? "lines" : "bytes"}: ${tool.quote(text)}`
        : `invalid number '${text}'`,
    );
  const { sign, count } = amount!;
  const many = (options.operands.length > 1 || options.has("v")) && !options.has("q");
  let first = true;
  const fine = yield* tool.inputs(
    options.operands,
    function* (file, path) {
      if (many) yield* header(tool, path, first);
      first = false;
      if (sign === "-") {
        const all = yield* tool.readAllOf(path);
        if (byBytes !== undefined) yield* tool.bytes(all.slice(0, Math.max(0, all.length - count)));
        else {
          const lines = all.match(/[^\n]*\n|[^\n]+$/g) ?? [];
          yield* tool.bytes(lines.slice(0, Math.max(0, lines.length - count)).join(""));
        }
        return;
      }
      let left = count;
      while (left > 0) {
        const chunk = yield* tool.read(file, byBytes !== undefined ? Math.min(left, 65_536) : 65_536);
        if (chunk === NO_BYTES) return;
        if (byBytes !== undefined) {
          yield* tool.bytes(chunk);
          left -= chunk.length;
          continue;
        }
        let end = 0;
        while (left > 0 && end < chunk.length) {
          const at = chunk.indexOf("\n", end);
          if (at < 0) {
            end = chunk.length;
            break;
          }
          end = at + 1;
          left--;
        }
        yield* tool.bytes(chunk.slice(0, end));
      }
    },
    tool.flavour === "gnu" ? openFailure : undefined,
  );
  return fine ? 0 : 1;
};

export const tail: ToolRun = function* (tool) {
  const first = tool.args[0];
  const old = first !== undefined && /^[-+]\d+$/.test(first);
  const args = old ? ["-n", first[0] === "-" ? first.slice(1) : first, ...tool.args.slice(1)] : tool.args;
  const options = yield* tool.options(
    {
      short: "c:fFn:qs:v",
      long: {
        "bytes=": "c",
        "follow=?": "f",
        "lines=": "n",
        quiet: "q",
        silent: "q",
        retry: "R",
        "sleep-interval=": "s",
        verbose: "v",
        "pid=": "p",
      },
    },
    args,
  );
  const byBytes = options.value("c");
  const text = byBytes ?? options.value("n") ?? "10";
  const amount = readCount(text);
  if (!amount)
    yield* tool.fail(
      tool.flavour === "gnu"
        ? `invalid number of ${byBytes === undefined ? "lines" : "bytes"}: ${tool.quote(text)}`
        : `invalid number '${text}'`,
    );
  const { sign, count } = amount!;
  const many = (options.operands.length > 1 || options.has("v")) && !options.has("q");
  const follows = options.has("f") || options.has("F");
  const positions = new Map<string, number>();
  let isFirst = true;
  const fine = yield* tool.inputs(
    options.operands,
    function* (_file, path) {
      if (many) yield* header(tool, path, isFirst);
      isFirst = false;
      const all = path === "-" ? yield* readRest(tool) : yield* tool.readAllOf(path);
      positions.set(path, all.length);
      yield* tool.bytes(lastPart(all, sign, count, byBytes !== undefined));
    },
    tool.flavour === "gnu" ? openFailure : undefined,
  );
  if (follows)
    yield* follow(tool, options.operands.length ? options.operands : ["-"], positions, many, options.has("F"));
  return fine ? 0 : 1;
};

function* readRest(tool: Tool): Task<Bytes> {
  return yield* tool.readAllOf("-");
}

function lastPart(all: string, sign: string, count: number, bytes: boolean): string {
  if (bytes) return sign === "+" ? all.slice(Math.max(0, count - 1)) : count === 0 ? "" : all.slice(-count);
  if (sign === "+") {
    let at = 0;
    for (let line = 1; line < count; line++) {
      const end = all.indexOf("\n", at);
      if (end < 0) return "";
      at = end + 1;
    }
    return all.slice(at);
  }
  if (count === 0) return "";
  let at = all.endsWith("\n") ? all.length - 1 : all.length;
  for (let line = 0; line < count; line++) {
    if (at <= 0) return all;
    at = all.lastIndexOf("\n", at - 1);
    if (at < 0) return all;
  }
  return all.slice(at + 1);
}

/** `tail -f`: looks again every so often, as tail does where inotify is not there. */
function* follow(
  tool: Tool,
  paths: readonly string[],
  positions: Map<string, number>,
  many: boolean,
  byName: boolean,
): Task<void> {
  let last = paths.at(-1);
  const missing = new Set<string>();
  for (;;) {
    yield* tool.flush();
    yield* tool.process.sleep(100);
    for (const path of paths) {
      if (path === "-") continue;
      const node = tool.process.fs.find(tool.process.path(path));
      if (node?.kind !== "file") {
        if (!missing.has(path) && byName)
          yield* tool.error(`'${path}' has become inaccessible: No such file or directory`);
        missing.add(path);
        continue;
      }
      if (missing.delete(path) && byName) {
        yield* tool.error(`'${path}' has appeared;  following new file`);
        positions.set(path, 0);
      }
      const content = node.read();
      let from = positions.get(path) ?? 0;
      if (content.length < from) {
        yield* tool.error(`${path}: file truncated`);
        from = 0;
      }
      if (content.length > from) {
        if (many && last !== path) yield* header(tool, path, false);
        last = path;
        yield* tool.bytes(content.slice(from));
      }
      positions.set(path, content.length);
    }
  }
}

export const echo: ToolRun = function* (tool) {
  yield* tool.bytes(echoBytes(tool.args, false));
  return 0;
};

export const printf: ToolRun = function* (tool) {
  const [format, ...args] = tool.args[0] === "--" ? tool.args.slice(1) : tool.args;
  if (format === undefined) yield* tool.usage("missing operand");
  const { bytes, errors } = formatPrintf(format!, args, tool.process.now());
  yield* tool.bytes(bytes);
  for (const message of errors) {
    const invalid = /^(.*): invalid (?:octal )?number$/s.exec(message);
    yield* tool.error(
      invalid
        ? `'${invalid[1]}': ${/^[\s\d+-]/.test(invalid[1]!) && /\d/.test(invalid[1]!) ? "value not completely converted" : "expected a numeric value"}`
        : message,
    );
  }
  return errors.length > 0 ? 1 : 0;
};

export const yes: ToolRun = function* (tool) {
  const line = `${encodeUtf8(tool.args.join(" ") || "y")}\n`;
  const block = line.repeat(Math.max(1, Math.floor(8192 / line.length)));
  for (;;) {
    yield* tool.bytes(block);
    yield* tool.flush();
  }
};

export const succeed: ToolRun = function* () {
  return 0;
};

export const failQuietly: ToolRun = function* () {
  return 1;
};

export const seq: ToolRun = function* (tool) {
  const options = yield* readSeqOptions(tool);
  const { operands } = options;
  if (operands.length === 0) yield* tool.usage("missing operand");
  if (operands.length > 3) yield* tool.usage(`extra operand ${tool.quote(operands[3]!)}`);
  for (const operand of operands)
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(operand))
      yield* tool.usage(`invalid floating point argument: ${tool.quote(operand)}`);
  const first = operands.length > 1 ? Number(operands[0]) : 1;
  const step = operands.length > 2 ? Number(operands[1]) : 1;
  const last = Number(operands.at(-1));
  if (step === 0) yield* tool.usage(`invalid Zero increment value: ${tool.quote(operands[1]!)}`);
  const digits = Math.max(
    ...operands.slice(0, Math.max(1, operands.length - 1)).map((operand) => (operand.split(".")[1] ?? "").length),
    0,
  );
  const separator = options.value("s") ?? "\n";
  const format = options.value("f");
  const fixed = (value: number): string => value.toFixed(operands.length === 1 ? 0 : digits);
  const width = options.has("w") ? Math.max(fixed(first).length, fixed(last).length) : 0;
  let isFirst = true;
  for (let index = 0; ; index++) {
    const value = first + index * step;
    if (step > 0 ? value > last + 1e-10 : value < last - 1e-10) break;
    let text = format ? formatPrintf(format, [fixed(value)]).bytes : fixed(value);
    if (width) text = text.startsWith("-") ? `-${text.slice(1).padStart(width - 1, "0")}` : text.padStart(width, "0");
    yield* tool.bytes((isFirst ? "" : separator) + text);
    isFirst = false;
  }
  if (!isFirst) yield* tool.bytes("\n");
  return 0;
};

/** Negative numbers are operands, not options. */
function* readSeqOptions(tool: Tool) {
  const at = tool.args.findIndex((arg) => /^-[\d.]/.test(arg));
  const args = at < 0 ? tool.args : [...tool.args.slice(0, at), "--", ...tool.args.slice(at)];
  return yield* tool.options({ short: "f:s:w", long: { "format=": "f", "separator=": "s", "equal-width": "w" } }, args);
}

export const sleep: ToolRun = function* (tool) {
  if (tool.args.length === 0) yield* tool.usage("missing operand");
  let ms = 0;
  for (const arg of tool.args) {
    const parsed = parseInterval(arg);
    if (parsed === undefined) {
      if (tool.flavour === "busybox") yield* tool.fail(`invalid number '${arg}'`);
      yield* tool.usage(
        /^-./.test(arg) && !/^-\d/.test(arg)
          ? `invalid option -- '${arg[1]}'`
          : `invalid time interval ${tool.quote(arg)}`,
      );
    }
    ms += parsed!;
  }
  if (ms === Number.POSITIVE_INFINITY) for (;;) yield* tool.process.sleep(86_400_000);
  yield* tool.process.sleep(ms);
  return 0;
};

/** `1.5`, `2m`, `1h`, `infinity` in ms. */
export function parseInterval(text: string): number | undefined {
  if (/^inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  const match = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text);
  if (!match) return undefined;
  return (
    Number(match[1]) *
    { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as "" | "s" | "m" | "h" | "d"]
  );
}

export const clear: ToolRun = function* (tool) {
  yield* tool.text(tool.name === "reset" ? "\x1bc\x1b[!p\x1b[?3;4l\x1b[4l\x1b>" : "\x1b[H\x1b[2J\x1b[3J");
  return 0;
};

export const nproc: ToolRun = function* (tool) {
  yield* tool.text(`${tool.process.kernel.cpuCount}\n`);
  return 0;
};
