/** What every container finds under /dev and /sys: frozen trees, shared until a container changes its own /dev. */
import { DeviceInode, type DeviceName, DirInode, type Inode, SymlinkInode, freezeTree } from "../os/inode";

const names: readonly DeviceName[] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"];

const links: readonly (readonly [string, string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

/** A tmpfs of each container's own, as runc makes it: a mount thaws it when something in it changes. */
export const devices = freezeTree(
  new DirInode(
    {},
    new Map<string, Inode>([
      ...names.filter((name) => name !== "console").map((name) => [name, new DeviceInode(name)] as const),
      ...links.map(([name, target]) => [name, new SymlinkInode(target)] as const),
      ["pts", new DirInode()] as const,
      ["shm", new DirInode({ mode: 0o1777 })] as const,
      ["mqueue", new DirInode({ mode: 0o1777 })] as const,
    ]),
  ),
);

/** /sys, read-only and the same for all. */
export const sys = freezeTree(
  new DirInode(
    { mode: 0o555 },
    new Map([["fs", new DirInode({}, new Map([["cgroup", new DirInode({ mode: 0o555 })]]))]]),
  ),
);
