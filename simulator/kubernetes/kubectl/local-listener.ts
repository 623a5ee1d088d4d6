/** TCP as port-forward and proxy need it: by default, sockets of the process's own network namespace. */
import type { Bytes } from "../../base/bytes";
import type { Task } from "../../base/task";
import { netOf } from "../../net/netns";
import type { TcpSocket } from "../../net/tcp";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";

export interface LocalConnection {
  /** NO_BYTES at the end. */
  read(max: number): Task<Bytes>;
  write(bytes: Bytes): Task<void>;
  /** No more will be written; reading goes on. */
  end(): void;
  close(): void;
}

export interface LocalListener {
  readonly port: number;
  accept(): Task<LocalConnection>;
  close(): void;
}

const connectionOf = (socket: TcpSocket): LocalConnection => ({
  read: (max) => socket.read(max),
  write: (bytes) => socket.write(bytes),
  end: () => socket.shutdown(),
  close: () => socket.close(),
});

/** Listens where the process is; the failure is in Go's words. */
export function listenLocally(
  process: Process,
  address: string,
  port: number,
): LocalListener | { readonly failure: string } {
  try {
    const listener = netOf(process).listen({ address, port, owner: process, v6only: address.includes(":") });
    return {
      port: listener.port,
      *accept() {
        return connectionOf(yield* listener.accept());
      },
      close: () => listener.close(),
    };
  } catch (error) {
    if (error instanceof SysError) return { failure: `bind: ${error.text.toLowerCase()}` };
    throw error;
  }
}
