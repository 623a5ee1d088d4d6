/** Quoting: text as shell source again, and escapes as text. */

/** As `printf %q` and `declare -p` name plain words. */
export function quoteForReuse(text: string): string {
  if (text === "") return "''";
  if (/[\x00-\x1f\x7f]/.test(text)) return ansiQuote(text);
  return text
    .replace(/[^A-Za-z0-9_@%+:.,/=\u0080-\uffff-]/g, "\\$&")
    .replace(/^=|^(?=~)/, (ch) => (ch === "=" ? "=" : ""));
}

/** `'…'`, as `set -x`, `alias` and `${x@Q}` print. */
export function singleQuote(text: string): string {
  if (/[\x00-\x1f\x7f]/.test(text)) return ansiQuote(text);
  return `'${text.replace(/'/g, "'\\''")}'`;
}

/** `"…"`, as `declare -p` prints. */
export function doubleQuote(text: string): string {
  if (/[\x00-\x08\x0b-\x1f\x7f]|[\n\t]/.test(text)) return ansiQuote(text);
  return `"${text.replace(/["\\$`]/g, "\\$&")}"`;
}

/** What `set -x` prints for a word: bare when it needs no quotes. */
export function traceQuote(text: string): string {
  if (text === "") return "''";
  if (/[\x00-\x1f\x7f]/.test(text)) return ansiQuote(text);
  return /[\s'"\\|&;()<>!{}*[\]?^$`]|^[#~]/.test(text) ? singleQuote(text) : text;
}

function ansiQuote(text: string): string {
  const names: Record<string, string> = {
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\x07": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
    "\x1b": "\\E",
    "\\": "\\\\",
    "'": "\\'",
  };
  const body = text.replace(
    /[\x00-\x1f\x7f\\']/g,
    (ch) => names[ch] ?? `\\${ch.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `$'${body}'`;
}

/**
 * Escapes of `echo -e` and printf's `%b` and format, as bytes (one unit each) so that `\xff` is one byte. `octal0`
 * wants a zero before octal digits, as echo does. `stop` is set when `\c` ended the output.
 */
export function interpretEscapes(bytes: string, octal0: boolean): { readonly text: string; readonly stop: boolean } {
  let out = "";
  for (let i = 0; i < bytes.length; i++) {
    const ch = bytes[i]!;
    if (ch !== "\\" || i + 1 >= bytes.length) {
      out += ch;
      continue;
    }
    const next = bytes[++i]!;
    switch (next) {
      case "n":
        out += "\n";
        break;
      case "t":
        out += "\t";
        break;
      case "r":
        out += "\r";
        break;
      case "a":
        out += "\x07";
        break;
      case "b":
        out += "\b";
        break;
      case "e":
      case "E":
        out += "\x1b";
        break;
      case "f":
        out += "\f";
        break;
      case "v":
        out += "\v";
        break;
      case "\\":
        out += "\\";
        break;
      case "c":
        return { text: out, stop: true };
      case "x": {
        const hex = /^[0-9a-fA-F]{1,2}/.exec(bytes.slice(i + 1));
        if (!hex) out += "\\x";
        else {
          out += String.fromCharCode(Number.parseInt(hex[0], 16));
          i += hex[0].length;
        }
        break;
      }
      case "u":
      case "U": {
        const hex = (next === "u" ? /^[0-9a-fA-F]{1,4}/ : /^[0-9a-fA-F]{1,8}/).exec(bytes.slice(i + 1));
        if (!hex) out += `\\${next}`;
        else {
          out += utf8(Number.parseInt(hex[0], 16));
          i += hex[0].length;
        }
        break;
      }
      default: {
        const rest = bytes.slice(i);
        const octal = octal0 ? /^0([0-7]{0,3})/.exec(rest) : /^([0-7]{1,3})/.exec(rest);
        if (octal) {
          out += String.fromCharCode(Number.parseInt(octal[1] || "0", 8) & 255);
          i += octal[0].length - 1;
        } else out += `\\${next}`;
      }
    }
  }
  return { text: out, stop: false };
}

function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 63));
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  return String.fromCharCode(
    0xf0 | (code >> 18),
    0x80 | ((code >> 12) & 63),
    0x80 | ((code >> 6) & 63),
    0x80 | (code & 63),
  );
}
