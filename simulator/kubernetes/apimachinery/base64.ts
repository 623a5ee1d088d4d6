/** Base64 of byte strings (RFC 4648), standard and URL-safe. */
import type { Bytes } from "../../base/bytes";

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export const encodeBase64 = (bytes: Bytes): string => encode(bytes, STANDARD, true);

/** URL-safe and without padding, as JSON Web Tokens use it. */
export const encodeBase64Url = (bytes: Bytes): string => encode(bytes, URL_SAFE, false);

function encode(bytes: Bytes, alphabet: string, padded: boolean): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const n = (bytes.charCodeAt(i) << 16) | ((bytes.charCodeAt(i + 1) || 0) << 8) | (bytes.charCodeAt(i + 2) || 0);
    const left = bytes.length - i;
    out += alphabet[n >> 18]! + alphabet[(n >> 12) & 63]!;
    if (left > 1) out += alphabet[(n >> 6) & 63]!;
    else if (padded) out += "=";
    if (left > 2) out += alphabet[n & 63]!;
    else if (padded) out += "=";
  }
  return out;
}

/** Decodes either alphabet; undefined when the text is malformed. */
export function decodeBase64(text: string): Bytes | undefined {
  const clean = text.replace(/[\r\n]/g, "").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/_-]*$/.test(clean) || clean.length % 4 === 1) return undefined;
  let out = "";
  let bits = 0;
  let value = 0;
  for (const ch of clean) {
    const digit = ch === "-" ? 62 : ch === "_" ? 63 : STANDARD.indexOf(ch);
    value = (value << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((value >> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  return out as Bytes;
}
