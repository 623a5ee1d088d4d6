/** docker attach */
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs } from "../../../../cli/style-docker";
import { completeContainers } from "../../complete";
import { docker, fail, failCall } from "../../run-command";
import { DEFAULT_DETACH_KEYS, hijack, parseDetachKeys } from "../../stream";
import { suspend } from "../../../../base/task";
import { holdSignals, proxySignals, waitInBackground } from "./run";

export const attach = docker({
  use: "attach [OPTIONS] CONTAINER",
  aliases: ["docker container attach, docker attach"],
  short: "Attach local standard input, output, and error streams to a running container",
  flags: {
    "detach-keys": stringFlag("", "Override the key sequence for detaching a container"),
    "no-stdin": boolFlag(false, "Do not attach STDIN"),
    "sig-proxy": boolFlag(true, "Proxy all received signals to the process"),
  },
  args: exactArgs(1),
  completeArgs: completeContainers({ all: false, first: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const found = yield* client.fetch<{
      Id: string;
      State: { Running: boolean; Paused: boolean; Restarting: boolean };
      Config: { Tty: boolean; OpenStdin: boolean };
    }>(`/containers/${args[0]}/json`);
    if (!found.ok) return yield* failCall(invocation, found.error);
    const { Id: id, State: state, Config: config } = found.value;
    if (!state.Running) return yield* fail(invocation, "You cannot attach to a stopped container, start it first");
    if (state.Paused) return yield* fail(invocation, "You cannot attach to a paused container, unpause it first");
    if (state.Restarting)
      return yield* fail(invocation, "You cannot attach to a restarting container, wait until it is running");
    const keys = parseDetachKeys(flags["detach-keys"] || DEFAULT_DETACH_KEYS);
    if (keys === undefined) return yield* fail(invocation, `invalid detach keys (${flags["detach-keys"]})`);
    const stdin = !flags["no-stdin"] && config.OpenStdin;
    if (stdin && config.Tty && !process.ttyOf(0)) return yield* fail(invocation, "the input device is not a TTY");
    const ended = waitInBackground(invocation as never, id, "");
    const answer = yield* client.post(`/containers/${id}/attach`, {
      query: { stream: true, stdin, stdout: true, stderr: true },
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    if (flags["sig-proxy"] && !config.Tty) proxySignals(invocation as never, id);
    else holdSignals(invocation as never);
    const how = yield* hijack(process, answer.value.stream!, {
      stdin,
      tty: config.Tty,
      detachKeys: config.Tty ? keys : ("" as never),
      wakesPrompt: true,
    });
    if (how === "detached") return yield* fail(invocation, "read escape sequence");
    return yield* suspend(ended.wait);
  },
});
