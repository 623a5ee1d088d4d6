/**
 * A container's log, as json-file and CRI files keep it: lines with a time and a stream, bounded, oldest dropped first.
 * Lines stay together as they were written, so that a million of them cost little more than their bytes.
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

/** Whole lines of one write; only the last may lack its newline. */
interface Segment {
  readonly stream: LogStream;
  readonly micros: number;
  readonly text: string;
}

interface Chunk {
  readonly segments: Segment[];
  size: number;
  /** Lines. */
  count: number;
}

export class ContainerLog {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #chunks: Chunk[] = [];
  #dropped = 0;
  #size = 0;
  #lines = 0;
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
    return this.#lines;
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
    const partial = this.#partial[stream];
    let rest: string = partial === "" ? bytes : partial + bytes;
    const taken = this.#takeLines(stream, rest);
    if (taken > 0) rest = rest.slice(taken);
    while (rest.length >= PIECE_BYTES) {
      this.#append(stream, rest.slice(0, PIECE_BYTES));
      rest = rest.slice(PIECE_BYTES);
    }
    this.#partial[stream] = rest;
    this.#changed.ring();
  }

  /** Keeps the whole lines of a text and answers where they end. A flood has thousands in one write: none is cut out. */
  #takeLines(stream: LogStream, text: string): number {
    const micros = this.#micros;
    const head = headSize(micros);
    let chunk = this.#chunks.at(-1);
    // What is counted in `chunk` and not yet put there.
    let start = 0;
    let at = 0;
    for (;;) {
      const end = text.indexOf("\n", at) + 1;
      if (end === 0) break;
      const length = end - at;
      if (length > PIECE_BYTES) {
        keep(chunk, stream, micros, text, start, at);
        this.#append(stream, text.slice(at, end));
        chunk = this.#chunks.at(-1);
        start = at = end;
        continue;
      }
      if (!chunk || chunk.size >= CHUNK_BYTES) {
        keep(chunk, stream, micros, text, start, at);
        start = at;
        chunk = this.#newChunk();
      }
      this.#count(chunk, head + digits36(length) + length);
      at = end;
    }
    keep(chunk, stream, micros, text, start, at);
    return at;
  }

  /** Keeps one line, in pieces where it is long. */
  #append(stream: LogStream, text: string): void {
    const micros = this.#micros;
    for (let at = 0; at < text.length; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, text.length - at);
      let chunk = this.#chunks.at(-1);
      if (!chunk || chunk.size >= CHUNK_BYTES) chunk = this.#newChunk();
      keep(chunk, stream, micros, text, at, at + length);
      this.#count(chunk, headSize(micros) + digits36(length) + length);
    }
  }

  get #micros(): number {
    return Math.floor(this.#clock.now() * 1000);
  }

  #newChunk(): Chunk {
    const chunk: Chunk = { segments: [], size: 0, count: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #count(chunk: Chunk, size: number): void {
    chunk.size += size;
    chunk.count++;
    this.#size += size;
    this.#lines++;
    while (this.#size > this.#bytesMax && this.#chunks.length > 1) {
      const dropped = this.#chunks.shift()!;
      this.#size -= dropped.size;
      this.#lines -= dropped.count;
      this.#dropped += dropped.count;
    }
  }

  /** The number of the next line; earlier lines have smaller ones, and dropped lines are counted. */
  get end(): number {
    return this.#dropped + this.#lines;
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
      for (const { stream, micros, text } of chunk.segments)
        for (let start = 0; start < text.length; ) {
          const newline = text.indexOf("\n", start);
          const end = newline < 0 ? text.length : newline + 1;
          if (number >= from) {
            if (lines.length >= max) return { lines, next: number };
            lines.push({ stream, at: micros / 1000, text: text.slice(start, end) as Bytes });
          }
          number++;
          start = end;
        }
    }
    return { lines, next: Math.max(number, from) };
  }

  /** `docker logs` of everything, for tests and small logs. */
  all(): readonly LogLine[] {
    return this.read(0, Number.POSITIVE_INFINITY).lines;
  }

  clear(): void {
    this.#dropped += this.#lines;
    this.#chunks = [];
    this.#size = 0;
    this.#lines = 0;
  }
}

function keep(
  chunk: Chunk | undefined,
  stream: LogStream,
  micros: number,
  text: string,
  start: number,
  end: number,
): void {
  if (end > start) chunk!.segments.push({ stream, micros, text: text.slice(start, end) });
}

/** What a line takes beside its text, as json-file and CRI logs have it: its stream, its time and its length. */
function headSize(micros: number): number {
  let size = 4;
  for (let next = 36; next <= micros; next *= 36) size++;
  return size;
}

const digits36 = (length: number): number => (length < 36 ? 1 : length < 1296 ? 2 : 3);
