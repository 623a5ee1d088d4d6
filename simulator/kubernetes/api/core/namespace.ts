/** Namespaces. */
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { ALL_VERBS, defineResource } from "../../apimachinery/resource";
import type { Namespace } from "../types.generated";

export type { Namespace } from "../types.generated";

export const namespace = defineResource<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  namespaced: false,
  schema: "core.v1.Namespace",
  subresources: ["finalize", "status"],
  verbs: ALL_VERBS.filter((verb) => verb !== "deletecollection"),
  nameRule: "dns-label",
  selectableFields: { "status.phase": ({ status }) => status.phase ?? "" },
  defaults(draft) {
    draft.spec ??= {};
    // Every namespace carries its name as a label, so that selectors can name it.
    if (draft.metadata.name && draft.metadata.labels?.["kubernetes.io/metadata.name"] !== draft.metadata.name) {
      draft.metadata.labels = { ...draft.metadata.labels, "kubernetes.io/metadata.name": draft.metadata.name };
    }
  },
  prepareForCreate(draft) {
    draft.status = { phase: "Active" };
    // The namespace controller takes it away when the contents are gone.
    const finalizers = draft.spec.finalizers ?? [];
    draft.spec = {
      ...draft.spec,
      finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"],
    };
  },
  prepareForUpdate(draft, old) {
    draft.spec = old.spec;
    const { name } = draft.metadata;
    if (draft.metadata.labels?.["kubernetes.io/metadata.name"] !== name) {
      draft.metadata.labels = { ...draft.metadata.labels, "kubernetes.io/metadata.name": name };
    }
  },
  columns: [nameColumn, column<Namespace>("Status", ({ status }) => status.phase ?? ""), ageColumn],
});
