/** PersistentVolumes. */
import { deepEqual } from "../../../base/json";
import { type FieldError, forbidden, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, wide } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { PersistentVolume } from "../types.generated";

export type { PersistentVolume, PersistentVolumeSpec } from "../types.generated";

export const ACCESS_MODES: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

const SHORT: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

/** `RWO,ROX`, in upstream's order. */
export const accessModesText = (modes: readonly string[] | undefined): string =>
  ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]
    .filter((m) => modes?.includes(m))
    .map((m) => SHORT[m])
    .join(",");

const NOT_SOURCES = [
  "capacity",
  "accessModes",
  "claimRef",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "mountOptions",
  "volumeMode",
  "nodeAffinity",
  "volumeAttributesClassName",
];

export const persistentVolume = defineResource<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  shortNames: ["pv"],
  namespaced: false,
  schema: "core.v1.PersistentVolume",
  subresources: ["status"],
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.persistentVolumeReclaimPolicy ??= "Retain";
    draft.spec.volumeMode ??= "Filesystem";
    if (draft.spec.hostPath) draft.spec.hostPath.type ??= "";
  },
  prepareForCreate: (draft) => {
    draft.status = { phase: "Pending" };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    if (!spec.accessModes?.length) errors.push(required("spec.accessModes"));
    for (const mode of spec.accessModes ?? []) {
      if (!ACCESS_MODES.includes(mode)) errors.push(notSupported("spec.accessModes", mode, ACCESS_MODES));
    }
    if (!spec.capacity || Object.keys(spec.capacity).length === 0) errors.push(required("spec.capacity"));
    if (!["Delete", "Recycle", "Retain"].includes(spec.persistentVolumeReclaimPolicy ?? "")) {
      errors.push(
        notSupported("spec.persistentVolumeReclaimPolicy", spec.persistentVolumeReclaimPolicy, [
          "Delete",
          "Recycle",
          "Retain",
        ]),
      );
    }
    const sources = Object.keys(spec).filter((key) => !NOT_SOURCES.includes(key));
    if (sources.length === 0) errors.push(required("spec", "must specify a volume type"));
    if (spec.local && !spec.nodeAffinity)
      errors.push(required("spec.nodeAffinity", "Local volume requires node affinity"));
    return errors;
  },
  validateUpdate(object, old) {
    const source = (spec: Draft): Draft =>
      Object.fromEntries(Object.entries(spec).filter(([key]) => !NOT_SOURCES.includes(key)));
    return deepEqual(source(object.spec), source(old.spec))
      ? []
      : [forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")];
  },
  columns: [
    nameColumn,
    column<PersistentVolume>("Capacity", ({ spec }) => spec.capacity?.storage ?? "0"),
    column<PersistentVolume>("Access Modes", ({ spec }) => accessModesText(spec.accessModes)),
    column<PersistentVolume>("Reclaim Policy", ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ""),
    column<PersistentVolume>("Status", ({ metadata, status }) =>
      metadata.deletionTimestamp ? "Terminating" : (status.phase ?? ""),
    ),
    column<PersistentVolume>("Claim", ({ spec }) =>
      spec.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : "",
    ),
    column<PersistentVolume>("StorageClass", ({ spec }) => spec.storageClassName ?? ""),
    column<PersistentVolume>("VolumeAttributesClass", ({ spec }) => spec.volumeAttributesClassName || "<unset>"),
    column<PersistentVolume>("Reason", ({ status }) => status.reason ?? ""),
    ageColumn,
    column<PersistentVolume>("VolumeMode", ({ spec }) => spec.volumeMode ?? "<unset>", wide),
  ],
});
