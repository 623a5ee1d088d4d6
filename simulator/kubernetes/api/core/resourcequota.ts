/** ResourceQuotas. */
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { ResourceQuota } from "../types.generated";

export type { ResourceQuota } from "../types.generated";

const listed = ({ status }: ResourceQuota, isLimit: boolean): string =>
  Object.keys(status.hard ?? {})
    .sort()
    .filter((name) => name.startsWith("limits") === isLimit)
    .map((name) => `${name}: ${status.used?.[name] ?? "0"}/${status.hard![name]}`)
    .join(", ");

export const resourceQuota = defineResource<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  namespaced: true,
  schema: "core.v1.ResourceQuota",
  subresources: ["status"],
  defaults(draft) {
    draft.spec ??= {};
  },
  columns: [
    nameColumn,
    column<ResourceQuota>("Request", (q) => listed(q, false)),
    column<ResourceQuota>("Limit", (q) => listed(q, true)),
    ageColumn,
  ],
});
