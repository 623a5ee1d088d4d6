/** kubernetes.together: running Pods of several kinds that share one node. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";
import { fieldAt, listObjects } from "./cluster";

const schema = z.strictObject({
  kind: z.literal("kubernetes.together"),
  namespace: z._default(z.string(), "default"),
  /** On one node there must run a Pod of each of these; a selector named twice asks for two Pods. */
  selectors: z.array(z.string()).check(z.minLength(2)),
});

export const kubernetesTogether = defineCheck({
  kind: "kubernetes.together",
  schema,
  names: (check) => check.selectors,
  evaluate(check, observation) {
    const wanted = new Map<string, number>();
    for (const selector of check.selectors) wanted.set(selector, (wanted.get(selector) ?? 0) + 1);
    const nodes = new Map<string, Map<string, number>>();
    const missing: string[] = [];
    for (const selector of wanted.keys()) {
      const running = listObjects(observation, "pods", check.namespace, selector).filter(
        (pod) => fieldAt(pod, "status.phase") === "Running" && pod.metadata.deletionTimestamp === undefined,
      );
      if (running.length === 0) missing.push(selector);
      for (const pod of running) {
        const node = String(fieldAt(pod, "spec.nodeName"));
        const here = nodes.get(node) ?? new Map<string, number>();
        nodes.set(node, here.set(selector, (here.get(selector) ?? 0) + 1));
      }
    }
    for (const here of nodes.values())
      if ([...wanted].every(([selector, count]) => (here.get(selector) ?? 0) >= count)) return met;
    const list = [...wanted].map(([selector, count]) => `${count > 1 ? `${count} × ` : ""}\`${selector}\``).join(", ");
    return unmet(
      { vi: `Một node chạy các Pod ${list} cạnh nhau.`, en: `One node that runs Pods ${list} side by side.` },
      missing.length > 0
        ? { vi: `Chưa có Pod \`${missing[0]}\` nào đang chạy.`, en: `No Pod \`${missing[0]}\` is running.` }
        : { vi: "Chúng đang ở những node khác nhau.", en: "They are on different nodes." },
      "kubectl get pods -o wide --show-labels",
    );
  },
});
