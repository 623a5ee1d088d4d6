/**
 * YAML as sigs.k8s.io/yaml prints it: sorted keys, sequences not indented under their key, libyaml's choice of quotes
 * and its folding of long scalars at column 80.
 */
import { formatFloat } from "./strconv";
import { readsAsString } from "./yaml-scalar";

const BEST_WIDTH = 80;
const BEST_INDENT = 2;

/** Prints one document, with a final newline. Members that are undefined are left out. */
export function printYaml(value: unknown): string {
  const printer = new Printer();
  printer.node(value, -1, "root");
  return printer.out.endsWith("\n") ? printer.out : `${printer.out}\n`;
}

type Place = "root" | "mapping" | "sequence" | "key";

class Printer {
  out = "";
  #column = 0;

  node(value: unknown, indent: number, place: Place): void {
    if (Array.isArray(value)) this.#sequence(value, indent, place);
    else if (typeof value === "object" && value !== null) {
      this.#mapping(value as Readonly<Record<string, unknown>>, indent, place);
    } else {
      if (place === "mapping") this.#put(" ");
      this.#scalar(value, indent, place === "key");
    }
  }

  #mapping(map: Readonly<Record<string, unknown>>, indent: number, place: Place): void {
    const keys = Object.keys(map)
      .filter((key) => map[key] !== undefined)
      .sort(yamlKeyOrder);
    if (keys.length === 0) this.#put(place === "mapping" ? " {}" : "{}");
    const inner = indent < 0 ? 0 : indent + BEST_INDENT;
    keys.forEach((key, i) => {
      // The first key of a mapping that is a sequence's item stands on the item's line.
      if (!(i === 0 && place !== "mapping")) this.#line(inner);
      if (key.length > 128 || key.includes("\n")) {
        this.#put("? ");
        this.#scalar(key, inner, false);
        this.#line(inner);
      } else this.#scalar(key, inner, true);
      this.#put(":");
      this.node(map[key], inner, "mapping");
    });
  }

  #sequence(items: readonly unknown[], indent: number, place: Place): void {
    if (items.length === 0) this.#put(place === "mapping" ? " []" : "[]");
    const inner = indent < 0 ? 0 : place === "mapping" ? indent : indent + BEST_INDENT;
    items.forEach((item, i) => {
      if (!(i === 0 && place !== "mapping")) this.#line(inner);
      this.#put("- ");
      this.node(item, inner, "sequence");
    });
  }

  #scalar(value: unknown, indent: number, isKey: boolean): void {
    if (typeof value !== "string") {
      this.#put(plainScalar(value));
      return;
    }
    const traits = analyze(value);
    const scalarIndent = indent < 0 ? BEST_INDENT : indent + BEST_INDENT;
    const style = chooseStyle(value, traits, isKey);
    if (style === "plain") this.#folded(value, scalarIndent, isKey, false);
    else if (style === "double") this.#doubleQuoted(value, scalarIndent, isKey);
    else if (style === "literal") this.#literal(value, scalarIndent);
    else {
      this.#put("'");
      this.#folded(value, scalarIndent, isKey, true);
      this.#put("'");
    }
  }

  /** Plain and single-quoted text: a single space past the best width becomes a line break. */
  #folded(value: string, indent: number, isKey: boolean, quoted: boolean): void {
    let spaces = false;
    let breaks = false;
    for (let i = 0; i < value.length; i++) {
      const ch = value[i]!;
      if (ch === " ") {
        const edge = quoted && (i === 0 || i === value.length - 1);
        if (!isKey && !spaces && this.#column > BEST_WIDTH && !edge && value[i + 1] !== " ") this.#line(indent);
        else this.#put(" ");
        spaces = true;
      } else if (isBreak(ch)) {
        if (!breaks && ch === "\n") this.#newline();
        this.#newline(ch);
        breaks = true;
      } else {
        if (breaks) this.#line(indent, true);
        this.#put(quoted && ch === "'" ? "''" : ch);
        spaces = false;
        breaks = false;
      }
    }
    if (quoted && breaks) this.#line(indent, true);
  }

  #doubleQuoted(value: string, indent: number, isKey: boolean): void {
    this.#put('"');
    let spaces = false;
    const runes = [...value];
    runes.forEach((ch, i) => {
      if (ch === " ") {
        if (!isKey && !spaces && this.#column > BEST_WIDTH && i > 0 && i < runes.length - 1) {
          this.#line(indent);
          if (runes[i + 1] === " ") this.#put("\\");
        } else this.#put(" ");
        spaces = true;
        return;
      }
      spaces = false;
      this.#put(isYamlPrintable(ch) && !isBreak(ch) && ch !== '"' && ch !== "\\" ? ch : escapeRune(ch));
    });
    this.#put('"');
  }

  #literal(value: string, indent: number): void {
    this.#put("|");
    if (value[0] === " " || isBreak(value[0]!)) this.#put(String(BEST_INDENT));
    if (!isBreak(value.at(-1)!)) this.#put("-");
    else if (value.length === 1 || isBreak(value.at(-2)!)) this.#put("+");
    for (const line of value.replace(/\n$/, "").split("\n")) {
      this.#newline();
      if (line !== "") this.#put(" ".repeat(indent) + line);
    }
  }

  #line(indent: number, broken = false): void {
    if (!broken && this.out !== "") this.#newline();
    this.#put(" ".repeat(indent));
  }

  #newline(ch = "\n"): void {
    this.out += ch;
    this.#column = 0;
  }

  #put(text: string): void {
    this.out += text;
    this.#column += text.length;
  }
}

function plainScalar(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number") {
    if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
    return Number.isFinite(value) ? formatFloat(value) : Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  }
  return String(value);
}

interface ScalarTraits {
  readonly multiline: boolean;
  readonly plainAllowed: boolean;
  readonly singleQuotedAllowed: boolean;
  readonly blockAllowed: boolean;
}

function chooseStyle(value: string, traits: ScalarTraits, isKey: boolean): "plain" | "single" | "double" | "literal" {
  if (isKey && traits.multiline) return "double";
  if (value.includes("\n")) return traits.blockAllowed && !isKey ? "literal" : "double";
  if (!readsAsString(value)) return "double";
  if (traits.plainAllowed) return "plain";
  return traits.singleQuotedAllowed ? "single" : "double";
}

/** libyaml's yaml_emitter_analyze_scalar, for block context. */
function analyze(value: string): ScalarTraits {
  if (value === "") return { multiline: false, plainAllowed: true, singleQuotedAllowed: true, blockAllowed: false };
  const runes = [...value];
  const last = runes.length - 1;
  let indicators = value.startsWith("---") || value.startsWith("...");
  let lineBreaks = false;
  let special = false;
  let edgeSpace = false;
  let trailingSpace = false;
  let breakSpace = false;
  let spaceBreak = false;
  let previous: "space" | "break" | "other" = "other";
  let afterBlank = true;
  runes.forEach((ch, i) => {
    const beforeBlank = i === last || isBlank(runes[i + 1]!);
    if (i === 0) {
      if ("#,[]{}&*!|>'\"%@`".includes(ch)) indicators = true;
      else if ("?:-".includes(ch) && beforeBlank) indicators = true;
    } else if (ch === ":" && beforeBlank) indicators = true;
    else if (ch === "#" && afterBlank) indicators = true;
    if (!isYamlPrintable(ch)) special = true;
    if (ch === " ") {
      if (i === 0 || i === last) edgeSpace = true;
      if (i === last) trailingSpace = true;
      if (previous === "break") breakSpace = true;
      previous = "space";
    } else if (isBreak(ch)) {
      lineBreaks = true;
      if (i === 0 || i === last) edgeSpace = true;
      if (previous === "space") spaceBreak = true;
      previous = "break";
    } else previous = "other";
    afterBlank = isBlank(ch);
  });
  const broken = spaceBreak || special;
  return {
    multiline: lineBreaks,
    plainAllowed: !(indicators || edgeSpace || breakSpace || broken || lineBreaks),
    singleQuotedAllowed: !(breakSpace || broken),
    blockAllowed: !(trailingSpace || broken),
  };
}

const isBreak = (ch: string): boolean => /[\n\r\u0085\u2028\u2029]/.test(ch);
const isBlank = (ch: string): boolean => ch === " " || ch === "\t" || isBreak(ch);

/** A tab is not printable to libyaml, which is why a ConfigMap with tabs is shown as one quoted line. */
function isYamlPrintable(ch: string): boolean {
  const c = ch.codePointAt(0)!;
  if (c < 0x7f) return c === 10 || c >= 0x20;
  return (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd && c !== 0xfeff) || c >= 0x10000;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\u0085": "\\N",
  "\u00a0": "\\_",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function escapeRune(ch: string): string {
  const known = ESCAPES[ch];
  if (known) return known;
  const c = ch.codePointAt(0)!;
  const hex = c.toString(16).toUpperCase();
  if (c <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return c <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** go-yaml's order of map keys: letters after everything else, runs of digits by their number. */
export function yamlKeyOrder(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] === y[i]) continue;
    const xLetter = /\p{L}/u.test(x[i]!);
    const yLetter = /\p{L}/u.test(y[i]!);
    if (xLetter && yLetter) return x[i]! < y[i]! ? -1 : 1;
    if (xLetter || yLetter) return yLetter ? -1 : 1;
    return compareDigits(x, y, i);
  }
  return x.length - y.length;
}

function compareDigits(x: readonly string[], y: readonly string[], i: number): number {
  let xNumber = 0;
  let yNumber = 0;
  if (x[i] === "0" || y[i] === "0") {
    for (let j = i - 1; j >= 0 && isDigit(x[j]); j--) {
      if (x[j] !== "0") {
        xNumber = yNumber = 1;
        break;
      }
    }
  }
  let xEnd = i;
  let yEnd = i;
  for (; isDigit(x[xEnd]); xEnd++) xNumber = xNumber * 10 + Number(x[xEnd]);
  for (; isDigit(y[yEnd]); yEnd++) yNumber = yNumber * 10 + Number(y[yEnd]);
  if (xNumber !== yNumber) return xNumber - yNumber;
  if (xEnd !== yEnd) return xEnd - yEnd;
  return x[i]! < y[i]! ? -1 : 1;
}

const isDigit = (ch: string | undefined): boolean => ch !== undefined && ch >= "0" && ch <= "9";
