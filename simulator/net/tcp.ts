/** TCP: listeners and connections. Bytes travel as loop tasks; every connection keeps to the way its packets find. */
import { type Bytes, NO_BYTES } from "../base/bytes";
import type { Cancel } from "../base/loop";
import { Signal, type Task, suspend } from "../base/task";
import { type Errno, SysError } from "../os/errno";
import { OpenFile } from "../os/open-file";
import type { Process } from "../os/process";
import { isIpv6, isLoopback } from "./address";
import type { Endpoint, ListeningSocket, Namespace, TcpState } from "./namespace";
import { type Packet, makePacket } from "./packet";
import { type Outcome, type Passage, walk, walkBack } from "./walk";

const WINDOW_BYTES = 256 * 1024;
const BACKLOG_MAX = 512;
const TIME_WAIT_MS = 60_000;
const TIME_WAITS_MAX = 256;
/** SYNs are sent again after 1, 2, 4 … s; after the seventh the kernel gives up (tcp_syn_retries 6). */
const SYN_TRIES = 7;
/** Three ARP requests a second apart. */
const ARP_FAILURE_MS = 3060;

// ---- listening -----------------------------------------------------------------------------------------------------

export interface ListenOptions {
  /** "0.0.0.0" by default; "::" also takes IPv4 unless `v6only`. */
  readonly address?: string;
  readonly port: number;
  readonly owner: Process;
  readonly v6only?: boolean;
}

export class TcpListener extends OpenFile {
  readonly name: string;
  readonly netns: Namespace;
  readonly address: string;
  readonly port: number;
  readonly v6only: boolean;
  readonly owner: Process;
  readonly #queue: TcpSocket[] = [];
  readonly #arrived = new Signal();
  #fd = -1;

  /** A listener that no packet reaches: Unix sockets hand it their connections. */
  static unbound(netns: Namespace, path: string, owner: Process): TcpListener {
    return new TcpListener(netns, { address: path, port: -1, owner });
  }

  /** Made by listen() only. */
  constructor(netns: Namespace, options: ListenOptions) {
    super();
    this.netns = netns;
    this.address = options.address ?? "0.0.0.0";
    this.port = options.port === 0 ? netns.ephemeralPort("tcp") : options.port;
    this.v6only = options.v6only ?? false;
    this.owner = options.owner;
    this.name = options.port < 0 ? this.address : `socket:[${this.address}:${this.port}]`;
    if (options.port >= 0) netns.listeners.add(this);
    this.#fd = options.owner.install(this);
  }

  /** Whether a connection to this address is for this listener. */
  takes(address: string): boolean {
    if (this.address === "0.0.0.0") return !isIpv6(address);
    if (this.address === "::") return isIpv6(address) || !this.v6only;
    return this.address === address;
  }

  get fd(): number {
    return this.#fd;
  }

  get backlog(): number {
    return this.#queue.length;
  }

  /** The next connection. It gets a descriptor in the owner. */
  *accept(process: Process = this.owner): Task<TcpSocket> {
    for (;;) {
      if (this.closed) throw new SysError("EINVAL");
      const socket = this.#queue.shift();
      if (socket) {
        socket.adopt(process);
        return socket;
      }
      yield* suspend(this.#arrived.wait);
    }
  }

  /** From a handshake that is done. */
  push(socket: TcpSocket): void {
    this.#queue.push(socket);
    this.#arrived.ring();
  }

  close(): void {
    if (this.owner.files.get(this.#fd) === this) this.owner.close(this.#fd);
  }

  get readable(): boolean {
    return this.#queue.length > 0;
  }

  *read(): Task<Bytes> {
    throw new SysError("ENOTCONN");
  }

  *write(): Task<void> {
    throw new SysError("ENOTCONN");
  }

  protected onClose(): void {
    this.netns.listeners.delete(this);
    for (const socket of this.#queue.splice(0)) socket.reset();
    this.#arrived.ring();
  }
}

const wildcard = (address: string): boolean => address === "0.0.0.0" || address === "::";

/** bind and listen. Throws EADDRINUSE, or EADDRNOTAVAIL for an address that is not local. */
export function listen(netns: Namespace, options: ListenOptions): TcpListener {
  const address = options.address ?? "0.0.0.0";
  if (!wildcard(address) && !netns.isLocal(address)) throw new SysError("EADDRNOTAVAIL");
  const sixOnly = (candidate: string, v6only: boolean): boolean => isIpv6(candidate) && (candidate !== "::" || v6only);
  for (const other of netns.listeners) {
    if (other.port !== options.port || options.port === 0) continue;
    const mineIsSix = sixOnly(address, options.v6only ?? false);
    const otherIsSix = sixOnly(other.address, other.v6only);
    if (
      mineIsSix !== otherIsSix &&
      !(address === "::" && !options.v6only) &&
      !(other.address === "::" && !other.v6only)
    )
      continue;
    if (address === other.address || wildcard(address) || wildcard(other.address)) throw new SysError("EADDRINUSE");
  }
  return new TcpListener(netns, options);
}

function findListener(netns: Namespace, address: string, port: number): ListeningSocket | undefined {
  let found: ListeningSocket | undefined;
  for (const listener of netns.listeners) {
    if (listener.port !== port || !listener.takes(address)) continue;
    // An exact address wins over a wildcard.
    if (!found || wildcard(found.address)) found = listener;
  }
  return found;
}

const UNIX_WAY = { ok: true, latencyMs: 0.02, passages: [] } as const;

// ---- connections ---------------------------------------------------------------------------------------------------

type Segment = { readonly bytes: Bytes } | "fin";

/** One end of a connection. Also an open file: children may inherit it, and it closes when its process ends. */
export class TcpSocket extends OpenFile {
  readonly name: string;
  readonly netns: Namespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** A Unix domain socket: no packets, no way to find. */
  readonly isUnix: boolean;
  /** Who opened or accepted it, for `ss -p`. */
  owner: Process | undefined;
  /** Set by tls.ts after a handshake. */
  tls: { readonly serverName: string } | undefined;
  bytesSent = 0;
  bytesReceived = 0;
  #peer: TcpSocket | undefined;
  #fd = -1;
  #fdOwner: Process | undefined;
  #chunks: Bytes[] = [];
  #unread = 0;
  #inFlight = 0;
  #sentFin = false;
  #gotFin = false;
  #error: Errno | undefined;
  readonly #changed = new Signal();
  // The way to the peer, as it was found at some epoch.
  #way:
    | {
        readonly epoch: number;
        readonly ok: boolean;
        readonly latencyMs: number;
        readonly passages: readonly Passage[];
      }
    | undefined;
  readonly #outgoing: Segment[] = [];
  #retry: Cancel | undefined;
  #retryMs = 200;
  #lastArrival = 0;

  /** Made by connect() only. */
  constructor(netns: Namespace, local: Endpoint, remote: Endpoint, isUnix = false) {
    super();
    this.isUnix = isUnix;
    this.netns = netns;
    this.local = local;
    this.remote = remote;
    this.name = `socket:[${local.address}:${local.port}->${remote.address}:${remote.port}]`;
    if (!isUnix) netns.sockets.add(this);
  }

  /** Joins two ends. */
  static join(a: TcpSocket, b: TcpSocket): void {
    a.#peer = b;
    b.#peer = a;
  }

  /** Gives the socket a descriptor in a process. */
  adopt(process: Process): void {
    this.owner = process;
    this.#fdOwner = process;
    this.#fd = process.install(this);
  }

  /** This end as an open file, e.g. for a child's standard input and output. */
  get file(): OpenFile {
    return this;
  }

  get fd(): number {
    return this.#fd;
  }

  get state(): TcpState {
    if (this.#error) return "CLOSED";
    if (!this.#peer) return "SYN_SENT";
    if (this.#sentFin && this.#gotFin) return "TIME_WAIT";
    if (this.#sentFin) return "FIN_WAIT2";
    return this.#gotFin ? "CLOSE_WAIT" : "ESTABLISHED";
  }

  /** Rings whenever bytes or the end arrive. */
  get changed(): Signal {
    return this.#changed;
  }

  get readable(): boolean {
    return this.#unread > 0 || this.#gotFin || this.#error !== undefined;
  }

  /** Whether the other side has said that nothing more will come. */
  get ended(): boolean {
    return this.#gotFin && this.#unread === 0;
  }

  *read(max = 65_536): Task<Bytes> {
    while (this.#unread === 0) {
      if (this.#error) throw new SysError(this.#error);
      if (this.#gotFin) return NO_BYTES;
      yield* suspend(this.#changed.wait);
    }
    let taken = this.#chunks.shift()!;
    if (taken.length > max) {
      this.#chunks.unshift(taken.slice(max) as Bytes);
      taken = taken.slice(0, max) as Bytes;
    }
    this.#unread -= taken.length;
    this.#wakePeer();
    return taken;
  }

  *write(bytes: Bytes): Task<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#error) throw new SysError(this.#error === "ECONNRESET" ? "EPIPE" : this.#error);
      if (this.#sentFin || this.closed || !this.#peer) throw new SysError("EPIPE");
      const room = WINDOW_BYTES - this.#queued() - this.#peer.#unread - this.#peer.#inFlight;
      if (room <= 0) {
        yield* suspend(this.#changed.wait);
        continue;
      }
      const part = rest.slice(0, room) as Bytes;
      rest = rest.slice(part.length) as Bytes;
      this.#outgoing.push({ bytes: part });
      this.bytesSent += part.length;
      this.#flush();
    }
  }

  /** No more will be written: the other side reads the end. */
  shutdown(): void {
    if (this.#sentFin || this.#error) return;
    this.#sentFin = true;
    this.#outgoing.push("fin");
    this.#flush();
  }

  /** Closes this process's descriptor; others that share the socket keep it. */
  close(): void {
    if (this.#fdOwner?.files.get(this.#fd) === this) this.#fdOwner.close(this.#fd);
    else if (!this.#fdOwner) this.onClose();
  }

  /** Closes at once, with a RST to the other side. */
  reset(): void {
    const peer = this.#peer;
    const way = this.#findWay(true);
    this.#fail("ECONNRESET");
    if (peer && way.ok) this.netns.loop.after(way.latencyMs, () => peer.#fail("ECONNRESET"));
    this.close();
  }

  protected onClose(): void {
    this.shutdown();
    this.netns.sockets.delete(this);
    if (this.#unread > 0 && !this.#error && !this.#gotFin) {
      // Unread data at close: the kernel answers with RST.
      this.#chunks = [];
      this.#unread = 0;
    }
    this.#wakePeer();
  }

  /** Room has come free: the other side may write on. */
  #wakePeer(): void {
    const peer = this.#peer;
    if (peer) peer.#changed.ring();
  }

  #queued(): number {
    let size = 0;
    for (const item of this.#outgoing) if (item !== "fin") size += item.bytes.length;
    return size;
  }

  #fail(error: Errno): void {
    if (this.#error) return;
    this.#error = error;
    this.#retry?.();
    this.#outgoing.length = 0;
    this.netns.sockets.delete(this);
    this.#changed.ring();
  }

  /** Sets what the handshake found, so that the first bytes need not ask again. */
  setWay(latencyMs: number, passages: readonly Passage[]): void {
    this.#way = { epoch: this.netns.network.epoch, ok: true, latencyMs, passages };
  }

  #findWay(last = false): { readonly ok: boolean; readonly latencyMs: number; readonly passages: readonly Passage[] } {
    if (this.isUnix) return UNIX_WAY;
    const epoch = this.netns.network.epoch;
    if (!last && this.#way?.epoch === epoch) return this.#way;
    const packet = this.#packet(last);
    const found = walk(this.netns, packet);
    const ok = found.outcome.kind === "delivered" && found.outcome.netns === this.#peer?.netns;
    this.#way = { epoch, ok, latencyMs: found.latencyMs, passages: found.passages };
    return this.#way;
  }

  #packet(last: boolean): Packet {
    return makePacket(
      "tcp",
      {
        source: this.local.address,
        sourcePort: this.local.port,
        destination: this.remote.address,
        destinationPort: this.remote.port,
      },
      { last },
    );
  }

  /** Sends what is queued, or waits for a way. */
  #flush(): void {
    const peer = this.#peer;
    if (!peer || this.#retry) return;
    while (this.#outgoing.length > 0) {
      const segment = this.#outgoing[0]!;
      const way = this.#findWay(segment === "fin" && this.#gotFin);
      if (!way.ok) {
        this.#stall();
        return;
      }
      this.#retryMs = 200;
      this.#outgoing.shift();
      const loop = this.netns.loop;
      this.#lastArrival = Math.max(this.#lastArrival, loop.now() + way.latencyMs);
      const size = segment === "fin" ? 0 : segment.bytes.length;
      for (const { interface: device, direction } of way.passages) {
        device[direction].bytes += size + 66;
        device[direction].packets++;
      }
      peer.#inFlight += size;
      loop.at(this.#lastArrival, () => peer.#arrive(segment, this));
    }
  }

  /** Nothing gets through: tries again, ever more slowly, and gives up after a quarter of an hour (tcp_retries2). */
  #stall(): void {
    if (this.#retryMs > 200 * 2 ** 12) {
      this.#fail("ETIMEDOUT");
      return;
    }
    this.#retry = this.netns.loop.after(Math.min(this.#retryMs, 120_000), () => {
      this.#retry = undefined;
      this.#way = undefined;
      this.#flush();
    });
    this.#retryMs *= 2;
  }

  #arrive(segment: Segment, sender: TcpSocket): void {
    if (segment !== "fin") this.#inFlight -= segment.bytes.length;
    if (this.#error) return;
    if (segment === "fin") {
      this.#gotFin = true;
      if (this.#sentFin && !this.isUnix) {
        remember(this.netns, this.local, this.remote);
        sender.netns.sockets.delete(sender);
        this.netns.sockets.delete(this);
      }
    } else if (this.closed) {
      // Data for a closed socket: RST.
      const way = this.#findWay();
      if (way.ok) this.netns.loop.after(way.latencyMs, () => sender.#fail("ECONNRESET"));
      return;
    } else {
      this.#chunks.push(segment.bytes);
      this.#unread += segment.bytes.length;
      this.bytesReceived += segment.bytes.length;
    }
    this.#changed.ring();
    sender.#changed.ring();
  }
}

/** A connection, under the name that programs use. */
export type Connection = TcpSocket;

function remember(netns: Namespace, local: Endpoint, remote: Endpoint): void {
  const now = netns.loop.now();
  const live = netns.timeWaits.filter((entry) => entry.until > now).slice(1 - TIME_WAITS_MAX);
  netns.timeWaits = [...live, { local, remote, until: now + TIME_WAIT_MS }];
}

export interface ConnectOptions extends Endpoint {
  /** Gives up after this time with ETIMEDOUT. */
  readonly timeoutMs?: number;
}

/** What a failed SYN means for connect(2). Undefined: try again later. */
function failureOf(outcome: Outcome): { readonly error: Errno; readonly afterMs: number } | undefined {
  switch (outcome.kind) {
    case "rejected":
      return {
        error:
          outcome.with === "tcp-reset" ||
          outcome.with === "icmp-port-unreachable" ||
          outcome.with === "icmp-proto-unreachable"
            ? "ECONNREFUSED"
            : outcome.with.startsWith("icmp-net")
              ? "ENETUNREACH"
              : "EHOSTUNREACH",
        afterMs: 0,
      };
    case "unreachable":
      return { error: "EHOSTUNREACH", afterMs: ARP_FAILURE_MS };
    case "no-route":
      return { error: outcome.isLocal ? "ENETUNREACH" : "EHOSTUNREACH", afterMs: 0 };
    case "ttl-exceeded":
      return { error: "EHOSTUNREACH", afterMs: 0 };
    default:
      return undefined;
  }
}

/** connect(2). Throws ECONNREFUSED, EHOSTUNREACH, ENETUNREACH or ETIMEDOUT, each after the time it takes. */
export function* connect(netns: Namespace, process: Process, options: ConnectOptions): Task<Connection> {
  const address = options.address === "0.0.0.0" ? "127.0.0.1" : options.address === "::" ? "::1" : options.address;
  const source = netns.sourceFor(address);
  if (source === undefined) throw new SysError("ENETUNREACH");
  const local: Endpoint = { address: source, port: netns.ephemeralPort("tcp") };
  const remote: Endpoint = { address, port: options.port };
  const socket = new TcpSocket(netns, local, remote);
  socket.adopt(process);
  let connected = false;
  try {
    const deadline = process.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
    for (let attempt = 0; attempt < SYN_TRIES; attempt++) {
      const nextTry = process.now() + 1000 * 2 ** attempt;
      const result = yield* knock(process, netns, socket, deadline);
      if (result === "connected") {
        connected = true;
        return socket;
      }
      if (result !== "lost") throw new SysError(result);
      const until = Math.min(nextTry, deadline);
      if (until > process.now()) yield* process.sleep(until - process.now());
      if (process.now() >= deadline) break;
    }
    throw new SysError("ETIMEDOUT");
  } finally {
    if (!connected) {
      socket.close();
      netns.sockets.delete(socket);
    }
  }
}

/** One SYN and what comes of it. */
function* knock(
  process: Process,
  netns: Namespace,
  socket: TcpSocket,
  deadline: number,
): Task<"connected" | "lost" | Errno> {
  const packet = makePacket(
    "tcp",
    {
      source: socket.local.address,
      sourcePort: socket.local.port,
      destination: socket.remote.address,
      destinationPort: socket.remote.port,
    },
    { syn: true },
  );
  if (isIpv6(packet.destination) && !isLoopback(packet.destination)) return "ENETUNREACH";
  const there = walk(netns, packet);
  const failed = failureOf(there.outcome);
  if (failed) {
    const wait = there.latencyMs * 2 + failed.afterMs;
    if (process.now() + wait > deadline) {
      yield* process.sleep(Math.max(0, deadline - process.now()));
      return "lost";
    }
    yield* process.sleep(wait);
    return failed.error;
  }
  if (there.outcome.kind !== "delivered") return "lost";
  const { netns: far, packet: delivered } = there.outcome;
  yield* process.sleep(there.latencyMs);
  if (!far.up) return "lost";
  const listener = findListener(far, delivered.destination, delivered.destinationPort);
  // The answer, SYN-ACK or RST, has to find its own way back.
  const back = walkBack(far, delivered, netns, !listener);
  if (!back.arrived) return "lost";
  if (!listener) {
    yield* process.sleep(back.latencyMs);
    return "ECONNREFUSED";
  }
  if (listener.backlog >= BACKLOG_MAX) return "lost";
  const farSocket = new TcpSocket(
    far,
    { address: delivered.destination, port: delivered.destinationPort },
    { address: delivered.source, port: delivered.sourcePort },
  );
  farSocket.owner = listener.owner;
  yield* process.sleep(back.latencyMs);
  TcpSocket.join(socket, farSocket);
  // The flow is known on all hops now; later packets walk as ESTABLISHED when something has changed.
  socket.setWay(there.latencyMs, there.passages);
  farSocket.setWay(back.latencyMs, back.passages);
  netns.loop.after(there.latencyMs, () => {
    if (listener.closed) farSocket.reset();
    else listener.push(farSocket);
  });
  return "connected";
}
