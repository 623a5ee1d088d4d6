/** Unix domain sockets: streams between processes of one machine, found by a path of the file system (`/var/run/docker.sock`). */
import { NO_BYTES } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Inode } from "../os/inode";
import type { Process } from "../os/process";
import { netOf } from "./netns";
import { TcpListener, TcpSocket } from "./tcp";

/** Listeners by the inode of their path: a bind mount of the path leads to the same listener. */
const listeners = new WeakMap<Inode, TcpListener>();

/** Listens at a path, which must not exist (or must be a dead socket). */
export function listenUnix(process: Process, path: string): TcpListener {
  const fs = process.fs;
  const old = fs.find(path);
  if (old) {
    if (listeners.get(old) && !listeners.get(old)!.closed) throw new SysError("EADDRINUSE");
    fs.unlink(path);
  }
  fs.writeFile(path, NO_BYTES, { mode: 0o660 });
  const node = fs.lookup(path);
  const listener = TcpListener.unbound(netOf(process), path, process);
  listeners.set(node, listener);
  return listener;
}

/** Connects to the listener at a path. Throws ENOENT, EACCES or ECONNREFUSED. */
export function* connectUnix(process: Process, path: string): Task<TcpSocket> {
  const node = process.fs.lookup(process.path(path));
  const listener = listeners.get(node);
  if (!listener || listener.closed) throw new SysError("ECONNREFUSED");
  const own = { address: "", port: 0 };
  const near = new TcpSocket(netOf(process), own, { address: path, port: 0 }, true);
  const far = new TcpSocket(listener.netns, { address: path, port: 0 }, own, true);
  near.adopt(process);
  far.owner = listener.owner;
  TcpSocket.join(near, far);
  yield* process.sleep(0.02);
  listener.push(far);
  return near;
}
