/** flanneld in host-gw manner: gives the node's range to the CNI plugin, and keeps routes to the other nodes' ranges. */
import { assert } from "../../base/assert";
import { formatCidr, parseCidr } from "../../net/address";
import type { Node } from "../api/types.generated";
import { NODES } from "../client/resources";
import { NodeComponent, type NodeComponentOptions, type NodeRun } from "./node-component";
import type { PodNetwork } from "./pod-network";

export interface FlannelOptions extends NodeComponentOptions {
  readonly podNetwork: PodNetwork;
  /** The range of all Pods. */
  readonly clusterCidr: string;
}

const comment = '-m comment --comment "flanneld masq"';

export class Flannel extends NodeComponent<FlannelOptions> {
  readonly name = "flanneld";
  readonly #routes = new Map<string, string>();

  protected run({ informers }: NodeRun): void {
    this.options.netns.sysctls.ipForward = true;
    const nodes = informers.informer(NODES);
    const sync = (): void => this.#sync([...nodes.cache.list()]);
    nodes.handle({ added: sync, updated: sync, deleted: sync });
    nodes.whenSynced(sync);
  }

  #sync(nodes: readonly Node[]): void {
    const { netns, nodeName, podNetwork } = this.options;
    const own = nodes.find((node) => node.metadata.name === nodeName);
    if (own?.spec.podCIDR && !podNetwork.isReady) {
      podNetwork.configure(own.spec.podCIDR);
      this.#masquerade(own.spec.podCIDR);
    }
    const wanted = new Map<string, string>();
    for (const node of nodes) {
      const address = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
      if (node.metadata.name === nodeName || !node.spec.podCIDR || address === undefined) continue;
      wanted.set(node.spec.podCIDR, address);
    }
    for (const [cidr, gateway] of this.#routes)
      if (wanted.get(cidr) !== gateway) {
        netns.removeRoute(parseCidr(cidr)!, gateway);
        this.#routes.delete(cidr);
      }
    for (const [text, gateway] of wanted) {
      const destination = parseCidr(text);
      const device = netns.route(gateway)?.device;
      if (!destination || !device || this.#routes.has(text)) continue;
      netns.removeRoute(destination);
      netns.addRoute({ destination, gateway, device });
      this.#routes.set(formatCidr(destination), gateway);
    }
  }

  #masquerade(podCidr: string): void {
    const { netns, clusterCidr } = this.options;
    const { iptables } = netns;
    const result = iptables.restore(
      [
        "*filter",
        ":FLANNEL-FWD - [0:0]",
        `-A FLANNEL-FWD -s ${clusterCidr} -m comment --comment "flanneld forward" -j ACCEPT`,
        `-A FLANNEL-FWD -d ${clusterCidr} -m comment --comment "flanneld forward" -j ACCEPT`,
        "COMMIT",
        "*nat",
        ":FLANNEL-POSTRTG - [0:0]",
        `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${comment} -j RETURN`,
        `-A FLANNEL-POSTRTG -s ${podCidr} -d ${clusterCidr} ${comment} -j RETURN`,
        `-A FLANNEL-POSTRTG -s ${clusterCidr} -d ${podCidr} ${comment} -j RETURN`,
        `-A FLANNEL-POSTRTG ! -s ${clusterCidr} -d ${podCidr} ${comment} -j RETURN`,
        `-A FLANNEL-POSTRTG -s ${clusterCidr} ! -d 224.0.0.0/4 ${comment} -j MASQUERADE --random-fully`,
        `-A FLANNEL-POSTRTG ! -s ${clusterCidr} -d ${clusterCidr} ${comment} -j MASQUERADE --random-fully`,
        "COMMIT",
        "",
      ].join("\n"),
      { noFlush: true },
    );
    assert(result.ok, "flannel's rules are accepted");
    iptables.apply("filter", '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD', { unique: true });
    iptables.apply("nat", `-A POSTROUTING ${comment} -j FLANNEL-POSTRTG`, { unique: true });
  }
}
