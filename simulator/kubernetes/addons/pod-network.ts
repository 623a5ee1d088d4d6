/** The CNI plugin of a node: the bridge cni0, a veth pair and an address for each Pod, as the bridge and host-local plugins give them. */
import { sleep, type Task } from "../../base/task";
import { AddressPool, addressAt, parseCidr } from "../../net/address";
import { Netns } from "../../net/netns";
import { Segment, attach } from "../../net/segment";
import type { NetworkNamespace } from "../../os/process";

const BRIDGE = "cni0";
/** flannel's VXLAN header takes 50 bytes off the LAN's 1500. */
const MTU = 1450;

/** What containerd hands a sandbox's network to (the shape of containerd's CniPlugin). */
export class PodNetwork {
  readonly #node: Netns;
  #pool: AddressPool | undefined;
  #gateway = "";
  #prefix = 24;
  #segment: Segment | undefined;
  readonly #addresses = new Map<string, string>();

  constructor(node: Netns) {
    this.#node = node;
  }

  /** Ready once the node has its range: flannel writes its subnet file then. */
  get isReady(): boolean {
    return this.#pool !== undefined;
  }

  /** The network of the Pods on this node, e.g. `10.244.1.0/24`. */
  configure(podCidr: string): void {
    if (this.#pool) return;
    const cidr = parseCidr(podCidr);
    if (!cidr) return;
    this.#pool = new AddressPool(cidr, { order: "next" });
    this.#gateway = addressAt(cidr, 1);
    this.#prefix = cidr.prefix;
    this.#pool.reserve(this.#gateway);
  }

  /** The address of a sandbox's Pod. */
  addressOf(sandboxId: string): string | undefined {
    return this.#addresses.get(sandboxId);
  }

  *add(sandboxId: string, _config: unknown, network: NetworkNamespace): Task<{ readonly ips: readonly string[] }> {
    const pool = this.#pool;
    if (!pool) throw new Error("loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory");
    if (!(network instanceof Netns)) throw new Error("failed to open netns");
    yield* sleep(this.#node.loop, 12);
    const address = pool.allocate();
    if (address === undefined)
      throw new Error(
        `failed to allocate for range 0: no IP addresses available in range set: ${addressAt(pool.cidr, 1)}-${addressAt(pool.cidr, 2 ** (32 - pool.cidr.prefix) - 2)}`,
      );
    attach(network, this.#bridge(), { name: "eth0", address, prefix: this.#prefix, gateway: this.#gateway, mtu: MTU });
    this.#addresses.set(sandboxId, address);
    return { ips: [address] };
  }

  del(sandboxId: string, network: NetworkNamespace): void {
    const address = this.#addresses.get(sandboxId);
    this.#addresses.delete(sandboxId);
    if (address !== undefined) this.#pool?.release(address);
    if (network instanceof Netns) network.destroy();
  }

  /** The bridge is made with the first Pod. */
  #bridge(): Segment {
    if (this.#segment) return this.#segment;
    this.#segment = new Segment(this.#node.network, { name: `${this.#node.name}/${BRIDGE}`, host: this.#node });
    attach(this.#node, this.#segment, {
      name: BRIDGE,
      address: this.#gateway,
      prefix: this.#prefix,
      kind: "bridge",
      mtu: MTU,
    });
    this.#node.sysctls.ipForward = true;
    return this.#segment;
  }
}
