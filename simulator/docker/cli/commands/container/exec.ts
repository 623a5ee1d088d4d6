/** docker exec */
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import { completeContainers } from "../../complete";
import { environmentOf } from "../../container-options";
import { docker, fail, failCall } from "../../run-command";
import { DEFAULT_DETACH_KEYS, hijack, parseDetachKeys } from "../../stream";

export const exec = docker({
  use: "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
  aliases: ["docker container exec, docker exec"],
  short: "Execute a command in a running container",
  flags: {
    detach: boolFlag(false, "Detached mode: run command in the background", { shorthand: "d" }),
    "detach-keys": stringFlag("", "Override the key sequence for detaching a container"),
    env: stringArrayFlag([], "Set environment variables", { shorthand: "e", typeName: "list", defaultText: "" }),
    "env-file": stringArrayFlag([], "Read in a file of environment variables", { typeName: "list", defaultText: "" }),
    interactive: boolFlag(false, "Keep STDIN open even if not attached", { shorthand: "i" }),
    privileged: boolFlag(false, "Give extended privileges to the command"),
    tty: boolFlag(false, "Allocate a pseudo-TTY", { shorthand: "t" }),
    user: stringFlag("", 'Username or UID (format: "<name|uid>[:<group|gid>]")', { shorthand: "u" }),
    workdir: stringFlag("", "Working directory inside the container", { shorthand: "w" }),
  },
  interspersed: false,
  args: minArgs(2),
  completeArgs: completeContainers({ all: false, first: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const [container, ...command] = args;
    const environment = environmentOf(process, flags.env, flags["env-file"]);
    if (!environment.ok) return yield* fail(invocation, environment.error);
    const keys = parseDetachKeys(flags["detach-keys"] || DEFAULT_DETACH_KEYS);
    if (keys === undefined) return yield* fail(invocation, `invalid detach keys (${flags["detach-keys"]})`);
    const found = yield* client.get(`/containers/${container}/json`);
    if (!found.ok) return yield* failCall(invocation, found.error);
    if (!flags.detach && flags.interactive && flags.tty && !process.ttyOf(0))
      return yield* fail(invocation, "the input device is not a TTY");
    const created = yield* client.post(`/containers/${container}/exec`, {
      body: {
        User: flags.user,
        Privileged: flags.privileged,
        Tty: flags.tty,
        AttachStdin: !flags.detach && flags.interactive,
        AttachStdout: !flags.detach,
        AttachStderr: !flags.detach,
        DetachKeys: flags["detach-keys"],
        Env: environment.value,
        WorkingDir: flags.workdir,
        Cmd: command,
      },
    });
    if (!created.ok) return yield* failCall(invocation, created.error);
    const { Id: id } = created.value.body as { Id: string };
    const tty = process.ttyOf(1);
    const started = yield* client.post(`/exec/${id}/start`, {
      body: {
        Detach: flags.detach,
        Tty: flags.tty,
        ...(tty && flags.tty ? { ConsoleSize: [tty.rows, tty.columns] } : {}),
      },
    });
    if (!started.ok) return yield* failCall(invocation, started.error);
    if (flags.detach || !started.value.stream) return 0;
    const how = yield* hijack(process, started.value.stream, {
      stdin: flags.interactive,
      tty: flags.tty,
      detachKeys: flags.tty ? keys : ("" as never),
    });
    if (how === "detached") return 0;
    const ended = yield* client.fetch<{ ExitCode: number | null }>(`/exec/${id}/json`);
    return ended.ok ? (ended.value.ExitCode ?? 0) : 1;
  },
});
