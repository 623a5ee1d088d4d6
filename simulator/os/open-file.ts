/** Open files: what a file descriptor refers to. Shared by dup and by children, closed when the last one lets go. */
import { type Bytes, NO_BYTES } from "../base/bytes";
import { limits } from "../base/limits";
import { Signal, type Task, suspend } from "../base/task";
import { SysError } from "./errno";
import type { FileInode } from "./inode";

export abstract class OpenFile {
  #references = 0;
  #closed = false;

  /** For `ls -l /proc/self/fd`, lsof and error texts: `pipe:[7]`, `/root/x`, `/dev/pts/0`. */
  abstract readonly name: string;
  readonly isTerminal: boolean = false;

  /** Up to `max` bytes; waits for at least one. NO_BYTES is the end of the file. */
  abstract read(max: number): Task<Bytes>;
  /** Writes all of it, waiting for room. Throws EPIPE where nobody reads any more. */
  abstract write(bytes: Bytes): Task<void>;
  /** Writes all of it where that needs no wait; false: nothing is written, and write() is to be asked. */
  writeNow(_bytes: Bytes): boolean {
    return false;
  }
  /** Whether a read would not wait. */
  abstract readonly readable: boolean;
  protected abstract onClose(): void;

  /** Absolute position, for files that have one. */
  seek(_position: number): void {
    throw new SysError("ESPIPE");
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (this.#closed) return;
    if (--this.#references > 0) return;
    this.#closed = true;
    this.onClose();
  }

  get closed(): boolean {
    return this.#closed;
  }
}

export interface OpenFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly append?: boolean;
}

/** A regular file, with a position. */
export class RegularFile extends OpenFile {
  readonly name: string;
  readonly inode: FileInode;
  readonly #flags: OpenFlags;
  readonly #touch: () => number;
  #position = 0;
  /** Generated files are read from the copy made at the first read. */
  #snapshot: Bytes | undefined;

  constructor(name: string, inode: FileInode, flags: OpenFlags, now: () => number) {
    super();
    this.name = name;
    this.inode = inode;
    this.#flags = flags;
    this.#touch = now;
  }

  get readable(): boolean {
    return true;
  }

  *read(max: number): Task<Bytes> {
    if (!this.#flags.read) throw new SysError("EBADF");
    if (this.inode.generate) this.#snapshot ??= this.inode.generate();
    const content = this.#snapshot ?? this.inode.content;
    const chunk = content.slice(this.#position, this.#position + max) as Bytes;
    this.#position += chunk.length;
    return chunk;
  }

  *write(bytes: Bytes): Task<void> {
    this.writeNow(bytes);
  }

  override writeNow(bytes: Bytes): boolean {
    if (!this.#flags.write) throw new SysError("EBADF");
    if (this.inode.accept) {
      this.inode.accept(bytes);
      return true;
    }
    const content = this.inode.content;
    const position = this.#flags.append ? content.length : this.#position;
    if (position + bytes.length > limits.fileBytesMax) throw new SysError("EFBIG");
    if (position === content.length) this.inode.content = (content + bytes) as Bytes;
    else {
      const head = content.slice(0, position).padEnd(position, "\0");
      this.inode.content = (head + bytes + content.slice(position + bytes.length)) as Bytes;
    }
    this.inode.apparentSize = undefined;
    this.inode.mtime = this.#touch();
    this.#position = position + bytes.length;
    return true;
  }

  override seek(position: number): void {
    this.#position = position;
  }

  protected onClose(): void {}
}

/** The buffer between the two ends of a pipe (or one direction of a connection). Bounded: a full pipe makes its writer wait. */
export class PipeBuffer {
  readonly capacity: number;
  #chunks: Bytes[] = [];
  #size = 0;
  /** No writer is left: readers see the end. */
  #ended = false;
  /** No reader is left: writers get EPIPE. */
  #broken = false;
  readonly #changed = new Signal();

  constructor(capacity: number = limits.pipeBytesMax) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  get readable(): boolean {
    return this.#size > 0 || this.#ended;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Rings whenever bytes arrive or leave, or an end closes. */
  get changed(): Signal {
    return this.#changed;
  }

  *read(max: number): Task<Bytes> {
    while (this.#size === 0) {
      if (this.#ended) return NO_BYTES;
      yield* suspend(this.#changed.wait);
    }
    return this.take(max);
  }

  /** What is there now, up to `max`, without waiting. */
  take(max: number): Bytes {
    if (this.#size === 0) return NO_BYTES;
    let taken: string;
    const first = this.#chunks[0]!;
    if (first.length > max) {
      taken = first.slice(0, max);
      this.#chunks[0] = first.slice(max) as Bytes;
    } else {
      taken = "";
      let used = 0;
      while (used < this.#chunks.length && taken.length + this.#chunks[used]!.length <= max)
        taken += this.#chunks[used++]!;
      this.#chunks.splice(0, used);
    }
    this.#size -= taken.length;
    this.#changed.ring();
    return taken as Bytes;
  }

  *write(bytes: Bytes): Task<void> {
    let rest: Bytes = bytes;
    while (rest.length > 0) {
      if (this.#broken) throw new SysError("EPIPE");
      const room = this.capacity - this.#size;
      if (room <= 0) {
        yield* suspend(this.#changed.wait);
        continue;
      }
      const part = rest.length <= room ? rest : (rest.slice(0, room) as Bytes);
      this.push(part);
      rest = rest.slice(part.length) as Bytes;
    }
    if (this.#broken) throw new SysError("EPIPE");
  }

  /** Adds without waiting, whatever the capacity. */
  push(bytes: Bytes): void {
    if (bytes.length === 0 || this.#broken || this.#ended) return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#changed.ring();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#changed.ring();
  }

  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#chunks = [];
    this.#size = 0;
    this.#changed.ring();
  }
}

export class PipeReader extends OpenFile {
  readonly name: string;
  readonly buffer: PipeBuffer;

  constructor(buffer: PipeBuffer, name = "pipe:[0]") {
    super();
    this.buffer = buffer;
    this.name = name;
  }

  get readable(): boolean {
    return this.buffer.readable;
  }

  read(max: number): Task<Bytes> {
    return this.buffer.read(max);
  }

  *write(): Task<void> {
    throw new SysError("EBADF");
  }

  protected onClose(): void {
    this.buffer.break();
  }
}

export class PipeWriter extends OpenFile {
  readonly name: string;
  readonly buffer: PipeBuffer;

  constructor(buffer: PipeBuffer, name = "pipe:[0]") {
    super();
    this.buffer = buffer;
    this.name = name;
  }

  get readable(): boolean {
    return false;
  }

  *read(): Task<Bytes> {
    throw new SysError("EBADF");
  }

  write(bytes: Bytes): Task<void> {
    return this.buffer.write(bytes);
  }

  override writeNow(bytes: Bytes): boolean {
    const { buffer } = this;
    if (buffer.broken || buffer.capacity - buffer.size < bytes.length) return false;
    buffer.push(bytes);
    return true;
  }

  protected onClose(): void {
    this.buffer.end();
  }
}

/** Both ends of a new pipe. */
export function makePipe(capacity?: number): { readonly reader: PipeReader; readonly writer: PipeWriter } {
  const buffer = new PipeBuffer(capacity);
  return { reader: new PipeReader(buffer), writer: new PipeWriter(buffer) };
}

/** A writer that hands every chunk to a function at once: container logs, captured output. */
export class SinkFile extends OpenFile {
  readonly name: string;
  readonly #sink: (bytes: Bytes) => void;
  readonly #ended: (() => void) | undefined;

  constructor(name: string, sink: (bytes: Bytes) => void, ended?: () => void) {
    super();
    this.name = name;
    this.#sink = sink;
    this.#ended = ended;
  }

  get readable(): boolean {
    return false;
  }

  *read(): Task<Bytes> {
    throw new SysError("EBADF");
  }

  *write(bytes: Bytes): Task<void> {
    this.#sink(bytes);
  }

  override writeNow(bytes: Bytes): boolean {
    this.#sink(bytes);
    return true;
  }

  protected onClose(): void {
    this.#ended?.();
  }
}

/** The devices that need no kernel state. */
export class NullDevice extends OpenFile {
  readonly name: string;
  readonly #fill: string | undefined;
  readonly #full: boolean;
  #last: Bytes = NO_BYTES;

  constructor(device: "null" | "zero" | "full") {
    super();
    this.name = `/dev/${device}`;
    this.#fill = device === "null" ? undefined : "\0";
    this.#full = device === "full";
  }

  get readable(): boolean {
    return true;
  }

  *read(max: number): Task<Bytes> {
    if (this.#fill === undefined) return NO_BYTES;
    // One string for all reads of a size: who reads without end must not fill the memory we run in.
    if (this.#last.length !== max) this.#last = this.#fill.repeat(max) as Bytes;
    return this.#last;
  }

  *write(): Task<void> {
    this.writeNow();
  }

  override writeNow(): boolean {
    if (this.#full) throw new SysError("ENOSPC");
    return true;
  }

  protected onClose(): void {}
}

/** Random bytes from a seeded substream. */
export class RandomDevice extends OpenFile {
  readonly name = "/dev/urandom";
  readonly #byte: () => number;

  constructor(byte: () => number) {
    super();
    this.#byte = byte;
  }

  get readable(): boolean {
    return true;
  }

  *read(max: number): Task<Bytes> {
    let bytes = "";
    for (let at = 0; at < max; at += 4096) {
      const block = new Uint8Array(Math.min(4096, max - at));
      for (let i = 0; i < block.length; i++) block[i] = this.#byte();
      bytes += String.fromCharCode(...block);
    }
    return bytes as Bytes;
  }

  *write(): Task<void> {}

  protected onClose(): void {}
}
