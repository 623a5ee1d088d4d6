/** What compose says it is doing: a line for each change, or a picture redrawn in place on a terminal. */
import type { Task } from "../../../base/task";
import type { Process } from "../../../os/process";

export type ProgressState = "working" | "done" | "warning" | "error";

export interface Progress {
  /** `Container shop-web-1`, `Creating`. */
  event(id: string, status: string, state?: ProgressState, text?: string): Task<void>;
  end(): Task<void>;
}

/** `title`: what stands in the picture's first line ("Running", "Building"…). */
export function composeProgress(process: Process, mode: string, title = "Running"): Progress {
  if (mode === "quiet") return { *event() {}, *end() {} };
  const isTerminal = process.ttyOf(2) !== undefined;
  return mode === "tty" || ((mode === "auto" || mode === "") && isTerminal)
    ? new Picture(process, title)
    : {
        event: (id, status, _state, text = "") => process.printError(` ${id} ${text} ${status}\n`),
        *end() {},
      };
}

interface Entry {
  readonly id: string;
  status: string;
  state: ProgressState;
  readonly started: number;
  ended: number | undefined;
  /** How often the spinner has turned. */
  turns: number;
}

const SPINNER = [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"];
const paint = (color: number, text: string): string => `\x1b[${color}m${text}\x1b[0m`;
const TICK = 100;

class Picture implements Progress {
  readonly #process: Process;
  readonly #title: string;
  readonly #entries = new Map<string, Entry>();
  #lines = 0;
  #isRepeated = false;
  /** Counts pictures: a command may end one and begin another. The ticker of an older one stops. */
  #number = 0;
  #isTicking = false;

  constructor(process: Process, title: string) {
    this.#process = process;
    this.#title = title;
  }

  *event(id: string, status: string, state: ProgressState = "working", text = ""): Task<void> {
    const now = this.#process.now();
    const known = this.#entries.get(id);
    const shown = status || text;
    if (known) {
      known.status = shown;
      known.state = state;
      known.ended = state === "working" ? undefined : now;
    } else
      this.#entries.set(id, {
        id,
        status: shown,
        state,
        started: now,
        ended: state === "working" ? undefined : now,
        turns: 0,
      });
    if (this.#isTicking) return;
    this.#isTicking = true;
    const picture = this;
    const number = this.#number;
    this.#process.thread(
      (function* (): Task<void> {
        for (;;) {
          yield* picture.#process.sleep(TICK);
          if (picture.#number !== number) return;
          yield* picture.#draw();
        }
      })(),
    );
  }

  *end(): Task<void> {
    if (this.#entries.size > 0) yield* this.#draw();
    this.#number++;
    this.#entries.clear();
    this.#lines = 0;
    this.#isRepeated = false;
    this.#isTicking = false;
  }

  /** A spinner turns with every look at it, once it is older than a tick. */
  #turn(entry: Entry, now: number): number {
    if (now - entry.started > TICK) entry.turns++;
    return entry.turns;
  }

  *#draw(): Task<void> {
    const width = this.#process.ttyOf(2)?.columns ?? 80;
    const now = this.#process.now();
    const entries = [...this.#entries.values()];
    const done = entries.filter((each) => each.state !== "working").length;
    let text = "\x1b[1A".repeat(this.#lines + 1) + (this.#isRepeated ? "" : "\x1b[1B");
    this.#isRepeated = true;
    const head = `[+] ${this.#title} ${done}/${entries.length}`;
    text += `\x1b[0G\x1b[?25l${this.#lines !== 0 && done === this.#lines ? paint(34, head) : head}\n`;
    const longest = Math.max(...entries.map((each) => each.id.length + 1));
    for (const each of entries) {
      const sign =
        each.state === "done"
          ? paint(32, "✔")
          : each.state === "error"
            ? paint(31, "✘")
            : each.state === "warning"
              ? paint(33, "!")
              : paint(33, SPINNER[this.#turn(each, now) % SPINNER.length]!);
      const status =
        each.state === "done" ? paint(32, each.status) : each.state === "error" ? paint(31, each.status) : each.status;
      const timer = `${(((each.ended ?? now) - each.started) / 1000).toFixed(1)}s `;
      const plain = 3 + longest + 1 + each.status.length;
      const gap = Math.max(0, width - plain - 1 - timer.length);
      text += ` ${sign} ${each.id} ${" ".repeat(longest - each.id.length)}${status} ${" ".repeat(gap)}${paint(34, timer)}\n`;
    }
    this.#lines = entries.length;
    yield* this.#process.printError(`${text}\x1b[?25h`);
  }
}
