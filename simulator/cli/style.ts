/** What differs between programs built on the same command trees: the look of help pages, errors and exit codes. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import type { Command } from "./command-types";
import type { UsageProblem } from "./usage-problem";

export type { UsageProblem } from "./usage-problem";

// biome-ignore lint/suspicious/noExplicitAny: styles look at trees of any program.
export type CommandPath = readonly Command<any>[];

export interface CliStyle {
  /** The whole help page. */
  help(path: CommandPath): string;
  /** The text for standard error and the exit code. */
  report(path: CommandPath, problem: UsageProblem): { readonly text: string; readonly exitCode: number };
  /** A command that only has subcommands, called alone. */
  bareGroup(path: CommandPath, process: Process): Task<number>;
  /** Instead of a report on a subcommand that does not exist. */
  unknownSubcommand?(path: CommandPath, word: string, process: Process): Task<number>;
  /** Deprecated flags are remarked upon on standard output. */
  readonly noticesOnOutput?: boolean;
  /** Whether an unknown command is reported before a wrong flag next to it. */
  readonly unknownRootCommandFirst: boolean;
}
