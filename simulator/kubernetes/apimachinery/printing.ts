/** Columns that many kinds print. */
import { translateTimestampSince } from "./age";
import type { KubeObject } from "./object";
import type { Column } from "./table";

export const nameColumn: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  cell: (object) => object.metadata.name,
};

export const ageColumn: Column<KubeObject> = {
  name: "Age",
  type: "string",
  cell: (object, now) => translateTimestampSince(object.metadata.creationTimestamp, now),
};

/** A text column. */
// biome-ignore lint/suspicious/noExplicitAny: kinds pass their own type.
export function column<T extends KubeObject = any>(
  name: string,
  cell: Column<T>["cell"],
  options: { readonly type?: Column["type"]; readonly priority?: number; readonly format?: string } = {},
): Column<T> {
  return { name, type: options.type ?? "string", cell, priority: options.priority ?? 0, format: options.format ?? "" };
}

export const wide = { priority: 1 } as const;

/** `<none>` for nothing. */
export const orNone = (text: string | undefined): string => text || "<none>";
