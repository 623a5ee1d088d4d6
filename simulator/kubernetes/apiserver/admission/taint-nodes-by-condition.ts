/** TaintNodesByCondition: a new node takes no Pods until its lifecycle controller says that it is ready. */
import type { AdmissionPlugin } from "./plugin";

const NOT_READY = "node.kubernetes.io/not-ready";

export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit({ operation, resource, subresource, object }) {
    if (operation !== "CREATE" || resource.plural !== "nodes" || resource.group !== "" || subresource) return undefined;
    const taints = object.spec?.taints ?? [];
    if (taints.some((t: { key: string; effect: string }) => t.key === NOT_READY && t.effect === "NoSchedule"))
      return undefined;
    object.spec = { ...object.spec, taints: [...taints, { key: NOT_READY, effect: "NoSchedule" }] };
    return undefined;
  },
};
