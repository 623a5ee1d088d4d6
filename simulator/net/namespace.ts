/** The state of a network namespace: interfaces, routes, rules, and tables of the sockets that live in it. */
import type { Bytes } from "../base/bytes";
import type { Loop } from "../base/loop";
import { SysError } from "../os/errno";
import type { NetworkNamespace, Process } from "../os/process";
import { type Cidr, broadcastOf, cidrHasValue, isLoopback, parseCidr, parseIpv4 } from "./address";
import { Conntrack } from "./conntrack";
import { Ipvs } from "./ipvs";
import type { AddressType } from "./netfilter/rule";
import { Netfilter } from "./netfilter/netfilter";
import { NftRuleset } from "./nftables/ruleset";
import type { Network } from "./network";
import type { Protocol } from "./packet";

export interface InterfaceAddress {
  readonly address: string;
  readonly prefix: number;
}

/** What an interface is plugged into; see segment.ts. */
export interface Wire {
  readonly name: string;
  readonly latencyMs: number;
  readonly host: Namespace | undefined;
  /** Nobody says that an address is missing: packets for it are lost without a word, as on the internet. */
  readonly silent: boolean;
  ports(): readonly Port[];
  find(address: string): Port | undefined;
  remove(netns: Namespace, name: string): void;
}

export interface Port {
  readonly netns: Namespace;
  readonly interface: Interface;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export type TcpState = "LISTEN" | "SYN_SENT" | "ESTABLISHED" | "CLOSE_WAIT" | "FIN_WAIT2" | "TIME_WAIT" | "CLOSED";

/** What the tables below and their readers (ss, netstat, the handshake) know of sockets. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly v6only: boolean;
  readonly owner: Process;
  readonly backlog: number;
  readonly fd: number;
  readonly closed: boolean;
  takes(address: string): boolean;
  push(socket: StreamSocket): void;
}

export interface StreamSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: TcpState;
  readonly owner: Process | undefined;
  readonly fd: number;
}

export interface Datagram {
  readonly bytes: Bytes;
  readonly from: Endpoint;
  /** The local address it was sent to: answers leave from there. */
  readonly to: Endpoint;
}

export interface DatagramSocket {
  readonly local: Endpoint;
  readonly owner: Process;
  readonly fd: number;
  takes(address: string): boolean;
  deliver(datagram: Datagram): void;
}

export interface TimeWait {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly until: number;
}

export interface Interface {
  readonly name: string;
  readonly index: number;
  readonly kind: "loopback" | "veth" | "bridge" | "ethernet" | "dummy";
  readonly mac: string;
  mtu: number;
  up: boolean;
  addresses: readonly InterfaceAddress[];
  readonly segment: Wire | undefined;
  /** The bridge that a host end of a veth hangs on. */
  master: string | undefined;
  peer: { readonly netns: Namespace; readonly name: string } | undefined;
  readonly received: { bytes: number; packets: number };
  readonly sent: { bytes: number; packets: number };
}

export interface Route {
  readonly destination: Cidr;
  /** Absent: on link. */
  readonly gateway?: string;
  readonly device: string;
  readonly source?: string;
  readonly protocol?: "kernel" | "static" | "dhcp" | "boot";
  readonly scope?: "link" | "global" | "host";
  readonly metric?: number;
}

/** Kernel switches that routing asks for (sysctl names, shortened). */
export interface Sysctls {
  ipForward: boolean;
  bridgeNfCallIptables: boolean;
  routeLocalnet: boolean;
}

const LOOPBACK: readonly InterfaceAddress[] = [{ address: "127.0.0.1", prefix: 8 }];

export class Namespace implements NetworkNamespace {
  readonly network: Network;
  readonly name: string;
  readonly interfaces: Interface[] = [];
  /** The same by name: a bridge's host has as many as there are containers. */
  readonly #byName = new Map<string, Interface>();
  readonly #routes: Route[] = [];
  /** Never used twice, as the kernel's. */
  #nextIndex = 2;
  // Most namespaces are a container's, where nobody ever writes a rule: these are made when they are asked for.
  #iptables: Netfilter | undefined;
  #ipvs: Ipvs | undefined;
  #nft: NftRuleset | undefined;
  #conntrack: Conntrack | undefined;
  readonly sysctls: Sysctls = { ipForward: false, bridgeNfCallIptables: true, routeLocalnet: false };
  /** False: the machine it belongs to is off; nothing gets in or out. */
  #up = true;
  readonly listeners = new Set<ListeningSocket>();
  readonly sockets = new Set<StreamSocket>();
  readonly datagramSockets = new Set<DatagramSocket>();
  timeWaits: readonly TimeWait[] = [];

  constructor(network: Network, name: string) {
    this.network = network;
    this.name = name;
    this.interfaces.push({
      name: "lo",
      kind: "loopback",
      mac: "00:00:00:00:00:00",
      mtu: 65_536,
      segment: undefined,
      index: 1,
      up: true,
      addresses: LOOPBACK,
      master: undefined,
      peer: undefined,
      received: { bytes: 0, packets: 0 },
      sent: { bytes: 0, packets: 0 },
    });
    this.#byName.set("lo", this.interfaces[0]!);
  }

  get loop(): Loop {
    return this.network.loop;
  }

  get iptables(): Netfilter {
    return (this.#iptables ??= new Netfilter(this.network.changed));
  }

  get ipvs(): Ipvs {
    return (this.#ipvs ??= new Ipvs(this.network.changed));
  }

  get nft(): NftRuleset {
    return (this.#nft ??= new NftRuleset(this.network.changed, this.network.loop));
  }

  get conntrack(): Conntrack {
    return (this.#conntrack ??= new Conntrack(this.network.loop));
  }

  /** False: nobody has looked at the tables yet, so they are as the kernel makes them. */
  get hasIptables(): boolean {
    return this.#iptables !== undefined;
  }

  get hasIpvs(): boolean {
    return this.#ipvs !== undefined && !this.#ipvs.isEmpty;
  }

  get hasNft(): boolean {
    return this.#nft !== undefined && !this.#nft.isEmpty;
  }

  get up(): boolean {
    return this.#up;
  }

  set up(up: boolean) {
    this.#up = up;
    this.network.touch();
  }

  // ---- interfaces --------------------------------------------------------------------------------------------------

  interface(name: string): Interface | undefined {
    return this.#byName.get(name);
  }

  addInterface(options: Pick<Interface, "name" | "kind" | "mac" | "mtu" | "segment">): Interface {
    if (this.interface(options.name)) throw new SysError("EEXIST");
    const device: Interface = {
      name: options.name,
      kind: options.kind,
      mac: options.mac,
      mtu: options.mtu,
      segment: options.segment,
      index: this.#nextIndex++,
      up: true,
      addresses: [],
      master: undefined,
      peer: undefined,
      received: { bytes: 0, packets: 0 },
      sent: { bytes: 0, packets: 0 },
    };
    this.interfaces.push(device);
    this.#byName.set(device.name, device);
    this.network.touch();
    return device;
  }

  removeInterface(name: string): void {
    const at = this.interfaces.findIndex((candidate) => candidate.name === name);
    if (at < 0) return;
    const [device] = this.interfaces.splice(at, 1);
    this.#byName.delete(name);
    device!.segment?.remove(this, name);
    const peer = device!.peer;
    device!.peer = undefined;
    for (let i = this.#routes.length - 1; i >= 0; i--) if (this.#routes[i]!.device === name) this.#routes.splice(i, 1);
    if (peer) {
      const other = peer.netns.interface(peer.name);
      if (other) {
        other.peer = undefined;
        peer.netns.removeInterface(peer.name);
      }
    }
    this.network.touch();
  }

  /** Removes every interface but lo: the namespace is going away. */
  destroy(): void {
    for (const device of [...this.interfaces]) if (device.kind !== "loopback") this.removeInterface(device.name);
  }

  setLink(name: string, up: boolean): void {
    const device = this.interface(name);
    if (!device) throw new SysError("ENODEV");
    device.up = up;
    this.network.touch();
  }

  /** Adds an address and the route to its network. */
  addAddress(name: string, address: string, prefix: number): void {
    const device = this.interface(name);
    if (!device) throw new SysError("ENODEV");
    if (device.addresses.some((candidate) => candidate.address === address)) throw new SysError("EEXIST");
    device.addresses = [...device.addresses, { address, prefix }];
    if (prefix < 32 && device.kind !== "dummy")
      this.addRoute({
        destination: parseCidr(`${address}/${prefix}`)!,
        device: name,
        source: address,
        protocol: "kernel",
        scope: "link",
      });
    this.network.touch();
  }

  removeAddress(name: string, address: string): void {
    const device = this.interface(name);
    if (!device) throw new SysError("ENODEV");
    if (!device.addresses.some((candidate) => candidate.address === address)) throw new SysError("EADDRNOTAVAIL");
    device.addresses = device.addresses.filter((candidate) => candidate.address !== address);
    for (let i = this.#routes.length - 1; i >= 0; i--)
      if (this.#routes[i]!.source === address) this.#routes.splice(i, 1);
    this.network.touch();
  }

  /** Whether an address is this namespace's own. */
  isLocal(address: string): boolean {
    if (isLoopback(address)) return true;
    for (const device of this.interfaces)
      for (const candidate of device.addresses) if (candidate.address === address) return true;
    return false;
  }

  addressType(address: string): AddressType {
    if (address === "0.0.0.0") return "UNSPEC";
    if (this.isLocal(address)) return "LOCAL";
    const value = parseIpv4(address);
    if (value !== undefined && value >>> 28 === 14) return "MULTICAST";
    if (address === "255.255.255.255") return "BROADCAST";
    for (const device of this.interfaces)
      for (const { address: own, prefix } of device.addresses)
        if (prefix < 31 && broadcastOf(parseCidr(`${own}/${prefix}`)!) === address) return "BROADCAST";
    return "UNICAST";
  }

  /** The first address that is not loopback. */
  get address(): string | undefined {
    for (const device of this.interfaces)
      if (device.kind !== "loopback" && device.kind !== "dummy" && device.addresses.length > 0)
        return device.addresses[0]!.address;
    return undefined;
  }

  // ---- routes ------------------------------------------------------------------------------------------------------

  /** As `ip route` lists them: default first, then by destination. */
  routes(): readonly Route[] {
    return this.#routes.toSorted(
      (a, b) => a.destination.base - b.destination.base || a.destination.prefix - b.destination.prefix,
    );
  }

  addRoute(route: Route): void {
    const same = this.#routes.some(
      (old) =>
        old.destination.base === route.destination.base &&
        old.destination.prefix === route.destination.prefix &&
        (old.metric ?? 0) === (route.metric ?? 0),
    );
    if (same) throw new SysError("EEXIST");
    this.#routes.push(route);
    this.network.touch();
  }

  removeRoute(destination: Cidr, gateway?: string): boolean {
    const at = this.#routes.findIndex(
      (route) =>
        route.destination.base === destination.base &&
        route.destination.prefix === destination.prefix &&
        (gateway === undefined || route.gateway === gateway),
    );
    if (at < 0) return false;
    this.#routes.splice(at, 1);
    this.network.touch();
    return true;
  }

  /** The route to an address that is not local: longest prefix, then lowest metric. */
  route(address: string): Route | undefined {
    const value = parseIpv4(address);
    if (value === undefined) return undefined;
    let best: Route | undefined;
    for (const route of this.#routes) {
      if (!cidrHasValue(route.destination, value) || !this.interface(route.device)?.up) continue;
      if (
        !best ||
        route.destination.prefix > best.destination.prefix ||
        (route.destination.prefix === best.destination.prefix && (route.metric ?? 0) < (best.metric ?? 0))
      )
        best = route;
    }
    return best;
  }

  /** The source address that a new connection to `address` gets. */
  sourceFor(address: string): string | undefined {
    if (address === "::1") return "::1";
    if (isLoopback(address)) return "127.0.0.1";
    if (this.isLocal(address)) return address;
    const route = this.route(address);
    if (!route) return undefined;
    return route.source ?? this.interface(route.device)?.addresses[0]?.address ?? this.address;
  }

  // ---- ports -------------------------------------------------------------------------------------------------------

  /** A free port for outgoing traffic. */
  ephemeralPort(protocol: Protocol): number {
    const random = this.network.random.stream(`ports/${this.name}`);
    const used = new Set<number>();
    if (protocol === "tcp") {
      for (const socket of this.sockets) used.add(socket.local.port);
      for (const listener of this.listeners) used.add(listener.port);
    } else for (const socket of this.datagramSockets) used.add(socket.local.port);
    let port = 32_768 + 2 * random.integer(0, 14_115);
    for (let i = 0; i < 28_232 && used.has(port); i++) port = port >= 60_999 ? 32_768 : port + 1;
    if (used.has(port)) throw new SysError("EADDRNOTAVAIL");
    return port;
  }
}
