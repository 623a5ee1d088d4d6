/** Sizes for people and back, as docker's go-units does: "187MB", "1.5GiB". */
import { failure, ok, type Result } from "../base/result";
import { formatG } from "./strconv";

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** units.HumanSize: four significant digits, powers of 1000. */
export const humanSize = (bytes: number): string => humanSizeWithPrecision(bytes, 4);

/** units.HumanSizeWithPrecision: what tables of images and layers use, with 3. */
export function humanSizeWithPrecision(bytes: number, precision: number): string {
  return scaled(bytes, 1000, DECIMAL, precision);
}

/** units.BytesSize: four significant digits, powers of 1024. */
export const bytesSize = (bytes: number): string => scaled(bytes, 1024, BINARY, 4);

function scaled(bytes: number, base: number, units: readonly string[], precision: number): string {
  let size = bytes;
  let i = 0;
  while (size >= base && i < units.length - 1) {
    size /= base;
    i++;
  }
  return formatG(size, precision) + units[i]!;
}

/** units.FromHumanSize: "10MB" with powers of 1000. */
export const fromHumanSize = (text: string): Result<number, string> => parseSize(text, 1000);

/** units.RAMInBytes: "512m" with powers of 1024. */
export const ramInBytes = (text: string): Result<number, string> => parseSize(text, 1024);

const invalid = (text: string): Result<number, string> => failure(`invalid size: '${text}'`);

function parseSize(text: string, base: number): Result<number, string> {
  // The number ends at the last digit, point or space.
  let split = -1;
  for (let i = text.length - 1; i >= 0 && split < 0; i--) if (/[0-9. ]/.test(text[i]!)) split = i;
  if (split < 0) return invalid(text);
  const number = text[split] === " " ? text.slice(0, split) : text.slice(0, split + 1);
  const suffix = text.slice(split + 1).toLowerCase();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number)) {
    return failure(`strconv.ParseFloat: parsing "${number}": invalid syntax`);
  }
  const size = Number(number);
  if (size < 0) return invalid(text);
  if (suffix === "" || suffix === "b") return ok(Math.trunc(size));
  const power = "kmgtp".indexOf(suffix[0]!);
  const tail = suffix.slice(1);
  if (power < 0 || !["", "b", "ib"].includes(tail))
    return failure(`invalid suffix: '${suffix.length > 3 ? text.slice(split + 1) : suffix}'`);
  return ok(Math.trunc(size * base ** (power + 1)));
}
