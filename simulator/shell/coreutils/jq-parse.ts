/** jq's grammar: text to tree. */

export type Filter =
  | { readonly kind: "identity" | "recurse" }
  | { readonly kind: "literal"; readonly value: null | boolean | number | string }
  | { readonly kind: "field"; readonly target: Filter; readonly name: Filter }
  | {
      readonly kind: "slice";
      readonly target: Filter;
      readonly from: Filter | undefined;
      readonly to: Filter | undefined;
    }
  | { readonly kind: "iterate"; readonly target: Filter }
  | { readonly kind: "pipe" | "comma" | "and" | "or" | "alternative"; readonly left: Filter; readonly right: Filter }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Filter; readonly right: Filter }
  | { readonly kind: "update"; readonly operator: string; readonly left: Filter; readonly right: Filter }
  | { readonly kind: "negate"; readonly value: Filter }
  | { readonly kind: "array"; readonly body: Filter | undefined }
  | { readonly kind: "object"; readonly entries: readonly { readonly key: Filter; readonly value: Filter }[] }
  | { readonly kind: "string"; readonly format: string | undefined; readonly parts: readonly (string | Filter)[] }
  | { readonly kind: "format"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "bind"; readonly source: Filter; readonly pattern: Pattern; readonly body: Filter }
  | {
      readonly kind: "reduce";
      readonly source: Filter;
      readonly pattern: Pattern;
      readonly start: Filter;
      readonly update: Filter;
    }
  | {
      readonly kind: "foreach";
      readonly source: Filter;
      readonly pattern: Pattern;
      readonly start: Filter;
      readonly update: Filter;
      readonly extract: Filter | undefined;
    }
  | { readonly kind: "if"; readonly test: Filter; readonly yes: Filter; readonly no: Filter | undefined }
  | { readonly kind: "try"; readonly body: Filter; readonly handler: Filter | undefined }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Filter[] }
  | {
      readonly kind: "define";
      readonly name: string;
      readonly parameters: readonly string[];
      readonly body: Filter;
      readonly rest: Filter;
    }
  | { readonly kind: "label"; readonly name: string; readonly body: Filter };

export type Pattern =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "array"; readonly items: readonly Pattern[] }
  | { readonly kind: "object"; readonly entries: readonly { readonly key: Filter; readonly value: Pattern }[] };

export class JqSyntaxError {
  constructor(readonly message: string) {}
}

interface Token {
  readonly type: "name" | "field" | "variable" | "number" | "string" | "format" | "operator" | "end";
  readonly text: string;
  readonly parts?: readonly (string | Filter)[];
}

const OPERATORS = [
  "?//",
  "|=",
  "//=",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "==",
  "!=",
  "<=",
  ">=",
  "//",
  "..",
  "|",
  ",",
  ".",
  "[",
  "]",
  "{",
  "}",
  "(",
  ")",
  ":",
  ";",
  "=",
  "<",
  ">",
  "+",
  "-",
  "*",
  "/",
  "%",
  "?",
];

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  while (i < source.length) {
    const ch = source[i]!;
    if (/\s/.test(ch)) {
      i++;
      continue;
    }
    if (ch === "#") {
      while (i < source.length && source[i] !== "\n") i++;
      continue;
    }
    if (ch === '"') {
      const [parts, end] = readString(source, i + 1);
      tokens.push({ type: "string", text: "", parts });
      i = end;
      continue;
    }
    const rest = source.slice(i);
    const match =
      /^\.(?=[A-Za-z_])([A-Za-z_]\w*)/.exec(rest) ??
      /^\$(__loc__|[A-Za-z_]\w*)/.exec(rest) ??
      /^((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest) ??
      /^@([a-z0-9]+)/.exec(rest) ??
      /^([A-Za-z_]\w*(?:::\w+)*)/.exec(rest);
    if (match) {
      const type =
        ch === "." && /[A-Za-z_]/.test(rest[1] ?? "")
          ? "field"
          : ch === "$"
            ? "variable"
            : /[\d.]/.test(ch)
              ? "number"
              : ch === "@"
                ? "format"
                : "name";
      tokens.push({ type, text: match[1]! });
      i += match[0].length;
      continue;
    }
    const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
    if (!operator) throw new JqSyntaxError(`syntax error, unexpected INVALID_CHARACTER`);
    tokens.push({ type: "operator", text: operator });
    i += operator.length;
  }
  tokens.push({ type: "end", text: "" });
  return tokens;
}

/** The parts of a string from after its opening quote, and where it ends. */
function readString(source: string, start: number): [(string | Filter)[], number] {
  const parts: (string | Filter)[] = [];
  let text = "";
  let i = start;
  while (source[i] !== '"') {
    if (i >= source.length)
      throw new JqSyntaxError(
        "syntax error, unexpected end of file, expecting QQSTRING_TEXT or QQSTRING_INTERP_START or QQSTRING_END",
      );
    if (source[i] !== "\\") {
      text += source[i++];
      continue;
    }
    const next = source[i + 1];
    if (next === "(") {
      let depth = 1;
      let end = i + 2;
      while (depth > 0 && end < source.length) {
        if (source[end] === '"') end = readString(source, end + 1)[1];
        else {
          if (source[end] === "(") depth++;
          if (source[end] === ")") depth--;
          end++;
        }
      }
      if (text !== "") parts.push(text);
      text = "";
      parts.push(parseJq(source.slice(i + 2, end - 1)));
      i = end;
    } else if (next === "u") {
      text += String.fromCharCode(Number.parseInt(source.slice(i + 2, i + 6), 16));
      i += 6;
    } else {
      text += { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "/": "/", "\\": "\\", '"': '"' }[next ?? ""] ?? "";
      i += 2;
    }
  }
  if (text !== "" || parts.length === 0) parts.push(text);
  return [parts, i + 1];
}

export function parseJq(source: string): Filter {
  return new Parser(tokenize(source)).whole();
}

const KEYWORDS = new Set([
  "and",
  "or",
  "not",
  "if",
  "then",
  "elif",
  "else",
  "end",
  "as",
  "def",
  "reduce",
  "foreach",
  "try",
  "catch",
  "label",
  "import",
  "include",
  "__loc__",
]);
const identity: Filter = { kind: "identity" };

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #is(text: string): boolean {
    return (this.#token.type === "operator" || this.#token.type === "name") && this.#token.text === text;
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
    const name =
      token.type === "end"
        ? "$end"
        : token.type === "operator"
          ? `'${token.text}'`
          : token.type === "field"
            ? "FIELD"
            : token.type === "number"
              ? "LITERAL"
              : token.type === "string"
                ? "QQSTRING_START"
                : token.type === "format"
                  ? "FORMAT"
                  : KEYWORDS.has(token.text)
                    ? token.text
                    : "IDENT";
    throw new JqSyntaxError(`syntax error, unexpected ${name}`);
  }

  whole(): Filter {
    if (this.#token.type === "end") return identity;
    const filter = this.#pipe();
    if ((this.#token as Token).type !== "end") this.#fail();
    return filter;
  }

  #pipe(): Filter {
    if (this.#take("def")) {
      const name = this.#token.text;
      this.#at++;
      const parameters: string[] = [];
      if (this.#take("(")) {
        do {
          parameters.push(this.#token.type === "variable" ? `$${this.#token.text}` : this.#token.text);
          this.#at++;
        } while (this.#take(";"));
        this.#expect(")");
      }
      this.#expect(":");
      const body = this.#pipe();
      this.#expect(";");
      return {
        kind: "define",
        name,
        parameters,
        body,
        rest: this.#token.type === "end" || this.#is(")") ? identity : this.#pipe(),
      };
    }
    if (this.#take("label")) {
      const name = this.#token.text;
      this.#at++;
      this.#expect("|");
      return { kind: "label", name, body: this.#pipe() };
    }
    const left = this.#comma();
    if (this.#take("as")) {
      const pattern = this.#pattern();
      this.#expect("|");
      return { kind: "bind", source: left, pattern, body: this.#pipe() };
    }
    if (this.#take("|")) return { kind: "pipe", left, right: this.#pipe() };
    return left;
  }

  #pattern(): Pattern {
    const token = this.#token;
    this.#at++;
    if (token.type === "variable") return { kind: "variable", name: token.text };
    if (token.text === "[") {
      const items: Pattern[] = [];
      do items.push(this.#pattern());
      while (this.#take(","));
      this.#expect("]");
      return { kind: "array", items };
    }
    if (token.text === "{") {
      const entries: { key: Filter; value: Pattern }[] = [];
      do {
        const key = this.#token;
        if (key.type === "variable") {
          this.#at++;
          entries.push({ key: { kind: "literal", value: key.text }, value: { kind: "variable", name: key.text } });
          continue;
        }
        const filter = this.#key();
        this.#expect(":");
        entries.push({ key: filter, value: this.#pattern() });
      } while (this.#take(","));
      this.#expect("}");
      return { kind: "object", entries };
    }
    this.#at--;
    return this.#fail();
  }

  #key(): Filter {
    const token = this.#token;
    this.#at++;
    if (token.type === "name") return { kind: "literal", value: token.text };
    if (token.type === "number") return { kind: "literal", value: token.text };
    if (token.type === "string") return { kind: "string", format: undefined, parts: token.parts! };
    if (token.type === "variable") return { kind: "variable", name: token.text };
    if (token.text === "(") {
      const filter = this.#pipe();
      this.#expect(")");
      return filter;
    }
    this.#at--;
    return this.#fail();
  }

  #comma(): Filter {
    let left = this.#alternativeLevel();
    while (this.#take(",")) left = { kind: "comma", left, right: this.#alternativeLevel() };
    return left;
  }

  /** `//` binds to the right, and below it the assignments. */
  #alternativeLevel(): Filter {
    const left = this.#assignment();
    if (this.#take("//")) return { kind: "alternative", left, right: this.#alternativeLevel() };
    return left;
  }

  #assignment(): Filter {
    const left = this.#or();
    const operator = this.#token.text;
    if (this.#token.type === "operator" && /^(=|\|=|\+=|-=|\*=|\/=|%=|\/\/=)$/.test(operator)) {
      this.#at++;
      return { kind: "update", operator, left, right: this.#alternativeLevel() };
    }
    return left;
  }

  #or(): Filter {
    let left = this.#and();
    while (this.#take("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Filter {
    let left = this.#comparison();
    while (this.#take("and")) left = { kind: "and", left, right: this.#comparison() };
    return left;
  }

  #comparison(): Filter {
    const left = this.#sum();
    const operator = this.#token.text;
    if (this.#token.type === "operator" && /^(==|!=|<|<=|>|>=)$/.test(operator)) {
      this.#at++;
      return { kind: "binary", operator, left, right: this.#sum() };
    }
    return left;
  }

  #sum(): Filter {
    let left = this.#product();
    while (this.#is("+") || this.#is("-")) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#product() };
    }
    return left;
  }

  #product(): Filter {
    let left = this.#postfix();
    while (this.#is("*") || this.#is("/") || this.#is("%")) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#postfix() };
    }
    return left;
  }

  #postfix(): Filter {
    let filter = this.#primary();
    for (;;) {
      if (this.#take("?")) filter = { kind: "try", body: filter, handler: undefined };
      else if (this.#token.type === "field") {
        filter = { kind: "field", target: filter, name: { kind: "literal", value: this.#token.text } };
        this.#at++;
      } else if (
        this.#is(".") &&
        (this.#tokens[this.#at + 1]?.type === "string" || this.#tokens[this.#at + 1]?.text === "[")
      ) {
        this.#at++;
        if (this.#token.type === "string") {
          filter = {
            kind: "field",
            target: filter,
            name: { kind: "string", format: undefined, parts: this.#token.parts! },
          };
          this.#at++;
        }
      } else if (this.#is("[")) filter = this.#index(filter);
      else return filter;
    }
  }

  #index(target: Filter): Filter {
    this.#expect("[");
    if (this.#take("]")) return { kind: "iterate", target };
    if (this.#take(":")) {
      const to = this.#pipe();
      this.#expect("]");
      return { kind: "slice", target, from: undefined, to };
    }
    const name = this.#pipe();
    if (this.#take(":")) {
      const to = this.#is("]") ? undefined : this.#pipe();
      this.#expect("]");
      return { kind: "slice", target, from: name, to };
    }
    this.#expect("]");
    return { kind: "field", target, name };
  }

  #primary(): Filter {
    const token = this.#token;
    this.#at++;
    switch (token.type) {
      case "number":
        return { kind: "literal", value: Number(token.text) };
      case "string":
        return { kind: "string", format: undefined, parts: token.parts! };
      case "format":
        if (this.#token.type === "string") {
          const parts = this.#token.parts!;
          this.#at++;
          return { kind: "string", format: token.text, parts };
        }
        return { kind: "format", name: token.text };
      case "field":
        return { kind: "field", target: identity, name: { kind: "literal", value: token.text } };
      case "variable":
        return { kind: "variable", name: token.text };
      case "name":
        return this.#word(token.text);
    }
    switch (token.text) {
      case ".":
        if (this.#token.type === "string") {
          const parts = this.#token.parts!;
          this.#at++;
          return { kind: "field", target: identity, name: { kind: "string", format: undefined, parts } };
        }
        return identity;
      case "..":
        return { kind: "recurse" };
      case "(": {
        const filter = this.#pipe();
        this.#expect(")");
        return filter;
      }
      case "[": {
        if (this.#take("]")) return { kind: "array", body: undefined };
        const body = this.#pipe();
        this.#expect("]");
        return { kind: "array", body };
      }
      case "{":
        return this.#object();
      case "-":
        return { kind: "negate", value: this.#postfix() };
    }
    this.#at--;
    return this.#fail();
  }

  #object(): Filter {
    const entries: { key: Filter; value: Filter }[] = [];
    while (!this.#take("}")) {
      const token = this.#token;
      if (token.type === "variable" && token.text !== "__loc__") {
        this.#at++;
        entries.push({ key: { kind: "literal", value: token.text }, value: { kind: "variable", name: token.text } });
      } else if (token.type === "format") {
        const key = this.#primary();
        entries.push({
          key,
          value: this.#take(":") ? this.#objectValue() : { kind: "field", target: identity, name: key },
        });
      } else {
        const key = this.#key();
        entries.push({
          key,
          value: this.#take(":") ? this.#objectValue() : { kind: "field", target: identity, name: key },
        });
      }
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return { kind: "object", entries };
  }

  #objectValue(): Filter {
    let left = this.#alternativeLevel();
    while (this.#take("|")) left = { kind: "pipe", left, right: this.#alternativeLevel() };
    return left;
  }

  #word(name: string): Filter {
    switch (name) {
      case "null":
        return { kind: "literal", value: null };
      case "true":
        return { kind: "literal", value: true };
      case "false":
        return { kind: "literal", value: false };
      case "if":
        return this.#if();
      case "try": {
        const body = this.#postfixOnly();
        return { kind: "try", body, handler: this.#take("catch") ? this.#postfixOnly() : undefined };
      }
      case "reduce": {
        const source = this.#postfix();
        this.#expect("as");
        const pattern = this.#pattern();
        this.#expect("(");
        const start = this.#pipe();
        this.#expect(";");
        const update = this.#pipe();
        this.#expect(")");
        return { kind: "reduce", source, pattern, start, update };
      }
      case "foreach": {
        const source = this.#postfix();
        this.#expect("as");
        const pattern = this.#pattern();
        this.#expect("(");
        const start = this.#pipe();
        this.#expect(";");
        const update = this.#pipe();
        const extract = this.#take(";") ? this.#pipe() : undefined;
        this.#expect(")");
        return { kind: "foreach", source, pattern, start, update, extract };
      }
      case "def": {
        this.#at--;
        return this.#pipe();
      }
      case "break": {
        const label = this.#token.text;
        this.#at++;
        return { kind: "call", name: "break", args: [{ kind: "literal", value: label }] };
      }
    }
    if (KEYWORDS.has(name) && name !== "not") {
      this.#at--;
      this.#fail();
    }
    const args: Filter[] = [];
    if (this.#take("(")) {
      do args.push(this.#pipe());
      while (this.#take(";"));
      this.#expect(")");
    }
    return { kind: "call", name, args };
  }

  #postfixOnly(): Filter {
    return this.#postfix();
  }

  #if(): Filter {
    const test = this.#pipe();
    this.#expect("then");
    const yes = this.#pipe();
    if (this.#take("elif")) return { kind: "if", test, yes, no: this.#if() };
    const no = this.#take("else") ? this.#pipe() : undefined;
    this.#expect("end");
    return { kind: "if", test, yes, no };
  }
}
