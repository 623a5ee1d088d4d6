/** base64, checksums, cmp, od, hexdump, xxd, dd. */
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha512 } from "@noble/hashes/sha2.js";
import { type Bytes, NO_BYTES, bytesToArray } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { type Tool, ToolFailure, type ToolRun } from "../tool";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function toBase64(bytes: string): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes.charCodeAt(i);
    const b = i + 1 < bytes.length ? bytes.charCodeAt(i + 1) : 0;
    const c = i + 2 < bytes.length ? bytes.charCodeAt(i + 2) : 0;
    out +=
      ALPHABET[a >> 2]! +
      ALPHABET[((a & 3) << 4) | (b >> 4)]! +
      (i + 1 < bytes.length ? ALPHABET[((b & 15) << 2) | (c >> 6)]! : "=") +
      (i + 2 < bytes.length ? ALPHABET[c & 63]! : "=");
  }
  return out;
}

/** The decoded bytes, and whether all of the text was valid. */
export function fromBase64(text: string): { readonly bytes: string; readonly valid: boolean } {
  let bytes = "";
  let bits = 0;
  let held = 0;
  let count = 0;
  let padding = 0;
  for (const ch of text) {
    if (ch === "=") {
      padding++;
      continue;
    }
    const value = ALPHABET.indexOf(ch);
    if (value < 0 || padding > 0) return { bytes, valid: false };
    held = (held << 6) | value;
    bits += 6;
    count++;
    if (bits >= 8) {
      bits -= 8;
      bytes += String.fromCharCode((held >> bits) & 255);
    }
  }
  return { bytes, valid: (count + padding) % 4 === 0 };
}

export const base64: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "diw:", long: { decode: "d", "ignore-garbage": "i", "wrap=": "w" } });
  let status = 0;
  const fine = yield* tool.inputs(options.operands, function* (_file, path) {
    const all = yield* tool.readAllOf(path);
    if (options.has("d")) {
      const clean = options.has("i") ? all.replace(/[^A-Za-z0-9+/=]/g, "") : all.replace(/\s/g, "");
      const { bytes, valid } = fromBase64(clean);
      yield* tool.bytes(bytes);
      if (!valid) {
        yield* tool.error(tool.flavour === "gnu" ? "invalid input" : "truncated input");
        status = 1;
      }
      return;
    }
    const width = options.value("w") === undefined ? 76 : Number(options.value("w"));
    const text = toBase64(all);
    if (width === 0) yield* tool.bytes(text);
    else for (let at = 0; at < text.length; at += width) yield* tool.bytes(`${text.slice(at, at + width)}\n`);
  });
  return fine ? status : 1;
};

const hashes = { md5sum: md5, sha1sum: sha1, sha224sum: sha224, sha256sum: sha256, sha512sum: sha512 } as const;

export const checksum: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "bctwz",
    long: {
      binary: "b",
      check: "c",
      text: "t",
      tag: "tag",
      quiet: "q",
      status: "s",
      warn: "w",
      "ignore-missing": "im",
    },
  });
  const hash = hashes[tool.name as keyof typeof hashes];
  const digest = (bytes: Bytes): string =>
    [...hash(bytesToArray(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (options.has("c")) return yield* check(tool, options.operands, digest, options.has("q") || options.has("s"));
  const fine = yield* tool.inputs(options.operands, function* (_file, path) {
    const bytes = yield* tool.readAllOf(path);
    yield* tool.charge(bytes.length * 3);
    yield* tool.text(
      options.has("tag")
        ? `${tool.name.replace("sum", "").toUpperCase()} (${path}) = ${digest(bytes)}\n`
        : `${digest(bytes)} ${options.has("b") ? "*" : " "}${path}\n`,
    );
  });
  return fine ? 0 : 1;
};

function* check(tool: Tool, paths: readonly string[], digest: (bytes: Bytes) => string, quiet: boolean): Task<number> {
  let failed = 0;
  let missing = 0;
  for (const list of paths.length ? paths : ["-"]) {
    for (const line of (yield* tool.readAllOf(list)).split("\n").filter(Boolean)) {
      const match = /^([0-9a-f]+) [ *](.*)$/.exec(line);
      if (!match) continue;
      try {
        const same = digest(yield* tool.readAllOf(match[2]!)) === match[1];
        if (!same) failed++;
        if (!quiet || !same) yield* tool.text(`${match[2]}: ${same ? "OK" : "FAILED"}\n`);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        missing++;
        yield* tool.error(`${match[2]}: ${error.text}`);
        yield* tool.text(`${match[2]}: FAILED open or read\n`);
      }
    }
  }
  if (missing > 0) yield* tool.error(`WARNING: ${missing} listed file${missing > 1 ? "s" : ""} could not be read`);
  if (failed > 0) yield* tool.error(`WARNING: ${failed} computed checksum${failed > 1 ? "s" : ""} did NOT match`);
  return failed + missing > 0 ? 1 : 0;
}

export const cmp: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const options = yield* tool.options({
    short: "bi:ln:s",
    long: { silent: "s", quiet: "s", verbose: "l", "bytes=": "n" },
  });
  const [first, second = "-"] = options.operands;
  if (first === undefined) yield* tool.usage("missing operand after 'cmp'", 2);
  const pair: Bytes[] = [];
  for (const path of [first!, second]) {
    try {
      pair.push(yield* tool.readAllOf(path));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (!options.has("s")) yield* tool.error(`${path}: ${error.text}`);
      return 2;
    }
  }
  const limit = options.value("n") === undefined ? Number.POSITIVE_INFINITY : Number(options.value("n"));
  const [a, b] = [pair[0]!.slice(0, limit), pair[1]!.slice(0, limit)];
  const size = Math.min(a.length, b.length);
  let differs = false;
  for (let i = 0; i < size; i++) {
    if (a[i] === b[i]) continue;
    if (options.has("s")) return 1;
    if (!options.has("l")) {
      yield* tool.text(
        `${first} ${second} differ: ${tool.flavour === "gnu" ? "byte" : "char"} ${i + 1}, line ${a.slice(0, i).split("\n").length}\n`,
      );
      return 1;
    }
    differs = true;
    yield* tool.text(
      `${String(i + 1).padStart(String(size).length)} ${a.charCodeAt(i).toString(8).padStart(3)} ${b.charCodeAt(i).toString(8).padStart(3)}\n`,
    );
  }
  if (a.length !== b.length) {
    const shorter = a.length < b.length ? first! : second;
    if (!options.has("s"))
      yield* tool.error(
        size === 0
          ? `EOF on ${tool.quote(shorter)} which is empty`
          : `EOF on ${tool.quote(shorter)} after byte ${size}, ${a.slice(0, size).endsWith("\n") ? `line ${a.slice(0, size).split("\n").length - 1}` : `in line ${a.slice(0, size).split("\n").length}`}`,
      );
    return 1;
  }
  return differs ? 1 : 0;
};

const printable = (byte: number): string => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".");
const hex = (n: number, width: number): string => n.toString(16).padStart(width, "0");

function* gather(tool: Tool, paths: readonly string[]): Task<string> {
  let all = "";
  const fine = yield* tool.inputs(paths, function* (_file, path) {
    all += yield* tool.readAllOf(path);
  });
  if (!fine) throw new ToolFailure(1);
  return all;
}

export const od: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "A:abcdfij:lN:ost:vw::x",
    long: {
      "address-radix=": "A",
      "skip-bytes=": "j",
      "read-bytes=": "N",
      "format=": "t",
      "output-duplicates": "v",
      "width=?": "w",
    },
  });
  const skip = Number(options.value("j") ?? 0);
  const limit = options.value("N") === undefined ? undefined : skip + Number(options.value("N"));
  const all = (yield* gather(tool, options.operands)).slice(skip, limit);
  const radix = options.value("A") ?? "o";
  const type = options.has("c")
    ? "c"
    : options.has("x")
      ? "x2"
      : options.has("b")
        ? "o1"
        : options.has("d")
          ? "u2"
          : options.has("a")
            ? "a"
            : (options.value("t") ?? "o2");
  const width = Number(options.value("w") ?? 16) || 16;
  const address = (at: number): string =>
    radix === "n"
      ? ""
      : radix === "x"
        ? hex(at, 6)
        : radix === "d"
          ? String(at).padStart(7, "0")
          : at.toString(8).padStart(7, "0");
  const match = /^([acdoux])(\d*)(z?)/.exec(type);
  const kind = match?.[1] ?? "o";
  const size = kind === "a" || kind === "c" ? 1 : Number(match?.[2] || 4);
  const escapes: Record<number, string> = {
    0: "\\0",
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
  };
  const names = [
    "nul",
    "soh",
    "stx",
    "etx",
    "eot",
    "enq",
    "ack",
    "bel",
    "bs",
    "ht",
    "nl",
    "vt",
    "ff",
    "cr",
    "so",
    "si",
    "dle",
    "dc1",
    "dc2",
    "dc3",
    "dc4",
    "nak",
    "syn",
    "etb",
    "can",
    "em",
    "sub",
    "esc",
    "fs",
    "gs",
    "rs",
    "us",
    "sp",
  ];
  const cell = (at: number): string => {
    if (kind === "c") {
      const byte = all.charCodeAt(at);
      return (
        escapes[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, "0"))
      ).padStart(4);
    }
    if (kind === "a") {
      const byte = all.charCodeAt(at) & 127;
      return (byte <= 32 ? names[byte]! : byte === 127 ? "del" : String.fromCharCode(byte)).padStart(4);
    }
    let value = 0n;
    for (let i = size - 1; i >= 0; i--)
      value = (value << 8n) | BigInt(at + i < all.length ? all.charCodeAt(at + i) : 0);
    if (kind === "x") return ` ${value.toString(16).padStart(size * 2, "0")}`;
    if (kind === "o") return ` ${value.toString(8).padStart(Math.ceil((size * 8) / 3), "0")}`;
    const digits = [0, 4, 6, 0, 11, 0, 0, 0, 21][size] ?? 11;
    if (kind === "d")
      return String(BigInt.asIntN(size * 8, value)).padStart(digits + (size === 1 ? 1 : size === 2 ? 1 : 1));
    return String(value).padStart(size === 1 ? 4 : size === 2 ? 6 : size === 4 ? 11 : 21);
  };
  let before: string | undefined;
  let starred = false;
  for (let at = 0; at < all.length; at += width) {
    const piece = all.slice(at, at + width);
    if (!options.has("v") && piece.length === width && piece === before) {
      if (!starred) yield* tool.bytes("*\n");
      starred = true;
      continue;
    }
    starred = false;
    before = piece;
    let row = "";
    for (let i = 0; i < piece.length; i += size) row += cell(at + i);
    yield* tool.bytes(
      `${address(at + skip)}${row}${match?.[3] ? `  >${[...piece].map((ch) => printable(ch.charCodeAt(0))).join("")}<` : ""}\n`,
    );
  }
  if (radix !== "n") yield* tool.bytes(`${address(skip + all.length)}\n`);
  return 0;
};

export const hexdump: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "Cbcdn:s:vxe:" });
  const skip = Number(options.value("s") ?? 0);
  const all = (yield* gather(tool, options.operands)).slice(
    skip,
    options.value("n") === undefined ? undefined : skip + Number(options.value("n")),
  );
  const canonical = options.has("C") || tool.name === "hd";
  let before: string | undefined;
  let starred = false;
  for (let at = 0; at < all.length; at += 16) {
    const piece = all.slice(at, at + 16);
    if (!options.has("v") && piece.length === 16 && piece === before) {
      if (!starred) yield* tool.bytes("*\n");
      starred = true;
      continue;
    }
    starred = false;
    before = piece;
    if (canonical) {
      const cells = [...piece].map((ch) => hex(ch.charCodeAt(0), 2));
      yield* tool.bytes(
        `${hex(at + skip, 8)}  ${`${cells.slice(0, 8).join(" ").padEnd(23)}  ${cells.slice(8).join(" ").padEnd(23)}`}  |${[...piece].map((ch) => printable(ch.charCodeAt(0))).join("")}|\n`,
      );
    } else {
      let row = "";
      for (let i = 0; i < 16; i += 2)
        row +=
          i < piece.length
            ? ` ${hex(((i + 1 < piece.length ? piece.charCodeAt(i + 1) : 0) << 8) | piece.charCodeAt(i), 4)}`
            : "     ";
      yield* tool.bytes(`${hex(at + skip, 7)}${row}\n`);
    }
  }
  if (all.length > 0) yield* tool.bytes(`${hex(skip + all.length, canonical ? 8 : 7)}\n`);
  return 0;
};

export const xxd: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "abc:eg:il:prs:u" });
  const input = options.operands.slice(0, 1);
  const all = (yield* gather(tool, input)).slice(
    Number(options.value("s") ?? 0),
    options.value("l") === undefined ? undefined : Number(options.value("s") ?? 0) + Number(options.value("l")),
  );
  if (options.has("r")) {
    const digits = options.has("p")
      ? all.replace(/\s/g, "")
      : all
          .split("\n")
          .map((line) =>
            line
              .replace(/^[0-9a-f]+: /, "")
              .split("  ")[0]!
              .replace(/\s/g, ""),
          )
          .join("");
    let out = "";
    for (let i = 0; i + 1 < digits.length; i += 2)
      out += String.fromCharCode(Number.parseInt(digits.slice(i, i + 2), 16));
    yield* tool.bytes(out);
    return 0;
  }
  const upper = (text: string): string => (options.has("u") ? text.toUpperCase() : text);
  if (options.has("p")) {
    const perRow = Number(options.value("c") ?? 30);
    for (let at = 0; at < all.length; at += perRow)
      yield* tool.bytes(`${upper([...all.slice(at, at + perRow)].map((ch) => hex(ch.charCodeAt(0), 2)).join(""))}\n`);
    return 0;
  }
  const perRow = Number(options.value("c") ?? 16);
  const group = Number(options.value("g") ?? 2) || perRow;
  for (let at = 0; at < all.length; at += perRow) {
    const piece = all.slice(at, at + perRow);
    let row = "";
    for (let i = 0; i < perRow; i++) {
      if (i > 0 && i % group === 0) row += " ";
      row += i < piece.length ? hex(piece.charCodeAt(i), 2) : "  ";
    }
    yield* tool.bytes(
      `${hex(at, 8)}: ${upper(row)}  ${[...piece].map((ch) => printable(ch.charCodeAt(0))).join("")}\n`,
    );
  }
  return 0;
};

const ddSize = (text: string): number => {
  const match = /^(\d+)([a-zA-Z]*)$/.exec(text);
  return match
    ? Number(match[1]) *
        ({
          "": 1,
          c: 1,
          w: 2,
          b: 512,
          kB: 1000,
          K: 1024,
          k: 1024,
          KB: 1000,
          KiB: 1024,
          MB: 1e6,
          M: 1 << 20,
          m: 1 << 20,
          MiB: 1 << 20,
          GB: 1e9,
          G: 1 << 30,
          GiB: 1 << 30,
        }[match[2]!] ?? 1)
    : Number.NaN;
};

export const dd: ToolRun = function* (tool) {
  const operands = new Map<string, string>();
  for (const arg of tool.args) {
    const at = arg.indexOf("=");
    if (at < 0) yield* tool.usage(`unrecognized operand ${tool.quote(arg)}`);
    operands.set(arg.slice(0, at), arg.slice(at + 1));
  }
  const { process } = tool;
  const block = ddSize(operands.get("bs") ?? operands.get("ibs") ?? "512");
  const count = operands.get("count") === undefined ? Number.POSITIVE_INFINITY : ddSize(operands.get("count")!);
  if (Number.isNaN(block) || Number.isNaN(count))
    yield* tool.fail(
      `invalid number: ${tool.quote(String(Number.isNaN(block) ? operands.get("bs") : operands.get("count")))}`,
    );
  const input = operands.get("if");
  const output = operands.get("of");
  const started = process.now();
  try {
    const from =
      input === undefined
        ? process.file(0)
        : process.kernel.openPath(process, process.path(input), { read: true, write: false });
    const notrunc = operands.get("conv")?.includes("notrunc") ?? false;
    const to =
      output === undefined
        ? undefined
        : process.kernel.openPath(process, process.path(output), {
            read: false,
            write: true,
            create: true,
            truncate: !notrunc,
          });
    from.retain();
    to?.retain();
    const skip = ddSize(operands.get("skip") ?? "0") * block;
    if (skip > 0) {
      try {
        from.seek(skip);
      } catch {
        for (let left = skip; left > 0; ) {
          const chunk = yield* from.read(left);
          if (chunk === NO_BYTES) break;
          left -= chunk.length;
        }
      }
    }
    const seek = ddSize(operands.get("seek") ?? "0") * block;
    if (seek > 0) to?.seek(seek);
    let full = 0;
    let partial = 0;
    let total = 0;
    while (full + partial < count) {
      const chunk = yield* tool.read(from, block);
      if (chunk === NO_BYTES) break;
      if (chunk.length === block) full++;
      else partial++;
      total += chunk.length;
      if (to) yield* to.write(chunk);
      else yield* tool.bytes(chunk);
    }
    from.release();
    to?.release();
    yield* tool.flush();
    // A disk's pace: 1 GB/s.
    yield* process.sleep(total / 1e6);
    const status = operands.get("status");
    if (status === "none") return 0;
    const seconds = Math.max(0.0001, (process.now() - started) / 1000);
    const records = `${full}+${partial} records in\n${full}+${partial} records out\n`;
    const human = total >= 1000 ? ` (${si(total)}, ${iec(total)})` : "";
    yield* process.printError(
      status === "noxfer"
        ? records
        : tool.flavour === "busybox"
          ? `${records}${total} bytes (${iec(total).replace("i", "")}) copied, ${seconds.toFixed(6)} seconds, ${iec(total / seconds).replace("iB", "B")}/s\n`
          : `${records}${total} byte${total === 1 ? "" : "s"}${human} copied, ${formatSeconds(seconds)} s, ${si(total / seconds)}/s\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    return yield* tool.fail(
      `failed to open '${input !== undefined && !process.fs.exists(process.path(input)) ? input : (output ?? input)}': ${error.text}`,
    );
  }
};

const formatSeconds = (seconds: number): string => Number(seconds.toPrecision(6)).toString();

function scaled(value: number, base: number, units: readonly string[]): string {
  let size = value;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

const si = (value: number): string => scaled(value, 1000, ["B", "kB", "MB", "GB", "TB"]);
const iec = (value: number): string => scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
