/** A node's CNI chain: addresses and the bridge from the pod network, host ports from rules (the portmap plugin). */
import type { Task } from "../../base/task";
import type { CniPlugin, PodSandboxConfig } from "../../containerd/cri";
import { type Cidr, formatCidr } from "../../net/address";
import type { Netns } from "../../net/netns";
import type { NetworkNamespace } from "../../os/process";
import { PodNetwork } from "../addons/pod-network";

export class NodeCni implements CniPlugin {
  readonly network: PodNetwork;
  readonly #host: Netns;
  readonly #ports = new Map<string, readonly string[]>();

  constructor(host: Netns) {
    this.#host = host;
    this.network = new PodNetwork(host);
  }

  /** A range given by hand, without a CNI agent: traffic that leaves the Pods' network is masqueraded. */
  configure(cidr: Cidr, podNetwork: Cidr): void {
    this.network.configure(formatCidr(cidr));
    this.#host.sysctls.ipForward = true;
    this.#host.iptables.apply(
      "nat",
      `-A POSTROUTING -s ${formatCidr(cidr)} ! -d ${formatCidr(podNetwork)} -m comment --comment "masquerade what leaves the pod network" -j MASQUERADE`,
    );
  }

  *add(
    sandboxId: string,
    config: PodSandboxConfig,
    network: NetworkNamespace,
  ): Task<{ readonly ips: readonly string[] }> {
    const { ips } = yield* this.network.add(sandboxId, config, network);
    const mappings = config.portMappings ?? [];
    if (mappings.length === 0) return { ips };
    const { namespace, name } = config.metadata;
    const rules = mappings.map(({ protocol, hostIp, hostPort, containerPort }) => {
      const kind = protocol.toLowerCase();
      const destination = hostIp && hostIp !== "0.0.0.0" ? ` -d ${hostIp}/32` : "";
      return `${destination} -p ${kind} -m addrtype --dst-type LOCAL -m ${kind} --dport ${hostPort} -m comment --comment "${namespace}/${name}" -j DNAT --to-destination ${ips[0]}:${containerPort}`;
    });
    this.#ports.set(sandboxId, rules);
    for (const rule of rules) this.#change("-A", rule);
    return { ips };
  }

  del(sandboxId: string, network: NetworkNamespace): void {
    for (const rule of this.#ports.get(sandboxId) ?? []) this.#change("-D", rule);
    this.#ports.delete(sandboxId);
    this.network.del(sandboxId, network);
  }

  #change(flag: "-A" | "-D", rule: string): void {
    for (const chain of ["PREROUTING", "OUTPUT"]) this.#host.iptables.apply("nat", `${flag} ${chain}${rule}`);
  }
}
