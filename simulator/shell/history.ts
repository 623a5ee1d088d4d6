/** The list of lines typed before: arrows, Ctrl-R, `history`, `!!`. */
import { limits } from "../base/limits";

export class History {
  readonly #lines: string[] = [];
  /** Lines dropped at the front: numbers shown go on counting. */
  #dropped = 0;

  constructor(lines: readonly string[] = []) {
    for (const line of lines) this.add(line);
  }

  /** As HISTCONTROL=ignoreboth: lines that start with a space and repeats are not kept. */
  add(line: string): void {
    if (line.trim() === "" || line.startsWith(" ") || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    if (this.#lines.length > limits.historyLinesMax) {
      this.#lines.shift();
      this.#dropped++;
    }
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The number of the first line kept. */
  get first(): number {
    return this.#dropped + 1;
  }

  clear(): void {
    this.#lines.length = 0;
    this.#dropped = 0;
  }

  remove(number: number): boolean {
    const at = number - this.first;
    if (at < 0 || at >= this.#lines.length) return false;
    this.#lines.splice(at, 1);
    return true;
  }

  /** Replaces `!!`, `!n`, `!-n`, `!text`, `!$` and `^a^b`; an Error text when an event is missing. */
  expand(line: string): { readonly line: string; readonly changed: boolean } | { readonly missing: string } {
    const swap = /^\^([^^]+)\^([^^]*)\^?$/.exec(line);
    const last = this.#lines.at(-1) ?? "";
    if (swap)
      return last.includes(swap[1]!)
        ? { line: last.replace(swap[1]!, () => swap[2]!), changed: true }
        : { missing: `:s${line}: substitution failed` };
    if (!line.includes("!")) return { line, changed: false };
    let out = "";
    let changed = false;
    let quoted = false;
    for (let i = 0; i < line.length; i++) {
      const ch = line[i]!;
      if (ch === "\\") {
        out += line.slice(i, i + 2);
        i++;
        continue;
      }
      if (ch === "'") quoted = !quoted;
      if (
        ch !== "!" ||
        quoted ||
        /^!(?:[\s=("]|$)/.test(line.slice(i)) ||
        line[i - 1] === "$" ||
        line[i - 1] === "[" ||
        line[i - 1] === "{"
      ) {
        out += ch;
        continue;
      }
      const rest = line.slice(i);
      const event = /^!(?:(!)|(\$)|(\*)|(-?\d+)|\?([^?\n]+)\??|([^\s;&|<>()!"']+))/.exec(rest);
      if (!event) {
        out += ch;
        continue;
      }
      let found: string | undefined;
      if (event[1]) found = this.#lines.at(-1);
      else if (event[2]) found = last.split(/\s+/).at(-1);
      else if (event[3]) found = last.split(/\s+/).slice(1).join(" ");
      else if (event[4]) {
        const number = Number(event[4]);
        found = number < 0 ? this.#lines.at(number) : this.#lines[number - this.first];
      } else if (event[5]) found = this.#lines.findLast((old) => old.includes(event[5]!));
      else found = this.#lines.findLast((old) => old.startsWith(event[6]!));
      if (found === undefined) return { missing: `${event[0]}: event not found` };
      out += found;
      changed = true;
      i += event[0].length - 1;
    }
    return { line: out, changed };
  }
}
