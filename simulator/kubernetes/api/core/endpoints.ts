/** Endpoints: deprecated, but still what many clients read. */
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { Endpoints } from "../types.generated";

export type { Endpoints } from "../types.generated";

export const endpoints = defineResource<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  singular: "endpoints",
  shortNames: ["ep"],
  namespaced: true,
  schema: "core.v1.Endpoints",
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  defaults(draft) {
    for (const subset of Object.isFrozen(draft.subsets) ? [] : (draft.subsets ?? [])) {
      for (const port of subset.ports ?? []) port.protocol ??= "TCP";
    }
  },
  columns: [nameColumn, column<Endpoints>("Endpoints", formatEndpoints), ageColumn],
});

const SHOWN_MAX = 3;

/** `10.244.1.2:8080,10.244.2.2:8080 + 1 more...` */
export function formatEndpoints({ subsets = [] }: Pick<Endpoints, "subsets">): string {
  if (subsets.length === 0) return "<none>";
  const all: string[] = [];
  for (const { addresses = [], ports = [] } of subsets) {
    if (ports.length === 0) for (const { ip } of addresses) all.push(ip);
    for (const { port } of ports) for (const { ip } of addresses) all.push(`${ip}:${port}`);
  }
  const shown = all.slice(0, SHOWN_MAX).join(",");
  return all.length > SHOWN_MAX ? `${shown} + ${all.length - SHOWN_MAX} more...` : shown;
}
