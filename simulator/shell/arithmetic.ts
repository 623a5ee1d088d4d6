/** Shell arithmetic: 64-bit integers, C's operators, assignment, array elements. */
import { ExpansionError } from "./control";
import { isName } from "./variables";

/** Where names get their values; the shell's variables. */
export interface ArithmeticScope {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  element(name: string, index: string): string | undefined;
  setElement(name: string, index: string, value: string): void;
}

type Node =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "name"; readonly name: string; readonly index: string | undefined }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Node }
  | { readonly kind: "step"; readonly prefix: boolean; readonly by: bigint; readonly target: Node }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: "assign"; readonly operator: string; readonly target: Node; readonly value: Node }
  | { readonly kind: "choice"; readonly test: Node; readonly yes: Node; readonly no: Node };

const cache = new Map<string, Node>();
const CACHED_MAX = 500;

/** The value of an expression whose `$` expansions are done already. Empty is 0. */
export function evaluateArithmetic(text: string, scope: ArithmeticScope, depth = 0): bigint {
  const trimmed = text.trim();
  if (trimmed === "") return 0n;
  if (/^(0|[1-9]\d{0,17})$/.test(trimmed)) return BigInt(trimmed);
  let node = cache.get(trimmed);
  if (!node) {
    node = new Parser(trimmed).whole();
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(trimmed, node);
  }
  return evaluate(node, scope, depth, trimmed);
}

const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];
const ASSIGNMENTS = ["<<=", ">>=", "*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "="];
const TOKEN =
  /\s*(\d+#[\w@]+|0[xX][0-9a-fA-F]+|\d\w*|[A-Za-z_]\w*|<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&^|]=|[-+*/%<>=!~&^|?:,()[\]]|\S)/y;

class Parser {
  readonly #text: string;
  #at = 0;
  #token = "";
  #tokenStart = 0;
  #previousStart = 0;

  constructor(text: string) {
    this.#text = text;
    this.#next();
  }

  #next(): void {
    if (this.#token !== "") this.#previousStart = this.#tokenStart;
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (!match) {
      this.#tokenStart = this.#text.length;
      this.#token = "";
      return;
    }
    this.#at = TOKEN.lastIndex;
    this.#token = match[1]!;
    this.#tokenStart = this.#at - this.#token.length;
  }

  #fail(why: string): never {
    throw new ExpansionError(
      `${this.#text}: ${why} (error token is "${this.#text.slice(this.#token === "" ? this.#previousStart : this.#tokenStart)}")`,
      1,
      false,
    );
  }

  whole(): Node {
    const node = this.#comma();
    if (this.#token !== "")
      this.#fail(
        /^[-+*/%<>=!~&^|?:,()[\]\w]/.test(this.#token)
          ? "syntax error in expression"
          : "syntax error: invalid arithmetic operator",
      );
    return node;
  }

  #comma(): Node {
    let left = this.#assignment();
    while (this.#token === ",") {
      this.#next();
      left = { kind: "binary", operator: ",", left, right: this.#assignment() };
    }
    return left;
  }

  #assignment(): Node {
    const left = this.#choice();
    if (!ASSIGNMENTS.includes(this.#token)) return left;
    if (left.kind !== "name") this.#fail("attempted assignment to non-variable");
    const operator = this.#token.slice(0, -1);
    this.#next();
    return { kind: "assign", operator, target: left, value: this.#assignment() };
  }

  #choice(): Node {
    const test = this.#binary(0);
    if (this.#token !== "?") return test;
    this.#next();
    if ((this.#token as string) === "" || (this.#token as string) === ":") this.#fail("expression expected");
    const yes = this.#comma();
    if ((this.#token as string) !== ":") this.#fail("`:' expected for conditional expression");
    this.#next();
    if ((this.#token as string) === "") this.#fail("expression expected");
    return { kind: "choice", test, yes, no: this.#assignment() };
  }

  #binary(level: number): Node {
    if (level === LEVELS.length) return this.#power();
    let left = this.#binary(level + 1);
    while (LEVELS[level]!.includes(this.#token)) {
      const operator = this.#token;
      this.#next();
      left = { kind: "binary", operator, left, right: this.#binary(level + 1) };
    }
    return left;
  }

  #power(): Node {
    const left = this.#unary();
    if (this.#token !== "**") return left;
    this.#next();
    return { kind: "binary", operator: "**", left, right: this.#power() };
  }

  #unary(): Node {
    const token = this.#token;
    if (token === "++" || token === "--") {
      this.#next();
      const target = this.#unary();
      if (target.kind === "name") return { kind: "step", prefix: true, by: token === "++" ? 1n : -1n, target };
      return target;
    }
    if (token === "!" || token === "~" || token === "-" || token === "+") {
      this.#next();
      return { kind: "unary", operator: token, operand: this.#unary() };
    }
    return this.#postfix();
  }

  #postfix(): Node {
    const node = this.#primary();
    if (node.kind === "name" && (this.#token === "++" || this.#token === "--")) {
      const by = this.#token === "++" ? 1n : -1n;
      this.#next();
      return { kind: "step", prefix: false, by, target: node };
    }
    return node;
  }

  #primary(): Node {
    const token = this.#token;
    if (token === "(") {
      this.#next();
      const inner = this.#comma();
      if ((this.#token as string) !== ")") this.#fail("missing `)'");
      this.#next();
      return inner;
    }
    if (/^\d/.test(token)) {
      const value = parseInteger(token);
      if (typeof value === "string") this.#fail(value);
      this.#next();
      return { kind: "number", value };
    }
    if (isName(token)) {
      if (this.#text[this.#at] !== "[") {
        this.#next();
        return { kind: "name", name: token, index: undefined };
      }
      let depth = 0;
      let end = this.#at;
      do {
        if (end >= this.#text.length) this.#fail("bad array subscript");
        if (this.#text[end] === "[") depth++;
        if (this.#text[end] === "]") depth--;
        end++;
      } while (depth > 0);
      const index = this.#text.slice(this.#at + 1, end - 1);
      this.#at = end;
      this.#next();
      return { kind: "name", name: token, index };
    }
    if (token === "" || /^[-+*/%<>=!~&^|?:,)\]]/.test(token)) this.#fail("syntax error: operand expected");
    return this.#fail("syntax error: operand expected");
  }
}

/** A number in C's notation or `base#digits`; a text says what is wrong. */
function parseInteger(text: string): bigint | string {
  const based = /^(\d+)#([\w@]+)$/.exec(text);
  if (based) {
    const base = Number(based[1]);
    if (base < 2 || base > 64) return "invalid arithmetic base";
    let value = 0n;
    for (const ch of based[2]!) {
      const digit = digitOf(ch, base);
      if (digit >= base) return "value too great for base";
      value = value * BigInt(base) + BigInt(digit);
    }
    return BigInt.asIntN(64, value);
  }
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt.asIntN(64, BigInt(text));
  if (/^0\d*$/.test(text))
    return /[89]/.test(text) ? "value too great for base" : BigInt.asIntN(64, BigInt(`0o${text.slice(1) || "0"}`));
  if (/^\d+$/.test(text)) return BigInt.asIntN(64, BigInt(text));
  return "value too great for base";
}

function digitOf(ch: string, base: number): number {
  if (ch >= "0" && ch <= "9") return ch.charCodeAt(0) - 48;
  if (ch >= "a" && ch <= "z") return ch.charCodeAt(0) - 87;
  if (ch >= "A" && ch <= "Z") return ch.charCodeAt(0) - (base <= 36 ? 55 : 29);
  return ch === "@" ? 62 : 63;
}

const MAX_DEPTH = 64;

function evaluate(node: Node, scope: ArithmeticScope, depth: number, text: string): bigint {
  switch (node.kind) {
    case "number":
      return node.value;
    case "name":
      return currentValue(node, scope, depth);
    case "unary": {
      const value = evaluate(node.operand, scope, depth, text);
      if (node.operator === "-") return BigInt.asIntN(64, -value);
      if (node.operator === "+") return value;
      if (node.operator === "~") return ~value;
      return value === 0n ? 1n : 0n;
    }
    case "step": {
      const before = currentValue(node.target, scope, depth);
      const after = BigInt.asIntN(64, before + node.by);
      assign(node.target, after, scope, depth);
      return node.prefix ? after : before;
    }
    case "choice":
      return evaluate(evaluate(node.test, scope, depth, text) !== 0n ? node.yes : node.no, scope, depth, text);
    case "assign": {
      const value = evaluate(node.value, scope, depth, text);
      const result =
        node.operator === "" ? value : calculate(node.operator, currentValue(node.target, scope, depth), value, text);
      assign(node.target, result, scope, depth);
      return result;
    }
    case "binary": {
      const left = evaluate(node.left, scope, depth, text);
      if (node.operator === "&&") return left !== 0n && evaluate(node.right, scope, depth, text) !== 0n ? 1n : 0n;
      if (node.operator === "||") return left !== 0n || evaluate(node.right, scope, depth, text) !== 0n ? 1n : 0n;
      return calculate(node.operator, left, evaluate(node.right, scope, depth, text), text);
    }
  }
}

function currentValue(node: Node, scope: ArithmeticScope, depth: number): bigint {
  if (node.kind !== "name") return 0n;
  const value = node.index === undefined ? scope.get(node.name) : scope.element(node.name, node.index);
  if (value === undefined || value === "") return 0n;
  if (depth > MAX_DEPTH)
    throw new ExpansionError(`${value}: expression recursion level exceeded (error token is "${value}")`, 1, false);
  return evaluateArithmetic(value, scope, depth + 1);
}

function assign(node: Node, value: bigint, scope: ArithmeticScope, _depth: number): void {
  if (node.kind !== "name") return;
  if (node.index === undefined) scope.set(node.name, String(value));
  else scope.setElement(node.name, node.index, String(value));
}

const truth = (claim: boolean): bigint => (claim ? 1n : 0n);

function calculate(operator: string, a: bigint, b: bigint, text: string): bigint {
  switch (operator) {
    case "+":
      return BigInt.asIntN(64, a + b);
    case "-":
      return BigInt.asIntN(64, a - b);
    case "*":
      return BigInt.asIntN(64, a * b);
    case "/":
    case "%": {
      if (b === 0n) {
        const at = text.lastIndexOf(operator);
        throw new ExpansionError(
          `${text}: division by 0 (error token is "${text.slice(at + 1).trimStart()}")`,
          1,
          false,
        );
      }
      return BigInt.asIntN(64, operator === "/" ? a / b : a % b);
    }
    case "**":
      if (b < 0n) throw new ExpansionError(`${text}: exponent less than 0 (error token is "${b}")`, 1, false);
      return BigInt.asIntN(64, a ** (b > 10_000n ? 10_000n : b));
    case "<<":
      return BigInt.asIntN(64, a << (b & 63n));
    case ">>":
      return a >> (b & 63n);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "&":
      return a & b;
    case "^":
      return a ^ b;
    case "|":
      return a | b;
    default:
      return b;
  }
}
