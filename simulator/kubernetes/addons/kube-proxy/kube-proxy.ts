/** kube-proxy: Services and EndpointSlices, written as rules into its node's kernel. */
import { assert } from "../../../base/assert";
import { ENDPOINT_SLICES, SERVICES } from "../../client/resources";
import { NodeComponent, type NodeComponentOptions, type NodeRun, Throttle } from "../node-component";
import { iptablesRules, jumpRules } from "./iptables-rules";
import { cleanupIpvs, syncIpvs } from "./ipvs-rules";
import { syncNftables } from "./nftables-rules";
import { type ProxyServicePort, servicePorts, usableEndpoints } from "./service-ports";

export type ProxyMode = "iptables" | "ipvs" | "nftables";

export interface KubeProxyOptions extends NodeComponentOptions {
  readonly mode?: ProxyMode;
  /** The Pods' network: traffic from elsewhere to a cluster IP is masqueraded. */
  readonly clusterCidr?: string;
  /** ipvs mode's scheduler. */
  readonly scheduler?: "rr" | "wrr" | "lc" | "wlc" | "sh" | "dh" | "sed" | "nq";
}

const MIN_SYNC_MS = 1000;
const FULL_SYNC_MS = 30_000;

export class KubeProxy extends NodeComponent<KubeProxyOptions> {
  readonly name = "kube-proxy";
  #ports: readonly ProxyServicePort[] = [];
  #syncs = 0;

  get mode(): ProxyMode {
    return this.options.mode ?? "iptables";
  }

  /** How many times rules were written: for tests and metrics. */
  get syncs(): number {
    return this.#syncs;
  }

  protected run({ scope, informers }: NodeRun): void {
    const { netns, nodeName } = this.options;
    this.#cleanOtherModes();
    const services = informers.informer(SERVICES);
    const slices = informers.informer(ENDPOINT_SLICES);
    // NodePorts on 127.0.0.1 need it; kube-proxy sets it itself.
    if (this.mode === "iptables") netns.sysctls.routeLocalnet = true;
    netns.sysctls.ipForward = true;
    // Services or endpoints have changed since the rules were written.
    let isStale = true;
    let written = -1;
    const { iptables } = netns;
    const sync = new Throttle(scope, { intervalMs: MIN_SYNC_MS, burst: 2 }, () => {
      if (!informers.hasSynced) return;
      // Upstream's periodic sync rewrites nothing either while neither Services nor the kernel's rules have changed.
      if (!isStale && this.mode === "iptables" && iptables.revision === written) return this.#cleanConntrack();
      this.#ports = servicePorts(services.cache.list(), slices.cache.list(), nodeName);
      this.#write();
      isStale = false;
      written = iptables.revision;
    });
    const request = (): void => {
      isStale = true;
      sync.request();
    };
    for (const informer of [services, slices]) informer.handle({ added: request, updated: request, deleted: request });
    informers.whenSynced(request);
    scope.every(FULL_SYNC_MS, () => sync.request());
  }

  #write(): void {
    this.#syncs++;
    const { netns, clusterCidr, scheduler = "rr" } = this.options;
    switch (this.mode) {
      case "iptables":
        this.#writeIptables();
        break;
      case "ipvs":
        syncIpvs(netns, this.#ports, { clusterCidr, scheduler });
        break;
      case "nftables":
        syncNftables(netns, this.#ports, { clusterCidr });
        break;
    }
    this.#cleanConntrack();
  }

  /** The revision of the kernel's rules when they were last written here. */
  #leftAt = -1;

  #writeIptables(): void {
    const { iptables } = this.options.netns;
    // Where nobody has touched the rules since the last time, what leads to ours still stands.
    if (iptables.revision !== this.#leftAt) {
      for (const table of ["mangle", "nat", "filter"] as const) iptables.ensureChain(table, "KUBE-PROXY-CANARY");
      for (const { table, chain, rule, target } of jumpRules) {
        iptables.ensureChain(table, target);
        iptables.apply(table, `-I ${chain} ${rule}`, { unique: true });
      }
    }
    const ours = /^KUBE-(SVC|SVL|SEP|FW|EXT)-/;
    const staleNatChains = [...iptables.tables.nat.chains.keys()].filter((chain) => ours.test(chain));
    const text = iptablesRules(this.#ports, { clusterCidr: this.options.clusterCidr, staleNatChains });
    const result = iptables.restore(text, { noFlush: true });
    assert(result.ok, `kube-proxy's rules are accepted${result.ok ? "" : `: ${result.error}`}`);
    this.#leftAt = iptables.revision;
  }

  /** UDP flows outlive their endpoints: their entries are deleted, so that clients find live ones. */
  #cleanConntrack(): void {
    const { conntrack } = this.options.netns;
    for (const flow of conntrack.flows()) {
      if (flow.protocol !== "udp") continue;
      const port = this.#ports.find(
        (candidate) =>
          candidate.protocol === "udp" &&
          (candidate.clusterIP === flow.original.destination
            ? candidate.port === flow.original.destinationPort
            : candidate.nodePort === flow.original.destinationPort),
      );
      if (!port) continue;
      const { cluster, local } = usableEndpoints(port);
      const isLive = [...cluster, ...local].some(
        (endpoint) => endpoint.address === flow.reply.source && endpoint.port === flow.reply.sourcePort,
      );
      if (!isLive) conntrack.delete(flow);
    }
  }

  /** What upstream's platformCleanup does at each start. iptables and ipvs leave each other's rules alone. */
  #cleanOtherModes(): void {
    const { netns } = this.options;
    if (this.mode === "nftables") {
      this.#cleanIptables();
      cleanupIpvs(netns);
    } else netns.nft.deleteTable("ip", "kube-proxy");
  }

  /** `kube-proxy --cleanup`: takes every rule of every mode away. */
  cleanup(): void {
    const { netns } = this.options;
    this.#cleanIptables();
    cleanupIpvs(netns);
    netns.nft.deleteTable("ip", "kube-proxy");
  }

  #cleanIptables(): void {
    const { iptables } = this.options.netns;
    for (const { table, chain, rule } of jumpRules) iptables.apply(table, `-D ${chain} ${rule}`);
    for (const table of ["filter", "nat", "mangle"] as const) {
      const ours = [...iptables.tables[table].chains.keys()].filter(
        (chain) => chain.startsWith("KUBE-") && !/^KUBE-(FIREWALL|KUBELET-CANARY|NWPLCY)/.test(chain),
      );
      for (const chain of ours) iptables.flush(table, chain);
      for (const chain of ours) iptables.deleteChain(table, chain);
    }
  }
}
