/** What runs in a cluster besides the control plane and the kubelets: kube-proxy, and the add-ons of the profile. */
import { suspend } from "../../base/task";
import { KubeProxy } from "../addons/kube-proxy/kube-proxy";
import type { Cluster } from "./cluster";
import { identities } from "./identities";

/** Hands to createCluster: starts node agents as units, and lays the add-ons once the API answers. */
export function installAddons(cluster: Cluster): void {
  if (!cluster.profile.addons.includes("kube-proxy")) installProxyUnits(cluster);
}

/** kube-proxy as a plain service of each node, where it is no DaemonSet. */
function installProxyUnits(cluster: Cluster): void {
  const { loop, random } = cluster.options;
  for (const machine of cluster.nodeProfiles()) {
    const host = cluster.host(machine.name);
    const unit = host.systemd.add({
      name: "kube-proxy.service",
      description: "Kubernetes Kube Proxy",
      path: "/etc/systemd/system/kube-proxy.service",
      argv: ["/usr/local/bin/kube-proxy", `--proxy-mode=${cluster.profile.proxyMode}`],
      restartSeconds: 5,
      *program(process) {
        const proxy = new KubeProxy({
          loop,
          random: random.stream("kubernetes"),
          transport: cluster.link(machine.name),
          credentials: identities.proxy,
          nodeName: machine.name,
          netns: host.netns,
          mode: cluster.profile.proxyMode,
          clusterCidr: cluster.profile.podCidr,
        });
        proxy.start();
        process.atExit(() => proxy.stop());
        yield* suspend(() => undefined);
        return 0;
      },
    });
    host.systemd.start(unit);
  }
}
