/** ls: names in columns, long lists, sorting, sizes for people, colours. */
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Inode } from "../../os/inode";
import { columnsOf } from "../columns";
import { byCodePoint } from "../glob";
import { strftime } from "../strftime";
import { type Tool, type ToolRun, quoteName } from "../tool";
import { textWidth } from "../width";
import { permissions } from "./files";
import { groupName, userName } from "./users";

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly node: Inode;
}

export const ls: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const options = yield* tool.options({
    short: "1aAcCdfFghHiIkLlmnopQrRsStTuUvwxXZ".replace("I", "I:").replace("T", "T:").replace("w", "w:"),
    long: {
      all: "a",
      "almost-all": "A",
      "color=?": "color",
      directory: "d",
      classify: "F",
      "group-directories-first": "G",
      "human-readable": "h",
      inode: "i",
      dereference: "L",
      "numeric-uid-gid": "n",
      reverse: "r",
      recursive: "R",
      size: "s",
      "sort=": "sort",
      "time=": "time",
      "full-time": "full",
      "time-style=": "style",
      "no-group": "o2",
      "width=": "w",
      literal: "N",
      "ignore=": "I",
    },
  });
  const has = (key: string): boolean => options.has(key);
  const style = options.all.findLast((option) =>
    ["1", "C", "l", "g", "o", "n", "m", "x", "full"].includes(option.key),
  )?.key;
  const colorWhen = options.all.findLast((option) => option.key === "color");
  const color = colorWhen
    ? colorWhen.value !== "never" && colorWhen.value !== "no" && (colorWhen.value !== "auto" || tool.isTerminal)
    : tool.flavour === "busybox" && tool.isTerminal;
  const view: View = {
    long: style === "l" || style === "g" || style === "o" || style === "n" || style === "full",
    single: style === "1" || (!tool.isTerminal && style !== "C" && style !== "x" && style !== "m"),
    commas: style === "m",
    across: style === "x",
    hidden: has("a") || has("f") ? "all" : has("A") ? "almost" : "none",
    human: has("h"),
    classify: has("F"),
    slashes: has("p"),
    inode: has("i"),
    blocks: has("s"),
    numeric: has("n"),
    noOwner: style === "g",
    noGroup: style === "o" || has("o2") || has("G2"),
    fullTime: has("full"),
    color,
    painted: { any: false },
    quotes: tool.flavour === "gnu" && tool.isTerminal && !has("N"),
    sort:
      has("U") || has("f")
        ? "none"
        : has("S")
          ? "size"
          : has("t")
            ? "time"
            : has("X")
              ? "extension"
              : has("v")
                ? "version"
                : ((options.value("sort") as View["sort"] | undefined) ?? "name"),
    reverse: has("r"),
    dirsFirst: has("G"),
    width: options.value("w") === undefined ? tool.columns : Number(options.value("w")),
    follow: has("L"),
  };
  let status = 0;
  const files: Entry[] = [];
  const dirs: Entry[] = [];
  for (const path of options.operands.length ? options.operands : ["."]) {
    try {
      const full = tool.process.path(path) + (path.endsWith("/") && path !== "/" ? "/" : "");
      let node = tool.process.fs.lookup(full, { followLast: !view.long || path.endsWith("/") || view.follow });
      if (has("d")) node = tool.process.fs.lookup(full, { followLast: view.follow });
      (node.kind === "dir" && !has("d") ? dirs : files).push({ name: path, path: full, node });
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const dangling = tool.process.fs.find(tool.process.path(path), { followLast: false });
      if (dangling) {
        files.push({ name: path, path: tool.process.path(path), node: dangling });
        continue;
      }
      status = tool.flavour === "gnu" ? 2 : 1;
      yield* tool.error(
        tool.flavour === "gnu" ? `cannot access ${quoteName(path)}: ${error.text}` : `${path}: ${error.text}`,
      );
    }
  }
  if (files.length > 0) yield* show(tool, sorted(files, view), view, false);
  const titles = options.operands.length > 1 || has("R");
  let first = files.length === 0;
  for (const dir of sorted(dirs, view)) {
    yield* showDir(tool, dir, view, titles, first, has("R"));
    first = false;
  }
  return status;
};

interface View {
  readonly long: boolean;
  readonly single: boolean;
  readonly commas: boolean;
  readonly across: boolean;
  readonly hidden: "all" | "almost" | "none";
  readonly human: boolean;
  readonly classify: boolean;
  readonly slashes: boolean;
  readonly inode: boolean;
  readonly blocks: boolean;
  readonly numeric: boolean;
  readonly noOwner: boolean;
  readonly noGroup: boolean;
  readonly fullTime: boolean;
  readonly color: boolean;
  readonly painted: { any: boolean };
  readonly quotes: boolean;
  readonly sort: "none" | "size" | "time" | "extension" | "version" | "name";
  readonly reverse: boolean;
  readonly dirsFirst: boolean;
  readonly width: number;
  readonly follow: boolean;
}

function* showDir(tool: Tool, dir: Entry, view: View, title: boolean, first: boolean, recursive: boolean): Task<void> {
  if (title) yield* tool.text(`${first ? "" : "\n"}${dir.name}:\n`);
  if (dir.node.kind !== "dir") return;
  const { fs } = tool.process;
  const names = dir.node.names().filter((name) => view.hidden !== "none" || !name.startsWith("."));
  const entries: Entry[] = [];
  for (const name of names) {
    const path = `${dir.path.replace(/\/$/, "")}/${name}`;
    const node = fs.find(path, { followLast: view.follow }) ?? fs.find(path, { followLast: false });
    if (node) entries.push({ name, path, node });
  }
  if (view.hidden === "all") {
    entries.push({ name: ".", path: dir.path, node: dir.node });
    entries.push({ name: "..", path: dir.path, node: fs.find(`${dir.path}/..`) ?? dir.node });
  }
  const list = sorted(entries, view);
  yield* show(tool, list, view, true);
  if (!recursive) return;
  for (const entry of list) {
    if (entry.node.kind !== "dir" || entry.name === "." || entry.name === "..") continue;
    yield* showDir(tool, { ...entry, name: `${dir.name.replace(/\/$/, "")}/${entry.name}` }, view, true, false, true);
  }
}

/** As glibc's C.UTF-8 order, but names compare as ls users of that locale see them: by bytes. */
function sorted(entries: readonly Entry[], view: View): Entry[] {
  const list = [...entries];
  const by: Record<View["sort"], (a: Entry, b: Entry) => number> = {
    none: () => 0,
    name: (a, b) => byCodePoint(a.name, b.name),
    size: (a, b) => sizeOf(b.node) - sizeOf(a.node) || byCodePoint(a.name, b.name),
    time: (a, b) => b.node.mtime - a.node.mtime || byCodePoint(a.name, b.name),
    extension: (a, b) => byCodePoint(extension(a.name), extension(b.name)) || byCodePoint(a.name, b.name),
    version: (a, b) => byVersion(a.name, b.name),
  };
  if (view.sort !== "none") list.sort(by[view.sort]);
  if (view.reverse) list.reverse();
  if (view.dirsFirst) list.sort((a, b) => Number(b.node.kind === "dir") - Number(a.node.kind === "dir"));
  return list;
}

const extension = (name: string): string => (name.lastIndexOf(".") > 0 ? name.slice(name.lastIndexOf(".")) : "");

/** Digits in names compare as numbers (`sort -V`, `ls -v`). */
export function byVersion(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const x = parts(a);
  const y = parts(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const p = x[i]!;
    const q = y[i]!;
    if (p === q) continue;
    if (/^\d/.test(p) && /^\d/.test(q)) {
      const difference = BigInt(p) - BigInt(q);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
    } else return byCodePoint(p, q);
  }
  return x.length - y.length || byCodePoint(a, b);
}

export const sizeOf = (node: Inode): number =>
  node.kind === "file" ? node.size : node.kind === "dir" ? 4096 : node.kind === "symlink" ? node.target.length : 0;

const blocksOf = (node: Inode): number =>
  node.kind === "dir" ? 4 : node.kind === "file" ? Math.ceil(node.size / 4096) * 4 : 0;

/** `1.5K`, `12M`: rounded up, as ls -h and du -h do. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  const units = "KMGTPE";
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const tenth = Math.ceil(value * 10 - 1e-9) / 10;
  const text = tenth < 10 ? tenth.toFixed(1) : String(Math.ceil(value - 1e-9));
  return text === "1024" && unit < units.length - 1 ? `1.0${units[unit + 1]}` : `${text}${units[unit]}`;
}

export const typeLetter = (node: Inode): string =>
  node.kind === "dir"
    ? "d"
    : node.kind === "symlink"
      ? "l"
      : node.kind === "device"
        ? "c"
        : node.kind === "fifo"
          ? "p"
          : "-";

function* show(tool: Tool, entries: readonly Entry[], view: View, inDir: boolean): Task<void> {
  if (view.long) {
    yield* showLong(tool, entries, view, inDir);
    return;
  }
  const labels = entries.map((entry) => {
    const prefix = `${view.inode ? `${inodeNumber(entry.path)} ` : ""}${view.blocks ? `${blocksOf(entry.node)} ` : ""}`;
    const plain = prefix + label(entry, view, false);
    return { plain, shown: prefix + label(entry, view, view.color), width: textWidth(plain) };
  });
  if (view.blocks && inDir)
    yield* tool.text(`total ${entries.reduce((sum, entry) => sum + blocksOf(entry.node), 0)}\n`);
  if (entries.length === 0) return;
  if (view.commas) {
    let line = "";
    for (const [index, { plain }] of labels.entries()) {
      const piece = plain + (index < labels.length - 1 ? "," : "");
      if (line !== "" && line.length + 1 + piece.length >= view.width) {
        yield* tool.text(`${line}\n`);
        line = piece;
      } else line += (line === "" ? "" : " ") + piece;
    }
    yield* tool.text(`${line}\n`);
  } else if (view.single) yield* tool.text(labels.map(({ shown }) => `${shown}\n`).join(""));
  else yield* tool.text(columnsOf(labels, view.width, view.across));
}

function label(entry: Entry, view: View, colored: boolean): string {
  let name = entry.name;
  if (view.quotes && /[\s'"\\$`|&;<>()*?[\]{}!#~]/.test(name) && !/^[\w.+-]*$/.test(name))
    name = /^[#~]|[\s'"\\$`|&;<>()*?[\]!]/.test(name) ? quoteName(name) : name;
  const color = colored ? colorOf(entry.node) : undefined;
  let text = name;
  if (color) {
    // The first colour of all is led in by a reset.
    text = `${view.painted.any ? "" : "\x1b[0m"}\x1b[${color}m${name}\x1b[0m`;
    view.painted.any = true;
  }
  return text + indicator(entry.node, view);
}

function indicator(node: Inode, view: View): string {
  if (node.kind === "dir" && (view.classify || view.slashes)) return "/";
  if (!view.classify) return "";
  if (node.kind === "symlink") return "@";
  if (node.kind === "fifo") return "|";
  return node.kind === "file" && (node.mode & 0o111) !== 0 ? "*" : "";
}

function colorOf(node: Inode): string | undefined {
  if (node.kind === "dir") return (node.mode & 0o1002) === 0o1002 ? "30;42" : "01;34";
  if (node.kind === "symlink") return "01;36";
  if (node.kind === "device") return "40;33;01";
  if (node.kind === "fifo") return "40;33";
  return (node.mode & 0o111) !== 0 ? "01;32" : undefined;
}

/** A stable number for a path: the simulated file system has no inode numbers. */
export function inodeNumber(path: string): number {
  let hash = 2166136261;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 16777619) >>> 0;
  return 100_000 + (hash % 9_000_000);
}

function* showLong(tool: Tool, entries: readonly Entry[], view: View, inDir: boolean): Task<void> {
  if (inDir) {
    const blocks = entries.reduce((sum, entry) => sum + blocksOf(entry.node), 0);
    yield* tool.text(`total ${view.human ? humanBytes(blocks * 1024).replace(/^0$/, "0") : blocks}\n`);
  }
  const { process } = tool;
  const now = process.now();
  const rows = entries.map((entry) => {
    const { node } = entry;
    const size =
      node.kind === "device"
        ? deviceNumbers(node.device)
        : view.human
          ? humanBytes(sizeOf(node))
          : String(sizeOf(node));
    const links = node.kind === "dir" ? 2 + node.names().filter((name) => node.get(name)?.kind === "dir").length : 1;
    return {
      inode: view.inode ? `${inodeNumber(entry.path)} ` : "",
      blocks: view.blocks ? `${blocksOf(node)} ` : "",
      mode: typeLetter(node) + permissions(node.mode),
      links: String(links),
      owner: view.numeric ? String(node.uid) : userName(process, node.uid),
      group: view.numeric ? String(node.gid) : groupName(process, node.gid),
      size,
      time: view.fullTime ? strftime("%F %T.%N %z", node.mtime) : recentTime(node.mtime, now),
      name: label(entry, view, view.color) + (node.kind === "symlink" ? ` -> ${node.target}` : ""),
    };
  });
  const width = (key: "links" | "owner" | "group" | "size" | "inode" | "blocks"): number =>
    Math.max(0, ...rows.map((row) => row[key].length));
  const widths = {
    links: width("links"),
    owner: width("owner"),
    group: width("group"),
    size: width("size"),
    inode: width("inode"),
    blocks: width("blocks"),
  };
  if (tool.flavour === "busybox") {
    for (const row of rows)
      yield* tool.text(
        `${row.inode}${row.mode} ${row.links.padStart(4)} ${row.owner.padEnd(8)} ${row.group.padEnd(8)} ${row.size.padStart(9)} ${row.time} ${row.name}\n`,
      );
    return;
  }
  for (const row of rows) {
    const owner = view.noOwner ? "" : `${row.owner.padEnd(widths.owner)} `;
    const group = view.noGroup ? "" : `${row.group.padEnd(widths.group)} `;
    yield* tool.text(
      `${row.inode.padStart(widths.inode)}${row.blocks.padStart(widths.blocks)}${row.mode} ${row.links.padStart(widths.links)} ${owner}${group}${row.size.padStart(widths.size)} ${row.time} ${row.name}\n`,
    );
  }
}

function recentTime(mtime: number, now: number): string {
  const isRecent = mtime <= now && now - mtime < 15_778_476_000;
  return strftime(isRecent ? "%b %e %H:%M" : "%b %e  %Y", mtime);
}

function deviceNumbers(device: string): string {
  return (
    {
      null: "1, 3",
      zero: "1, 5",
      full: "1, 7",
      random: "1, 8",
      urandom: "1, 9",
      tty: "5, 0",
      console: "5, 1",
      ptmx: "5, 2",
    }[device] ?? "0, 0"
  );
}
