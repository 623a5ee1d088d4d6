/** type, hash, alias, unalias, history, help, enable, test. */

import type { Builtin, Shell } from "../state";
import { singleQuote } from "../quoting";
import { findProgram, isBuiltin } from "../simple-command";
import { TestSyntaxError, evaluateTest } from "../test-expression";
import { testScope } from "../test-scope";

const keywords = new Set([
  "if",
  "then",
  "else",
  "elif",
  "fi",
  "time",
  "for",
  "in",
  "until",
  "while",
  "do",
  "done",
  "case",
  "esac",
  "coproc",
  "select",
  "function",
  "{",
  "}",
  "[[",
  "]]",
  "!",
]);

export const typeOf: Builtin = function* (shell, args) {
  let mode: "describe" | "t" | "p" | "v" = "describe";
  let all = false;
  let quietMissing = false;
  const names: string[] = [];
  for (const arg of args) {
    if (/^-[atpPfvV]+$/.test(arg) && names.length === 0) {
      if (arg.includes("t")) mode = "t";
      else if (arg.includes("p") || arg.includes("P")) mode = "p";
      else if (arg.includes("v")) {
        mode = "v";
        quietMissing = true;
      }
      if (arg.includes("a")) all = true;
    } else names.push(arg);
  }
  let status = 0;
  for (const name of names) {
    const lines = describe(shell, name, mode, all);
    if (lines.length === 0) {
      status = 1;
      if (mode === "describe" && !quietMissing) {
        const builtin = args[0] === "-V" ? "command" : "type";
        if (shell.flavour === "bash") yield* shell.error(`${builtin}: ${name}: not found`);
        else yield* shell.print(`${name}: not found\n`);
        if (shell.flavour !== "bash") status = 127;
      }
      if (mode === "v" && shell.flavour !== "bash") status = 127;
    }
    for (const line of lines) yield* shell.print(`${line}\n`);
  }
  return status;
};

function describe(shell: Shell, name: string, mode: "describe" | "t" | "p" | "v", all: boolean): string[] {
  const found: string[] = [];
  const add = (kind: string, sentence: string, short: string): void => {
    if (mode === "p") {
      if (kind === "file") found.push(short);
    } else if (mode === "t") found.push(kind);
    else if (mode === "v") found.push(short);
    else found.push(sentence);
  };
  const bash = shell.flavour === "bash";
  const alias = shell.aliases.get(name);
  if (alias !== undefined)
    add(
      "alias",
      bash ? `${name} is aliased to \`${alias}'` : `${name} is an alias for ${alias}`,
      `alias ${name}=${singleQuote(alias)}`,
    );
  if (keywords.has(name)) add("keyword", `${name} is a shell keyword`, name);
  const definition = shell.functions.get(name);
  if (definition) {
    const text = definition.source.text.slice(definition.pos, definition.end);
    add("function", bash ? `${name} is a function\n${functionText(name, text)}` : `${name} is a shell function`, name);
  }
  if (isBuiltin(shell, name))
    add(
      "builtin",
      `${name} is a ${!bash && ["cd", "echo", "test", "[", "printf", "kill", "pwd", "read", "type", "true", "false", "alias", "command", "jobs", "wait", "umask", "ulimit", "hash", "getopts"].includes(name) === false ? "special shell builtin" : "shell builtin"}`,
      name,
    );
  if (found.length > 0 && !all) return found.slice(0, 1);
  const hashed = shell.hashed.get(name);
  const paths = name.includes("/")
    ? isExecutable(shell, name)
      ? [name]
      : []
    : (shell.get("PATH") ?? "")
        .split(":")
        .map((dir) => `${dir}/${name}`)
        .filter((path) => isExecutable(shell, path));
  for (const path of all ? paths : paths.slice(0, 1))
    add("file", hashed && !all && bash ? `${name} is hashed (${path})` : `${name} is ${path}`, path);
  return all ? found : found.slice(0, 1);
}

/** A function's source, laid out in bash's way where that is simple. */
function functionText(name: string, text: string): string {
  const body = /^(?:function\s+)?[\w-]+\s*(?:\(\s*\))?\s*\{([\s\S]*)\}$/.exec(text)?.[1];
  if (body === undefined) return text;
  const lines = body.includes("\n")
    ? body
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "")
    : body
        .split(";")
        .map((line) => line.trim())
        .filter((line) => line !== "");
  return `${name} () \n{ \n${lines.map((line, index) => `    ${line.replace(/;$/, "")}${index < lines.length - 1 ? ";" : ""}`).join("\n")}\n}`;
}

const isExecutable = (shell: Shell, path: string): boolean => {
  const node = shell.process.fs.find(shell.process.path(path));
  return node?.kind === "file" && (node.mode & 0o111) !== 0;
};

export const hash: Builtin = function* (shell, args) {
  if (args[0] === "-r") {
    shell.hashed.clear();
    return 0;
  }
  if (args.length === 0) {
    if (shell.hashed.size === 0) {
      yield* shell.print("hash: hash table empty\n");
      return 0;
    }
    yield* shell.print("hits\tcommand\n");
    for (const { path, hits } of shell.hashed.values()) yield* shell.print(`${String(hits).padStart(4)}\t${path}\n`);
    return 0;
  }
  let status = 0;
  for (const name of args.filter((arg) => !arg.startsWith("-"))) {
    if (isBuiltin(shell, name) || findProgram(shell, name) !== undefined) continue;
    yield* shell.error(`hash: ${name}: not found`);
    status = 1;
  }
  return status;
};

export const alias: Builtin = function* (shell, args) {
  const rest = args.filter((arg) => arg !== "-p");
  const line = (name: string): string =>
    `${shell.flavour === "bash" ? "alias " : ""}${name}=${singleQuote(shell.aliases.get(name)!)}\n`;
  if (rest.length === 0) {
    for (const name of [...shell.aliases.keys()].sort()) yield* shell.print(line(name));
    return 0;
  }
  let status = 0;
  for (const arg of rest) {
    const at = arg.indexOf("=");
    if (at > 0) shell.aliases.set(arg.slice(0, at), arg.slice(at + 1));
    else if (shell.aliases.has(arg)) yield* shell.print(line(arg));
    else {
      yield* shell.error(`alias: ${arg}${shell.flavour === "bash" ? ": not found" : " not found"}`);
      status = 1;
    }
  }
  return status;
};

export const unalias: Builtin = function* (shell, args) {
  if (args[0] === "-a") {
    shell.aliases.clear();
    return 0;
  }
  let status = 0;
  for (const name of args)
    if (!shell.aliases.delete(name)) {
      yield* shell.error(`unalias: ${name}: not found`);
      status = 1;
    }
  return status;
};

export const history: Builtin = function* (shell, args) {
  const list = shell.history;
  if (!list) return 0;
  if (args[0] === "-c") {
    list.clear();
    return 0;
  }
  if (args[0] === "-d") {
    if (!list.remove(Number(args[1]))) {
      yield* shell.error(`history: ${args[1]}: history position out of range`);
      return 1;
    }
    return 0;
  }
  if (args[0] === "-s") {
    list.add(args.slice(1).join(" "));
    return 0;
  }
  if (args[0]?.startsWith("-")) return 0;
  if (args[0] !== undefined && !/^\d+$/.test(args[0])) {
    yield* shell.error(`history: ${args[0]}: numeric argument required`);
    return 1;
  }
  const lines = list.lines;
  const from = args[0] === undefined ? 0 : Math.max(0, lines.length - Number(args[0]));
  let out = "";
  for (let i = from; i < lines.length; i++) out += `${String(list.first + i).padStart(5)}  ${lines[i]}\n`;
  yield* shell.print(out);
  return 0;
};

const testAs = (name: string): Builtin =>
  function* (shell, args) {
    let list = args;
    if (name === "[") {
      if (args.at(-1) !== "]") {
        yield* shell.error(`[: missing \`]'`);
        return 2;
      }
      list = args.slice(0, -1);
    }
    try {
      return evaluateTest(testScope(shell), list) ? 0 : 1;
    } catch (error) {
      if (!(error instanceof TestSyntaxError)) throw error;
      yield* shell.error(
        `${name}: ${shell.flavour === "bash" ? error.message : otherWords(error.message, error.operand)}`,
      );
      return 2;
    }
  };

/** dash's and ash's words for the same faults. */
function otherWords(message: string, operand: string | undefined): string {
  const number = /^(.*): integer expression expected$/s.exec(message);
  if (number) return `Illegal number: ${number[1]}`;
  const operator = /^(.*): (?:binary|unary) operator expected$/s.exec(message);
  if (operator) return `${operand ?? operator[1]}: unexpected operator`;
  return message;
}

export const test = testAs("test");
export const bracket = testAs("[");

export const help: Builtin = function* (shell) {
  const names = [...new Set([...shell.engine.builtins.keys(), ...shell.engine.declarations.keys()])].sort();
  yield* shell.print(
    `GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\nThese shell commands are defined internally. The lesson page explains the ones it uses.\n\n`,
  );
  for (let i = 0; i < names.length; i += 6)
    yield* shell.print(
      ` ${names
        .slice(i, i + 6)
        .map((name) => name.padEnd(12))
        .join("")
        .trimEnd()}\n`,
    );
  return 0;
};

/** Options that the interactive shell takes but that change nothing here. */
export const accepted: Builtin = function* () {
  return 0;
};
