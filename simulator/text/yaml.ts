/**
 * The one door to the `yaml` package: documents to plain data as sigs.k8s.io/yaml reads them (YAML 1.1 words, string
 * keys, last duplicate wins), with go-yaml's words and line numbers when they do not parse.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument, type Document, type YAMLError } from "yaml";
import type { Json } from "../base/json";
import { failure, ok, type Result } from "../base/result";
import { formatFloat } from "./strconv";
import { resolveScalar } from "./yaml-scalar";

export { printYaml } from "./yaml-print";

/** apimachinery's YAML reader: cuts a stream at lines that begin with `---`. Empty pieces are kept: line numbers count in each. */
export function splitYamlDocuments(text: string): string[] {
  const pieces: string[] = [];
  let piece: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("---") && /^---\s*(#.*)?$/.test(line)) {
      if (piece.length > 0) pieces.push(`${piece.join("\n")}\n`);
      piece = [];
      continue;
    }
    piece.push(line);
  }
  pieces.push(piece.join("\n"));
  return pieces.filter((each) => each.trim() !== "");
}

export interface ParsedYaml {
  /** undefined for a document without content. */
  readonly value: Json | undefined;
  /** Keys given more than once, with their line: strict readers refuse them. */
  readonly duplicates: readonly { readonly key: string; readonly line: number }[];
}

/** Parses one document. The error is go-yaml's: `yaml: line 3: mapping values are not allowed in this context`. */
export function parseYaml(text: string): Result<ParsedYaml, string> {
  const document = parseDocument(text, {
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    keepSourceTokens: true,
    merge: false,
    logLevel: "silent",
  });
  const error = document.errors[0];
  if (error) return failure(`yaml: ${goYamlError(error, text)}`);
  const reader = new Reader(document, text);
  const value = document.contents === null ? undefined : reader.value(document.contents);
  if (reader.problem) return failure(`yaml: ${reader.problem}`);
  return ok({ value, duplicates: reader.duplicates });
}

class Reader {
  readonly #document: Document.Parsed;
  readonly #text: string;
  readonly duplicates: { key: string; line: number }[] = [];
  problem: string | undefined;

  constructor(document: Document.Parsed, text: string) {
    this.#document = document;
    this.#text = text;
  }

  value(node: unknown): Json {
    if (node === null || node === undefined) return null;
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target) return this.value(target);
      this.problem ??= `unknown anchor '${node.source}' referenced`;
      return null;
    }
    if (isScalar(node)) return this.#scalar(node as never);
    if (isSeq(node)) return node.items.map((item) => this.value(item));
    if (isMap(node)) return this.#map(node.items);
    return null;
  }

  #scalar(node: { value: unknown; type?: string; tag?: string }): Json {
    const text = String(node.value ?? "");
    if (node.tag === "!!str" || node.tag === "tag:yaml.org,2002:str") return text;
    if (node.type !== "PLAIN" && node.type !== undefined) return text;
    const resolved = resolveScalar(text);
    return typeof resolved.value === "number" && !Number.isFinite(resolved.value) ? text : resolved.value;
  }

  #map(pairs: readonly unknown[]): Json {
    const map: Record<string, Json> = {};
    const merged: Record<string, Json> = {};
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const keyNode = pair.key as { range?: readonly number[]; type?: string } | null;
      const key = keyText(this.value(keyNode));
      const value = this.value(pair.value);
      if (key === "<<" && keyNode?.type === "PLAIN") {
        for (const source of Array.isArray(value) ? value : [value]) {
          if (typeof source !== "object" || source === null) {
            this.problem ??= "map merge requires map or sequence of maps as the value";
            continue;
          }
          for (const [name, each] of Object.entries(source))
            if (!Object.hasOwn(merged, name)) define(merged, name, each as Json);
        }
        continue;
      }
      if (Object.hasOwn(map, key)) this.duplicates.push({ key, line: lineAt(this.#text, keyNode?.range?.[0] ?? 0) });
      define(map, key, value);
    }
    for (const key of Object.keys(merged)) if (!Object.hasOwn(map, key)) define(map, key, merged[key]!);
    return map;
  }
}

/** A key named __proto__ must stay a plain member. */
function define(map: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
  else map[key] = value;
}

function keyText(key: Json): string {
  if (typeof key === "string") return key;
  if (typeof key === "number") return Number.isInteger(key) ? String(key) : formatFloat(key);
  return key === null ? "null" : String(key);
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

/** What go-yaml says where the `yaml` package found a mistake. */
function goYamlError(error: YAMLError, text: string): string {
  const offset = Math.min(error.pos[0], text.length);
  const line = lineAt(text, offset);
  const at = (n: number, message: string): string => (n > 0 ? `line ${n}: ${message}` : message);
  const lines = text.split("\n");
  const here = lines[line - 1] ?? "";
  switch (error.code) {
    case "TAB_AS_INDENT":
      return at(line, "found character that cannot start any token");
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY": {
      const colon = lines.findIndex((each, i) => i >= line - 1 && /:(\s|$)/.test(each.replace(/^[^:]*:\s/, "")));
      if (error.code === "MULTILINE_IMPLICIT_KEY") {
        const keyLine = lines.findIndex((each, i) => i >= line && /:(\s|$)/.test(each));
        return at((keyLine < 0 ? line : keyLine) + 1, "mapping values are not allowed in this context");
      }
      return at((colon < 0 ? line - 1 : colon) + 1, "mapping values are not allowed in this context");
    }
    case "MISSING_CHAR":
      if (/quote/.test(error.message))
        return at(lines.length - (text.endsWith("\n") ? 1 : 0) + 1, "found unexpected end of stream");
      if (/flow (sequence|collection)|\]/.test(error.message)) return at(line - 1, "did not find expected ',' or ']'");
      if (/flow map|\}/.test(error.message)) return at(line - 1, "did not find expected ',' or '}'");
      return at(line + 1, "could not find expected ':'");
    case "BAD_INDENT":
    case "UNEXPECTED_TOKEN":
    case "IMPOSSIBLE":
      if (/flow/i.test(error.message)) return at(line - 1, "did not find expected node content");
      if (here.trimStart().startsWith("- ")) return at(line - 1, "did not find expected key");
      return at(
        line - 1,
        /sequence/i.test(error.message) ? "did not find expected '-' indicator" : "did not find expected key",
      );
    case "BAD_SCALAR_START":
      return at(line, "found character that cannot start any token");
    case "BAD_ALIAS":
      return `unknown anchor '${/[*]?([^\s]+)/.exec(text.slice(offset))?.[1] ?? ""}' referenced`;
    case "BAD_DQ_ESCAPE":
      return at(line, "found unknown escape character");
    case "BAD_DIRECTIVE":
      return at(line, "found unknown directive name");
    case "MULTIPLE_DOCS":
      return at(line, "expected <document start>");
    default:
      return at(line - 1, "did not find expected key");
  }
}
