/**
 * The nodes of file trees. Trees of image layers are frozen and shared; a container's tree starts as a shared frozen
 * one and is *thawed* along the path of each change (copy-up, as overlayfs does), so what changed is what is thawed.
 */
import type { Bytes } from "../base/bytes";
import { NO_BYTES } from "../base/bytes";
import type { Instant } from "../base/clock";

export interface Attributes {
  /** Permission bits, e.g. 0o755. */
  mode: number;
  uid: number;
  gid: number;
  /** ms since the epoch */
  mtime: Instant;
}

export type Inode = FileInode | DirInode | SymlinkInode | DeviceInode | FifoInode;

abstract class Node implements Attributes {
  mode: number;
  uid: number;
  gid: number;
  mtime: Instant;
  /** Part of an image layer or another shared tree: never changed, only copied up. */
  frozen = false;
  /** The frozen node this one was copied up from. */
  origin: Inode | undefined;

  constructor(attributes: Partial<Attributes>, mode: number) {
    this.mode = attributes.mode ?? mode;
    this.uid = attributes.uid ?? 0;
    this.gid = attributes.gid ?? 0;
    this.mtime = attributes.mtime ?? 0;
  }
}

export class FileInode extends Node {
  readonly kind = "file";
  content: Bytes;
  /** Files that are made when they are read (/proc, /sys). */
  generate: (() => Bytes) | undefined;
  /** Called instead of storing when a generated file is written; may throw SysError. */
  accept: ((content: Bytes) => void) | undefined;
  /** What `ls -l` and layer sizes show, where the real file is larger than what is kept here. */
  apparentSize: number | undefined;

  constructor(content: Bytes = NO_BYTES, attributes: Partial<Attributes> = {}) {
    super(attributes, 0o644);
    this.content = content;
  }

  read(): Bytes {
    return this.generate ? this.generate() : this.content;
  }

  get size(): number {
    return this.generate ? 0 : (this.apparentSize ?? this.content.length);
  }
}

/** Directories whose entries are made when they are looked up (/proc). */
export interface DynamicEntries {
  names(): readonly string[];
  lookup(name: string): Inode | undefined;
}

export class DirInode extends Node {
  readonly kind = "dir";
  readonly entries: Map<string, Inode>;
  dynamic: DynamicEntries | undefined;

  constructor(attributes: Partial<Attributes> = {}, entries: Map<string, Inode> = new Map()) {
    super(attributes, 0o755);
    this.entries = entries;
  }

  get(name: string): Inode | undefined {
    return this.entries.get(name) ?? this.dynamic?.lookup(name);
  }

  /** Sorted by byte value, as `ls` in the C locale. */
  names(): string[] {
    const names = [...this.entries.keys(), ...(this.dynamic?.names() ?? [])];
    return names.sort();
  }
}

export class SymlinkInode extends Node {
  readonly kind = "symlink";
  readonly target: string;

  constructor(target: string, attributes: Partial<Attributes> = {}) {
    super(attributes, 0o777);
    this.target = target;
  }
}

/** Character devices. `open` is answered by the kernel (see devices.ts). */
export class DeviceInode extends Node {
  readonly kind = "device";
  readonly device: DeviceName;

  constructor(device: DeviceName, attributes: Partial<Attributes> = {}) {
    super(attributes, 0o666);
    this.device = device;
  }
}

export type DeviceName = "null" | "zero" | "full" | "random" | "urandom" | "tty" | "ptmx" | "console";

export class FifoInode extends Node {
  readonly kind = "fifo";
  /** The pipe behind it, made by the kernel at the first open. */
  pipe: unknown;
}

/** A writable copy of a frozen node; children stay shared and frozen. */
export function thaw<T extends Inode>(node: T): T {
  if (!node.frozen) return node;
  const copy = copyNode(node);
  copy.origin = node;
  return copy as T;
}

function copyNode(node: Inode): Inode {
  switch (node.kind) {
    case "file": {
      const file = new FileInode(node.content, node);
      file.generate = node.generate;
      file.accept = node.accept;
      file.apparentSize = node.apparentSize;
      return file;
    }
    case "dir": {
      const dir = new DirInode(node, new Map(node.entries));
      dir.dynamic = node.dynamic;
      return dir;
    }
    case "symlink":
      return new SymlinkInode(node.target, node);
    case "device":
      return new DeviceInode(node.device, node);
    case "fifo":
      return new FifoInode(node, 0o644);
  }
}

/** A deep, writable copy with no tie to the original (cp -a, docker cp, COPY). */
export function cloneTree(node: Inode): Inode {
  const copy = copyNode(node);
  if (copy.kind === "dir") for (const [name, child] of copy.entries) copy.entries.set(name, cloneTree(child));
  return copy;
}

/** Freezes a tree, so that it may be shared as a layer. What is frozen already is frozen to the leaves. */
export function freezeTree<T extends Inode>(node: T): T {
  if (node.frozen) return node;
  node.frozen = true;
  node.origin = undefined;
  if (node.kind === "dir") for (const child of node.entries.values()) freezeTree(child);
  return node;
}
