/**
 * A container's log, as json-file and CRI files keep it: lines with a time and a stream, bounded, oldest dropped first.
 * Lines are packed into chunks of text, so that a million of them cost little more than their bytes.
 */
import type { Bytes } from "../base/bytes";
import type { Clock, Instant } from "../base/clock";
import { limits } from "../base/limits";
import { Signal } from "../base/task";

export type LogStream = "stdout" | "stderr";

export interface LogLine {
  readonly at: Instant;
  readonly stream: LogStream;
  /** With its newline; without one where the program wrote none yet (a partial line at the end). */
  readonly text: Bytes;
}

/** Upstream's copier cuts longer lines into pieces of this size (16 KiB), without newline. */
const PIECE_BYTES = 16 * 1024;
const CHUNK_BYTES = 64 * 1024;

interface Chunk {
  /** Entries of: stream letter, time in base 36 µs, space, length in base 36, colon, text. */
  text: string;
  parts: string[];
  size: number;
  count: number;
}

const newChunk = (): Chunk => ({ text: "", parts: [], size: 0, count: 0 });

export class ContainerLog {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #chunks: Chunk[] = [];
  #dropped = 0;
  #size = 0;
  #count = 0;
  #partial: Record<LogStream, string> = { stdout: "", stderr: "" };
  #closed = false;
  readonly #changed = new Signal();

  constructor(clock: Clock, bytesMax: number = limits.containerLogBytesMax) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  /** Rings when lines come, or when the log is closed or opened again. */
  get changed(): Signal {
    return this.#changed;
  }

  /** No process writes to it at present. */
  get closed(): boolean {
    return this.#closed;
  }

  get bytes(): number {
    return this.#size;
  }

  get lines(): number {
    return this.#count;
  }

  /** A writer begins (a start or restart of the container). */
  open(): void {
    this.#closed = false;
    this.#changed.ring();
  }

  /** The last writer has ended: unfinished lines are kept as they are. */
  close(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#partial[stream] !== "") this.#append(stream, this.#partial[stream]);
      this.#partial[stream] = "";
    }
    this.#closed = true;
    this.#changed.ring();
  }

  write(stream: LogStream, bytes: Bytes): void {
    const text = this.#partial[stream] + bytes;
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n", start);
      if (end < 0) break;
      this.#append(stream, text.slice(start, end + 1));
      start = end + 1;
    }
    let rest = text.slice(start);
    while (rest.length >= PIECE_BYTES) {
      this.#append(stream, rest.slice(0, PIECE_BYTES));
      rest = rest.slice(PIECE_BYTES);
    }
    this.#partial[stream] = rest;
    this.#changed.ring();
  }

  #append(stream: LogStream, text: string): void {
    for (let rest = text; rest !== ""; rest = rest.slice(PIECE_BYTES)) {
      const piece = rest.slice(0, PIECE_BYTES);
      let chunk = this.#chunks.at(-1);
      if (!chunk || chunk.size >= CHUNK_BYTES) {
        if (chunk) seal(chunk);
        chunk = newChunk();
        this.#chunks.push(chunk);
      }
      const micros = Math.floor(this.#clock.now() * 1000);
      const entry = `${stream === "stdout" ? "o" : "e"}${micros.toString(36)} ${piece.length.toString(36)}:${piece}`;
      chunk.parts.push(entry);
      chunk.size += entry.length;
      chunk.count++;
      this.#size += entry.length;
      this.#count++;
    }
    while (this.#size > this.#bytesMax && this.#chunks.length > 1) {
      const dropped = this.#chunks.shift()!;
      this.#size -= dropped.size;
      this.#count -= dropped.count;
      this.#dropped += dropped.count;
    }
  }

  /** The number of the next line; earlier lines have smaller ones, and dropped lines are counted. */
  get end(): number {
    return this.#dropped + this.#count;
  }

  /** The number of the first of the last `count` lines. */
  tail(count: number): number {
    return Math.max(this.#dropped, this.end - count);
  }

  /** Lines from number `from` on, at most `max` of them, and the number to go on with. */
  read(from: number, max = 4096): { readonly lines: readonly LogLine[]; readonly next: number } {
    const lines: LogLine[] = [];
    let number = this.#dropped;
    for (const chunk of this.#chunks) {
      if (number + chunk.count <= from) {
        number += chunk.count;
        continue;
      }
      for (const line of parse(chunk)) {
        if (number >= from) {
          if (lines.length >= max) return { lines, next: number };
          lines.push(line);
        }
        number++;
      }
    }
    return { lines, next: Math.max(number, from) };
  }

  /** `docker logs` of everything, for tests and small logs. */
  all(): readonly LogLine[] {
    return this.read(0, Number.POSITIVE_INFINITY).lines;
  }

  clear(): void {
    this.#dropped += this.#count;
    this.#chunks = [];
    this.#size = 0;
    this.#count = 0;
  }
}

function seal(chunk: Chunk): void {
  chunk.text += chunk.parts.join("");
  chunk.parts = [];
}

function* parse(chunk: Chunk): Iterable<LogLine> {
  seal(chunk);
  const { text } = chunk;
  let at = 0;
  while (at < text.length) {
    const space = text.indexOf(" ", at);
    const colon = text.indexOf(":", space);
    const length = Number.parseInt(text.slice(space + 1, colon), 36);
    yield {
      stream: text[at] === "o" ? "stdout" : "stderr",
      at: Number.parseInt(text.slice(at + 1, space), 36) / 1000,
      text: text.slice(colon + 1, colon + 1 + length) as Bytes,
    };
    at = colon + 1 + length;
  }
}
