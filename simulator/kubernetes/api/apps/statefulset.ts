/** StatefulSets: defaults, rules and printed columns. */
import { deepEqual } from "../../../base/json";
import { forbidden, notSupported } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import { defaultPodSpec } from "../core/pod-spec";
import { defaultClaimSpec } from "../core/persistentvolumeclaim";
import type { StatefulSet } from "../types.generated";
import { containersColumn, imagesColumn } from "../workload-columns";
import { nonNegative, validateSelectorAndTemplate } from "../workload-validation";

export type { StatefulSet, StatefulSetSpec, StatefulSetStatus } from "../types.generated";

const UPDATABLE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSet = defineResource<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  schema: "apps.v1.StatefulSet",
  subresources: ["scale", "status"],
  scale: { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", labelSelector: ".spec.selector" },
  hasGeneration: true,
  nameRule: "dns-label",
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.podManagementPolicy ??= "OrderedReady";
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= "Retain";
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= "Retain";
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.template ??= {};
    spec.template.metadata ??= {};
    spec.template.spec ??= {};
    defaultPodSpec(spec.template.spec);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion ??= "v1";
      claim.kind ??= "PersistentVolumeClaim";
      claim.metadata ??= {};
      claim.spec ??= {};
      defaultClaimSpec(claim.spec);
      claim.status ??= {};
      claim.status.phase ??= "Pending";
    }
  },
  prepareForCreate: (draft) => {
    draft.status = { replicas: 0, availableReplicas: 0 };
  },
  validate: ({ spec }) => [
    ...(["OrderedReady", "Parallel"].includes(spec.podManagementPolicy ?? "")
      ? []
      : [notSupported("spec.podManagementPolicy", spec.podManagementPolicy ?? "", ["OrderedReady", "Parallel"])]),
    ...(["RollingUpdate", "OnDelete"].includes(spec.updateStrategy?.type ?? "")
      ? []
      : [notSupported("spec.updateStrategy.type", spec.updateStrategy?.type ?? "", ["OnDelete", "RollingUpdate"])]),
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateSelectorAndTemplate(spec, { emptyMessage: "empty selector is invalid for statefulset" }),
  ],
  validateUpdate(object, old) {
    const keep = (s: StatefulSet["spec"]): unknown => {
      const {
        replicas: _a,
        ordinals: _b,
        template: _c,
        updateStrategy: _d,
        revisionHistoryLimit: _e,
        persistentVolumeClaimRetentionPolicy: _f,
        minReadySeconds: _g,
        ...rest
      } = s;
      return rest;
    };
    return deepEqual(keep(object.spec), keep(old.spec)) ? [] : [forbidden("spec", UPDATABLE)];
  },
  columns: [
    nameColumn,
    column<StatefulSet>("Ready", ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    ageColumn,
    containersColumn,
    imagesColumn,
  ],
});
