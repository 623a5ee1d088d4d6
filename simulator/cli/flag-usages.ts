/** pflag's FlagUsages: the aligned table of options on docker's help pages. */
import { quote } from "../text/strconv";
import type { Flag, FlagSet } from "./flags";

const SHORT_TYPES: Readonly<Record<string, string>> = {
  bool: "",
  float64: "float",
  int64: "int",
  uint64: "uint",
  stringSlice: "strings",
  stringArray: "stringArray",
  intSlice: "ints",
  uintSlice: "uints",
  boolSlice: "bools",
  stringToString: "stringToString",
};

/** The table, one line a flag in order of name, wrapped at `columns` where that is not 0. */
export function flagUsages(flags: FlagSet, columns = 0): string {
  const rows = Object.keys(flags)
    .filter((name) => !flags[name]!.hidden && !flags[name]!.deprecated)
    .sort()
    .map((name) => row(name, flags[name]!));
  const width = Math.max(0, ...rows.map((each) => each.left.length));
  return rows.map(({ left, text }) => `${left.padEnd(width)}   ${wrap(text, width + 3, columns)}\n`).join("");
}

function row(name: string, flag: Flag<unknown>): { readonly left: string; readonly text: string } {
  const short = flag.shorthand && !flag.shorthandDeprecated;
  let left = short ? `  -${flag.shorthand}, --${name}` : `      --${name}`;
  const named = /`([^`]+)`/.exec(flag.usage);
  const type = named?.[1] ?? flag.typeName ?? SHORT_TYPES[flag.type] ?? flag.type;
  if (type) left += ` ${type}`;
  if (flag.noOptDefVal !== undefined && !["bool", "count"].includes(flag.type)) {
    left += flag.type === "string" ? `[=${quote(flag.noOptDefVal)}]` : `[=${flag.noOptDefVal}]`;
  }
  const usage = flag.usage.replace(/`([^`]+)`/, "$1");
  const shown = flag.defaultText ?? "";
  const isZero = ["", "0", "0s", "false", "[]", "<nil>"].includes(shown);
  const text = isZero ? usage : `${usage} (default ${flag.type === "string" ? quote(shown) : shown})`;
  return { left, text };
}

/** Breaks at spaces; a width too small for a column of text starts it on the next line. */
function wrap(text: string, indent: number, columns: number): string {
  if (columns === 0) return text.replaceAll("\n", `\n${" ".repeat(indent)}`);
  const room = Math.max(24, columns - indent);
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > room) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
