/**
 * Bytes of files, pipes and terminals, as a *byte string*: every UTF-16 code unit is one byte (0–255). Immutable,
 * cheap to slice, search, compare and hash, and held one byte a unit by the engines. Text that is to be shown or
 * measured in characters is decoded at the edge. The brand keeps the two apart in the type system.
 */
export type Bytes = string & { readonly __bytes: unique symbol };

export const NO_BYTES = "" as Bytes;

/** UTF-8 encodes text. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Bytes {
  if (/^[\x00-\x7f]*$/.test(text)) return text as Bytes;
  let out = "";
  for (const ch of text) {
    let c = ch.codePointAt(0)!;
    if (c >= 0xd800 && c <= 0xdfff) c = 0xfffd;
    if (c < 0x80) out += ch;
    else if (c < 0x800) out += String.fromCharCode(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) out += String.fromCharCode(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else out += String.fromCharCode(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return out as Bytes;
}

/** Decodes UTF-8; each byte of a malformed sequence becomes U+FFFD. */
export function decodeUtf8(bytes: Bytes): string {
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  let out = "";
  let i = 0;
  while (i < bytes.length) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      out += "\ufffd";
      i++;
      continue;
    }
    const b = bytes.charCodeAt(i);
    let code = length === 1 ? b : b & (0xff >> (length + 1));
    for (let k = 1; k < length; k++) code = (code << 6) | (bytes.charCodeAt(i + k) & 63);
    out += String.fromCodePoint(code);
    i += length;
  }
  return out;
}

/** The length of the well-formed UTF-8 sequence at `i`, or 0. */
function sequenceLength(bytes: string, i: number): number {
  const b = bytes.charCodeAt(i);
  if (b < 0x80) return 1;
  const length = b >= 0xc2 && b <= 0xdf ? 2 : b >= 0xe0 && b <= 0xef ? 3 : b >= 0xf0 && b <= 0xf4 ? 4 : 0;
  for (let k = 1; k < length; k++) if ((bytes.charCodeAt(i + k) & 0xc0) !== 0x80) return 0;
  if (length === 3) {
    const second = bytes.charCodeAt(i + 1);
    if ((b === 0xe0 && second < 0xa0) || (b === 0xed && second > 0x9f)) return 0;
  }
  if (length === 4) {
    const second = bytes.charCodeAt(i + 1);
    if ((b === 0xf0 && second < 0x90) || (b === 0xf4 && second > 0x8f)) return 0;
  }
  return length;
}

/** Decodes a stream of chunks, keeping an unfinished sequence for the next chunk. */
export class Utf8Decoder {
  #rest = "";

  push(chunk: Bytes): string {
    const bytes = this.#rest + chunk;
    let end = bytes.length;
    // At most three bytes can be an unfinished tail.
    for (let back = 1; back <= 3 && back <= bytes.length; back++) {
      const b = bytes.charCodeAt(bytes.length - back);
      if (b < 0x80) break;
      if (b >= 0xc0) {
        const need = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
        if (need > back) end = bytes.length - back;
        break;
      }
    }
    this.#rest = bytes.slice(end);
    return decodeUtf8(bytes.slice(0, end) as Bytes);
  }

  flush(): string {
    const rest = this.#rest;
    this.#rest = "";
    return decodeUtf8(rest as Bytes);
  }
}

export function bytesFromArray(array: ArrayLike<number>): Bytes {
  let out = "";
  for (let i = 0; i < array.length; i += 8192) {
    out += String.fromCharCode(...Array.prototype.slice.call(array, i, i + 8192));
  }
  return out as Bytes;
}

export function bytesToArray(bytes: Bytes): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes.charCodeAt(i);
  return out;
}
