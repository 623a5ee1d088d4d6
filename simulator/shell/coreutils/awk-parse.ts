/** awk's grammar: text to tree. */

export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "regexp"; readonly source: string }
  | { readonly kind: "field"; readonly index: Expression }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "element"; readonly name: string; readonly index: readonly Expression[] }
  | { readonly kind: "assign"; readonly operator: string; readonly target: Expression; readonly value: Expression }
  | { readonly kind: "choice"; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
  | { readonly kind: "step"; readonly prefix: boolean; readonly by: 1 | -1; readonly target: Expression }
  | { readonly kind: "match"; readonly negated: boolean; readonly text: Expression; readonly pattern: Expression }
  | { readonly kind: "in"; readonly index: readonly Expression[]; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "group"; readonly items: readonly Expression[] }
  | {
      readonly kind: "getline";
      readonly target: Expression | undefined;
      readonly source: Expression | undefined;
      readonly from: "main" | "file" | "command";
    };

export type Statement =
  | { readonly kind: "block"; readonly body: readonly Statement[] }
  | { readonly kind: "expression"; readonly value: Expression }
  | {
      readonly kind: "print";
      readonly formatted: boolean;
      readonly args: readonly Expression[];
      readonly redirect: { readonly how: ">" | ">>" | "|"; readonly to: Expression } | undefined;
    }
  | { readonly kind: "if"; readonly test: Expression; readonly yes: Statement; readonly no: Statement | undefined }
  | { readonly kind: "while"; readonly test: Expression; readonly body: Statement }
  | { readonly kind: "do"; readonly test: Expression; readonly body: Statement }
  | {
      readonly kind: "for";
      readonly start: Statement | undefined;
      readonly test: Expression | undefined;
      readonly step: Statement | undefined;
      readonly body: Statement;
    }
  | { readonly kind: "forIn"; readonly variable: string; readonly name: string; readonly body: Statement }
  | { readonly kind: "next" | "nextfile" | "break" | "continue" }
  | { readonly kind: "exit" | "return"; readonly value: Expression | undefined }
  | { readonly kind: "delete"; readonly name: string; readonly index: readonly Expression[] | undefined };

export interface Rule {
  readonly kind: "BEGIN" | "END" | "pattern" | "range";
  readonly pattern: Expression | undefined;
  readonly end: Expression | undefined;
  readonly body: Statement | undefined;
}

export interface AwkFunction {
  readonly parameters: readonly string[];
  readonly body: Statement;
}

export interface AwkProgram {
  readonly rules: readonly Rule[];
  readonly functions: ReadonlyMap<string, AwkFunction>;
}

export class AwkSyntaxError {
  constructor(
    readonly message: string,
    readonly line: number,
  ) {}
}

interface Token {
  readonly type:
    | "number"
    | "string"
    | "regexp"
    | "name"
    | "function"
    | "builtin"
    | "keyword"
    | "operator"
    | "newline"
    | "end";
  readonly text: string;
  readonly value: number;
  readonly line: number;
}

const keywords = new Set([
  "BEGIN",
  "END",
  "function",
  "func",
  "if",
  "else",
  "while",
  "for",
  "do",
  "break",
  "continue",
  "next",
  "nextfile",
  "exit",
  "return",
  "delete",
  "in",
  "getline",
  "print",
  "printf",
]);
export const builtinNames = new Set([
  "length",
  "substr",
  "index",
  "split",
  "sub",
  "gsub",
  "gensub",
  "match",
  "sprintf",
  "sin",
  "cos",
  "atan2",
  "exp",
  "log",
  "sqrt",
  "int",
  "rand",
  "srand",
  "tolower",
  "toupper",
  "system",
  "close",
  "fflush",
  "systime",
  "strftime",
  "mktime",
  "and",
  "or",
  "xor",
  "lshift",
  "rshift",
  "compl",
  "asort",
  "asorti",
  "strtonum",
  "isarray",
  "typeof",
]);
const OPERATORS = [
  "**=",
  "&&",
  "||",
  "==",
  "!=",
  "<=",
  ">=",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "^=",
  "++",
  "--",
  ">>",
  "**",
  "!~",
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  ";",
  ",",
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "!",
  "<",
  ">",
  "|",
  "?",
  ":",
  "~",
  "$",
  "=",
];

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  let line = 1;
  const last = (): Token | undefined => tokens.at(-1);
  const add = (type: Token["type"], value: string, number = 0): void =>
    void tokens.push({ type, text: value, value: number, line });
  while (i < text.length) {
    const ch = text[i]!;
    if (ch === "\n") {
      add("newline", "\n");
      line++;
      i++;
      continue;
    }
    if (/[ \t\r]/.test(ch)) {
      i++;
      continue;
    }
    if (ch === "\\" && text[i + 1] === "\n") {
      i += 2;
      line++;
      continue;
    }
    if (ch === "#") {
      while (i < text.length && text[i] !== "\n") i++;
      continue;
    }
    const rest = text.slice(i);
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest);
    if (number) {
      add("number", number[0], Number(number[0]));
      i += number[0].length;
      continue;
    }
    const name = /^[A-Za-z_]\w*/.exec(rest);
    if (name) {
      i += name[0].length;
      if (keywords.has(name[0])) add("keyword", name[0] === "func" ? "function" : name[0]);
      else if (builtinNames.has(name[0])) add("builtin", name[0]);
      else add(text[i] === "(" ? "function" : "name", name[0]);
      continue;
    }
    if (ch === '"') {
      let value = "";
      i++;
      while (text[i] !== '"') {
        if (i >= text.length || text[i] === "\n") throw new AwkSyntaxError("unterminated string", line);
        if (text[i] === "\\") {
          const [piece, used] = readEscape(text, i);
          value += piece;
          i += used;
        } else value += text[i++];
      }
      i++;
      add("string", value);
      continue;
    }
    const before = last();
    const mayBeRegexp =
      !before ||
      before.type === "newline" ||
      (before.type === "keyword" && before.text !== "getline") ||
      (before.type === "operator" && !/^(\)|\]|\$|\+\+|--)$/.test(before.text));
    if (ch === "/" && mayBeRegexp) {
      let source = "";
      let bracket = false;
      i++;
      while (i < text.length && (text[i] !== "/" || bracket)) {
        if (text[i] === "\n") throw new AwkSyntaxError("unterminated regexp", line);
        if (text[i] === "\\") {
          source += text[i + 1] === "/" ? "/" : text.slice(i, i + 2);
          i += 2;
          continue;
        }
        if (text[i] === "[" && !bracket) {
          bracket = true;
          source += text[i++];
          if (text[i] === "^") source += text[i++];
          if (text[i] === "]") source += text[i++];
          continue;
        }
        if (text[i] === "[" && /^\[[:.=]/.test(text.slice(i, i + 2))) {
          const end = text.indexOf("]", i);
          source += text.slice(i, end + 1);
          i = end + 1;
          continue;
        }
        if (text[i] === "]") bracket = false;
        source += text[i++];
      }
      i++;
      add("regexp", source);
      continue;
    }
    const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
    if (!operator) throw new AwkSyntaxError(`unexpected character '${ch}'`, line);
    add("operator", operator === "**" ? "^" : operator === "**=" ? "^=" : operator);
    i += operator.length;
  }
  add("newline", "\n");
  // mawk counts the end as a line of its own.
  line++;
  add("end", "");
  return tokens;
}

/** A string escape at `i`: its text, and how many characters it took. */
export function readEscape(text: string, i: number): [string, number] {
  const next = text[i + 1];
  const simple = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"', "/": "/", a: "\x07", b: "\b", f: "\f", v: "\v" }[
    next ?? ""
  ];
  if (simple !== undefined) return [simple, 2];
  const octal = /^\\([0-7]{1,3})/.exec(text.slice(i));
  if (octal) return [String.fromCharCode(Number.parseInt(octal[1]!, 8)), octal[0].length];
  if (next === "\n") return ["", 2];
  return [`\\${next ?? ""}`, 2];
}

export function parseAwk(text: string): AwkProgram {
  return new Parser(tokenize(text)).program();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Inside `print …`, where `>` redirects. */
  #noGreater = false;
  /** Inside `for (x in a)`, where `in` is not yet an operator. */
  #noIn = false;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #is(text: string): boolean {
    return (this.#token.type === "operator" || this.#token.type === "keyword") && this.#token.text === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail();
  }

  #fail(): never {
    const token = this.#token;
    throw new AwkSyntaxError(
      `syntax error at or near ${token.type === "end" ? "end of file" : token.type === "newline" ? "end of line" : token.text}`,
      token.line,
    );
  }

  #newlines(): void {
    while (this.#token.type === "newline") this.#at++;
  }

  #terminators(): void {
    while (this.#token.type === "newline" || this.#is(";")) this.#at++;
  }

  program(): AwkProgram {
    const rules: Rule[] = [];
    const functions = new Map<string, AwkFunction>();
    this.#terminators();
    while (this.#token.type !== "end") {
      if (this.#take("function")) {
        const name = this.#token.text;
        this.#at++;
        this.#expect("(");
        const parameters: string[] = [];
        while (!this.#is(")")) {
          parameters.push(this.#token.text);
          this.#at++;
          if (!this.#take(",")) break;
          this.#newlines();
        }
        this.#expect(")");
        this.#newlines();
        functions.set(name, { parameters, body: this.#block() });
      } else if (this.#take("BEGIN"))
        rules.push({ kind: "BEGIN", pattern: undefined, end: undefined, body: this.#block() });
      else if (this.#take("END")) rules.push({ kind: "END", pattern: undefined, end: undefined, body: this.#block() });
      else {
        const pattern = this.#is("{") ? undefined : this.#expression();
        let end: Expression | undefined;
        if (pattern && this.#take(",")) {
          this.#newlines();
          end = this.#expression();
        }
        rules.push({ kind: end ? "range" : "pattern", pattern, end, body: this.#is("{") ? this.#block() : undefined });
      }
      this.#terminators();
    }
    return { rules, functions };
  }

  #block(): Statement {
    this.#newlines();
    this.#expect("{");
    const body: Statement[] = [];
    this.#terminators();
    while (!this.#is("}")) {
      if (this.#token.type === "end") throw new AwkSyntaxError("missing } near end of file", this.#token.line);
      body.push(this.#statement());
      this.#terminators();
    }
    this.#expect("}");
    return { kind: "block", body };
  }

  #body(): Statement {
    this.#newlines();
    if (this.#take(";")) return { kind: "block", body: [] };
    return this.#statement();
  }

  #endOfSimple(): void {
    if (this.#token.type === "newline" || this.#is(";")) {
      this.#at++;
      return;
    }
    if (!this.#is("}") && this.#token.type !== "end") this.#fail();
  }

  #statement(): Statement {
    if (this.#is("{")) return this.#block();
    if (this.#take("if")) {
      this.#expect("(");
      const test = this.#expression();
      this.#expect(")");
      const yes = this.#body();
      const mark = this.#at;
      this.#terminators();
      if (this.#take("else")) return { kind: "if", test, yes, no: this.#body() };
      this.#at = mark;
      return { kind: "if", test, yes, no: undefined };
    }
    if (this.#take("while")) {
      this.#expect("(");
      const test = this.#expression();
      this.#expect(")");
      return { kind: "while", test, body: this.#body() };
    }
    if (this.#take("do")) {
      const body = this.#body();
      this.#terminators();
      this.#expect("while");
      this.#expect("(");
      const test = this.#expression();
      this.#expect(")");
      this.#endOfSimple();
      return { kind: "do", test, body };
    }
    if (this.#take("for")) {
      this.#expect("(");
      const [a, b, c] = [this.#tokens[this.#at], this.#tokens[this.#at + 1], this.#tokens[this.#at + 2]];
      if (a?.type === "name" && b?.text === "in" && c?.type === "name" && this.#tokens[this.#at + 3]?.text === ")") {
        this.#at += 4;
        return { kind: "forIn", variable: a.text, name: c.text, body: this.#body() };
      }
      const start = this.#is(";") ? undefined : this.#simple();
      this.#expect(";");
      this.#newlines();
      const test = this.#is(";") ? undefined : this.#expression();
      this.#expect(";");
      this.#newlines();
      const step = this.#is(")") ? undefined : this.#simple();
      this.#expect(")");
      return { kind: "for", start, test, step, body: this.#body() };
    }
    const simple = this.#simple();
    this.#endOfSimple();
    return simple;
  }

  #simple(): Statement {
    const token = this.#token;
    if (token.type === "keyword") {
      switch (token.text) {
        case "print":
        case "printf":
          this.#at++;
          return this.#print(token.text === "printf");
        case "next":
        case "nextfile":
        case "break":
        case "continue":
          this.#at++;
          return { kind: token.text };
        case "exit":
        case "return":
          this.#at++;
          return {
            kind: token.text,
            value: this.#token.type === "newline" || this.#is(";") || this.#is("}") ? undefined : this.#expression(),
          };
        case "delete": {
          this.#at++;
          const name = this.#token.text;
          this.#at++;
          if (!this.#take("[")) return { kind: "delete", name, index: undefined };
          const index = this.#list("]");
          return { kind: "delete", name, index };
        }
      }
    }
    return { kind: "expression", value: this.#expression() };
  }

  #print(formatted: boolean): Statement {
    const before = this.#noGreater;
    this.#noGreater = true;
    let args: Expression[] = [];
    if (
      !(
        this.#token.type === "newline" ||
        this.#is(";") ||
        this.#is("}") ||
        this.#is(">") ||
        this.#is(">>") ||
        this.#is("|")
      )
    ) {
      args = [this.#expression()];
      while (this.#take(",")) {
        this.#newlines();
        args.push(this.#expression());
      }
      const only = args[0]!;
      if (args.length === 1 && only.kind === "group" && only.items.length > 1) args = [...only.items];
    }
    this.#noGreater = before;
    for (const how of [">>", ">", "|"] as const)
      if (this.#take(how)) return { kind: "print", formatted, args, redirect: { how, to: this.#concatenation() } };
    return { kind: "print", formatted, args, redirect: undefined };
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    this.#newlines();
    const before = [this.#noGreater, this.#noIn] as const;
    this.#noGreater = false;
    this.#noIn = false;
    while (!this.#is(end)) {
      items.push(this.#expression());
      this.#newlines();
      if (!this.#take(",")) break;
      this.#newlines();
    }
    [this.#noGreater, this.#noIn] = before;
    this.#expect(end);
    return items;
  }

  #expression(): Expression {
    const left = this.#choice();
    const operator = this.#token.text;
    if (
      this.#token.type === "operator" &&
      /^([-+*/%^]?=)$/.test(operator) &&
      (left.kind === "name" || left.kind === "element" || left.kind === "field")
    ) {
      this.#at++;
      this.#newlines();
      return { kind: "assign", operator: operator.slice(0, -1), target: left, value: this.#expression() };
    }
    return left;
  }

  #choice(): Expression {
    const test = this.#or();
    if (!this.#take("?")) return test;
    this.#newlines();
    const yes = this.#expression();
    this.#newlines();
    this.#expect(":");
    this.#newlines();
    return { kind: "choice", test, yes, no: this.#expression() };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take("||")) {
      this.#newlines();
      left = { kind: "binary", operator: "||", left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#membership();
    while (this.#take("&&")) {
      this.#newlines();
      left = { kind: "binary", operator: "&&", left, right: this.#membership() };
    }
    return left;
  }

  #membership(): Expression {
    let left = this.#matching();
    while (!this.#noIn && this.#is("in")) {
      this.#at++;
      const name = this.#token.text;
      this.#at++;
      left = { kind: "in", index: left.kind === "group" ? left.items : [left], name };
    }
    return left;
  }

  #matching(): Expression {
    let left = this.#comparison();
    while (this.#is("~") || this.#is("!~")) {
      const negated = this.#token.text === "!~";
      this.#at++;
      left = { kind: "match", negated, text: left, pattern: this.#comparison() };
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#concatenation();
    const operator = this.#token.text;
    if (this.#token.type !== "operator" || !/^(<|<=|==|!=|>|>=)$/.test(operator)) {
      if (this.#is("|") && this.#tokens[this.#at + 1]?.text === "getline") return this.#pipeGetline(left);
      return left;
    }
    if (operator === ">" && this.#noGreater) return left;
    this.#at++;
    return { kind: "binary", operator, left, right: this.#concatenation() };
  }

  #pipeGetline(command: Expression): Expression {
    this.#at += 2;
    return { kind: "getline", target: this.#optionalTarget(), source: command, from: "command" };
  }

  #optionalTarget(): Expression | undefined {
    if (this.#is("$") || this.#token.type === "name") return this.#primary();
    return undefined;
  }

  #concatenation(): Expression {
    let left = this.#sum();
    for (;;) {
      const token = this.#token;
      const starts =
        token.type === "number" ||
        token.type === "string" ||
        token.type === "regexp" ||
        token.type === "name" ||
        token.type === "function" ||
        token.type === "builtin" ||
        (token.type === "operator" && /^(\$|!|\(|-|\+|\+\+|--)$/.test(token.text));
      if (!starts) return left;
      left = { kind: "binary", operator: " ", left, right: this.#sum() };
    }
  }

  #sum(): Expression {
    let left = this.#product();
    while (this.#is("+") || this.#is("-")) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#product() };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    while (this.#is("*") || this.#is("/") || this.#is("%")) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#unary() };
    }
    return left;
  }

  #unary(): Expression {
    for (const operator of ["!", "-", "+"])
      if (this.#take(operator)) return { kind: "unary", operator, operand: this.#unary() };
    return this.#power();
  }

  #power(): Expression {
    const left = this.#postfix();
    if (!this.#take("^")) return left;
    return {
      kind: "binary",
      operator: "^",
      left,
      right: this.#is("-") || this.#is("+") || this.#is("!") ? this.#unary() : this.#power(),
    };
  }

  #postfix(): Expression {
    const value = this.#primary();
    if (value.kind === "name" || value.kind === "element" || value.kind === "field") {
      if (this.#take("++")) return { kind: "step", prefix: false, by: 1, target: value };
      if (this.#take("--")) return { kind: "step", prefix: false, by: -1, target: value };
    }
    return value;
  }

  #primary(): Expression {
    const token = this.#token;
    this.#at++;
    switch (token.type) {
      case "number":
        return { kind: "number", value: token.value };
      case "string":
        return { kind: "string", value: token.text };
      case "regexp":
        return { kind: "regexp", source: token.text };
      case "builtin":
        if (this.#take("(")) return { kind: "call", name: token.text, args: this.#list(")") };
        return { kind: "call", name: token.text, args: [] };
      case "function":
        this.#expect("(");
        return { kind: "call", name: token.text, args: this.#list(")") };
      case "name":
        if (this.#take("[")) return { kind: "element", name: token.text, index: this.#list("]") };
        return { kind: "name", name: token.text };
    }
    if (token.text === "getline") {
      const target = this.#optionalTarget();
      if (this.#take("<")) return { kind: "getline", target, source: this.#primary(), from: "file" };
      return { kind: "getline", target, source: undefined, from: "main" };
    }
    if (token.text === "$") {
      if (this.#take("++"))
        return { kind: "field", index: { kind: "step", prefix: true, by: 1, target: this.#primary() } };
      if (this.#take("-")) return { kind: "field", index: { kind: "unary", operator: "-", operand: this.#primary() } };
      return { kind: "field", index: this.#primary() };
    }
    if (token.text === "++" || token.text === "--")
      return { kind: "step", prefix: true, by: token.text === "++" ? 1 : -1, target: this.#primary() };
    if (token.text === "(") return { kind: "group", items: this.#list(")") };
    if (token.text === "-" || token.text === "+" || token.text === "!")
      return { kind: "unary", operator: token.text, operand: this.#primary() };
    this.#at--;
    return this.#fail();
  }
}
