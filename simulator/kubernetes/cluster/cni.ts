/**
 * Pod networks: the CNI bridge plugin of a node, with host-local addresses, port mappings and masquerading of what
 * leaves the Pods' network. Routes between nodes are laid by the cluster, as a simple CNI (host-gw) does.
 */
import type { Task } from "../../base/task";
import type { CniPlugin, PodSandboxConfig } from "../../containerd/cri";
import { addressAt, AddressPool, type Cidr, formatCidr } from "../../net/address";
import type { Netns } from "../../net/netns";
import { attach, Segment } from "../../net/segment";
import type { NetworkNamespace } from "../../os/process";

const BRIDGE = "cni0";

export class BridgeCni implements CniPlugin {
  readonly #host: Netns;
  readonly #cidr: Cidr;
  readonly #pool: AddressPool;
  readonly #bridge: Segment;
  readonly #addresses = new Map<string, { readonly ip: string; readonly ports: readonly string[] }>();

  /** `podNetwork` is all nodes' Pods together: within it nothing is masqueraded. */
  constructor(host: Netns, cidr: Cidr, podNetwork: Cidr) {
    this.#host = host;
    this.#cidr = cidr;
    this.#pool = new AddressPool(cidr, { order: "next" });
    const gateway = addressAt(cidr, 1);
    this.#pool.reserve(gateway);
    this.#bridge = new Segment(host.network, { name: BRIDGE, host });
    attach(host, this.#bridge, { name: BRIDGE, address: gateway, prefix: cidr.prefix, kind: "bridge" });
    host.sysctls.ipForward = true;
    const { iptables } = host;
    iptables.apply(
      "nat",
      `-A POSTROUTING -s ${formatCidr(cidr)} ! -d ${formatCidr(podNetwork)} -m comment --comment "masquerade what leaves the pod network" -j MASQUERADE`,
    );
  }

  /** Addresses in use: for invariants. */
  get used(): number {
    return this.#addresses.size;
  }

  *add(
    sandboxId: string,
    config: PodSandboxConfig,
    network: NetworkNamespace,
  ): Task<{ readonly ips: readonly string[] }> {
    const ip = this.#pool.allocate();
    if (ip === undefined)
      throw new Error(
        `failed to allocate for range 0: no IP addresses available in range set: ${addressAt(this.#cidr, 1)}-${addressAt(this.#cidr, 2 ** (32 - this.#cidr.prefix) - 2)}`,
      );
    attach(network as Netns, this.#bridge, {
      name: "eth0",
      address: ip,
      prefix: this.#cidr.prefix,
      gateway: addressAt(this.#cidr, 1),
    });
    const ports = (config.portMappings ?? []).map((mapping) => {
      const protocol = mapping.protocol.toLowerCase();
      const destination = mapping.hostIp && mapping.hostIp !== "0.0.0.0" ? ` -d ${mapping.hostIp}/32` : "";
      return `${destination} -p ${protocol} -m addrtype --dst-type LOCAL -m ${protocol} --dport ${mapping.hostPort} -m comment --comment "${config.metadata.namespace}/${config.metadata.name}" -j DNAT --to-destination ${ip}:${mapping.containerPort}`;
    });
    for (const rule of ports) this.#portRules("-A", rule);
    this.#addresses.set(sandboxId, { ip, ports });
    return { ips: [ip] };
  }

  del(sandboxId: string, network: NetworkNamespace): void {
    const known = this.#addresses.get(sandboxId);
    if (!known) return;
    this.#addresses.delete(sandboxId);
    this.#pool.release(known.ip);
    for (const rule of known.ports) this.#portRules("-D", rule);
    (network as Netns).destroy();
  }

  #portRules(flag: "-A" | "-D", rule: string): void {
    this.#host.iptables.apply("nat", `${flag} PREROUTING${rule}`);
    this.#host.iptables.apply("nat", `${flag} OUTPUT${rule}`);
  }
}
