/** PersistentVolumeClaims. */
import { deepEqual } from "../../../base/json";
import { type FieldError, forbidden, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, wide } from "../../apimachinery/printing";
import { compareQuantities, parseQuantity } from "../../apimachinery/quantity";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { PersistentVolumeClaim } from "../types.generated";
import { accessModesText, ACCESS_MODES } from "./persistentvolume";

export type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../types.generated";

/** Also the defaults of volumeClaimTemplates. */
export function defaultClaimSpec(spec: Draft): void {
  spec.volumeMode ??= "Filesystem";
  spec.resources ??= {};
}

export const persistentVolumeClaim = defineResource<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  namespaced: true,
  schema: "core.v1.PersistentVolumeClaim",
  subresources: ["status"],
  defaults(draft) {
    draft.spec ??= {};
    defaultClaimSpec(draft.spec);
  },
  prepareForCreate: (draft) => {
    draft.status = { phase: "Pending" };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    if (!spec.accessModes?.length) errors.push(required("spec.accessModes", "at least 1 access mode is required"));
    for (const mode of spec.accessModes ?? []) {
      if (!ACCESS_MODES.includes(mode)) errors.push(notSupported("spec.accessModes", mode, ACCESS_MODES));
    }
    if (!spec.resources?.requests?.storage) errors.push(required("spec.resources[storage]"));
    return errors;
  },
  validateUpdate(object, old) {
    const { resources: a, volumeAttributesClassName: _a, ...left } = object.spec as Draft;
    const { resources: b, volumeAttributesClassName: _b, ...right } = old.spec as Draft;
    // Binding sets the volume's name once.
    if (!right.volumeName) right.volumeName = left.volumeName;
    if (right.storageClassName === undefined) right.storageClassName = left.storageClassName;
    const message =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    if (!deepEqual(left, right)) return [forbidden("spec", message)];
    const next = parseQuantity(a?.requests?.storage ?? "0");
    const before = parseQuantity(b?.requests?.storage ?? "0");
    if (next && before && compareQuantities(next, before) < 0)
      return [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")];
    if (next && before && compareQuantities(next, before) > 0 && old.status.phase !== "Bound")
      return [forbidden("spec", message)];
    return [];
  },
  columns: [
    nameColumn,
    column<PersistentVolumeClaim>("Status", ({ metadata, status }) =>
      metadata.deletionTimestamp ? "Terminating" : (status.phase ?? ""),
    ),
    column<PersistentVolumeClaim>("Volume", ({ spec }) => spec.volumeName ?? ""),
    column<PersistentVolumeClaim>("Capacity", ({ spec, status }) =>
      spec.volumeName ? (status.capacity?.storage ?? "0") : "",
    ),
    column<PersistentVolumeClaim>("Access Modes", ({ spec, status }) =>
      spec.volumeName ? accessModesText(status.accessModes) : "",
    ),
    column<PersistentVolumeClaim>(
      "StorageClass",
      ({ metadata, spec }) =>
        metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "",
    ),
    column<PersistentVolumeClaim>("VolumeAttributesClass", ({ spec }) => spec.volumeAttributesClassName || "<unset>"),
    ageColumn,
    column<PersistentVolumeClaim>("VolumeMode", ({ spec }) => spec.volumeMode ?? "<unset>", wide),
  ],
});
