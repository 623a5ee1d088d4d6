/** ReplicaSets: defaults, rules and printed columns. */
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import { defaultPodSpec } from "../core/pod-spec";
import type { ReplicaSet } from "../types.generated";
import { containersColumn, imagesColumn, selectorColumn } from "../workload-columns";
import { immutable, nonNegative, validateSelectorAndTemplate } from "../workload-validation";

export type { ReplicaSet, ReplicaSetSpec, ReplicaSetStatus } from "../types.generated";

export const replicaSet = defineResource<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  schema: "apps.v1.ReplicaSet",
  subresources: ["scale", "status"],
  scale: { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", labelSelector: ".spec.selector" },
  hasGeneration: true,
  selectableFields: { "status.replicas": ({ status }) => String(status.replicas ?? 0) },
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.replicas ??= 1;
    if (draft.spec.template) {
      draft.spec.template.metadata ??= {};
      draft.spec.template.spec ??= {};
      defaultPodSpec(draft.spec.template.spec);
    }
  },
  prepareForCreate: (draft) => {
    draft.status = { replicas: 0 };
  },
  validate: ({ spec }) => [
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateSelectorAndTemplate(spec),
  ],
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  columns: [
    nameColumn,
    column<ReplicaSet>("Desired", ({ spec }) => spec.replicas ?? 0, { type: "integer" }),
    column<ReplicaSet>("Current", ({ status }) => status.replicas ?? 0, { type: "integer" }),
    column<ReplicaSet>("Ready", ({ status }) => status.readyReplicas ?? 0, { type: "integer" }),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});
