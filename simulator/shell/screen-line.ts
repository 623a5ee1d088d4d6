/** Draws the line being edited: wrapping, wide characters, several rows. */
import { graphemeWidth, graphemes } from "./width";

interface Position {
  readonly row: number;
  readonly column: number;
}

/** Where text ends when written from `start` on a screen of `columns`. */
function advance(start: Position, pieces: readonly string[], columns: number): Position {
  let { row, column } = start;
  for (const piece of pieces) {
    if (piece === "\n") {
      row++;
      column = 0;
      continue;
    }
    const width = cells(piece);
    if (column + width > columns) {
      row++;
      column = 0;
    }
    column += width;
    if (column >= columns) {
      row++;
      column = 0;
    }
  }
  return { row, column };
}

/** Control characters are shown as ^X. */
const shown = (piece: string): string =>
  piece !== "\n" && /^[\x00-\x1f\x7f]$/.test(piece)
    ? piece === "\x7f"
      ? "^?"
      : piece === "\t"
        ? "        "
        : `^${String.fromCharCode(piece.charCodeAt(0) + 64)}`
    : piece;

const cells = (piece: string): number => (/^[\x00-\x1f\x7f]$/.test(piece) ? shown(piece).length : graphemeWidth(piece));

/** A prompt without its control sequences. */
export const visiblePrompt = (prompt: string): string =>
  prompt.replace(/\x01[^\x02]*\x02/g, "").replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|[\x01\x02\x07]/g, "");

export class ScreenLine {
  #prompt = "";
  #promptPieces: string[] = [];
  #chars: readonly string[] = [];
  #cursor = 0;
  /** The row the cursor is on, counted from the prompt's last line. */
  #row = 0;

  /** Writes a prompt at the start of a fresh line. */
  start(prompt: string): string {
    const last = prompt.slice(prompt.lastIndexOf("\n") + 1);
    this.#prompt = last.replace(/[\x01\x02]/g, "");
    this.#promptPieces = graphemes(visiblePrompt(last));
    this.#chars = [];
    this.#cursor = 0;
    this.#row = 0;
    return prompt.replace(/[\x01\x02]/g, "");
  }

  /** The bytes that bring the screen from what was shown to this text and cursor. */
  update(chars: readonly string[], cursor: number, columns: number): string {
    const before = this.#chars;
    const beforeCursor = this.#cursor;
    const origin = advance({ row: 0, column: 0 }, this.#promptPieces, columns);
    this.#chars = [...chars];
    this.#cursor = cursor;
    const target = advance(origin, chars.slice(0, cursor), columns);
    // Typed at the end: just what is new.
    if (
      beforeCursor === before.length &&
      cursor === chars.length &&
      chars.length >= before.length &&
      before.every((piece, index) => piece === chars[index])
    ) {
      const added = chars.slice(before.length);
      this.#row = target.row;
      return (
        added.map(shown).join("") + (target.column === 0 && added.length > 0 && chars.at(-1) !== "\n" ? "\r\n" : "")
      );
    }
    const from = { row: this.#row };
    this.#row = target.row;
    const same = before.length === chars.length && before.every((piece, index) => piece === chars[index]);
    const old = advance(origin, before.slice(0, beforeCursor), columns);
    if (same) return move(old, target);
    // Erased at the end on the same row.
    if (
      beforeCursor === before.length &&
      cursor === chars.length &&
      chars.length < before.length &&
      old.row === target.row &&
      chars.every((piece, index) => piece === before[index])
    )
      return `${"\b".repeat(old.column - target.column)}\x1b[K`;
    let out = `\r${from.row > 0 ? `\x1b[${from.row}A` : ""}${this.#prompt}${chars.map(shown).join("")}`;
    const end = advance(origin, chars, columns);
    if (end.column === 0 && end.row > 0 && chars.at(-1) !== "\n") out += "\r\n";
    return `${out}\x1b[J${move(end, target)}`;
  }

  /** To the end of the text, and a new line. */
  finish(columns: number): string {
    const out = this.update(this.#chars, this.#chars.length, columns);
    const origin = advance({ row: 0, column: 0 }, this.#promptPieces, columns);
    const end = advance(origin, this.#chars, columns);
    return out + (end.column === 0 && end.row > 0 && this.#chars.length > 0 && this.#chars.at(-1) !== "\n" ? "" : "\n");
  }

  /** Draws everything anew on a fresh line (after a list, Ctrl-L). */
  redraw(prompt: string, chars: readonly string[], cursor: number, columns: number): string {
    return this.start(prompt) + this.update(chars, chars.length, columns) + this.update(chars, cursor, columns);
  }
}

function move(from: Position, to: Position): string {
  let out = "";
  if (to.row < from.row) out += `\x1b[${from.row - to.row}A`;
  if (to.row > from.row) out += `\x1b[${to.row - from.row}B`;
  if (to.column === from.column) return out;
  if (to.column === 0) return `${out}\r`;
  if (to.column < from.column && from.column - to.column < 4) return out + "\b".repeat(from.column - to.column);
  return `${out}\x1b[${Math.abs(to.column - from.column)}${to.column > from.column ? "C" : "D"}`;
}
