/** One process's view of the files: a root, mounts over it, and the file system calls on paths. */
import type { Bytes } from "../base/bytes";
import { NO_BYTES } from "../base/bytes";
import type { Clock } from "../base/clock";
import { limits } from "../base/limits";
import { type Errno, SysError } from "./errno";
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
  /** A directory, or a file for single-file binds. A frozen one is shared until this namespace changes it. */
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
  /** The last names of mount points: other names need no look at the mounts. */
  readonly #mountNames = new Set<string>();
  #root: Mount;

  constructor(clock: Clock, root: Mount) {
    this.#clock = clock;
    this.#root = root;
    this.#mounts.set("/", root);
  }

  #put(mount: Mount): void {
    this.#mounts.set(mount.path, mount);
    if (mount.path === "/") this.#root = mount;
    else this.#mountNames.add(mount.path.slice(mount.path.lastIndexOf("/") + 1));
  }

  /** In the order they were mounted. */
  mounts(): readonly Mount[] {
    return [...this.#mounts.values()];
  }

  /** Mounts over an existing directory or file (of the same kind); makes the mount point when it is missing. */
  mount(mount: Mount): void {
    let place = this.#place(mount.path, true);
    if (typeof place === "string" || !place.node) {
      if (mount.root.kind === "dir") this.makeDirs(mount.path);
      else {
        this.makeDirs(mount.path.slice(0, mount.path.lastIndexOf("/")) || "/");
        this.writeFile(mount.path, NO_BYTES);
      }
      place = this.#walk(mount.path, true);
    }
    this.#put(place.path === mount.path ? mount : { ...mount, path: place.path });
  }

  /** Makes a mount read-only or writable (mount -o remount). */
  remount(path: string, readOnly: boolean): void {
    const mount = this.#mounts.get(path);
    if (!mount) throw new SysError("EINVAL");
    this.#put({ ...mount, readOnly });
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
    const copy = new MountNamespace(this.#clock, this.#root);
    for (const mount of this.#mounts.values()) copy.#put(mount);
    return copy;
  }

  /** The mount that holds a canonical path. */
  mountOf(path: string): Mount {
    let best = this.#root;
    for (const mount of this.#mounts.values())
      if (mount.path.length > best.path.length && isAtOrBelow(path, mount.path)) best = mount;
    return best;
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
    const place = this.#place(path, options.followLast ?? true);
    return typeof place === "string" ? undefined : place.node;
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
    const place = this.#place(path, followLast);
    if (typeof place === "string") throw new SysError(place);
    return place;
  }

  /**
   * As #walk, but a failure is its code: looking for what is not there is common (every PATH search, every mount point),
   * and an exception costs more than the search.
   */
  #place(path: string, followLast: boolean): Place | Errno {
    if (path.length > 4096) return "ENAMETOOLONG";
    if (path.charCodeAt(0) !== SLASH) return this.#placeByNames(path, followLast);
    let parent: DirInode | undefined;
    let node = this.#root.root;
    let start = 1;
    // Most paths are canonical already: they are read where they stand, and are their own canonical form.
    while (start < path.length) {
      if (node.kind !== "dir") return this.#placeByNames(path, followLast);
      let end = path.indexOf("/", start);
      if (end < 0) end = path.length;
      const first = path.charCodeAt(start);
      if (first === SLASH || (first === DOT && isDots(path, start, end))) return this.#placeByNames(path, followLast);
      const name = path.slice(start, end);
      const mount = this.#mountNames.has(name)
        ? this.#mounts.get(end === path.length ? path : path.slice(0, end))
        : undefined;
      const child: Inode | undefined = mount ? mount.root : node.get(name);
      if (end === path.length) {
        if (child?.kind === "symlink" && followLast) return this.#placeByNames(path, followLast);
        return { path, node: child, parent: node, name };
      }
      // What follows may be no more than trailing slashes.
      if (!child && end + 1 < path.length && path.charCodeAt(end + 1) !== SLASH) return "ENOENT";
      if (!child || child.kind === "symlink") return this.#placeByNames(path, followLast);
      parent = node;
      node = child;
      start = end + 1;
    }
    if (parent) return this.#placeByNames(path, followLast);
    return { path: "/", node, parent: undefined, name: "" };
  }

  /** Every path: with symbolic links, `.`, `..`, doubled and trailing slashes. */
  #placeByNames(path: string, followLast: boolean): Place | Errno {
    if (path === "") return "ENOENT";
    const pending = path.split("/").reverse();
    const names: string[] = [];
    const chain: Inode[] = [this.#root.root];
    let links = 0;
    while (pending.length > 0) {
      const name = pending.pop()!;
      if (name === "" || name === ".") {
        if (name === "." || pending.length > 0 || names.length === 0) continue;
        // A trailing slash asks for a directory.
        const last = chain.at(-1)!;
        if (last.kind !== "dir") return "ENOTDIR";
        continue;
      }
      const dir = chain.at(-1)!;
      if (dir.kind !== "dir") return "ENOTDIR";
      if (name === "..") {
        if (names.pop() !== undefined) chain.pop();
        continue;
      }
      const mount = this.#mountNames.has(name) ? this.#mounts.get(pathOf(names, name)) : undefined;
      const node = mount?.root ?? dir.get(name);
      const isLast = pending.every((rest) => rest === "");
      if (!node) return isLast ? { path: pathOf(names, name), node: undefined, parent: dir, name } : "ENOENT";
      if (node.kind === "symlink" && (!isLast || followLast || pending.length > 0)) {
        if (++links > limits.symlinkDepthMax) return "ELOOP";
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
    if (node.frozen) {
      node = thaw(node);
      this.#put({ ...mount, root: node });
    }
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

const SLASH = 47;
const DOT = 46;

const pathOf = (names: readonly string[], name: string): string =>
  names.length === 0 ? `/${name}` : `/${names.join("/")}/${name}`;

/** Whether the name between two places of a path is `.` or `..`. */
const isDots = (path: string, start: number, end: number): boolean =>
  end - start === 1 || (end - start === 2 && path.charCodeAt(start + 1) === DOT);

const isAtOrBelow = (path: string, mountPoint: string): boolean =>
  path.startsWith(mountPoint) && (path.length === mountPoint.length || path.charCodeAt(mountPoint.length) === SLASH);
