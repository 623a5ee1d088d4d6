/** Secrets. */
import { decodeUtf8, encodeUtf8 } from "../../../base/bytes";
import { decodeBase64, encodeBase64 } from "../../apimachinery/base64";
import { type FieldError, invalid, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { configMapKey, IMMUTABLE } from "../../apimachinery/validation";
import type { Secret } from "../types.generated";
import { immutableData } from "./configmap";

export type { Secret } from "../types.generated";

const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

export const secret = defineResource<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  schema: "core.v1.Secret",
  selectableFields: { type: (s) => s.type ?? "" },
  defaults(draft) {
    draft.type ??= "Opaque";
    // stringData is written to data and never read back.
    if (draft.stringData) {
      const data: Draft = { ...draft.data };
      for (const key of Object.keys(draft.stringData)) data[key] = encodeBase64(encodeUtf8(draft.stringData[key]));
      draft.data = data;
      delete draft.stringData;
    }
  },
  validate(object) {
    const errors: FieldError[] = [];
    const data = object.data ?? {};
    for (const key of Object.keys(data).sort()) {
      for (const message of configMapKey(key)) errors.push(invalid(`data[${key}]`, key, message));
    }
    for (const key of REQUIRED_KEYS[object.type ?? ""] ?? []) {
      if (data[key] === undefined) errors.push(required(`data[${key}]`));
    }
    if (object.type === "kubernetes.io/dockerconfigjson" && data[".dockerconfigjson"] !== undefined) {
      const bytes = decodeBase64(data[".dockerconfigjson"]);
      if (bytes === undefined || !isJson(decodeUtf8(bytes))) {
        errors.push(
          invalid(
            "data[.dockerconfigjson]",
            "<secret contents redacted>",
            "invalid character 'b' looking for beginning of value",
          ),
        );
      }
    }
    if (
      object.type === "kubernetes.io/service-account-token" &&
      !object.metadata.annotations?.["kubernetes.io/service-account.name"]
    ) {
      errors.push(required("metadata.annotations[kubernetes.io/service-account.name]"));
    }
    if (object.type === "kubernetes.io/basic-auth" && data.username === undefined && data.password === undefined) {
      errors.push(required("data[username]"), required("data[password]"));
    }
    return errors;
  },
  validateUpdate: (object, old) => [
    ...(object.type === old.type ? [] : [invalid("type", object.type, IMMUTABLE)]),
    ...immutableData(object, old, ["data"]),
  ],
  columns: [
    nameColumn,
    column<Secret>("Type", ({ type }) => type ?? ""),
    column<Secret>("Data", ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
