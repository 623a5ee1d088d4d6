/** NetworkPolicy enforcement: filter rules on the node of each selected Pod, in the manner of kube-router. */
import { assert } from "../../base/assert";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, Pod } from "../api/types.generated";
import { type LabelSelectorShape, type Labels, matches, selectorFromLabelSelector } from "../apimachinery/labels";
import { NAMESPACES, NETWORK_POLICIES, PODS } from "../client/resources";
import { hashName } from "./kube-proxy/chain-names";
import { NodeComponent, type NodeComponentOptions, type NodeRun, Throttle } from "./node-component";

type Direction = "Ingress" | "Egress";

const matchesLabelSelector = (selector: LabelSelectorShape, labels: Labels): boolean =>
  matches(selectorFromLabelSelector(selector), labels);

export interface PolicyWorld {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly Pod[];
  /** Labels of each namespace. */
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

const isLive = (pod: Pod): boolean =>
  pod.status?.podIP !== undefined &&
  pod.status.phase !== "Succeeded" &&
  pod.status.phase !== "Failed" &&
  !pod.spec.hostNetwork;

/** Which directions a policy speaks of: Ingress always unless told otherwise, Egress where it has rules. */
const directionsOf = (policy: NetworkPolicy): readonly Direction[] =>
  policy.spec.policyTypes ?? (policy.spec.egress ? ["Ingress", "Egress"] : ["Ingress"]);

/** The addresses that a peer stands for, with what is cut out of a block. */
function peerAddresses(
  peer: NetworkPolicyPeer,
  policy: NetworkPolicy,
  world: PolicyWorld,
): { readonly allow: readonly string[]; readonly except: readonly string[] } {
  if (peer.ipBlock) return { allow: [peer.ipBlock.cidr], except: peer.ipBlock.except ?? [] };
  const allow: string[] = [];
  for (const pod of world.pods) {
    if (!isLive(pod)) continue;
    const namespace = pod.metadata.namespace ?? "";
    if (peer.namespaceSelector) {
      if (!matchesLabelSelector(peer.namespaceSelector, world.namespaceLabels.get(namespace) ?? {})) continue;
    } else if (namespace !== policy.metadata.namespace) continue;
    if (peer.podSelector && !matchesLabelSelector(peer.podSelector, pod.metadata.labels ?? {})) continue;
    allow.push(pod.status.podIP!);
  }
  return { allow: allow.sort(), except: [] };
}

/** Port matches of a rule; one empty match where every port is meant. Named ports are those of the Pod that receives. */
function portMatches(ports: readonly NetworkPolicyPort[] | undefined, receivers: readonly Pod[]): readonly string[] {
  if (!ports || ports.length === 0) return [""];
  const found = new Set<string>();
  for (const { port, endPort, protocol = "TCP" } of ports) {
    const name = protocol.toLowerCase();
    if (port === undefined) found.add(`-p ${name} `);
    else if (typeof port === "number")
      found.add(`-p ${name} -m ${name} --dport ${port}${endPort ? `:${endPort}` : ""} `);
    else
      for (const pod of receivers)
        for (const container of pod.spec.containers)
          for (const candidate of container.ports ?? [])
            if (candidate.name === port && (candidate.protocol ?? "TCP") === protocol)
              found.add(`-p ${name} -m ${name} --dport ${candidate.containerPort} `);
  }
  return [...found];
}

/** The rules of one node as text for iptables-restore. Pure. */
export function policyRules(
  world: PolicyWorld,
  nodeName: string,
): { readonly text: string; readonly chains: readonly string[] } {
  const chains = ["KUBE-NWPLCY-DEFAULT"];
  const rules: string[] = ["-A KUBE-NWPLCY-DEFAULT -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"];
  const bodies: string[] = [];
  const local = world.pods.filter((pod) => isLive(pod) && pod.spec.nodeName === nodeName);
  for (const pod of local)
    for (const direction of ["Egress", "Ingress"] as const) {
      const selecting = world.policies.filter(
        (policy) =>
          policy.metadata.namespace === pod.metadata.namespace &&
          directionsOf(policy).includes(direction) &&
          matchesLabelSelector(policy.spec.podSelector ?? {}, pod.metadata.labels ?? {}),
      );
      if (selecting.length === 0) continue;
      const chain = `KUBE-POD-${direction === "Ingress" ? "IN" : "EG"}-${hashName(`${pod.metadata.namespace}/${pod.metadata.name}/${direction}`, 12)}`;
      chains.push(chain);
      const side = direction === "Ingress" ? "-d" : "-s";
      const podName = `${pod.metadata.namespace}/${pod.metadata.name}`;
      rules.push(
        `-A KUBE-NWPLCY-DEFAULT ${side} ${pod.status.podIP} -m comment --comment "${direction.toLowerCase()} policies of POD ${podName}" -j ${chain}`,
      );
      for (const policy of selecting) {
        const comment = `-m comment --comment "rule of policy ${policy.metadata.namespace}/${policy.metadata.name}"`;
        const list = direction === "Ingress" ? policy.spec.ingress : policy.spec.egress;
        for (const rule of list ?? []) {
          const peers = "from" in rule ? rule.from : "to" in rule ? rule.to : undefined;
          const other = direction === "Ingress" ? "-s" : "-d";
          const sources =
            !peers || peers.length === 0
              ? [{ allow: [""], except: [] }]
              : peers.map((peer) => peerAddresses(peer, policy, world));
          const ports = portMatches(rule.ports, direction === "Ingress" ? [pod] : world.pods);
          for (const { allow, except } of sources)
            for (const address of allow)
              for (const port of ports) {
                // iptables takes one -s a rule: what is cut out gets a chain of its own that returns early.
                if (except.length > 0) {
                  const cut = `KUBE-POD-EX-${hashName(`${chain}${policy.metadata.name}${address}${port}`, 12)}`;
                  chains.push(cut);
                  for (const block of except) bodies.push(`-A ${cut} ${other} ${block} -j RETURN`);
                  bodies.push(`-A ${cut} -j MARK --set-xmark 0x10000/0x10000`);
                  bodies.push(`-A ${chain} ${other} ${address} ${port}${comment} -j ${cut}`);
                  bodies.push(`-A ${chain} -m mark --mark 0x10000/0x10000 -j RETURN`);
                } else
                  bodies.push(`-A ${chain} ${address === "" ? "" : `${other} ${address} `}${port}${comment} -j RETURN`);
              }
        }
      }
      bodies.push(`-A ${chain} -m comment --comment "default deny of POD ${podName}" -j DROP`);
    }
  const text = ["*filter", ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, ...bodies, "COMMIT", ""].join("\n");
  return { text, chains };
}

export class NetworkPolicyAgent extends NodeComponent<NodeComponentOptions> {
  readonly name = "network-policy-agent";

  protected run({ scope, informers }: NodeRun): void {
    const policies = informers.informer(NETWORK_POLICIES);
    const pods = informers.informer(PODS);
    const namespaces = informers.informer(NAMESPACES);
    const sync = new Throttle(scope, { intervalMs: 500, burst: 3 }, () => {
      if (!informers.hasSynced) return;
      this.#write({
        policies: [...policies.cache.list()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
        pods: [...pods.cache.list()],
        namespaceLabels: new Map(
          [...namespaces.cache.list()].map((namespace) => [namespace.metadata.name, namespace.metadata.labels ?? {}]),
        ),
      });
    });
    const request = (): void => sync.request();
    policies.handle({ added: request, updated: request, deleted: request });
    namespaces.handle({ added: request, updated: request, deleted: request });
    // Pods change often: only what a rule could see counts.
    pods.handle({
      added: request,
      updated: (pod, old) => {
        if (
          pod.status?.podIP !== old.status?.podIP ||
          pod.status?.phase !== old.status?.phase ||
          pod.metadata.labels !== old.metadata.labels
        )
          request();
      },
      deleted: request,
    });
    informers.whenSynced(request);
  }

  #write(world: PolicyWorld): void {
    const { netns, nodeName } = this.options;
    const { iptables } = netns;
    if (world.policies.length === 0 && !iptables.chain("filter", "KUBE-NWPLCY-DEFAULT")) return;
    const { text, chains } = policyRules(world, nodeName);
    const result = iptables.restore(text, { noFlush: true });
    assert(result.ok, `the policy agent's rules are accepted${result.ok ? "" : `: ${result.error}`}`);
    iptables.apply("filter", "-I FORWARD -j KUBE-NWPLCY-DEFAULT", { unique: true });
    const keep = new Set(chains);
    const stale = [...iptables.tables.filter.chains.keys()].filter(
      (chain) => /^KUBE-POD-(IN|EG|EX)-/.test(chain) && !keep.has(chain),
    );
    for (const chain of stale) iptables.flush("filter", chain);
    for (const chain of stale) iptables.deleteChain("filter", chain);
  }
}
