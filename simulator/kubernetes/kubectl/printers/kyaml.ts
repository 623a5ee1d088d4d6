/** -o kyaml: the YAML dialect with braces and quotes. */
import { compareStrings } from "../../../text/strconv";
import { readsAsString } from "../../../text/yaml-scalar";
import type { MakePrinter } from "./printer";

export const kyamlPrinter: MakePrinter = () => ({ print: (object) => `---\n${value(object, "")}\n` });

function value(node: unknown, indent: string): string {
  if (node === null || node === undefined) return "null";
  if (typeof node === "string") return JSON.stringify(node);
  if (typeof node !== "object") return String(node);
  const inner = `${indent}  `;
  if (Array.isArray(node)) {
    if (node.length === 0) return "[]";
    // Mappings in a list share the brackets' lines.
    if (
      node.every(
        (item) => typeof item === "object" && item !== null && !Array.isArray(item) && Object.keys(item).length > 0,
      )
    ) {
      return `[${node.map((item) => value(item, indent)).join(", ")}]`;
    }
    return `[\n${node.map((item) => `${inner}${value(item, inner)},\n`).join("")}${indent}]`;
  }
  const map = node as Readonly<Record<string, unknown>>;
  const keys = Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort(compareStrings);
  if (keys.length === 0) return "{}";
  return `{\n${keys.map((each) => `${inner}${key(each)}: ${value(map[each], inner)},\n`).join("")}${indent}}`;
}

const key = (text: string): string =>
  /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text) && readsAsString(text) && !text.includes("/") ? text : JSON.stringify(text);
