/** ServiceAccounts. */
import { ageColumn, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { ServiceAccount } from "../types.generated";

export type { ServiceAccount } from "../types.generated";

export const serviceAccount = defineResource<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  namespaced: true,
  schema: "core.v1.ServiceAccount",
  subresources: ["token"],
  columns: [nameColumn, ageColumn],
});
