/** Verbs that do one request per container: stop, kill, restart, pause, unpause, rm, wait. */
import { failure, ok } from "../../../../base/result";
import { boolFlag, intFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import { completeContainers } from "../../complete";
import { docker, forEachTarget } from "../../run-command";
import type { Task } from "../../../../base/task";
import type { Result } from "../../../../base/result";

const stopFlags = {
  signal: stringFlag("", "Signal to send to the container", { shorthand: "s" }),
  timeout: intFlag(0, "Seconds to wait before killing the container", { shorthand: "t" }),
  time: intFlag(0, "Seconds to wait before killing the container (deprecated: use --timeout)", {
    hidden: true,
    deprecated: "use --timeout instead",
  }),
};

const stopOrRestart = (verb: "stop" | "restart", short: string, all: boolean) =>
  docker({
    use: `${verb} [OPTIONS] CONTAINER [CONTAINER...]`,
    aliases: [`docker container ${verb}, docker ${verb}`],
    short,
    flags: stopFlags,
    args: minArgs(1),
    completeArgs: completeContainers({ all, states: all ? undefined : ["running", "paused"] }),
    *run(invocation) {
      const { client, flags, args, changed } = invocation;
      const seconds = changed("timeout") ? flags.timeout : changed("time") ? flags.time : undefined;
      return yield* forEachTarget(invocation as never, args, function* (name): Task<Result<string, string>> {
        const answer = yield* client.post(`/containers/${name}/${verb}`, {
          query: { t: seconds, signal: flags.signal || undefined },
        });
        return answer.ok ? ok(name) : failure(answer.error.message);
      });
    },
  });

export const stop = stopOrRestart("stop", "Stop one or more running containers", false);
export const restart = stopOrRestart("restart", "Restart one or more containers", true);

export const kill = docker({
  use: "kill [OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["docker container kill, docker kill"],
  short: "Kill one or more running containers",
  flags: { signal: stringFlag("", "Signal to send to the container", { shorthand: "s" }) },
  args: minArgs(1),
  completeArgs: completeContainers({ all: false }),
  *run(invocation) {
    const { client, flags, args } = invocation;
    return yield* forEachTarget(invocation as never, args, function* (name): Task<Result<string, string>> {
      const answer = yield* client.post(`/containers/${name}/kill`, { query: { signal: flags.signal || undefined } });
      return answer.ok ? ok(name) : failure(answer.error.message);
    });
  },
});

const pauseOrUnpause = (verb: "pause" | "unpause", short: string, states: readonly string[]) =>
  docker({
    use: `${verb} CONTAINER [CONTAINER...]`,
    aliases: [`docker container ${verb}, docker ${verb}`],
    short,
    args: minArgs(1),
    completeArgs: completeContainers({ all: false, states }),
    *run(invocation) {
      const { client, args } = invocation;
      return yield* forEachTarget(invocation, args, function* (name): Task<Result<string, string>> {
        const answer = yield* client.post(`/containers/${name}/${verb}`);
        return answer.ok ? ok(name) : failure(answer.error.message);
      });
    },
  });

export const pause = pauseOrUnpause("pause", "Pause all processes within one or more containers", ["running"]);
export const unpause = pauseOrUnpause("unpause", "Unpause all processes within one or more containers", ["paused"]);

export const wait = docker({
  use: "wait CONTAINER [CONTAINER...]",
  aliases: ["docker container wait, docker wait"],
  short: "Block until one or more containers stop, then print their exit codes",
  args: minArgs(1),
  completeArgs: completeContainers({ all: false }),
  *run(invocation) {
    const { client, args } = invocation;
    return yield* forEachTarget(invocation, args, function* (name): Task<Result<string, string>> {
      const answer = yield* client.post(`/containers/${name}/wait`);
      return answer.ok
        ? ok(String((answer.value.body as { StatusCode: number }).StatusCode))
        : failure(answer.error.message);
    });
  },
});

export const rm = docker({
  use: "rm [OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["docker container rm, docker container remove, docker rm", "remove"],
  short: "Remove one or more containers",
  flags: {
    force: boolFlag(false, "Force the removal of a running container (uses SIGKILL)", { shorthand: "f" }),
    link: boolFlag(false, "Remove the specified link", { shorthand: "l" }),
    volumes: boolFlag(false, "Remove anonymous volumes associated with the container", { shorthand: "v" }),
  },
  args: minArgs(1),
  completeArgs: completeContainers({ all: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    let missing = "";
    const code = yield* forEachTarget(invocation as never, args, function* (given): Task<
      Result<string | undefined, string>
    > {
      const name = given.replace(/^\/+|\/+$/g, "");
      if (name === "") return failure("Container name cannot be empty");
      const answer = yield* client.delete(`/containers/${name}`, {
        v: flags.volumes || undefined,
        force: flags.force || undefined,
        link: flags.link || undefined,
      });
      if (answer.ok) return ok(given);
      // With --force a container that is not there is said, but is no failure.
      if (flags.force && answer.error.status === 404) {
        missing += `${answer.error.message}\n`;
        return ok(undefined);
      }
      return failure(answer.error.message);
    });
    yield* process.printError(missing);
    return code;
  },
});
