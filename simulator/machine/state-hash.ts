/** One hash over a file tree: what was changed since the layers below it, and everything that is not of a layer. */
import type { RollingHash } from "../base/hash";
import type { DirInode, Inode } from "../os/inode";

export function hashTree(hash: RollingHash, root: DirInode): void {
  for (const [name, node] of [...root.entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    hash.feed(name);
    hashNode(hash, node);
  }
}

function hashNode(hash: RollingHash, node: Inode): void {
  // Frozen trees are named by what laid them; their content cannot have changed.
  if (node.frozen) {
    hash.feed("layer");
    return;
  }
  hash.feed(`${node.kind} ${node.mode} ${node.uid} ${node.gid} ${node.mtime}`);
  if (node.kind === "file" && !node.generate) hash.feed(node.content);
  if (node.kind === "symlink") hash.feed(node.target);
  if (node.kind === "dir" && !node.dynamic) hashTree(hash, node);
}
