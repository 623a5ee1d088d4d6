/** Command trees: how one is declared, found from argv, checked and run. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import { suggestions } from "../text/closest";
import type { FlagSet } from "./flags";
import type { Command, Invocation } from "./command-types";
import { parseFlags } from "./parse-flags";
import type { CliStyle } from "./style";
import type { UsageProblem } from "./usage-problem";

export type { ArgsRule, Command, Completer, Completion, CompletionRequest, Invocation } from "./command-types";

/** A command as it is written down. Types of flags flow into `run`. */
export interface CommandDefinition<C, F extends FlagSet>
  extends Omit<Command<C>, "flags" | "persistentFlags" | "commands" | "run"> {
  readonly flags?: F;
  readonly persistentFlags?: FlagSet;
  readonly commands?: readonly Command<C>[];
  readonly run?: (invocation: Invocation<C, F>) => Task<number>;
}

export function defineCommand<C, F extends FlagSet = Readonly<Record<never, never>>>(
  definition: CommandDefinition<C, F>,
): Command<C> {
  return {
    ...definition,
    flags: definition.flags ?? {},
    persistentFlags: definition.persistentFlags ?? {},
    commands: definition.commands ?? [],
    run: definition.run as Command<C>["run"],
  };
}

/** The root of a program and what its commands have in common. */
export interface CommandLine<C> {
  readonly root: Command<C>;
  readonly style: CliStyle;
  readonly normalizeFlag?: (name: string) => string;
  /** Called with the flags of the chosen command before it runs; a number ends the program with that exit code. */
  readonly before?: (invocation: Invocation<C>) => Task<number | undefined>;
  /** Looks for a plugin when no command matches; undefined when there is none. */
  readonly plugin?: (process: Process, argv: readonly string[]) => Task<number | undefined>;
}

export const commandName = (command: Pick<Command, "use">): string => command.use.split(" ", 1)[0]!;

/** "kubectl get TYPE [flags]": the usage line with the names of the commands above. */
export function usageLine<C>(path: readonly Command<C>[]): string {
  const command = path.at(-1)!;
  const above = path.slice(0, -1).map(commandName).join(" ");
  const line = above ? `${above} ${command.use}` : command.use;
  const hasFlags =
    path.some((each) => Object.keys(each.persistentFlags).length > 0) || Object.keys(command.flags).length > 0;
  return command.flagsInUseLine && hasFlags && !line.includes("[flags]") ? `${line} [flags]` : line;
}

/** All flags a command takes: its own and the persistent ones from the root down. */
export function flagsOf<C>(path: readonly Command<C>[]): FlagSet {
  const last = path.at(-1)!;
  const known = knownFlags.get(last);
  if (known && known.path.length === path.length && known.path.every((command, i) => command === path[i]))
    return known.flags;
  let all: FlagSet = {};
  for (const command of path) all = { ...all, ...command.persistentFlags };
  const flags: FlagSet = { ...all, ...last.flags };
  knownFlags.set(last, { path, flags });
  return flags;
}

/** Definitions do not change, so neither does what a command takes. */
const knownFlags = new WeakMap<object, { readonly path: readonly object[]; readonly flags: FlagSet }>();

/** Walks from the root to the command that argv names. Flags before a subcommand's name are stepped over, as cobra does. */
export function findCommand<C>(
  root: Command<C>,
  argv: readonly string[],
  normalize?: (name: string) => string,
): { readonly path: readonly Command<C>[]; readonly rest: readonly string[] } {
  let path: readonly Command<C>[] = [root];
  let rest = argv;
  for (;;) {
    const at = firstPlainWord(flagsOf(path), rest, normalize);
    const word = at === undefined ? undefined : rest[at];
    const next = word === undefined ? undefined : childNamed(path.at(-1)!, word);
    if (!next || at === undefined) return { path, rest };
    path = [...path, next];
    rest = [...rest.slice(0, at), ...rest.slice(at + 1)];
  }
}

export const childNamed = <C>(command: Command<C>, word: string): Command<C> | undefined =>
  command.commands.find((each) => commandName(each) === word || each.aliases?.includes(word));

/** The position of the first word that is neither a flag nor a flag's value. */
function firstPlainWord(
  flags: FlagSet,
  argv: readonly string[],
  normalize?: (name: string) => string,
): number | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") return undefined;
    if (word.length < 2 || word[0] !== "-") return word === "" ? undefined : i;
    if (word.includes("=")) continue;
    if (word.startsWith("--")) {
      const flag = flags[normalize?.(word.slice(2)) ?? word.slice(2)];
      if (flag && flag.noOptDefVal === undefined) i++;
    } else if (word.length === 2) {
      const flag = Object.values(flags).find((each) => each.shorthand === word[1]);
      if (flag && flag.noOptDefVal === undefined) i++;
    }
  }
  return undefined;
}

/** Runs a command line in a process. The result is the exit code. */
export function* runCommandLine<C>(cli: CommandLine<C>, process: Process, context: C): Task<number> {
  const argv = process.argv.slice(1);
  const { path, rest } = findCommand(cli.root, argv, cli.normalizeFlag);
  const command = path.at(-1)!;
  const commandPath = path.map(commandName).join(" ");
  const problem = (kind: UsageProblem): Task<number> => reportProblem(cli, process, path, kind);

  const flags = flagsOf(path);
  const parsed = command.disableFlagParsing
    ? undefined
    : parseFlags(flags, rest, { interspersed: command.interspersed, normalize: cli.normalizeFlag });
  const fields = parsed?.partial ?? {
    values: {},
    changed: new Set<string>(),
    args: rest,
    argsLenAtDash: -1,
    notices: [],
  };

  // cobra looks for an unknown subcommand of the root before it reads flags.
  const firstArg = fields.args[0];
  if (path.length === 1 && command.commands.length > 0 && firstArg !== undefined && fields.argsLenAtDash !== 0) {
    const handled = cli.plugin ? yield* cli.plugin(process, argv) : undefined;
    if (handled !== undefined) return handled;
    if (cli.style.unknownRootCommandFirst || parsed?.ok) {
      return yield* problem({ kind: "unknown-command", word: firstArg, suggestions: suggest(command, firstArg) });
    }
  }
  for (const notice of fields.notices)
    yield* cli.style.noticesOnOutput ? process.print(`${notice}\n`) : process.printError(`${notice}\n`);
  if (parsed && !parsed.ok) {
    if (parsed.error.kind === "error") return yield* problem({ kind: "flag", message: parsed.error.message });
    yield* process.print(cli.style.help(path));
    return 0;
  }
  if (command.deprecated)
    yield* process.printError(`Command "${commandName(command)}" is deprecated, ${command.deprecated}\n`);

  const invocation: Invocation<C> = {
    process,
    context,
    flags: fields.values as never,
    allFlags: fields.values,
    changed: (name) => fields.changed.has(name),
    args: fields.args,
    argsLenAtDash: fields.argsLenAtDash,
    path,
    commandPath,
    usageError: problem,
    help: () => cli.style.help(path),
  };
  if (!command.run) {
    if (path.length > 1 && firstArg !== undefined) {
      if (cli.style.unknownSubcommand) return yield* cli.style.unknownSubcommand(path, firstArg, process);
      return yield* problem({ kind: "unknown-subcommand", word: firstArg, suggestions: suggest(command, firstArg) });
    }
    return yield* cli.style.bareGroup(path, process);
  }
  const argsProblem = command.args?.(fields.args, commandPath);
  if (argsProblem) return yield* problem(argsProblem);
  const missing = Object.keys(flags)
    .filter((name) => flags[name]!.required && !fields.changed.has(name))
    .map((name) => `"${name}"`);
  if (missing.length > 0)
    return yield* problem({ kind: "required-flags", message: `required flag(s) ${missing.join(", ")} not set` });
  for (const group of command.exclusiveFlags ?? []) {
    const given = group.filter((name) => fields.changed.has(name)).sort();
    if (given.length > 1) {
      const message = `if any flags in the group [${group.join(" ")}] are set none of the others can be; [${given.join(" ")}] were all set`;
      return yield* problem({ kind: "flag-group", message });
    }
  }
  const early = cli.before ? yield* cli.before(invocation) : undefined;
  if (early !== undefined) return early;
  return yield* command.run(invocation);
}

function* reportProblem<C>(
  cli: CommandLine<C>,
  process: Process,
  path: readonly Command<C>[],
  problem: UsageProblem,
): Task<number> {
  const { text, exitCode } = cli.style.report(path, problem);
  yield* process.printError(text);
  return exitCode;
}

function suggest<C>(command: Command<C>, typed: string): string[] {
  const candidates = command.commands
    .filter((each) => !each.hidden && !each.deprecated)
    .map((each) => ({ name: commandName(each), suggestFor: each.suggestFor }));
  return suggestions(typed, candidates);
}
