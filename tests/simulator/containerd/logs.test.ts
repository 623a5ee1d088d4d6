/** A container's log against a simple model: one entry a line, pieces of 16 KiB, chunks dropped from the front. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Bytes } from "@/simulator/base/bytes";
import { ContainerLog, type LogLine, type LogStream } from "@/simulator/containerd/logs";

const PIECE = 16 * 1024;
const CHUNK = 64 * 1024;

class Model {
  chunks: { lines: LogLine[]; size: number }[] = [];
  dropped = 0;
  partial = { stdout: "", stderr: "" };

  constructor(
    readonly now: () => number,
    readonly max: number,
  ) {}

  write(stream: LogStream, bytes: string): void {
    const parts = (this.partial[stream] + bytes).split("\n");
    let rest = parts.pop()!;
    for (const part of parts) this.append(stream, `${part}\n`);
    for (; rest.length >= PIECE; rest = rest.slice(PIECE)) this.append(stream, rest.slice(0, PIECE));
    this.partial[stream] = rest;
  }

  append(stream: LogStream, line: string): void {
    for (let at = 0; at < line.length; at += PIECE) {
      const text = line.slice(at, at + PIECE) as Bytes;
      if (this.chunks.length === 0 || this.chunks.at(-1)!.size >= CHUNK) this.chunks.push({ lines: [], size: 0 });
      const chunk = this.chunks.at(-1)!;
      const micros = Math.floor(this.now() * 1000);
      chunk.lines.push({ stream, at: micros / 1000, text });
      chunk.size += `o${micros.toString(36)} ${text.length.toString(36)}:`.length + text.length;
    }
    while (this.size > this.max && this.chunks.length > 1) this.dropped += this.chunks.shift()!.lines.length;
  }

  get size(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  }

  get lines(): LogLine[] {
    return this.chunks.flatMap((chunk) => chunk.lines);
  }
}

const write = fc.record({
  stream: fc.constantFrom<LogStream>("stdout", "stderr"),
  text: fc.oneof(
    fc.constantFrom("", "\n", "a", "line\n", "two\nlines\n", "half", "end of it\nnext half"),
    fc.integer({ min: 1, max: 3 * PIECE }).map((length) => "x".repeat(length)),
    fc.integer({ min: 1, max: 3 * PIECE }).map((length) => `${"y".repeat(length)}\nz`),
    fc.integer({ min: 1, max: 20_000 }).map((count) => "y\n".repeat(count)),
  ),
  wait: fc.constantFrom(0, 0.0004, 1, 17.25),
});

test("a log keeps what a list of lines would keep", () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 25 }), fc.constantFrom(100_000, 300_000), (writes, max) => {
      let now = 1_780_000_000_000;
      const log = new ContainerLog({ now: () => now }, max);
      const model = new Model(() => now, max);
      for (const { stream, text, wait } of writes) {
        now += wait;
        log.write(stream, text as Bytes);
        model.write(stream, text);
      }
      expect(log.all()).toEqual(model.lines);
      expect([log.bytes, log.lines, log.end]).toEqual([
        model.size,
        model.lines.length,
        model.dropped + model.lines.length,
      ]);
      const from = log.tail(7);
      expect(log.read(from, 5).lines).toEqual(model.lines.slice(-7).slice(0, 5));
      log.close();
      for (const stream of ["stdout", "stderr"] as const)
        if (model.partial[stream] !== "") model.append(stream, model.partial[stream]);
      expect(log.all()).toEqual(model.lines);
    }),
    { seed: 11, numRuns: 60 },
  );
});
