/** ReplicationControllers. */
import { invalid, required } from "../../apimachinery/field-path";
import { matches, selectorFromSet } from "../../apimachinery/labels";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { ReplicationController } from "../types.generated";
import { containersColumn, imagesColumn, mapSelectorColumn } from "../workload-columns";
import { nonNegative } from "../workload-validation";
import { defaultPodSpec } from "./pod-spec";
import { validatePodTemplate } from "./pod-validation";

export type { ReplicationController } from "../types.generated";

const integer = { type: "integer" } as const;

export const replicationController = defineResource<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  namespaced: true,
  schema: "core.v1.ReplicationController",
  subresources: ["scale", "status"],
  scale: { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", labelSelector: ".spec.selector" },
  hasGeneration: true,
  defaultPropagation: "Orphan",
  selectableFields: { "status.replicas": ({ status }) => String(status.replicas ?? 0) },
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels) {
      if (!spec.selector || Object.keys(spec.selector).length === 0) spec.selector = { ...labels };
      if (!draft.metadata.labels || Object.keys(draft.metadata.labels).length === 0)
        draft.metadata.labels = { ...labels };
    }
    if (spec.template) {
      spec.template.metadata ??= {};
      spec.template.spec ??= {};
      defaultPodSpec(spec.template.spec);
    }
  },
  prepareForCreate: (draft) => {
    draft.status = { replicas: 0 };
  },
  validate({ spec }) {
    const errors = nonNegative(spec.replicas, "spec.replicas");
    if (!spec.selector || Object.keys(spec.selector).length === 0) errors.push(required("spec.selector"));
    if (!spec.template) return [...errors, required("spec.template")];
    const labels = spec.template.metadata?.labels;
    if (!matches(selectorFromSet(spec.selector), labels)) {
      errors.push(
        invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`"),
      );
    }
    return [...errors, ...validatePodTemplate(spec.template, "spec.template")];
  },
  columns: [
    nameColumn,
    column<ReplicationController>("Desired", ({ spec }) => spec.replicas ?? 0, integer),
    column<ReplicationController>("Current", ({ status }) => status.replicas ?? 0, integer),
    column<ReplicationController>("Ready", ({ status }) => status.readyReplicas ?? 0, integer),
    ageColumn,
    containersColumn,
    imagesColumn,
    mapSelectorColumn,
  ],
});
