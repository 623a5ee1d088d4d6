/** Server-side printing: objects and lists as metav1.Table, and as PartialObjectMetadata. */
import type { Instant } from "../../base/clock";
import type { KubeObject, ListMeta } from "../apimachinery/object";
import type { ResourceDefinition } from "../apimachinery/resource";
import { columnDefinition, type Table, type TableColumnDefinition } from "../apimachinery/table";

export type Representation = "object" | "table" | "metadata";

/** What the Accept header prefers, of the forms the server knows. */
/** Clients send a handful of Accept headers: a pure function of them, kept for speed. */
const representations = new Map<string, Representation>();

export function representationOf(accept: string | undefined): Representation {
  if (!accept) return "object";
  let known = representations.get(accept);
  if (known === undefined) {
    known = readAccept(accept);
    if (representations.size >= 100) representations.clear();
    representations.set(accept, known);
  }
  return known;
}

function readAccept(accept: string): Representation {
  for (const clause of accept.split(",")) {
    const as = /;\s*as=([A-Za-z]+)/.exec(clause)?.[1];
    if (as === "Table") return "table";
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "metadata";
    if (!as && /json|\*\/\*/.test(clause)) return "object";
  }
  return "object";
}

export type IncludeObject = "None" | "Metadata" | "Object";

export function tableOf(
  resource: ResourceDefinition,
  objects: readonly KubeObject[],
  metadata: ListMeta,
  options: { readonly now: Instant; readonly include: IncludeObject; readonly withColumns?: boolean },
): Table {
  const { now, include } = options;
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: options.withColumns === false ? [] : definitionsOf(resource),
    rows: objects.map((object) => ({
      cells: resource.columns.map((column) => column.cell(object, now)),
      ...(include === "Metadata" ? { object: partialMetadata(object) } : include === "Object" ? { object } : {}),
    })),
  };
}

const definitions = new WeakMap<ResourceDefinition, readonly TableColumnDefinition[]>();

function definitionsOf(resource: ResourceDefinition): readonly TableColumnDefinition[] {
  let found = definitions.get(resource);
  if (!found) {
    found = Object.freeze(resource.columns.map(columnDefinition));
    definitions.set(resource, found);
  }
  return found;
}

const partials = new WeakMap<KubeObject, KubeObject>();

/** The metadata alone, as metadata clients ask for it. */
export function partialMetadata(object: KubeObject): KubeObject {
  let partial = partials.get(object);
  if (!partial) {
    partial = Object.freeze({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata });
    partials.set(object, partial);
  }
  return partial;
}
