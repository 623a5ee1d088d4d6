/**
 * Layers: what one step changes in a file tree. A layer is a list of changed nodes and whiteouts; applying layers one
 * on another gives the tree, comparing a container's tree with the frozen one it came from gives its next layer.
 */
import { encodeUtf8 } from "../base/bytes";
import { sha256Hex } from "../base/hash";
import { DirInode, type Inode, cloneTree, freezeTree, thaw } from "../os/inode";
import type { FileChange, Layer, LayerChange } from "./api";

/** What an entry costs in an archive besides its content; a directory or link costs nothing else. */
const sizeOf = (node: Inode | undefined): number => (node?.kind === "file" ? node.size : 0);

/** Longer contents stand in descriptions as their hash, which is remembered. */
const LARGE = 65_536;
const REMEMBERED = 4;
const remembered: { readonly content: string; readonly hash: string }[] = [];

/** The SHA-256 of a file's content; the last large ones are not worked out again. */
export function contentHash(content: string): string {
  if (content.length <= LARGE) return sha256Hex(content);
  const known = remembered.find((each) => each.content === content);
  if (known) return known.hash;
  const hash = sha256Hex(content);
  remembered.push({ content, hash });
  if (remembered.length > REMEMBERED) remembered.shift();
  return hash;
}

/** The digest covers everything a tar archive of the layer would hold. */
function describe(change: LayerChange): string {
  const { path, node } = change;
  if (!node) return `wh ${path}\n`;
  const attributes = `${node.mode.toString(8)} ${node.uid}:${node.gid} ${Math.floor(node.mtime / 1000)}`;
  switch (node.kind) {
    case "file":
      return `f ${path} ${attributes} ${node.size} ${node.content.length}\n${node.content.length > LARGE ? contentHash(node.content) : node.content}\n`;
    case "symlink":
      return `l ${path} ${attributes} ${node.target}\n`;
    case "device":
      return `c ${path} ${attributes} ${node.device}\n`;
    default:
      return `${node.kind} ${path} ${attributes}\n`;
  }
}

/** Makes a layer of changes; `size` overrides the sum of file sizes where the real layer holds more than is kept here. */
export function makeLayer(
  changes: readonly LayerChange[],
  options: { readonly size?: number; readonly salt?: string } = {},
): Layer {
  const sorted = [...changes].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const { node } of sorted) if (node && node.kind !== "dir") freezeTree(node);
  const text = encodeUtf8((options.salt ?? "") + sorted.map(describe).join(""));
  const diffId = `sha256:${sha256Hex(text)}`;
  const size = options.size ?? sorted.reduce((sum, change) => sum + sizeOf(change.node), 0);
  return {
    diffId,
    digest: `sha256:${sha256Hex(`gzip ${diffId}`)}`,
    size,
    // What gzip leaves of programs alone and of larger file systems, and the fixed cost of an almost empty archive.
    compressedSize: Math.round(size * (size < 8_000_000 ? 0.553 : 0.42)) + 92,
    changes: sorted,
  };
}

/** An empty directory's shallow copy: its entries are changes of their own. */
function shallow(node: Inode): Inode {
  if (node.kind !== "dir") return node;
  const dir = new DirInode(node);
  dir.frozen = true;
  return dir;
}

/** Every node of a tree as changes over nothing. */
export function changesOfTree(root: DirInode): LayerChange[] {
  const changes: LayerChange[] = [];
  const visit = (dir: DirInode, at: string): void => {
    for (const [name, node] of dir.entries) {
      const path = `${at}/${name}`;
      changes.push({ path, node: shallow(node) });
      if (node.kind === "dir") visit(node, path);
    }
  };
  visit(root, "");
  return changes;
}

/** Applies a layer's changes to a tree; answers a frozen tree that shares all it can with the one below. */
export function applyLayer(below: DirInode, layer: Layer): DirInode {
  const root = thaw(freezeTree(below));
  for (const { path, node } of layer.changes) {
    const parent = writableParent(root, path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!node) parent.entries.delete(name);
    else if (node.kind === "dir") {
      const existing = parent.entries.get(name);
      if (existing?.kind === "dir") {
        const dir = existing.frozen ? thaw(existing) : existing;
        Object.assign(dir, { mode: node.mode, uid: node.uid, gid: node.gid, mtime: node.mtime });
        parent.entries.set(name, dir);
      } else parent.entries.set(name, new DirInode(node));
    } else parent.entries.set(name, node);
  }
  return freezeTree(root);
}

function writableParent(root: DirInode, path: string): DirInode {
  let dir = root;
  for (const name of path.split("/").slice(1, -1)) {
    let child = dir.entries.get(name);
    if (child?.kind !== "dir") child = new DirInode();
    else if (child.frozen) child = thaw(child);
    dir.entries.set(name, child);
    dir = child;
  }
  return dir;
}

/**
 * What a thawed tree changed, as `docker diff` lists it: a folder before what is in it, what is gone after what is
 * there. Mount points are not part of it.
 */
export function diffOf(root: DirInode): FileChange[] {
  const changes: FileChange[] = [];
  walkChanges(root, (path, kind) => changes.push({ path, kind }));
  const depthFirst = (a: FileChange, b: FileChange): number => {
    const left = a.path.split("/");
    const right = b.path.split("/");
    const shared = Math.min(left.length, right.length);
    for (let i = 1; i < shared; i++) {
      if (left[i] === right[i]) continue;
      const leftGone = a.kind === "D" && i === left.length - 1;
      const rightGone = b.kind === "D" && i === right.length - 1;
      if (leftGone !== rightGone) return leftGone ? 1 : -1;
      return left[i]! < right[i]! ? -1 : 1;
    }
    return left.length - right.length;
  };
  return changes.sort(depthFirst);
}

/** What a thawed tree changed, as the changes of a layer. The nodes are copies: the tree may go on changing. */
export function changesOf(root: DirInode): LayerChange[] {
  const changes: LayerChange[] = [];
  walkChanges(root, (path, kind, node) => {
    if (kind === "D") changes.push({ path, node: undefined });
    else if (node) changes.push({ path, node: node.kind === "dir" ? shallow(node) : freezeTree(cloneTree(node)) });
  });
  return changes;
}

function walkChanges(root: DirInode, found: (path: string, kind: FileChange["kind"], node?: Inode) => void): void {
  const visit = (dir: DirInode, at: string): boolean => {
    const origin = dir.origin?.kind === "dir" ? dir.origin : undefined;
    let changed = false;
    if (origin)
      for (const name of origin.entries.keys())
        if (!dir.entries.has(name)) {
          found(`${at}/${name}`, "D");
          changed = true;
        }
    for (const [name, node] of dir.entries) {
      const path = `${at}/${name}`;
      const before = origin?.entries.get(name);
      if (node === before) continue;
      if (node.frozen && before === undefined && !origin) continue;
      if (!before) {
        found(path, "A", node);
        changed = true;
        if (node.kind === "dir") visitNew(node, path);
        continue;
      }
      if (node.kind === "dir" && node.origin === before) {
        const below = visit(node, path);
        const touched =
          node.mode !== before.mode ||
          node.uid !== before.uid ||
          node.gid !== before.gid ||
          node.mtime !== before.mtime;
        if (below || touched) found(path, "C", node);
        changed ||= below || touched;
        continue;
      }
      // Copied up, and be it for a chmod that changed nothing; or replaced (rename, rm and create).
      found(path, "C", node);
      changed = true;
      if (node.kind === "dir") visitReplaced(node, before, path);
    }
    return changed;
  };
  /** A folder that was removed and made again: what the old one had and the new one has not is gone. */
  const visitReplaced = (dir: DirInode, before: Inode, at: string): void => {
    const old = before.kind === "dir" ? before.entries : new Map<string, Inode>();
    for (const name of old.keys()) if (!dir.entries.has(name)) found(`${at}/${name}`, "D");
    for (const [name, node] of dir.entries) {
      const earlier = old.get(name);
      found(`${at}/${name}`, earlier ? "C" : "A", node);
      if (node.kind !== "dir") continue;
      if (earlier) visitReplaced(node, earlier, `${at}/${name}`);
      else visitNew(node, `${at}/${name}`);
    }
  };
  const visitNew = (dir: DirInode, at: string): void => {
    for (const [name, node] of dir.entries) {
      found(`${at}/${name}`, "A", node);
      if (node.kind === "dir") visitNew(node, `${at}/${name}`);
    }
  };
  visit(root, "");
}

/** Bytes a container has written over its image (docker ps -s). */
export function writtenBytes(root: DirInode): number {
  let bytes = 0;
  walkChanges(root, (_path, kind, node) => {
    if (kind !== "D") bytes += sizeOf(node);
  });
  return bytes;
}
