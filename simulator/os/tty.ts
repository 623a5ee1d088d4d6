/** A terminal: the line discipline between a screen-and-keyboard side and the programs that have it open. */
import { type Bytes, NO_BYTES } from "../base/bytes";
import { limits } from "../base/limits";
import { Signal, type Task, suspend } from "../base/task";
import { SysError } from "./errno";
import { OpenFile } from "./open-file";
import type { SignalName } from "./signals";

export interface TtyMode {
  /** Line by line, with erase and kill (ICANON). */
  canonical: boolean;
  echo: boolean;
  /** Ctrl-C, Ctrl-\ and Ctrl-Z send signals (ISIG). */
  signals: boolean;
  /** A written newline also returns the carriage (ONLCR). */
  outputCrlf: boolean;
  /** A typed carriage return is read as newline (ICRNL). */
  inputCrToNl: boolean;
}

const cooked: TtyMode = { canonical: true, echo: true, signals: true, outputCrlf: true, inputCrToNl: true };

/** What a terminal needs of process groups; the kernel answers. */
export interface TtyHost {
  signalGroup(group: number, signal: SignalName): void;
}

export class Tty {
  readonly name: string;
  columns: number;
  rows: number;
  mode: TtyMode = { ...cooked };
  /** The process group in the foreground, and the session that owns the terminal. */
  foregroundGroup = 0;
  session = 0;
  readonly #host: TtyHost;
  readonly #output: (bytes: Bytes) => void;
  #line = "";
  #input: Bytes[] = [];
  #inputSize = 0;
  /** Ctrl-D on an empty line: one read sees the end. */
  #endOfFile = 0;
  #hungUp = false;
  readonly #changed = new Signal();
  /** Set by the far side when its buffer is full; writers wait. */
  #blocked = false;

  constructor(host: TtyHost, name: string, size: { columns: number; rows: number }, output: (bytes: Bytes) => void) {
    this.#host = host;
    this.name = name;
    this.columns = size.columns;
    this.rows = size.rows;
    this.#output = output;
  }

  // ---- the far side: keyboard and screen ---------------------------------------------------------------------------

  /** Keys, as bytes. */
  input(bytes: Bytes): void {
    for (let i = 0; i < bytes.length; i++) this.#key(bytes[i]!);
    this.#changed.ring();
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return;
    this.columns = columns;
    this.rows = rows;
    if (this.foregroundGroup) this.#host.signalGroup(this.foregroundGroup, "WINCH");
  }

  /** The line is cut: reads see the end, the foreground group gets HUP. */
  hangUp(): void {
    if (this.#hungUp) return;
    this.#hungUp = true;
    if (this.foregroundGroup) this.#host.signalGroup(this.foregroundGroup, "HUP");
    this.#changed.ring();
  }

  get hungUp(): boolean {
    return this.#hungUp;
  }

  /** Flow control by the far side. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked) this.#changed.ring();
  }

  /** Whether a program waits with canonical input or has unread bytes: used to tell a terminal at rest. */
  get pendingInput(): number {
    return this.#inputSize + this.#line.length;
  }

  // ---- the near side: programs ---------------------------------------------------------------------------------------

  get readable(): boolean {
    return this.#inputSize > 0 || this.#endOfFile > 0 || this.#hungUp;
  }

  get changed(): Signal {
    return this.#changed;
  }

  /** Raw: bytes as they come. Canonical: at most one line. */
  *read(max: number): Task<Bytes> {
    while (!this.readable) yield* suspend(this.#changed.wait);
    if (this.#inputSize > 0) {
      const first = this.#input[0]!;
      const taken = first.slice(0, max) as Bytes;
      if (taken.length < first.length) this.#input[0] = first.slice(max) as Bytes;
      else this.#input.shift();
      this.#inputSize -= taken.length;
      return taken;
    }
    if (this.#endOfFile > 0) this.#endOfFile--;
    return NO_BYTES;
  }

  *write(bytes: Bytes): Task<void> {
    while (this.#blocked && !this.#hungUp) yield* suspend(this.#changed.wait);
    if (this.#hungUp) throw new SysError("EIO");
    this.#emit(bytes);
  }

  /** Leaves canonical mode: what was half typed becomes readable, as TCSANOW does. */
  setMode(mode: Partial<TtyMode>): void {
    const wasCanonical = this.mode.canonical;
    this.mode = { ...this.mode, ...mode };
    if (wasCanonical && !this.mode.canonical && this.#line) {
      this.#deliver(this.#line as Bytes);
      this.#line = "";
    }
  }

  resetMode(): void {
    this.setMode(cooked);
  }

  #key(key: string): void {
    const { canonical, signals, echo, inputCrToNl } = this.mode;
    const byte = inputCrToNl && key === "\r" ? "\n" : key;
    if (signals) {
      const signal = byte === "\x03" ? "INT" : byte === "\x1c" ? "QUIT" : byte === "\x1a" ? "TSTP" : undefined;
      if (signal) {
        if (echo) this.#emit((signal === "INT" ? "^C" : signal === "QUIT" ? "^\\" : "^Z") as Bytes);
        this.#line = "";
        this.#input = [];
        this.#inputSize = 0;
        if (this.foregroundGroup) this.#host.signalGroup(this.foregroundGroup, signal);
        return;
      }
    }
    if (!canonical) {
      this.#deliver(byte as Bytes);
      return;
    }
    switch (byte) {
      case "\n":
        if (echo) this.#emit("\n" as Bytes);
        this.#deliver(`${this.#line}\n` as Bytes);
        this.#line = "";
        return;
      case "\x04":
        if (this.#line === "") this.#endOfFile++;
        else {
          this.#deliver(this.#line as Bytes);
          this.#line = "";
        }
        return;
      case "\x7f":
      case "\b":
        this.#erase();
        return;
      case "\x15":
        while (this.#line !== "") this.#erase();
        return;
      case "\x17":
        while (/\s$/.test(this.#line)) this.#erase();
        while (this.#line !== "" && !/\s$/.test(this.#line)) this.#erase();
        return;
    }
    if (this.#line.length >= 4095) return;
    this.#line += byte;
    if (!echo) return;
    // Control characters are shown as ^X; the rest as it is.
    if (byte < " " && byte !== "\t") this.#emit(`^${String.fromCharCode(byte.charCodeAt(0) + 64)}` as Bytes);
    else this.#emit(byte as Bytes);
  }

  /** Takes back the last character: a whole UTF-8 sequence, as IUTF8 does. */
  #erase(): void {
    if (this.#line === "") return;
    let end = this.#line.length - 1;
    while (end > 0 && (this.#line.charCodeAt(end) & 0xc0) === 0x80) end--;
    const isControl = this.#line[end]! < " " && this.#line[end] !== "\t";
    this.#line = this.#line.slice(0, end);
    if (this.mode.echo) this.#emit((isControl ? "\b \b\b \b" : "\b \b") as Bytes);
  }

  #deliver(bytes: Bytes): void {
    if (this.#inputSize > limits.ttyOutputBytesMax * 16) return;
    // Raw bytes that arrive together are read together.
    const last = this.#input.length - 1;
    if (!this.mode.canonical && last >= 0) this.#input[last] = (this.#input[last]! + bytes) as Bytes;
    else this.#input.push(bytes);
    this.#inputSize += bytes.length;
  }

  #emit(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#output((this.mode.outputCrlf ? bytes.replace(/\r?\n/g, "\r\n") : bytes) as Bytes);
  }
}

/** A terminal opened by a process. */
export class TtyFile extends OpenFile {
  readonly tty: Tty;
  override readonly isTerminal = true;

  constructor(tty: Tty) {
    super();
    this.tty = tty;
  }

  get name(): string {
    return this.tty.name;
  }

  get readable(): boolean {
    return this.tty.readable;
  }

  read(max: number): Task<Bytes> {
    return this.tty.read(max);
  }

  write(bytes: Bytes): Task<void> {
    return this.tty.write(bytes);
  }

  protected onClose(): void {}
}
