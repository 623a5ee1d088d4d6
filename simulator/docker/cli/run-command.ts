/** What docker commands share: a client, failures in the CLI's form, and verbs that act on several targets. */
import { decodeUtf8, type Bytes } from "../../base/bytes";
import type { Result } from "../../base/result";
import type { Task } from "../../base/task";
import { type Command, type CommandDefinition, type Invocation, defineCommand } from "../../cli/command";
import type { FlagSet } from "../../cli/flags";
import { LineReader } from "../../os/process";
import { type CallFailure, type DockerContext, DockerClient } from "./client";

export type DockerCommand = Command<DockerContext>;
export type DockerInvocation<F extends FlagSet = FlagSet> = Invocation<DockerContext, F> & {
  readonly client: DockerClient;
};

export interface DockerDefinition<F extends FlagSet> extends Omit<CommandDefinition<DockerContext, F>, "run"> {
  readonly run?: (invocation: DockerInvocation<F>) => Task<number>;
}

/** A docker command: as any command, with a client at hand. */
export function docker<F extends FlagSet = Readonly<Record<never, never>>>(
  definition: DockerDefinition<F>,
): DockerCommand {
  const { run } = definition;
  return defineCommand<DockerContext, F>({
    ...definition,
    ...(run && {
      run: (invocation: Invocation<DockerContext, F>) =>
        run(Object.assign({}, invocation, { client: new DockerClient(invocation.process, invocation.context) })),
    }),
  } as CommandDefinition<DockerContext, F>);
}

/** Prints a failure and gives the exit code. */
export function* fail(
  invocation: Pick<Invocation<DockerContext>, "process">,
  message: string,
  exitCode = 1,
): Task<number> {
  yield* invocation.process.printError(`${message}\n`);
  return exitCode;
}

export const failCall = (invocation: Pick<Invocation<DockerContext>, "process">, error: CallFailure): Task<number> =>
  fail(invocation, error.message);

/**
 * Does one thing to each target, going on after failures. What succeeded is printed as it does; failures come at the
 * end, one a line, and make the exit code 1.
 */
export function* forEachTarget(
  invocation: DockerInvocation,
  targets: readonly string[],
  act: (target: string) => Task<Result<string | undefined, string>>,
): Task<number> {
  const failures: string[] = [];
  for (const target of targets) {
    const result = yield* act(target);
    if (!result.ok) failures.push(result.error);
    else if (result.value !== undefined) yield* invocation.process.print(`${result.value}\n`);
  }
  if (failures.length === 0) return 0;
  return yield* fail(invocation, failures.join("\n"));
}

/** Prints formatted rows, or the reason why they could not be. */
export function* printRows(
  invocation: Pick<Invocation<DockerContext>, "process">,
  text: Result<string, string>,
): Task<number> {
  if (!text.ok) return yield* fail(invocation, text.error);
  yield* invocation.process.print(text.value);
  return 0;
}

/** Asks `question [y/N] ` and reads the answer. Anything but y is no. */
export function* confirm(invocation: Pick<Invocation<DockerContext>, "process">, question: string): Task<boolean> {
  const { process } = invocation;
  yield* process.print(`${question} [y/N] `);
  // Ctrl-C is an answer too: no, and no failure.
  for (const signal of ["INT", "TERM"] as const)
    process.onSignal(signal, () => {
      process.thread(
        (function* (): Task<void> {
          yield* process.print("\n");
          process.exit(0);
        })(),
      );
    });
  const answer = yield* new LineReader(process).next();
  for (const signal of ["INT", "TERM"] as const) process.onSignal(signal, "default");
  return (
    answer !== undefined &&
    decodeUtf8(answer.line as Bytes)
      .trim()
      .toLowerCase() === "y"
  );
}

/** A command under another name or place: `docker ps` is `docker container ls`. */
export const alias = (command: DockerCommand, use: string, changes: Partial<DockerCommand> = {}): DockerCommand => ({
  ...command,
  use: command.use.replace(/^\S+/, use),
  aliases: [],
  ...changes,
});
