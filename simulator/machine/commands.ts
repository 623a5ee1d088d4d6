/** Command lines run outside the terminals: start states, headless runs, tests. */
import { type Bytes, encodeUtf8, NO_BYTES } from "../base/bytes";
import { NullDevice, type OpenFile, SinkFile, makePipe } from "../os/open-file";
import { TtyFile } from "../os/tty";
import type { CommandOptions, CommandRun } from "./api";
import type { Laptop } from "./laptop";

export function startCommand(laptop: Laptop, line: string, options: CommandOptions): CommandRun {
  const out: string[] = [];
  const error: string[] = [];
  let code: number | undefined;
  const tty = options.tty && laptop.kernel.makeTty(options.tty, (bytes) => out.push(bytes));
  const terminal = tty && new TtyFile(tty);
  const files = new Map<number, OpenFile>(
    terminal
      ? [0, 1, 2].map((fd) => [fd, terminal])
      : [
          [0, standardInput(options.stdin)],
          [1, new SinkFile("stdout", (bytes) => out.push(bytes))],
          [2, new SinkFile("stderr", (bytes) => error.push(bytes))],
        ],
  );
  const shell = laptop.spawn({
    argv: ["bash", "-c", line],
    cwd: options.cwd ?? laptop.home,
    files,
    session: tty ? { tty } : {},
  });
  if (tty) {
    tty.session = shell.pid;
    tty.foregroundGroup = shell.group;
  }
  shell.ended.wait((status) => {
    code = status.code;
  });
  return {
    get stdout() {
      return joined(out);
    },
    get stderr() {
      return joined(error);
    },
    get exitCode() {
      return code;
    },
    type(text) {
      tty?.input(encodeUtf8(text));
    },
  };
}

function standardInput(text: string | undefined): OpenFile {
  if (text === undefined) return new NullDevice("null");
  const { reader, writer } = makePipe(Number.POSITIVE_INFINITY);
  writer.buffer.push(encodeUtf8(text));
  writer.buffer.end();
  return reader;
}

function joined(chunks: string[]): Bytes {
  if (chunks.length === 0) return NO_BYTES;
  if (chunks.length > 1) chunks.splice(0, chunks.length, chunks.join(""));
  return chunks[0] as Bytes;
}
