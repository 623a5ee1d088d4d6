/** A solve shown on standard error: plain lines, lines rewritten in place on a terminal, or raw JSON. */
import { rfc3339Nano } from "../../../base/clock";
import type { Task } from "../../../base/task";
import type { Process } from "../../../os/process";
import { goJson } from "../../../text/go-json";
import type { SolveStatus } from "../../api/build";
import { SolveTrace, type TracedVertex, statusBytes } from "./solve-trace";

export type SolveMode = "plain" | "tty" | "quiet" | "rawjson";

export interface SolveDisplay {
  readonly trace: SolveTrace;
  update(status: SolveStatus): Task<void>;
  /** The last words: the final picture, and the box around a failure. */
  end(): Task<void>;
}

export interface DisplayOptions {
  readonly fd: 1 | 2;
  /** `building with "default" instance using docker driver`; undefined: no such line. */
  readonly title?: string;
  /** The right end of the first line on a terminal. */
  readonly builder: string;
}

export function solveDisplay(process: Process, mode: SolveMode, options: DisplayOptions): SolveDisplay {
  if (mode === "plain") return new PlainDisplay(process, options);
  if (mode === "tty") return new TerminalDisplay(process, options);
  if (mode === "rawjson") return new JsonDisplay(process);
  const trace = new SolveTrace();
  return {
    trace,
    *update(status) {
      trace.update(status);
    },
    *end() {},
  };
}

const print = (process: Process, fd: 1 | 2, text: string): Task<void> =>
  fd === 1 ? process.print(text) : process.printError(text);

class PlainDisplay implements SolveDisplay {
  readonly trace = new SolveTrace();
  readonly #process: Process;
  readonly #options: DisplayOptions;
  #isFirst = true;
  #current: TracedVertex | undefined;

  constructor(process: Process, options: DisplayOptions) {
    this.#process = process;
    this.#options = options;
  }

  *update(status: SolveStatus): Task<void> {
    let text = "";
    for (const vertex of this.trace.update(status)) text += this.#show(vertex);
    if (text !== "") yield* print(this.#process, this.#options.fd, text);
  }

  #show(traced: TracedVertex): string {
    const { vertex } = traced;
    // A vertex that has not begun is not worth a line.
    if (vertex.started === undefined && !vertex.cached && traced.index === 0) return "";
    let out = "";
    if (this.#isFirst && this.#options.title !== undefined) {
      out += `#0 ${this.#options.title}\n`;
      this.#isFirst = false;
    }
    const number = this.trace.number(traced);
    if (this.#current !== traced) {
      if (this.#current) out += `#${this.#current.index} ...\n`;
      if (!this.#isFirst) out += "\n";
      this.#isFirst = false;
      out += `#${number} ${vertex.name}\n`;
    }
    for (const id of traced.fresh) {
      const status = traced.statuses.get(id)!;
      const seconds = ((status.completed ?? this.#process.now()) - status.started) / 1000;
      const time = seconds > 0.01 ? ` ${seconds.toFixed(1)}s` : "";
      out += `#${number} ${id}${statusBytes(status)}${time}${status.completed === undefined ? "" : " done"}\n`;
    }
    traced.fresh.clear();
    for (; traced.printedWarnings < traced.warnings.length; traced.printedWarnings++)
      out += `#${number} WARN: ${traced.warnings[traced.printedWarnings]!.short}\n`;
    const complete = traced.logs.length - (traced.isPartial && vertex.completed === undefined ? 1 : 0);
    for (; traced.printedLogs < complete; traced.printedLogs++)
      out += `#${number} ${traced.logs[traced.printedLogs]}\n`;
    if (vertex.completed === undefined) {
      this.#current = traced;
      return out;
    }
    this.#current = undefined;
    if (vertex.error !== undefined) return `${out}#${number} ERROR: ${vertex.error}\n`;
    if (vertex.cached) return `${out}#${number} CACHED\n`;
    return `${out}#${number} DONE ${((vertex.completed - (vertex.started ?? vertex.completed)) / 1000).toFixed(1)}s\n`;
  }

  *end(): Task<void> {
    const box = this.trace.failureBox();
    if (box !== "") yield* print(this.#process, this.#options.fd, box);
  }
}

const BLUE = "34";
const RED = "31";
const paint = (text: string, color: string): string => `\x1b[${color}m${text}\x1b[0m`;

/** How long a picture stands when nothing happens, and at least, in ms. */
const TICK = 150;
const SHORTEST = 70;

class TerminalDisplay implements SolveDisplay {
  readonly trace = new SolveTrace();
  readonly #process: Process;
  readonly #options: DisplayOptions;
  readonly #started: number;
  #lines = 0;
  #isRepeated = false;
  #ended = false;
  #drawnAt: number | undefined;

  constructor(process: Process, options: DisplayOptions) {
    this.#process = process;
    this.#options = options;
    this.#started = process.now();
  }

  *update(status: SolveStatus): Task<void> {
    this.trace.update(status);
    const now = this.#process.now();
    if (this.#drawnAt !== undefined) {
      if (now - this.#drawnAt < SHORTEST) return;
      this.#drawnAt = now;
      yield* this.#draw(false);
      return;
    }
    this.#drawnAt = now;
    yield* this.#draw(false);
    const display = this;
    this.#process.thread(
      (function* (): Task<void> {
        while (!display.#ended) {
          yield* display.#process.sleep(Math.max(1, display.#drawnAt! + TICK - display.#process.now()));
          if (display.#ended || display.#process.now() - display.#drawnAt! < TICK) continue;
          display.#drawnAt = display.#process.now();
          yield* display.#draw(false);
        }
      })(),
    );
  }

  *end(): Task<void> {
    this.#ended = true;
    yield* this.#draw(true);
    const box = this.trace.failureBox();
    if (box !== "") yield* print(this.#process, this.#options.fd, box);
  }

  *#draw(isLast: boolean): Task<void> {
    const tty = this.#process.ttyOf(this.#options.fd);
    const width = Math.max(40, tty?.columns ?? 80);
    const now = this.#process.now();
    const vertices = this.trace.begun;
    const total = this.trace.vertices.size;
    const done = vertices.filter(({ vertex }) => vertex.completed !== undefined).length;
    const finished = isLast && done > 0 && done === total ? " FINISHED" : "";
    let text = "\x1b[1A".repeat(this.#lines + 1);
    if (!this.#isRepeated) text += "\x1b[1B";
    this.#isRepeated = true;
    text += "\x1b[0G\x1b[?25l";
    const head = `[+] Building ${((now - this.#started) / 1000).toFixed(1)}s (${done}/${total})${finished}`;
    const { builder } = this.#options;
    text += `${head.padEnd(width - builder.length - 1)} ${builder}\n`;
    let lines = 0;
    for (const traced of vertices) {
      const { vertex } = traced;
      if (vertex.started === undefined) continue;
      const prefix = vertex.error !== undefined ? "ERROR " : vertex.cached ? "CACHED " : "";
      const color = vertex.completed === undefined ? undefined : vertex.error === undefined ? BLUE : RED;
      text += row(`${prefix}${vertex.name}`, "", vertex.started, vertex.completed ?? now, width, color);
      lines++;
      for (const status of traced.statuses.values()) {
        text += row(
          `=> ${status.id}`,
          statusBytes(status).trim(),
          status.started,
          status.completed ?? now,
          width,
          status.completed === undefined ? undefined : BLUE,
        );
        lines++;
      }
      if (vertex.completed === undefined)
        for (const line of traced.logs.slice(-6)) {
          const shown = line.slice(line.indexOf(" ") + 1).slice(0, width - 10);
          text += `\x1b[2m => => # ${shown.padEnd(width - 10)}\n\x1b[0m`;
          lines++;
        }
    }
    const spare = this.#lines - lines;
    if (spare > 0) text += `${`${" ".repeat(width)}\n`.repeat(spare)}\x1b[${spare}A\x1b[0G`;
    this.#lines = lines;
    yield* print(this.#process, this.#options.fd, `${text}\x1b[?25h`);
  }
}

function row(name: string, status: string, started: number, ended: number, width: number, color?: string): string {
  const seconds = (ended - started) / 1000;
  const timer = ` ${(seconds < 0.05 ? 0 : seconds).toFixed(1).padStart(3)}s\n`;
  let left = width - 4 - timer.length - 1;
  let tail = "";
  if (status !== "" && left + status.length > 20) {
    tail = ` ${status}`;
    left -= tail.length;
  }
  const out = ` => ${name.slice(0, left)}${tail}`;
  const line = `${out.padEnd(width - timer.length)}${timer}`;
  return color === undefined ? line : paint(line, color);
}

class JsonDisplay implements SolveDisplay {
  readonly trace = new SolveTrace();
  readonly #process: Process;

  constructor(process: Process) {
    this.#process = process;
  }

  *update(status: SolveStatus): Task<void> {
    this.trace.update(status);
    const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : rfc3339Nano(at));
    const shown = {
      ...(status.vertexes && {
        vertexes: status.vertexes.map((each) => ({
          digest: each.digest,
          ...(each.inputs?.length ? { inputs: each.inputs } : {}),
          name: each.name,
          ...(each.started === undefined ? {} : { started: time(each.started) }),
          ...(each.completed === undefined ? {} : { completed: time(each.completed) }),
          ...(each.cached ? { cached: true } : {}),
          ...(each.error === undefined ? {} : { error: each.error }),
        })),
      }),
      ...(status.statuses && {
        statuses: status.statuses.map((each) => ({
          id: each.id,
          vertex: each.vertex,
          ...(each.id.startsWith("transferring") ? { name: "transferring" } : {}),
          current: each.current,
          timestamp: time(each.completed ?? each.started),
          started: time(each.started),
          ...(each.completed === undefined ? {} : { completed: time(each.completed) }),
        })),
      }),
      ...(status.logs && {
        logs: status.logs.map((each) => ({
          vertex: each.vertex,
          stream: each.stream,
          data: each.msg,
          timestamp: time(each.timestamp),
        })),
      }),
      ...(status.warnings && {
        warnings: status.warnings.map((each) => ({
          vertex: each.vertex,
          level: 1,
          short: each.short,
          detail: [each.detail],
          url: each.url,
        })),
      }),
    };
    yield* this.#process.printError(`${goJson(shown, { sortKeys: false })}\n`);
  }

  *end(): Task<void> {}
}
