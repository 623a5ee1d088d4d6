/** StorageClasses. */
import { deepEqual } from "../../../base/json";
import { type FieldError, forbidden, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { StorageClass } from "../types.generated";

export type { StorageClass } from "../types.generated";

export const isDefaultClass = ({ metadata }: Pick<StorageClass, "metadata">): boolean =>
  metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true" ||
  metadata.annotations?.["storageclass.beta.kubernetes.io/is-default-class"] === "true";

export const storageClass = defineResource<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  namespaced: false,
  schema: "storage.v1.StorageClass",
  defaults(draft) {
    draft.reclaimPolicy ??= "Delete";
    draft.volumeBindingMode ??= "Immediate";
  },
  validate(object) {
    const errors: FieldError[] = [];
    if (!object.provisioner) errors.push(required("provisioner"));
    if (!["Delete", "Retain"].includes(object.reclaimPolicy ?? ""))
      errors.push(notSupported("reclaimPolicy", object.reclaimPolicy, ["Delete", "Retain"]));
    if (!["Immediate", "WaitForFirstConsumer"].includes(object.volumeBindingMode ?? "")) {
      errors.push(notSupported("volumeBindingMode", object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]));
    }
    return errors;
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (!deepEqual(object.parameters, old.parameters))
      errors.push(forbidden("parameters", "updates to parameters are forbidden."));
    if (object.provisioner !== old.provisioner)
      errors.push(forbidden("provisioner", "updates to provisioner are forbidden."));
    if (object.reclaimPolicy !== old.reclaimPolicy)
      errors.push(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."));
    return errors;
  },
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      cell: (object) => object.metadata.name + (isDefaultClass(object) ? " (default)" : ""),
    },
    column<StorageClass>("Provisioner", (o) => o.provisioner),
    column<StorageClass>("ReclaimPolicy", (o) => o.reclaimPolicy ?? "Delete"),
    column<StorageClass>("VolumeBindingMode", (o) => o.volumeBindingMode ?? "Immediate"),
    column<StorageClass>("AllowVolumeExpansion", (o) => o.allowVolumeExpansion ?? false),
    ageColumn,
  ],
});
