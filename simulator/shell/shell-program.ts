/** The programs `bash`, `sh` and `ash`: their arguments, start files, and how they run what they are given. */
import { type Bytes, NO_BYTES, decodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Process, Program } from "../os/process";
import { applySetOptions } from "./builtins/variables";
import { CommandAborted, ShellExit } from "./control";
import { engine } from "./engine";
import { reportSyntaxError, runStatements } from "./execute";
import type { ShellHost } from "./host";
import { runInteractive } from "./interactive";
import { JobTable } from "./jobs";
import { runToExit } from "./processes";
import { runCommandTail } from "./tail";
import { type Flavour, Shell } from "./state";
import { needsMore, parseShell } from "./syntax";
import { catchSignal } from "./traps";
import { newVariable } from "./variables";

interface Invocation {
  readonly command: string | undefined;
  readonly script: string | undefined;
  readonly operands: readonly string[];
  readonly interactive: boolean;
  readonly login: boolean;
  readonly norc: boolean;
}

/** What a build of BusyBox changes of its shell. */
export interface AshBuild {
  /** What an interactive shell says first. */
  readonly banner?: string;
  /** Names the line in messages about `-c` strings, counted from 0. */
  readonly numbersStrings?: boolean;
}

/** A shell program of one flavour. */
export const shellProgram = (flavour: Flavour, host: ShellHost = {}, build: AshBuild = {}): Program =>
  function* (process) {
    const shell = makeShell(process, flavour);
    shell.numbersStrings = build.numbersStrings === true;
    const invocation = readArguments(shell, process.argv.slice(1));
    if (typeof invocation === "object") return yield* runToExit(shell, run(shell, invocation, host, build));
    if (invocation === "version") {
      yield* process.print(
        "GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\nCopyright (C) 2022 Free Software Foundation, Inc.\nLicense GPLv3+: GNU GPL version 3 or later <http://gnu.org/licenses/gpl.html>\n\nThis is free software; you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n",
      );
      return 0;
    }
    yield* process.printError(`${shell.name}: ${invocation}\n`);
    return 2;
  };

/** A shell with the variables that the environment gives it. */
export function makeShell(process: Process, flavour: Flavour): Shell {
  const shell = new Shell(process, engine, flavour, process.argv[0]?.replace(/^-/, "") ?? "sh");
  for (const name of Object.keys(process.env)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) continue;
    shell.variables.set(name, { ...newVariable(process.env[name]!), exported: true });
  }
  shell.jobs = new JobTable(process, undefined);
  const setDefault = (name: string, value: string): void => {
    if (!shell.variables.has(name)) shell.variables.set(name, newVariable(value));
  };
  setDefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  setDefault("IFS", " \t\n");
  setDefault("OPTIND", "1");
  setDefault("PS4", "+ ");
  shell.variables.set("PWD", { ...(shell.variables.get("PWD") ?? newVariable()), value: process.cwd });
  if (flavour === "bash") {
    setDefault("HOSTNAME", process.context.hostname());
    setDefault("HOSTTYPE", "x86_64");
    setDefault("OSTYPE", "linux-gnu");
    setDefault("MACHTYPE", "x86_64-pc-linux-gnu");
    setDefault("BASH", "/bin/bash");
    setDefault("BASH_VERSION", "5.2.15(1)-release");
    shell.variables.set("BASH_VERSINFO", {
      ...newVariable(),
      readonly: true,
      list: new Map(
        ["5", "2", "15", "1", "release", "x86_64-pc-linux-gnu"].map((value, index) => [index, value] as const),
      ),
    });
    shell.variables.set("UID", { ...newVariable(String(process.context.uid)), readonly: true, integer: true });
    shell.variables.set("EUID", { ...newVariable(String(process.context.uid)), readonly: true, integer: true });
    shell.variables.set("PPID", { ...newVariable(String(process.parent?.nsPid ?? 0)), readonly: true, integer: true });
    const level = Number.parseInt(process.env["SHLVL"] ?? "0", 10) || 0;
    shell.variables.set("SHLVL", { ...newVariable(String(level + 1)), exported: true });
    if (process.env["OLDPWD"] === undefined) shell.variables.set("OLDPWD", { ...newVariable(), exported: true });
    shell.export("PWD");
  } else setDefault("PPID", String(process.parent?.nsPid ?? 0));
  return shell;
}

function readArguments(shell: Shell, args: readonly string[]): Invocation | string {
  let command = false;
  let stdin = false;
  let interactive = false;
  let login = shell.process.argv[0]?.startsWith("-") ?? false;
  let norc = false;
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--" || arg === "-") {
      i++;
      break;
    }
    if (arg === "--login") login = true;
    else if (arg === "--version" && shell.flavour === "bash") return "version";
    else if (/^--(norc|noprofile|posix|noediting)$/.test(arg)) norc = true;
    else if (arg.startsWith("--")) return `${arg}: invalid option`;
    else if (/^[-+]./.test(arg)) {
      let rest = arg[0]!;
      for (const letter of arg.slice(1)) {
        if (letter === "c" && arg[0] === "-") command = true;
        else if (letter === "s") stdin = true;
        else if (letter === "i") interactive = true;
        else if (letter === "l") login = true;
        else rest += letter;
      }
      if (rest.length > 1) {
        const wantsName = rest.endsWith("o");
        const { error } = applySetOptions(shell, wantsName ? [rest, args[i + 1] ?? ""] : [rest]);
        if (error) return error;
        if (wantsName) i++;
      }
    } else break;
  }
  const operands = args.slice(i);
  if (command) {
    if (operands.length === 0)
      return shell.flavour === "bash" ? "-c: option requires an argument" : "-c requires an argument";
    return { command: operands[0]!, script: undefined, operands: operands.slice(1), interactive, login, norc };
  }
  const script = stdin || operands.length === 0 ? undefined : operands[0];
  const isTerminal = shell.process.files.get(0)?.isTerminal && shell.process.files.get(2)?.isTerminal;
  return {
    command: undefined,
    script,
    operands: script === undefined ? operands : operands.slice(1),
    interactive: interactive || (script === undefined && isTerminal === true),
    login,
    norc,
  };
}

function* run(shell: Shell, invocation: Invocation, host: ShellHost, build: AshBuild): Task<number> {
  if (invocation.login) yield* sourceIfThere(shell, "/etc/profile");
  if (invocation.command !== undefined) {
    if (invocation.operands.length > 0) shell.name = invocation.operands[0]!;
    shell.positional = invocation.operands.slice(1);
    shell.fromCommandString = true;
    watchInterrupt(shell);
    return yield* runCommandTail(shell, invocation.command);
  }
  if (invocation.script !== undefined) return yield* runScript(shell, invocation);
  shell.positional = invocation.operands;
  if (invocation.interactive) {
    if (build.banner !== undefined)
      yield* shell.process.printError(`\n\n${build.banner}\nEnter 'help' for a list of built-in commands.\n\n`);
    return yield* runInteractive(shell, { login: invocation.login, norc: invocation.norc, host });
  }
  watchInterrupt(shell);
  return yield* runStandardInput(shell);
}

/** bash notes Ctrl-C while a child runs and decides when the child has ended; dash and ash die at once. */
function watchInterrupt(shell: Shell): void {
  if (shell.flavour === "bash" && shell.process.disposition("INT") === "default") catchSignal(shell, "INT");
}

export function* sourceIfThere(shell: Shell, path: string): Task<void> {
  if (shell.process.fs.find(shell.process.path(path))?.kind === "file")
    yield* shell.engine.runCommand(shell, [".", shell.process.path(path)]);
}

function* runScript(shell: Shell, invocation: Invocation): Task<number> {
  const path = invocation.script!;
  let text: string;
  try {
    text = shell.process.readText(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (shell.flavour === "bash")
      yield* shell.process.printError(
        error.code === "EISDIR" ? `${path}: ${path}: Is a directory\n` : `${shell.name}: ${path}: ${error.text}\n`,
      );
    else if (shell.flavour === "dash")
      yield* shell.process.printError(
        `${shell.name}: 0: cannot open ${path}: ${error.code === "ENOENT" ? "No such file" : error.text}\n`,
      );
    else yield* shell.process.printError(`${shell.name}: can't open '${path}': ${error.text}\n`);
    return shell.flavour === "bash" ? (error.code === "EISDIR" ? 126 : 127) : 2;
  }
  shell.name = path;
  shell.positional = invocation.operands;
  watchInterrupt(shell);
  return yield* shell.engine.runText(shell, text);
}

/** Commands from a pipe or file: read and run line by line, so that commands may read what follows them. */
function* runStandardInput(shell: Shell): Task<number> {
  let pending = "";
  let line = 1;
  for (;;) {
    const next = yield* readInputLine(shell.process);
    if (next === undefined) {
      if (pending === "") return shell.status;
      return yield* shell.engine.runText(shell, pending, line);
    }
    pending += next;
    if (next.endsWith("\n") && needsMore(pending.slice(0, -1))) continue;
    const parsed = parseShell(pending);
    const before = shell.source;
    shell.source = { text: pending, firstLine: line };
    try {
      yield* runStatements(shell, parsed.statements);
      if (parsed.error) {
        yield* reportSyntaxError(shell, pending, parsed.error);
        shell.status = 2;
        if (shell.flavour !== "bash") throw new ShellExit(2);
      }
    } catch (error) {
      if (!(error instanceof CommandAborted)) throw error;
      shell.status = error.status;
    }
    shell.source = before;
    line += pending.split("\n").length - 1;
    pending = "";
  }
}

function* readInputLine(process: Process): Task<string | undefined> {
  let text = "";
  for (;;) {
    const byte = yield* process.read(0, 1);
    if (byte === NO_BYTES) return text === "" ? undefined : decodeUtf8(text as Bytes);
    text += byte;
    if (byte === "\n") return decodeUtf8(text as Bytes);
  }
}
