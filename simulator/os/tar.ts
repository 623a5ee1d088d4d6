/** Tar archives (ustar with PAX records), between bytes and file trees. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes";
import { DeviceInode, type DeviceName, DirInode, FifoInode, FileInode, type Inode, SymlinkInode } from "./inode";

export interface TarEntry {
  /** Without a leading slash; directories end in one. */
  readonly name: string;
  /** undefined: a hard link to `link`. */
  readonly node: Inode | undefined;
  readonly link?: string;
}

const BLOCK = 512;
const octal = (value: number, width: number): string =>
  `${Math.max(0, Math.floor(value))
    .toString(8)
    .padStart(width - 1, "0")}\0`;
const field = (text: string, width: number): string => text.slice(0, width).padEnd(width, "\0");
const padded = (bytes: string): string => bytes.padEnd(Math.ceil(bytes.length / BLOCK) * BLOCK, "\0");

function header(
  name: string,
  type: string,
  node: { mode: number; uid: number; gid: number; mtime: number },
  size: number,
  link: string,
): string {
  let prefix = "";
  let base = name;
  if (name.length > 100) {
    const cut = name.lastIndexOf("/", name.length - 2 > 155 ? 155 : name.length - 2);
    if (cut > 0 && name.length - cut - 1 <= 100) {
      prefix = name.slice(0, cut);
      base = name.slice(cut + 1);
    }
  }
  const before =
    field(base, 100) +
    octal(node.mode & 0o7777, 8) +
    octal(node.uid, 8) +
    octal(node.gid, 8) +
    octal(size, 12) +
    octal(node.mtime / 1000, 12);
  const after = `${type}${field(link, 100)}ustar\0${"00"}${field("", 32)}${field("", 32)}${octal(0, 8)}${octal(0, 8)}${field(prefix, 155)}`;
  let sum = 8 * 32;
  for (const part of [before, after]) for (let i = 0; i < part.length; i++) sum += part.charCodeAt(i);
  return padded(`${before}${sum.toString(8).padStart(6, "0")}\0 ${after}`);
}

/** Records for what plain headers cannot say: long names, and sizes of files whose content is not kept here. */
function pax(records: Readonly<Record<string, string>>): string {
  let body = "";
  for (const [key, value] of Object.entries(records)) {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    body += `${length}${rest}`;
  }
  return header("PaxHeaders.0/entry", "x", { mode: 0o644, uid: 0, gid: 0, mtime: 0 }, body.length, "") + padded(body);
}

const SIZE_RECORD = "SIMULATOR.size";

export function encodeTar(entries: Iterable<TarEntry>): Bytes {
  const parts: string[] = [];
  for (const { name, node, link } of entries) {
    const encoded = encodeUtf8(name);
    const records: Record<string, string> = {};
    if (encoded.length > 100) records["path"] = encoded;
    if (!node) {
      parts.push(header(encoded, "1", { mode: 0o644, uid: 0, gid: 0, mtime: 0 }, 0, encodeUtf8(link ?? "")));
      continue;
    }
    const target = node.kind === "symlink" ? encodeUtf8(node.target) : "";
    if (target.length > 100) records["linkpath"] = target;
    if (node.kind === "file" && node.apparentSize !== undefined) records[SIZE_RECORD] = String(node.apparentSize);
    if (Object.keys(records).length > 0) parts.push(pax(records));
    const content = node.kind === "file" ? node.read() : "";
    const type = { file: "0", dir: "5", symlink: "2", device: "3", fifo: "6" }[node.kind];
    parts.push(
      header(encoded, type, node, content.length, node.kind === "device" ? node.device : target),
      padded(content),
    );
  }
  parts.push("\0".repeat(BLOCK * 2));
  return parts.join("") as Bytes;
}

/** An archive that cannot be read. */
export class TarFailure extends Error {
  override name = "TarFailure";
}

const text = (bytes: string): string => {
  const end = bytes.indexOf("\0");
  return end < 0 ? bytes : bytes.slice(0, end);
};

const number = (bytes: string): number => Number.parseInt(text(bytes).trim() || "0", 8);

/** Entries in the order they stand. Throws TarFailure. */
export function decodeTar(bytes: Bytes): TarEntry[] {
  const entries: TarEntry[] = [];
  let records: Record<string, string> = {};
  let longName: string | undefined;
  let at = 0;
  if (bytes.length > 0 && bytes.length < BLOCK) throw new TarFailure("unexpected EOF");
  while (at + BLOCK <= bytes.length) {
    const block = bytes.slice(at, at + BLOCK);
    at += BLOCK;
    if (/^\0*$/.test(block)) break;
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block.charCodeAt(i);
    if (sum !== number(block.slice(148, 156))) throw new TarFailure("archive/tar: invalid tar header");
    const size = number(block.slice(124, 136));
    const content = bytes.slice(at, at + size) as Bytes;
    if (content.length < size) throw new TarFailure("unexpected EOF");
    at += Math.ceil(size / BLOCK) * BLOCK;
    const type = block[156];
    if (type === "x" || type === "g") {
      for (let rest: string = content; rest !== ""; ) {
        const length = Number.parseInt(rest, 10);
        const record = rest.slice(rest.indexOf(" ") + 1, length - 1);
        records[record.slice(0, record.indexOf("="))] = record.slice(record.indexOf("=") + 1);
        rest = rest.slice(length);
        if (!length) break;
      }
      continue;
    }
    if (type === "L") {
      longName = text(content);
      continue;
    }
    const prefix = text(block.slice(345, 500));
    const plain =
      longName ??
      records["path"] ??
      (prefix === "" ? text(block.slice(0, 100)) : `${prefix}/${text(block.slice(0, 100))}`);
    const link = records["linkpath"] ?? text(block.slice(157, 257));
    const attributes = {
      mode: number(block.slice(100, 108)) & 0o7777,
      uid: number(block.slice(108, 116)),
      gid: number(block.slice(116, 124)),
      mtime: number(block.slice(136, 148)) * 1000,
    };
    const name = decodeUtf8(plain as Bytes);
    const node = makeNode(type ?? "0", attributes, content, decodeUtf8(link as Bytes));
    if (node?.kind === "file" && records[SIZE_RECORD] !== undefined) node.apparentSize = Number(records[SIZE_RECORD]);
    entries.push(node ? { name, node } : { name, node: undefined, link: decodeUtf8(link as Bytes) });
    records = {};
    longName = undefined;
  }
  return entries;
}

function makeNode(
  type: string,
  attributes: { mode: number; uid: number; gid: number; mtime: number },
  content: Bytes,
  link: string,
): Inode | undefined {
  switch (type) {
    case "1":
      return undefined;
    case "2":
      return new SymlinkInode(link, attributes);
    case "3":
    case "4":
      return new DeviceInode((link || "null") as DeviceName, attributes);
    case "5":
      return new DirInode(attributes);
    case "6":
      return new FifoInode(attributes, 0o644);
    default:
      return new FileInode(content, attributes);
  }
}

/** A tree's entries below `prefix` (with no slash in front), parents first, names sorted. */
export function* treeEntries(node: Inode, name: string): Generator<TarEntry> {
  if (node.kind !== "dir") {
    yield { name, node };
    return;
  }
  if (name !== "") yield { name: `${name}/`, node };
  for (const child of node.names()) {
    const below = node.get(child);
    if (below) yield* treeEntries(below, name === "" ? child : `${name}/${child}`);
  }
}

/** The tree that an archive describes. Later entries win; missing parents are made. */
export function treeOfTar(entries: readonly TarEntry[]): DirInode {
  const root = new DirInode();
  for (const { name, node, link } of entries) {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.length === 0) {
      if (node?.kind === "dir")
        Object.assign(root, { mode: node.mode, uid: node.uid, gid: node.gid, mtime: node.mtime });
      continue;
    }
    let dir = root;
    for (const part of parts.slice(0, -1)) {
      const next = dir.entries.get(part);
      if (next?.kind === "dir") dir = next;
      else {
        const made = new DirInode();
        dir.entries.set(part, made);
        dir = made;
      }
    }
    const last = parts.at(-1)!;
    const existing = dir.entries.get(last);
    const target = node ?? find(root, link ?? "");
    if (!target) continue;
    if (target.kind === "dir" && existing?.kind === "dir")
      Object.assign(existing, { mode: target.mode, uid: target.uid, gid: target.gid, mtime: target.mtime });
    else dir.entries.set(last, target);
  }
  return root;
}

function find(root: DirInode, path: string): Inode | undefined {
  let node: Inode | undefined = root;
  for (const part of path.split("/").filter((each) => each !== ""))
    node = node?.kind === "dir" ? node.entries.get(part) : undefined;
  return node;
}
