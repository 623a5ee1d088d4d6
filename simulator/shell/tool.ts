/** What programs of the coreutils kind share: options, messages, buffered output, input from files or standard input. */
import { type Bytes, NO_BYTES, Utf8Decoder, encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { OpenFile } from "../os/open-file";
import { ExitRequest, type Process, type Program } from "../os/process";

/** GNU on the laptop and Debian images, BusyBox on alpine and busybox images. */
export type ToolFlavour = "gnu" | "busybox";

export interface OptionSpec {
  /** Short letters; those that take a value are followed by `:`, an optional attached value by `::`. */
  readonly short: string;
  /** Long names to the letter (or longer key) they stand for; `=` at the end of a name: takes a value, `=?`: may. */
  readonly long?: Readonly<Record<string, string>>;
  /** Stops at the first operand, as env and nice do. */
  readonly posix?: boolean;
}

export interface ParsedOptions {
  readonly operands: readonly string[];
  has(key: string): boolean;
  /** The last value given. */
  value(key: string): string | undefined;
  values(key: string): readonly string[];
  /** In the order given. */
  readonly all: readonly { readonly key: string; readonly value: string | undefined }[];
}

/** Ends a tool with a message printed already. */
export class ToolFailure {
  constructor(readonly status: number) {}
}

export type ToolRun = (tool: Tool) => Task<number>;

/** CPU for each MiB that goes through a tool, ms. */
const MS_PER_BYTE = 2 / (1024 * 1024);
const FLUSH_AT = 32_768;
/** A whole input in memory is counted in steps of this many bytes; below it, it is part of the program's own. */
const HELD_GRAIN = 1024 * 1024;

export class Tool {
  readonly process: Process;
  readonly name: string;
  readonly flavour: ToolFlavour;
  readonly args: readonly string[];
  #out: string[] = [];
  #outSize = 0;
  #debt = 0;

  constructor(process: Process, name: string, flavour: ToolFlavour, args: readonly string[]) {
    this.process = process;
    this.name = name;
    this.flavour = flavour;
    this.args = args;
  }

  // ---- output ----------------------------------------------------------------------------------------------------------

  /** Adds bytes to the output; written when enough, before the tool waits for input, and at its end. */
  *bytes(bytes: string): Task<void> {
    if (bytes === "") return;
    this.#out.push(bytes);
    this.#outSize += bytes.length;
    if (this.#outSize >= FLUSH_AT) yield* this.flush();
  }

  *text(text: string): Task<void> {
    yield* this.bytes(encodeUtf8(text));
  }

  *flush(): Task<void> {
    if (this.#outSize === 0) return;
    const bytes = (this.#out.length === 1 ? this.#out[0]! : this.#out.join("")) as Bytes;
    this.#out = [];
    this.#outSize = 0;
    yield* this.charge(bytes.length);
    try {
      yield* this.process.write(1, bytes);
    } catch (error) {
      if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
      yield* this.process.printError(`${this.name}: write error: ${error.text}\n`);
      throw new ToolFailure(1);
    }
  }

  /** Uses CPU in proportion to bytes handled. */
  *charge(bytes: number): Task<void> {
    this.#debt += bytes * MS_PER_BYTE + 0.001;
    if (this.#debt < 1) return;
    const due = this.#debt;
    this.#debt = 0;
    yield* this.process.compute(due);
  }

  /** `name: message` on standard error. */
  *error(message: string): Task<void> {
    yield* this.flush();
    yield* this.process.printError(`${this.name}: ${message}\n`);
  }

  /** Prints a message and ends the tool. */
  *fail(message: string, status = 1): Task<never> {
    yield* this.error(message);
    throw new ToolFailure(status);
  }

  /** A usage error: the message and GNU's hint. */
  *usage(message: string, status = 1): Task<never> {
    yield* this.error(message);
    if (this.flavour === "gnu") {
      yield* this.process.printError(`Try '${this.name} --help' for more information.\n`);
      throw new ToolFailure(status);
    }
    yield* this.process.printError(
      `BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: ${this.name} [OPTIONS] [ARGS]\n`,
    );
    throw new ToolFailure(1);
  }

  /** GNU's quote(): typographic quotes where the locale is UTF-8, plain ones in containers that set none. */
  quote(name: string): string {
    const locale = this.process.env["LC_ALL"] || this.process.env["LC_CTYPE"] || this.process.env["LANG"] || "";
    return /utf-?8/i.test(locale) && this.flavour === "gnu" ? `\u2018${name}\u2019` : `'${name}'`;
  }

  get isTerminal(): boolean {
    return this.process.files.get(1)?.isTerminal ?? false;
  }

  /** The width of the terminal; COLUMNS or 80 elsewhere. */
  get columns(): number {
    return this.process.ttyOf(1)?.columns ?? (Number(this.process.env["COLUMNS"]) || 80);
  }

  // ---- input -----------------------------------------------------------------------------------------------------------

  /** Opens a file for reading; `-` is standard input. Throws SysError. */
  openInput(path: string): OpenFile {
    if (path === "-") return this.process.file(0).retain();
    return this.process.kernel.openPath(this.process, this.process.path(path), { read: true, write: false }).retain();
  }

  /** Chunks of an open file, each as soon as it is there. */
  *read(file: OpenFile, max = 65_536): Task<Bytes> {
    if (!file.readable || file.isTerminal) yield* this.flush();
    const chunk = file === this.process.files.get(0) ? yield* this.process.read(0, max) : yield* file.read(max);
    yield* this.charge(chunk.length);
    return chunk;
  }

  *readAllOf(path: string): Task<Bytes> {
    const file = this.openInput(path);
    const chunks: string[] = [];
    const process = this.process;
    // What is held whole takes memory: reading /dev/zero to its end ends in the OOM killer's hands, as it should.
    let uncounted = 0;
    let counted = 0;
    try {
      for (;;) {
        const chunk = yield* this.read(file);
        if (chunk === NO_BYTES) return chunks.join("") as Bytes;
        chunks.push(chunk);
        uncounted += chunk.length;
        if (uncounted < HELD_GRAIN) continue;
        counted += uncounted;
        process.resizeMemory(process.memoryBytes + uncounted);
        uncounted = 0;
        // A process that was just killed gets no further than this.
        yield* process.sleep(0);
      }
    } finally {
      if (counted > 0) process.resizeMemory(Math.max(0, process.memoryBytes - counted));
      file.release();
    }
  }

  /** Runs `each` for every input (standard input when there are none); unreadable ones are told of. True when all went well. */
  *inputs(
    paths: readonly string[],
    each: (file: OpenFile, path: string) => Task<void>,
    word: (path: string, error: SysError) => string = (path, error) => `${path}: ${error.text}`,
  ): Task<boolean> {
    let fine = true;
    for (const path of paths.length ? paths : ["-"]) {
      let file: OpenFile | undefined;
      try {
        file = this.openInput(path);
        yield* each(file, path);
      } catch (error) {
        if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
        fine = false;
        yield* this.error(
          this.flavour === "busybox" && word.length === 2 && error.code !== "EISDIR"
            ? word(path, error).replace(/^(.*?): /s, this.busyboxOpens ? "can't open '$1': " : "$1: ")
            : word(path, error),
        );
      } finally {
        file?.release();
      }
    }
    return fine;
  }

  /** BusyBox words an unreadable file as `can't open 'x': …` in most applets. */
  busyboxOpens = true;

  /** Text in pieces that end at line ends (the last one may not): for line tools that work on whole chunks. */
  *lineChunks(file: OpenFile, each: (text: string) => Task<unknown>): Task<void> {
    const decoder = new Utf8Decoder();
    let rest = "";
    for (;;) {
      const chunk = yield* this.read(file);
      if (chunk === NO_BYTES) break;
      const text = rest + decoder.push(chunk);
      const end = text.lastIndexOf("\n");
      if (end < 0) {
        rest = text;
        continue;
      }
      rest = text.slice(end + 1);
      if ((yield* each(text.slice(0, end + 1))) === false) return;
    }
    rest += decoder.flush();
    if (rest !== "") yield* each(rest);
  }

  /** Each line without its newline. */
  *lines(file: OpenFile, each: (line: string, terminated: boolean) => Task<unknown>): Task<void> {
    yield* this.lineChunks(file, function* (text) {
      let start = 0;
      while (start < text.length) {
        let end = text.indexOf("\n", start);
        const terminated = end >= 0;
        if (!terminated) end = text.length;
        if ((yield* each(text.slice(start, end), terminated)) === false) return false;
        start = end + 1;
      }
      return true;
    });
  }

  // ---- options ---------------------------------------------------------------------------------------------------------

  *options(spec: OptionSpec, args: readonly string[] = this.args): Task<ParsedOptions> {
    const all: { key: string; value: string | undefined }[] = [];
    const operands: string[] = [];
    const long = Object.entries(spec.long ?? {}).map(([name, key]) => ({
      name: name.replace(/=\??$/, ""),
      key,
      takes: name.endsWith("=?") ? "maybe" : name.endsWith("=") ? "yes" : "no",
    }));
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      if (arg === "--") {
        operands.push(...args.slice(i + 1));
        break;
      }
      if (arg.startsWith("--")) {
        const at = arg.indexOf("=");
        const name = arg.slice(2, at < 0 ? undefined : at);
        const exact = long.filter((option) => option.name === name);
        const matches = exact.length ? exact : long.filter((option) => option.name.startsWith(name));
        const distinct = new Set(matches.map((option) => option.key));
        if (matches.length === 0)
          yield* this.usage(`unrecognized option '${this.flavour === "gnu" ? arg : `--${name}`}'`, this.usageStatus);
        if (distinct.size > 1)
          yield* this.usage(
            `option '${arg}' is ambiguous; possibilities: ${matches.map((option) => `'--${option.name}'`).join(" ")}`,
            this.usageStatus,
          );
        const option = matches[0]!;
        if (option.takes === "no" && at >= 0)
          yield* this.usage(`option '--${option.name}' doesn't allow an argument`, this.usageStatus);
        let value = at < 0 ? undefined : arg.slice(at + 1);
        if (option.takes === "yes" && value === undefined) {
          value = args[++i];
          if (value === undefined)
            yield* this.usage(`option '--${option.name}' requires an argument`, this.usageStatus);
        }
        all.push({ key: option.key, value });
        continue;
      }
      if (!arg.startsWith("-") || arg === "-") {
        operands.push(arg);
        if (spec.posix) {
          operands.push(...args.slice(i + 1));
          break;
        }
        continue;
      }
      for (let at = 1; at < arg.length; at++) {
        const letter = arg[at]!;
        const place = letter === ":" ? -1 : spec.short.indexOf(letter);
        if (place < 0) yield* this.usage(`invalid option -- '${letter}'`, this.usageStatus);
        if (spec.short[place + 1] !== ":") {
          all.push({ key: letter, value: undefined });
          continue;
        }
        const attached = arg.slice(at + 1);
        if (spec.short[place + 2] === ":") all.push({ key: letter, value: attached === "" ? undefined : attached });
        else if (attached !== "") all.push({ key: letter, value: attached });
        else {
          const value = args[++i];
          if (value === undefined) yield* this.usage(`option requires an argument -- '${letter}'`, this.usageStatus);
          all.push({ key: letter, value });
        }
        break;
      }
    }
    return {
      operands,
      all,
      has: (key) => all.some((option) => option.key === key),
      value: (key) => all.findLast((option) => option.key === key)?.value,
      values: (key) =>
        all.filter((option) => option.key === key && option.value !== undefined).map((option) => option.value!),
    };
  }

  /** The exit status of a usage error. */
  usageStatus = 1;
}

/** Makes a program of a tool. */
export const toolProgram = (name: string, run: ToolRun, flavour: ToolFlavour = "gnu"): Program =>
  function* (process) {
    return yield* runTool(process, name, run, flavour, process.argv.slice(1));
  };

export function* runTool(
  process: Process,
  name: string,
  run: ToolRun,
  flavour: ToolFlavour,
  args: readonly string[],
): Task<number> {
  const tool = new Tool(process, name, flavour, args);
  try {
    const status = yield* run(tool);
    yield* tool.flush();
    return status;
  } catch (error) {
    if (error instanceof ToolFailure) {
      yield* tool.flush();
      return error.status;
    }
    if (error instanceof ExitRequest) yield* tool.flush();
    throw error;
  }
}

/** GNU's quoting of names in messages: 'name', with shell quoting of odd characters. */
export function quoteName(name: string): string {
  if (/[\x00-\x1f\x7f]/.test(name))
    return `''$'${name.replace(/[\x00-\x1f\x7f'\\]/g, (ch) => (ch === "\n" ? "\\n" : ch === "\t" ? "\\t" : ch === "'" ? "\\'" : ch === "\\" ? "\\\\" : `\\${ch.charCodeAt(0).toString(8).padStart(3, "0")}`))}'`;
  if (name.includes("'")) return name.includes('"') ? `'${name.replace(/'/g, "'\\''")}'` : `"${name}"`;
  return `'${name}'`;
}
