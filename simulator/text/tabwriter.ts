/**
 * Elastic tab stops as Go's text/tabwriter lays them out: a column is a run of consecutive lines that have a
 * tab-terminated cell there, and is as wide as its widest cell. The last cell of a line belongs to no column.
 */

export interface TabWriterOptions {
  readonly minWidth: number;
  readonly padding: number;
  /** kubectl's fork: a column never gets narrower than it was before an earlier flush (`get -w`). */
  readonly rememberWidths?: boolean;
}

/** What kubectl prints tables with. */
export const KUBECTL_TABLE: TabWriterOptions = { minWidth: 6, padding: 3, rememberWidths: true };
/** What `kubectl describe` lays its pages out with. */
export const KUBECTL_DESCRIBE: TabWriterOptions = { minWidth: 0, padding: 2 };
/** What the docker CLI prints tables with. */
export const DOCKER_TABLE: TabWriterOptions = { minWidth: 10, padding: 3 };

/** Collects text with tabs and gives it back aligned. */
export class TabWriter {
  readonly #options: TabWriterOptions;
  #text = "";
  readonly #maxWidths: number[] = [];

  constructor(options: TabWriterOptions) {
    this.#options = options;
  }

  write(text: string): void {
    this.#text += text;
  }

  /** The aligned text written since the last flush. */
  flush(): string {
    const text = this.#text;
    this.#text = "";
    if (text === "") return "";
    const lines = text.split("\n").map((line) => line.split("\t"));
    const out: string[] = [];
    this.#format(lines, 0, lines.length, [], out);
    return out.join("\n");
  }

  #format(lines: readonly string[][], first: number, end: number, widths: number[], out: string[]): void {
    const column = widths.length;
    let start = first;
    for (let i = first; i < end; i++) {
      if (column >= lines[i]!.length - 1) continue;
      for (; start < i; start++) out.push(render(lines[start]!, widths));
      let width = this.#options.minWidth;
      for (; i < end && column < lines[i]!.length - 1; i++) {
        width = Math.max(width, runeCount(lines[i]![column]!) + this.#options.padding);
      }
      width = this.#remembered(widths, width);
      widths.push(width);
      this.#format(lines, start, i, widths, out);
      widths.pop();
      start = i;
    }
    for (; start < end; start++) out.push(render(lines[start]!, widths));
  }

  #remembered(widths: readonly number[], width: number): number {
    if (!this.#options.rememberWidths) return width;
    for (let i = this.#maxWidths.length; i < widths.length; i++) this.#maxWidths.push(widths[i]!);
    const column = widths.length;
    const wide = Math.max(width, this.#maxWidths[column] ?? 0);
    this.#maxWidths[column] = wide;
    return wide;
  }
}

/** Aligns a whole text at once. */
export function tabulate(text: string, options: TabWriterOptions): string {
  const writer = new TabWriter(options);
  writer.write(text);
  return writer.flush();
}

function render(cells: readonly string[], widths: readonly number[]): string {
  let line = "";
  cells.forEach((cell, j) => {
    line += cell;
    if (j < widths.length) line += " ".repeat(widths[j]! - runeCount(cell));
  });
  return line;
}

function runeCount(text: string): number {
  // Most cells are ASCII: the length is the count unless there are surrogate pairs.
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0xd800 && c <= 0xdbff) {
      count--;
      i++;
    }
  }
  return count;
}
