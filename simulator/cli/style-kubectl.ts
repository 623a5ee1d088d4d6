/** kubectl's look: its help templates, `error: …` and `See 'kubectl get --help' for usage.`, exit 1. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import { type Command, commandName, usageLine } from "./command";
import type { Flag, FlagSet } from "./flags";
import type { CliStyle, CommandPath } from "./style";

export const kubectlStyle: CliStyle = {
  unknownRootCommandFirst: true,
  help,
  report(path, problem) {
    const name = path.map(commandName).join(" ");
    switch (problem.kind) {
      case "unknown-command": {
        const guesses = problem.suggestions.map((each) => `\t${each}\n`).join("");
        const tail = guesses ? `\n\nDid you mean this?\n${guesses}` : "\n";
        return { text: `error: unknown command "${problem.word}" for "${name}"${tail}`, exitCode: 1 };
      }
      case "unknown-subcommand":
        return usage(name, `unknown command "${problem.word}"`);
      case "flag":
        return { text: `error: ${problem.message}\nSee '${name} --help' for usage.\n`, exitCode: 1 };
      case "usage":
        return usage(name, problem.message);
      default:
        return { text: `error: ${problem.message}\n`, exitCode: 1 };
    }
  },
  *bareGroup(path: CommandPath, process: Process): Task<number> {
    if (path.length === 1) {
      yield* process.print(help(path));
      return 0;
    }
    yield* process.printError(help(path));
    return 1;
  },
};

const usage = (name: string, message: string): { text: string; exitCode: number } => ({
  text: `error: ${message}\nSee '${name} -h' for help and examples\n`,
  exitCode: 1,
});

function help(path: CommandPath): string {
  const command = path.at(-1)!;
  const root = commandName(path[0]!);
  const name = path.map(commandName).join(" ");
  const parts = [`${(command.long ?? command.short).trim()}\n`];
  if (command.aliases?.length) parts.push(`Aliases:\n${[commandName(command), ...command.aliases].join(", ")}\n`);
  if (command.example) parts.push(`Examples:\n${command.example.replace(/\n+$/, "")}\n`);
  parts.push(...commandLists(command, path.length === 1));
  const options = path.length === 1 ? "" : kubectlFlags(command.flags);
  if (options) parts.push(`Options:\n${options}`);
  const line = command.commands.length > 0 && path.length === 1 ? `${name} [flags]` : usageLine(path);
  parts.push(`Usage:\n  ${line}${line.includes("[options]") ? "" : " [options]"}\n`);
  const tips: string[] = [];
  if (command.commands.length > 0)
    tips.push(`Use "${name} <command> --help" for more information about a given command.\n`);
  tips.push(`Use "${root} options" for a list of global command-line options (applies to all commands).\n`);
  return `${parts.join("\n")}\n${tips.join("")}`;
}

function commandLists(command: Command, isRoot: boolean): string[] {
  const visible = command.commands.filter((each) => !each.hidden && !each.deprecated);
  const groups: string[] = [];
  const groupOf = (each: Command): string => each.group ?? (isRoot ? "Other Commands" : "Available Commands");
  for (const each of visible) if (!groups.includes(groupOf(each))) groups.push(groupOf(each));
  const width = Math.max(0, ...visible.map((each) => commandName(each).length)) + (isRoot ? 2 : 2);
  return groups.map((group) => {
    const rows = visible
      .filter((each) => groupOf(each) === group)
      .map((each) => `  ${commandName(each).padEnd(width)} ${each.short}\n`);
    return `${group}:\n${rows.join("")}`;
  });
}

/** kubectl's list of options: name and default on one line, what it does on the next. */
export function kubectlFlags(flags: FlagSet): string {
  return Object.keys(flags)
    .filter((name) => !flags[name]!.hidden && !flags[name]!.deprecated)
    .sort()
    .map((name) => flagText(name, flags[name]!))
    .join("\n");
}

function flagText(name: string, flag: Flag<unknown>): string {
  const short = flag.shorthand && !flag.shorthandDeprecated ? `-${flag.shorthand}, ` : "";
  const shown = flag.defaultText ?? "";
  const value = flag.type === "string" ? `'${shown}'` : shown;
  return `    ${short}--${name}=${value}:\n\t${flag.usage.replaceAll("`", "")}\n`;
}
