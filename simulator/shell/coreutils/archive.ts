/** tar, gzip, gunzip, zcat: real archives, so that they may be copied, streamed and loaded. */
import { gunzipSync, gzipSync } from "fflate";
import { type Bytes, bytesFromArray, bytesToArray, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Inode } from "../../os/inode";
import { dirname } from "../../os/path";
import { byCodePoint } from "../glob";
import { matchesPattern } from "../pattern";
import { strftime } from "../strftime";
import { type Tool, ToolFailure, type ToolRun } from "../tool";
import { permissions } from "./files";
import { groupName, userName } from "./users";

export interface TarEntry {
  readonly name: string;
  readonly type: "file" | "dir" | "symlink" | "link" | "device" | "fifo";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly content: Bytes;
  readonly target: string;
}

const BLOCK = 512;

const octal = (value: number, width: number): string =>
  `${Math.max(0, Math.floor(value))
    .toString(8)
    .padStart(width - 1, "0")}\0`;

/** One entry as tar blocks; names longer than 100 bytes go before it as GNU long names. */
export function tarEntry(entry: TarEntry): string {
  const name = encodeUtf8(entry.name);
  const target = encodeUtf8(entry.target);
  let out = "";
  if (name.length > 100)
    out += header({ ...entry, name: "././@LongLink", target: "" }, name.length + 1, "L") + padded(`${name}\0`);
  if (target.length > 100)
    out += header({ ...entry, name: "././@LongLink", target: "" }, target.length + 1, "K") + padded(`${target}\0`);
  const flag = { file: "0", link: "1", symlink: "2", device: "3", dir: "5", fifo: "6" }[entry.type];
  const size = entry.type === "file" ? entry.content.length : 0;
  return out + header(entry, size, flag) + (size > 0 ? padded(entry.content) : "");
}

const padded = (bytes: string): string => bytes + "\0".repeat((BLOCK - (bytes.length % BLOCK)) % BLOCK);

function header(entry: TarEntry, size: number, flag: string): string {
  const field = (text: string, width: number): string => text.slice(0, width).padEnd(width, "\0");
  const before =
    field(encodeUtf8(entry.name), 100) +
    octal(entry.mode & 0o7777, 8) +
    octal(entry.uid, 8) +
    octal(entry.gid, 8) +
    octal(size, 12) +
    octal(entry.mtime / 1000, 12);
  const after = `${flag}${field(encodeUtf8(entry.target), 100)}ustar  \0${field("", 32)}${field("", 32)}`;
  const blank = `${before}        ${after}`.padEnd(BLOCK, "\0");
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += blank.charCodeAt(i);
  return `${before}${sum.toString(8).padStart(6, "0")}\0 ${after}`.padEnd(BLOCK, "\0");
}

/** The entries of an archive; undefined when it is none. */
export function readTar(bytes: Bytes): TarEntry[] | undefined {
  const entries: TarEntry[] = [];
  const text = (at: number, width: number): string => bytes.slice(at, at + width).replace(/\0[\s\S]*$/, "");
  const number = (at: number, width: number): number => Number.parseInt(text(at, width).trim() || "0", 8);
  let longName: string | undefined;
  let longTarget: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    if (bytes[at] === "\0") break;
    if (bytes.slice(at + 257, at + 262) !== "ustar" && entries.length === 0 && number(at + 148, 8) === 0)
      return undefined;
    const size = number(at + 124, 12);
    const flag = bytes[at + 156]!;
    const content = bytes.slice(at + BLOCK, at + BLOCK + size) as Bytes;
    const prefix = bytes.slice(at + 257, at + 263) === "ustar\0" ? text(at + 345, 155) : "";
    const next = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (flag === "L") longName = content.replace(/\0[\s\S]*$/, "");
    else if (flag === "K") longTarget = content.replace(/\0[\s\S]*$/, "");
    else if (flag === "x") {
      const path = /\d+ path=([^\n]*)\n/.exec(content)?.[1];
      if (path) longName = path;
      const link = /\d+ linkpath=([^\n]*)\n/.exec(content)?.[1];
      if (link) longTarget = link;
    } else if (flag !== "g") {
      const type = (
        { "0": "file", "\0": "file", "1": "link", "2": "symlink", "3": "device", "5": "dir", "6": "fifo" } as const
      )[flag as "0"];
      if (type) {
        const name = longName ?? (prefix ? `${prefix}/${text(at, 100)}` : text(at, 100));
        entries.push({
          name: decodeUtf8(name as Bytes),
          type,
          mode: number(at + 100, 8),
          uid: number(at + 108, 8),
          gid: number(at + 116, 8),
          mtime: number(at + 136, 12) * 1000,
          content: type === "file" ? content : ("" as Bytes),
          target: decodeUtf8((longTarget ?? text(at + 157, 100)) as Bytes),
        });
      }
      longName = undefined;
      longTarget = undefined;
    }
    at = next;
  }
  return entries;
}

export const gzipBytes = (bytes: Bytes, level: 1 | 6 | 9 = 6): Bytes =>
  bytesFromArray(gzipSync(bytesToArray(bytes), { level, mtime: 0 }));

/** Undefined when the bytes are no gzip stream. */
export function gunzipBytes(bytes: Bytes): Bytes | undefined {
  if (!bytes.startsWith("\x1f\x8b")) return undefined;
  try {
    return bytesFromArray(gunzipSync(bytesToArray(bytes)));
  } catch {
    return undefined;
  }
}

export const tar: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  // `tar xzf a` is `tar -xzf a`; letters with values take the next arguments in order.
  let args = [...tool.args];
  if (args[0] !== undefined && /^[a-zA-Z]+$/.test(args[0]) && /[cxtru]/.test(args[0])) {
    const letters = args.shift()!;
    const expanded: string[] = [];
    for (const letter of letters) {
      expanded.push(`-${letter}`);
      if ("fCTX".includes(letter)) expanded.push(args.shift() ?? "");
    }
    args = [...expanded, ...args];
  }
  const options = yield* tool.options(
    {
      short: "AcdrtuxC:f:hjJkmO:opPT:vwX:zZ".replace("O:", "O"),
      long: {
        create: "c",
        extract: "x",
        get: "x",
        list: "t",
        append: "r",
        "file=": "f",
        "directory=": "C",
        gzip: "z",
        gunzip: "z",
        verbose: "v",
        "exclude=": "X2",
        "strip-components=": "S",
        "to-stdout": "O",
        "preserve-permissions": "p",
        "no-same-owner": "o",
        "same-owner": "so",
        "owner=": "owner",
        "group=": "group",
        "numeric-owner": "no",
        "absolute-names": "P",
        dereference: "h",
        "keep-old-files": "k",
        "auto-compress": "a",
        wildcards: "wc",
        "transform=": "tr",
        "files-from=": "T",
        "sort=": "sort",
        "mtime=": "mtime",
      },
    },
    args,
  );
  const usage = function* (message: string): Task<never> {
    yield* tool.error(message);
    yield* tool.process.printError("Try 'tar --help' or 'tar --usage' for more information.\n");
    throw new ToolFailure(2);
  };
  const mode = ["c", "x", "t"].filter((key) => options.has(key));
  if (mode.length === 0) yield* usage(`You must specify one of the '-Acdtrux', '--delete' or '--test-label' options`);
  if (mode.length > 1)
    yield* usage(`You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option`);
  const archive = options.value("f") ?? "-";
  const exclude = options.values("X2");
  if (options.has("C")) tool.process.cwd = tool.process.path(options.value("C")!);
  if (mode[0] === "c") return yield* create(tool, archive, options, exclude);
  let bytes: Bytes;
  const cwd = options.has("C") ? tool.process.parent?.cwd : undefined;
  try {
    bytes = yield* tool.readAllOf(
      archive === "-" ? "-" : cwd !== undefined && !archive.startsWith("/") ? `${cwd}/${archive}` : archive,
    );
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.error(
      tool.flavour === "gnu" ? `${archive}: Cannot open: ${error.text}` : `can't open '${archive}': ${error.text}`,
    );
    if (tool.flavour === "gnu") yield* tool.error("Error is not recoverable: exiting now");
    return tool.flavour === "gnu" ? 2 : 1;
  }
  const plain = gunzipBytes(bytes) ?? (options.has("z") ? undefined : bytes);
  const entries = plain && readTar(plain);
  if (!entries || (plain.length > 0 && entries.length === 0 && !/^\0*$/.test(plain.slice(0, 512)))) {
    if (options.has("z") && !plain) yield* tool.process.printError("\ngzip: stdin: not in gzip format\n");
    else yield* tool.error("This does not look like a tar archive");
    if (options.has("z") && !plain) yield* tool.error("Child returned status 1");
    if (!(options.has("z") && !plain)) yield* tool.error("Exiting with failure status due to previous errors");
    else yield* tool.error("Error is not recoverable: exiting now");
    return 2;
  }
  return yield* unpack(tool, entries, mode[0] === "t", options, exclude);
};

type Options = {
  readonly operands: readonly string[];
  has(key: string): boolean;
  value(key: string): string | undefined;
  values(key: string): readonly string[];
};

function* create(tool: Tool, archive: string, options: Options, exclude: readonly string[]): Task<number> {
  const { process } = tool;
  const names = [...options.operands];
  for (const list of options.values("T"))
    names.push(
      ...decodeUtf8(yield* tool.readAllOf(list))
        .split("\n")
        .filter(Boolean),
    );
  if (names.length === 0) {
    yield* tool.usage("Cowardly refusing to create an empty archive", 2);
  }
  const pieces: string[] = [];
  const lines: string[] = [];
  let status = 0;
  let warned = false;
  const visit = (name: string, full: string, node: Inode): void => {
    const stored = options.has("P") ? name : name.replace(/^\/+/, "") || ".";
    if (
      exclude.some(
        (pattern) =>
          matchesPattern(stored, pattern) || matchesPattern(stored.slice(stored.lastIndexOf("/") + 1), pattern),
      )
    )
      return;
    const isDir = node.kind === "dir";
    const shown = isDir && !stored.endsWith("/") ? `${stored}/` : stored;
    lines.push(shown);
    const type =
      node.kind === "dir"
        ? "dir"
        : node.kind === "symlink"
          ? "symlink"
          : node.kind === "device"
            ? "device"
            : node.kind === "fifo"
              ? "fifo"
              : "file";
    pieces.push(
      tarEntry({
        name: shown,
        type,
        mode: node.mode,
        uid: node.uid,
        gid: node.gid,
        mtime: node.mtime,
        content: node.kind === "file" ? node.read() : ("" as Bytes),
        target: node.kind === "symlink" ? node.target : "",
      }),
    );
    if (node.kind === "dir")
      for (const child of node.names().sort(byCodePoint))
        visit(`${name.replace(/\/$/, "")}/${child}`, `${full}/${child}`, node.get(child)!);
  };
  for (const name of names) {
    const node = process.fs.find(process.path(name), { followLast: options.has("h") });
    if (!node) {
      yield* tool.error(
        tool.flavour === "gnu"
          ? `${name}: Cannot stat: No such file or directory`
          : `${name}: No such file or directory`,
      );
      status = tool.flavour === "gnu" ? 2 : 1;
      continue;
    }
    if (name.startsWith("/") && !options.has("P") && !warned) {
      warned = true;
      yield* tool.error(
        tool.flavour === "gnu" ? "Removing leading `/' from member names" : "removing leading '/' from member names",
      );
    }
    visit(name, process.path(name), node);
  }
  let bytes = pieces.join("") + "\0".repeat(1024);
  bytes += "\0".repeat((10_240 - (bytes.length % 10_240)) % 10_240);
  const packed = options.has("z") || (options.has("a") && /\.t?gz$/.test(archive)) ? gzipBytes(bytes as Bytes) : bytes;
  yield* tool.charge(bytes.length);
  if (archive === "-") {
    if (options.has("v")) yield* process.printError(lines.map((line) => `${line}\n`).join(""));
    yield* tool.bytes(packed);
  } else {
    const cwd = options.has("C") ? process.parent?.cwd : undefined;
    process.fs.writeFile(
      cwd !== undefined && !archive.startsWith("/") ? `${cwd}/${archive}` : process.path(archive),
      packed as Bytes,
      { mode: 0o666 & ~process.umask },
    );
    if (options.has("v")) yield* tool.text(lines.map((line) => `${line}\n`).join(""));
  }
  if (status !== 0 && tool.flavour === "gnu") yield* tool.error("Exiting with failure status due to previous errors");
  return status;
}

function* unpack(
  tool: Tool,
  entries: readonly TarEntry[],
  list: boolean,
  options: Options,
  exclude: readonly string[],
): Task<number> {
  const { process } = tool;
  const wanted = options.operands.map((name) => name.replace(/\/$/, ""));
  const used = new Set<string>();
  const strip = Number(options.value("S") ?? 0);
  const accepts = (name: string): boolean => {
    const clean = name.replace(/\/$/, "");
    if (
      exclude.some(
        (pattern) => matchesPattern(clean, pattern) || matchesPattern(clean.slice(clean.lastIndexOf("/") + 1), pattern),
      )
    )
      return false;
    if (wanted.length === 0) return true;
    const match = wanted.find(
      (each) => clean === each || clean.startsWith(`${each}/`) || (options.has("wc") && matchesPattern(clean, each)),
    );
    if (match !== undefined) used.add(match);
    return match !== undefined;
  };
  let status = 0;
  for (const entry of entries) {
    if (!accepts(entry.name)) continue;
    if (list) {
      yield* tool.text(options.has("v") ? longLine(tool, entry) : `${entry.name}\n`);
      continue;
    }
    let name = entry.name.replace(/^\/+/, "");
    if (strip > 0) {
      const parts = name.split("/");
      if (parts.filter(Boolean).length <= strip) continue;
      name = parts.slice(strip).join("/");
    }
    if (name.split("/").includes("..")) continue;
    if (options.has("v")) yield* tool.text(`${entry.name}\n`);
    if (options.has("O")) {
      yield* tool.bytes(entry.content);
      continue;
    }
    try {
      extract(tool, entry, process.path(name), options.has("m"), options.has("o"));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 2;
      yield* tool.error(`${entry.name}: Cannot open: ${error.text}`);
    }
  }
  for (const name of wanted)
    if (!used.has(name)) {
      yield* tool.error(tool.flavour === "gnu" ? `${name}: Not found in archive` : `${name}: not found in archive`);
      status = tool.flavour === "gnu" ? 2 : 1;
    }
  if (status === 2) yield* tool.error("Exiting with failure status due to previous errors");
  return status;
}

function extract(tool: Tool, entry: TarEntry, full: string, touch: boolean, dropOwner: boolean): void {
  const { process } = tool;
  const { fs } = process;
  const isRoot = process.context.uid === 0 && !dropOwner;
  const attributes = {
    mode: isRoot ? entry.mode & 0o7777 : entry.mode & ~process.umask & 0o777,
    uid: isRoot ? entry.uid : process.context.uid,
    gid: isRoot ? entry.gid : process.context.gid,
    mtime: touch ? process.now() : entry.mtime,
  };
  if (full === "/") return;
  fs.makeDirs(dirname(full));
  const old = fs.find(full, { followLast: false });
  if (entry.type === "dir") {
    if (old?.kind !== "dir") fs.makeDir(full, attributes);
    else fs.setAttributes(full, attributes);
    return;
  }
  if (old && old.kind !== "dir") fs.unlink(full);
  if (entry.type === "symlink") fs.symlink(entry.target, full);
  else if (entry.type === "link") fs.link(process.path(entry.target), full);
  else if (entry.type === "fifo") fs.makeFifo(full);
  else if (entry.type === "file") {
    fs.writeFile(full, entry.content, attributes);
    fs.setAttributes(full, attributes);
  }
}

function longLine(tool: Tool, entry: TarEntry): string {
  const letter = { file: "-", dir: "d", symlink: "l", link: "h", device: "c", fifo: "p" }[entry.type];
  const owner = `${userName(tool.process, entry.uid)}/${groupName(tool.process, entry.gid)}`;
  const size = String(entry.content.length);
  const link =
    entry.type === "symlink" ? ` -> ${entry.target}` : entry.type === "link" ? ` link to ${entry.target}` : "";
  return `${letter}${permissions(entry.mode)} ${owner} ${size.padStart(Math.max(0, 18 - owner.length))} ${strftime("%F %H:%M", entry.mtime)} ${entry.name}${link}\n`;
}

export const gzip: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "123456789cdfhklnNqrtv",
    long: {
      stdout: "c",
      "to-stdout": "c",
      decompress: "d",
      uncompress: "d",
      force: "f",
      keep: "k",
      list: "l",
      test: "t",
      verbose: "v",
      fast: "1",
      best: "9",
      "no-name": "n",
    },
  });
  const decompress = options.has("d") || tool.name === "gunzip" || tool.name === "zcat";
  const stdout = options.has("c") || tool.name === "zcat";
  let status = 0;
  for (const path of options.operands.length ? options.operands : ["-"]) {
    let bytes: Bytes;
    const real =
      decompress &&
      path !== "-" &&
      !tool.process.fs.exists(tool.process.path(path)) &&
      tool.process.fs.exists(tool.process.path(`${path}.gz`))
        ? `${path}.gz`
        : path;
    try {
      if (real !== "-" && tool.process.fs.isDir(tool.process.path(real))) {
        yield* tool.process.printError(`${tool.name}: ${real} is a directory -- ignored\n`);
        status = 2;
        continue;
      }
      bytes = yield* tool.readAllOf(real);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* tool.error(
        decompress && !path.endsWith(".gz") && tool.flavour === "gnu"
          ? `${path}.gz: ${error.text}`
          : `${path}: ${error.text}`,
      );
      status = 1;
      continue;
    }
    if (!decompress && path.endsWith(".gz") && !stdout) {
      yield* tool.error(`${path} already has .gz suffix -- unchanged`);
      status = 2;
      continue;
    }
    if (decompress && real !== "-" && !/\.(gz|tgz|z|Z)$/.test(real) && !stdout && !options.has("t")) {
      yield* tool.error(`${real}: unknown suffix -- ignored`);
      status = 2;
      continue;
    }
    const result = decompress ? gunzipBytes(bytes) : gzipBytes(bytes, options.has("1") ? 1 : options.has("9") ? 9 : 6);
    yield* tool.charge(bytes.length * 20);
    if (result === undefined) {
      yield* tool.process.printError(
        `\n${tool.name === "zcat" ? "gzip" : tool.name}: ${real === "-" ? "stdin" : real}: not in gzip format\n`,
      );
      status = 1;
      continue;
    }
    if (options.has("t")) continue;
    if (options.has("l")) {
      yield* tool.text(
        `         compressed        uncompressed  ratio uncompressed_name\n${String(bytes.length).padStart(19)} ${String(result.length).padStart(19)} ${(100 - (bytes.length / Math.max(1, result.length)) * 100).toFixed(1).padStart(5)}% ${real.replace(/\.gz$/, "")}\n`,
      );
      continue;
    }
    if (stdout || real === "-") yield* tool.bytes(result);
    else {
      const target = decompress ? real.replace(/\.tgz$/, ".tar").replace(/\.(gz|z|Z)$/, "") : `${real}.gz`;
      if (tool.process.fs.exists(tool.process.path(target)) && !options.has("f")) {
        yield* tool.error(`${target} already exists; not overwritten`);
        status = 2;
        continue;
      }
      tool.process.fs.writeFile(tool.process.path(target), result, {
        mode: tool.process.fs.lookup(tool.process.path(real)).mode,
      });
      if (!options.has("k")) tool.process.fs.unlink(tool.process.path(real));
      if (options.has("v"))
        yield* tool.process.printError(
          `${real}:\t${(100 - (decompress ? bytes.length / Math.max(1, result.length) : result.length / Math.max(1, bytes.length)) * 100).toFixed(1).padStart(5)}% -- ${options.has("k") ? "created" : "replaced with"} ${target}\n`,
        );
    }
  }
  return status;
};
