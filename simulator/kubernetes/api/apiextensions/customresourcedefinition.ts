/** CustomResourceDefinitions. What they define is served by the API server's custom-resources.ts. */
import { type FieldError, invalid, notSupported, required } from "../../apimachinery/field-path";
import { column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { dns1035Label } from "../../apimachinery/validation";
import type { CustomResourceDefinition } from "../types.generated";

export type { CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from "../types.generated";

export const customResourceDefinition = defineResource<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  schema: "apiextensions.v1.CustomResourceDefinition",
  subresources: ["status"],
  hasGeneration: true,
  defaults(draft) {
    draft.spec ??= {};
    if (Object.isFrozen(draft.spec)) return;
    draft.spec.names ??= {};
    const { names } = draft.spec;
    if (names.kind) {
      names.singular ??= String(names.kind).toLowerCase();
      names.listKind ??= `${names.kind}List`;
    }
    draft.spec.conversion ??= { strategy: "None" };
  },
  prepareForCreate: (draft) => {
    draft.status = {};
    for (const version of draft.spec.versions ?? []) if (version.storage) draft.status.storedVersions = [version.name];
  },
  validate({ metadata, spec }) {
    const errors: FieldError[] = [];
    const { group, names = {}, versions = [], scope } = spec as Draft;
    if (!group) errors.push(required("spec.group"));
    if (metadata.name !== `${names.plural}.${group}`) {
      errors.push(invalid("metadata.name", metadata.name, `must be spec.names.plural+"."+spec.group`));
    }
    if (!["Cluster", "Namespaced"].includes(scope))
      errors.push(scope ? notSupported("spec.scope", scope, ["Cluster", "Namespaced"]) : required("spec.scope"));
    if (versions.length === 0) errors.push(required("spec.versions", "must have at least one version"));
    else if (versions.filter((v: Draft) => v.storage).length !== 1) {
      errors.push(invalid("spec.versions", versions, "must have exactly one version marked as storage version"));
    }
    versions.forEach((version: Draft, i: number) => {
      if (!version.schema?.openAPIV3Schema)
        errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`, "schemas are required"));
    });
    for (const key of ["plural", "singular"]) {
      if (!names[key]) errors.push(required(`spec.names.${key}`));
      else
        for (const message of dns1035Label(names[key])) errors.push(invalid(`spec.names.${key}`, names[key], message));
    }
    if (!names.kind) errors.push(required("spec.names.kind"));
    return errors;
  },
  columns: [
    nameColumn,
    column<CustomResourceDefinition>("Created At", ({ metadata }) => metadata.creationTimestamp, { type: "date" }),
  ],
});
