/** Simple commands: assignments, words, redirections; then a function, a builtin or a program. */
import type { Assignment, Command, Word } from "unbash";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import type { Process } from "../os/process";
import { CommandAborted, ExpansionError, ReturnFromFunction, ShellExit } from "./control";
import { expandAtOnce, expandString, expandText, expandWords, stringAtOnce } from "./expand";
import { Job } from "./jobs";
import { forkShell, jobControl, textOf, tryRedirections, waitForeground } from "./processes";
import { traceQuote } from "./quoting";
import { type SavedFiles, restoreFiles } from "./redirect";
import type { Argument, ArrayElement, AssignmentArgument, Shell } from "./state";
import { parseWord } from "./syntax";
import { runExitTrap, runPendingTraps } from "./traps";
import type { Variable } from "./variables";
import { copyVariable } from "./variables";

/** POSIX's special builtins: a failure in one ends a shell that is not interactive (in posix flavours). */
const specialBuiltins = new Set([
  ".",
  ":",
  "break",
  "continue",
  "eval",
  "exec",
  "exit",
  "export",
  "readonly",
  "return",
  "set",
  "shift",
  "times",
  "trap",
  "unset",
]);

/** Builtins that only bash has; elsewhere their names are looked up in PATH. */
const bashOnly = new Set([
  "declare",
  "typeset",
  "shopt",
  "mapfile",
  "readarray",
  "pushd",
  "popd",
  "dirs",
  "disown",
  "enable",
  "builtin",
  "caller",
  "compgen",
  "complete",
  "compopt",
  "bind",
  "help",
  "suspend",
  "logout",
]);

const NO_ASSIGNMENTS: readonly Assignment[] = [];

const wordsOf = (node: Command, name: Word): readonly Word[] => {
  const words = [name];
  for (const arg of node.args) words.push(arg.type === "Word" ? arg : (parseWord(arg.text) ?? (arg.value as never)));
  return words;
};

export function* runSimpleCommand(shell: Shell, node: Command, mayExec: boolean): Task<number> {
  shell.position = node.pos;
  shell.substitutionStatus = undefined;
  const firstFile = shell.substitutionFiles.length;
  try {
    return yield* run(shell, node, mayExec);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    if (error.message !== "") yield* shell.error(error.message);
    if (error.exits && !shell.interactive) throw new ShellExit(error.status);
    if (error.fatal || error.exits) throw new CommandAborted(error.status, false);
    return error.status;
  } finally {
    if (shell.substitutionFiles.length > firstFile)
      for (const fd of shell.substitutionFiles.splice(firstFile)) shell.process.close(fd);
  }
}

function* run(shell: Shell, node: Command, mayExec: boolean): Task<number> {
  const assignments =
    node.prefix.length === 0
      ? NO_ASSIGNMENTS
      : node.prefix.filter((item): item is Assignment => item.type === "Assignment");
  const redirects = node.redirects;
  const nameText = node.name && !node.name.parts ? node.name.text : undefined;
  if (
    nameText !== undefined &&
    shell.engine.declarations.has(nameText) &&
    isBuiltin(shell, nameText) &&
    !shell.functions.has(nameText)
  )
    return yield* runDeclaration(shell, nameText, node, assignments);
  const sources = node.name ? wordsOf(node, node.name) : [];
  const words = expandAtOnce(shell, sources) ?? (yield* expandWords(shell, sources));
  if (words.length === 0) return yield* runAssignments(shell, assignments, redirects);
  const name = words[0]!;
  const hasFunction = shell.functions.has(name);
  const builtin = isBuiltin(shell, name) ? shell.engine.builtins.get(name) : undefined;
  if (!hasFunction && !builtin && !shell.engine.declarations.has(name))
    return yield* runProgram(shell, node, words, assignments, mayExec);
  if (shell.owes(0.02)) yield* shell.pay();
  const restore = assignments.length === 0 ? undefined : yield* temporaryAssignments(shell, assignments, name);
  if (shell.options.has("xtrace")) yield* trace(shell, words);
  const saved: SavedFiles = [];
  try {
    const failed =
      redirects.length === 0
        ? undefined
        : yield* tryRedirections(shell, redirects, name === "exec" && !hasFunction ? undefined : saved);
    if (failed !== undefined) {
      if (shell.flavour !== "bash" && !hasFunction && specialBuiltins.has(name) && !shell.interactive)
        throw new ShellExit(failed);
      return failed;
    }
    const status = hasFunction
      ? yield* shell.engine.callFunction(shell, name, words.slice(1))
      : yield* callBuiltin(shell, name, words.slice(1));
    shell.lastArgument = words.at(-1)!;
    return status;
  } finally {
    if (saved.length > 0) restoreFiles(shell, saved);
    restore?.();
  }
}

export function isBuiltin(shell: Shell, name: string): boolean {
  if (!shell.engine.builtins.has(name) && !shell.engine.declarations.has(name)) return false;
  return shell.flavour === "bash" || !bashOnly.has(name);
}

/** Runs a builtin; a failed write is told as bash tells it. */
export function* callBuiltin(shell: Shell, name: string, args: readonly string[]): Task<number> {
  try {
    const builtin = shell.engine.builtins.get(name);
    if (builtin) return yield* builtin(shell, args);
    return yield* shell.engine.declarations.get(name)!(
      shell,
      args.map((arg) => assignmentOf(arg)),
    );
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    yield* shell.error(`${name}: write error: ${error.text}`);
    return 1;
  }
}

/** `declare x=1` given as a plain argument, as `command declare "x=1"` is. */
function assignmentOf(arg: string): Argument {
  const match = /^([A-Za-z_]\w*)(?:\[([^\]]*)\])?(\+?)=([\s\S]*)$/.exec(arg);
  if (!match) return arg;
  return { name: match[1]!, index: match[2], append: match[3] === "+", value: match[4]! };
}

function* runDeclaration(shell: Shell, name: string, node: Command, assignments: readonly Assignment[]): Task<number> {
  const args: Argument[] = [];
  for (const arg of node.args) {
    if (arg.type === "Word") args.push(...(yield* expandWords(shell, [arg])).map(assignmentOf));
    else args.push(yield* expandAssignment(shell, arg));
  }
  yield* shell.charge(0.02);
  const restore = yield* temporaryAssignments(shell, assignments, name);
  yield* trace(shell, [
    name,
    ...args.map((arg) =>
      typeof arg === "string" ? arg : `${arg.name}=${typeof arg.value === "string" ? arg.value : "()"}`,
    ),
  ]);
  const saved: SavedFiles = [];
  try {
    const failed = yield* tryRedirections(shell, node.redirects, saved);
    if (failed !== undefined) return failed;
    return yield* shell.engine.declarations.get(name)!(shell, args);
  } finally {
    restoreFiles(shell, saved);
    restore();
  }
}

/** Only assignments, or only redirections: they act on the shell itself. */
function* runAssignments(
  shell: Shell,
  assignments: readonly Assignment[],
  redirects: Command["redirects"],
): Task<number> {
  for (const assignment of assignments) {
    const { value: source } = assignment;
    if (source.type === "Word" && !assignment.index && !shell.options.has("xtrace")) {
      const value = stringAtOnce(shell, source);
      if (value !== undefined) {
        shell.set(assignment.name, value, assignment.append ?? false);
        continue;
      }
    }
    const expanded = yield* expandAssignment(shell, assignment);
    if (shell.options.has("xtrace") && typeof expanded.value === "string")
      yield* shell.process.printError(
        `${yield* tracePrefix(shell)}${assignment.text.slice(0, assignment.text.indexOf("=") + 1)}${expanded.value === "" ? "" : traceQuote(expanded.value)}\n`,
      );
    assign(shell, expanded);
  }
  if (shell.owes(0.01)) yield* shell.pay();
  if (redirects.length === 0) return shell.substitutionStatus ?? 0;
  const saved: SavedFiles = [];
  const failed = yield* tryRedirections(shell, redirects, saved);
  restoreFiles(shell, saved);
  return failed ?? shell.substitutionStatus ?? 0;
}

export function* expandAssignment(shell: Shell, node: Assignment): Task<AssignmentArgument> {
  let index = node.index ? yield* expandString(shell, node.index) : undefined;
  if (index !== undefined && shell.variable(node.name)?.map === undefined) index = index.replace(/^"(.*)"$/s, "$1");
  const base = { name: node.name, index, append: node.append ?? false };
  if (node.value.type === "Word")
    return { ...base, value: yield* expandString(shell, node.value, { assignment: true }) };
  const elements: ArrayElement[] = [];
  for (const word of node.value.elements) {
    const match = /^\[((?:[^[\]"']|"[^"]*"|'[^']*'|\[[^\]]*\])*)\](\+?)=([\s\S]*)$/.exec(word.text);
    if (match) {
      const indexWord = parseWord(match[1]!);
      const valueWord = match[3] === "" ? undefined : parseWord(match[3]!);
      elements.push({
        index: indexWord ? yield* expandString(shell, indexWord) : match[1]!,
        value: valueWord ? yield* expandString(shell, valueWord, { assignment: true }) : "",
        append: match[2] === "+",
      });
    } else for (const value of yield* expandWords(shell, [word])) elements.push({ index: undefined, value });
  }
  return { ...base, value: elements };
}

export function assign(shell: Shell, { name, index, append, value }: AssignmentArgument): void {
  if (typeof value !== "string") shell.setArray(name, value, append);
  else if (index !== undefined) shell.setElement(name, index, value, append);
  else shell.set(name, value, append);
}

/** `x=1 command`: set and exported while the command runs. Answers how to undo it. */
function* temporaryAssignments(shell: Shell, assignments: readonly Assignment[], name: string): Task<() => void> {
  if (assignments.length === 0) return () => {};
  const before = new Map<string, Variable | undefined>();
  for (const assignment of assignments) {
    const expanded = yield* expandAssignment(shell, assignment);
    const old = shell.variables.get(expanded.name);
    if (!before.has(expanded.name)) before.set(expanded.name, old && copyVariable(old));
    if (shell.options.has("xtrace"))
      yield* shell.process.printError(
        `${yield* tracePrefix(shell)}${expanded.name}=${traceQuote(String(expanded.value))}\n`,
      );
    assign(shell, expanded);
    shell.export(expanded.name);
  }
  // In POSIX shells, assignments before a special builtin stay.
  if (shell.flavour !== "bash" && specialBuiltins.has(name)) return () => {};
  return () => {
    for (const [key, variable] of before) {
      if (variable) shell.variables.set(key, variable);
      else shell.variables.delete(key);
    }
  };
}

function* tracePrefix(shell: Shell): Task<string> {
  shell.options.delete("xtrace");
  const ps4 = yield* expandText(shell, shell.get("PS4") ?? "+ ");
  shell.options.add("xtrace");
  return ps4.slice(0, 1).repeat(shell.flavour === "bash" ? shell.traceDepth : 1) + ps4.slice(1);
}

export function* trace(shell: Shell, words: readonly string[]): Task<void> {
  if (!shell.options.has("xtrace")) return;
  yield* shell.process.printError(
    `${yield* tracePrefix(shell)}${words.map(shell.flavour === "dash" ? (word: string) => word : traceQuote).join(" ")}\n`,
  );
}

// ---- programs --------------------------------------------------------------------------------------------------------

function* runProgram(
  shell: Shell,
  node: Command,
  words: readonly string[],
  assignments: readonly Assignment[],
  mayExec: boolean,
): Task<number> {
  const extra = new Map<string, string>();
  for (const assignment of assignments) {
    const expanded = yield* expandAssignment(shell, assignment);
    extra.set(expanded.name, typeof expanded.value === "string" ? expanded.value : "");
  }
  for (const [name, value] of extra)
    if (shell.options.has("xtrace"))
      yield* shell.process.printError(`${yield* tracePrefix(shell)}${name}=${traceQuote(value)}\n`);
  yield* trace(shell, words);
  const body = function* (child: Shell): Task<number> {
    const failed = yield* tryRedirections(child, node.redirects);
    return failed ?? (yield* execProgram(child, words, child.environment(extra)));
  };
  shell.lastArgument = words.at(-1)!;
  // The parent remembers where it was found, as its hash table does.
  if (words[0] !== "" && !extra.has("PATH")) findProgram(shell, words[0]!);
  if (mayExec && !shell.traps.get("EXIT")) return yield* body(shell);
  yield* shell.charge(0.4);
  return yield* inChild(shell, textOf(shell, node), body);
}

function* inChild(shell: Shell, text: string, body: (child: Shell) => Task<number>): Task<number> {
  let process: Process;
  try {
    process = forkShell(shell, body, jobControl(shell) ? { group: "new" } : {});
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* shell.error(`fork: ${error.text}`);
    return 254;
  }
  const status = yield* waitForeground(
    shell,
    new Job([process], text, jobControl(shell) ? process.group : undefined),
    false,
  );
  if (shell.pendingSignals.length > 0) yield* runPendingTraps(shell);
  return status;
}

/** Runs a program by name in a child, waiting for it: for `command`, `eval`-like builtins. */
export function* runProgramByName(
  shell: Shell,
  argv: readonly string[],
  extra?: ReadonlyMap<string, string>,
): Task<number> {
  yield* shell.charge(0.4);
  return yield* inChild(shell, argv.join(" "), (child) => execProgram(child, argv, child.environment(extra)));
}

/** The file a command name leads to. */
export function findProgram(shell: Shell, name: string, searchPath = shell.get("PATH") ?? ""): string | undefined {
  const known = searchPath === shell.get("PATH") ? shell.hashed.get(name) : undefined;
  if (known && shell.process.fs.exists(known.path)) {
    known.hits++;
    return known.path;
  }
  const path = shell.process.kernel.which(shell.process.context, name, searchPath, shell.process.cwd);
  if (path !== undefined && !name.includes("/")) shell.hashed.set(name, { path, hits: 1 });
  return path;
}

/** Replaces this process with a program; answers only when that cannot be done. */
export function* execProgram(shell: Shell, argv: readonly string[], env: Record<string, string>): Task<number> {
  const name = argv[0]!;
  const path = name === "" ? undefined : findProgram(shell, name, env["PATH"] ?? shell.get("PATH") ?? "");
  if (path === undefined) return yield* notFound(shell, name);
  yield* shell.process.compute(0.6);
  try {
    return shell.process.exec(name.includes("/") ? name : path, argv, env);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.code === "EPIPE") throw error;
    return yield* cannotExecute(shell, name, path, argv, error);
  }
}

function* notFound(shell: Shell, name: string): Task<number> {
  if (shell.flavour !== "bash") yield* shell.error(`${name}: not found`);
  else yield* shell.error(`${name}: command not found`);
  return 127;
}

function* cannotExecute(
  shell: Shell,
  name: string,
  path: string,
  argv: readonly string[],
  error: SysError,
): Task<number> {
  const node = shell.process.fs.find(path);
  if (error.code === "ENOENT" && !node) {
    yield* shell.error(shell.flavour === "bash" ? `${name}: No such file or directory` : `${name}: not found`);
    return 127;
  }
  if (error.code === "ENOENT") {
    if (shell.flavour !== "bash") yield* shell.error(`${name}: not found`);
    else yield* shell.error(`${name}: cannot execute: required file not found`);
    return 127;
  }
  if (node?.kind === "dir") {
    yield* shell.error(shell.flavour === "bash" ? `${name}: Is a directory` : `${name}: Permission denied`);
    return 126;
  }
  if (error.code === "ENOEXEC" && node?.kind === "file" && !node.read().startsWith("\x7fELF"))
    return yield* runScriptFile(shell, path, argv);
  if (error.code === "ENOEXEC") yield* shell.error(`${name}: cannot execute binary file: Exec format error`);
  else yield* shell.error(`${name}: ${error.text}`);
  return error.code === "ENOTDIR" ? 126 : 126;
}

/** A text file without `#!`: this very shell runs it. */
function* runScriptFile(shell: Shell, path: string, argv: readonly string[]): Task<number> {
  shell.name = argv[0]!;
  shell.positional = argv.slice(1);
  shell.functions.clear();
  shell.fromCommandString = false;
  try {
    return yield* shell.engine.runText(shell, shell.process.readText(path));
  } catch (error) {
    if (error instanceof ReturnFromFunction) return error.status;
    if (error instanceof ShellExit) return yield* runExitTrap(shell, error.status);
    throw error;
  }
}
