/** kubectl attach */
import { boolFlag, durationFlag, stringFlag } from "../../../cli/flags";
import { completeNames } from "../completion";
import { resourcePath } from "../discovery";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { chooseContainer, findContainer, podFor } from "../pod-selection";
import { runRemote } from "../remote-command";
import { findAll } from "../targets";

export const attach = defineKubectlCommand({
  use: "attach (POD | TYPE/NAME) -c CONTAINER",
  short: "Attach to a running container",
  group: "Troubleshooting and Debugging Commands",
  long: "Attach to a process that is already running inside an existing container.",
  flags: {
    container: stringFlag(
      "",
      "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen",
      { shorthand: "c" },
    ),
    "detach-keys": stringFlag("", "Override the key sequence for detaching from a container."),
    "pod-running-timeout": durationFlag(
      60_000,
      "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
    ),
    quiet: boolFlag(false, "Only print output from the remote session", { shorthand: "q" }),
    stdin: boolFlag(false, "Pass stdin to the container", { shorthand: "i" }),
    tty: boolFlag(false, "Stdin is a TTY", { shorthand: "t" }),
  },
  completeArgs: completeNames("pods"),
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0) fail("at least 1 argument is required for attach");
    if (args.length > 2)
      fail("expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw " + args.length + `: [${args.join(" ")}]`);
    const targets = yield* findAll(factory, {
      args: args.length === 1 && !args[0]!.includes("/") ? ["pods", args[0]!] : args,
    });
    const { pod } = yield* podFor(factory, targets[0]!, flags["pod-running-timeout"]);
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") {
      fail(`cannot attach a container in a completed pod; current phase is ${pod.status.phase}`);
    }
    const container = yield* chooseContainer(factory, pod, flags.container, { quiet: flags.quiet });
    let tty = flags.tty && flags.stdin;
    if (tty && !findContainer(pod, container)?.tty) {
      tty = false;
      if (!flags.quiet)
        yield* process.printError(`error: Unable to use a TTY - container ${container} did not allocate one\n`);
    } else if (tty && !process.ttyOf(0)) {
      tty = false;
      yield* process.printError("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    if (!flags.quiet) {
      yield* process.printError(
        "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\n",
      );
      if (flags.stdin) yield* process.printError("If you don't see a command prompt, try pressing enter.\n");
    }
    const mapping = (yield* factory.discovery()).forArgument("pods");
    return yield* runRemote(factory, {
      path: resourcePath(mapping, pod.metadata.namespace, pod.metadata.name, "attach"),
      query: {
        container,
        stdin: flags.stdin ? "true" : undefined,
        stdout: "true",
        stderr: tty ? undefined : "true",
        tty: tty ? "true" : undefined,
      },
      stdin: flags.stdin,
      tty,
      quiet: true,
    });
  },
});
