/** POSIX tar archives, as kubectl cp passes them through exec. */
import type { Bytes } from "../../base/bytes";

export interface TarEntry {
  /** A folder's name ends with a slash. */
  readonly name: string;
  /** undefined for a folder. */
  readonly content: Bytes | undefined;
}

const BLOCK = 512;

export function writeTar(entries: readonly TarEntry[]): Bytes {
  let out = "";
  for (const { name, content } of entries) {
    out += header(name, content?.length ?? 0, content === undefined);
    if (content === undefined) continue;
    out += content + "\0".repeat((BLOCK - (content.length % BLOCK)) % BLOCK);
  }
  return (out + "\0".repeat(BLOCK * 2)) as Bytes;
}

function header(name: string, size: number, isFolder: boolean): string {
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  const fields = [
    name.slice(0, 100).padEnd(100, "\0"),
    octal(isFolder ? 0o755 : 0o644, 8),
    octal(0, 8),
    octal(0, 8),
    octal(size, 12),
    octal(0, 12),
    " ".repeat(8),
    isFolder ? "5" : "0",
    "\0".repeat(100),
    "ustar\0",
    "00",
    "root".padEnd(32, "\0"),
    "root".padEnd(32, "\0"),
    octal(0, 8),
    octal(0, 8),
    "\0".repeat(155),
    "\0".repeat(12),
  ].join("");
  let sum = 0;
  for (let i = 0; i < fields.length; i++) sum += fields.charCodeAt(i);
  return `${fields.slice(0, 148)}${sum.toString(8).padStart(6, "0")}\0 ${fields.slice(156)}`;
}

export function readTar(archive: Bytes): TarEntry[] {
  const entries: TarEntry[] = [];
  let at = 0;
  while (at + BLOCK <= archive.length && archive[at] !== "\0") {
    const field = (from: number, length: number): string =>
      archive.slice(at + from, at + from + length).replace(/\0[\s\S]*$/, "");
    const prefix = field(345, 155);
    const name = (prefix ? `${prefix}/` : "") + field(0, 100);
    const size = Number.parseInt(field(124, 12).trim() || "0", 8);
    const isFolder = field(156, 1) === "5" || name.endsWith("/");
    at += BLOCK;
    entries.push({ name, content: isFolder ? undefined : (archive.slice(at, at + size) as Bytes) });
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}
