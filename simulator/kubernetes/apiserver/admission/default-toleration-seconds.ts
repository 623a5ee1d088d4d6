/** DefaultTolerationSeconds: Pods stay five minutes on a node that is not ready or unreachable. */
import type { AdmissionPlugin } from "./plugin";

const KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit({ operation, resource, subresource, object }) {
    if (operation !== "CREATE" || resource.plural !== "pods" || resource.group !== "" || subresource) return undefined;
    const tolerations: { key?: string; effect?: string }[] = object.spec.tolerations ?? [];
    const covered = (key: string): boolean =>
      tolerations.some((t) => (t.key === key || !t.key) && (t.effect === "NoExecute" || !t.effect));
    const missing = KEYS.filter((key) => !covered(key));
    if (missing.length === 0) return undefined;
    object.spec.tolerations = [
      ...tolerations,
      ...missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 })),
    ];
    return undefined;
  },
};
