/** kubectl exec */
import { boolFlag, durationFlag, stringFlag } from "../../../cli/flags";
import { fileFlags } from "../common-flags";
import { completeNames } from "../completion";
import { resourcePath } from "../discovery";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { chooseContainer, podFor } from "../pod-selection";
import { runRemote } from "../remote-command";
import { findAll } from "../targets";

export const exec = defineKubectlCommand({
  use: "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
  short: "Execute a command in a container",
  group: "Troubleshooting and Debugging Commands",
  long: "Execute a command in a container.",
  example: "  # One command\n  kubectl exec web -- date\n  \n  # A shell\n  kubectl exec -it web -- sh",
  flags: {
    ...fileFlags,
    container: stringFlag(
      "",
      "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen",
      { shorthand: "c" },
    ),
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
    const { flags, args, argsLenAtDash, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length > 0 && argsLenAtDash === -1 && args.length > 1) {
      return yield* invocation.usageError({
        kind: "usage",
        message: "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
      });
    }
    if ((args.length === 0 || argsLenAtDash === 0) && flags.filename.length === 0)
      fail("pod, type/name or --filename must be specified");
    const command = argsLenAtDash >= 0 ? args.slice(argsLenAtDash) : [];
    if (command.length === 0) fail("you must specify at least one command for the container");
    const name = args[0]!;
    const targets = yield* findAll(
      factory,
      flags.filename.length > 0
        ? { args: [], filenames: flags.filename, latest: true }
        : { args: name.includes("/") ? [name] : ["pods", name] },
    );
    const { pod } = yield* podFor(factory, targets[0]!, flags["pod-running-timeout"]);
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") {
      fail(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`);
    }
    const container = yield* chooseContainer(factory, pod, flags.container, { quiet: flags.quiet });
    let tty = flags.tty;
    if (tty && !flags.stdin) tty = false;
    if (tty && !process.ttyOf(0)) {
      tty = false;
      yield* process.printError("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    const mapping = (yield* factory.discovery()).forArgument("pods");
    return yield* runRemote(factory, {
      path: resourcePath(mapping, pod.metadata.namespace, pod.metadata.name, "exec"),
      query: {
        command,
        container,
        stdin: flags.stdin ? "true" : undefined,
        stdout: "true",
        stderr: tty ? undefined : "true",
        tty: tty ? "true" : undefined,
      },
      stdin: flags.stdin,
      tty,
      quiet: flags.quiet,
    });
  },
});
