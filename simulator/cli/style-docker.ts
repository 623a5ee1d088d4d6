/** docker's look: `Usage:  docker ps [OPTIONS]`, exit 125 for wrong flags, 1 for wrong arguments. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import { type ArgsRule, type Command, commandName, flagsOf, usageLine } from "./command";
import { flagUsages } from "./flag-usages";
import type { CliStyle, CommandPath, UsageProblem } from "./style";

const DEFAULT_GROUP = "Commands";

/** Columns that option tables are wrapped to. */
const WIDTH = 80;

export const dockerStyle: CliStyle = {
  unknownRootCommandFirst: false,
  noticesOnOutput: true,
  help,
  report(path, problem) {
    const name = path.map(commandName).join(" ");
    const root = commandName(path[0]!);
    const isRoot = path.length === 1;
    const usage = isRoot ? `Usage:  ${root} [OPTIONS] COMMAND [ARG...]` : `Usage:  ${usageLine(path)}`;
    const run = `Run '${name} --help' for more information\n`;
    switch (problem.kind) {
      case "unknown-command":
        return { text: `${root}: unknown command: ${name} ${problem.word}\n\n${run}`, exitCode: 1 };
      case "unknown-subcommand":
        return {
          text: `${root}: unknown command: ${name} ${problem.word}\n\nUsage:  ${usageLine(path)}\n\n${run}`,
          exitCode: 1,
        };
      case "flag":
        return { text: `${problem.message}\n\n${usage}\n\n${run}`, exitCode: 125 };
      case "args":
        return {
          text: `${root}: ${problem.message}\n\n${usage}\n\n${problem.hint ?? "Run"} '${name} --help' for more information\n`,
          exitCode: 1,
        };
      default:
        return { text: `${problem.message}\n`, exitCode: 1 };
    }
  },
  *bareGroup(path: CommandPath, process: Process): Task<number> {
    yield* process.printError(help(path));
    return 0;
  },
};

function help(path: CommandPath): string {
  const command = path.at(-1)!;
  const name = path.map(commandName).join(" ");
  const isRoot = path.length === 1;
  const parts: string[] = [];
  if (command.commands.length > 0) {
    const hasFlags = Object.values(flagsOf(path)).some((flag) => !flag.hidden);
    parts.push(
      `Usage:  ${name}${isRoot || (hasFlags && Object.keys({ ...command.flags, ...command.persistentFlags }).length > 0) ? " [OPTIONS]" : ""} COMMAND\n`,
    );
  } else parts.push(`Usage:  ${usageLine(path)}\n`);
  parts.push(`${(command.long ?? command.short).trim()}\n`);
  if (command.aliases?.length) {
    const above = path.slice(0, -1).map(commandName).join(" ");
    // An alias with spaces is the whole list, as annotations of commands in two places have it.
    const whole = command.aliases.find((alias) => alias.includes(" "));
    const all = whole ?? [commandName(command), ...command.aliases].map((alias) => `${above} ${alias}`).join(", ");
    parts.push(`Aliases:\n  ${all}\n`);
  }
  if (command.example) parts.push(`Examples:\n${command.example}\n`);
  const lists = commandLists(command);
  const options = flagUsages({ ...command.persistentFlags, ...command.flags }, WIDTH);
  const optionPart = options ? [`${isRoot ? "Global Options" : "Options"}:\n${options}`] : [];
  parts.push(...(isRoot ? [...lists, ...optionPart] : [...optionPart, ...lists]));
  if (command.commands.length > 0) parts.push(`Run '${name} COMMAND --help' for more information on a command.\n`);
  const page = parts.join("\n");
  return isRoot ? `${page}\nFor more help on how to use Docker, head to https://docs.docker.com/go/guides/\n` : page;
}

function commandLists(command: Command): string[] {
  const visible = command.commands.filter((each) => !each.hidden && !each.deprecated);
  const width = Math.max(11, ...visible.map((each) => commandName(each).length));
  const groups: string[] = [];
  for (const each of visible)
    if (!groups.includes(each.group ?? DEFAULT_GROUP)) groups.push(each.group ?? DEFAULT_GROUP);
  return groups.map((group) => {
    const rows = visible
      .filter((each) => (each.group ?? DEFAULT_GROUP) === group)
      .map((each) => `  ${commandName(each).padEnd(width)} ${each.short}\n`);
    return `${group}:\n${rows.join("")}`;
  });
}

const plural = (count: number): string => (count === 1 ? "argument" : "arguments");
const argsProblem = (message: string, hint?: string): UsageProblem => ({ kind: "args", message, hint });

/** cli.NoArgs */
export const noArgs: ArgsRule = (args, path) =>
  args.length === 0 ? undefined : argsProblem(`'${path}' accepts no arguments`);

/** cli.ExactArgs */
export const exactArgs =
  (count: number): ArgsRule =>
  (args, path) =>
    args.length === count ? undefined : argsProblem(`'${path}' requires ${count} ${plural(count)}`);

/** cli.RequiresMinArgs */
export const minArgs =
  (count: number): ArgsRule =>
  (args, path) =>
    args.length >= count ? undefined : argsProblem(`'${path}' requires at least ${count} ${plural(count)}`, "See");

/** cli.RequiresMaxArgs: upstream's hint has a typing slip, kept because learners may search for it. */
export const maxArgs =
  (count: number): ArgsRule =>
  (args, path) =>
    args.length <= count ? undefined : argsProblem(`'${path}' requires at most ${count} ${plural(count)}`, "SRun");

/** cli.RequiresRangeArgs */
export const rangeArgs =
  (min: number, max: number): ArgsRule =>
  (args, path) =>
    args.length >= min && args.length <= max
      ? undefined
      : argsProblem(`'${path}' requires at least ${min} and at most ${max} ${plural(max)}`);
