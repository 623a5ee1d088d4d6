/** YAML as `docker compose config` prints it: members in the order given, sequences indented, go-yaml v3's quotes. */
import { resolveScalar } from "../../../text/yaml-scalar";

export function yamlText(value: unknown): string {
  return block(value, 0).replace(/^\n/, "");
}

function block(value: unknown, indent: number): string {
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return " []\n";
    return `\n${value.map((item) => `${pad}-${item !== null && typeof item === "object" ? inline(item, indent + 2) : ` ${scalar(item, indent + 2)}\n`}`).join("")}`;
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return " {}\n";
  return `\n${entries.map(([key, each]) => `${pad}${scalar(key, indent)}:${tail(each, indent)}`).join("")}`;
}

const tail = (value: unknown, indent: number): string =>
  value !== null && typeof value === "object" ? block(value, indent + 2) : ` ${scalar(value, indent + 2)}\n`;

/** A container as an item: its first member stands behind the dash. */
function inline(value: object, indent: number): string {
  const text = block(value, indent);
  return text.startsWith("\n") ? ` ${text.slice(1 + indent)}` : text;
}

function scalar(value: unknown, indent: number): string {
  if (typeof value !== "string") return value === null || value === undefined ? "null" : String(value);
  if (value === "") return '""';
  if (value.includes("\n")) {
    const pad = " ".repeat(indent);
    const end = value.endsWith("\n") ? (value.endsWith("\n\n") ? "|+" : "|") : "|-";
    return `${end}\n${value
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => (line === "" ? "" : pad + line))
      .join("\n")}`;
  }
  if (resolveScalar(value).tag !== "str") return JSON.stringify(value);
  if (/^[\s\-?:,[\]{}#&*!|>'"%@`]/.test(value) || /: |:$| #|\s$/.test(value)) {
    if (/^[-?:](?=\S)/.test(value) && !/: |:$| #|\s$/.test(value)) return value;
    return `'${value.replaceAll("'", "''")}'`;
  }
  return value;
}
