/** `--format`: tables, templates and JSON over rows that behave like upstream's formatter contexts. */
import { failure, ok, type Result } from "../../base/result";
import { DOCKER_FUNCTIONS, goJson, type GoStruct } from "./template";
import { compileTemplate } from "../../text/go-template";
import { DOCKER_TABLE, tabulate } from "../../text/tabwriter";

/** One kind of row: what its fields are called in Go, in the table's head, and how they are read. */
export interface RowType<T> {
  /** For messages: `*formatter.ContainerContext`. */
  readonly goType: string;
  /** Field name → head of its column. Only these are fields. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, (row: T) => unknown>>;
  /** Methods that take arguments (`.Label "tier"`). */
  readonly methods?: Readonly<Record<string, (row: T, args: readonly unknown[]) => unknown>>;
  /** Fields in the order of `{{json .}}`: by name where this is absent. */
  readonly jsonOrder?: readonly string[];
}

export const TABLE = "table";

/** How `--format` of a list command is read. */
export type Format =
  | { readonly kind: "json" }
  | { readonly kind: "table"; readonly template: string }
  | { readonly kind: "template"; readonly template: string };

export interface Presets {
  /** The template behind `table` alone. */
  readonly table: string;
  /** The template behind `raw`. */
  readonly raw?: string;
  /** With --quiet. */
  readonly quiet?: string;
}

export function readFormat(text: string, presets: Presets, quiet = false): Format {
  if (quiet && (text === "" || text === TABLE)) return { kind: "template", template: presets.quiet ?? "{{.ID}}" };
  if (text === "" || text === TABLE) return { kind: "table", template: presets.table };
  if (text === "json") return { kind: "json" };
  if (text === "raw" && presets.raw !== undefined) return { kind: "template", template: presets.raw };
  const table = /^table\s+/.exec(text);
  if (table) return { kind: "table", template: text.slice(table[0].length) };
  return { kind: "template", template: text };
}

export function rowValue<T>(type: RowType<T>, row: T): GoStruct {
  return {
    goType: type.goType,
    escapesHtml: true,
    goField: (name, args) => {
      const field = type.fields[name];
      if (field) return field(row);
      return type.methods?.[name]?.(row, args);
    },
    goValue: () =>
      Object.fromEntries(
        (type.jsonOrder ?? Object.keys(type.fields).sort()).map((name) => [name, type.fields[name]!(row)]),
      ),
  };
}

/** The text for standard output; the error is what follows on standard error. */
export function formatRows<T>(format: Format, type: RowType<T>, rows: readonly T[]): Result<string, string> {
  if (format.kind === "json") {
    return ok(
      rows.map((row) => `${goJson(rowValue(type, row).goValue(), { sortKeys: false, escapeHtml: true })}\n`).join(""),
    );
  }
  const template = format.template.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const compiled = compileTemplate(template, { functions: DOCKER_FUNCTIONS });
  if (!compiled.ok) return failure(`failed to parse template: ${compiled.error}`);
  let text = "";
  for (const row of rows) {
    const { text: line, error } = compiled.value.execute(rowValue(type, row));
    if (error !== undefined) return failure(`failed to execute template: ${error}`);
    text += `${line}\n`;
  }
  if (format.kind === "template") return ok(text);
  const head: GoStruct = {
    goType: type.goType,
    goField: (name) => type.headers[name] ?? (name in type.fields ? name.toUpperCase() : type.methods?.[name] && ""),
    goValue: () => type.headers,
  };
  const { text: headline } = compiled.value.execute(head);
  return ok(tabulate(`${headline}\n${text}`, DOCKER_TABLE));
}

/** The first 12 characters of an id, without its algorithm. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** formatter.Ellipsis: at most `length` characters, the last one an ellipsis. */
export function ellipsis(text: string, length: number): string {
  const letters = [...text];
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join("")}…`;
}
