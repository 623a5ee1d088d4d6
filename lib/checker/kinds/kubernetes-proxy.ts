/** kubernetes.proxy: by which kind of rules the nodes' kernels lead packets to Services at this moment. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";
import { listObjects } from "./cluster";

const schema = z.strictObject({
  kind: z.literal("kubernetes.proxy"),
  mode: z.enum(["iptables", "ipvs", "nftables"]),
});

const reading = {
  iptables: (node: string) => `ssh ${node} 'iptables-save | grep KUBE-SVC'`,
  ipvs: (node: string) => `ssh ${node} ipvsadm -Ln`,
  nftables: (node: string) => `ssh ${node} nft list ruleset`,
} as const;

export const kubernetesProxy = defineCheck({
  kind: "kubernetes.proxy",
  schema,
  names: (check) => [check.mode],
  evaluate(check, observation) {
    const nodes = listObjects(observation, "nodes", "default").map((node) => node.metadata.name);
    const missing = nodes.find((node) => (observation.node(node)?.serviceRules()[check.mode] ?? 0) === 0);
    if (nodes.length > 0 && missing === undefined) return met;
    const node = missing ?? "";
    return unmet(
      {
        vi: `Trên mọi node, Service được viết thành luật ${check.mode}.`,
        en: `On every node the Services are written as ${check.mode} rules.`,
      },
      missing === undefined
        ? { vi: "Chưa có node nào.", en: "There is no node yet." }
        : {
            vi: `Node \`${node}\` chưa có luật ${check.mode} nào cho Service.`,
            en: `Node \`${node}\` has no ${check.mode} rules for Services.`,
          },
      reading[check.mode](node),
    );
  },
});
