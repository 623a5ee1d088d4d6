/** The line editor: keystrokes to lines, with readline's emacs keys. */
import { type Bytes, NO_BYTES, Utf8Decoder, encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import type { Tty, TtyMode } from "../os/tty";
import { type Completion, commonPrefix } from "./completion";
import { columnsOf } from "./columns";
import type { History } from "./history";
import { ScreenLine } from "./screen-line";
import { graphemes, isCombining, textWidth } from "./width";

export type LineResult =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "end" }
  | { readonly kind: "interrupt" }
  | { readonly kind: "hangup" };

export interface LineEditorOptions {
  readonly process: Process;
  readonly tty: Tty;
  readonly history: History;
  readonly bracketedPaste: boolean;
  /** Draws the line anew when the terminal changes its size, as BusyBox does. */
  readonly redrawsOnResize: boolean;
  readonly complete: (before: string) => Task<Completion>;
}

type LastKey = "insert" | "kill" | "yank" | "tab" | "argument" | "other";

const isWordChar = (piece: string | undefined): boolean => piece !== undefined && /^[\p{L}\p{N}\p{M}]/u.test(piece);

export class LineEditor {
  readonly #options: LineEditorOptions;
  readonly #screen = new ScreenLine();
  #chars: string[] = [];
  #cursor = 0;
  #prompt = "";
  #decoder = new Utf8Decoder();
  #undo: { readonly chars: readonly string[]; readonly cursor: number }[] = [];
  /** What the last key did: kills in a row join, inserts in a row undo together. */
  #last: LastKey = "other";
  readonly #kills: string[][] = [];
  #killAt = 0;
  #historyAt = 0;
  #held = "";
  #argumentAt = 0;

  constructor(options: LineEditorOptions) {
    this.#options = options;
  }

  get #columns(): number {
    return Math.max(2, this.#options.tty.columns);
  }

  *#write(text: string): Task<void> {
    if (text !== "") yield* this.#options.process.write(1, encodeUtf8(text));
  }

  *#refresh(): Task<void> {
    yield* this.#write(this.#screen.update(this.#chars, this.#cursor, this.#columns));
  }

  /** Reads one line. `prefill` stands in it from the start. */
  *readLine(prompt: string, prefill = ""): Task<LineResult> {
    const { process, tty, bracketedPaste, redrawsOnResize } = this.#options;
    const mode: TtyMode = { ...tty.mode };
    tty.setMode({ canonical: false, echo: false, signals: false, inputCrToNl: true });
    this.#prompt = prompt;
    this.#chars = graphemes(prefill);
    this.#cursor = this.#chars.length;
    this.#undo = [];
    this.#last = "other";
    this.#historyAt = this.#options.history.lines.length;
    this.#held = "";
    if (redrawsOnResize)
      process.onSignal("WINCH", () => {
        process.thread(this.#write(`\r${this.#screen.start(this.#prompt)}\x1b[J`));
      });
    try {
      yield* this.#write((bracketedPaste ? "\x1b[?2004h" : "") + this.#screen.start(prompt));
      yield* this.#refresh();
      const result = yield* this.#keys();
      if (bracketedPaste) yield* this.#write("\x1b[?2004l\r");
      return result;
    } finally {
      if (redrawsOnResize) process.onSignal("WINCH", "default");
      tty.setMode(mode);
    }
  }

  /** One byte at a time: what is typed after Enter belongs to the command that runs. */
  *#next(): Task<string | undefined> {
    for (;;) {
      if (!this.#options.tty.readable) yield* this.#refresh();
      const byte: Bytes = yield* this.#options.process.read(0, 1);
      if (byte === NO_BYTES) return undefined;
      const ch = this.#decoder.push(byte);
      if (ch !== "") return ch;
    }
  }

  *#keys(): Task<LineResult> {
    for (;;) {
      const ch = yield* this.#next();
      if (ch === undefined) return { kind: "hangup" };
      const result = yield* this.#key(ch);
      if (result) return result;
    }
  }

  *#accept(): Task<LineResult> {
    yield* this.#refresh();
    yield* this.#write(this.#screen.finish(this.#columns));
    return { kind: "line", text: this.#chars.join("") };
  }

  *#key(ch: string): Task<LineResult | undefined> {
    const before = this.#last;
    this.#last = "other";
    switch (ch) {
      case "\n":
      case "\r":
      case "\x0f":
        return yield* this.#accept();
      case "\x03":
        yield* this.#refresh();
        this.#cursor = this.#chars.length;
        yield* this.#refresh();
        yield* this.#write("^C");
        yield* this.#write("\n");
        return { kind: "interrupt" };
      case "\x04":
        if (this.#chars.length === 0) return { kind: "end" };
        this.#remove(this.#cursor, this.#cursor + 1);
        return undefined;
      case "\x01":
        this.#cursor = 0;
        return undefined;
      case "\x05":
        this.#cursor = this.#chars.length;
        return undefined;
      case "\x02":
        this.#cursor = Math.max(0, this.#cursor - 1);
        return undefined;
      case "\x06":
        this.#cursor = Math.min(this.#chars.length, this.#cursor + 1);
        return undefined;
      case "\x7f":
      case "\b":
        this.#remove(this.#cursor - 1, this.#cursor);
        return undefined;
      case "\t":
        this.#last = (yield* this.#tab(before === "tab")) ? "other" : "tab";
        return undefined;
      case "\x0b":
        this.#kill(this.#cursor, this.#chars.length, false, before);
        return undefined;
      case "\x15":
        this.#kill(0, this.#cursor, true, before);
        return undefined;
      case "\x17":
        this.#kill(
          this.#back((piece) => !/\s/.test(piece)),
          this.#cursor,
          true,
          before,
        );
        return undefined;
      case "\x19":
        this.#yank();
        return undefined;
      case "\x14":
        this.#transpose();
        return undefined;
      case "\x0c":
        yield* this.#write(
          `\x1b[H\x1b[2J${this.#screen.redraw(this.#prompt, this.#chars, this.#cursor, this.#columns)}`,
        );
        return undefined;
      case "\x10":
        this.#browse(-1);
        return undefined;
      case "\x0e":
        this.#browse(1);
        return undefined;
      case "\x12":
        return yield* this.#search();
      case "\x1f":
        this.#undoOnce();
        return undefined;
      case "\x16": {
        const literal = yield* this.#next();
        if (literal !== undefined) this.#insert(literal, before);
        return undefined;
      }
      case "\x18": {
        const next = yield* this.#next();
        if (next === "\x15") this.#undoOnce();
        else if (next === "\x7f") this.#kill(0, this.#cursor, true, before);
        return undefined;
      }
      case "\x1b":
        return yield* this.#escape(before);
    }
    if (ch < " ") return undefined;
    this.#insert(ch, before);
    return undefined;
  }

  *#escape(before: LastKey): Task<LineResult | undefined> {
    const next = yield* this.#next();
    if (next === undefined) return { kind: "hangup" };
    if (next === "[" || next === "O") {
      let sequence = "";
      for (;;) {
        const ch = yield* this.#next();
        if (ch === undefined) return { kind: "hangup" };
        sequence += ch;
        if (/[@-~]/.test(ch) && !(sequence === "[")) break;
      }
      return yield* this.#sequence(sequence, before);
    }
    switch (next) {
      case "b":
      case "B":
        this.#cursor = this.#back(isWordChar);
        return undefined;
      case "f":
      case "F":
        this.#cursor = this.#forward();
        return undefined;
      case "d":
      case "D":
        this.#kill(this.#cursor, this.#forward(), false, before);
        return undefined;
      case "\x7f":
      case "\b":
        this.#kill(this.#back(isWordChar), this.#cursor, true, before);
        return undefined;
      case "y":
        if (before === "yank") this.#yankPop();
        return undefined;
      case "u":
      case "l":
      case "c":
        this.#changeCase(next);
        return undefined;
      case "<":
        this.#browseTo(0);
        return undefined;
      case ">":
        this.#browseTo(this.#options.history.lines.length);
        return undefined;
      case ".":
      case "_":
        this.#lastArgument(before === "argument");
        this.#last = "argument";
        return undefined;
      case "#":
        this.#snapshot();
        this.#chars.unshift("#");
        return yield* this.#accept();
      case "r":
        while (this.#undo.length > 0) this.#undoOnce();
        return undefined;
      case "\x1b":
        return yield* this.#escape(before);
    }
    return undefined;
  }

  *#sequence(sequence: string, before: LastKey): Task<LineResult | undefined> {
    switch (sequence) {
      case "A":
        this.#browse(-1);
        return undefined;
      case "B":
        this.#browse(1);
        return undefined;
      case "C":
        this.#cursor = Math.min(this.#chars.length, this.#cursor + 1);
        return undefined;
      case "D":
        this.#cursor = Math.max(0, this.#cursor - 1);
        return undefined;
      case "H":
      case "1~":
      case "7~":
        this.#cursor = 0;
        return undefined;
      case "F":
      case "4~":
      case "8~":
        this.#cursor = this.#chars.length;
        return undefined;
      case "3~":
        this.#remove(this.#cursor, this.#cursor + 1);
        return undefined;
      case "1;5C":
      case "1;3C":
      case "5C":
        this.#cursor = this.#forward();
        return undefined;
      case "1;5D":
      case "1;3D":
      case "5D":
        this.#cursor = this.#back(isWordChar);
        return undefined;
      case "3;5~":
      case "3;3~":
        this.#kill(this.#cursor, this.#forward(), false, before);
        return undefined;
      case "200~":
        return yield* this.#paste();
    }
    return undefined;
  }

  /** Bracketed paste: taken as text, newlines and all. */
  *#paste(): Task<LineResult | undefined> {
    let text = "";
    while (!text.endsWith("\x1b[201~")) {
      const ch = yield* this.#next();
      if (ch === undefined) return { kind: "hangup" };
      text += ch;
    }
    const body = text.slice(0, -6).replace(/\r\n?/g, "\n").normalize("NFC");
    this.#snapshot();
    // A last newline would leave an empty row: the text is ready to run as it stands.
    const pieces = graphemes(body.replace(/\n+$/, ""));
    this.#chars.splice(this.#cursor, 0, ...pieces);
    this.#cursor += pieces.length;
    return undefined;
  }

  // ---- editing ---------------------------------------------------------------------------------------------------------

  #snapshot(): void {
    this.#undo.push({ chars: [...this.#chars], cursor: this.#cursor });
    if (this.#undo.length > 200) this.#undo.shift();
  }

  #undoOnce(): void {
    const state = this.#undo.pop();
    if (!state) return;
    this.#chars = [...state.chars];
    this.#cursor = state.cursor;
  }

  /** Inserts one code point; marks join the character before, in composed form. */
  #insert(ch: string, before: LastKey): void {
    if (before !== "insert" || /\s/.test(ch)) this.#snapshot();
    this.#last = "insert";
    const previous = this.#chars[this.#cursor - 1];
    if (previous !== undefined && (isCombining(ch) || graphemes(previous + ch).length === 1)) {
      this.#chars[this.#cursor - 1] = (previous + ch).normalize("NFC");
      return;
    }
    this.#chars.splice(this.#cursor, 0, ch.normalize("NFC"));
    this.#cursor++;
  }

  #remove(from: number, to: number): void {
    if (from < 0 || from >= this.#chars.length) return;
    this.#snapshot();
    this.#chars.splice(from, to - from);
    this.#cursor = from;
  }

  #kill(from: number, to: number, backward: boolean, before: LastKey): void {
    this.#last = "kill";
    if (from >= to) return;
    this.#snapshot();
    const cut = this.#chars.splice(from, to - from);
    this.#cursor = from;
    const top = this.#kills.at(-1);
    if (before === "kill" && top) {
      if (backward) top.unshift(...cut);
      else top.push(...cut);
    } else {
      this.#kills.push(cut);
      if (this.#kills.length > 10) this.#kills.shift();
    }
  }

  #yank(): void {
    const text = this.#kills.at(-1);
    if (!text) return;
    this.#snapshot();
    this.#chars.splice(this.#cursor, 0, ...text);
    this.#cursor += text.length;
    this.#killAt = this.#kills.length - 1;
    this.#last = "yank";
  }

  #yankPop(): void {
    const old = this.#kills[this.#killAt]!;
    this.#killAt = (this.#killAt - 1 + this.#kills.length) % this.#kills.length;
    const next = this.#kills[this.#killAt]!;
    this.#snapshot();
    this.#chars.splice(this.#cursor - old.length, old.length, ...next);
    this.#cursor += next.length - old.length;
    this.#last = "yank";
  }

  #transpose(): void {
    if (this.#cursor === 0 || this.#chars.length < 2) return;
    this.#snapshot();
    const at = this.#cursor === this.#chars.length ? this.#cursor - 1 : this.#cursor;
    const [a, b] = [this.#chars[at - 1]!, this.#chars[at]!];
    this.#chars[at - 1] = b;
    this.#chars[at] = a;
    this.#cursor = at + 1;
  }

  #changeCase(how: "u" | "l" | "c"): void {
    this.#snapshot();
    let at = this.#cursor;
    while (at < this.#chars.length && !isWordChar(this.#chars[at])) at++;
    for (let first = true; at < this.#chars.length && isWordChar(this.#chars[at]); at++, first = false)
      this.#chars[at] =
        how === "u" || (how === "c" && first) ? this.#chars[at]!.toUpperCase() : this.#chars[at]!.toLowerCase();
    this.#cursor = at;
  }

  /** The start of the word before the cursor. */
  #back(isWord: (piece: string) => boolean): number {
    let at = this.#cursor;
    while (at > 0 && !isWord(this.#chars[at - 1]!)) at--;
    while (at > 0 && isWord(this.#chars[at - 1]!)) at--;
    return at;
  }

  #forward(): number {
    let at = this.#cursor;
    while (at < this.#chars.length && !isWordChar(this.#chars[at])) at++;
    while (at < this.#chars.length && isWordChar(this.#chars[at])) at++;
    return at;
  }

  #lastArgument(again: boolean): void {
    const lines = this.#options.history.lines;
    this.#argumentAt = again ? this.#argumentAt - 1 : lines.length - 1;
    const word = lines[this.#argumentAt]?.trim().split(/\s+/).at(-1);
    if (word === undefined) return;
    if (again) this.#undoOnce();
    this.#snapshot();
    const pieces = graphemes(word);
    this.#chars.splice(this.#cursor, 0, ...pieces);
    this.#cursor += pieces.length;
  }

  // ---- history ---------------------------------------------------------------------------------------------------------

  #browse(step: -1 | 1): void {
    this.#browseTo(this.#historyAt + step);
  }

  #browseTo(at: number): void {
    const lines = this.#options.history.lines;
    if (at < 0 || at > lines.length || at === this.#historyAt) return;
    if (this.#historyAt === lines.length) this.#held = this.#chars.join("");
    this.#historyAt = at;
    this.#chars = graphemes(at === lines.length ? this.#held : lines[at]!);
    this.#cursor = this.#chars.length;
    this.#undo = [];
  }

  /** Ctrl-R: looks for a line while its text is typed. */
  *#search(): Task<LineResult | undefined> {
    const lines = this.#options.history.lines;
    const before = { chars: [...this.#chars], cursor: this.#cursor };
    let query = "";
    let at = lines.length;
    let failed = false;
    let forward = false;
    const show = (): string => {
      const prompt = `(${failed ? "failed " : ""}${forward ? "i-search" : "reverse-i-search"})\`${query}': `;
      const place = query === "" ? -1 : this.#chars.join("").lastIndexOf(query);
      const cursor = place < 0 ? this.#cursor : graphemes(this.#chars.join("").slice(0, place)).length;
      this.#cursor = Math.min(cursor, this.#chars.length);
      return `${this.#screen.update([], 0, this.#columns)}\r\x1b[J${this.#screen.redraw(prompt, this.#chars, this.#cursor, this.#columns)}`;
    };
    const find = (from: number, step: -1 | 1): void => {
      for (let i = from; i >= 0 && i < lines.length; i += step) {
        if (!lines[i]!.includes(query)) continue;
        at = i;
        failed = false;
        this.#chars = graphemes(lines[i]!);
        this.#cursor = this.#chars.length;
        return;
      }
      failed = true;
    };
    const leave = function* (editor: LineEditor): Task<void> {
      yield* editor.#write(
        `${editor.#screen.update([], 0, editor.#columns)}\r\x1b[J${editor.#screen.redraw(editor.#prompt, editor.#chars, editor.#cursor, editor.#columns)}`,
      );
    };
    yield* this.#write(show());
    for (;;) {
      const byte: Bytes = yield* this.#options.process.read(0, 1);
      if (byte === NO_BYTES) return { kind: "hangup" };
      const ch = this.#decoder.push(byte);
      if (ch === "") continue;
      if (ch === "\x12" || ch === "\x13") {
        forward = ch === "\x13";
        if (query !== "") find(at + (forward ? 1 : -1), forward ? 1 : -1);
      } else if (ch === "\x7f" || ch === "\b") {
        query = graphemes(query).slice(0, -1).join("");
        at = lines.length;
        if (query === "") {
          this.#chars = [...before.chars];
          this.#cursor = before.cursor;
          failed = false;
        } else find(at - 1, -1);
      } else if (ch === "\x07" || ch === "\x03") {
        this.#chars = [...before.chars];
        this.#cursor = before.cursor;
        yield* leave(this);
        return ch === "\x03" ? yield* this.#key(ch) : undefined;
      } else if (ch < " ") {
        this.#historyAt = at;
        yield* leave(this);
        if (ch === "\x1b" && !this.#options.tty.readable) return undefined;
        return yield* this.#key(ch);
      } else {
        query = (query + ch).normalize("NFC");
        find(Math.min(at, lines.length - 1), -1);
      }
      yield* this.#write(show());
    }
  }

  // ---- completion --------------------------------------------------------------------------------------------------------

  /** Whether the line changed: only a Tab that did nothing makes the next one list. */
  *#tab(again: boolean): Task<boolean> {
    const before = this.#chars.slice(0, this.#cursor).join("");
    const { start, candidates } = yield* this.#options.complete(before);
    if (candidates.length === 0) {
      yield* this.#write("\x07");
      return false;
    }
    const typed = before.slice(start);
    const prefix =
      candidates.length === 1
        ? candidates[0]!.text + (candidates[0]!.final ? " " : "")
        : commonPrefix(candidates.map((candidate) => candidate.text));
    if (prefix.length > typed.length || (candidates.length === 1 && prefix !== typed)) {
      this.#snapshot();
      const head = graphemes(before.slice(0, start));
      const middle = graphemes(prefix);
      this.#chars = [...head, ...middle, ...this.#chars.slice(this.#cursor)];
      this.#cursor = head.length + middle.length;
      return true;
    }
    if (!again) {
      yield* this.#write("\x07");
      return false;
    }
    const labels = [...new Set(candidates.map((candidate) => candidate.shown))].map((text) => ({
      shown: text,
      width: textWidth(text),
    }));
    if (labels.length > 100) {
      yield* this.#write(`\nDisplay all ${labels.length} possibilities? (y or n)`);
      const answer = yield* this.#options.process.read(0, 1);
      if (answer !== "y" && answer !== "Y" && answer !== " ") {
        yield* this.#write(`\n${this.#screen.redraw(this.#prompt, this.#chars, this.#cursor, this.#columns)}`);
        return true;
      }
    }
    yield* this.#write(
      `\n${columnsOf(labels, this.#columns)}${this.#screen.redraw(this.#prompt, this.#chars, this.#cursor, this.#columns)}`,
    );
    return false;
  }
}
