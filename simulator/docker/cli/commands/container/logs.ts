/** docker logs */
import { type Bytes, decodeUtf8 } from "../../../../base/bytes";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs } from "../../../../cli/style-docker";
import { completeContainers } from "../../complete";
import { docker, fail, failCall } from "../../run-command";
import { FrameReader, copyOut } from "../../stream";
import { readTimestamp } from "../../timestamp";

export const logs = docker({
  use: "logs [OPTIONS] CONTAINER",
  aliases: ["docker container logs, docker logs"],
  short: "Fetch the logs of a container",
  flags: {
    details: boolFlag(false, "Show extra details provided to logs"),
    follow: boolFlag(false, "Follow log output", { shorthand: "f" }),
    since: stringFlag(
      "",
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    tail: stringFlag("all", "Number of lines to show from the end of the logs", { shorthand: "n" }),
    timestamps: boolFlag(false, "Show timestamps", { shorthand: "t" }),
    until: stringFlag(
      "",
      'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
  },
  args: exactArgs(1),
  completeArgs: completeContainers({ all: true, first: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const found = yield* client.get(`/containers/${args[0]}/json`);
    if (!found.ok) return yield* failCall(invocation, found.error);
    const times: Record<string, string | undefined> = {};
    for (const name of ["since", "until"] as const) {
      if (!flags[name]) continue;
      const time = readTimestamp(flags[name], process.now());
      if (!time.ok) return yield* fail(invocation, `invalid value for "${name}": ${time.error}`);
      times[name] = time.value;
    }
    const answer = yield* client.get(`/containers/${args[0]}/logs`, {
      stdout: true,
      stderr: true,
      follow: flags.follow || undefined,
      timestamps: flags.timestamps || undefined,
      details: flags.details || undefined,
      tail: flags.tail,
      ...times,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    if (answer.value.stream) yield* copyOut(process, new FrameReader(answer.value.stream));
    else if (typeof answer.value.body === "string") yield* process.print(decodeUtf8(answer.value.body as Bytes));
    return 0;
  },
});
