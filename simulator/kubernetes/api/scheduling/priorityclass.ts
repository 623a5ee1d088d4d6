/** PriorityClasses. */
import { type FieldError, forbidden, invalid } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import { IMMUTABLE } from "../../apimachinery/validation";
import type { PriorityClass } from "../types.generated";

export type { PriorityClass } from "../types.generated";

const USER_MAX = 1_000_000_000;

export const priorityClass = defineResource<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  shortNames: ["pc"],
  namespaced: false,
  schema: "scheduling.v1.PriorityClass",
  hasGeneration: true,
  defaults(draft) {
    draft.preemptionPolicy ??= "PreemptLowerPriority";
    draft.value ??= 0;
  },
  validate({ metadata, value = 0 }) {
    const errors: FieldError[] = [];
    if (metadata.name.startsWith("system-")) {
      if (!["system-node-critical", "system-cluster-critical"].includes(metadata.name)) {
        errors.push(
          forbidden(
            "metadata.name",
            `priority class names with 'system-' prefix are reserved for system use only. error: ${metadata.name} is not a known system priority class`,
          ),
        );
      }
    } else if (value > USER_MAX) {
      errors.push(forbidden("value", `maximum allowed value of a user defined priority is ${USER_MAX}`));
    }
    return errors;
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (object.value !== old.value) errors.push(forbidden("value", "may not be changed in an update."));
    if (object.preemptionPolicy !== old.preemptionPolicy)
      errors.push(invalid("preemptionPolicy", object.preemptionPolicy, IMMUTABLE));
    return errors;
  },
  columns: [
    nameColumn,
    column<PriorityClass>("Value", (o) => o.value ?? 0, { type: "integer" }),
    column<PriorityClass>("Global-Default", (o) => o.globalDefault ?? false, { type: "boolean" }),
    ageColumn,
    column<PriorityClass>("PreemptionPolicy", (o) => o.preemptionPolicy ?? "PreemptLowerPriority"),
  ],
});
