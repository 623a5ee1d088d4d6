/** One process's view of the files: a root, mounts over it, and the file system calls on paths. */
import type { Bytes } from "../base/bytes";
import { NO_BYTES } from "../base/bytes";
import type { Clock } from "../base/clock";
import { limits } from "../base/limits";
import { SysError } from "./errno";
import {
  type Attributes,
  DeviceInode,
  type DeviceName,
  DirInode,
  FifoInode,
  FileInode,
  type Inode,
  SymlinkInode,
  cloneTree,
  thaw,
} from "./inode";
import { absolute } from "./path";

export interface Mount {
  /** Canonical absolute path in this namespace. */
  readonly path: string;
  /** A directory, or a file for single-file binds. Never frozen. */
  readonly root: Inode;
  readonly readOnly: boolean;
  /** As in /proc/mounts: `overlay`, `tmpfs`, `proc`, a host path … */
  readonly source: string;
  readonly type: string;
  readonly options: string;
}

interface Place {
  /** Canonical path: no symbolic links, `.` or `..`. */
  readonly path: string;
  readonly node: Inode | undefined;
  readonly parent: DirInode | undefined;
  readonly name: string;
}

export class MountNamespace {
  readonly #clock: Clock;
  readonly #mounts = new Map<string, Mount>();

  constructor(clock: Clock, root: Mount) {
    this.#clock = clock;
    this.#mounts.set("/", root);
  }

  /** In the order they were mounted. */
  mounts(): readonly Mount[] {
    return [...this.#mounts.values()];
  }

  /** Mounts over an existing directory or file (of the same kind); makes the mount point when it is missing. */
  mount(mount: Mount): void {
    if (!this.exists(mount.path)) {
      if (mount.root.kind === "dir") this.makeDirs(mount.path);
      else {
        this.makeDirs(mount.path.slice(0, mount.path.lastIndexOf("/")) || "/");
        this.writeFile(mount.path, NO_BYTES);
      }
    }
    const path = this.realPath(mount.path);
    this.#mounts.set(path, { ...mount, path });
  }

  /** Makes a mount read-only or writable (mount -o remount). */
  remount(path: string, readOnly: boolean): void {
    const mount = this.#mounts.get(path);
    if (!mount) throw new SysError("EINVAL");
    this.#mounts.set(path, { ...mount, readOnly });
  }

  /** The node at a path, copied up where need be, so that it can be mounted elsewhere and changed through both. */
  writable(path: string): Inode {
    const place = this.#walk(path, true);
    if (!place.node) throw new SysError("ENOENT");
    const mount = this.mountOf(place.path);
    // Below a read-only mount nothing is copied up: the node itself can only be read anyway.
    return mount.readOnly ? place.node : this.#thawed(place.path);
  }

  unmount(path: string): void {
    if (path === "/" || !this.#mounts.delete(path)) throw new SysError("EINVAL");
  }

  /** A copy with its own mount table over the same trees. */
  fork(): MountNamespace {
    const copy = new MountNamespace(this.#clock, this.#mounts.get("/")!);
    for (const mount of this.#mounts.values()) copy.#mounts.set(mount.path, mount);
    return copy;
  }

  /** The mount that holds a canonical path. */
  mountOf(path: string): Mount {
    for (let at = path; at !== "/"; at = at.slice(0, at.lastIndexOf("/")) || "/") {
      const mount = this.#mounts.get(at);
      if (mount) return mount;
    }
    return this.#mounts.get("/")!;
  }

  // ---- reading ---------------------------------------------------------------------------------------------------

  /** The node at a path, following symbolic links. Throws ENOENT, ENOTDIR or ELOOP. */
  lookup(path: string, options: { readonly followLast?: boolean } = {}): Inode {
    const place = this.#walk(path, options.followLast ?? true);
    if (!place.node) throw new SysError("ENOENT");
    return place.node;
  }

  /** As lookup, but undefined when there is nothing. */
  find(path: string, options: { readonly followLast?: boolean } = {}): Inode | undefined {
    try {
      return this.#walk(path, options.followLast ?? true).node;
    } catch (error) {
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }

  exists(path: string): boolean {
    return this.find(path) !== undefined;
  }

  isDir(path: string): boolean {
    return this.find(path)?.kind === "dir";
  }

  readFile(path: string): Bytes {
    const node = this.lookup(path);
    if (node.kind === "dir") throw new SysError("EISDIR");
    if (node.kind !== "file") return NO_BYTES;
    return node.read();
  }

  readDir(path: string): string[] {
    const node = this.lookup(path);
    if (node.kind !== "dir") throw new SysError("ENOTDIR");
    const names = node.names();
    // Mount points show even where the directory below has no such entry.
    return names;
  }

  readLink(path: string): string {
    const node = this.lookup(path, { followLast: false });
    if (node.kind !== "symlink") throw new SysError("EINVAL");
    return node.target;
  }

  /** The canonical path, all symbolic links followed; the last name may be missing. */
  realPath(path: string): string {
    return this.#walk(path, true).path;
  }

  // ---- writing ---------------------------------------------------------------------------------------------------

  /** Replaces or makes a file. New files get `mode` (default 0644). */
  writeFile(path: string, content: Bytes, attributes: Partial<Attributes> = {}): FileInode {
    const file = this.openFile(path, { create: true, attributes });
    this.#setContent(file, content);
    return file;
  }

  appendFile(path: string, content: Bytes): void {
    const file = this.openFile(path, { create: true });
    this.#setContent(file, (file.content + content) as Bytes);
  }

  /** The writable file at a path, copied up where need be. */
  openFile(
    path: string,
    options: { create?: boolean; exclusive?: boolean; attributes?: Partial<Attributes> } = {},
  ): FileInode {
    const place = this.#walk(path, true);
    if (place.node) {
      if (options.exclusive) throw new SysError("EEXIST");
      if (place.node.kind === "dir") throw new SysError("EISDIR");
      if (place.node.kind !== "file") throw new SysError("EINVAL");
      return this.#thawed(place.path) as FileInode;
    }
    if (!options.create) throw new SysError("ENOENT");
    const file = new FileInode(NO_BYTES, { mtime: this.#clock.now(), ...options.attributes });
    this.#link(place, file);
    return file;
  }

  makeDir(path: string, attributes: Partial<Attributes> = {}): void {
    const place = this.#walk(path.replace(/\/+$/, "") || "/", true);
    if (place.node) throw new SysError("EEXIST");
    this.#link(place, new DirInode({ mtime: this.#clock.now(), ...attributes }));
  }

  /** mkdir -p */
  makeDirs(path: string, attributes: Partial<Attributes> = {}): void {
    let at = "";
    for (const name of absolute("/", path).split("/").slice(1)) {
      at = `${at}/${name}`;
      const node = name === "" ? this.lookup("/") : this.find(at);
      if (!node) this.makeDir(at, attributes);
      else if (node.kind !== "dir") throw new SysError(at === absolute("/", path) ? "EEXIST" : "ENOTDIR");
    }
  }

  symlink(target: string, path: string): void {
    const place = this.#walk(path, false);
    if (place.node) throw new SysError("EEXIST");
    this.#link(place, new SymlinkInode(target, { mtime: this.#clock.now() }));
  }

  /** Hard link: both names share one node. */
  link(existing: string, path: string): void {
    const from = this.#walk(existing, false);
    if (!from.node) throw new SysError("ENOENT");
    if (from.node.kind === "dir") throw new SysError("EPERM");
    const place = this.#walk(path, false);
    if (place.node) throw new SysError("EEXIST");
    this.#link(place, this.#thawed(from.path));
  }

  makeFifo(path: string): void {
    const place = this.#walk(path, false);
    if (place.node) throw new SysError("EEXIST");
    this.#link(place, new FifoInode({ mtime: this.#clock.now() }, 0o644));
  }

  makeDevice(path: string, device: DeviceName): void {
    const place = this.#walk(path, false);
    if (place.node) throw new SysError("EEXIST");
    this.#link(place, new DeviceInode(device, { mtime: this.#clock.now() }));
  }

  /** Puts a ready tree (cloned) at a path; replaces a file, never a directory. */
  put(path: string, tree: Inode): void {
    const place = this.#walk(path, false);
    if (place.node?.kind === "dir") throw new SysError("EEXIST");
    this.#link(place, cloneTree(tree));
  }

  /** Removes a file, link, device or fifo. */
  unlink(path: string): void {
    const place = this.#walk(path, false);
    if (!place.node) throw new SysError("ENOENT");
    if (place.node.kind === "dir") throw new SysError("EISDIR");
    this.#removeEntry(place);
  }

  removeDir(path: string): void {
    const place = this.#walk(path, false);
    if (!place.node) throw new SysError("ENOENT");
    if (place.node.kind !== "dir") throw new SysError("ENOTDIR");
    if (place.node.names().length > 0) throw new SysError("ENOTEMPTY");
    this.#removeEntry(place);
  }

  /** rm -r: a directory and all below it, or a single file. */
  removeTree(path: string): void {
    const place = this.#walk(path, false);
    if (!place.node) throw new SysError("ENOENT");
    for (const mount of this.#mounts.keys())
      if (mount !== "/" && mount.startsWith(`${place.path}/`)) throw new SysError("EBUSY");
    this.#removeEntry(place);
  }

  rename(from: string, to: string): void {
    const source = this.#walk(from, false);
    if (!source.node) throw new SysError("ENOENT");
    const target = this.#walk(to, false);
    if (target.path === source.path) return;
    if (`${target.path}/`.startsWith(`${source.path}/`)) throw new SysError("EINVAL");
    if (this.mountOf(source.path) !== this.mountOf(target.path)) throw new SysError("EXDEV");
    if (target.node?.kind === "dir") {
      if (source.node.kind !== "dir") throw new SysError("EISDIR");
      if (target.node.names().length > 0) throw new SysError("ENOTEMPTY");
    } else if (target.node && source.node.kind === "dir") throw new SysError("ENOTDIR");
    const node = source.node;
    this.#removeEntry(source);
    this.#link(this.#walk(to, false), node);
  }

  /** chmod, chown, touch. */
  setAttributes(path: string, attributes: Partial<Attributes>, options: { readonly followLast?: boolean } = {}): void {
    const place = this.#walk(path, options.followLast ?? true);
    if (!place.node) throw new SysError("ENOENT");
    Object.assign(this.#thawed(place.path), attributes);
  }

  // ---- walking ---------------------------------------------------------------------------------------------------

  #walk(path: string, followLast: boolean): Place {
    if (path === "") throw new SysError("ENOENT");
    if (path.length > 4096) throw new SysError("ENAMETOOLONG");
    const pending = path.split("/").reverse();
    const names: string[] = [];
    const chain: Inode[] = [this.#mounts.get("/")!.root];
    let links = 0;
    while (pending.length > 0) {
      const name = pending.pop()!;
      if (name === "" || name === ".") {
        if (name === "." || pending.length > 0 || names.length === 0) continue;
        // A trailing slash asks for a directory.
        const last = chain.at(-1)!;
        if (last.kind !== "dir") throw new SysError("ENOTDIR");
        continue;
      }
      const dir = chain.at(-1)!;
      if (dir.kind !== "dir") throw new SysError("ENOTDIR");
      if (name === "..") {
        if (names.pop() !== undefined) chain.pop();
        continue;
      }
      const at = `/${[...names, name].join("/")}`;
      const node = this.#mounts.get(at)?.root ?? dir.get(name);
      const isLast = pending.every((rest) => rest === "");
      if (!node) {
        if (!isLast) throw new SysError("ENOENT");
        return { path: at, node: undefined, parent: dir, name };
      }
      if (node.kind === "symlink" && (!isLast || followLast || pending.length > 0)) {
        if (++links > limits.symlinkDepthMax) throw new SysError("ELOOP");
        if (node.target.startsWith("/")) {
          names.length = 0;
          chain.length = 1;
        }
        pending.push(...node.target.split("/").reverse());
        continue;
      }
      names.push(name);
      chain.push(node);
    }
    const name = names.at(-1) ?? "";
    return { path: `/${names.join("/")}`, node: chain.at(-1)!, parent: chain.at(-2) as DirInode | undefined, name };
  }

  /** The writable node at a canonical path: thaws every directory on the way, as overlayfs copies up. */
  #thawed(path: string): Inode {
    const mount = this.mountOf(path);
    if (mount.readOnly) throw new SysError("EROFS");
    let node = mount.root;
    const below = mount.path === "/" ? path.slice(1) : path.slice(mount.path.length + 1);
    for (const name of below === "" ? [] : below.split("/")) {
      if (node.kind !== "dir") throw new SysError("ENOTDIR");
      const child = node.get(name);
      if (!child) throw new SysError("ENOENT");
      if (child.frozen) {
        const copy = thaw(child);
        node.entries.set(name, copy);
        node = copy;
      } else node = child;
    }
    return node;
  }

  #link(place: Place, node: Inode): void {
    if (place.name === "") throw new SysError("EEXIST");
    if (place.name.length > 255) throw new SysError("ENAMETOOLONG");
    const parent = this.#thawed(place.path.slice(0, place.path.lastIndexOf("/")) || "/");
    if (parent.kind !== "dir") throw new SysError("ENOTDIR");
    if (parent.dynamic) throw new SysError("EACCES");
    parent.entries.set(place.name, node);
    parent.mtime = this.#clock.now();
  }

  #removeEntry(place: Place): void {
    if (this.#mounts.has(place.path)) throw new SysError("EBUSY");
    const parent = this.#thawed(place.path.slice(0, place.path.lastIndexOf("/")) || "/");
    if (parent.kind !== "dir" || !parent.entries.delete(place.name)) throw new SysError("EACCES");
    parent.mtime = this.#clock.now();
  }

  #setContent(file: FileInode, content: Bytes): void {
    if (content.length > limits.fileBytesMax) throw new SysError("EFBIG");
    if (file.accept) {
      file.accept(content);
      return;
    }
    if (file.generate) throw new SysError("EACCES");
    file.content = content;
    file.apparentSize = undefined;
    file.mtime = this.#clock.now();
  }
}
