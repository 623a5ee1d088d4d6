/** Shell completion as cobra offers it: `kubectl __complete get po` prints candidates and a directive. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import {
  type Command,
  type CommandLine,
  type Completion,
  type CompletionRequest,
  commandName,
  findCommand,
  flagsOf,
} from "./command";
import { parseFlags } from "./parse-flags";

const NO_SPACE = 2;
const NO_FILES = 4;

/** Runs `__complete WORD…`: one candidate a line, then `:<directive>`. The last word is the one being typed. */
export function* runComplete<C>(cli: CommandLine<C>, process: Process, context: C): Task<number> {
  const words = process.argv.slice(2);
  const completion = yield* complete(cli, process, context, words.slice(0, -1), words.at(-1) ?? "");
  const directive = (completion.noSpace ? NO_SPACE : 0) + (completion.files ? 0 : NO_FILES);
  yield* process.print(`${completion.candidates.map((each) => `${each}\n`).join("")}:${directive}\n`);
  return 0;
}

/** What may follow `words` at the word `toComplete`. */
export function* complete<C>(
  cli: CommandLine<C>,
  process: Process,
  context: C,
  words: readonly string[],
  toComplete: string,
): Task<Completion> {
  const { path, rest } = findCommand(cli.root, words, cli.normalizeFlag);
  const command = path.at(-1)!;
  const flags = flagsOf(path);
  const parsed = parseFlags(flags, rest, { interspersed: command.interspersed, normalize: cli.normalizeFlag });
  const request: CompletionRequest<C> = {
    process,
    context,
    args: parsed.partial.args,
    allFlags: parsed.partial.values,
    toComplete,
  };
  // The word is a flag's value: `-n def`, `--output=ya`.
  const inline = /^(--[^=]+)=(.*)$/s.exec(toComplete);
  const previous = rest.at(-1);
  const flagWord = inline?.[1] ?? (previous?.startsWith("-") ? previous : undefined);
  const flagName =
    flagWord === undefined
      ? undefined
      : Object.keys(flags).find(
          (name) =>
            flagWord === `--${name}` ||
            (flags[name]!.shorthand !== undefined && flagWord === `-${flags[name]!.shorthand}`),
        );
  if (flagName && (inline || flags[flagName]!.noOptDefVal === undefined)) {
    const completer = findFlagCompleter(path, flagName);
    if (!completer) return { candidates: [], files: true };
    const answer = yield* completer({ ...request, toComplete: inline?.[2] ?? toComplete });
    return inline ? { ...answer, candidates: answer.candidates.map((each) => `${inline[1]}=${each}`) } : answer;
  }
  if (toComplete.startsWith("-") && parsed.partial.argsLenAtDash < 0) {
    const names = Object.keys(flags).filter((name) => !flags[name]!.hidden && !flags[name]!.deprecated);
    const candidates = names.map((name) => `--${name}${flags[name]!.noOptDefVal === undefined ? "=" : ""}`);
    return { candidates: matching(candidates, toComplete), noSpace: true };
  }
  const commands = parsed.partial.args.length === 0 ? matching(visibleNames(command), toComplete) : [];
  const answer = command.completeArgs ? yield* command.completeArgs(request) : undefined;
  return {
    candidates: [...commands, ...matching(answer?.candidates ?? [], toComplete)],
    noSpace: answer?.noSpace,
    files: answer ? answer.files : command.commands.length === 0,
  };
}

function findFlagCompleter<C>(
  path: readonly Command<C>[],
  name: string,
): NonNullable<Command<C>["completeFlags"]>[string] | undefined {
  for (const command of [...path].reverse()) {
    const completer = command.completeFlags?.[name];
    if (completer) return completer;
  }
  return undefined;
}

const visibleNames = <C>(command: Command<C>): string[] =>
  command.commands.filter((each) => !each.hidden && !each.deprecated).map(commandName);

const matching = (candidates: readonly string[], prefix: string): string[] =>
  candidates.filter((each) => each.startsWith(prefix));
