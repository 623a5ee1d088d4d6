/** Go's text/template syntax: text and `{{actions}}` to a tree, with the positions and words of its parse errors. */
import { failure, ok, type Result } from "../base/result";
import { unquote } from "./strconv";

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with";
      readonly pipe: Pipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | {
      readonly kind: "range";
      readonly pipe: Pipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
      readonly at: number;
    }
  | { readonly kind: "break" | "continue" }
  | { readonly kind: "template"; readonly name: string; readonly pipe: Pipe | undefined; readonly at: number };

export interface Pipe {
  readonly variables: readonly string[];
  /** `=` rather than `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
  readonly at: number;
}

export interface Command {
  readonly operands: readonly Operand[];
  readonly at: number;
}

export type Operand =
  | { readonly kind: "dot" | "nil"; readonly at: number }
  | { readonly kind: "literal"; readonly value: string | number | boolean; readonly text: string; readonly at: number }
  | { readonly kind: "field"; readonly names: readonly string[]; readonly at: number }
  | { readonly kind: "variable"; readonly name: string; readonly names: readonly string[]; readonly at: number }
  | { readonly kind: "function"; readonly name: string; readonly at: number }
  | { readonly kind: "pipe"; readonly pipe: Pipe; readonly at: number }
  | { readonly kind: "chain"; readonly operand: Operand; readonly names: readonly string[]; readonly at: number };

export interface ParsedTemplate {
  readonly root: readonly TemplateNode[];
  readonly defined: ReadonlyMap<string, readonly TemplateNode[]>;
}

class ParseError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export function parseTemplate(
  name: string,
  text: string,
  functions: ReadonlySet<string>,
): Result<ParsedTemplate, string> {
  try {
    const parser = new Parser(name, text, functions);
    return ok({ root: parser.root(), defined: parser.defined });
  } catch (error) {
    if (error instanceof ParseError) return failure(error.message);
    throw error;
  }
}

interface Token {
  readonly type:
    | "text"
    | "left"
    | "right"
    | "field"
    | "variable"
    | "identifier"
    | "string"
    | "number"
    | "char"
    | "space"
    | "dot"
    | "keyword"
    | "end"
    | "bool"
    | "nil"
    | "pipe"
    | "("
    | ")"
    | ":="
    | "="
    | ",";
  readonly text: string;
  readonly at: number;
}

const KEYWORDS = new Set(["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"]);

class Parser {
  readonly #name: string;
  readonly #text: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: Token[];
  #next = 0;
  #variables: string[] = ["$"];
  #rangeDepth = 0;
  readonly defined = new Map<string, readonly TemplateNode[]>();

  constructor(name: string, text: string, functions: ReadonlySet<string>) {
    this.#name = name;
    this.#text = text;
    this.#functions = functions;
    this.#tokens = this.#lex();
  }

  root(): readonly TemplateNode[] {
    const { nodes, end } = this.#list();
    if (end) this.#fail(`unexpected {{${end.text}}}`, end.at);
    return nodes;
  }

  #fail(message: string, at: number): never {
    const line = this.#text.slice(0, at).split("\n").length;
    throw new ParseError(`template: ${this.#name}:${line}: ${message}`);
  }

  // --- lexer ---

  #lex(): Token[] {
    const tokens: Token[] = [];
    const text = this.#text;
    let pos = 0;
    let trimNext = false;
    while (pos <= text.length) {
      const left = text.indexOf("{{", pos);
      let chunk = left < 0 ? text.slice(pos) : text.slice(pos, left);
      if (trimNext) chunk = chunk.replace(/^[ \t\r\n]+/, "");
      trimNext = false;
      if (left < 0) {
        if (chunk) tokens.push({ type: "text", text: chunk, at: pos });
        break;
      }
      let p = left + 2;
      if (/^-[ \t\r\n]/.test(text.slice(p, p + 2))) {
        chunk = chunk.replace(/[ \t\r\n]+$/, "");
        p += 1;
      }
      if (chunk) tokens.push({ type: "text", text: chunk, at: pos });
      const comment = /^[ \t\r\n]*\/\*/.exec(text.slice(p));
      if (comment) {
        const close = text.indexOf("*/", p);
        if (close < 0) this.#fail("unclosed comment", left);
        const end = /^([ \t\r\n]+-)?\}\}/.exec(text.slice(close + 2));
        if (!end) this.#fail("comment ends before closing delimiter", left);
        trimNext = end[1] !== undefined;
        pos = close + 2 + end[0].length;
        continue;
      }
      tokens.push({ type: "left", text: "{{", at: left });
      const done = this.#lexAction(tokens, p, left);
      trimNext = done.trim;
      pos = done.pos;
    }
    tokens.push({ type: "end", text: "", at: text.length });
    return tokens;
  }

  #lexAction(tokens: Token[], start: number, left: number): { pos: number; trim: boolean } {
    const text = this.#text;
    let pos = start;
    let depth = 0;
    const push = (type: Token["type"], length: number): void => {
      tokens.push({ type, text: text.slice(pos, pos + length), at: pos });
      pos += length;
    };
    for (;;) {
      const rest = text.slice(pos);
      const close = /^([ \t\r\n]+-)?\}\}/.exec(rest);
      if (close) {
        if (depth > 0) this.#fail("unclosed left paren", pos);
        tokens.push({ type: "right", text: "}}", at: pos });
        return { pos: pos + close[0].length, trim: close[1] !== undefined };
      }
      if (rest === "") this.#fail("unclosed action", left);
      const ch = rest[0]!;
      const m =
        /^(?:[ \t\r\n]+|"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*'|[-+]?(?:0[xXoObB][0-9a-fA-F_]+|\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|\$[\p{L}\p{N}_]*|\.[\p{L}_][\p{L}\p{N}_]*|[\p{L}_][\p{L}\p{N}_]*)/u.exec(
          rest,
        );
      if (m && /[ \t\r\n]/.test(ch)) {
        if (/^[ \t\r\n]+-\}\}/.test(rest)) continue;
        push("space", m[0].length);
      } else if (ch === '"') {
        if (!m) this.#fail("unterminated quoted string", pos);
        push("string", m[0].length);
      } else if (ch === "`") {
        if (!m) this.#fail("unterminated raw quoted string", pos);
        push("string", m[0].length);
      } else if (ch === "'") {
        if (!m) this.#fail("unterminated character constant", pos);
        push("char", m[0].length);
      } else if (m && /[0-9]/.test(m[0]) && /^[-+.0-9]/.test(ch) && !/^\.[\p{L}_]/u.test(m[0])) {
        if (/[\p{L}\p{N}_]/u.test(text[pos + m[0].length] ?? ""))
          this.#fail(`bad number syntax: "${/^[-+.\p{L}\p{N}_]+/u.exec(rest)![0]}"`, pos);
        push("number", m[0].length);
      } else if (ch === "$") push("variable", m![0].length);
      else if (ch === "." && m) push("field", m[0].length);
      else if (ch === ".") push("dot", 1);
      else if (m) {
        const word = m[0];
        push(
          KEYWORDS.has(word)
            ? "keyword"
            : word === "true" || word === "false"
              ? "bool"
              : word === "nil"
                ? "nil"
                : "identifier",
          word.length,
        );
      } else if (rest.startsWith(":=")) push(":=", 2);
      else if (ch === ":") this.#fail("expected :=", pos);
      else if (ch === "=") push("=", 1);
      else if (ch === "|") push("pipe", 1);
      else if (ch === ",") push(",", 1);
      else if (ch === "(") {
        depth++;
        push("(", 1);
      } else if (ch === ")") {
        if (depth-- === 0) this.#fail("unexpected right paren", pos);
        push(")", 1);
      } else
        this.#fail(
          `unrecognized character in action: U+${ch.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")} '${ch}'`,
          pos,
        );
    }
  }

  // --- parser ---

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    return this.#tokens[this.#next++]!;
  }

  #skipSpace(): Token {
    while (this.#peek().type === "space") this.#next++;
    return this.#peek();
  }

  /** Reads nodes until the template's end or `{{end}}`/`{{else…}}`, which is returned as `end`. */
  #list(): { nodes: TemplateNode[]; end: Token | undefined } {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const token = this.#take();
      if (token.type === "end") return { nodes, end: undefined };
      if (token.type === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const first = this.#skipSpace();
      if (first.type === "keyword") {
        this.#take();
        if (first.text === "end" || first.text === "else") return { nodes, end: first };
        const node = this.#keyword(first);
        if (node) nodes.push(node);
        continue;
      }
      const scope = this.#variables.length;
      const pipe = this.#pipeline("command", "right");
      if (pipe.variables.length === 0) this.#variables.length = scope;
      nodes.push({ kind: "action", pipe });
    }
  }

  #keyword(token: Token): TemplateNode | undefined {
    switch (token.text) {
      case "if":
      case "with":
      case "range":
        return this.#control(token, token.text);
      case "break":
      case "continue":
        if (this.#rangeDepth === 0) this.#fail(`{{${token.text}}} outside {{range}}`, token.at);
        this.#expectRight(token.text);
        return { kind: token.text };
      case "template":
        return this.#template(token);
      default:
        return this.#define(token);
    }
  }

  #control(token: Token, kind: "if" | "with" | "range"): TemplateNode {
    const scope = this.#variables.length;
    const pipe = this.#pipeline(kind, "right");
    if (kind === "range") this.#rangeDepth++;
    const { nodes: body, end } = this.#list();
    if (!end) this.#fail("unexpected EOF", this.#text.length);
    if (kind === "range") this.#rangeDepth--;
    let otherwise: readonly TemplateNode[] = [];
    if (end.text === "else") {
      const next = this.#skipSpace();
      if (
        next.type === "keyword" &&
        ((kind === "if" && next.text === "if") || (kind === "with" && next.text === "with"))
      ) {
        this.#take();
        // "{{else if}}" shares the outer {{end}}.
        otherwise = [this.#control(next, kind)];
      } else {
        this.#expectRight("else");
        const rest = this.#list();
        if (!rest.end) this.#fail("unexpected EOF", this.#text.length);
        if (rest.end.text !== "end") this.#fail("expected end; found {{else}}", rest.end.at);
        this.#expectRight("end");
        otherwise = rest.nodes;
      }
    } else this.#expectRight("end");
    this.#variables.length = scope;
    return kind === "range" ? { kind, pipe, body, otherwise, at: token.at } : { kind, pipe, body, otherwise };
  }

  #template(token: Token): TemplateNode {
    const name = this.#stringToken("template clause");
    if (this.#skipSpace().type === "right") {
      this.#take();
      return { kind: "template", name, pipe: undefined, at: token.at };
    }
    return { kind: "template", name, pipe: this.#pipeline("template clause", "right"), at: token.at };
  }

  #define(token: Token): TemplateNode | undefined {
    const isBlock = token.text === "block";
    const name = this.#stringToken(isBlock ? "block clause" : "define clause");
    const pipe = isBlock ? this.#pipeline("block clause", "right") : undefined;
    if (!isBlock) this.#expectRight("define clause");
    const outer = this.#variables;
    this.#variables = ["$"];
    const { nodes, end } = this.#list();
    if (!end) this.#fail("unexpected EOF", this.#text.length);
    this.#expectRight("define clause");
    this.#variables = outer;
    this.defined.set(name, nodes);
    return pipe && { kind: "template", name, pipe, at: token.at };
  }

  #stringToken(context: string): string {
    const token = this.#skipSpace();
    if (token.type !== "string") this.#unexpected(token, context);
    this.#take();
    return unquote(token.text) ?? "";
  }

  #expectRight(context: string): void {
    const token = this.#skipSpace();
    if (token.type !== "right") this.#unexpected(token, context);
    this.#take();
  }

  #unexpected(token: Token, context: string): never {
    if (token.type === "end") this.#fail(`unexpected EOF in ${context}`, token.at);
    const shown =
      token.type === "keyword"
        ? `<${token.text}>`
        : token.text.length > 10
          ? `"${token.text.slice(0, 10)}"...`
          : JSON.stringify(token.text);
    this.#fail(`unexpected ${shown} in ${context}`, token.at);
  }

  #pipeline(context: string, end: "right" | ")"): Pipe {
    const start = this.#skipSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.type === end) {
        this.#take();
        if (commands.length === 0) this.#fail(`missing value for ${context}`, token.at);
        return { variables, assigns, commands, at: start.at };
      }
      if (!OPERAND_STARTS.has(token.type)) this.#unexpected(token, context);
      const command = this.#command(context);
      const first = command.operands[0];
      if (commands.length > 0 && first && ["literal", "dot", "nil"].includes(first.kind)) {
        this.#fail(`non executable command in pipeline stage ${commands.length + 1}`, first.at);
      }
      commands.push(command);
    }
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const start = this.#next;
    const names: string[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.type !== "variable") break;
      this.#take();
      names.push(token.text);
      const next = this.#skipSpace();
      if (next.type === ":=" || next.type === "=") {
        this.#take();
        if (next.type === ":=") this.#variables.push(...names);
        return { variables: names, assigns: next.type === "=" };
      }
      if (next.type === "," && context === "range" && names.length < 2) {
        this.#take();
        continue;
      }
      break;
    }
    this.#next = start;
    return { variables: [], assigns: false };
  }

  #command(context: string): Command {
    const at = this.#peek().at;
    const operands: Operand[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand) operands.push(operand);
      const token = this.#peek();
      if (token.type === "space") {
        this.#skipSpace();
        if (OPERAND_STARTS.has(this.#peek().type)) continue;
      }
      const next = this.#peek();
      if (next.type === "right" || next.type === ")") break;
      if (next.type === "pipe") {
        this.#take();
        const after = this.#skipSpace();
        if (after.type === "right" || after.type === ")") this.#fail(`missing value for ${context}`, after.at);
        break;
      }
      this.#unexpected(next, "operand");
    }
    if (operands.length === 0) this.#fail("empty command", at);
    return { operands, at };
  }

  #operand(): Operand | undefined {
    const token = this.#peek();
    let operand: Operand;
    if (!OPERAND_STARTS.has(token.type)) return undefined;
    this.#take();
    switch (token.type) {
      case "dot":
        operand = { kind: "dot", at: token.at };
        break;
      case "nil":
        operand = { kind: "nil", at: token.at };
        break;
      case "bool":
        operand = { kind: "literal", value: token.text === "true", text: token.text, at: token.at };
        break;
      case "string":
        operand = this.#literal(token, unquote(token.text));
        break;
      case "char":
        operand = this.#literal(token, unquote(`"${token.text.slice(1, -1)}"`)?.codePointAt(0));
        break;
      case "number":
        operand = this.#literal(token, Number(token.text.replaceAll("_", "")));
        break;
      case "identifier":
        if (!this.#functions.has(token.text))
          this.#fail(`function ${JSON.stringify(token.text)} not defined`, token.at);
        operand = { kind: "function", name: token.text, at: token.at };
        break;
      case "variable":
        if (!this.#variables.includes(token.text))
          this.#fail(`undefined variable ${JSON.stringify(token.text)}`, token.at);
        operand = { kind: "variable", name: token.text, names: [], at: token.at };
        break;
      case "field":
        operand = { kind: "field", names: [token.text.slice(1)], at: token.at };
        break;
      default: {
        const pipe = this.#pipeline("parenthesized pipeline", ")");
        operand = { kind: "pipe", pipe, at: token.at };
      }
    }
    if (this.#peek().type !== "field") return operand;
    // A chain of fields stands, for error messages, where its second field begins.
    const at = this.#peek().at;
    const names: string[] = [];
    while (this.#peek().type === "field") names.push(this.#take().text.slice(1));
    if (operand.kind === "field" || operand.kind === "variable")
      return { ...operand, names: [...operand.names, ...names], at };
    if (operand.kind === "literal" || operand.kind === "nil" || operand.kind === "dot") {
      this.#fail(`unexpected . after term ${JSON.stringify(operandText(operand))}`, at);
    }
    return { kind: "chain", operand, names, at };
  }

  #literal(token: Token, value: string | number | undefined): Operand {
    if (value === undefined) this.#fail("invalid syntax", token.at);
    if (typeof value === "number" && Number.isNaN(value))
      this.#fail(`illegal number syntax: ${JSON.stringify(token.text)}`, token.at);
    return { kind: "literal", value, text: token.text, at: token.at };
  }
}

const OPERAND_STARTS = new Set([
  "dot",
  "nil",
  "bool",
  "string",
  "char",
  "number",
  "identifier",
  "variable",
  "field",
  "(",
]);

/** The operand as error messages print it. */
export function operandText(operand: Operand): string {
  switch (operand.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "literal":
      return operand.text;
    case "field":
      return operand.names.map((name) => `.${name}`).join("");
    case "variable":
      return operand.name + operand.names.map((name) => `.${name}`).join("");
    case "function":
      return operand.name;
    case "chain":
      return operandText(operand.operand) + operand.names.map((name) => `.${name}`).join("");
    case "pipe":
      return `(${pipeText(operand.pipe)})`;
  }
}

export const commandText = (command: Command): string => command.operands.map(operandText).join(" ");

export const pipeText = (pipe: Pipe): string =>
  (pipe.variables.length ? `${pipe.variables.join(", ")} ${pipe.assigns ? "=" : ":="} ` : "") +
  pipe.commands.map(commandText).join(" | ");
