/** DaemonSets: defaults, rules and printed columns. */
import { deepEqual } from "../../../base/json";
import { formatLabels } from "../../apimachinery/labels";
import { notSupported } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { defaultPodSpec } from "../core/pod-spec";
import type { DaemonSet } from "../types.generated";
import { containersColumn, imagesColumn, selectorColumn } from "../workload-columns";
import { immutable, nonNegative, validateSelectorAndTemplate } from "../workload-validation";

export type { DaemonSet, DaemonSetSpec, DaemonSetStatus } from "../types.generated";

const integer = { type: "integer" } as const;

/** A field of the first API versions that the server still counts; apps/v1 shows it as an annotation. */
export const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

function setTemplateGeneration(draft: Draft, generation: number): void {
  const { metadata } = draft;
  if (metadata.annotations?.[TEMPLATE_GENERATION] === String(generation)) return;
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

export const daemonSet = defineResource<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  schema: "apps.v1.DaemonSet",
  subresources: ["status"],
  hasGeneration: true,
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    spec.template ??= {};
    spec.template.metadata ??= {};
    spec.template.spec ??= {};
    defaultPodSpec(spec.template.spec);
  },
  prepareForCreate: (draft) => {
    draft.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    setTemplateGeneration(draft, 1);
  },
  prepareForUpdate: (draft, old) => {
    const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 1);
    const isChanged = !deepEqual(draft.spec?.template, old.spec.template);
    setTemplateGeneration(draft, isChanged ? before + 1 : before);
  },
  validate: ({ spec }) => [
    ...validateSelectorAndTemplate(spec, { emptyMessage: "empty selector is invalid for daemonset" }),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...(["RollingUpdate", "OnDelete"].includes(spec.updateStrategy?.type ?? "")
      ? []
      : [notSupported("spec.updateStrategy.type", spec.updateStrategy?.type ?? "", ["OnDelete", "RollingUpdate"])]),
    ...nonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
  ],
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  columns: [
    nameColumn,
    column<DaemonSet>("Desired", ({ status }) => status.desiredNumberScheduled ?? 0, integer),
    column<DaemonSet>("Current", ({ status }) => status.currentNumberScheduled ?? 0, integer),
    column<DaemonSet>("Ready", ({ status }) => status.numberReady ?? 0, integer),
    column<DaemonSet>("Up-to-date", ({ status }) => status.updatedNumberScheduled ?? 0, integer),
    column<DaemonSet>("Available", ({ status }) => status.numberAvailable ?? 0, integer),
    column<DaemonSet>("Node Selector", ({ spec }) => formatLabels(spec.template.spec?.nodeSelector)),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});
