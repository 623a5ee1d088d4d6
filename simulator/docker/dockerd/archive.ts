/** docker cp and docker export: parts of a container's file system as archives, in and out. */
import type { Bytes } from "../../base/bytes";
import { type TarEntry, decodeTar, encodeTar, treeEntries, TarFailure } from "../../os/tar";
import { SysError } from "../../os/errno";
import { FileInode, type Inode } from "../../os/inode";
import { MountNamespace } from "../../os/mounts";
import { absolute } from "../../os/path";
import { badRequest, notFound } from "../api/failure";
import type { DockerContainer } from "./container";
import type { Daemon } from "./daemon";
import { goTime } from "./inspect";

/** The container's files with its volumes and binds, running or not. */
function filesOf(daemon: Daemon, container: DockerContainer): MountNamespace {
  if (container.running) return container.runtime.files();
  const view = new MountNamespace(daemon.loop, {
    path: "/",
    root: container.runtime.root,
    readOnly: false,
    source: "overlay",
    type: "overlay",
    options: "rw",
  });
  for (const mount of container.mounts)
    if (mount.type !== "tmpfs" && daemon.fs.exists(mount.source))
      view.mount({
        path: mount.destination,
        root: daemon.fs.writable(mount.source),
        readOnly: !mount.rw,
        source: mount.source,
        type: mount.type,
        options: "rw",
      });
  return view;
}

/** Go's os.FileMode bits. */
function goMode(node: Inode): number {
  const type = { file: 0, dir: 0x80000000, symlink: 0x08000000, device: 0x04200000, fifo: 0x02000000 }[node.kind];
  return type + node.mode;
}

const missing = (path: string, shown: string) => notFound(`Could not find the file ${path} in container ${shown}`);

export function statPath(daemon: Daemon, container: DockerContainer, path: string, shown: string) {
  const node = lookUp(filesOf(daemon, container), path, shown);
  const name = absolute("/", path).split("/").at(-1) || "/";
  return {
    name,
    size: node.kind === "file" ? node.size : node.kind === "dir" ? 4096 : 0,
    mode: goMode(node),
    mtime: goTime(node.mtime),
    linkTarget: node.kind === "symlink" ? absolute(absolute("/", `${path}/..`), node.target) : "",
  };
}

function lookUp(files: MountNamespace, path: string, shown: string): Inode {
  if (path === "") throw badRequest("bad parameter: path cannot be empty");
  try {
    return files.lookup(absolute("/", path), { followLast: path.endsWith("/") });
  } catch (error) {
    if (error instanceof SysError) throw missing(path, shown);
    throw error;
  }
}

export function archiveOf(daemon: Daemon, container: DockerContainer, path: string, shown: string) {
  const files = filesOf(daemon, container);
  const node = lookUp(files, path, shown);
  const stat = statPath(daemon, container, path, shown);
  daemon.publish(container, "archive-path");
  const name = stat.name === "/" ? "" : path.endsWith("/.") ? "." : stat.name;
  return { stat, archive: encodeTar(treeEntries(node, name)) };
}

/** Extracts an archive below a directory of the container. */
export function extractArchive(
  daemon: Daemon,
  container: DockerContainer,
  path: string,
  bytes: Bytes,
  shown: string,
): void {
  const files = filesOf(daemon, container);
  let entries: TarEntry[];
  try {
    entries = decodeTar(bytes);
  } catch (error) {
    if (error instanceof TarFailure) throw badRequest(error.message);
    throw error;
  }
  const target = absolute("/", path);
  const node = lookUp(files, target, shown);
  if (node.kind !== "dir") throw badRequest("extraction point is not a directory");
  if (files.mountOf(files.realPath(target)).readOnly || container.hostConfig.ReadonlyRootfs)
    throw badRequest("container rootfs is marked read-only");
  extractInto(files, target, entries);
  daemon.publish(container, "extract-to-dir");
}

/** Lays entries below a directory; owners and times are kept. */
export function extractInto(files: MountNamespace, target: string, entries: readonly TarEntry[]): void {
  for (const { name, node, link } of entries) {
    const path = absolute(target, name);
    if (path === absolute("/", target)) continue;
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    if (!files.exists(parent)) files.makeDirs(parent);
    const existing = files.find(path, { followLast: false });
    if (!node) {
      if (link) files.put(path, files.lookup(absolute(target, link)));
      continue;
    }
    if (node.kind === "dir") {
      if (existing && existing.kind !== "dir") files.removeTree(path);
      if (existing?.kind !== "dir") files.makeDir(path);
      files.setAttributes(path, { mode: node.mode, uid: node.uid, gid: node.gid, mtime: node.mtime });
      continue;
    }
    if (existing?.kind === "file" && node.kind === "file") {
      const file = files.openFile(path);
      file.content = node.content;
      file.apparentSize = node.apparentSize;
      Object.assign(file, { mode: node.mode, uid: node.uid, gid: node.gid, mtime: node.mtime });
      continue;
    }
    if (existing) files.removeTree(path);
    files.put(path, node);
  }
}

/** docker export: the whole root without mounts, with the mark that dockerd leaves in it. */
export function exportArchive(container: DockerContainer): Bytes {
  const entries: TarEntry[] = [
    { name: ".dockerenv", node: new FileInode(undefined, { mode: 0o755, mtime: container.created }) },
  ];
  for (const entry of treeEntries(container.runtime.root, "")) entries.push(entry);
  return encodeTar(entries);
}
