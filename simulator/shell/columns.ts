/** Names in columns, as ls and Tab completion show them. */

/** Lays labels out in as few rows as fit. */
export function columnsOf(
  labels: readonly { readonly shown: string; readonly width: number }[],
  width: number,
  across = false,
): string {
  const quoted = labels;
  for (let columns = Math.min(quoted.length, Math.max(1, Math.floor(width / 3))); columns >= 1; columns--) {
    const rows = Math.ceil(quoted.length / columns);
    const widths: number[] = [];
    quoted.forEach((each, index) => {
      const column = across ? index % columns : Math.floor(index / rows);
      const used = Math.ceil(quoted.length / rows);
      widths[column] = Math.max(widths[column] ?? 0, each.width + (column < (across ? columns : used) - 1 ? 2 : 0));
    });
    if (columns > 1 && widths.reduce((sum, each) => sum + each, 0) > width) continue;
    let out = "";
    for (let row = 0; row < rows; row++) {
      let line = "";
      let pending = 0;
      for (let column = 0; column < columns; column++) {
        const index = across ? row * columns + column : column * rows + row;
        const each = quoted[index];
        if (!each) continue;
        line += " ".repeat(pending) + each.shown;
        pending = widths[column]! - each.width;
      }
      out += `${line}\n`;
    }
    return out;
  }
  return "";
}
