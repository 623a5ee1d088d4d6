/** `-c` strings: the last command replaces the shell, as bash, dash and ash do, so that signals reach it directly. */
import type { Statement } from "unbash";
import type { Task } from "../base/task";
import { CommandAborted } from "./control";
import { reportSyntaxError, runCommandNode, runLines } from "./execute";
import type { Shell } from "./state";
import { parseShell } from "./syntax";
import { runPendingTraps } from "./traps";

export function* runCommandTail(shell: Shell, text: string): Task<number> {
  const parsed = parseShell(text);
  const last = parsed.statements.at(-1);
  if (parsed.error || parsed.cutHereDocs.length > 0 || !last || !canReplace(last)) return yield* plain(shell, text);
  shell.source = { text, firstLine: 1 };
  const aborted = yield* runLines(shell, parsed.statements.slice(0, -1), text);
  // A dropped line may take the last command with it.
  if (aborted !== undefined && (aborted < 0 || last.pos < aborted)) return shell.status;
  yield* runPendingTraps(shell);
  if (shell.traps.size > 0 || last.command.type !== "Command" || shell.options.has("noexec")) {
    yield* runLines(shell, [last], text);
    return shell.status;
  }
  try {
    shell.status = yield* runCommandNode(shell, last.command, true);
  } catch (error) {
    if (!(error instanceof CommandAborted) || error.interrupt) throw error;
    shell.status = error.status;
  }
  return shell.status;
}

const canReplace = (statement: Statement): boolean => !statement.background && statement.command.type === "Command";

function* plain(shell: Shell, text: string): Task<number> {
  const parsed = parseShell(text);
  if (parsed.error && parsed.statements.length === 0) {
    shell.source = { text, firstLine: 1 };
    yield* reportSyntaxError(shell, text, parsed.error);
    return shell.flavour === "bash" ? (parsed.error.incomplete ? 2 : 2) : 2;
  }
  try {
    return yield* shell.engine.runText(shell, text);
  } catch (error) {
    if (!(error instanceof CommandAborted)) throw error;
    return error.status;
  }
}
