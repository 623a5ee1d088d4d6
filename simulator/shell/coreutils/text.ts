/** wc, cut, tr, sort, uniq, tee, paste, fold, nl, expand, comm, join, column, shuf, split, strings. */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { OpenFile } from "../../os/open-file";
import { byCodePoint } from "../glob";
import { interpretEscapes } from "../quoting";
import type { Tool, ToolRun } from "../tool";
import { textWidth } from "../width";
import { byVersion } from "./ls";

export const wc: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "clLmw",
    long: { bytes: "c", chars: "m", lines: "l", words: "w", "max-line-length": "L", "files0-from=": "F" },
  });
  const chosen = ["l", "w", "m", "c", "L"].filter((key) => options.has(key));
  const keys = chosen.length ? chosen : ["l", "w", "c"];
  const rows: { counts: Record<string, number>; path: string | undefined }[] = [];
  const total: Record<string, number> = { l: 0, w: 0, m: 0, c: 0, L: 0 };
  const fine = yield* tool.inputs(options.operands, function* (file, path) {
    const counts: Record<string, number> = { l: 0, w: 0, m: 0, c: 0, L: 0 };
    let inWord = false;
    let width = 0;
    for (;;) {
      const chunk = yield* tool.read(file);
      if (chunk === NO_BYTES) break;
      counts["c"]! += chunk.length;
      for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", at + 1)) counts["l"]!++;
      if (keys.includes("m"))
        for (let i = 0; i < chunk.length; i++) if ((chunk.charCodeAt(i) & 0xc0) !== 0x80) counts["m"]!++;
      if (keys.includes("w"))
        for (let i = 0; i < chunk.length; i++) {
          const code = chunk.charCodeAt(i);
          const isSpace = code === 32 || (code >= 9 && code <= 13);
          if (isSpace) inWord = false;
          else if (!inWord) {
            inWord = true;
            counts["w"]!++;
          }
        }
      if (keys.includes("L"))
        for (const piece of decodeUtf8(chunk).split(/(\n)/)) {
          if (piece === "\n") width = 0;
          else width += textWidth(piece);
          counts["L"] = Math.max(counts["L"]!, width);
        }
    }
    for (const key of Object.keys(total))
      total[key] = key === "L" ? Math.max(total[key]!, counts[key]!) : total[key]! + counts[key]!;
    rows.push({ counts, path: options.operands.length ? path : undefined });
  });
  const many = options.operands.length > 1;
  if (many) rows.push({ counts: total, path: "total" });
  // Columns are as wide as the largest count could be; one number alone has none.
  const regular = options.operands.every(
    (path) => path !== "-" && tool.process.fs.find(tool.process.path(path))?.kind === "file",
  );
  let width = 1;
  if (tool.flavour === "busybox") width = keys.length > 1 || many ? 9 : 1;
  else if (keys.length > 1 || many) {
    const size = options.operands.reduce((sum, path) => {
      const node = tool.process.fs.find(tool.process.path(path));
      return sum + (node?.kind === "file" ? node.read().length : 0);
    }, 0);
    width = options.operands.length > 0 && regular ? String(size).length : 7;
    if (options.operands.length > 0 && !regular && options.operands.some((path) => path === "-")) width = 7;
    if (keys.length === 1 && !many) width = 1;
  }
  for (const { counts, path } of rows)
    yield* tool.text(
      `${keys.map((key) => String(counts[key]).padStart(width)).join(" ")}${path === undefined ? "" : ` ${path}`}\n`,
    );
  return fine ? 0 : 1;
};

/** `1,3-5,7-` as a test of numbers counted from 1. */
function parseRanges(text: string): ((n: number) => boolean) | undefined {
  const ranges: [number, number][] = [];
  for (const part of text.split(/[, ]/)) {
    const match = /^(\d*)(-?)(\d*)$/.exec(part);
    if (!match || part === "" || part === "-") return undefined;
    const from = match[1] === "" ? 1 : Number(match[1]);
    const to = match[2] === "" ? from : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (from === 0 || to < from) return undefined;
    ranges.push([from, to]);
  }
  return (n) => ranges.some(([from, to]) => n >= from && n <= to);
}

export const cut: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "b:c:d:f:nsz",
    long: {
      "bytes=": "b",
      "characters=": "c",
      "delimiter=": "d",
      "fields=": "f",
      "only-delimited": "s",
      complement: "C",
      "output-delimiter=": "O",
    },
  });
  const kind = options.has("f") ? "f" : options.has("c") ? "c" : options.has("b") ? "b" : undefined;
  if (!kind)
    yield* tool.usage(
      tool.flavour === "gnu"
        ? "you must specify a list of bytes, characters, or fields"
        : "expected a list of bytes, characters, or fields",
    );
  const delimiter = options.value("d") ?? "\t";
  if ([...delimiter].length > 1) yield* tool.usage("the delimiter must be a single character");
  const wants = parseRanges(options.value(kind!)!);
  if (!wants) {
    const text = options.value(kind!)!;
    yield* tool.usage(
      /(^|,)0/.test(text)
        ? kind === "f"
          ? "fields are numbered from 1"
          : "byte/character positions are numbered from 1"
        : /(\d+)-(\d+)/.test(text)
          ? "invalid decreasing range"
          : kind === "f"
            ? `invalid field value '${text}'`.replace(/ value '.*'/, ` value '${text}'`)
            : `invalid byte/character position '${text}'`,
    );
  }
  const keep = options.has("C") ? (n: number): boolean => !wants!(n) : wants!;
  const joiner = options.value("O");
  const fine = yield* tool.inputs(options.operands, function* (file) {
    yield* tool.lines(file, function* (line) {
      if (kind === "f") {
        if (!line.includes(delimiter)) {
          if (!options.has("s")) yield* tool.text(`${line}\n`);
          return;
        }
        yield* tool.text(
          `${line
            .split(delimiter)
            .filter((_field, index) => keep(index + 1))
            .join(joiner ?? delimiter)}\n`,
        );
        return;
      }
      // GNU cut counts bytes for -c too.
      const bytes = encodeUtf8(line);
      let out = "";
      let gap = false;
      for (let i = 0; i < bytes.length; i++) {
        if (!keep(i + 1)) gap = true;
        else {
          if (gap && out !== "" && joiner !== undefined) out += joiner;
          gap = false;
          out += bytes[i];
        }
      }
      yield* tool.bytes(`${out}\n`);
    });
  });
  return fine ? 0 : 1;
};

const trClasses: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  blank: "\t ",
  cntrl: "\\000-\\037\\177",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-/:-@[-`{-~",
  space: "\t-\r ",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

/** The byte codes a tr set stands for; `fill` marks `[c*]`. */
function trSet(text: string): number[] {
  const out: number[] = [];
  const bytes = encodeUtf8(text);
  let i = 0;
  const one = (): number => {
    if (bytes[i] === "\\" && i + 1 < bytes.length) {
      const octal = /^\\([0-7]{1,3})/.exec(bytes.slice(i));
      if (octal) {
        i += octal[0].length;
        return Number.parseInt(octal[1]!, 8) & 255;
      }
      const code = interpretEscapes(bytes.slice(i, i + 2), false).text;
      i += 2;
      return code.length === 1 ? code.charCodeAt(0) : bytes.charCodeAt(i - 1);
    }
    return bytes.charCodeAt(i++);
  };
  while (i < bytes.length) {
    const named = /^\[:(\w+):\]/.exec(bytes.slice(i));
    if (named && trClasses[named[1]!]) {
      i += named[0].length;
      out.push(...trSet(trClasses[named[1]!]!));
      continue;
    }
    const repeat = /^\[([\s\S])\*(\d*)\]/.exec(bytes.slice(i));
    if (repeat) {
      i += repeat[0].length;
      const count = repeat[2] === "" ? 256 : Number(repeat[2]);
      for (let n = 0; n < count; n++) out.push(repeat[1]!.charCodeAt(0));
      continue;
    }
    const from = one();
    if (bytes[i] === "-" && i + 1 < bytes.length) {
      i++;
      const to = one();
      for (let code = from; code <= to; code++) out.push(code);
    } else out.push(from);
  }
  return out;
}

export const tr: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "cCdst",
    long: { complement: "c", delete: "d", "squeeze-repeats": "s", "truncate-set1": "t" },
    posix: true,
  });
  const [first, second] = options.operands;
  if (first === undefined) yield* tool.usage("missing operand");
  const remove = options.has("d");
  const squeeze = options.has("s");
  if (second === undefined && !remove && !squeeze)
    yield* tool.fail(
      `missing operand after ${tool.quote(first!)}\nTwo strings must be given when translating.\nTry 'tr --help' for more information.`,
    );
  if (second !== undefined && remove && !squeeze)
    yield* tool.fail(
      `extra operand ${tool.quote(second)}\nOnly one string may be given when deleting without squeezing repeats.\nTry 'tr --help' for more information.`,
    );
  let from = trSet(first!);
  if (options.has("c") || options.has("C")) {
    const given = new Set(from);
    from = [];
    for (let code = 0; code < 256; code++) if (!given.has(code)) from.push(code);
  }
  const to = second === undefined ? undefined : trSet(second);
  const map = new Map<string, string>();
  if (to && !remove) {
    if (to.length === 0) yield* tool.fail("when not truncating set1, string2 must be non-empty");
    from.forEach((code, index) => {
      if (options.has("t") && index >= to.length) return;
      const target = to[Math.min(index, to.length - 1)]!;
      map.set(String.fromCharCode(code), String.fromCharCode(target));
    });
  }
  const removed = new Set(remove ? from.map((code) => String.fromCharCode(code)) : []);
  const squeezed = new Set(squeeze ? (to ?? from).map((code) => String.fromCharCode(code)) : []);
  const file = tool.process.file(0);
  let last = "";
  for (;;) {
    const chunk = yield* tool.read(file);
    if (chunk === NO_BYTES) break;
    let out = "";
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (removed.has(byte)) continue;
      const mapped = map.get(byte) ?? byte;
      if (squeeze && mapped === last && squeezed.has(mapped)) continue;
      out += mapped;
      last = mapped;
    }
    yield* tool.bytes(out);
  }
  return 0;
};

interface SortKey {
  readonly fromField: number;
  readonly fromChar: number;
  readonly toField: number;
  readonly toChar: number;
  readonly flags: string;
}

const numberAtStart = (text: string): number => Number(/^\s*(-?\d*\.?\d+|-?\d+\.)/.exec(text)?.[1] ?? 0);

function humanNumber(text: string): number {
  const match = /^\s*(-?\d*\.?\d+)\s*([KkMGTPE]?)/.exec(text);
  if (!match) return 0;
  const power = "KMGTPE".indexOf(match[2]!.toUpperCase());
  return Number(match[1]) * (match[2] ? 1024 ** (power + 1) : 1);
}

const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

function compareBy(a: string, b: string, flags: string): number {
  if (flags.includes("n")) return Math.sign(numberAtStart(a) - numberAtStart(b));
  if (flags.includes("g")) return Math.sign((Number.parseFloat(a) || 0) - (Number.parseFloat(b) || 0));
  if (flags.includes("h")) return Math.sign(humanNumber(a) - humanNumber(b));
  if (flags.includes("V")) return Math.sign(byVersion(a, b));
  if (flags.includes("M"))
    return (
      monthNames.indexOf(a.trim().slice(0, 3).toUpperCase()) - monthNames.indexOf(b.trim().slice(0, 3).toUpperCase())
    );
  let x = a;
  let y = b;
  if (flags.includes("b")) {
    x = x.trimStart();
    y = y.trimStart();
  }
  if (flags.includes("d")) {
    x = x.replace(/[^\p{L}\p{N}\s]/gu, "");
    y = y.replace(/[^\p{L}\p{N}\s]/gu, "");
  }
  if (flags.includes("f")) {
    x = x.toUpperCase();
    y = y.toUpperCase();
  }
  return byCodePoint(x, y);
}

function parseKey(text: string): SortKey | undefined {
  const match = /^(\d+)(?:\.(\d+))?([bdfgiMhnRrV]*)(?:,(\d+)(?:\.(\d+))?([bdfgiMhnRrV]*))?$/.exec(text);
  if (!match) return undefined;
  return {
    fromField: Number(match[1]),
    fromChar: Number(match[2] ?? 1),
    toField: match[4] === undefined ? Number.POSITIVE_INFINITY : Number(match[4]),
    toChar: Number(match[5] ?? 0),
    flags: match[3]! + (match[6] ?? ""),
  };
}

/** The part of a line that a key compares. */
function keyText(line: string, key: SortKey, separator: string | undefined): string {
  const starts: number[] = [];
  const ends: number[] = [];
  if (separator !== undefined) {
    let at = 0;
    for (;;) {
      const end = line.indexOf(separator, at);
      starts.push(at);
      ends.push(end < 0 ? line.length : end);
      if (end < 0) break;
      at = end + separator.length;
    }
  } else {
    // A field starts with the blanks before it.
    const pattern = /[ \t]*[^ \t]+/g;
    for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
      starts.push(match.index);
      ends.push(match.index + match[0].length);
    }
  }
  let from = starts[key.fromField - 1] ?? line.length;
  if (key.flags.includes("b")) while (from < line.length && /[ \t]/.test(line[from]!)) from++;
  from = Math.min(line.length, from + key.fromChar - 1);
  let to = line.length;
  if (Number.isFinite(key.toField)) {
    const fieldEnd = ends[key.toField - 1] ?? line.length;
    to = key.toChar === 0 ? fieldEnd : Math.min(line.length, (starts[key.toField - 1] ?? line.length) + key.toChar);
  }
  return line.slice(from, Math.max(from, to));
}

export const sort: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const options = yield* tool.options({
    short: "bcCdfghik:mMno:rRsS:t:T:uVz",
    long: {
      "ignore-leading-blanks": "b",
      check: "c",
      "dictionary-order": "d",
      "ignore-case": "f",
      "general-numeric-sort": "g",
      "human-numeric-sort": "h",
      "key=": "k",
      merge: "m",
      "month-sort": "M",
      "numeric-sort": "n",
      "output=": "o",
      reverse: "r",
      "random-sort": "R",
      stable: "s",
      "field-separator=": "t",
      unique: "u",
      "version-sort": "V",
      "zero-terminated": "z",
      "parallel=": "P",
    },
  });
  const global = options.all
    .map((option) => option.key)
    .filter((key) => "bdfghiMnrV".includes(key))
    .join("");
  const separator = options.value("t")?.replace("\\t", "\t");
  const keys: SortKey[] = [];
  for (const text of options.values("k")) {
    const key = parseKey(text);
    if (!key || key.fromField === 0)
      yield* tool.fail(
        !key
          ? `invalid number at field start: invalid count at start of '${text}'`
          : `field number is zero: invalid field specification ${tool.quote(text)}`,
        2,
      );
    keys.push(key!.flags === "" ? { ...key!, flags: global } : key!);
  }
  const end = options.has("z") ? "\0" : "\n";
  let text = "";
  for (const path of options.operands.length ? options.operands : ["-"]) {
    try {
      const bytes = decodeUtf8(yield* tool.readAllOf(path));
      text += bytes !== "" && !bytes.endsWith(end) ? bytes + end : bytes;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* tool.fail(
        tool.flavour === "gnu"
          ? error.code === "EISDIR"
            ? `read failed: ${path}: ${error.text}`
            : `cannot read: ${path}: ${error.text}`
          : `${path}: ${error.text}`,
        tool.flavour === "gnu" ? 2 : 1,
      );
    }
  }
  const lines = text === "" ? [] : text.slice(0, -1).split(end);
  const reverse = options.has("r");
  const compare = (a: string, b: string): number => {
    if (keys.length > 0) {
      for (const key of keys) {
        const order = compareBy(keyText(a, key, separator), keyText(b, key, separator), key.flags);
        if (order !== 0) return key.flags.includes("r") ? -order : order;
      }
      return 0;
    }
    const order = compareBy(a, b, global);
    return reverse ? -order : order;
  };
  const full = (a: string, b: string): number =>
    compare(a, b) || (options.has("s") || options.has("u") ? 0 : reverse ? byCodePoint(b, a) : byCodePoint(a, b));
  if (options.has("c") || options.has("C")) {
    for (let i = 1; i < lines.length; i++)
      if (full(lines[i - 1]!, lines[i]!) > 0 || (options.has("u") && compare(lines[i - 1]!, lines[i]!) === 0)) {
        if (!options.has("C")) yield* tool.error(`${options.operands[0] ?? "-"}:${i + 1}: disorder: ${lines[i]}`);
        return 1;
      }
    return 0;
  }
  yield* tool.charge(text.length * 4);
  if (options.has("R")) {
    const random = tool.process.kernel.random.stream("shuf");
    for (let i = lines.length - 1; i > 0; i--) {
      const j = random.integer(0, i);
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
    }
  } else lines.sort(full);
  const out = options.has("u")
    ? lines.filter((line, index) => index === 0 || compare(lines[index - 1]!, line) !== 0)
    : lines;
  const result = out.length ? out.join(end) + end : "";
  const target = options.value("o");
  if (target !== undefined) tool.process.fs.writeFile(tool.process.path(target), encodeUtf8(result));
  else for (let at = 0; at < result.length; at += 65_536) yield* tool.text(result.slice(at, at + 65_536));
  return 0;
};

export const uniq: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "cdDf:is:uw:z",
    long: {
      count: "c",
      repeated: "d",
      "all-repeated": "D",
      "skip-fields=": "f",
      "ignore-case": "i",
      "skip-chars=": "s",
      unique: "u",
      "check-chars=": "w",
    },
  });
  if (options.operands.length > 2) yield* tool.usage(`extra operand ${tool.quote(options.operands[2]!)}`);
  const skipFields = Number(options.value("f") ?? 0);
  const skipChars = Number(options.value("s") ?? 0);
  const checkChars = options.value("w") === undefined ? undefined : Number(options.value("w"));
  const keyOf = (line: string): string => {
    let text = line;
    for (let i = 0; i < skipFields; i++) text = text.replace(/^[ \t]*[^ \t]*/, "");
    text = text.slice(skipChars, checkChars === undefined ? undefined : skipChars + checkChars);
    return options.has("i") ? text.toLowerCase() : text;
  };
  let group: string[] = [];
  let key = "";
  let outText = "";
  const finish = (): void => {
    if (group.length === 0) return;
    const repeated = group.length > 1;
    if ((options.has("d") && !repeated) || (options.has("u") && repeated)) return;
    const show = options.has("D") ? (repeated ? group : []) : group.slice(0, 1);
    for (const line of show) outText += `${options.has("c") ? `${String(group.length).padStart(7)} ` : ""}${line}\n`;
  };
  const fine = yield* tool.inputs(options.operands.slice(0, 1), function* (file) {
    yield* tool.lineChunks(file, function* (text) {
      const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : text.split("\n");
      for (const line of lines) {
        const next = keyOf(line);
        if (group.length > 0 && next === key) {
          group.push(options.has("D") ? line : "");
          continue;
        }
        finish();
        group = [line];
        key = next;
      }
      if (options.operands[1] === undefined) {
        yield* tool.text(outText);
        outText = "";
      }
    });
  });
  finish();
  if (options.operands[1] !== undefined)
    tool.process.fs.writeFile(tool.process.path(options.operands[1]), encodeUtf8(outText));
  else yield* tool.text(outText);
  return fine ? 0 : 1;
};

export const tee: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "aip", long: { append: "a", "ignore-interrupts": "i" } });
  const files: OpenFile[] = [];
  let status = 0;
  for (const path of options.operands) {
    try {
      if (tool.process.fs.isDir(tool.process.path(path))) throw new SysError("EISDIR");
      files.push(
        tool.process.kernel
          .openPath(tool.process, tool.process.path(path), {
            read: false,
            write: true,
            create: true,
            append: options.has("a"),
            truncate: !options.has("a"),
          })
          .retain(),
      );
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      yield* tool.error(`${path}: ${error.text}`);
    }
  }
  try {
    for (;;) {
      const chunk = yield* tool.read(tool.process.file(0));
      if (chunk === NO_BYTES) break;
      yield* tool.bytes(chunk);
      for (const file of files) yield* file.write(chunk);
    }
    yield* tool.flush();
  } finally {
    for (const file of files) file.release();
  }
  return status;
};

/** All lines of an input, without their newlines. */
function* linesOf(tool: Tool, path: string): Task<string[]> {
  try {
    const text = decodeUtf8(yield* tool.readAllOf(path));
    if (text === "") return [];
    return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return yield* tool.fail(`${path}: ${error.text}`);
  }
}

export const paste: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "d:sz", long: { "delimiters=": "d", serial: "s" } });
  const delimiters = [...interpretEscapes(options.value("d") ?? "\t", false).text.replace("\\0", "")];
  const glue = (index: number): string => (delimiters.length === 0 ? "" : delimiters[index % delimiters.length]!);
  const paths = options.operands.length ? options.operands : ["-"];
  const columns: string[][] = [];
  const stdin = paths.includes("-") ? yield* linesOf(tool, "-") : [];
  const dashes = paths.filter((path) => path === "-").length;
  let dash = 0;
  for (const path of paths) {
    if (path !== "-") columns.push(yield* linesOf(tool, path));
    else {
      const offset = dash++;
      columns.push(
        options.has("s") ? (offset === 0 ? stdin : []) : stdin.filter((_line, index) => index % dashes === offset),
      );
    }
  }
  if (options.has("s"))
    for (const lines of columns)
      yield* tool.text(`${lines.map((line, index) => (index === 0 ? "" : glue(index - 1)) + line).join("")}\n`);
  else {
    const rows = Math.max(0, ...columns.map((lines) => lines.length));
    for (let row = 0; row < rows; row++)
      yield* tool.text(
        `${columns.map((lines, index) => (index === 0 ? "" : glue(index - 1)) + (lines[row] ?? "")).join("")}\n`,
      );
  }
  return 0;
};

export const fold: ToolRun = function* (tool) {
  const args = tool.args.map((arg) => (/^-\d+$/.test(arg) ? `-w${arg.slice(1)}` : arg));
  const options = yield* tool.options({ short: "bsw:", long: { bytes: "b", spaces: "s", "width=": "w" } }, args);
  const width = Number(options.value("w") ?? 80);
  const fine = yield* tool.inputs(options.operands, function* (file) {
    yield* tool.lines(file, function* (line, terminated) {
      let rest = line;
      while (rest.length > width) {
        let at = width;
        if (options.has("s")) {
          const space = rest.lastIndexOf(" ", width - 1);
          if (space > 0) at = space + 1;
        }
        yield* tool.text(`${rest.slice(0, at)}\n`);
        rest = rest.slice(at);
      }
      yield* tool.text(rest + (terminated ? "\n" : ""));
    });
  });
  return fine ? 0 : 1;
};

export const nl: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "b:n:w:s:v:i:",
    long: {
      "body-numbering=": "b",
      "number-format=": "n",
      "number-width=": "w",
      "number-separator=": "s",
      "starting-line-number=": "v",
      "line-increment=": "i",
    },
  });
  const all = options.value("b") === "a";
  const none = options.value("b") === "n";
  const width = Number(options.value("w") ?? 6);
  const separator = options.value("s") ?? "\t";
  const format = options.value("n") ?? "rn";
  let number = Number(options.value("v") ?? 1);
  const fine = yield* tool.inputs(options.operands, function* (file) {
    yield* tool.lines(file, function* (line) {
      if (none || (!all && line === "")) {
        yield* tool.text(
          `${" ".repeat(width + separator.length)}${line}\n`.replace(
            /^\s+\n$/,
            `${" ".repeat(width + separator.length)}\n`,
          ),
        );
        return;
      }
      const text =
        format === "ln" ? String(number).padEnd(width) : String(number).padStart(width, format === "rz" ? "0" : " ");
      number += Number(options.value("i") ?? 1);
      yield* tool.text(`${text}${separator}${line}\n`);
    });
  });
  return fine ? 0 : 1;
};

export const expand: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "it:a", long: { "tabs=": "t", initial: "i", all: "a" } });
  const size = Number(options.value("t") ?? 8);
  const fine = yield* tool.inputs(options.operands, function* (file) {
    yield* tool.lines(file, function* (line, terminated) {
      let out = "";
      if (tool.name === "expand") {
        for (const ch of line) out += ch === "\t" ? " ".repeat(size - (textWidth(out) % size)) : ch;
      } else
        out = line.replace(
          /^ +/,
          (spaces) => "\t".repeat(Math.floor(spaces.length / size)) + " ".repeat(spaces.length % size),
        );
      yield* tool.text(out + (terminated ? "\n" : ""));
    });
  });
  return fine ? 0 : 1;
};

export const comm: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "123z",
    long: { "output-delimiter=": "O", "check-order": "c", "nocheck-order": "n", total: "T" },
  });
  const [first, second] = options.operands;
  if (first === undefined) yield* tool.usage("missing operand");
  if (second === undefined) yield* tool.usage(`missing operand after ${tool.quote(first!)}`);
  const a = yield* linesOf(tool, first!);
  const b = yield* linesOf(tool, second!);
  const tab = options.value("O") ?? "\t";
  const two = options.has("1") ? "" : tab;
  const three = two + (options.has("2") ? "" : tab);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : byCodePoint(a[i]!, b[j]!);
    if (order < 0) {
      if (!options.has("1")) yield* tool.text(`${a[i]}\n`);
      i++;
    } else if (order > 0) {
      if (!options.has("2")) yield* tool.text(`${two}${b[j]}\n`);
      j++;
    } else {
      if (!options.has("3")) yield* tool.text(`${three}${a[i]}\n`);
      i++;
      j++;
    }
  }
  return 0;
};

export const join: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "a:e:i1:2:j:o:t:v:", long: { "ignore-case": "i" } });
  const [first, second] = options.operands;
  if (first === undefined || second === undefined)
    yield* tool.usage(first === undefined ? "missing operand" : `missing operand after ${tool.quote(first)}`);
  const separator = options.value("t");
  const split = (line: string): string[] =>
    separator === undefined ? line.trim().split(/[ \t]+/) : line.split(separator);
  const field = [
    Number(options.value("1") ?? options.value("j") ?? 1) - 1,
    Number(options.value("2") ?? options.value("j") ?? 1) - 1,
  ] as const;
  const a = (yield* linesOf(tool, first!)).map(split);
  const b = (yield* linesOf(tool, second!)).map(split);
  const glue = separator ?? " ";
  const empty = options.value("e") ?? "";
  const shape = options
    .value("o")
    ?.split(/[ ,]/)
    .map((item) =>
      item === "0" ? ([0, 0] as const) : (item.split(".").map(Number) as unknown as readonly [number, number]),
    );
  const show = (left: string[] | undefined, right: string[] | undefined): string => {
    const key = left ? (left[field[0]] ?? "") : (right![field[1]] ?? "");
    if (shape)
      return shape
        .map(([side, number]) => (side === 0 ? key : ((side === 1 ? left : right)?.[number - 1] ?? empty)))
        .join(glue);
    return [
      key,
      ...(left?.filter((_value, index) => index !== field[0]) ?? []),
      ...(right?.filter((_value, index) => index !== field[1]) ?? []),
    ].join(glue);
  };
  const unpaired = new Set([...options.values("a"), ...options.values("v")]);
  const pairs = !options.has("v");
  const matchedRight = new Set<number>();
  const rows: { key: string; text: string }[] = [];
  for (const left of a) {
    const key = left[field[0]] ?? "";
    let found = false;
    b.forEach((right, index) => {
      if ((right[field[1]] ?? "") !== key) return;
      found = true;
      matchedRight.add(index);
      if (pairs) rows.push({ key, text: show(left, right) });
    });
    if (!found && unpaired.has("1")) rows.push({ key, text: show(left, undefined) });
  }
  if (unpaired.has("2"))
    for (const [index, right] of b.entries())
      if (!matchedRight.has(index)) rows.push({ key: right[field[1]] ?? "", text: show(undefined, right) });
  if (unpaired.has("2")) rows.sort((x, y) => byCodePoint(x.key, y.key));
  for (const { text } of rows) yield* tool.text(`${text}\n`);
  return 0;
};

export const column: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "ts:o:N:R:c:x",
    long: { table: "t", "separator=": "s", "output-separator=": "o", "table-columns=": "N", "table-right=": "R" },
  });
  const lines: string[] = [];
  for (const path of options.operands.length ? options.operands : ["-"]) lines.push(...(yield* linesOf(tool, path)));
  const full = lines.filter((line) => line.trim() !== "");
  if (options.has("t")) {
    const separator = options.value("s");
    const rows = full.map((line) =>
      separator === undefined
        ? line.trim().split(/\s+/)
        : line.split(new RegExp(`[${separator.replace(/[\\\]^-]/g, "\\$&")}]`)),
    );
    if (options.has("N")) rows.unshift(options.value("N")!.split(","));
    const widths: number[] = [];
    for (const row of rows)
      for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, textWidth(cell));
    const right = new Set((options.value("R") ?? "").split(",").map((text) => Number(text) - 1));
    const glue = options.value("o") ?? "  ";
    for (const row of rows)
      yield* tool.text(
        `${row.map((cell, index) => (right.has(index) ? " ".repeat(widths[index]! - textWidth(cell)) + cell : index === row.length - 1 ? cell : cell + " ".repeat(widths[index]! - textWidth(cell)))).join(glue)}\n`,
      );
    return 0;
  }
  const width = (Math.floor(Math.max(1, ...full.map(textWidth)) / 8) + 1) * 8;
  const perRow = Math.max(1, Math.floor(Number(options.value("c") ?? tool.columns) / width));
  const rows = Math.ceil(full.length / perRow);
  for (let row = 0; row < rows; row++) {
    let line = "";
    for (let col = 0; col < perRow; col++) {
      const cell = full[col * rows + row];
      if (cell === undefined) continue;
      const next = full[(col + 1) * rows + row];
      line += next === undefined ? cell : cell + "\t".repeat(Math.ceil((width - textWidth(cell)) / 8));
    }
    yield* tool.text(`${line}\n`);
  }
  return 0;
};

export const shuf: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "ei:n:o:rz",
    long: { echo: "e", "input-range=": "i", "head-count=": "n", repeat: "r" },
  });
  const range = /^(\d+)-(\d+)$/.exec(options.value("i") ?? "");
  const lines = options.has("e")
    ? [...options.operands]
    : range
      ? Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_value, index) =>
          String(Number(range[1]) + index),
        )
      : yield* linesOf(tool, options.operands[0] ?? "-");
  const random = tool.process.kernel.random.stream("shuf");
  for (let i = lines.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  for (const line of options.has("n") ? lines.slice(0, Number(options.value("n"))) : lines)
    yield* tool.text(`${line}\n`);
  return 0;
};

export const split: ToolRun = function* (tool) {
  const args = tool.args.map((arg) => (/^-\d+$/.test(arg) ? `-l${arg.slice(1)}` : arg));
  const options = yield* tool.options(
    {
      short: "a:b:C:dl:n:",
      long: {
        "suffix-length=": "a",
        "bytes=": "b",
        "numeric-suffixes=?": "d",
        "lines=": "l",
        "number=": "n",
        "additional-suffix=": "S",
      },
    },
    args,
  );
  let all: Bytes;
  try {
    all = yield* tool.readAllOf(options.operands[0] ?? "-");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return yield* tool.fail(`cannot open '${options.operands[0]}' for reading: ${error.text}`);
  }
  const prefix = options.operands[1] ?? "x";
  const pieces: string[] = [];
  const bytes = /^(\d+)([KMG]?)/.exec(options.value("b") ?? "");
  if (bytes) {
    const size = Number(bytes[1]) * ({ "": 1, K: 1024, M: 1 << 20, G: 1 << 30 }[bytes[2] as ""] ?? 1);
    for (let at = 0; at < all.length; at += size) pieces.push(all.slice(at, at + size));
  } else if (options.has("n")) {
    const count = Number(options.value("n")!.replace(/^l\//, ""));
    const size = Math.floor(all.length / count);
    for (let i = 0; i < count; i++) pieces.push(all.slice(i * size, i === count - 1 ? undefined : (i + 1) * size));
  } else {
    const lines = all.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const size = Number(options.value("l") ?? 1000);
    for (let at = 0; at < lines.length; at += size) pieces.push(lines.slice(at, at + size).join(""));
  }
  const length = Number(options.value("a") ?? 2);
  pieces.forEach((piece, index) => {
    let suffix = "";
    for (let i = 0, rest = index; i < length; i++, rest = Math.floor(rest / (options.has("d") ? 10 : 26)))
      suffix = (options.has("d") ? String(rest % 10) : String.fromCharCode(97 + (rest % 26))) + suffix;
    tool.process.fs.writeFile(tool.process.path(prefix + suffix + (options.value("S") ?? "")), piece as Bytes);
  });
  return 0;
};

export const strings: ToolRun = function* (tool) {
  const args = tool.args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const options = yield* tool.options({ short: "an:t:", long: { all: "a", "bytes=": "n" } }, args);
  const least = Number(options.value("n") ?? 4);
  const fine = yield* tool.inputs(options.operands, function* (_file, path) {
    const all = yield* tool.readAllOf(path);
    for (const match of all.match(new RegExp(`[\\t\\x20-\\x7e]{${least},}`, "g")) ?? [])
      yield* tool.bytes(`${match}\n`);
  });
  return fine ? 0 : 1;
};
