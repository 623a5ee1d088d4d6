/** The interactive shell: prompt, line editor, history, job notices, one line after the other. */
import { encodeUtf8, NO_BYTES, decodeUtf8, type Bytes } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import { complete, commandNames } from "./completion";
import { BreakLoop, CommandAborted, ContinueLoop, ExpansionError, ReturnFromFunction } from "./control";
import { History } from "./history";
import type { ShellHost } from "./host";
import { JobTable } from "./jobs";
import { LineEditor, type LineResult } from "./line-editor";
import { renderPrompt } from "./prompt";
import type { Shell } from "./state";
import { expandAliases, needsMore } from "./syntax";
import { knownReading } from "./telex";
import { catchSignal, runPendingTraps } from "./traps";
import { newVariable } from "./variables";

export interface InteractiveOptions {
  readonly login: boolean;
  readonly norc: boolean;
  readonly host: ShellHost;
}

const defaultPrompt = { bash: "\\u@\\h:\\w\\$ ", dash: "# ", ash: "\\w \\$ " } as const;

export function* runInteractive(shell: Shell, options: InteractiveOptions): Task<number> {
  const { process } = shell;
  const tty = process.ttyOf(0);
  shell.interactive = true;
  for (const name of ["emacs", "histexpand", "history", "monitor"]) shell.options.add(name);
  for (const name of ["expand_aliases", "checkwinsize", "interactive_comments", "complete_fullquote"])
    shell.shopt.add(name);
  shell.jobs = new JobTable(process, tty);
  if (tty) {
    process.group = process.pid;
    tty.foregroundGroup = process.group;
  }
  for (const signal of ["INT", "HUP"] as const) catchSignal(shell, signal);
  // Handlers that do nothing, so that children do not inherit "ignore".
  for (const signal of ["TERM", "QUIT", "TSTP", "TTIN", "TTOU"] as const) process.onSignal(signal, () => {});
  if (!shell.variables.has("PS1"))
    shell.variables.set(
      "PS1",
      newVariable(shell.flavour === "dash" && process.context.uid !== 0 ? "$ " : defaultPrompt[shell.flavour]),
    );
  if (!shell.variables.has("PS2")) shell.variables.set("PS2", newVariable("> "));
  const historyFile = `${shell.get("HOME") ?? ""}/.${shell.flavour === "bash" ? "bash" : "ash"}_history`;
  shell.history = new History(readLines(shell, historyFile));
  yield* startFiles(shell, options);
  try {
    return yield* loop(shell, options.host);
  } finally {
    saveHistory(shell, historyFile);
  }
}

function* startFiles(shell: Shell, options: InteractiveOptions): Task<void> {
  const home = shell.get("HOME") ?? "";
  const files =
    shell.flavour !== "bash"
      ? [shell.get("ENV") ?? ""]
      : options.norc
        ? []
        : options.login
          ? [`${home}/.bash_profile`, `${home}/.bash_login`, `${home}/.profile`]
              .filter((path) => shell.process.fs.exists(shell.process.path(path)))
              .slice(0, 1)
          : ["/etc/bash.bashrc", `${home}/.bashrc`];
  for (const path of files) {
    if (path === "" || shell.process.fs.find(shell.process.path(path))?.kind !== "file") continue;
    yield* guarded(shell, shell.engine.runCommand(shell, [".", path]));
  }
}

const readLines = (shell: Shell, path: string): string[] => {
  const node = shell.process.fs.find(shell.process.path(path));
  return node?.kind === "file" ? decodeUtf8(node.read()).split("\n").filter(Boolean) : [];
};

function saveHistory(shell: Shell, path: string): void {
  try {
    if (shell.history && shell.history.lines.length > 0)
      shell.process.fs.writeFile(shell.process.path(path), encodeUtf8(`${shell.history.lines.join("\n")}\n`), {
        mode: 0o600,
      });
  } catch (error) {
    // A home that cannot be written keeps no history, as in bash.
    if (!(error instanceof SysError)) throw error;
  }
}

function* loop(shell: Shell, host: ShellHost): Task<number> {
  const tty = shell.process.ttyOf(0);
  const editor =
    tty &&
    new LineEditor({
      process: shell.process,
      tty,
      history: shell.history!,
      bracketedPaste: shell.flavour === "bash",
      redrawsOnResize: shell.flavour === "ash",
      complete: (before) => complete(shell, host, before),
    });
  let lineNumber = 1;
  for (;;) {
    if (shell.jobs) for (const notice of shell.jobs.notices()) yield* shell.process.printError(`${notice}\n`);
    if (shell.pendingSignals.length > 0) yield* guarded(shell, runPendingTraps(shell));
    const command = shell.get("PROMPT_COMMAND");
    if (command) {
      const status = shell.status;
      yield* guarded(shell, shell.engine.runText(shell, command));
      shell.status = status;
    }
    if (tty) {
      shell.variables.set("COLUMNS", newVariable(String(tty.columns)));
      shell.variables.set("LINES", newVariable(String(tty.rows)));
    }
    const read = yield* readCommand(shell, editor);
    if (read.kind === "hangup") {
      hangUpJobs(shell);
      return 129;
    }
    if (read.kind === "interrupt") {
      shell.status = 130;
      continue;
    }
    if (read.kind === "end") {
      if (yield* leaves(shell)) return shell.status;
      continue;
    }
    // A second `exit` in a row goes, whatever jobs are stopped.
    const warned = shell.warnedOfJobs;
    if (read.text.trim() === "") continue;
    const text = yield* expandHistory(shell, read.text);
    if (text === undefined) continue;
    shell.history!.add(text);
    host.onLine?.(shell.process, text);
    yield* guarded(
      shell,
      shell.engine.runText(
        shell,
        shell.shopt.has("expand_aliases") ? expandAliases(text, shell.aliases) : text,
        lineNumber,
      ),
    );
    lineNumber += text.split("\n").length;
    if (warned) shell.warnedOfJobs = false;
    if (shell.status !== 0) yield* offerReading(shell, host, text);
  }
}

/** Ctrl-D: leaves, but for the first time with stopped jobs. */
function* leaves(shell: Shell): Task<boolean> {
  yield* shell.process.printError(shell.flavour === "bash" ? "exit\n" : "\n");
  const stopped = [...(shell.jobs?.jobs.values() ?? [])].some((job) => job.state === "Stopped");
  if (!stopped || shell.warnedOfJobs) return true;
  shell.warnedOfJobs = true;
  yield* shell.process.printError("There are stopped jobs.\n");
  return false;
}

function hangUpJobs(shell: Shell): void {
  for (const job of shell.jobs?.jobs.values() ?? []) {
    if (job.disowned) continue;
    job.signal("HUP");
    job.signal("CONT");
  }
}

/** Runs a line's task: what unwinds it ends the line, not the shell; only `exit` does. */
function* guarded(shell: Shell, task: Task<unknown>): Task<void> {
  try {
    yield* task;
  } catch (error) {
    if (error instanceof CommandAborted) shell.status = error.status;
    else if (error instanceof BreakLoop || error instanceof ContinueLoop) shell.status = 0;
    else if (error instanceof ReturnFromFunction) shell.status = error.status;
    else if (error instanceof ExpansionError) {
      yield* shell.error(error.message);
      shell.status = error.status;
    } else throw error;
  } finally {
    shell.conditionDepth = 0;
    shell.loopDepth = 0;
    while (shell.frames.length > 0) shell.popFrame();
  }
}

/** Reads a whole command: more lines while it is not complete. */
function* readCommand(shell: Shell, editor: LineEditor | undefined): Task<LineResult> {
  const prefill = shell.prefill;
  shell.prefill = "";
  let read = yield* readOne(shell, editor, yield* renderPrompt(shell, shell.get("PS1") ?? ""), prefill);
  if (read.kind !== "line") return read;
  let text = read.text;
  while (needsMore(text)) {
    read = yield* readOne(shell, editor, yield* renderPrompt(shell, shell.get("PS2") ?? "> "), "");
    if (read.kind === "interrupt" || read.kind === "hangup") return read;
    if (read.kind === "end") break;
    text += `\n${read.text}`;
  }
  return { kind: "line", text };
}

function* readOne(shell: Shell, editor: LineEditor | undefined, prompt: string, prefill: string): Task<LineResult> {
  if (editor) return yield* editor.readLine(prompt, prefill);
  yield* shell.process.printError(prompt);
  let text = "";
  for (;;) {
    const byte: Bytes = yield* shell.process.read(0, 1);
    if (byte === NO_BYTES) return text === "" ? { kind: "end" } : { kind: "line", text: decodeUtf8(text as Bytes) };
    if (byte === "\n") return { kind: "line", text: decodeUtf8(text as Bytes) };
    text += byte;
  }
}

function* expandHistory(shell: Shell, text: string): Task<string | undefined> {
  if (!shell.options.has("histexpand") || shell.flavour !== "bash") return text;
  const expanded = shell.history!.expand(text);
  if ("missing" in expanded) {
    yield* shell.error(expanded.missing);
    return undefined;
  }
  if (expanded.changed) yield* shell.process.printError(`${expanded.line}\n`);
  return expanded.line;
}

/** A word with diacritics that spells a known word in Telex or VNI keys: the whole line is offered with one key. */
function* offerReading(shell: Shell, host: ShellHost, text: string): Task<void> {
  if (!/[^\x00-\x7f]/.test(text)) return;
  const words = text.split(/(\s+)/);
  const plain: string[] = [];
  let changed = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!/[^\x00-\x7f]/.test(word)) {
      plain.push(word);
      continue;
    }
    const before = plain.join("").trim().split(/\s+/).filter(Boolean);
    const known = yield* knownWords(shell, host, before);
    const reading = knownReading(word, (candidate) => known.has(candidate));
    plain.push(reading ?? word);
    if (reading !== undefined) changed = true;
  }
  if (!changed) return;
  const line = plain.join("");
  shell.history!.add(line);
  yield* shell.process.printError(`A Vietnamese input method is on. Press Up for: ${line}\n`);
}

function* knownWords(shell: Shell, host: ShellHost, before: readonly string[]): Task<ReadonlySet<string>> {
  if (before.length === 0) return new Set(commandNames(shell));
  const completer = host.completers?.get(before[0]!);
  const found = completer
    ? yield* completer({ process: shell.process, words: [...before, ""], index: before.length })
    : undefined;
  return new Set(found ?? filesHere(shell));
}

const filesHere = (shell: Shell): string[] =>
  shell.process.fs.isDir(shell.process.cwd) ? shell.process.fs.readDir(shell.process.cwd) : [];
