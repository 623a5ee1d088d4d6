/**
 * How the kubelet lays changing files: a dated directory, `..data` pointing at it and a link for each name, so that a
 * reader sees all of an update or nothing of it (upstream's AtomicWriter).
 */
import { civilTime, type Instant } from "../../base/clock";
import { type Attributes, DirInode, FileInode, type Inode, SymlinkInode } from "../../os/inode";
import type { Payload } from "./volume-content";

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** `..2026_11_23_12_00_06.1847563920` */
function dateName(now: Instant, sequence: number): string {
  const t = civilTime(now);
  const tail = `${pad(t.millisecond, 3)}${pad(sequence % 10_000_000, 7)}`;
  return `..${t.year}_${pad(t.month)}_${pad(t.day)}_${pad(t.hour)}_${pad(t.minute)}_${pad(t.second)}.${tail}`;
}

/** Makes the directory's content `payload`. Returns whether anything changed. */
export function writePayload(dir: DirInode, payload: Payload, now: Instant, sequence: number): boolean {
  const link = dir.entries.get("..data");
  const current = link?.kind === "symlink" ? dir.entries.get(link.target) : undefined;
  if (current?.kind === "dir" && isSame(current, payload)) return false;
  const attributes: Partial<Attributes> = { mtime: now };
  const name = dateName(now, sequence);
  const fresh = new DirInode(attributes);
  const topNames = new Set<string>();
  for (const [path, { content, mode }] of payload) {
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    topNames.add(parts[0]!);
    let at: DirInode = fresh;
    for (const part of parts.slice(0, -1)) at = childDir(at, part, attributes);
    at.entries.set(parts.at(-1)!, new FileInode(content, { mode, mtime: now }));
  }
  if (link?.kind === "symlink") dir.entries.delete(link.target);
  for (const old of [...dir.entries.keys()]) if (!old.startsWith("..") && !topNames.has(old)) dir.entries.delete(old);
  dir.entries.set(name, fresh);
  dir.entries.set("..data", new SymlinkInode(name, attributes));
  for (const top of topNames)
    if (!dir.entries.has(top)) dir.entries.set(top, new SymlinkInode(`..data/${top}`, attributes));
  dir.mtime = now;
  return true;
}

function childDir(parent: DirInode, name: string, attributes: Partial<Attributes>): DirInode {
  const known = parent.entries.get(name);
  if (known?.kind === "dir") return known;
  const made = new DirInode(attributes);
  parent.entries.set(name, made);
  return made;
}

function isSame(dir: DirInode, payload: Payload): boolean {
  if (countFiles(dir) !== payload.size) return false;
  for (const [path, { content, mode }] of payload) {
    let at: DirInode | FileInode | undefined = dir;
    for (const part of path.split("/").filter((p) => p !== "" && p !== ".")) {
      const next: Inode | undefined = at?.kind === "dir" ? at.entries.get(part) : undefined;
      at = next?.kind === "dir" || next?.kind === "file" ? next : undefined;
    }
    if (at?.kind !== "file" || at.content !== content || at.mode !== mode) return false;
  }
  return true;
}

function countFiles(dir: DirInode): number {
  let count = 0;
  for (const entry of dir.entries.values()) count += entry.kind === "dir" ? countFiles(entry) : 1;
  return count;
}
