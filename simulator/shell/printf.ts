/** printf's formats, for the builtin, the program and awk. */
import { type Bytes, encodeUtf8 } from "../base/bytes";
import { strftime } from "./strftime";
import { interpretEscapes, quoteForReuse } from "./quoting";

export interface PrintfResult {
  readonly bytes: Bytes;
  readonly errors: readonly string[];
}

const DIRECTIVE = /^%([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d*))?(?:hh|h|ll|l|q|L|j|z|t)?([diouxXeEfFgGaAcsbqn%]|\([^)]*\)T)/;

/** Formats as bash does: the format is used again while arguments are left. */
export function formatPrintf(format: string, args: readonly string[], now = 0): PrintfResult {
  const errors: string[] = [];
  const bytes = encodeUtf8(format);
  let out = "";
  let used = 0;
  const next = (): string | undefined => args[used++];
  do {
    const before = used;
    let i = 0;
    while (i < bytes.length) {
      const ch = bytes[i]!;
      if (ch === "\\") {
        const match = /^\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[\s\S])/.exec(
          bytes.slice(i),
        );
        const piece = match?.[0] ?? "\\";
        if (piece === '\\"' || piece === "\\'" || piece === "\\?") out += piece[1];
        else {
          const { text, stop } = interpretEscapes(piece, false);
          out += text;
          if (stop) return { bytes: out as Bytes, errors };
        }
        i += piece.length;
        continue;
      }
      if (ch !== "%") {
        let end = i;
        while (end < bytes.length && bytes[end] !== "%" && bytes[end] !== "\\") end++;
        out += bytes.slice(i, end);
        i = end;
        continue;
      }
      const match = DIRECTIVE.exec(bytes.slice(i));
      if (!match) {
        const bad = /^%[-+ #0']*\d*(?:\.\d*)?[hlqLjzt]*([\s\S])?/.exec(bytes.slice(i))!;
        errors.push(
          bad[1] === undefined ? `\`${bad[0]}': missing format character` : `\`${bad[1]}': invalid format character`,
        );
        return { bytes: out as Bytes, errors };
      }
      i += match[0].length;
      const verb = match[4]!;
      if (verb === "%") {
        out += "%";
        continue;
      }
      let flags = match[1]!;
      let width = match[2] === "*" ? toInteger(next() ?? "0", errors) : match[2] === undefined ? 0 : BigInt(match[2]);
      if (width < 0n) {
        flags += "-";
        width = -width;
      }
      const precision =
        match[3] === "*"
          ? Number(toInteger(next() ?? "0", errors))
          : match[3] === undefined
            ? undefined
            : Number(match[3] || 0);
      const rendered = render(
        verb,
        flags,
        precision !== undefined && precision < 0 ? undefined : precision,
        next(),
        errors,
        now,
      );
      if (rendered.stop) return { bytes: (out + rendered.text) as Bytes, errors };
      out += pad(
        rendered.text,
        Number(width),
        flags,
        rendered.numeric && (precision === undefined || !/[diouxX]/.test(verb)),
      );
    }
    if (used === before) break;
  } while (used < args.length);
  return { bytes: out as Bytes, errors };
}

function pad(text: string, width: number, flags: string, mayZero: boolean): string {
  // Widths count characters in a UTF-8 locale only for %s of dash; bash counts bytes.
  if (text.length >= width) return text;
  if (flags.includes("-")) return text.padEnd(width);
  if (flags.includes("0") && mayZero) {
    const sign = /^([-+ ]?(?:0[xX])?)/.exec(text)![1]!;
    return sign + text.slice(sign.length).padStart(width - sign.length, "0");
  }
  return text.padStart(width);
}

interface Rendered {
  readonly text: string;
  readonly numeric: boolean;
  readonly stop: boolean;
}

function render(
  verb: string,
  flags: string,
  precision: number | undefined,
  arg: string | undefined,
  errors: string[],
  now: number,
): Rendered {
  const plain = (text: string, numeric = false): Rendered => ({ text, numeric, stop: false });
  if (verb.startsWith("(")) {
    const seconds = arg === undefined || arg === "-1" || arg === "-2" ? now / 1000 : Number(arg);
    return plain(encodeUtf8(strftime(verb.slice(1, -2) || "%X", seconds * 1000)));
  }
  switch (verb) {
    case "s":
      return plain(precision === undefined ? encodeUtf8(arg ?? "") : encodeUtf8(arg ?? "").slice(0, precision));
    case "b": {
      const { text, stop } = interpretEscapes(encodeUtf8(arg ?? ""), true);
      return { text: precision === undefined ? text : text.slice(0, precision), numeric: false, stop };
    }
    case "q":
      return plain(encodeUtf8(quoteForReuse(arg ?? "")));
    case "c":
      return plain(encodeUtf8(arg ?? "").slice(0, 1));
    case "n":
      return plain("");
    case "d":
    case "i":
    case "o":
    case "u":
    case "x":
    case "X":
      return plain(formatInteger(verb, flags, precision, toInteger(arg ?? "0", errors)), true);
    default: {
      const value = toNumber(arg ?? "0", errors);
      return plain(formatFloat(verb, flags, precision, value), Number.isFinite(value));
    }
  }
}

export function formatInteger(verb: string, flags: string, precision: number | undefined, value: bigint): string {
  let digits: string;
  let sign = "";
  if (verb === "d" || verb === "i") {
    digits = (value < 0n ? -value : value).toString();
    sign = value < 0n ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
    if (flags.includes("'")) digits = digits.replace(/\B(?=(\d{3})+$)/g, "");
  } else {
    const unsigned = BigInt.asUintN(64, value);
    digits = unsigned.toString(verb === "o" ? 8 : verb === "u" ? 10 : 16);
    if (verb === "X") digits = digits.toUpperCase();
    if (flags.includes("#") && unsigned !== 0n)
      sign = verb === "o" ? "0" : verb === "x" ? "0x" : verb === "X" ? "0X" : "";
  }
  if (precision !== undefined) digits = precision === 0 && value === 0n ? "" : digits.padStart(precision, "0");
  return sign + digits;
}

/** C's %e, %f, %g. */
export function formatFloat(verb: string, flags: string, precision: number | undefined, value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const size = Math.abs(value);
  const isUpper = verb < "a";
  let text: string;
  if (!Number.isFinite(value)) text = Number.isNaN(value) ? "nan" : "inf";
  else {
    switch (verb.toLowerCase()) {
      case "e":
        text = exponential(size, precision ?? 6);
        break;
      case "g": {
        const digits = precision === 0 ? 1 : (precision ?? 6);
        const exponent = size === 0 ? 0 : Number(size.toExponential(Math.min(100, digits - 1)).split("e")[1]);
        if (exponent < -4 || exponent >= digits) text = exponential(size, digits - 1);
        else text = fixed(size, digits - 1 - exponent);
        if (!flags.includes("#")) text = text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1");
        break;
      }
      case "a":
        text = `0x${size.toString(16)}p+0`;
        break;
      default:
        text = fixed(size, precision ?? 6);
    }
  }
  return sign + (isUpper ? text.toUpperCase() : text);
}

function fixed(size: number, digits: number): string {
  if (size < 1e21) return size.toFixed(Math.min(100, Math.max(0, digits)));
  return BigInt(size).toString() + (digits > 0 ? `.${"0".repeat(digits)}` : "");
}

const exponential = (size: number, digits: number): string =>
  size.toExponential(Math.min(100, Math.max(0, digits))).replace(/e([+-])(\d)$/, "e$10$2");

function toInteger(text: string, errors: string[]): bigint {
  const quoted = /^['"]([\s\S])?/u.exec(text);
  if (quoted) return BigInt(quoted[1]?.codePointAt(0) ?? 0);
  const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
  if (!match) {
    if (text.trim() !== "") errors.push(`${text}: invalid number`);
    return 0n;
  }
  if (match[0].length !== text.length)
    errors.push(`${text}: invalid ${/^0[89]/.test(text) ? "octal number" : "number"}`);
  const digits = match[2]!;
  const value = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
  return match[1] === "-" ? -value : value;
}

function toNumber(text: string, errors: string[]): number {
  const quoted = /^['"]([\s\S])?/u.exec(text);
  if (quoted) return quoted[1]?.codePointAt(0) ?? 0;
  const match =
    /^\s*([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|0[xX][0-9a-fA-F]+|inf(?:inity)?|nan))/i.exec(text);
  if (!match) {
    if (text.trim() !== "") errors.push(`${text}: invalid number`);
    return 0;
  }
  if (match[0].length !== text.length) errors.push(`${text}: invalid number`);
  if (/inf/i.test(match[1]!)) return match[1]!.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(match[1]);
}
