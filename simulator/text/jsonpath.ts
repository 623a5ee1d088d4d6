/** Evaluates and prints kubectl's JSONPath (client-go util/jsonpath): `{range .items[*]}{.metadata.name}{"\n"}{end}`. */
import { failure, ok, type Result } from "../base/result";
import { goJson, goJsonIndent } from "./go-json";
import { parseJsonPath, type JsonPathNode } from "./jsonpath-parser";
import { compareStrings, formatValue } from "./strconv";

export interface JsonPathOptions {
  /** A missing key gives nothing instead of "… is not found". */
  readonly allowMissingKeys?: boolean;
}

/** A parsed template, ready to be run on any number of objects. */
export interface JsonPath {
  /** One list of values per piece of text or action, in order. */
  find(data: unknown): Result<readonly (readonly unknown[])[], string>;
  /** The printed text; `asJson` prints each piece as an indented JSON array. */
  execute(data: unknown, asJson?: boolean): Result<string, string>;
}

export function compileJsonPath(template: string, options: JsonPathOptions = {}): Result<JsonPath, string> {
  const parsed = parseJsonPath(template);
  if (!parsed.ok) return parsed;
  const find = (data: unknown): Result<readonly (readonly unknown[])[], string> =>
    new Evaluator(options.allowMissingKeys ?? false).run(parsed.value, data);
  return ok({
    find,
    execute(data, asJson = false) {
      const results = find(data);
      if (!results.ok) return results;
      return ok(results.value.map((values) => (asJson ? `${goJsonIndent(values)}\n` : printValues(values))).join(""));
    },
  });
}

const printValues = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === "object" && value !== null ? goJson(value) : formatValue(value))).join(" ");

/**
 * kubectl accepts `metadata.name`, `.metadata.name` and `{.metadata.name}` where one field is wanted (`--sort-by`,
 * custom-columns, `wait --for=jsonpath`). The answer has the braces.
 */
export function relaxedJsonPath(path: string): Result<string, string> {
  if (path === "") return ok(path);
  const m = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(path);
  if (!m) {
    return failure(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  }
  return ok(`{.${m[1] ?? m[2]}}`);
}

class EvaluationError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

class Evaluator {
  readonly #allowMissingKeys: boolean;
  #beginRange = 0;
  #inRange = 0;
  #endRange = 0;
  #lastEnd: JsonPathNode | undefined;

  constructor(allowMissingKeys: boolean) {
    this.#allowMissingKeys = allowMissingKeys;
  }

  run(nodes: readonly JsonPathNode[], data: unknown): Result<readonly (readonly unknown[])[], string> {
    try {
      return ok(this.#find(nodes, data));
    } catch (error) {
      if (error instanceof EvaluationError) return failure(error.message);
      throw error;
    }
  }

  #find(nodes: readonly JsonPathNode[], data: unknown): unknown[][] {
    const all: unknown[][] = [];
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const results = this.#walk([data], node);
      if (this.#endRange > 0 && this.#endRange <= this.#inRange) {
        this.#endRange--;
        this.#lastEnd = node;
        break;
      }
      if (this.#beginRange > 0) {
        this.#beginRange--;
        this.#inRange++;
        const rest = nodes.slice(i + 1);
        for (const value of results) all.push(...this.#find(rest, value));
        // The body of an empty range is walked all the same, to find its end.
        if (results.length === 0) this.#find(rest, null);
        this.#inRange--;
        const end = this.#lastEnd ? nodes.indexOf(this.#lastEnd, i + 1) : -1;
        if (end >= 0) i = end;
        continue;
      }
      all.push(results);
    }
    return all;
  }

  #walk(input: unknown[], node: JsonPathNode): unknown[] {
    switch (node.kind) {
      case "text":
        return [node.text];
      case "value":
        return input.map(() => node.value);
      case "list": {
        let values = input;
        for (const each of node.nodes) values = this.#walk(values, each);
        return values;
      }
      case "identifier":
        return this.#identifier(input, node.name);
      case "field":
        return this.#field(input, node.name);
      case "array":
        return input.flatMap((value) => this.#slice(value, node.bounds));
      case "union":
        return node.nodes.flatMap((each) => this.#walk(input, each));
      case "wildcard":
        return input.flatMap(children);
      case "recursive":
        return this.#recursive(input);
      case "filter":
        return input.flatMap((value) => this.#filter(value, node));
    }
  }

  #identifier(input: unknown[], name: string): unknown[] {
    if (name === "range") {
      this.#beginRange++;
      return input;
    }
    if (name !== "end") throw new EvaluationError(`unrecognized identifier ${name}`);
    if (this.#inRange === 0) throw new EvaluationError("not in range, nothing to end");
    this.#endRange++;
    return [];
  }

  #field(input: readonly unknown[], name: string): unknown[] {
    if (input.length === 0) return [];
    const results: unknown[] = [];
    for (const value of input) {
      if (!isMap(value) || !Object.hasOwn(value, name) || value[name] === undefined) continue;
      results.push(value[name]);
    }
    if (results.length === 0 && !this.#allowMissingKeys) throw new EvaluationError(`${name} is not found`);
    return results;
  }

  #slice(value: unknown, bounds: Extract<JsonPathNode, { kind: "array" }>["bounds"]): unknown[] {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw new EvaluationError(`${typeName(value)} is not array or slice`);
    const length = value.length;
    const outOfBounds = (index: number): EvaluationError =>
      new EvaluationError(`array index out of bounds: index ${index}, length ${length}`);
    let from = bounds[0].known ? bounds[0].value : 0;
    if (from < 0) from += length;
    let to = bounds[1].known ? bounds[1].value : length;
    if (to < 0 || (to === 0 && bounds[1].derived)) to += length;
    if (to === from) return [];
    if (from >= length || from < 0) throw outOfBounds(from);
    if (to > length || to < 0) throw outOfBounds(to - 1);
    if (from > to) throw new EvaluationError(`starting index ${from} is greater than ending index ${to}`);
    const step = bounds[2].known ? bounds[2].value : 1;
    if (step <= 0) throw new EvaluationError("step must be > 0");
    return value.slice(from, to).filter((_, i) => i % step === 0);
  }

  #recursive(input: readonly unknown[]): unknown[] {
    return input.flatMap((value) => {
      const below = children(value);
      return below.length === 0 ? [] : [value, ...this.#recursive(below)];
    });
  }

  #filter(value: unknown, node: Extract<JsonPathNode, { kind: "filter" }>): unknown[] {
    if (!Array.isArray(value)) {
      throw new EvaluationError(`${formatValue(value)} is not array or slice and cannot be filtered`);
    }
    return value.filter((item) => {
      if (node.operator === "exists") return this.#exists(item, node.left);
      const lefts = this.#walk([item], node.left);
      if (lefts.length === 0) return false;
      const rights = lefts.length > 1 ? [] : this.#walk([item], node.right);
      if (lefts.length > 1 || rights.length > 1) throw new EvaluationError("can only compare one element at a time");
      return rights.length > 0 && compare(lefts[0], rights[0], node.operator);
    });
  }

  #exists(item: unknown, left: JsonPathNode): boolean {
    try {
      return this.#walk([item], left).length > 0;
    } catch (error) {
      if (error instanceof EvaluationError) return false;
      throw error;
    }
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return [...value];
  if (typeof value === "string") return [...value].map((ch) => ch.codePointAt(0)!);
  if (!isMap(value)) return [];
  return Object.keys(value)
    .sort(compareStrings)
    .map((key) => value[key]);
}

function typeName(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return "map[string]interface {}";
}

function compare(left: unknown, right: unknown, operator: string): boolean {
  if (!["<", ">", "==", "!=", "<=", ">="].includes(operator)) {
    throw new EvaluationError(`unrecognized filter operator ${operator}`);
  }
  const kinds = [kind(left), kind(right)];
  if (kinds.includes("other")) throw new EvaluationError("invalid type for comparison");
  if (kinds[0] !== kinds[1]) throw new EvaluationError("incompatible types for comparison");
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (kinds[0] === "bool") throw new EvaluationError("invalid type for comparison");
  const order =
    kinds[0] === "string" ? compareStrings(left as string, right as string) : (left as number) - (right as number);
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

function kind(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return "other";
}
