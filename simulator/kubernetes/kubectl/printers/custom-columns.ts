/** -o custom-columns=NAME:.metadata.name,… and custom-columns-file=… */
import { compileJsonPath, relaxedJsonPath, type JsonPath } from "../../../text/jsonpath";
import { formatValue } from "../../../text/strconv";
import { KUBECTL_TABLE, TabWriter } from "../../../text/tabwriter";
import type { KubeObject } from "../../apimachinery/object";
import { fail } from "../failure";

interface ColumnSpec {
  readonly header: string;
  readonly path: JsonPath;
}

export interface CustomColumns {
  /** Rows of these objects; the header comes before the first ever printed. */
  print(objects: readonly KubeObject[]): string;
}

export function customColumns(spec: string, noHeaders: boolean): CustomColumns {
  if (spec === "") fail("custom-columns format specified but no custom columns given");
  const columns = spec.split(",").map((part): ColumnSpec => {
    const at = part.indexOf(":");
    if (at < 0) fail(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return { header: part.slice(0, at), path: pathOf(part.slice(at + 1)) };
  });
  return make(columns, noHeaders);
}

/** A file with a line of headers above a line of paths. */
export function customColumnsFile(text: string, noHeaders: boolean): CustomColumns {
  const [headers = "", paths = ""] = text.split("\n");
  const names = headers.trim().split(/\s+/);
  const specs = paths.trim().split(/\s+/);
  if (names.length !== specs.length) {
    fail(`number of headers (${names.length}) and field specifications (${specs.length}) don't match`);
  }
  return make(
    names.map((header, i) => ({ header, path: pathOf(specs[i]!) })),
    noHeaders,
  );
}

function pathOf(text: string): JsonPath {
  const relaxed = relaxedJsonPath(text);
  if (!relaxed.ok) return fail(relaxed.error);
  const compiled = compileJsonPath(relaxed.value, { allowMissingKeys: true });
  return compiled.ok ? compiled.value : fail(compiled.error);
}

function make(columns: readonly ColumnSpec[], noHeaders: boolean): CustomColumns {
  const writer = new TabWriter(KUBECTL_TABLE);
  let headersDone = noHeaders;
  return {
    print(objects) {
      if (!headersDone) writer.write(`${columns.map((column) => column.header).join("\t")}\n`);
      headersDone = true;
      for (const object of objects) writer.write(`${columns.map((column) => cell(column.path, object)).join("\t")}\n`);
      return writer.flush();
    },
  };
}

function cell(path: JsonPath, object: KubeObject): string {
  const found = path.find(object);
  if (!found.ok) return fail(found.error);
  const values = found.value.flat();
  return values.length === 0 ? "<none>" : values.map(formatValue).join(",");
}
