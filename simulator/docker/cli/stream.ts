/** Pumping a response stream to the process's own output, and its keyboard to the stream. */
import { type Bytes, NO_BYTES, encodeUtf8 } from "../../base/bytes";
import type { ApiStream, ServerFrame } from "../../base/door";
import { Signal, type Task, suspend } from "../../base/task";
import type { Process } from "../../os/process";

const WRITE_BYTES = 32 * 1024;

/** Frames as they come; undefined is the end. */
export class FrameReader {
  #frames: ServerFrame[] = [];
  /** How many of them have been taken. */
  #taken = 0;
  readonly #changed = new Signal();
  #ended = false;
  error: string | undefined;
  readonly stream: ApiStream;

  constructor(stream: ApiStream) {
    this.stream = stream;
    stream.open({
      frame: (frame) => {
        this.#frames.push(frame);
        this.#changed.ring();
      },
      end: (error) => {
        this.#ended = true;
        this.error = error;
        this.#changed.ring();
      },
    });
  }

  *next(): Task<ServerFrame | undefined> {
    while (this.#taken === this.#frames.length) {
      this.#frames = [];
      this.#taken = 0;
      if (this.#ended) return undefined;
      yield* suspend(this.#changed.wait);
    }
    return this.#frames[this.#taken++];
  }

  /** More bytes of a channel that have come already, so that they are written in one go. */
  more(channel: "stdout" | "stderr" | "error"): Bytes {
    let bytes = "";
    while (bytes.length < WRITE_BYTES) {
      const frame = this.#frames[this.#taken];
      if (frame?.channel !== channel) break;
      bytes += frame.bytes;
      this.#taken++;
    }
    return bytes as Bytes;
  }

  /** Makes waiting readers see the end. */
  stop(): void {
    this.#ended = true;
    this.stream.cancel();
    this.#changed.ring();
  }
}

/** Messages of a JSON stream (pull progress, events), one at a time. */
export function* eachMessage<T>(stream: ApiStream, handle: (message: T) => Task<void>): Task<string | undefined> {
  const reader = new FrameReader(stream);
  for (;;) {
    const frame = yield* reader.next();
    if (!frame) return reader.error;
    if (frame.channel === "message") yield* handle(frame.value as T);
  }
}

/** Copies stdout and stderr frames to where they belong until the stream ends. */
export function* copyOut(process: Process, reader: FrameReader): Task<void> {
  for (;;) {
    const frame = yield* reader.next();
    if (!frame) return;
    if (frame.channel === "message") continue;
    const bytes = (frame.bytes + reader.more(frame.channel)) as Bytes;
    yield* process.write(frame.channel === "stderr" ? 2 : 1, bytes);
  }
}

export interface HijackOptions {
  readonly stdin: boolean;
  /** The container has a terminal: ours goes raw and its size is told. */
  readonly tty: boolean;
  /** Keys that detach; empty: none. */
  readonly detachKeys: Bytes;
  /** Changes the size and changes it back, so that a shell that waits draws its prompt for the newcomer. */
  readonly wakesPrompt?: boolean;
}

/** Attached in both directions. Answers whether the stream ended or the user detached. */
export function* hijack(process: Process, stream: ApiStream, options: HijackOptions): Task<"ended" | "detached"> {
  const reader = new FrameReader(stream);
  const own = process.ttyOf(0);
  const raw = options.stdin && options.tty ? own : undefined;
  let detached = false;
  const before = raw?.mode;
  if (raw) raw.setMode({ canonical: false, echo: false, signals: false, inputCrToNl: false, outputCrlf: false });
  const tellSize = (): void => {
    if (own && options.tty) stream.send({ channel: "resize", columns: own.columns, rows: own.rows });
  };
  if (own && options.tty && options.wakesPrompt)
    stream.send({ channel: "resize", columns: own.columns + 1, rows: own.rows + 1 });
  tellSize();
  if (options.tty && own) process.onSignal("WINCH", tellSize);
  const input = options.stdin
    ? process.thread(
        (function* (): Task<void> {
          let pending = "";
          for (;;) {
            const chunk = yield* process.read(0);
            if (chunk === NO_BYTES) {
              stream.send({ channel: "stdin-end" });
              return;
            }
            if (!options.tty || options.detachKeys === "") {
              stream.send({ channel: "stdin", bytes: chunk });
              continue;
            }
            // Keys of the detach sequence are held back until it is clear that they are none.
            let out = "";
            for (const key of chunk) {
              pending += key;
              if (pending === options.detachKeys) {
                if (out) stream.send({ channel: "stdin", bytes: out as Bytes });
                detached = true;
                reader.stop();
                return;
              }
              if (options.detachKeys.startsWith(pending)) continue;
              out += pending;
              pending = "";
            }
            if (out) stream.send({ channel: "stdin", bytes: out as Bytes });
          }
        })(),
      )
    : undefined;
  try {
    yield* copyOut(process, reader);
  } finally {
    input?.cancel();
    if (raw && before) raw.setMode(before);
    if (!detached) stream.cancel();
  }
  return detached ? "detached" : "ended";
}

/** `ctrl-p,ctrl-q` as the bytes it stands for; undefined when it is not understood. */
export function parseDetachKeys(text: string): Bytes | undefined {
  if (text === "") return NO_BYTES;
  let keys = "";
  for (const part of text.split(",")) {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(part);
    if (control) keys += String.fromCharCode(control[1]!.toUpperCase().charCodeAt(0) & 31);
    else if (part.length === 1) keys += part;
    else return undefined;
  }
  return encodeUtf8(keys);
}

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
