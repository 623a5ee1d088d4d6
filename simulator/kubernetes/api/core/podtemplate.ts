/** PodTemplates, and ComponentStatuses' absence: the latter kind is deprecated and serves nothing here. */
import { formatLabels } from "../../apimachinery/labels";
import { column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { PodTemplate } from "../types.generated";
import { defaultPodSpec } from "./pod-spec";

export type { PodTemplate } from "../types.generated";

export const podTemplate = defineResource<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  namespaced: true,
  schema: "core.v1.PodTemplate",
  hasGeneration: true,
  defaults(draft) {
    if (draft.template && !Object.isFrozen(draft.template)) {
      draft.template.metadata ??= {};
      draft.template.spec ??= {};
      defaultPodSpec(draft.template.spec);
    }
  },
  columns: [
    nameColumn,
    column<PodTemplate>("Containers", ({ template }) =>
      (template?.spec?.containers ?? []).map((c) => c.name).join(","),
    ),
    column<PodTemplate>("Images", ({ template }) =>
      (template?.spec?.containers ?? []).map((c) => c.image ?? "").join(","),
    ),
    column<PodTemplate>("Pod Labels", ({ template }) => formatLabels(template?.metadata?.labels)),
  ],
});
