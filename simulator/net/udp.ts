/** UDP: sockets and datagrams. A datagram that finds nobody comes back as ECONNREFUSED, as ICMP would report it. */
import type { Bytes } from "../base/bytes";
import { Signal, type Task, suspend } from "../base/task";
import { type Errno, SysError } from "../os/errno";
import { OpenFile } from "../os/open-file";
import type { Process } from "../os/process";
import { isIpv6 } from "./address";
import type { Datagram, DatagramSocket, Endpoint, Namespace } from "./namespace";
import { makePacket } from "./packet";
import { walk, walkBack } from "./walk";

export interface BindOptions {
  readonly address?: string;
  /** Absent or 0: any free one. */
  readonly port?: number;
  readonly owner: Process;
}

const QUEUE_MAX = 1024;

export class UdpSocket extends OpenFile {
  readonly name: string;
  readonly netns: Namespace;
  readonly local: Endpoint;
  readonly owner: Process;
  readonly #queue: Datagram[] = [];
  readonly #arrived = new Signal();
  #error: Errno | undefined;
  #fd = -1;

  /** Made by bindUdp() only. */
  constructor(netns: Namespace, options: BindOptions) {
    super();
    this.netns = netns;
    this.owner = options.owner;
    this.local = { address: options.address ?? "0.0.0.0", port: options.port || netns.ephemeralPort("udp") };
    this.name = `socket:[udp ${this.local.address}:${this.local.port}]`;
    netns.datagramSockets.add(this);
    this.#fd = options.owner.install(this);
  }

  takes(address: string): boolean {
    return this.local.address === "0.0.0.0"
      ? !isIpv6(address)
      : this.local.address === "::" || this.local.address === address;
  }

  get fd(): number {
    return this.#fd;
  }

  get arrived(): Signal {
    return this.#arrived;
  }

  get readable(): boolean {
    return this.#queue.length > 0 || this.#error !== undefined;
  }

  /** The next datagram. Throws ECONNREFUSED when an earlier one was turned away. */
  *receive(): Task<Datagram> {
    for (;;) {
      const datagram = this.#queue.shift();
      if (datagram) return datagram;
      if (this.#error) {
        const error = this.#error;
        this.#error = undefined;
        throw new SysError(error);
      }
      if (this.closed) throw new SysError("EBADF");
      yield* suspend(this.#arrived.wait);
    }
  }

  /** Sends and forgets. `source`: the local address to send from. */
  sendTo(bytes: Bytes, to: Endpoint, source?: string): void {
    const own =
      source ??
      (this.local.address === "0.0.0.0" || this.local.address === "::"
        ? this.netns.sourceFor(to.address)
        : this.local.address);
    if (own === undefined) throw new SysError("ENETUNREACH");
    const packet = makePacket("udp", {
      source: own,
      sourcePort: this.local.port,
      destination: to.address,
      destinationPort: to.port,
    });
    const there = walk(this.netns, packet);
    for (const { interface: device, direction } of there.passages) {
      device[direction].bytes += bytes.length + 42;
      device[direction].packets++;
    }
    const { outcome } = there;
    const loop = this.netns.loop;
    if (outcome.kind === "rejected") loop.after(there.latencyMs * 2, () => this.#fail("ECONNREFUSED"));
    else if (outcome.kind === "unreachable") loop.after(3060, () => this.#fail("EHOSTUNREACH"));
    else if (outcome.kind === "no-route") loop.after(there.latencyMs * 2, () => this.#fail("ENETUNREACH"));
    if (outcome.kind !== "delivered") return;
    const { netns: far, packet: delivered } = outcome;
    loop.after(there.latencyMs, () => {
      const target = findUdp(far, delivered.destination, delivered.destinationPort);
      if (target) {
        target.deliver({
          bytes,
          from: { address: delivered.source, port: delivered.sourcePort },
          to: { address: delivered.destination, port: delivered.destinationPort },
        });
        return;
      }
      const back = walkBack(far, delivered, this.netns);
      if (back.arrived) loop.after(back.latencyMs, () => this.#fail("ECONNREFUSED"));
    });
  }

  /** Answers a datagram from the address it came to. */
  reply(to: Datagram, bytes: Bytes): void {
    this.sendTo(bytes, to.from, to.to.address);
  }

  /** From the wire. */
  deliver(datagram: Datagram): void {
    if (this.closed || this.#queue.length >= QUEUE_MAX) return;
    this.#queue.push(datagram);
    this.#arrived.ring();
  }

  #fail(error: Errno): void {
    this.#error = error;
    this.#arrived.ring();
  }

  close(): void {
    if (this.owner.files.get(this.#fd) === this) this.owner.close(this.#fd);
  }

  *read(): Task<Bytes> {
    return (yield* this.receive()).bytes;
  }

  *write(): Task<void> {
    throw new SysError("ENOTCONN");
  }

  protected onClose(): void {
    this.netns.datagramSockets.delete(this);
    this.#arrived.ring();
  }
}

function findUdp(netns: Namespace, address: string, port: number): DatagramSocket | undefined {
  let found: DatagramSocket | undefined;
  for (const socket of netns.datagramSockets)
    if (socket.local.port === port && socket.takes(address) && (!found || found.local.address === "0.0.0.0"))
      found = socket;
  return found;
}

/** A bound UDP socket. Throws EADDRINUSE, or EADDRNOTAVAIL for an address that is not local. */
export function bindUdp(netns: Namespace, options: BindOptions): UdpSocket {
  const address = options.address ?? "0.0.0.0";
  if (address !== "0.0.0.0" && address !== "::" && !netns.isLocal(address)) throw new SysError("EADDRNOTAVAIL");
  if (options.port)
    for (const other of netns.datagramSockets)
      if (
        other.local.port === options.port &&
        (other.local.address === address || other.local.address === "0.0.0.0" || address === "0.0.0.0")
      )
        throw new SysError("EADDRINUSE");
  return new UdpSocket(netns, options);
}
