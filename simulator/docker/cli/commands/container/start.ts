/** docker start */
import { Deferred, type Task, suspend } from "../../../../base/task";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import { docker, fail } from "../../run-command";
import { DEFAULT_DETACH_KEYS, hijack, parseDetachKeys } from "../../stream";
import { completeContainers } from "../../complete";
import { proxySignals, waitInBackground } from "./run";

export const start = docker({
  use: "start [OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["docker container start, docker start"],
  short: "Start one or more stopped containers",
  flags: {
    attach: boolFlag(false, "Attach STDOUT/STDERR and forward signals", { shorthand: "a" }),
    "detach-keys": stringFlag("", "Override the key sequence for detaching a container"),
    interactive: boolFlag(false, "Attach container's STDIN", { shorthand: "i" }),
  },
  args: minArgs(1),
  completeArgs: completeContainers({ all: true }),
  *run(invocation) {
    const { client, process, args, flags } = invocation;
    if (flags.attach || flags.interactive) {
      if (args.length > 1) return yield* fail(invocation, "you cannot start and attach multiple containers at once");
      const found = yield* client.fetch<{ Id: string; Config: { Tty: boolean; OpenStdin: boolean } }>(
        `/containers/${args[0]}/json`,
      );
      if (!found.ok) return yield* fail(invocation, found.error.message);
      const { Id: id, Config: config } = found.value;
      const keys = parseDetachKeys(flags["detach-keys"] || DEFAULT_DETACH_KEYS);
      if (keys === undefined) return yield* fail(invocation, `invalid detach keys (${flags["detach-keys"]})`);
      const stdin = flags.interactive && config.OpenStdin;
      const attached = yield* client.post(`/containers/${id}/attach`, {
        query: { stream: true, stdin, stdout: true, stderr: true },
      });
      if (!attached.ok) return yield* fail(invocation, attached.error.message);
      const ended = waitInBackground(invocation as never, id, "next-exit");
      if (!config.Tty) proxySignals(invocation as never, id);
      const pumped = new Deferred<string>();
      process.thread(
        (function* (): Task<void> {
          pumped.resolve(yield* hijack(process, attached.value.stream!, { stdin, tty: config.Tty, detachKeys: keys }));
        })(),
      );
      const started = yield* client.post(`/containers/${id}/start`);
      if (!started.ok) return yield* fail(invocation, started.error.message);
      if ((yield* suspend(pumped.wait)) === "detached") return 0;
      return yield* suspend(ended.wait);
    }
    const failed: string[] = [];
    for (const name of args) {
      const answer = yield* client.post(`/containers/${name}/start`);
      if (answer.ok) yield* process.print(`${name}\n`);
      else {
        yield* process.printError(`${answer.error.message}\n`);
        failed.push(name);
      }
    }
    if (failed.length === 0) return 0;
    return yield* fail(invocation, `Error: failed to start containers: ${failed.join(", ")}`);
  },
});
