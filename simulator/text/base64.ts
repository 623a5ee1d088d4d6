/** Base64 (RFC 4648, standard alphabet) of byte strings. */
import type { Bytes } from "../base/bytes";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Bytes): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const chunk = (bytes.charCodeAt(i) << 16) | ((bytes.charCodeAt(i + 1) || 0) << 8) | (bytes.charCodeAt(i + 2) || 0);
    out += ALPHABET[chunk >> 18]! + ALPHABET[(chunk >> 12) & 63]!;
    out += i + 1 < bytes.length ? ALPHABET[(chunk >> 6) & 63]! : "=";
    out += i + 2 < bytes.length ? ALPHABET[chunk & 63]! : "=";
  }
  return out;
}

/** Accepts the URL-safe alphabet too; characters that are neither end the text. */
export function decodeBase64(text: string): Bytes {
  let out = "";
  let bits = 0;
  let size = 0;
  for (const letter of text.replaceAll("-", "+").replaceAll("_", "/")) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) break;
    bits = (bits << 6) | value;
    size += 6;
    if (size >= 8) {
      size -= 8;
      out += String.fromCharCode((bits >> size) & 255);
      bits &= (1 << size) - 1;
    }
  }
  return out as Bytes;
}
