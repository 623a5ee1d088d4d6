/** The interpreter: walks the tree and runs it. */
import type {
  AndOr,
  Case,
  CommandNode,
  CompoundCommand,
  CompoundList,
  For,
  If,
  ParsedScript,
  Pipeline,
  PipelineNode,
  Redirected,
  Select,
  Statement,
  TestExpression,
  While,
  Function as FunctionNode,
  ArithmeticFor,
} from "unbash";
import { decodeUtf8, NO_BYTES } from "../base/bytes";
import { limits } from "../base/limits";
import type { Task } from "../base/task";
import { makePipe, NullDevice, type OpenFile } from "../os/open-file";
import type { Process } from "../os/process";
import { statementAtOnce } from "./at-once";
import { BreakLoop, CommandAborted, ContinueLoop, ExpansionError, ReturnFromFunction, ShellExit } from "./control";
import { arithmetic, expandPattern, expandRegexp, expandString, expandWords } from "./expand";
import { Job } from "./jobs";
import { matchesPattern } from "./pattern";
import { forkShell, jobControl, textOf, tryRedirections, waitForeground } from "./processes";
import { type SavedFiles, restoreFiles } from "./redirect";
import { posixToRegExp } from "./regex";
import { runSimpleCommand } from "./simple-command";
import type { Shell } from "./state";
import { parseShell } from "./syntax";
import { compareNumbers, testBinary, testUnary } from "./test-expression";
import { formatTimes } from "./time-format";
import { testScope } from "./test-scope";
import { runPendingTraps } from "./traps";

/** CPU of small things, in ms. */
const cost = { builtin: 0.02, fork: 0.4 } as const;

// ---- lists -----------------------------------------------------------------------------------------------------------

export function* runStatements(shell: Shell, statements: readonly Statement[]): Task<number> {
  for (const statement of statements) {
    if (!ranAtOnce(shell, statement)) yield* runStatement(shell, statement);
    if (shell.pendingSignals.length > 0) yield* runPendingTraps(shell);
  }
  return shell.status;
}

const runList = (shell: Shell, list: CompoundList): Task<number> => runStatements(shell, list.commands);

/** Runs a statement that needs no waiting, and whose failure nobody acts on. */
function ranAtOnce(shell: Shell, statement: Statement): boolean {
  const isWatched = shell.conditionDepth === 0 && (shell.options.has("errexit") || shell.traps.has("ERR"));
  const status = statementAtOnce(shell, statement, isWatched);
  if (status === undefined) return false;
  shell.status = status;
  shell.pipeStatus = [status];
  return true;
}

function* runStatement(shell: Shell, statement: Statement): Task<number> {
  shell.position = statement.pos;
  if (shell.options.has("noexec") && !shell.interactive) return shell.status;
  if (statement.background) {
    startBackground(shell, statement);
    if (shell.interactive) yield* announceBackground(shell);
    shell.status = 0;
    return 0;
  }
  const { command } = statement;
  if (command.type !== "Command") return yield* runNode(shell, command);
  const status = yield* runSimpleCommand(shell, command, false);
  shell.status = status;
  shell.pipeStatus = [status];
  if (status !== 0) yield* afterCommand(shell, status, command);
  return status;
}

function* runNode(shell: Shell, node: PipelineNode | AndOr): Task<number> {
  if (node.type === "AndOr") return yield* runAndOr(shell, node);
  if (node.type === "Pipeline") return yield* runPipeline(shell, node);
  const status = yield* runCommandNode(shell, node);
  shell.status = status;
  shell.pipeStatus = [status];
  if (status !== 0) yield* afterCommand(shell, status, node);
  return status;
}

/** `set -e` and the ERR trap act on a failed command that nobody tests. */
function* afterCommand(shell: Shell, status: number, node: PipelineNode): Task<void> {
  if (status === 0 || shell.conditionDepth > 0) return;
  // Compound commands pass on what failed inside; only (…) and simple ones act by themselves.
  const acts =
    node.type === "Command" ||
    node.type === "Subshell" ||
    node.type === "Pipeline" ||
    node.type === "TestCommand" ||
    node.type === "ArithmeticCommand" ||
    node.type === "Redirected";
  if (!acts) return;
  const trap = shell.traps.get("ERR");
  if (trap !== undefined && trap !== "" && (shell.frames.length === 0 || shell.options.has("errtrace"))) {
    shell.traps.delete("ERR");
    yield* shell.engine.runText(shell, trap);
    shell.traps.set("ERR", trap);
    shell.status = status;
  }
  if (shell.options.has("errexit")) throw new ShellExit(status);
}

function* runAndOr(shell: Shell, node: AndOr): Task<number> {
  let status = 0;
  for (let i = 0; i < node.commands.length; i++) {
    if (i > 0) {
      const operator = node.operators[i - 1];
      if (operator === "&&" ? status !== 0 : status === 0) continue;
    }
    const isLast = i === node.commands.length - 1;
    if (!isLast) shell.conditionDepth++;
    try {
      status = yield* runNode(shell, node.commands[i]!);
    } finally {
      if (!isLast) shell.conditionDepth--;
    }
    if (shell.pendingSignals.length > 0) yield* runPendingTraps(shell);
  }
  shell.status = status;
  return status;
}

// ---- pipelines and jobs ------------------------------------------------------------------------------------------------

function* runPipeline(shell: Shell, node: Pipeline): Task<number> {
  const negations = node.prefixes.filter((prefix) => prefix.type === "Negation").length;
  const time = node.prefixes.find((prefix) => prefix.type === "Time");
  const before = time && { at: shell.process.now(), cpu: shell.cpuMs + childrenCpu(shell) };
  if (negations > 0) shell.conditionDepth++;
  let status: number;
  try {
    if (node.commands.length === 1) {
      status = yield* runCommandNode(shell, node.commands[0]!);
      shell.pipeStatus = [status];
    } else status = yield* runPipes(shell, node);
  } finally {
    if (negations > 0) shell.conditionDepth--;
  }
  if (before && time) {
    yield* shell.charge(0);
    const user = shell.cpuMs + childrenCpu(shell) - before.cpu;
    yield* shell.process.printError(
      formatTimes(
        shell.process.now() - before.at,
        user,
        time.type === "Time" && time.posix !== undefined,
        shell.get("TIMEFORMAT"),
      ),
    );
  }
  if (negations % 2 === 1) {
    shell.status = status === 0 ? 1 : 0;
    return shell.status;
  }
  shell.status = status;
  yield* afterCommand(shell, status, node.commands.length === 1 ? node.commands[0]! : node);
  return status;
}

const childrenCpu = (shell: Shell): number => shell.childrenCpuMs;

function* runPipes(shell: Shell, node: Pipeline): Task<number> {
  const processes = startPipeline(shell, node, {});
  const job = new Job(processes, textOf(shell, node), jobControl(shell) ? processes[0]!.pid : undefined);
  return yield* waitForeground(shell, job, true);
}

interface StartOptions {
  readonly background?: boolean;
}

function startPipeline(shell: Shell, node: Pipeline, options: StartOptions): Process[] {
  const processes: Process[] = [];
  let group: number | "new" | undefined = jobControl(shell) ? "new" : undefined;
  let input: OpenFile | undefined = options.background && !jobControl(shell) ? new NullDevice("null") : undefined;
  node.commands.forEach((command, index) => {
    const isLast = index === node.commands.length - 1;
    const pipe = isLast ? undefined : makePipe();
    const files = new Map(shell.process.files);
    if (input) files.set(0, input);
    if (pipe) {
      files.set(1, pipe.writer);
      if (node.operators[index] === "|&") files.set(2, pipe.writer);
    }
    const process = forkShell(shell, (child) => runCommandNode(child, command, true), {
      files,
      group,
      background: options.background ?? false,
    });
    processes.push(process);
    if (group === "new") {
      group = process.group;
      if (!options.background && shell.jobs?.tty) shell.jobs.tty.foregroundGroup = process.group;
    }
    input = pipe?.reader;
  });
  return processes;
}

function startBackground(shell: Shell, statement: Statement): void {
  const node = statement.command;
  const processes =
    node.type === "Pipeline" && node.prefixes.length === 0 && node.commands.length > 1
      ? startPipeline(shell, node, { background: true })
      : [
          forkShell(
            shell,
            (child) =>
              node.type === "AndOr" || node.type === "Pipeline"
                ? runNode(child, node)
                : runCommandNode(child, node, true),
            {
              background: true,
              ...(jobControl(shell)
                ? { group: "new" as const }
                : { files: new Map(shell.process.files).set(0, new NullDevice("null")) }),
            },
          ),
        ];
  const job = new Job(processes, textOf(shell, node), jobControl(shell) ? processes[0]!.group : undefined);
  job.background = true;
  shell.jobs?.list(job);
  shell.lastBackground = job.last.nsPid;
}

function* announceBackground(shell: Shell): Task<void> {
  const job = shell.jobs?.current;
  const newest = shell.jobs && [...shell.jobs.jobs.values()].at(-1);
  if (job && newest) yield* shell.process.printError(`[${newest.number}] ${newest.last.nsPid}\n`);
}

// ---- compound commands -------------------------------------------------------------------------------------------------

/** Runs one command of a pipeline. `mayExec`: this process has nothing else to do, so a program may replace it. */
export function* runCommandNode(shell: Shell, node: CommandNode, mayExec = false): Task<number> {
  switch (node.type) {
    case "Command":
      return yield* runSimpleCommand(shell, node, mayExec);
    case "Redirected":
      return yield* runRedirected(shell, node);
    case "Function":
      defineFunction(shell, node);
      return 0;
    case "Coproc":
      yield* shell.error("coproc: not simulated; use a named pipe (mkfifo) instead");
      return 1;
    default:
      return yield* runCompound(shell, node);
  }
}

function* runRedirected(shell: Shell, node: Redirected): Task<number> {
  if (node.command.type === "Subshell") {
    const body = node.command.body;
    return yield* inForegroundChild(shell, node, function* (child) {
      const failed = yield* tryRedirections(child, node.redirects);
      return failed ?? (yield* runList(child, body));
    });
  }
  const saved: SavedFiles = [];
  try {
    const failed = yield* tryRedirections(shell, node.redirects, saved);
    return failed ?? (yield* runCompound(shell, node.command));
  } finally {
    restoreFiles(shell, saved);
  }
}

function* runCompound(shell: Shell, node: CompoundCommand | CompoundList): Task<number> {
  switch (node.type) {
    case "CompoundList":
      return yield* runList(shell, node);
    case "BraceGroup":
      return yield* runList(shell, node.body);
    case "Subshell":
      return yield* inForegroundChild(shell, node, (child) => runList(child, node.body));
    case "If":
      return yield* runIf(shell, node);
    case "For":
      return yield* runFor(shell, node);
    case "While":
      return yield* runWhile(shell, node);
    case "Case":
      return yield* runCase(shell, node);
    case "Select":
      return yield* runSelect(shell, node);
    case "ArithmeticFor":
      return yield* runArithmeticFor(shell, node);
    case "ArithmeticCommand":
      yield* shell.charge(cost.builtin);
      if (shell.options.has("xtrace"))
        yield* shell.process.printError(`${shell.get("PS4") ?? "+ "}(( ${node.body} ))\n`);
      return (yield* guarded(
        shell,
        function* () {
          return (yield* arithmetic(shell, node.body)) !== 0n ? 0 : 1;
        },
        "((: ",
      ))!;
    case "TestCommand":
      yield* shell.charge(cost.builtin);
      if (shell.flavour === "dash") {
        yield* shell.error("[[: not found");
        return 127;
      }
      return (yield* guarded(shell, function* () {
        return (yield* evaluateCondition(shell, node.expression)) ? 0 : 1;
      }))!;
  }
}

/** Errors of arithmetic and tests fail the command, not the shell. */
function* guarded(shell: Shell, run: () => Task<number>, prefix = ""): Task<number> {
  try {
    return yield* run();
  } catch (error) {
    if (!(error instanceof ExpansionError) || error.fatal) throw error;
    yield* shell.error(`${prefix}${error.message}`);
    return 1;
  }
}

function* inForegroundChild(
  shell: Shell,
  node: { readonly pos: number; readonly end: number },
  run: (child: Shell) => Task<number>,
): Task<number> {
  yield* shell.charge(cost.fork);
  const process = forkShell(shell, run, jobControl(shell) ? { group: "new" } : {});
  const job = new Job([process], textOf(shell, node), jobControl(shell) ? process.group : undefined);
  return yield* waitForeground(shell, job, false);
}

function* condition(shell: Shell, list: CompoundList): Task<number> {
  shell.conditionDepth++;
  try {
    return yield* runList(shell, list);
  } finally {
    shell.conditionDepth--;
  }
}

function* runIf(shell: Shell, node: If): Task<number> {
  if ((yield* condition(shell, node.clause)) === 0) return yield* runList(shell, node.then);
  for (const elif of node.elif)
    if ((yield* condition(shell, elif.clause)) === 0) return yield* runList(shell, elif.then);
  if (node.else) return yield* runList(shell, node.else);
  shell.status = 0;
  return 0;
}

/** Runs a loop's body once; false when the loop is to end. */
function* loopBody(shell: Shell, body: CompoundList): Task<boolean> {
  if (shell.owes(0.005)) yield* shell.pay();
  try {
    yield* runList(shell, body);
    return true;
  } catch (error) {
    if (error instanceof BreakLoop) {
      shell.status = 0;
      if (error.levels > 1 && shell.loopDepth > 1) {
        error.levels--;
        throw error;
      }
      return false;
    }
    if (error instanceof ContinueLoop) {
      shell.status = 0;
      if (error.levels > 1 && shell.loopDepth > 1) {
        error.levels--;
        throw error;
      }
      return true;
    }
    throw error;
  }
}

function* runFor(shell: Shell, node: For): Task<number> {
  const name = node.name.text;
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    yield* shell.error(`\`${name}': not a valid identifier`);
    return 1;
  }
  const values = node.wordlist ? yield* expandWords(shell, node.wordlist) : shell.positional;
  shell.status = 0;
  shell.loopDepth++;
  try {
    for (const value of values) {
      shell.set(name, value);
      if (shell.options.has("xtrace"))
        yield* shell.process.printError(
          `${shell.get("PS4") ?? "+ "}for ${name} in ${shell.source.text.slice(node.wordlist?.[0]?.pos ?? 0, node.wordlist?.at(-1)?.end ?? 0)}\n`,
        );
      if (!(yield* loopBody(shell, node.body))) break;
    }
  } finally {
    shell.loopDepth--;
  }
  return shell.status;
}

function* runWhile(shell: Shell, node: While): Task<number> {
  let status = 0;
  shell.loopDepth++;
  try {
    for (;;) {
      let test: number;
      try {
        test = yield* condition(shell, node.clause);
      } catch (error) {
        if (!(error instanceof BreakLoop) || error.levels > 1) throw error;
        break;
      }
      if ((test === 0) !== (node.kind === "while")) break;
      const goesOn = yield* loopBody(shell, node.body);
      status = shell.status;
      if (!goesOn) break;
      if (shell.pendingSignals.length > 0) yield* runPendingTraps(shell);
    }
  } finally {
    shell.loopDepth--;
  }
  shell.status = status;
  return status;
}

function* runArithmeticFor(shell: Shell, node: ArithmeticFor): Task<number> {
  const text = (part: ArithmeticFor["test"]): string => (part ? shell.source.text.slice(part.pos, part.end) : "");
  let status = 0;
  shell.loopDepth++;
  try {
    if (node.initialize) yield* arithmetic(shell, text(node.initialize));
    for (;;) {
      if (node.test && (yield* arithmetic(shell, text(node.test))) === 0n) break;
      const goesOn = yield* loopBody(shell, node.body);
      status = shell.status;
      if (!goesOn) break;
      if (node.update) yield* arithmetic(shell, text(node.update));
    }
  } catch (error) {
    if (!(error instanceof ExpansionError) || error.fatal) throw error;
    yield* shell.error(`((: ${error.message}`);
    return 1;
  } finally {
    shell.loopDepth--;
  }
  return status;
}

function* runCase(shell: Shell, node: Case): Task<number> {
  const value = yield* expandString(shell, node.word);
  shell.status = 0;
  let falls = false;
  for (const item of node.items) {
    let matches = falls;
    for (const pattern of matches ? [] : item.pattern) {
      if (matchesPattern(value, yield* expandPattern(shell, pattern), shell.shopt.has("nocasematch"))) {
        matches = true;
        break;
      }
    }
    if (!matches) continue;
    yield* runList(shell, item.body);
    if (item.terminator === ";&") {
      falls = true;
      continue;
    }
    falls = false;
    if (item.terminator === ";;&") continue;
    break;
  }
  return shell.status;
}

function* runSelect(shell: Shell, node: Select): Task<number> {
  const values = node.wordlist ? yield* expandWords(shell, node.wordlist) : shell.positional;
  if (values.length === 0) return 0;
  const width = String(values.length).length;
  const menu = values.map((value, index) => `${String(index + 1).padStart(width)}) ${value}\n`).join("");
  shell.loopDepth++;
  let show = true;
  try {
    for (;;) {
      if (show) yield* shell.process.printError(menu);
      yield* shell.process.printError(shell.get("PS3") ?? "#? ");
      const code = yield* shell.engine.runCommand(shell, ["read", "-r", "REPLY"]);
      if (code !== 0) {
        yield* shell.print("\n");
        shell.status = 1;
        break;
      }
      const reply = shell.get("REPLY") ?? "";
      show = reply === "";
      if (show) continue;
      const index = /^\d+$/.test(reply.trim()) ? Number(reply) - 1 : -1;
      shell.set(node.name.text, values[index] ?? "");
      if (!(yield* loopBody(shell, node.body))) break;
    }
  } finally {
    shell.loopDepth--;
  }
  return shell.status;
}

function defineFunction(shell: Shell, node: FunctionNode): void {
  shell.functions.set(node.name.text, {
    name: node.name.text,
    body: node.body,
    source: shell.source,
    pos: node.pos,
    end: node.end,
  });
}

/** Calls a function with its arguments. */
export function* callFunction(shell: Shell, name: string, args: readonly string[]): Task<number> {
  const definition = shell.functions.get(name)!;
  const before = { source: shell.source, position: shell.position, loopDepth: shell.loopDepth };
  shell.pushFrame(name, args);
  shell.source = definition.source;
  shell.loopDepth = 0;
  try {
    const body = definition.body;
    if (body.type === "Redirected") return yield* runRedirected(shell, body);
    return yield* runCompound(shell, body);
  } catch (error) {
    if (!(error instanceof ReturnFromFunction)) throw error;
    shell.status = error.status;
    return error.status;
  } finally {
    shell.popFrame();
    shell.source = before.source;
    shell.position = before.position;
    shell.loopDepth = before.loopDepth;
  }
}

// ---- [[ ]] ---------------------------------------------------------------------------------------------------------------

function* evaluateCondition(shell: Shell, node: TestExpression): Task<boolean> {
  switch (node.type) {
    case "TestGroup":
      return yield* evaluateCondition(shell, node.expression);
    case "TestNot": {
      const value = yield* evaluateCondition(shell, node.operand);
      return node.negations.length % 2 === 1 ? !value : value;
    }
    case "TestLogical":
      for (const operand of node.operands) {
        const value = yield* evaluateCondition(shell, operand);
        if (node.operator === "&&" ? !value : value) return value;
      }
      return node.operator === "&&";
    case "TestUnary": {
      const value = yield* expandString(shell, node.operand);
      if (shell.options.has("xtrace"))
        yield* shell.process.printError(`${shell.get("PS4") ?? "+ "}[[ ${node.operator} ${value || "''"} ]]\n`);
      return testUnary(testScope(shell), node.operator === "" ? "-n" : node.operator, value);
    }
    case "TestBinary":
      return yield* evaluateBinary(shell, node);
  }
}

function* evaluateBinary(shell: Shell, node: Extract<TestExpression, { type: "TestBinary" }>): Task<boolean> {
  const left = yield* expandString(shell, node.left);
  const ignoreCase = shell.shopt.has("nocasematch");
  const trace = function* (right: string): Task<void> {
    if (shell.options.has("xtrace"))
      yield* shell.process.printError(
        `${shell.get("PS4") ?? "+ "}[[ ${left || "''"} ${node.operator} ${right || "''"} ]]\n`,
      );
  };
  switch (node.operator) {
    case "=":
    case "==":
    case "!=": {
      const pattern = yield* expandPattern(shell, node.right);
      yield* trace(pattern);
      return matchesPattern(left, pattern, ignoreCase) === (node.operator !== "!=");
    }
    case "=~": {
      const source = yield* expandRegexp(shell, node.right);
      yield* trace(source);
      const regexp = posixToRegExp(source, { extended: true, ignoreCase });
      if (typeof regexp === "string") throw new ExpansionError("", 2, false);
      const match = regexp.exec(left);
      shell.setArray(
        "BASH_REMATCH",
        (match ?? []).map((value) => ({ index: undefined, value: value ?? "" })),
      );
      return match !== null;
    }
    default: {
      const right = yield* expandString(shell, node.right);
      yield* trace(right);
      if (/^-(eq|ne|lt|le|gt|ge)$/.test(node.operator)) {
        const a = yield* arithmetic(shell, left);
        return compareNumbers(a, node.operator, yield* arithmetic(shell, right));
      }
      return testBinary(shell.process, left, node.operator, right);
    }
  }
}

// ---- substitutions -------------------------------------------------------------------------------------------------------

/** `$(…)`: runs in a subshell, whose output is read to its end. */
export function* substitute(shell: Shell, script: ParsedScript): Task<string> {
  yield* shell.charge(cost.fork);
  const pipe = makePipe();
  const files = new Map(shell.process.files).set(1, pipe.writer);
  pipe.reader.retain();
  const process = forkShell(
    shell,
    function* (child) {
      if (script.source !== undefined) child.source = { text: script.source, firstLine: child.line };
      child.conditionDepth = 0;
      if (child.flavour === "bash" && !child.options.has("posix") && !child.shopt.has("inherit_errexit"))
        child.options.delete("errexit");
      const only = script.commands.length === 1 ? script.commands[0] : undefined;
      if (only && !only.background && only.command.type === "Command") {
        // `$(<file)` is the file's content.
        const command = only.command;
        if (
          !command.name &&
          command.prefix.length === 1 &&
          command.prefix[0]!.type === "Redirect" &&
          command.prefix[0]!.operator === "<"
        ) {
          const failed = yield* tryRedirections(child, command.redirects);
          if (failed !== undefined) return failed;
          for (;;) {
            const chunk = yield* child.process.read(0);
            if (chunk === NO_BYTES) return 0;
            yield* child.process.write(1, chunk);
          }
        }
        child.position = only.pos;
        return yield* runCommandNode(child, command, true);
      }
      return yield* runStatements(child, script.commands);
    },
    { files },
  );
  const chunks: string[] = [];
  let held = 0;
  shell.waitsForChild = true;
  try {
    for (;;) {
      const chunk = yield* pipe.reader.read(65_536);
      if (chunk === NO_BYTES) break;
      chunks.push(chunk);
      held += chunk.length;
      // Output that never ends must not fill the memory of the page.
      if (held > limits.fileBytesMax) {
        process.signal("KILL");
        yield* shell.process.printError(`${shell.name}: xrealloc: cannot allocate ${held} bytes\n`);
        throw new ShellExit(2);
      }
    }
    const status = yield* shell.process.wait(process);
    shell.childrenCpuMs += process.cpuMs;
    shell.substitutionStatus = status.code;
    shell.status = status.code;
    if (status.signal === "INT") shell.pendingSignals.push("INT");
  } finally {
    shell.waitsForChild = false;
    pipe.reader.release();
  }
  const text = decodeUtf8(chunks.join("") as never).replace(/\0/g, "");
  let end = text.length;
  while (end > 0 && text[end - 1] === "\n") end--;
  return text.slice(0, end);
}

/** `<(…)`: starts the commands and answers a path that leads to their pipe. */
export function processSubstitution(shell: Shell, script: ParsedScript, operator: "<" | ">"): string {
  const pipe = makePipe();
  let fd = 63;
  while (shell.process.files.has(fd)) fd--;
  const inside = operator === "<" ? pipe.writer : pipe.reader;
  const outside = operator === "<" ? pipe.reader : pipe.writer;
  forkShell(shell, (child) => runStatements(child, script.commands), {
    files: new Map(shell.process.files).set(operator === "<" ? 1 : 0, inside),
    background: true,
  });
  shell.process.install(outside, fd);
  shell.substitutionFiles.push(fd);
  return `/dev/fd/${fd}`;
}

/** Parses and runs text; syntax errors are told as bash tells them. */
export function* runText(shell: Shell, text: string, firstLine = 1): Task<number> {
  const parsed = parseShell(text);
  const before = { source: shell.source, position: shell.position };
  shell.source = { text, firstLine };
  try {
    for (const cut of parsed.cutHereDocs) {
      shell.position = text.length;
      const at = firstLine + text.slice(0, cut.pos).split("\n").length - 1;
      yield* shell.error(`warning: here-document at line ${at} delimited by end-of-file (wanted \`${cut.delimiter}')`);
    }
    if (parsed.error && parsed.statements.length === 0) shell.status = 0;
    yield* runLines(shell, parsed.statements, text);
    if (parsed.error) {
      yield* reportSyntaxError(shell, text, parsed.error);
      shell.status = 2;
      if (!shell.interactive && shell.flavour !== "bash") throw new ShellExit(2);
      return 2;
    }
    return parsed.statements.length === 0 ? (shell.status = 0) : shell.status;
  } finally {
    shell.source = before.source;
    shell.position = before.position;
  }
}

/**
 * Runs statements; an aborted one takes the rest of its line with it, and the next line goes on. Answers where the last
 * dropped line ended (-1: at the end of the text).
 */
export function* runLines(shell: Shell, statements: readonly Statement[], text: string): Task<number | undefined> {
  let aborted: number | undefined;
  for (let at = 0; at < statements.length; at++) {
    try {
      if (!ranAtOnce(shell, statements[at]!)) yield* runStatement(shell, statements[at]!);
      if (shell.pendingSignals.length > 0) yield* runPendingTraps(shell);
    } catch (error) {
      const unwinds = error instanceof CommandAborted ? !error.interrupt : error instanceof ExpansionError;
      if (!unwinds) throw error;
      if (error instanceof ExpansionError) {
        if (error.message !== "") yield* shell.error(error.message);
        if (error.exits && !shell.interactive) throw new ShellExit(error.status);
      }
      shell.status = (error as CommandAborted | ExpansionError).status;
      shell.conditionDepth = 0;
      if (shell.subshellDepth > 0) throw new ShellExit(shell.status);
      const lineEnd = text.indexOf("\n", statements[at]!.end);
      aborted = lineEnd;
      while (at + 1 < statements.length && (lineEnd < 0 || statements[at + 1]!.pos < lineEnd)) at++;
    }
  }
  return aborted;
}

/** bash tells the error, then shows the line. */
export function* reportSyntaxError(
  shell: Shell,
  text: string,
  error: { readonly pos: number; readonly message: string; readonly incomplete: boolean; readonly expecting?: string },
): Task<void> {
  const closesLater = error.message.startsWith("unexpected EOF") && error.message.endsWith("`)'");
  if (closesLater && shell.flavour === "bash" && !shell.interactive) {
    shell.position = text.length;
    yield* shell.process.printError(
      `${shell.name}: ${shell.fromCommandString ? "-c: " : ""}line ${shell.line + 1}: ${error.message}\n`,
    );
    return;
  }
  shell.position =
    error.incomplete && !error.message.startsWith("unexpected EOF") ? text.length : Math.min(error.pos, text.length);
  const message =
    shell.flavour === "bash"
      ? error.message
      : dashSyntaxWords(error.message) + (error.expecting === undefined ? "" : ` (expecting "${error.expecting}")`);
  const isCommandString = shell.fromCommandString && !shell.interactive && shell.flavour === "bash";
  if (
    error.incomplete &&
    !error.message.startsWith("unexpected EOF") &&
    shell.flavour === "bash" &&
    !shell.interactive &&
    !text.endsWith("\n")
  ) {
    yield* shell.process.printError(
      `${shell.name}: ${isCommandString ? "-c: " : ""}line ${shell.line + 1}: ${message}\n`,
    );
    return;
  }
  yield* shell.process.printError(
    `${isCommandString ? shell.messagePrefix.replace(/line \d+: $/, `-c: line ${shell.line}: `) : shell.messagePrefix}${message}\n`,
  );
  if (shell.flavour !== "bash" || shell.interactive || error.incomplete) return;
  const start = text.lastIndexOf("\n", shell.position - 1) + 1;
  const end = text.indexOf("\n", start);
  const line = text.slice(start, end < 0 ? undefined : end);
  yield* shell.process.printError(
    `${isCommandString ? shell.messagePrefix.replace(/line \d+: $/, `-c: line ${shell.line}: `) : shell.messagePrefix}\`${line}'\n`,
  );
}

function dashSyntaxWords(message: string): string {
  const near = /unexpected token `(.*)'$/.exec(message);
  if (near)
    return `Syntax error: ${near[1] === "newline" ? "newline" : `"${near[1]}"`} unexpected`.replace(
      '"newline"',
      "newline",
    );
  const matching = /matching `(.)'$/.exec(message);
  if (matching)
    return matching[1] === "'" || matching[1] === '"'
      ? "Syntax error: Unterminated quoted string"
      : matching[1] === "}"
        ? "Syntax error: Missing '}'"
        : "Syntax error: end of file unexpected";
  return "Syntax error: end of file unexpected";
}
