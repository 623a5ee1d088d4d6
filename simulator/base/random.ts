/**
 * Seeded chance. Every user takes a named substream, so that one more draw in one place moves no other place.
 * Generator: sfc32, state seeded by hashing seed and name.
 */
import { fnv1a, hexDigit } from "./hash";

export class Random {
  readonly #seed: string;
  readonly #streams = new Map<string, Random>();
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = fnv1a(`${seed}/a`);
    this.#b = fnv1a(`${seed}/b`);
    this.#c = fnv1a(`${seed}/c`);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** The substream of this name; the same one every time it is asked for. */
  stream(name: string): Random {
    let stream = this.#streams.get(name);
    if (!stream) {
      stream = new Random(`${this.#seed}/${name}`);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** In [0, 1). */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in [min, max], both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }

  /** `length` lower-case hex digits. */
  hex(length: number): string {
    return String.fromCharCode(...this.#hexCodes(length));
  }

  /** Kubernetes' utilrand.String: the alphabet without vowels and look-alikes (apimachinery/pkg/util/rand). */
  suffix(length = 5): string {
    const codes: number[] = [];
    for (let i = 0; i < length; i++) codes.push(ALPHANUMS.charCodeAt(this.integer(0, ALPHANUMS.length - 1)));
    return String.fromCharCode(...codes);
  }

  /** A version 4 UUID. */
  uuid(): string {
    const codes = this.#hexCodes(32);
    codes[12] = "4".charCodeAt(0);
    codes[16] = "89ab".charCodeAt(this.integer(0, 3));
    for (const at of [8, 13, 18, 23]) codes.splice(at, 0, "-".charCodeAt(0));
    return String.fromCharCode(...codes);
  }

  /** Text is made at once of its codes: one put together piece by piece is kept as a tree of its pieces. */
  #hexCodes(length: number): number[] {
    const codes: number[] = [];
    while (codes.length < length) {
      const word = this.uint32();
      for (let shift = 28; shift >= 0; shift -= 4) codes.push(hexDigit((word >>> shift) & 15));
    }
    codes.length = length;
    return codes;
  }
}

const ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789";
