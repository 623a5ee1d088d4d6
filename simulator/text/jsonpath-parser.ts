/** kubectl's JSONPath dialect (client-go util/jsonpath) to a syntax tree, with its own error words. */
import { failure, ok, type Result } from "../base/result";
import { unquote } from "./strconv";

export type JsonPathNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly nodes: readonly JsonPathNode[] }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "identifier"; readonly name: string }
  | { readonly kind: "array"; readonly bounds: readonly [Bound, Bound, Bound] }
  | { readonly kind: "union"; readonly nodes: readonly JsonPathNode[] }
  | { readonly kind: "filter"; readonly left: JsonPathNode; readonly operator: string; readonly right: JsonPathNode }
  | { readonly kind: "wildcard" }
  | { readonly kind: "recursive" }
  | { readonly kind: "value"; readonly value: number | boolean };

/** One of start, end, step; `derived` marks an end that was worked out from a single index. */
export interface Bound {
  readonly known: boolean;
  readonly value: number;
  readonly derived?: boolean;
}

const LEFT = "{";
const RIGHT = "}";

class ParseError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Parses a whole template: text with `{…}` actions. */
export function parseJsonPath(template: string): Result<readonly JsonPathNode[], string> {
  try {
    return ok(new Parser(template).template());
  } catch (error) {
    if (error instanceof ParseError) return failure(error.message);
    throw error;
  }
}

type Nodes = JsonPathNode[];

class Parser {
  readonly #input: string;
  #pos = 0;

  constructor(input: string) {
    this.#input = input;
  }

  template(): readonly JsonPathNode[] {
    const root: Nodes = [];
    let start = this.#pos;
    for (;;) {
      if (this.#rest().startsWith(LEFT)) {
        if (this.#pos > start) root.push({ kind: "text", text: this.#input.slice(start, this.#pos) });
        this.#pos += LEFT.length;
        root.push({ kind: "list", nodes: this.#insideAction() });
        start = this.#pos;
      } else if (this.#pos >= this.#input.length) break;
      else this.#pos++;
    }
    if (this.#pos > start) root.push({ kind: "text", text: this.#input.slice(start, this.#pos) });
    return root;
  }

  #rest(): string {
    return this.#input.slice(this.#pos);
  }

  #insideAction(): Nodes {
    const nodes: Nodes = [];
    for (;;) {
      const rest = this.#rest();
      if (rest.startsWith(RIGHT)) {
        this.#pos += RIGHT.length;
        return nodes;
      }
      if (rest.startsWith("[?(")) {
        this.#pos += 3;
        nodes.push(this.#filter());
        continue;
      }
      if (rest.startsWith("..")) {
        if (nodes.at(-1)?.kind === "recursive") throw new ParseError("invalid multiple recursive descent");
        this.#pos += 2;
        nodes.push({ kind: "recursive" });
        const next = this.#input[this.#pos];
        if (next !== undefined && isAlphaNumeric(next)) nodes.push(this.#fieldNode());
        continue;
      }
      const ch = rest[0];
      if (ch === undefined || ch === "\n" || ch === "\r") throw new ParseError("unclosed action");
      this.#pos++;
      if (ch === " ") continue;
      if (ch === "@" || ch === "$") continue;
      if (ch === "[") nodes.push(...this.#array());
      else if (ch === '"' || ch === "'") nodes.push(this.#quoted(ch));
      else if (ch === ".") nodes.push(this.#fieldNode());
      else if (ch === "+" || ch === "-" || isDigit(ch)) {
        this.#pos--;
        nodes.push(this.#number());
      } else if (isAlphaNumeric(ch)) {
        this.#pos--;
        nodes.push(this.#identifier());
      } else throw new ParseError(`unrecognized character in action: ${goRune(ch)}`);
    }
  }

  #identifier(): JsonPathNode {
    const name = this.#word();
    if (name === "true" || name === "false") return { kind: "value", value: name === "true" };
    return { kind: "identifier", name };
  }

  #fieldNode(): JsonPathNode {
    const start = this.#pos;
    for (let ch = this.#input[this.#pos]; ch !== undefined && !isTerminator(ch); ch = this.#input[this.#pos]) {
      this.#pos += ch === "\\" ? 2 : 1;
    }
    const name = this.#input.slice(start, this.#pos);
    return name === "*" ? { kind: "wildcard" } : { kind: "field", name: name.replaceAll("\\", "") };
  }

  #word(): string {
    const start = this.#pos;
    while (this.#pos < this.#input.length && !isTerminator(this.#input[this.#pos]!)) this.#pos++;
    return this.#input.slice(start, this.#pos);
  }

  #number(): JsonPathNode {
    const text = /^[-+]?[0-9.]*/.exec(this.#rest())![0];
    this.#pos += text.length;
    if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new ParseError(`cannot parse number ${text}`);
    return { kind: "value", value: Number(text) };
  }

  #quoted(end: string): JsonPathNode {
    const start = this.#pos - 1;
    for (;;) {
      const ch = this.#input[this.#pos++];
      if (ch === undefined || ch === "\n") throw new ParseError("unterminated quoted string");
      if (ch === end && this.#input[this.#pos - 2] !== "\\") break;
    }
    const literal = this.#input.slice(start, this.#pos);
    const body = literal.slice(1, -1);
    const text = body.includes("\\") ? unquote(`"${body.replaceAll(/\\.|"/g, requote)}"`) : body;
    if (text === undefined) throw new ParseError(`unquote string ${literal} error invalid syntax`);
    return { kind: "text", text };
  }

  #array(): Nodes {
    const end = this.#input.slice(this.#pos).search(/[\]\n]/);
    if (end < 0 || this.#input[this.#pos + end] === "\n") throw new ParseError("unterminated array");
    let text = this.#input.slice(this.#pos, this.#pos + end);
    this.#pos += end + 1;
    if (text === "*") text = ":";
    const parts = text.split(",");
    if (parts.length > 1) {
      const nodes = parts.map(
        (part): JsonPathNode => ({ kind: "list", nodes: action(`[${part.replace(/^ +| +$/g, "")}]`) }),
      );
      return [{ kind: "union", nodes }];
    }
    const key = /^'([^']*)'$/.exec(text);
    if (key) return action(`.${key[1]!}`);
    const m = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text);
    if (!m) throw new ParseError(`invalid array index ${text}`);
    return [{ kind: "array", bounds: bounds(m) }];
  }

  #filter(): JsonPathNode {
    const start = this.#pos;
    let pair = "";
    let closed = false;
    for (;;) {
      const ch = this.#input[this.#pos++];
      if (ch === undefined || ch === "\n") throw new ParseError("unterminated filter");
      if (ch === '"' || ch === "'") {
        if (pair === "") pair = ch;
        else if (this.#input[this.#pos - 2] !== "\\" && ch === pair) closed = true;
      } else if (ch === ")" && (pair !== "") === closed) break;
    }
    const text = this.#input.slice(start, this.#pos - 1);
    if (this.#input[this.#pos++] !== "]") throw new ParseError("unclosed array expect ]");
    const m = /^([^!<>=]+)([!<>=~]+)(.+?)$/.exec(text);
    const side = (part: string): JsonPathNode => ({ kind: "list", nodes: action(part) });
    if (!m) return { kind: "filter", left: side(text), operator: "exists", right: { kind: "list", nodes: [] } };
    return { kind: "filter", left: side(m[1]!), operator: m[2]!, right: side(m[3]!) };
  }
}

/** Parses the inside of an action on its own. */
function action(text: string): Nodes {
  const root = new Parser(`{${text}}`).template();
  const first = root[0];
  return first?.kind === "list" ? [...first.nodes] : [];
}

/** Inside single quotes an escaped single quote and a bare double quote are what they look like. */
const requote = (match: string): string => (match === '"' ? '\\"' : match === "\\'" ? "'" : match);

function bounds(m: RegExpExecArray): readonly [Bound, Bound, Bound] {
  const read = (part: string | undefined): Bound => {
    const digits = part?.replace(":", "");
    return digits ? { known: true, value: Number(digits) } : { known: false, value: 0 };
  };
  const first = read(m[1]);
  const step = read(m[3]);
  // A lone index is the slice [i:i+1].
  if (m[2] === undefined) return [first, { known: true, value: first.value + 1, derived: true }, step];
  return [first, read(m[2]), step];
}

const isDigit = (ch: string): boolean => ch >= "0" && ch <= "9";
const isAlphaNumeric = (ch: string): boolean => ch === "_" || /[\p{L}\p{Nd}]/u.test(ch);
const isTerminator = (ch: string): boolean => " \t\r\n.,[]$@{}".includes(ch);
const goRune = (ch: string): string => `U+${ch.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")} '${ch}'`;
