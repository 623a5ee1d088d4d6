/** Node IPAM controller: a range of Pod addresses for each node, cut from the cluster's. Off unless `clusterCidr` is set. */
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { NODES } from "../client/resources";

const MASK = 24;

export const nodeIpamController = defineController({
  name: "node-ipam-controller",
  serviceAccount: "node-controller",
  workers: 1,
  setup(context) {
    const clusterCidr = context.flags.clusterCidr as string | undefined;
    const recorder = context.recorderAs("cidrAllocator");
    const nodes = context.watch(NODES, (node, _old, isDeleted) =>
      isDeleted || node.spec?.podCIDR ? [] : [node.metadata.name],
    ).cache;
    return {
      reconcile(name) {
        const node = nodes.get(name);
        const m = /^(\d+)\.(\d+)\.(\d+)\.\d+\/(\d+)$/.exec(clusterCidr ?? "");
        if (!node || node.spec?.podCIDR || !m) return undefined;
        const taken = new Set([...nodes.list()].map((other) => other.spec?.podCIDR));
        const base = (Number(m[1]) << 16) | (Number(m[2]) << 8) | Number(m[3]);
        const count = 2 ** (MASK - Number(m[4]));
        for (let i = 0; i < count; i++) {
          const net = base + i;
          const podCIDR = `${net >> 16}.${(net >> 8) & 255}.${net & 255}.0/${MASK}`;
          if (taken.has(podCIDR)) continue;
          const written = context.client.patch(NODES, { name }, "strategic", {
            spec: { podCIDR, podCIDRs: [podCIDR] },
          });
          return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
        }
        recorder.event(node, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
        return { error: "CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range" };
      },
    };
  },
});
