/** Hashes: a fast rolling one for state, and SHA-256 (a library's) for digests and ids. Not for secrets. */
import { sha256 } from "@noble/hashes/sha2.js";

const FNV_PRIME = 0x01000193;

/** 32-bit FNV-1a over UTF-16 code units. */
export function fnv1a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, FNV_PRIME);
  }
  return hash >>> 0;
}

/** A running 53-bit-ish hash made of two 32-bit lanes: cheap to feed, good enough to tell two runs apart. */
export class RollingHash {
  #a = 0x811c9dc5;
  #b = 0xc9dc5811;

  feed(text: string): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, FNV_PRIME);
      b = Math.imul(b ^ c, 0x85ebca6b);
      b = (b << 13) | (b >>> 19);
    }
    // A separator, so that feeding "ab","c" differs from "a","bc".
    this.#a = Math.imul(a ^ 0xff, FNV_PRIME);
    this.#b = Math.imul(b ^ 0xff, 0xc2b2ae35);
  }

  digest(): string {
    return hex32(this.#a) + hex32(this.#b);
  }
}

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");

/** Lower-case hex SHA-256 of a byte string (each code unit is a byte, 0–255). */
export function sha256Hex(bytes: string): string {
  const input = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) input[i] = bytes.charCodeAt(i);
  const digest = sha256(input);
  // Codes first and the text at once: text put together letter by letter is kept as a tree of its letters.
  const codes: number[] = [];
  for (let i = 0; i < digest.length; i++) codes.push(hexDigit(digest[i]! >> 4), hexDigit(digest[i]! & 15));
  return String.fromCharCode(...codes);
}

/** The code of a hex digit. */
export const hexDigit = (value: number): number => (value < 10 ? 48 : 87) + value;
