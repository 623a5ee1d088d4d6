/** Leases. */
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { Lease } from "../types.generated";

export type { Lease, LeaseSpec } from "../types.generated";

export const lease = defineResource<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  schema: "coordination.v1.Lease",
  allowCreateOnUpdate: true,
  heartbeat: "renewTime",
  defaults(draft) {
    draft.spec ??= {};
  },
  columns: [nameColumn, column<Lease>("Holder", ({ spec }) => spec.holderIdentity ?? ""), ageColumn],
});
