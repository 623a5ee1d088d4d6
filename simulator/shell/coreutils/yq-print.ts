/** YAML with keys in the order they have: what yq prints. */
import { readsAsString } from "../../text/yaml-scalar";
import type { Json } from "./jq-json";

export function printYamlInOrder(value: Json): string {
  if (typeof value === "string" && value.includes("\n")) return value.endsWith("\n") ? value : `${value}\n`;
  if (typeof value === "string") return `${value}\n`;
  return block(value, 0);
}

function block(value: Json, depth: number): string {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return `${pad}[]\n`;
    return value
      .map((item) => {
        if (isEmptyOrScalar(item)) return `${pad}- ${scalar(item, depth + 1)}\n`;
        return `${pad}- ${block(item, depth + 1).slice((depth + 1) * 2)}`;
      })
      .join("");
  }
  if (value instanceof Map) {
    if (value.size === 0) return `${pad}{}\n`;
    let out = "";
    for (const [key, item] of value) {
      const name = scalar(key, depth);
      if (isEmptyOrScalar(item)) out += `${pad}${name}: ${scalar(item, depth + 1)}\n`;
      else out += `${pad}${name}:\n${block(item, depth + 1)}`;
    }
    return out;
  }
  return `${pad}${scalar(value, depth)}\n`;
}

const isEmptyOrScalar = (value: Json): boolean =>
  Array.isArray(value) ? value.length === 0 : value instanceof Map ? value.size === 0 : true;

function scalar(value: Json, depth: number): string {
  if (Array.isArray(value)) return "[]";
  if (value instanceof Map) return "{}";
  if (typeof value !== "string") return value === null ? "null" : String(value);
  if (value.includes("\n")) {
    const pad = "  ".repeat(depth);
    return `|${value.endsWith("\n") ? "" : "-"}\n${value
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => (line === "" ? "" : pad + line))
      .join("\n")}`;
  }
  if (value === "" || !readsAsString(value) || /^[\s\-?:,[\]{}#&*!|>'"%@`]|: |:$| #|\s$/.test(value))
    return /^-?[A-Za-z0-9/]/.test(value) && readsAsString(value) && !/: |:$| #|\s$/.test(value)
      ? value
      : `"${value.replace(/["\\]/g, "\\$&")}"`;
  return value;
}
