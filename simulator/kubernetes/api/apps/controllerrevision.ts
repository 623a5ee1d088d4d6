/** ControllerRevisions: what a StatefulSet or DaemonSet looked like at a revision. */
import { invalid } from "../../apimachinery/field-path";
import { deepEqual } from "../../../base/json";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import { IMMUTABLE } from "../../apimachinery/validation";
import type { ControllerRevision } from "../types.generated";

export type { ControllerRevision } from "../types.generated";

export const controllerRevision = defineResource<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  namespaced: true,
  schema: "apps.v1.ControllerRevision",
  validateUpdate: (object, old) => (deepEqual(object.data, old.data) ? [] : [invalid("data", object.data, IMMUTABLE)]),
  columns: [
    nameColumn,
    column<ControllerRevision>("Controller", ({ metadata }) => {
      const owner = metadata.ownerReferences?.find((o) => o.controller);
      if (!owner) return "<none>";
      const group = owner.apiVersion.includes("/") ? owner.apiVersion.split("/")[0] : "";
      return `${owner.kind.toLowerCase()}${group ? `.${group}` : ""}/${owner.name}`;
    }),
    column<ControllerRevision>("Revision", (o) => o.revision),
    ageColumn,
  ],
});
