/** Base64 of byte strings (RFC 4648), standard and URL-safe. */
import { type Bytes, bytesFromArray } from "../../base/bytes";

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const EQUALS = "=".charCodeAt(0);

export const encodeBase64 = (bytes: Bytes): string => encode(bytes, STANDARD, true);

/** URL-safe and without padding, as JSON Web Tokens use it. */
export const encodeBase64Url = (bytes: Bytes): string => encode(bytes, URL_SAFE, false);

function encode(bytes: Bytes, alphabet: string, padded: boolean): string {
  // Codes first and the text at once: text put together letter by letter is kept as a tree of its letters.
  const codes: number[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const n = (bytes.charCodeAt(i) << 16) | ((bytes.charCodeAt(i + 1) || 0) << 8) | (bytes.charCodeAt(i + 2) || 0);
    const left = bytes.length - i;
    codes.push(alphabet.charCodeAt(n >> 18), alphabet.charCodeAt((n >> 12) & 63));
    if (left > 1) codes.push(alphabet.charCodeAt((n >> 6) & 63));
    else if (padded) codes.push(EQUALS);
    if (left > 2) codes.push(alphabet.charCodeAt(n & 63));
    else if (padded) codes.push(EQUALS);
  }
  return bytesFromArray(codes);
}

/** Decodes either alphabet; undefined when the text is malformed. */
export function decodeBase64(text: string): Bytes | undefined {
  const clean = text.replace(/[\r\n]/g, "").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/_-]*$/.test(clean) || clean.length % 4 === 1) return undefined;
  const codes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const ch of clean) {
    const digit = ch === "-" ? 62 : ch === "_" ? 63 : STANDARD.indexOf(ch);
    value = (value << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      codes.push((value >> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  return bytesFromArray(codes);
}
