/** The cloud's load balancer: a host on the LAN that has the external addresses and spreads connections over the nodes' NodePorts. */
import { AddressPool, type Cidr } from "../../net/address";
import { Netns } from "../../net/netns";
import type { Network } from "../../net/network";
import { type Segment, attach } from "../../net/segment";
import type { Protocol } from "../../net/packet";

export interface BalancedPort {
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number;
}

const DEVICE = "eth0";

export class CloudLoadBalancer {
  readonly netns: Netns;
  readonly #pool: AddressPool;
  /** Service key to its address. */
  readonly #addresses = new Map<string, string>();

  /** `range`: the external addresses to give, within the LAN `cidr`. `own`: the balancer's own address there. */
  constructor(
    network: Network,
    lan: Segment,
    options: { readonly cidr: Cidr; readonly range: Cidr; readonly own: string; readonly gateway?: string },
  ) {
    this.netns = new Netns(network, "cloud-load-balancer");
    this.netns.sysctls.ipForward = true;
    attach(this.netns, lan, {
      name: DEVICE,
      address: options.own,
      prefix: options.cidr.prefix,
      ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
    });
    this.#pool = new AddressPool(options.cidr, { range: options.range });
    this.#pool.reserve(options.own);
    this.netns.iptables.apply("nat", `-A POSTROUTING -o ${DEVICE} -j MASQUERADE`);
  }

  /** The address of a Service, taken on first use; undefined when none is left, or the wanted one is taken. */
  ensure(key: string, wanted: string | undefined): string | undefined {
    const have = this.#addresses.get(key);
    if (have !== undefined) return have;
    const address = wanted ? (this.#pool.reserve(wanted) ? wanted : undefined) : this.#pool.allocate();
    if (address === undefined) return undefined;
    this.#addresses.set(key, address);
    this.netns.addAddress(DEVICE, address, 32);
    return address;
  }

  /** Spreads a Service's ports over these nodes. */
  spread(key: string, ports: readonly BalancedPort[], nodes: readonly string[]): void {
    const address = this.#addresses.get(key);
    if (address === undefined) return;
    const wanted = new Set(ports.map(({ protocol, port }) => `${protocol} ${port}`));
    for (const service of this.netns.ipvs.services())
      if (service.address === address && !wanted.has(`${service.protocol} ${service.port}`))
        this.netns.ipvs.delete(service.protocol, address, service.port);
    for (const { protocol, port, nodePort } of ports) {
      const service = this.netns.ipvs.set(protocol, address, port, { scheduler: "rr" });
      this.netns.ipvs.setReals(
        service,
        nodes.map((node) => ({ address: node, port: nodePort })),
      );
    }
  }

  release(key: string): void {
    const address = this.#addresses.get(key);
    if (address === undefined) return;
    for (const service of this.netns.ipvs.services())
      if (service.address === address) this.netns.ipvs.delete(service.protocol, address, service.port);
    this.netns.removeAddress(DEVICE, address);
    this.#pool.release(address);
    this.#addresses.delete(key);
  }

  keys(): readonly string[] {
    return [...this.#addresses.keys()];
  }
}
