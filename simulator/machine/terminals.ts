/** The laptop's terminals: a tty each, with an interactive bash on it that comes back when it exits. */
import { type Bytes, encodeUtf8 } from "../base/bytes";
import { assert } from "../base/assert";
import type { Process } from "../os/process";
import { type Tty, TtyFile } from "../os/tty";
import type { Laptop } from "./laptop";

interface Terminal {
  readonly tty: Tty;
  shell: Process;
}

export class Terminals {
  readonly #laptop: Laptop;
  readonly #output: (terminal: number, bytes: Bytes) => void;
  readonly #open = new Map<number, Terminal>();

  constructor(laptop: Laptop, output: (terminal: number, bytes: Bytes) => void) {
    this.#laptop = laptop;
    this.#output = output;
  }

  open(id: number, columns: number, rows: number): void {
    assert(!this.#open.has(id), "a terminal is opened once");
    const tty = this.#laptop.kernel.makeTty({ columns, rows }, (bytes) => this.#output(id, bytes));
    this.#open.set(id, { tty, shell: this.#startShell(id, tty) });
  }

  #startShell(id: number, tty: Tty): Process {
    const file = new TtyFile(tty);
    const shell = this.#laptop.spawn({
      argv: ["bash"],
      files: new Map([
        [0, file],
        [1, file],
        [2, file],
      ]),
      session: { tty },
    });
    tty.session = shell.pid;
    tty.foregroundGroup = shell.group;
    shell.ended.wait(() => {
      const terminal = this.#open.get(id);
      if (!terminal || tty.hungUp) return;
      tty.resetMode();
      terminal.shell = this.#startShell(id, tty);
    });
    return shell;
  }

  type(id: number, text: string): void {
    // What is typed comes as UTF-8; input methods may send decomposed letters.
    this.#terminal(id).tty.input(encodeUtf8(text.normalize("NFC")));
  }

  resize(id: number, columns: number, rows: number): void {
    this.#terminal(id).tty.resize(columns, rows);
  }

  close(id: number): void {
    const { tty } = this.#terminal(id);
    this.#open.delete(id);
    tty.hangUp();
  }

  has(id: number): boolean {
    return this.#open.has(id);
  }

  /** Whether the terminal's shell has the foreground and waits for a key in its line editor. */
  isAtPrompt(id: number): boolean {
    const terminal = this.#open.get(id);
    if (!terminal) return false;
    const { tty, shell } = terminal;
    // The line editor reads raw; a running program has its own group in front or the terminal in line mode.
    return shell.alive && tty.foregroundGroup === shell.group && !tty.mode.canonical && tty.pendingInput === 0;
  }

  #terminal(id: number): Terminal {
    const terminal = this.#open.get(id);
    assert(terminal, `terminal ${id} is open`);
    return terminal;
  }
}
