/** PodDisruptionBudgets. */
import { type FieldError, invalid } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import { intOrPercent } from "../apps/deployment";
import type { PodDisruptionBudget } from "../types.generated";
import { validateLabelSelector } from "../workload-validation";

export type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../types.generated";

export const podDisruptionBudget = defineResource<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  namespaced: true,
  schema: "policy.v1.PodDisruptionBudget",
  subresources: ["status"],
  hasGeneration: true,
  prepareForCreate: (draft) => {
    draft.spec ??= {};
    draft.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      errors.push(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
    }
    errors.push(
      ...intOrPercent(spec.minAvailable, "spec.minAvailable"),
      ...intOrPercent(spec.maxUnavailable, "spec.maxUnavailable"),
    );
    return [...errors, ...validateLabelSelector(spec.selector, "spec.selector")];
  },
  columns: [
    nameColumn,
    column<PodDisruptionBudget>("Min Available", ({ spec }) =>
      spec.minAvailable === undefined ? "N/A" : String(spec.minAvailable),
    ),
    column<PodDisruptionBudget>("Max Unavailable", ({ spec }) =>
      spec.maxUnavailable === undefined ? "N/A" : String(spec.maxUnavailable),
    ),
    column<PodDisruptionBudget>("Allowed Disruptions", ({ status }) => status.disruptionsAllowed ?? 0, {
      type: "integer",
    }),
    ageColumn,
  ],
});
