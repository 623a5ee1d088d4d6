/** Logs of several containers in one stream, each line with its container's name in front. */
import { type Bytes, decodeUtf8 } from "../../../base/bytes";
import type { ServerFrame } from "../../../base/door";
import type { Task } from "../../../base/task";
import type { Process } from "../../../os/process";
import type { FrameReader } from "../stream";

const COLORS = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"];

export interface LogStyle {
  readonly color: boolean;
  readonly prefix: boolean;
}

/** Prefixes are as wide as the longest name known when a line is written. */
export class LogPrinter {
  readonly #process: Process;
  readonly #style: LogStyle;
  readonly #names: string[] = [];

  constructor(process: Process, style: LogStyle) {
    this.#process = process;
    this.#style = style;
  }

  register(name: string): void {
    if (!this.#names.includes(name)) this.#names.push(name);
  }

  *line(name: string, text: string): Task<void> {
    yield* this.#process.print(`${this.#prefix(name)}${text}\n`);
  }

  /** A remark about a container: it has ended. */
  *status(name: string, text: string): Task<void> {
    yield* this.#process.print(
      `\x1b[K${this.#style.color ? this.#paint(name, `${name} ${text}`) : `${name} ${text}`}\n`,
    );
  }

  #paint(name: string, text: string): string {
    return `\x1b[${COLORS[this.#names.indexOf(name) % COLORS.length]}m${text}\x1b[0m`;
  }

  #prefix(name: string): string {
    if (!this.#style.prefix) return "";
    const width = Math.max(...this.#names.map((each) => each.length));
    const text = `${name.padEnd(width)}  | `;
    return this.#style.color ? this.#paint(name, text) : text;
  }
}

/** Copies a stream's lines until it ends. */
export function* printLogs(printer: LogPrinter, name: string, reader: FrameReader): Task<void> {
  const open: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  for (;;) {
    const frame: ServerFrame | undefined = yield* reader.next();
    if (!frame) break;
    if (frame.channel === "message") continue;
    const channel = frame.channel === "stderr" ? "stderr" : "stdout";
    const lines = (open[channel] + frame.bytes).split("\n");
    open[channel] = lines.pop()!;
    for (const line of lines) yield* printer.line(name, decodeUtf8(line.replace(/\r$/, "") as Bytes));
  }
  for (const rest of Object.values(open)) if (rest !== "") yield* printer.line(name, decodeUtf8(rest as Bytes));
}
