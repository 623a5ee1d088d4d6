/** Tables that the server made, as kubectl lays them out: wide columns, labels, kinds, namespaces, watch events. */
import { KUBECTL_TABLE, TabWriter } from "../../../text/tabwriter";
import { compareStrings } from "../../../text/strconv";
import type { Cell, Table, TableRow } from "../../apimachinery/table";
import { qualifiedName, type ResourceMapping } from "../discovery";

export interface TableOptions {
  readonly wide: boolean;
  readonly noHeaders: boolean;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
  readonly withNamespace: boolean;
  readonly withKind: boolean;
  readonly withEvents: boolean;
}

/** Prints tables one after the other with the same columns; widths are remembered across them. */
export class TablePrinter {
  readonly #writer = new TabWriter(KUBECTL_TABLE);
  readonly #options: TableOptions;
  #headerDone: boolean;
  #columns: Table["columnDefinitions"] = [];

  constructor(options: TableOptions) {
    this.#options = options;
    this.#headerDone = options.noHeaders;
  }

  print(table: Table, mapping: ResourceMapping, event = ""): string {
    if (table.columnDefinitions.length > 0) this.#columns = table.columnDefinitions;
    if (!this.#headerDone) {
      this.#writer.write(`${this.#header().join("\t")}\n`);
      this.#headerDone = true;
    }
    for (const row of table.rows) this.#writer.write(`${this.#row(row, mapping, event).join("\t")}\n`);
    return this.#writer.flush();
  }

  #header(): string[] {
    const options = this.#options;
    const names = this.#columns
      .filter((column) => options.wide || column.priority === 0)
      .map((column) => column.name.toUpperCase());
    for (const label of options.labelColumns) names.push(label.slice(label.lastIndexOf("/") + 1).toUpperCase());
    if (options.showLabels) names.push("LABELS");
    if (options.withNamespace) names.unshift("NAMESPACE");
    if (options.withEvents) names.unshift("EVENT");
    return names;
  }

  #row(row: TableRow, mapping: ResourceMapping, event: string): string[] {
    const options = this.#options;
    const metadata = row.object?.metadata;
    const cells: string[] = [];
    this.#columns.forEach((column, i) => {
      if (!options.wide && column.priority !== 0) return;
      const text = cellText(row.cells[i] ?? null);
      const isName = column.format === "name" && column.type === "string";
      cells.push(options.withKind && isName ? qualifiedName(mapping, text) : text);
    });
    const labels = metadata?.labels ?? {};
    for (const label of options.labelColumns) cells.push(labels[label] ?? "");
    if (options.showLabels) cells.push(labelsText(labels));
    if (options.withNamespace) cells.unshift(metadata?.namespace ?? "");
    if (options.withEvents) cells.unshift(event);
    return cells;
  }
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  const text = String(cell);
  const end = text.search(/[\f\n\r]/);
  return end < 0 ? text : `${text.slice(0, end)}...`;
}

export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort(compareStrings);
  return keys.length === 0 ? "<none>" : keys.map((key) => `${key}=${labels![key]}`).join(",");
}
