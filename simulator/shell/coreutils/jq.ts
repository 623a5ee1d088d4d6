/** jq and yq: filters over JSON and YAML. */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { parseYaml } from "../../text/yaml";
import { type Tool, ToolFailure, type ToolRun } from "../tool";
import { type Environment, Halt, JqError, PRELUDE, evaluate, toJson } from "./jq-evaluate";
import { type Json, JsonReader, JsonSyntaxError, printJson } from "./jq-json";
import { type Filter, JqSyntaxError, parseJq } from "./jq-parse";
import { printYamlInOrder } from "./yq-print";

let prelude: Environment | undefined;

/** The environment with the builtins that are written in jq. */
function baseEnvironment(): Environment {
  if (prelude) return prelude;
  let filter: Filter = parseJq(PRELUDE);
  const functions = new Map<string, Environment["functions"] extends ReadonlyMap<string, infer T> ? T : never>();
  const environment: Environment = {
    variables: new Map(),
    functions,
    labels: new Map(),
    world: { env: {}, now: () => 0, nextInput: () => undefined },
  };
  while (filter.kind === "define") {
    functions.set(`${filter.name}/${filter.parameters.length}`, {
      parameters: filter.parameters,
      body: filter.body,
      environment,
      isArgument: false,
    });
    filter = filter.rest;
  }
  prelude = environment;
  return environment;
}

/** The builtins joined to this process: its environment, its clock, its inputs. */
function liveEnvironment(
  tool: Tool,
  variables: ReadonlyMap<string, Json>,
  nextInput: () => Json | undefined,
): Environment {
  const base = baseEnvironment();
  const functions = new Map(base.functions);
  const live: Environment = {
    ...base,
    functions,
    variables,
    world: { env: tool.process.env, now: () => tool.process.now(), nextInput },
  };
  // Functions of the prelude must see this world too.
  for (const [name, closure] of base.functions) functions.set(name, { ...closure, environment: live });
  return live;
}

export const jq: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const args: string[] = [];
  const variables = new Map<string, Json>();
  const named: Map<string, Json> = new Map();
  const positional: Json[] = [];
  let rest: "files" | "args" | "jsonargs" = "files";
  for (let i = 0; i < tool.args.length; i++) {
    const arg = tool.args[i]!;
    if (arg === "--arg" || arg === "--argjson") {
      const [name, value] = [tool.args[++i], tool.args[++i]];
      if (name === undefined || value === undefined)
        return yield* tool.fail(
          `${arg} takes two parameters (e.g. ${arg} varname ${arg === "--arg" ? "value" : "text"})`,
          2,
        );
      let json: Json = value;
      if (arg === "--argjson") {
        try {
          json = new JsonReader(value).next()!.value;
        } catch (error) {
          if (!(error instanceof JsonSyntaxError)) throw error;
          return yield* tool.fail(`Invalid JSON text passed to --argjson`, 2);
        }
      }
      variables.set(name, json);
      named.set(name, json);
    } else if (arg === "--slurpfile" || arg === "--rawfile") {
      const [name, path] = [tool.args[++i]!, tool.args[++i]!];
      const text = decodeUtf8(yield* tool.readAllOf(path));
      const reader = new JsonReader(text);
      const list: Json[] = [];
      if (arg === "--slurpfile") for (let next = reader.next(); next; next = reader.next()) list.push(next.value);
      variables.set(name, arg === "--rawfile" ? text : list);
    } else if (arg === "--args" || arg === "--jsonargs") rest = arg === "--args" ? "args" : "jsonargs";
    else if (arg === "--indent") args.push(`--indent=${tool.args[++i]}`);
    else if (rest !== "files" && !arg.startsWith("-") && args.some((each) => !each.startsWith("-")))
      positional.push(rest === "args" ? arg : new JsonReader(arg).next()!.value);
    else args.push(arg);
  }
  const options = yield* tool.options(
    {
      short: "rcnsejSRaCMf:h",
      long: {
        "raw-output": "r",
        "compact-output": "c",
        "null-input": "n",
        slurp: "s",
        "exit-status": "e",
        "join-output": "j",
        "sort-keys": "S",
        "raw-input": "R",
        "ascii-output": "a",
        "color-output": "C",
        "monochrome-output": "M",
        "from-file=": "f",
        tab: "tab",
        "indent=": "indent",
        unbuffered: "u",
        "raw-output0": "r0",
        stream: "stream",
      },
    },
    args,
  );
  const operands = [...options.operands];
  const source = options.has("f")
    ? decodeUtf8(yield* tool.readAllOf(options.value("f")!))
    : (operands.shift() ?? (tool.isTerminal ? undefined : "."));
  if (source === undefined) {
    yield* tool.process.printError(
      "jq - commandline JSON processor [version 1.6]\n\nUsage:\tjq [options] <jq filter> [file...]\n\tjq [options] --args <jq filter> [strings...]\n\tjq [options] --jsonargs <jq filter> [JSON_TEXTS...]\n",
    );
    return 2;
  }
  variables.set("__prog_args", positional);
  variables.set(
    "ARGS",
    new Map<string, Json>([
      ["positional", positional],
      ["named", named],
    ]),
  );
  const filter = yield* compile(tool, source);
  const color = options.has("C") || (tool.isTerminal && !options.has("M"));
  const indent = options.value("indent");
  const print = {
    indent:
      options.has("c") || indent === "0" ? undefined : options.has("tab") ? "\t" : " ".repeat(Number(indent ?? 2)),
    sortKeys: options.has("S"),
    color,
    ascii: options.has("a"),
  };
  const inputs = readInputs(tool, operands, options.has("R"));
  const raw = options.has("r") || options.has("j");
  return yield* runFilter(tool, filter, {
    source,
    variables,
    inputs,
    nullInput: options.has("n"),
    slurp: options.has("s"),
    rawInput: options.has("R"),
    exitStatus: options.has("e"),
    *emit(value) {
      yield* tool.text(
        (raw && typeof value === "string" ? value : printJson(value, print)) + (options.has("j") ? "" : "\n"),
      );
    },
  });
};

function* compile(tool: Tool, source: string): Task<Filter> {
  try {
    return parseJq(source);
  } catch (error) {
    if (!(error instanceof JqSyntaxError)) throw error;
    yield* tool.process.printError(
      `jq: error: ${error.message} (Unix shell quoting issues?) at <top-level>, line 1:\n${source}${error.message.endsWith("$end") ? " " : ""}\njq: 1 compile error\n`,
    );
    throw new ToolFailure(3);
  }
}

interface Inputs {
  /** All texts, read before the filter runs: results of one input may ask for the next. */
  load(): Task<void>;
  next(): Json | undefined;
  readonly failed: { status: number; message: string } | undefined;
  rawText(): string;
}

function readInputs(tool: Tool, paths: readonly string[], raw: boolean): Inputs {
  let reader: JsonReader | undefined;
  let lines: string[] = [];
  let all = "";
  let failed: Inputs["failed"];
  return {
    get failed() {
      return failed;
    },
    *load() {
      for (const path of paths.length ? paths : ["-"]) {
        try {
          all += decodeUtf8(yield* tool.readAllOf(path));
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          yield* tool.process.printError(`jq: error: Could not open file ${path}: ${error.text}\n`);
          failed = { status: 2, message: "" };
        }
      }
      if (raw) lines = all === "" ? [] : (all.endsWith("\n") ? all.slice(0, -1) : all).split("\n");
      else reader = new JsonReader(all);
    },
    next() {
      if (raw) return lines.shift();
      try {
        return reader?.next()?.value;
      } catch (error) {
        if (!(error instanceof JsonSyntaxError)) throw error;
        reader = undefined;
        failed = { status: 4, message: `parse error: ${error.message} at line ${error.line}, column ${error.column}` };
        return undefined;
      }
    },
    rawText: () => all,
  };
}

interface RunOptions {
  readonly source: string;
  readonly variables: ReadonlyMap<string, Json>;
  readonly inputs: Inputs;
  readonly nullInput: boolean;
  readonly slurp: boolean;
  readonly rawInput: boolean;
  readonly exitStatus: boolean;
  emit(value: Json): Task<void>;
}

function* runFilter(tool: Tool, filter: Filter, options: RunOptions): Task<number> {
  const { inputs } = options;
  yield* inputs.load();
  const live = liveEnvironment(tool, options.variables, () => inputs.next());
  let status = options.exitStatus ? 4 : 0;
  let failed = 0;
  const one = function* (input: Json): Task<void> {
    try {
      for (const value of evaluate(filter, input, live)) {
        if (options.exitStatus) status = value === null || value === false ? 1 : 0;
        yield* options.emit(value);
      }
    } catch (error) {
      if (!(error instanceof JqError)) throw error;
      yield* tool.flush();
      if (typeof error.value === "string" && /^\S+\/\d is not defined$/.test(error.value)) {
        yield* tool.process.printError(
          `jq: error: ${error.value} at <top-level>, line 1:\n${options.source}\njq: 1 compile error\n`,
        );
        throw new ToolFailure(3);
      }
      const text = typeof error.value === "string" ? error.value : `${toJson(error.value)} (not a string)`;
      yield* tool.process.printError(
        `jq: error (at ${options.nullInput ? "<unknown>" : `<stdin>:${Math.max(0, inputs.rawText().split("\n").length - 1)}`}): ${text}\n`,
      );
      failed = 5;
    }
  };
  try {
    if (options.nullInput) yield* one(null);
    else if (options.slurp) {
      if (options.rawInput) yield* one(inputs.rawText());
      else {
        const list: Json[] = [];
        for (let next = inputs.next(); next !== undefined; next = inputs.next()) list.push(next);
        if (!inputs.failed?.message) yield* one(list);
      }
    } else for (let next = inputs.next(); next !== undefined; next = inputs.next()) yield* one(next);
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    yield* tool.flush();
    if (error.value !== undefined)
      yield* tool.process.printError(typeof error.value === "string" ? error.value : `${toJson(error.value)}\n`);
    return error.status;
  }
  if (inputs.failed?.message) {
    yield* tool.flush();
    yield* tool.process.printError(`${inputs.failed.message}\n`);
  }
  return inputs.failed?.status ?? (failed || status);
}

// ---- yq ------------------------------------------------------------------------------------------------------------------

/** Plain objects of the YAML reader as jq's values. */
function fromPlain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (value !== null && typeof value === "object")
    return new Map(Object.entries(value).map(([key, each]) => [key, fromPlain(each)]));
  return (value ?? null) as Json;
}

export const yq: ToolRun = function* (tool) {
  const words = ["eval", "e", "eval-all", "ea"].includes(tool.args[0] ?? "") ? tool.args.slice(1) : tool.args;
  const options = yield* tool.options(
    {
      short: "inro:p:PjI:MCNe",
      long: {
        inplace: "i",
        "null-input": "n",
        "unwrapScalar=?": "r",
        "output-format=": "o",
        "input-format=": "p",
        prettyPrint: "P",
        tojson: "j",
        "indent=": "I",
        "no-colors": "M",
        colors: "C",
        "no-doc": "N",
        "exit-status": "e",
      },
    },
    words,
  );
  const operands = [...options.operands];
  let source = operands.shift();
  // `yq file.yaml` shows a file.
  if (
    source !== undefined &&
    operands.length === 0 &&
    tool.process.fs.find(tool.process.path(source))?.kind === "file"
  ) {
    operands.push(source);
    source = ".";
  }
  source ??= ".";
  const filter = yield* compile(tool, source);
  const json = options.has("j") || options.value("o") === "json" || options.value("o") === "j";
  let status = 0;
  for (const path of options.has("n") ? [undefined] : operands.length ? operands : ["-"]) {
    let out = "";
    let documents: Json[] = [null];
    if (path !== undefined) {
      let text: string;
      try {
        text = decodeUtf8(yield* tool.readAllOf(path));
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* tool.process.printError(`Error: open ${path}: ${error.text.toLowerCase()}\n`);
        return 1;
      }
      const parsed = text
        .split(/^---(?=\s|$).*\n?/m)
        .filter((part, _at, all) => part.trim() !== "" || all.length === 1);
      documents = [];
      for (const part of parsed) {
        const result = parseYaml(part);
        if (!result.ok) {
          yield* tool.process.printError(`Error: bad file '${path}': yaml: ${result.error}\n`);
          return 1;
        }
        documents.push(fromPlain(result.value.value));
      }
    }
    const environment = liveEnvironment(tool, new Map(), () => undefined);
    let first = true;
    for (const document of documents) {
      try {
        for (const value of evaluate(filter, document, environment)) {
          if (!first && !json && !options.has("N") && documents.length > 1) out += "---\n";
          first = false;
          if (options.has("e") && (value === null || value === false)) status = 1;
          out += json
            ? `${printJson(value, { indent: options.value("I") === "0" ? undefined : " ".repeat(Number(options.value("I") ?? 2)), sortKeys: false, color: false, ascii: false })}\n`
            : printYamlInOrder(value);
        }
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
        yield* tool.flush();
        yield* tool.process.printError(
          `Error: ${typeof error.value === "string" ? error.value : toJson(error.value)}\n`,
        );
        status = 1;
      }
    }
    if (options.has("i") && path !== undefined) tool.process.fs.writeFile(tool.process.path(path), encodeUtf8(out));
    else yield* tool.text(out);
  }
  return status;
};
