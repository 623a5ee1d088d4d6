/** TTL controller: tells kubelets, by an annotation, how long they may keep Secrets and ConfigMaps in a cluster of this size. */
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { NODES } from "../client/resources";

const ANNOTATION = "node.alpha.kubernetes.io/ttl";

/** The next step is taken above `max` nodes, and left again only below its `min`. */
const STEPS = [
  { min: 0, max: 100, seconds: 0 },
  { min: 90, max: 500, seconds: 15 },
  { min: 450, max: 1000, seconds: 30 },
  { min: 900, max: 2000, seconds: 60 },
  { min: 1800, max: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

export const ttlController = defineController({
  name: "ttl-controller",
  setup(context) {
    let step = 0;
    const nodes = context.watch(NODES, (node, _old, isDeleted) => (isDeleted ? [] : [node.metadata.name])).cache;
    return {
      reconcile(name) {
        const node = nodes.get(name);
        if (!node) return undefined;
        while (nodes.size > STEPS[step]!.max) step++;
        while (nodes.size < STEPS[step]!.min) step--;
        const wanted = String(STEPS[step]!.seconds);
        if (node.metadata.annotations?.[ANNOTATION] === wanted) return undefined;
        const patch = { metadata: { annotations: { [ANNOTATION]: wanted } } };
        const written = context.client.patch(NODES, { name }, "strategic", patch);
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});
