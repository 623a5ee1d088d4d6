/** awk: runs a parsed program over records. */
import { NO_BYTES, Utf8Decoder, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { makePipe, type OpenFile, type PipeReader } from "../../os/open-file";
import type { Process } from "../../os/process";
import { byCodePoint } from "../glob";
import { formatPrintf } from "../printf";
import { posixToRegExp } from "../regex";
import { strftime } from "../strftime";
import type { Tool, ToolRun } from "../tool";
import {
  type AwkFunction,
  type AwkProgram,
  AwkSyntaxError,
  type Expression,
  type Statement,
  readEscape,
  parseAwk,
} from "./awk-parse";

/** Text from input that looks like a number compares as one. */
class InputText {
  constructor(readonly text: string) {}
}

type Value = number | string | InputText | undefined;
type ArrayValue = Map<string, Value>;

class Next {}
class NextFile {}
class Exit {
  constructor(readonly code: number | undefined) {}
}
class Return {
  constructor(readonly value: Value) {}
}
class LoopBreak {}
class LoopContinue {}
class AwkError {
  constructor(readonly message: string) {}
}

interface Reader {
  readonly file: OpenFile;
  readonly decoder: Utf8Decoder;
  rest: string;
  ended: boolean;
  readonly child: Process | undefined;
}

const looksNumeric = (text: string): boolean =>
  /^\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf(inity)?|nan)\s*$/i.test(text) &&
  !/^\s*$/.test(text) &&
  !/^\s*(inf|nan)/i.test(text);

export const awk: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const options = yield* tool.options({
    short: "F:v:f:W:",
    long: { "field-separator=": "F", "assign=": "v", "file=": "f", version: "V" },
    posix: true,
  });
  const operands = [...options.operands];
  let source = "";
  if (options.has("f")) {
    for (const path of options.values("f")) {
      try {
        source += `${decodeUtf8(yield* tool.readAllOf(path))}\n`;
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* tool.fail(`cannot open ${path} (${error.text})`, 2);
      }
    }
  } else {
    const text = operands.shift();
    if (text === undefined) {
      yield* tool.process.printError("Usage: mawk [Options] [Program] [file ...]\n");
      return 2;
    }
    source = text;
  }
  let program: AwkProgram;
  try {
    program = parseAwk(source);
  } catch (error) {
    if (!(error instanceof AwkSyntaxError)) throw error;
    yield* tool.process.printError(`awk: line ${error.line}: ${error.message}\n`);
    return 2;
  }
  const machine = new Machine(tool, program, operands);
  const separator = options.value("F");
  if (separator !== undefined) machine.set("FS", separator === "t" ? "\t" : unescapeText(separator));
  for (const text of options.values("v")) {
    const at = text.indexOf("=");
    machine.set(text.slice(0, at), new InputText(unescapeText(text.slice(at + 1))));
  }
  try {
    return yield* machine.run();
  } catch (error) {
    if (!(error instanceof AwkError)) throw error;
    yield* tool.flush();
    yield* tool.process.printError(`awk: ${error.message}\n`);
    return 2;
  }
};

function unescapeText(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; ) {
    if (text[i] === "\\") {
      const [piece, used] = readEscape(text, i);
      out += piece;
      i += used;
    } else out += text[i++];
  }
  return out;
}

class Machine {
  readonly #tool: Tool;
  readonly #program: AwkProgram;
  readonly #globals = new Map<string, Value>();
  readonly #arrays = new Map<string, ArrayValue>();
  #locals: Map<string, Value | ArrayValue> | undefined;
  #record = "";
  #fields: Value[] | undefined;
  #main: Reader | undefined;
  #nextOperand = 0;
  #openedAny = false;
  readonly #readers = new Map<string, Reader>();
  readonly #writers = new Map<string, { readonly file: OpenFile; readonly child: Process | undefined }>();
  readonly #active: boolean[] = [];
  readonly #regexps = new Map<string, RegExp>();
  #seed = 0;
  #depth = 0;

  constructor(tool: Tool, program: AwkProgram, operands: readonly string[]) {
    this.#tool = tool;
    this.#program = program;
    for (const [name, value] of Object.entries({
      FS: " ",
      OFS: " ",
      ORS: "\n",
      RS: "\n",
      NF: 0,
      NR: 0,
      FNR: 0,
      SUBSEP: "\x1c",
      CONVFMT: "%.6g",
      OFMT: "%.6g",
      RSTART: 0,
      RLENGTH: -1,
      FILENAME: "",
    }))
      this.#globals.set(name, value);
    this.#arrays.set(
      "ENVIRON",
      new Map(Object.entries(tool.process.env).map(([name, value]) => [name, new InputText(value)])),
    );
    this.#globals.set("ARGC", operands.length + 1);
    this.#arrays.set(
      "ARGV",
      new Map([
        ["0", "awk"] as [string, Value],
        ...operands.map((operand, index): [string, Value] => [String(index + 1), new InputText(operand)]),
      ]),
    );
  }

  *run(): Task<number> {
    let code: number | undefined = 0;
    const rules = this.#program.rules;
    try {
      for (const rule of rules) if (rule.kind === "BEGIN") yield* this.#execute(rule.body!);
      if (rules.some((rule) => rule.kind !== "BEGIN")) {
        for (;;) {
          const record = yield* this.#readMain();
          if (record === undefined) break;
          this.#setRecord(record);
          try {
            yield* this.#rules();
          } catch (error) {
            if (error instanceof NextFile) this.#closeMain();
            else if (!(error instanceof Next)) throw error;
          }
        }
      }
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      code = error.code ?? 0;
    }
    try {
      for (const rule of rules) if (rule.kind === "END") yield* this.#execute(rule.body!);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      code = error.code ?? code;
    }
    yield* this.#tool.flush();
    for (const name of [...this.#writers.keys()]) yield* this.#close(name);
    return (code ?? 0) & 255;
  }

  *#rules(): Task<void> {
    for (let i = 0; i < this.#program.rules.length; i++) {
      const rule = this.#program.rules[i]!;
      if (rule.kind === "BEGIN" || rule.kind === "END") continue;
      if (rule.kind === "range") {
        if (!this.#active[i]) {
          if (!truthy(yield* this.#evaluate(rule.pattern!))) continue;
          this.#active[i] = true;
        }
        if (truthy(yield* this.#evaluate(rule.end!))) this.#active[i] = false;
      } else if (rule.pattern && !truthy(yield* this.#evaluate(rule.pattern))) continue;
      if (rule.body) yield* this.#execute(rule.body);
      else yield* this.#tool.text(this.#record + this.#text(this.get("ORS")));
    }
  }

  // ---- input -----------------------------------------------------------------------------------------------------------

  #closeMain(): void {
    this.#main?.file.release();
    this.#main = undefined;
  }

  *#openNext(): Task<boolean> {
    const argc = toNumber(this.get("ARGC"));
    while (this.#nextOperand + 1 < argc) {
      this.#nextOperand++;
      const value = this.#arrays.get("ARGV")!.get(String(this.#nextOperand));
      const operand = value === undefined ? "" : this.#text(value);
      if (operand === "") continue;
      const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(operand);
      if (assignment) {
        this.set(assignment[1]!, new InputText(unescapeText(assignment[2]!)));
        continue;
      }
      this.#openedAny = true;
      try {
        this.#main = this.#newReader(this.#tool.openInput(operand));
        this.set("FILENAME", operand);
        this.set("FNR", 0);
        return true;
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        throw new AwkError(`cannot open ${operand} (${error.text})`);
      }
    }
    if (this.#openedAny) return false;
    this.#openedAny = true;
    this.#main = this.#newReader(this.#tool.openInput("-"));
    return true;
  }

  #newReader(file: OpenFile, child?: Process): Reader {
    return { file, decoder: new Utf8Decoder(), rest: "", ended: false, child };
  }

  *#readMain(): Task<string | undefined> {
    for (;;) {
      if (!this.#main && !(yield* this.#openNext())) return undefined;
      const record = yield* this.#readRecord(this.#main!);
      if (record !== undefined) {
        this.#globals.set("NR", toNumber(this.get("NR")) + 1);
        this.#globals.set("FNR", toNumber(this.get("FNR")) + 1);
        return record;
      }
      this.#closeMain();
    }
  }

  *#readRecord(reader: Reader): Task<string | undefined> {
    const separator = this.#text(this.get("RS"));
    for (;;) {
      const split = this.#splitRecord(reader, separator);
      if (split) {
        reader.rest = split.rest;
        return split.record;
      }
      if (reader.ended) {
        if (reader.rest === "") return undefined;
        let record = reader.rest;
        reader.rest = "";
        if (separator === "") record = record.replace(/^\n+|\n+$/g, "");
        else if (separator !== "\n" && record.endsWith("\n") && separator.length === 1)
          return record === "\n" ? undefined : record.slice(0, record.length);
        return record === "" && separator === "" ? undefined : record;
      }
      const chunk = yield* this.#tool.read(reader.file);
      if (chunk === NO_BYTES) {
        reader.ended = true;
        reader.rest += reader.decoder.flush();
      } else reader.rest += reader.decoder.push(chunk);
    }
  }

  #splitRecord(reader: Reader, separator: string): { readonly record: string; readonly rest: string } | undefined {
    if (separator === "") {
      const text = reader.rest.replace(/^\n+/, "");
      const match = /\n\n+/.exec(text);
      if (!match || (match.index + match[0].length === text.length && !reader.ended)) return undefined;
      return { record: text.slice(0, match.index), rest: text.slice(match.index + match[0].length) };
    }
    if (separator.length === 1) {
      const at = reader.rest.indexOf(separator);
      return at < 0 ? undefined : { record: reader.rest.slice(0, at), rest: reader.rest.slice(at + 1) };
    }
    const match = this.#regexp(separator).exec(reader.rest);
    if (!match || match[0] === "" || (match.index + match[0].length === reader.rest.length && !reader.ended))
      return undefined;
    return { record: reader.rest.slice(0, match.index), rest: reader.rest.slice(match.index + match[0].length) };
  }

  // ---- fields ------------------------------------------------------------------------------------------------------------

  #setRecord(text: string): void {
    this.#record = text;
    this.#fields = undefined;
  }

  #split(): Value[] {
    if (!this.#fields) {
      this.#fields = this.#splitText(this.#record, this.#text(this.get("FS"))).map((field) => new InputText(field));
      this.#globals.set("NF", this.#fields.length);
    }
    return this.#fields;
  }

  #splitText(text: string, separator: string | RegExp): string[] {
    if (text === "") return [];
    if (separator === " ")
      return text.replace(/^[ \t\n]+|[ \t\n]+$/g, "") === ""
        ? []
        : text.replace(/^[ \t\n]+|[ \t\n]+$/g, "").split(/[ \t\n]+/);
    if (separator === "") return [...text];
    if (typeof separator === "string" && separator.length === 1 && separator !== "\\")
      return this.#text(this.get("RS")) === "" && separator !== "\n"
        ? text.split(/\n/).flatMap((line) => line.split(separator))
        : text.split(separator);
    const regexp = typeof separator === "string" ? this.#regexp(separator) : separator;
    const out: string[] = [];
    let last = 0;
    const global = new RegExp(regexp.source, `${regexp.flags.replace("g", "")}g`);
    for (let match = global.exec(text); match; match = global.exec(text)) {
      if (match[0] === "") {
        global.lastIndex++;
        continue;
      }
      out.push(text.slice(last, match.index));
      last = match.index + match[0].length;
    }
    out.push(text.slice(last));
    return out;
  }

  #getField(index: number): Value {
    if (index === 0) return new InputText(this.#record);
    if (index < 0) throw new AwkError(`negative field index $${index}`);
    return this.#split()[index - 1];
  }

  #setField(index: number, value: Value): void {
    if (index === 0) {
      this.#setRecord(this.#text(value));
      return;
    }
    const fields = this.#split();
    while (fields.length < index) fields.push("");
    fields[index - 1] = value;
    this.#globals.set("NF", fields.length);
    this.#rebuild();
  }

  #rebuild(): void {
    this.#record = this.#fields!.map((field) => this.#text(field)).join(this.#text(this.get("OFS")));
  }

  // ---- values ------------------------------------------------------------------------------------------------------------

  get(name: string): Value {
    if (name === "NF") this.#split();
    const local = this.#locals?.has(name) ? this.#locals.get(name) : this.#globals.get(name);
    return local instanceof Map ? undefined : local;
  }

  set(name: string, value: Value): void {
    if (this.#locals?.has(name)) {
      this.#locals.set(name, value);
      return;
    }
    if (name === "NF") {
      const fields = this.#split();
      const count = toNumber(value);
      while (fields.length < count) fields.push("");
      fields.length = count;
      this.#globals.set("NF", count);
      this.#rebuild();
      return;
    }
    this.#globals.set(name, value);
  }

  #array(name: string): ArrayValue {
    if (this.#locals?.has(name)) {
      const local = this.#locals.get(name);
      if (local instanceof Map) return local;
      const made: ArrayValue = new Map();
      this.#locals.set(name, made);
      return made;
    }
    let array = this.#arrays.get(name);
    if (!array) {
      array = new Map();
      this.#arrays.set(name, array);
    }
    return array;
  }

  #text(value: Value, format = "CONVFMT"): string {
    if (value === undefined) return "";
    if (value instanceof InputText) return value.text;
    if (typeof value === "string") return value;
    if (Number.isInteger(value))
      return Math.abs(value) < 1e16 ? String(value === 0 ? 0 : value) : BigInt(value).toString();
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    return decodeUtf8(formatPrintf(this.#text(this.#globals.get(format)), [String(value)]).bytes);
  }

  #regexp(source: string): RegExp {
    let compiled = this.#regexps.get(source);
    if (!compiled) {
      const made = posixToRegExp(source, { extended: true });
      if (typeof made === "string") throw new AwkError(`regular expression compile failed (${made})\n${source}`);
      compiled = made;
      this.#regexps.set(source, compiled);
    }
    return compiled;
  }

  *#pattern(node: Expression): Task<RegExp> {
    if (node.kind === "regexp") return this.#regexp(node.source);
    return this.#regexp(this.#text(yield* this.#evaluate(node)));
  }

  *#subscript(index: readonly Expression[]): Task<string> {
    const parts: string[] = [];
    for (const part of index) {
      const value = yield* this.#evaluate(part);
      parts.push(typeof value === "number" && Number.isInteger(value) ? String(value) : this.#text(value));
    }
    return parts.length === 1 ? parts[0]! : parts.join(this.#text(this.get("SUBSEP")));
  }

  *#assign(target: Expression, value: Value): Task<void> {
    if (target.kind === "name") this.set(target.name, value);
    else if (target.kind === "element") this.#array(target.name).set(yield* this.#subscript(target.index), value);
    else if (target.kind === "field") this.#setField(toNumber(yield* this.#evaluate(target.index)), value);
    else if (target.kind === "group" && target.items.length === 1) yield* this.#assign(target.items[0]!, value);
  }

  *#evaluate(node: Expression): Task<Value> {
    switch (node.kind) {
      case "number":
      case "string":
        return node.value;
      case "regexp":
        return this.#regexp(node.source).test(this.#record) ? 1 : 0;
      case "name":
        return this.get(node.name);
      case "field":
        return this.#getField(
          node.index.kind === "number" ? node.index.value : toNumber(yield* this.#evaluate(node.index)),
        );
      case "element": {
        const array = this.#array(node.name);
        const key = yield* this.#subscript(node.index);
        if (!array.has(key)) array.set(key, undefined);
        return array.get(key);
      }
      case "group": {
        if (node.items.length === 1) return yield* this.#evaluate(node.items[0]!);
        return yield* this.#subscript(node.items);
      }
      case "assign": {
        let value = yield* this.#evaluate(node.value);
        if (node.operator !== "")
          value = calculate(node.operator, toNumber(yield* this.#evaluate(node.target)), toNumber(value));
        yield* this.#assign(node.target, value);
        return value;
      }
      case "choice":
        return yield* this.#evaluate(truthy(yield* this.#evaluate(node.test)) ? node.yes : node.no);
      case "unary": {
        const value = yield* this.#evaluate(node.operand);
        if (node.operator === "!") return truthy(value) ? 0 : 1;
        return node.operator === "-" ? -toNumber(value) : toNumber(value);
      }
      case "step": {
        const before = toNumber(yield* this.#evaluate(node.target));
        yield* this.#assign(node.target, before + node.by);
        return node.prefix ? before + node.by : before;
      }
      case "match": {
        const text = this.#text(yield* this.#evaluate(node.text));
        return (yield* this.#pattern(node.pattern)).test(text) !== node.negated ? 1 : 0;
      }
      case "in":
        return this.#array(node.name).has(yield* this.#subscript(node.index)) ? 1 : 0;
      case "binary":
        return yield* this.#binary(node);
      case "call":
        return yield* this.#call(node.name, node.args);
      case "getline":
        return yield* this.#getline(node);
    }
  }

  *#binary(node: Extract<Expression, { kind: "binary" }>): Task<Value> {
    const left = yield* this.#evaluate(node.left);
    if (node.operator === "&&") return truthy(left) && truthy(yield* this.#evaluate(node.right)) ? 1 : 0;
    if (node.operator === "||") return truthy(left) || truthy(yield* this.#evaluate(node.right)) ? 1 : 0;
    const right = yield* this.#evaluate(node.right);
    if (node.operator === " ") return this.#text(left) + this.#text(right);
    if (!/^[<>=!]/.test(node.operator)) return calculate(node.operator, toNumber(left), toNumber(right));
    const numeric = (value: Value): boolean =>
      value === undefined || typeof value === "number" || (value instanceof InputText && looksNumeric(value.text));
    const order =
      numeric(left) && numeric(right)
        ? toNumber(left) - toNumber(right)
        : byCodePoint(this.#text(left), this.#text(right));
    switch (node.operator) {
      case "<":
        return order < 0 ? 1 : 0;
      case "<=":
        return order <= 0 ? 1 : 0;
      case "==":
        return order === 0 ? 1 : 0;
      case "!=":
        return order !== 0 ? 1 : 0;
      case ">":
        return order > 0 ? 1 : 0;
      default:
        return order >= 0 ? 1 : 0;
    }
  }

  // ---- statements ----------------------------------------------------------------------------------------------------------

  *#execute(node: Statement): Task<void> {
    switch (node.kind) {
      case "block":
        for (const each of node.body) yield* this.#execute(each);
        return;
      case "expression":
        yield* this.#evaluate(node.value);
        return;
      case "print":
        yield* this.#print(node);
        return;
      case "if":
        if (truthy(yield* this.#evaluate(node.test))) yield* this.#execute(node.yes);
        else if (node.no) yield* this.#execute(node.no);
        return;
      case "while":
        while (truthy(yield* this.#evaluate(node.test))) if (!(yield* this.#loop(node.body))) break;
        return;
      case "do":
        do {
          if (!(yield* this.#loop(node.body))) break;
        } while (truthy(yield* this.#evaluate(node.test)));
        return;
      case "for":
        if (node.start) yield* this.#execute(node.start);
        while (!node.test || truthy(yield* this.#evaluate(node.test))) {
          if (!(yield* this.#loop(node.body))) break;
          if (node.step) yield* this.#execute(node.step);
        }
        return;
      case "forIn":
        for (const key of this.#keys(this.#array(node.name))) {
          this.set(node.variable, new InputText(key));
          if (!(yield* this.#loop(node.body))) break;
        }
        return;
      case "next":
        throw new Next();
      case "nextfile":
        throw new NextFile();
      case "break":
        throw new LoopBreak();
      case "continue":
        throw new LoopContinue();
      case "exit":
        throw new Exit(node.value ? toNumber(yield* this.#evaluate(node.value)) : undefined);
      case "return":
        throw new Return(node.value ? yield* this.#evaluate(node.value) : undefined);
      case "delete":
        if (node.index) this.#array(node.name).delete(yield* this.#subscript(node.index));
        else this.#array(node.name).clear();
        return;
    }
  }

  /** awk leaves the order open; whole numbers ascending, then the rest as they came, is what gawk users mostly see. */
  #keys(array: ArrayValue): string[] {
    const keys = [...array.keys()];
    const numbers = keys.filter((key) => /^(0|[1-9]\d{0,14})$/.test(key)).sort((a, b) => Number(a) - Number(b));
    return [...numbers, ...keys.filter((key) => !/^(0|[1-9]\d{0,14})$/.test(key))];
  }

  *#loop(body: Statement): Task<boolean> {
    yield* this.#tool.charge(200);
    try {
      yield* this.#execute(body);
      return true;
    } catch (error) {
      if (error instanceof LoopBreak) return false;
      if (error instanceof LoopContinue) return true;
      throw error;
    }
  }

  *#print(node: Extract<Statement, { kind: "print" }>): Task<void> {
    let text: string;
    if (node.formatted) text = yield* this.#format(node.args);
    else if (node.args.length === 0) text = this.#record + this.#text(this.get("ORS"));
    else {
      const parts: string[] = [];
      for (const arg of node.args) parts.push(this.#text(yield* this.#evaluate(arg), "OFMT"));
      text = parts.join(this.#text(this.get("OFS"))) + this.#text(this.get("ORS"));
    }
    if (!node.redirect) {
      yield* this.#tool.text(text);
      return;
    }
    const target = this.#text(yield* this.#evaluate(node.redirect.to));
    if (target === "/dev/stdout") yield* this.#tool.text(text);
    else if (target === "/dev/stderr") yield* this.#tool.process.printError(text);
    else yield* (yield* this.#writer(target, node.redirect.how)).write(encodeUtf8(text));
  }

  *#writer(target: string, how: ">" | ">>" | "|"): Task<OpenFile> {
    const open = this.#writers.get(target);
    if (open) return open.file;
    const { process } = this.#tool;
    if (how === "|") {
      yield* this.#tool.flush();
      const pipe = makePipe();
      pipe.writer.retain();
      const child = process.spawn({ argv: ["sh", "-c", target], files: new Map(process.files).set(0, pipe.reader) });
      this.#writers.set(target, { file: pipe.writer, child });
      return pipe.writer;
    }
    try {
      const file = process.kernel
        .openPath(process, process.path(target), {
          read: false,
          write: true,
          create: true,
          append: how === ">>",
          truncate: how === ">",
        })
        .retain();
      this.#writers.set(target, { file, child: undefined });
      return file;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw new AwkError(`cannot open "${target}" for output`);
    }
  }

  *#close(name: string): Task<number> {
    const writer = this.#writers.get(name);
    const reader = this.#readers.get(name);
    this.#writers.delete(name);
    this.#readers.delete(name);
    let code = writer || reader ? 0 : -1;
    writer?.file.release();
    reader?.file.release();
    const child = writer?.child ?? reader?.child;
    if (child) code = (yield* this.#tool.process.wait(child)).code;
    return code;
  }

  *#format(args: readonly Expression[]): Task<string> {
    const values: Value[] = [];
    for (const arg of args) values.push(yield* this.#evaluate(arg));
    return this.#sprintf(this.#text(values[0]), values.slice(1));
  }

  #sprintf(format: string, values: readonly Value[]): string {
    let used = 0;
    return format.replace(
      /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([diouxXeEfFgGcs%])/g,
      (all, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
        if (verb === "%") return "%";
        const size = width === "*" ? String(toNumber(values[used++])) : (width ?? "");
        const digits = !/\./.test(all.slice(1))
          ? ""
          : `.${precision === "*" ? toNumber(values[used++]) : (precision ?? "")}`;
        const value = values[used++];
        if (verb === "s" || verb === "c") {
          let text =
            verb === "c" && typeof value === "number" ? String.fromCodePoint(toNumber(value)) : this.#text(value);
          if (verb === "c") text = [...text].slice(0, 1).join("");
          else if (digits !== "") text = [...text].slice(0, Number(digits.slice(1) || 0)).join("");
          const length = [...text].length;
          const room = " ".repeat(Math.max(0, Math.abs(Number(size)) - length));
          return flags.includes("-") || size.startsWith("-") ? text + room : room + text;
        }
        const number = toNumber(value);
        const shown = /[diouxX]/.test(verb)
          ? Number.isFinite(number)
            ? String(BigInt(Math.trunc(number)))
            : String(number).toLowerCase()
          : Number.isFinite(number)
            ? String(number)
            : number > 0
              ? "inf"
              : "-inf";
        return decodeUtf8(formatPrintf(`%${flags}${size}${digits}${verb === "i" ? "d" : verb}`, [shown]).bytes);
      },
    );
  }

  *#getline(node: Extract<Expression, { kind: "getline" }>): Task<Value> {
    let record: string | undefined;
    if (node.from === "main") record = yield* this.#readMain();
    else {
      const name = this.#text(yield* this.#evaluate(node.source!));
      let reader = this.#readers.get(name);
      if (!reader) {
        const { process } = this.#tool;
        if (node.from === "command") {
          yield* this.#tool.flush();
          const pipe = makePipe();
          pipe.reader.retain();
          const child = process.spawn({ argv: ["sh", "-c", name], files: new Map(process.files).set(1, pipe.writer) });
          reader = this.#newReader(pipe.reader as PipeReader, child);
        } else {
          try {
            reader = this.#newReader(this.#tool.openInput(name));
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
            return -1;
          }
        }
        this.#readers.set(name, reader);
      }
      record = yield* this.#readRecord(reader);
      if (record !== undefined && node.from === "command") this.#globals.set("NR", toNumber(this.get("NR")) + 1);
    }
    if (record === undefined) return 0;
    if (node.target) yield* this.#assign(node.target, new InputText(record));
    else this.#setRecord(record);
    return 1;
  }

  // ---- functions -------------------------------------------------------------------------------------------------------------

  *#call(name: string, args: readonly Expression[]): Task<Value> {
    const defined = this.#program.functions.get(name);
    if (defined) return yield* this.#callDefined(defined, args);
    const value = function* (this: Machine, index: number): Task<Value> {
      return args[index] ? yield* this.#evaluate(args[index]!) : undefined;
    }.bind(this);
    switch (name) {
      case "length": {
        const arg = args[0];
        if (
          arg?.kind === "name" &&
          (this.#locals?.get(arg.name) instanceof Map ||
            (!this.#locals?.has(arg.name) && this.#arrays.has(arg.name) && !this.#globals.has(arg.name)))
        )
          return this.#array(arg.name).size;
        return [...(arg ? this.#text(yield* value(0)) : this.#record)].length;
      }
      case "substr": {
        const chars = [...this.#text(yield* value(0))];
        const start = Math.round(toNumber(yield* value(1)));
        const length = args.length > 2 ? Math.round(toNumber(yield* value(2))) : Number.POSITIVE_INFINITY;
        return chars.slice(Math.max(0, start - 1), Math.max(0, start - 1 + length)).join("");
      }
      case "index": {
        const text = this.#text(yield* value(0));
        const at = text.indexOf(this.#text(yield* value(1)));
        return at < 0 ? 0 : [...text.slice(0, at)].length + 1;
      }
      case "split": {
        const text = this.#text(yield* value(0));
        const target = args[1];
        if (target?.kind !== "name") throw new AwkError("split: second argument must be an array");
        const third = args[2];
        const separator =
          third === undefined
            ? this.#text(this.get("FS"))
            : third.kind === "regexp"
              ? this.#regexp(third.source)
              : this.#text(yield* value(2));
        const array = this.#array(target.name);
        array.clear();
        const parts = this.#splitText(text, separator);
        for (const [index, part] of parts.entries()) array.set(String(index + 1), new InputText(part));
        return parts.length;
      }
      case "sub":
      case "gsub":
        return yield* this.#substitute(name === "gsub", args);
      case "gensub": {
        const regexp = yield* this.#pattern(args[0]!);
        const replacement = this.#text(yield* value(1));
        const how = this.#text(yield* value(2));
        const text = args[3] ? this.#text(yield* value(3)) : this.#record;
        const wanted = /^[gG]/.test(how) ? 0 : Number(how) || 1;
        let count = 0;
        return text.replace(new RegExp(regexp.source, `${regexp.flags}g`), (...match) => {
          count++;
          if (wanted !== 0 && count !== wanted) return match[0];
          return replacement.replace(/\\(\d|&|\\)|&/g, (all, which: string | undefined) =>
            which === undefined
              ? match[0]
              : /\d/.test(which)
                ? String(which === "0" ? match[0] : (match[Number(which)] ?? ""))
                : all.slice(1),
          );
        });
      }
      case "match": {
        const text = this.#text(yield* value(0));
        const found = (yield* this.#pattern(args[1]!)).exec(text);
        this.#globals.set("RSTART", found ? [...text.slice(0, found.index)].length + 1 : 0);
        this.#globals.set("RLENGTH", found ? [...found[0]].length : -1);
        const third = args[2];
        if (third?.kind === "name") {
          const array = this.#array(third.name);
          array.clear();
          for (const [index, group] of (found ?? []).entries())
            array.set(String(index), group === undefined ? "" : new InputText(group));
        }
        return this.get("RSTART");
      }
      case "sprintf":
        return yield* this.#format(args);
      case "tolower":
        return this.#text(yield* value(0)).toLowerCase();
      case "toupper":
        return this.#text(yield* value(0)).toUpperCase();
      case "int":
        return Math.trunc(toNumber(yield* value(0)));
      case "sqrt":
        return Math.sqrt(toNumber(yield* value(0)));
      case "exp":
        return Math.exp(toNumber(yield* value(0)));
      case "log":
        return Math.log(toNumber(yield* value(0)));
      case "sin":
        return Math.sin(toNumber(yield* value(0)));
      case "cos":
        return Math.cos(toNumber(yield* value(0)));
      case "atan2":
        return Math.atan2(toNumber(yield* value(0)), toNumber(yield* value(1)));
      case "rand":
        return this.#tool.process.kernel.random.stream(`awk/${this.#seed}`).float();
      case "srand": {
        const before = this.#seed;
        this.#seed = args.length ? toNumber(yield* value(0)) : Math.floor(this.#tool.process.now() / 1000);
        return before;
      }
      case "system": {
        yield* this.#tool.flush();
        const { process } = this.#tool;
        return (yield* process.wait(
          process.spawn({ argv: ["sh", "-c", this.#text(yield* value(0))], files: new Map(process.files) }),
        )).code;
      }
      case "close":
        return yield* this.#close(this.#text(yield* value(0)));
      case "fflush":
        yield* this.#tool.flush();
        return 0;
      case "systime":
        return Math.floor(this.#tool.process.now() / 1000);
      case "strftime":
        return strftime(
          args.length ? this.#text(yield* value(0)) : "%a %b %e %H:%M:%S %Z %Y",
          (args.length > 1 ? toNumber(yield* value(1)) : this.#tool.process.now() / 1000) * 1000,
        );
      case "strtonum": {
        const text = this.#text(yield* value(0));
        return /^0[xX]/.test(text)
          ? Number.parseInt(text, 16)
          : /^0[0-7]+$/.test(text)
            ? Number.parseInt(text, 8)
            : toNumber(text);
      }
      case "and":
        return Number(BigInt(toNumber(yield* value(0))) & BigInt(toNumber(yield* value(1))));
      case "or":
        return Number(BigInt(toNumber(yield* value(0))) | BigInt(toNumber(yield* value(1))));
      case "xor":
        return Number(BigInt(toNumber(yield* value(0))) ^ BigInt(toNumber(yield* value(1))));
      case "lshift":
        return Number(BigInt(toNumber(yield* value(0))) << BigInt(toNumber(yield* value(1))));
      case "rshift":
        return Number(BigInt(toNumber(yield* value(0))) >> BigInt(toNumber(yield* value(1))));
      case "asort":
      case "asorti": {
        const target = args[0];
        if (target?.kind !== "name") return 0;
        const array = this.#array(target.name);
        const items = name === "asorti" ? [...array.keys()].map((key): Value => key) : [...array.values()];
        items.sort((a, b) =>
          (typeof a === "number" || a instanceof InputText) &&
          (typeof b === "number" || b instanceof InputText) &&
          !Number.isNaN(toNumber(a) - toNumber(b)) &&
          toNumber(a) !== toNumber(b)
            ? toNumber(a) - toNumber(b)
            : byCodePoint(this.#text(a), this.#text(b)),
        );
        const into = args[1]?.kind === "name" ? this.#array(args[1].name) : array;
        into.clear();
        for (const [index, item] of items.entries()) into.set(String(index + 1), item);
        return items.length;
      }
      default:
        throw new AwkError(`function ${name} not defined`);
    }
  }

  *#callDefined(definition: AwkFunction, args: readonly Expression[]): Task<Value> {
    if (++this.#depth > 200) throw new AwkError("function call nesting too deep");
    const locals = new Map<string, Value | ArrayValue>();
    for (let i = 0; i < definition.parameters.length; i++) {
      const arg = args[i];
      const name = definition.parameters[i]!;
      if (arg?.kind === "name") {
        // A name may be an array, or become one inside.
        const local = this.#locals?.has(arg.name) ? this.#locals.get(arg.name) : undefined;
        if (local instanceof Map) locals.set(name, local);
        else if (!this.#locals?.has(arg.name) && this.#arrays.has(arg.name))
          locals.set(name, this.#arrays.get(arg.name)!);
        else {
          const scalar = this.get(arg.name);
          locals.set(name, scalar === undefined && !this.#globals.has(arg.name) ? this.#array(arg.name) : scalar);
        }
      } else locals.set(name, arg ? yield* this.#evaluate(arg) : undefined);
    }
    const before = this.#locals;
    this.#locals = locals;
    try {
      yield* this.#execute(definition.body);
      return undefined;
    } catch (error) {
      if (error instanceof Return) return error.value;
      throw error;
    } finally {
      this.#locals = before;
      this.#depth--;
    }
  }

  *#substitute(global: boolean, args: readonly Expression[]): Task<number> {
    const regexp = yield* this.#pattern(args[0]!);
    const replacement = this.#text(yield* this.#evaluate(args[1]!));
    const target: Expression = args[2] ?? { kind: "field", index: { kind: "number", value: 0 } };
    const text = this.#text(yield* this.#evaluate(target));
    let count = 0;
    const result = text.replace(
      new RegExp(regexp.source, `${regexp.flags.replace("g", "")}${global ? "g" : ""}`),
      (match) => {
        count++;
        return replacement.replace(/\\\\&|\\&|&/g, (all) => (all === "&" ? match : all === "\\&" ? "&" : `\\${match}`));
      },
    );
    if (count > 0) yield* this.#assign(target, result);
    return count;
  }
}

function toNumber(value: Value): number {
  if (typeof value === "number") return value;
  if (value === undefined) return 0;
  const text = value instanceof InputText ? value.text : value;
  const match = /^\s*([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?))/.exec(text);
  return match ? Number(match[1]) : 0;
}

function truthy(value: Value): boolean {
  if (typeof value === "number") return value !== 0;
  if (value === undefined) return false;
  if (value instanceof InputText) return looksNumeric(value.text) ? Number(value.text) !== 0 : value.text !== "";
  return value !== "";
}

function calculate(operator: string, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      if (b === 0) throw new AwkError("division by zero");
      return a / b;
    case "%":
      if (b === 0) throw new AwkError("division by zero in %");
      return a % b;
    default:
      return a ** b;
  }
}
