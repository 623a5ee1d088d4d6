/** docker run: create, attach, start, and wait for the end. */
import type { ApiStream } from "../../../../base/door";
import { Deferred, type Task, suspend } from "../../../../base/task";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import type { SignalName } from "../../../../os/signals";
import { containerFlags, containerRequest } from "../../container-options";
import { type DockerInvocation, docker } from "../../run-command";
import { DEFAULT_DETACH_KEYS, hijack, parseDetachKeys } from "../../stream";
import { createContainer, isFlagError } from "./create";

export const run = docker({
  use: "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["docker container run, docker run"],
  short: "Create and run a new container from an image",
  flags: {
    ...containerFlags,
    detach: boolFlag(false, "Run container in background and print container ID", { shorthand: "d" }),
    "detach-keys": stringFlag("", "Override the key sequence for detaching a container"),
    "sig-proxy": boolFlag(true, "Proxy received signals to the process"),
  },
  interspersed: false,
  args: minArgs(1),
  *run(invocation) {
    const { process, flags, args, client } = invocation;
    const usage = function* (message: string, exitCode = 125): Task<number> {
      yield* process.printError(`docker: ${message}\n\nRun 'docker run --help' for more information\n`);
      return exitCode;
    };
    const request = containerRequest(process, flags, invocation.changed, args);
    if (!request.ok) {
      if (isFlagError(request.error)) return yield* invocation.usageError({ kind: "flag", message: request.error });
      return yield* usage(request.error);
    }
    if (flags.detach && flags.attach.length > 0) {
      yield* process.printError("conflicting options: cannot specify both --attach and --detach\n");
      return 1;
    }
    const isAttached = !flags.detach;
    const streams =
      flags.attach.length > 0
        ? flags.attach
        : isAttached
          ? ["stdout", "stderr", ...(flags.interactive ? ["stdin"] : [])]
          : [];
    const takesInput = isAttached && flags.interactive && streams.includes("stdin");
    if (takesInput && flags.tty && !process.ttyOf(0)) {
      yield* process.printError("the input device is not a TTY\n");
      return 1;
    }
    const keys = parseDetachKeys(flags["detach-keys"] || DEFAULT_DETACH_KEYS);
    if (keys === undefined) return yield* usage(`invalid detach keys (${flags["detach-keys"]})`);
    const body = {
      ...request.value.body,
      AttachStdin: takesInput,
      AttachStdout: streams.includes("stdout"),
      AttachStderr: streams.includes("stderr"),
      StdinOnce: takesInput,
    };
    const created = yield* createContainer(invocation as never, { ...request.value, body }, flags);
    if (!created.ok) return yield* usage(created.error);
    const { id } = created.value;

    let stream: ApiStream | undefined;
    let ended: Deferred<number> | undefined;
    if (isAttached && streams.length > 0) {
      const attached = yield* client.post(`/containers/${id}/attach`, {
        query: {
          stream: true,
          stdin: takesInput,
          stdout: streams.includes("stdout"),
          stderr: streams.includes("stderr"),
        },
      });
      if (!attached.ok) return yield* usage(attached.error.message);
      stream = attached.value.stream;
    }
    if (isAttached) ended = waitInBackground(invocation as never, id, flags.rm ? "removed" : "next-exit");
    if (isAttached) {
      if (flags["sig-proxy"] && !flags.tty) proxySignals(invocation as never, id);
      else holdSignals(invocation as never);
    }

    // The stream is opened before the start, so that nothing is missed.
    const pumped = new Deferred<"ended" | "detached">();
    if (stream) {
      const open = stream;
      process.thread(
        (function* (): Task<void> {
          pumped.resolve(
            yield* hijack(process, open, {
              stdin: takesInput,
              tty: flags.tty,
              detachKeys: flags.tty ? keys : ("" as never),
            }),
          );
        })(),
      );
    } else pumped.resolve("ended");
    const started = yield* client.post(`/containers/${id}/start`);
    if (flags.detach) yield* process.print(`${id}\n`);
    if (!started.ok) {
      stream?.cancel();
      if (flags.rm) yield* client.delete(`/containers/${id}`, { force: true, v: true });
      return yield* usage(started.error.message, startExitCode(started.error.message));
    }
    if (flags.detach) return 0;
    const how = yield* suspend(pumped.wait);
    if (how === "detached") return 0;
    return yield* suspend(ended!.wait);
  },
});

/** What a failed start exits with, by what failed. */
export function startExitCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return 127;
  if (/permission denied|not a directory|is a directory/.test(message)) return 126;
  return 125;
}

/** Asks the engine for the exit code before the container starts, so that a quick one is not missed. */
export function waitInBackground(invocation: DockerInvocation, id: string, condition: string): Deferred<number> {
  const ended = new Deferred<number>();
  invocation.process.thread(
    (function* (): Task<void> {
      const answer = yield* invocation.client.post(`/containers/${id}/wait`, { query: { condition } });
      ended.resolve(answer.ok ? (answer.value.body as { StatusCode: number }).StatusCode : 125);
    })(),
  );
  return ended;
}

const FORCED = "\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n";

/** Signals that go nowhere: the third of INT and TERM ends the CLI. */
export function holdSignals({ process }: DockerInvocation): void {
  let count = 0;
  for (const signal of ["INT", "TERM"] as SignalName[])
    process.onSignal(signal, () => {
      if (++count < 3) return;
      process.thread(
        (function* (): Task<void> {
          yield* process.printError(FORCED);
          process.exit(1);
        })(),
      );
    });
}

/** Signals of this process go to the container's; the third of INT and TERM ends this one all the same. */
export function proxySignals(invocation: DockerInvocation, id: string): void {
  const { process, client } = invocation;
  let count = 0;
  for (const signal of ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"] as SignalName[]) {
    process.onSignal(signal, () => {
      if ((signal === "INT" || signal === "TERM") && ++count >= 3) {
        process.thread(
          (function* (): Task<void> {
            yield* process.printError(FORCED);
            process.exit(1);
          })(),
        );
        return;
      }
      process.thread(
        (function* (): Task<void> {
          yield* client.post(`/containers/${id}/kill`, { query: { signal: signal === "INT" ? "INT" : signal } });
        })(),
      );
    });
  }
}
