/**
 * Runs Go text/templates (docker's --format, kubectl's -o go-template) on plain data and on values that stand for Go
 * structs, with Go's own way of printing values and its words for what goes wrong.
 */
import { failure, ok, type Result } from "../base/result";
import {
  commandText,
  operandText,
  parseTemplate,
  type Command,
  type Operand,
  type ParsedTemplate,
  type Pipe,
  type TemplateNode,
} from "./go-template-parser";
import { BUILTIN_FUNCTIONS, TemplateFailure, type TemplateFunction } from "./go-template-functions";
import { compareStrings, formatValue } from "./strconv";

export { TemplateFailure, type TemplateFunction } from "./go-template-functions";

/** A value that behaves like a Go struct: unknown fields are errors, and some names are methods with arguments. */
export interface GoStruct {
  /** For messages: `*formatter.ContainerContext`. */
  readonly goType: string;
  /** The value of a field or method; undefined when there is none of that name. */
  readonly goField: (name: string, args: readonly unknown[]) => unknown;
  /** What {{.}} and {{json .}} see. */
  readonly goValue: () => unknown;
  /** Its JSON is made by a method of its own, which writes `<` as \u003c whatever the template's function does. */
  readonly escapesHtml?: boolean;
}

export const isGoStruct = (value: unknown): value is GoStruct =>
  typeof value === "object" && value !== null && typeof (value as GoStruct).goField === "function";

export interface TemplateOptions {
  /** The template's name in messages; docker's is empty, kubectl's is "output". */
  readonly name?: string;
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
  /** A missing map key is an error (`missingkey=error`) instead of `<no value>`. */
  readonly missingKeyError?: boolean;
}

/** A parsed template. Errors of execute come with the text that was written before. */
export interface GoTemplate {
  execute(data: unknown): { readonly text: string; readonly error?: string };
}

export function compileTemplate(text: string, options: TemplateOptions = {}): Result<GoTemplate, string> {
  const functions = new Map([...BUILTIN_FUNCTIONS, ...Object.entries(options.functions ?? {})]);
  const name = options.name ?? "";
  const parsed = parseTemplate(name, text, new Set(functions.keys()));
  if (!parsed.ok) return failure(parsed.error);
  return ok({
    execute(data) {
      const run = new Run(text, name, parsed.value, functions, options.missingKeyError ?? false);
      try {
        run.list(parsed.value.root, data);
      } catch (error) {
        if (error instanceof TemplateFailure) return { text: run.out, error: error.message };
        throw error;
      }
      return { text: run.out };
    },
  });
}

/** Go's zero reflect.Value: what a missing key evaluates to. */
const NO_VALUE = Symbol("no value");

type Jump = "break" | "continue" | undefined;

class Run {
  out = "";
  readonly #text: string;
  readonly #name: string;
  #current: string;
  readonly #parsed: ParsedTemplate;
  readonly #functions: ReadonlyMap<string, TemplateFunction>;
  readonly #missingKeyError: boolean;
  #variables: { name: string; value: unknown }[] = [];
  #depth = 0;

  constructor(
    text: string,
    name: string,
    parsed: ParsedTemplate,
    functions: ReadonlyMap<string, TemplateFunction>,
    missingKeyError: boolean,
  ) {
    this.#text = text;
    this.#name = name;
    this.#current = name;
    this.#parsed = parsed;
    this.#functions = functions;
    this.#missingKeyError = missingKeyError;
  }

  list(nodes: readonly TemplateNode[], dot: unknown): Jump {
    if (this.#variables.length === 0) this.#variables.push({ name: "$", value: dot });
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump) return jump;
    }
    return undefined;
  }

  #node(node: TemplateNode, dot: unknown): Jump {
    switch (node.kind) {
      case "text":
        this.out += node.text;
        return undefined;
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.out += this.#print(value);
        return undefined;
      }
      case "if":
      case "with": {
        const mark = this.#variables.length;
        const value = this.#pipe(node.pipe, dot);
        const inner = node.kind === "with" ? value : dot;
        const jump = isTrue(value) ? this.list(node.body, inner) : this.list(node.otherwise, dot);
        this.#variables.length = mark;
        return jump;
      }
      case "range":
        return this.#range(node, dot);
      case "break":
      case "continue":
        return node.kind;
      case "template":
        this.#template(node, dot);
        return undefined;
    }
  }

  #range(node: Extract<TemplateNode, { kind: "range" }>, dot: unknown): Jump {
    const mark = this.#variables.length;
    const value = plain(this.#pipe(node.pipe, dot, true));
    const entries = this.#entries(value, node);
    const names = node.pipe.variables;
    let jump: Jump;
    for (const [key, item] of entries) {
      if (names.length === 1) this.#bind(node.pipe, names[0]!, item);
      if (names.length === 2) {
        this.#bind(node.pipe, names[0]!, key);
        this.#bind(node.pipe, names[1]!, item);
      }
      jump = this.list(node.body, item);
      this.#variables.length = mark;
      if (jump === "break") break;
    }
    if (entries.length === 0) jump = this.list(node.otherwise, dot);
    this.#variables.length = mark;
    return entries.length === 0 ? jump : undefined;
  }

  #entries(value: unknown, node: Extract<TemplateNode, { kind: "range" }>): (readonly [unknown, unknown])[] {
    if (value === NO_VALUE || value === null || value === undefined) return [];
    if (Array.isArray(value)) return value.map((item, i) => [i, item] as const);
    if (typeof value === "number" && Number.isInteger(value))
      return Array.from({ length: Math.max(0, value) }, (_, i) => [i, i] as const);
    if (typeof value === "object") {
      const map = value as Readonly<Record<string, unknown>>;
      return Object.keys(map)
        .filter((key) => map[key] !== undefined)
        .sort(compareStrings)
        .map((key) => [key, map[key]] as const);
    }
    return this.#fail(
      node.pipe.at,
      commandText(node.pipe.commands[0]!),
      `range can't iterate over ${formatValue(value)}`,
    );
  }

  #bind(pipe: Pipe, name: string, value: unknown): void {
    if (pipe.assigns) {
      const variable = this.#variables.findLast((each) => each.name === name);
      if (variable) variable.value = value;
    } else this.#variables.push({ name, value });
  }

  #template(node: Extract<TemplateNode, { kind: "template" }>, dot: unknown): void {
    const body = this.#parsed.defined.get(node.name);
    if (!body) this.#fail(node.at, `{{template "${node.name}"}}`, `template "${node.name}" not defined`);
    if (++this.#depth > 1000)
      this.#fail(node.at, `{{template "${node.name}"}}`, "exceeded maximum template depth (100000)");
    const inner = node.pipe ? this.#pipe(node.pipe, dot) : NO_VALUE;
    const saved = this.#variables;
    const savedName = this.#current;
    this.#variables = [{ name: "$", value: inner }];
    this.#current = node.name;
    this.list(body, inner);
    this.#variables = saved;
    this.#current = savedName;
    this.#depth--;
  }

  #pipe(pipe: Pipe, dot: unknown, isRange = false): unknown {
    let value: unknown;
    pipe.commands.forEach((command, i) => {
      value = this.#command(command, dot, i === 0 ? [] : [value]);
    });
    if (!isRange) for (const name of pipe.variables) this.#bind(pipe, name, value);
    return value;
  }

  #command(command: Command, dot: unknown, final: readonly unknown[]): unknown {
    const first = command.operands[0]!;
    const args = (): unknown[] => [...command.operands.slice(1).map((each) => this.#operand(each, dot)), ...final];
    switch (first.kind) {
      case "function":
        return this.#call(first, command, args);
      case "field":
        return this.#fields(dot, first, first.names, args());
      case "variable":
        if (first.names.length > 0) return this.#fields(this.#variable(first.name), first, first.names, args());
        break;
      case "chain":
        return this.#fields(this.#operand(first.operand, dot), first, first.names, args());
      case "nil":
        return this.#fail(first.at, commandText(command), "nil is not a command");
      default:
        break;
    }
    if (command.operands.length > 1 || final.length > 0) {
      this.#fail(first.at, operandText(first), `can't give argument to non-function ${operandText(first)}`);
    }
    return this.#operand(first, dot);
  }

  #call(operand: Extract<Operand, { kind: "function" }>, command: Command, args: () => unknown[]): unknown {
    const target = this.#functions.get(operand.name)!;
    // "and" and "or" stop at the first argument that decides.
    try {
      return target(...args().map((arg) => (arg === NO_VALUE ? null : arg)));
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      if (error.located) throw error;
      const message = error.isUsage ? error.message : `error calling ${operand.name}: ${error.message}`;
      return this.#fail(operand.at, commandText(command), message);
    }
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "literal":
        return operand.value;
      case "field":
        return this.#fields(dot, operand, operand.names, []);
      case "variable":
        return this.#fields(this.#variable(operand.name), operand, operand.names, []);
      case "function":
        return this.#call(operand, { operands: [operand], at: operand.at }, () => []);
      case "pipe":
        return this.#pipe(operand.pipe, dot);
      case "chain":
        return this.#fields(this.#operand(operand.operand, dot), operand, operand.names, []);
    }
  }

  #variable(name: string): unknown {
    return this.#variables.findLast((each) => each.name === name)?.value;
  }

  /** Follows a chain of names. Arguments go to the last one. */
  #fields(receiver: unknown, operand: Operand, names: readonly string[], args: readonly unknown[]): unknown {
    let value = receiver;
    names.forEach((name, i) => {
      const isLast = i === names.length - 1;
      value = this.#field(value, name, operand, isLast ? args : [], i === 0 && operand.kind === "field");
    });
    return value;
  }

  #field(receiver: unknown, name: string, operand: Operand, args: readonly unknown[], isTop: boolean): unknown {
    const text = operandText(operand);
    if (receiver === NO_VALUE) {
      if (this.#missingKeyError) this.#fail(operand.at, text, `nil data; no entry for key "${name}"`);
      return NO_VALUE;
    }
    if (receiver === null || receiver === undefined) {
      return this.#fail(
        operand.at,
        text,
        isTop ? `nil data; no entry for key "${name}"` : `nil pointer evaluating interface {}.${name}`,
      );
    }
    if (isGoStruct(receiver)) {
      const value = receiver.goField(name, args);
      if (value === undefined) this.#fail(operand.at, text, `can't evaluate field ${name} in type ${receiver.goType}`);
      return value;
    }
    if (typeof receiver === "object" && !Array.isArray(receiver)) {
      const map = receiver as Readonly<Record<string, unknown>>;
      if (args.length > 0) this.#fail(operand.at, text, `${name} is not a method but has arguments`);
      if (Object.hasOwn(map, name) && map[name] !== undefined) return map[name];
      if (this.#missingKeyError) this.#fail(operand.at, text, `map has no entry for key "${name}"`);
      return NO_VALUE;
    }
    return this.#fail(operand.at, text, `can't evaluate field ${name} in type interface {}`);
  }

  #print(value: unknown): string {
    if (value === NO_VALUE || value === null || value === undefined) return "<no value>";
    return formatValue(plain(value));
  }

  #fail(at: number, context: string, message: string): never {
    const before = this.#text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - (before.lastIndexOf("\n") + 1) + (line > 1 ? 1 : 0);
    const shown = context.length > 20 ? `${context.slice(0, 20)}...` : context;
    throw new TemplateFailure(
      `template: ${this.#name}:${line}:${column}: executing "${this.#current}" at <${shown}>: ${message}`,
      { located: true },
    );
  }
}

/** A struct as the plain value it prints as. */
function plain(value: unknown): unknown {
  return isGoStruct(value) ? value.goValue() : value;
}

/** Go's truth: everything but false, 0, nil and what is empty. */
function isTrue(value: unknown): boolean {
  if (value === NO_VALUE || value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (isGoStruct(value)) return true;
  if (typeof value === "object") return Object.keys(value).length > 0;
  return Boolean(value);
}
