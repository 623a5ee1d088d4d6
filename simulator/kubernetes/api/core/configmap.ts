/** ConfigMaps. */
import { type FieldError, forbidden, invalid, tooLong } from "../../apimachinery/field-path";
import { deepEqual } from "../../../base/json";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { utf8Length } from "../../apimachinery/utf8";
import { configMapKey } from "../../apimachinery/validation";
import type { ConfigMap } from "../types.generated";

export type { ConfigMap } from "../types.generated";

const BYTES_MAX = 1024 * 1024;

export const configMap = defineResource<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  namespaced: true,
  schema: "core.v1.ConfigMap",
  validate({ data = {}, binaryData = {} }) {
    const errors: FieldError[] = [];
    let total = 0;
    for (const key of Object.keys(data).sort()) {
      for (const message of configMapKey(key)) errors.push(invalid(`data[${key}]`, key, message));
      if (key in binaryData) errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
      total += utf8Length(data[key]!);
    }
    for (const key of Object.keys(binaryData).sort()) {
      for (const message of configMapKey(key)) errors.push(invalid(`binaryData[${key}]`, key, message));
      total += (binaryData[key]!.length * 3) / 4;
    }
    if (total > BYTES_MAX) errors.push(tooLong("", BYTES_MAX));
    return errors;
  },
  validateUpdate: (object, old) => immutableData(object, old, ["data", "binaryData"]),
  columns: [
    nameColumn,
    column<ConfigMap>(
      "Data",
      ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    ),
    ageColumn,
  ],
});

/** Once `immutable` is set, neither it nor the data changes. */
export function immutableData(object: Draft, old: Draft, fields: readonly string[]): FieldError[] {
  if (!old.immutable) return [];
  const errors: FieldError[] = [];
  if (!object.immutable) errors.push(forbidden("immutable", "field is immutable when `immutable` is set"));
  for (const field of fields) {
    if (!deepEqual(object[field], old[field]))
      errors.push(forbidden(field, "field is immutable when `immutable` is set"));
  }
  return errors;
}
