/** metav1.Table: what the server prints for `Accept: application/json;as=Table`. */
import type { Instant } from "../../base/clock";
import type { KubeObject, ListMeta } from "./object";

export type Cell = string | number | boolean | null;

export interface TableColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 is always shown; 1 only with `-o wide`. */
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  /** PartialObjectMetadata, or the object itself with `includeObject=Object`; absent with `None`. */
  readonly object?: KubeObject;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

/** One printed column of a kind: its definition and its cell. `now` is the server's clock. */
// biome-ignore lint/suspicious/noExplicitAny: shelves hold columns of every kind together.
export interface Column<T extends KubeObject = any> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly priority?: number;
  cell(object: T, now: Instant): Cell;
}

export const columnDefinition = (column: Column): TableColumnDefinition => ({
  name: column.name,
  type: column.type,
  format: column.format ?? "",
  description: "",
  priority: column.priority ?? 0,
});
