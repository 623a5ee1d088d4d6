/** `-c` strings: the last command replaces the shell, as bash, dash and ash do, so that signals reach it directly. */
import type { Statement } from "unbash";
import type { Task } from "../base/task";
import { CommandAborted } from "./control";
import { reportSyntaxError, runCommandNode, runStatements } from "./execute";
import type { Shell } from "./state";
import { parseShell } from "./syntax";
import { runPendingTraps } from "./traps";

export function* runCommandTail(shell: Shell, text: string): Task<number> {
  const parsed = parseShell(text);
  const last = parsed.statements.at(-1);
  if (parsed.error || parsed.cutHereDocs.length > 0 || !last || !canReplace(last)) return yield* plain(shell, text);
  shell.source = { text, firstLine: 1 };
  yield* runStatements(shell, parsed.statements.slice(0, -1));
  yield* runPendingTraps(shell);
  if (shell.traps.size > 0 || last.command.type !== "Command") return yield* runStatements(shell, [last]);
  if (shell.options.has("noexec")) return 0;
  shell.status = yield* runCommandNode(shell, last.command, true);
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
