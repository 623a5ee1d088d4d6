/** JSON values as jq keeps them: objects are Maps, so that keys stay in the order they came. */

export type Json = null | boolean | number | string | Json[] | JsonMap;
export interface JsonMap extends Map<string, Json> {}

export class JsonSyntaxError {
  constructor(
    readonly message: string,
    readonly line: number,
    readonly column: number,
  ) {}
}

/** Reads the values that stand one after the other in a text. */
export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): { readonly value: Json } | undefined {
    this.#space();
    if (this.#at >= this.#text.length) return undefined;
    return { value: this.#value() };
  }

  #space(): void {
    while (this.#at < this.#text.length && /[\s\ufeff]/.test(this.#text[this.#at]!)) this.#at++;
  }

  #fail(message: string): never {
    const before = this.#text.slice(0, this.#at);
    throw new JsonSyntaxError(message, before.split("\n").length, this.#at - before.lastIndexOf("\n") - 1);
  }

  #value(): Json {
    const ch = this.#text[this.#at];
    if (ch === "{") return this.#object();
    if (ch === "[") return this.#array();
    if (ch === '"') return this.#string();
    const word = /^(?:true|false|null|nan|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])/.exec(
      this.#text.slice(this.#at, this.#at + 400),
    );
    if (!word) {
      this.#at = Math.min(
        this.#text.length,
        this.#at + (/^[\w.+-]+/.exec(this.#text.slice(this.#at))?.[0].length ?? 0) + 1,
      );
      this.#fail(ch === undefined ? "Unfinished JSON term at EOF" : "Invalid numeric literal");
    }
    this.#at += word![0].length;
    if (word![0] === "true") return true;
    if (word![0] === "false") return false;
    if (word![0] === "null" || word![0] === "nan") return null;
    return Number(word![0]);
  }

  #object(): Json {
    const map: JsonMap = new Map();
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return map;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"')
        this.#fail(this.#at >= this.#text.length ? "Unfinished JSON term at EOF" : "Object keys must be strings");
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":")
        this.#fail(
          this.#at >= this.#text.length ? "Unfinished JSON term at EOF" : "Objects must consist of key:value pairs",
        );
      this.#at++;
      this.#space();
      map.set(key, this.#value());
      this.#space();
      const ch = this.#text[this.#at];
      if (ch === ",") this.#at++;
      else if (ch === "}") {
        this.#at++;
        return map;
      } else this.#fail(ch === undefined ? "Unfinished JSON term at EOF" : "Expected separator between values");
    }
  }

  #array(): Json {
    const list: Json[] = [];
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return list;
    }
    for (;;) {
      this.#space();
      list.push(this.#value());
      this.#space();
      const ch = this.#text[this.#at];
      if (ch === ",") this.#at++;
      else if (ch === "]") {
        this.#at++;
        return list;
      } else this.#fail(ch === undefined ? "Unfinished JSON term at EOF" : "Expected separator between values");
    }
  }

  #string(): string {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    if (end >= this.#text.length) {
      this.#at = this.#text.length;
      this.#fail("Unfinished string");
    }
    const source = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    try {
      return JSON.parse(
        source.replace(/[\x00-\x1f]/g, (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`),
      ) as string;
    } catch {
      return this.#fail("Invalid escape");
    }
  }
}

export interface PrintOptions {
  /** Spaces for each level, "\t", or undefined for one line. */
  readonly indent: string | undefined;
  readonly sortKeys: boolean;
  readonly color: boolean;
  readonly ascii: boolean;
}

const COLORS = {
  null: "1;30",
  false: "0;39",
  true: "0;39",
  number: "0;39",
  string: "0;32",
  array: "1;39",
  object: "1;39",
  key: "34;1",
} as const;

export function printJson(value: Json, options: PrintOptions, depth = 0): string {
  const paint = (kind: keyof typeof COLORS, text: string): string =>
    options.color ? `\x1b[${COLORS[kind]}m${text}\x1b[0m` : text;
  if (value === null) return paint("null", "null");
  if (typeof value === "boolean") return paint(value ? "true" : "false", String(value));
  if (typeof value === "number") return paint("number", printNumber(value));
  if (typeof value === "string") return paint("string", printString(value, options.ascii));
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const kind = Array.isArray(value) ? "array" : "object";
  const items = Array.isArray(value)
    ? value.map((item) => printJson(item, options, depth + 1))
    : (options.sortKeys ? [...value.keys()].sort() : [...value.keys()]).map(
        (key) =>
          `${paint("key", printString(key, options.ascii))}${paint(kind, ":")}${options.indent === undefined ? "" : " "}${printJson(value.get(key)!, options, depth + 1)}`,
      );
  if (items.length === 0) return paint(kind, open + close);
  if (options.indent === undefined) return paint(kind, open) + items.join(paint(kind, ",")) + paint(kind, close);
  const pad = `\n${options.indent.repeat(depth + 1)}`;
  return (
    paint(kind, open) +
    pad +
    items.join(paint(kind, ",") + pad) +
    `\n${options.indent.repeat(depth)}` +
    paint(kind, close)
  );
}

function printNumber(value: number): string {
  if (Number.isNaN(value)) return "null";
  if (!Number.isFinite(value)) return value > 0 ? "1.7976931348623157e+308" : "-1.7976931348623157e+308";
  if (Object.is(value, -0)) return "-0";
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return String(value);
  if (Math.abs(value) >= 1e17) return value.toExponential().replace(/e\+?(\d)$/, "e+0$1");
  return String(Number(value.toPrecision(17))).replace(
    /e\+?(-?)(\d+)$/,
    (_all, sign: string, digits: string) => `e${sign || "+"}${digits.padStart(2, "0")}`,
  );
}

const printString = (text: string, ascii: boolean): string => {
  const plain = JSON.stringify(text).replace(/\x7f/g, "\\u007f");
  return ascii
    ? plain.replace(/[\u0080-\uffff]/g, (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : plain;
};
