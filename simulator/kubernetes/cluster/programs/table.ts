/** Columns as Go's text/tabwriter aligns them for the node tools: a least width, padding, spaces. */

/** crictl: least width 20, padding 3; ctr: least width 4, padding 1. The last column is not padded. */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  minWidth: number,
  padding = 3,
): string {
  const lines = [headers, ...rows];
  const widths = headers.map((_, column) =>
    Math.max(minWidth, ...lines.map((line) => [...(line[column] ?? "")].length + padding)),
  );
  return lines
    .map(
      (line) =>
        `${line.map((cell, column) => (column === line.length - 1 ? cell : cell.padEnd(widths[column]!))).join("")}\n`,
    )
    .join("");
}

/** etcdctl's `-w table`: boxes, centred headers, cells to the right where they are values. */
export function boxTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+\n`;
  const centre = (text: string, width: number): string => {
    const left = Math.floor((width - text.length) / 2);
    return " ".repeat(left) + text + " ".repeat(width - text.length - left);
  };
  const head = `|${headers.map((header, i) => ` ${centre(header, widths[i]!)} `).join("|")}|\n`;
  const body = rows.map((row) => `|${row.map((cell, i) => ` ${cell.padStart(widths[i]!)} `).join("|")}|\n`).join("");
  return rule + head + rule + body + rule;
}
