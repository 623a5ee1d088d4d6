/** The types of commands: how one is declared, what it is called with, what completion asks. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import type { FlagSet, FlagValues } from "./flags";
import type { UsageProblem } from "./usage-problem";

/** What a command is called with. `C` is the program's own context (kubectl's factory, docker's client). */
export interface Invocation<C, F extends FlagSet = FlagSet> {
  readonly process: Process;
  readonly context: C;
  /** The command's own flags. */
  readonly flags: FlagValues<F>;
  /** Every flag's value, persistent ones of the commands above included. */
  readonly allFlags: Readonly<Record<string, unknown>>;
  /** Whether a flag was given. */
  changed(flag: string): boolean;
  readonly args: readonly string[];
  /** How many arguments stood before `--`; -1 without one. */
  readonly argsLenAtDash: number;
  /** Root first, this command last. */
  readonly path: readonly Command<C>[];
  /** "kubectl rollout status". */
  readonly commandPath: string;
  /** Ends the command with a usage error in the program's style. */
  usageError(problem: UsageProblem): Task<number>;
  /** The command's help page. */
  help(): string;
}

/** What completion callbacks see: the words typed so far, parsed as far as they parse. */
export interface CompletionRequest<C> {
  readonly process: Process;
  readonly context: C;
  readonly args: readonly string[];
  readonly allFlags: Readonly<Record<string, unknown>>;
  readonly toComplete: string;
}

/** Candidates; `noSpace` keeps the cursor right behind the word, `files` falls back to file names. */
export interface Completion {
  readonly candidates: readonly string[];
  readonly noSpace?: boolean;
  readonly files?: boolean;
}

export type Completer<C> = (request: CompletionRequest<C>) => Task<Completion>;

export interface Command<C = unknown> {
  /** Usage line; its first word is the name. */
  readonly use: string;
  readonly aliases?: readonly string[];
  readonly suggestFor?: readonly string[];
  readonly short: string;
  readonly long?: string;
  readonly example?: string;
  readonly hidden?: boolean;
  /** The message after `Command "x" is deprecated, `. */
  readonly deprecated?: string;
  /** Heading under which the parent's help page lists it. */
  readonly group?: string;
  readonly flags: FlagSet;
  readonly persistentFlags: FlagSet;
  readonly commands: readonly Command<C>[];
  readonly interspersed?: boolean;
  /** argv is handed over as it is. */
  readonly disableFlagParsing?: boolean;
  /** Adds " [flags]" to the usage line (cobra does unless told not to). */
  readonly flagsInUseLine?: boolean;
  /** Groups of flags of which at most one may be given. */
  readonly exclusiveFlags?: readonly (readonly string[])[];
  /** Checks the number of arguments before `run`. */
  readonly args?: ArgsRule;
  readonly completeArgs?: Completer<C>;
  readonly completeFlags?: Readonly<Record<string, Completer<C>>>;
  /** Absent for a command that only has subcommands. */
  readonly run?: (invocation: Invocation<C>) => Task<number>;
}

/** Says what is wrong with the arguments, if anything. */
export type ArgsRule = (args: readonly string[], commandPath: string) => UsageProblem | undefined;
