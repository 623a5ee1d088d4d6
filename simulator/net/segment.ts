/** An Ethernet segment: a bridge on a host, or the nodes' LAN. Finds who has an address, and says what a hop costs. */
import { macOfAddress, macOfHex, parseCidr } from "./address";
import type { Interface, Namespace, Port, Wire } from "./namespace";
import type { Network } from "./network";

export interface SegmentOptions {
  readonly name: string;
  /** One way, per hop. A bridge: 0.05; a LAN: 0.3; the internet: 20. */
  readonly latencyMs?: number;
  /** The namespace whose bridge this is: its rules see bridged packets (bridge-nf-call-iptables). */
  readonly host?: Namespace;
  /** Packets for missing addresses are lost without a word, as on the internet. */
  readonly silent?: boolean;
}

export class Segment implements Wire {
  readonly network: Network;
  readonly name: string;
  readonly host: Namespace | undefined;
  readonly silent: boolean;
  latencyMs: number;
  /** Down: nothing gets through (a cut cable). */
  up = true;
  readonly #ports: Port[] = [];

  constructor(network: Network, options: SegmentOptions) {
    this.network = network;
    this.name = options.name;
    this.host = options.host;
    this.silent = options.silent ?? false;
    this.latencyMs = options.latencyMs ?? (options.host ? 0.05 : 0.3);
  }

  ports(): readonly Port[] {
    return this.#ports;
  }

  /** Called by attach and detach only. */
  add(port: Port): void {
    this.#ports.push(port);
    this.network.touch();
  }

  remove(netns: Namespace, name: string): void {
    const at = this.#ports.findIndex((port) => port.netns === netns && port.interface.name === name);
    if (at >= 0) this.#ports.splice(at, 1);
    this.network.touch();
  }

  /** ARP: whose interface has this address. */
  find(address: string): Port | undefined {
    if (!this.up) return undefined;
    return this.#ports.find(
      (port) =>
        port.interface.up &&
        port.netns.up &&
        port.interface.addresses.some((candidate) => candidate.address === address),
    );
  }
}

export interface AttachOptions {
  /** Name inside the namespace. */
  readonly name: string;
  readonly address?: string;
  readonly prefix?: number;
  readonly mac?: string;
  readonly mtu?: number;
  readonly kind?: Interface["kind"];
  /** The host end's name for a veth: `veth1a2b3c4`. Given by default on a bridge. */
  readonly hostName?: string;
  /** Adds `default via` this address. */
  readonly gateway?: string;
}

/**
 * Plugs a namespace into a segment. On a host's bridge this is a veth pair: the host end shows up in the host with
 * the bridge as its master. The bridge's own interface is attached with kind "bridge".
 */
export function attach(netns: Namespace, segment: Segment, options: AttachOptions): Interface {
  const kind = options.kind ?? (segment.host === netns ? "bridge" : segment.host ? "veth" : "ethernet");
  const random = segment.network.random.stream("interfaces");
  const mac =
    options.mac ?? (kind === "ethernet" && options.address ? macOfAddress(options.address) : macOfHex(random.hex(10)));
  const device = netns.addInterface({
    name: options.name,
    kind,
    mac,
    mtu: options.mtu ?? 1500,
    segment,
  });
  if (kind === "veth" && segment.host) {
    const peer = segment.host.addInterface({
      name: options.hostName ?? `veth${random.hex(7)}`,
      kind: "veth",
      mac: macOfHex(random.hex(10)),
      mtu: options.mtu ?? 1500,
      segment: undefined,
    });
    peer.master = segment.ports().find((port) => port.netns === segment.host)?.interface.name;
    peer.peer = { netns, name: device.name };
    device.peer = { netns: segment.host, name: peer.name };
  }
  segment.add({ netns, interface: device });
  if (options.address) netns.addAddress(options.name, options.address, options.prefix ?? 24);
  if (options.gateway)
    netns.addRoute({ destination: parseCidr("0.0.0.0/0")!, gateway: options.gateway, device: options.name });
  return device;
}

/** Unplugs an interface and removes it, with its veth peer. */
export function detach(netns: Namespace, name: string): void {
  netns.removeInterface(name);
}
