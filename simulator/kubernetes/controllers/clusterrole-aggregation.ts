/** ClusterRole aggregation controller: a role made of the rules of all roles that its selectors match. */
import { deepEqual } from "../../base/json";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { PolicyRule } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { CLUSTER_ROLES } from "../client/resources";

export const clusterRoleAggregationController = defineController({
  name: "clusterrole-aggregation-controller",
  setup(context) {
    const roles = context.informer(CLUSTER_ROLES).cache;
    context.watch(CLUSTER_ROLES, () => [...aggregated()]);
    function* aggregated(): Generator<string> {
      for (const role of roles.list()) if (role.aggregationRule) yield role.metadata.name;
    }
    return {
      reconcile(name) {
        const role = roles.get(name);
        if (!role?.aggregationRule) return undefined;
        const rules: PolicyRule[] = [];
        const others = [...roles.list()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
        for (const labelSelector of role.aggregationRule.clusterRoleSelectors ?? []) {
          const selector = selectorFromLabelSelector(labelSelector);
          for (const other of others) {
            if (other.metadata.name === name || !matches(selector, other.metadata.labels)) continue;
            for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
          }
        }
        if (deepEqual(rules, role.rules ?? [])) return undefined;
        const written = context.client.update(CLUSTER_ROLES, { ...role, rules });
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});
