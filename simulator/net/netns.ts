/** A network namespace with its system calls: what processes, container engines and nodes hold. */
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Process } from "../os/process";
import { Namespace } from "./namespace";
import { type ConnectOptions, type Connection, type ListenOptions, type TcpListener, connect, listen } from "./tcp";
import { type BindOptions, type UdpSocket, bindUdp } from "./udp";

export class Netns extends Namespace {
  /** bind and listen. Throws EADDRINUSE, or EADDRNOTAVAIL for an address that is not local. */
  listen(options: ListenOptions): TcpListener {
    return listen(this, options);
  }

  /** connect(2) from this namespace. Throws ECONNREFUSED, EHOSTUNREACH, ENETUNREACH or ETIMEDOUT after virtual time. */
  connect(process: Process, options: ConnectOptions): Task<Connection> {
    return connect(this, process, options);
  }

  bindUdp(options: BindOptions): UdpSocket {
    return bindUdp(this, options);
  }
}

/** The namespace a process is in. */
export function netOf(process: Process): Netns {
  const net = process.context.net;
  if (!(net instanceof Netns)) throw new SysError("ENETUNREACH");
  return net;
}
