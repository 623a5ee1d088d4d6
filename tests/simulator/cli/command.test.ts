import { expect, test } from "vitest";
import { Loop } from "@/simulator/base/loop";
import { type CommandLine, defineCommand, runCommandLine } from "@/simulator/cli/command";
import { runComplete } from "@/simulator/cli/complete";
import { boolFlag, int32Flag, stringFlag } from "@/simulator/cli/flags";
import { dockerStyle, minArgs, noArgs } from "@/simulator/cli/style-docker";
import { kubectlStyle } from "@/simulator/cli/style-kubectl";
import type { CliStyle } from "@/simulator/cli/style";
import { Laptop } from "../../support/program";

interface Context {
  readonly greeting: string;
}

const echo = defineCommand({
  use: "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
  short: "Create and run a new container from an image",
  interspersed: false,
  flags: { name: stringFlag("", "A name"), detach: boolFlag(false, "In the background", { shorthand: "d" }) },
  args: minArgs(1),
  *run({ args, flags, process, commandPath }) {
    yield* process.print(`${commandPath} ${flags.name}|${flags.detach}|${args.join(",")}\n`);
    return 0;
  },
});

const scale = defineCommand<Context, { replicas: ReturnType<typeof int32Flag> }>({
  use: "scale --replicas=COUNT NAME",
  short: "Set a new size",
  flags: { replicas: int32Flag(0, "How many", { required: true }) },
  *run({ context, flags, process, allFlags }) {
    yield* process.print(`${context.greeting} ${flags.replicas} ${allFlags["namespace"]}\n`);
    return 3;
  },
  *completeArgs() {
    return { candidates: ["web", "worker"] };
  },
});

const group = defineCommand<Context>({
  use: "image",
  short: "Manage images",
  commands: [
    defineCommand<Context>({
      use: "ls [OPTIONS]",
      short: "List",
      args: noArgs,
      *run() {
        return 0;
      },
    }),
  ],
});

const line = (name: string, style: CliStyle): CommandLine<Context> => ({
  root: defineCommand<Context>({
    use: name,
    short: "A program",
    persistentFlags: { namespace: stringFlag("", "Where", { shorthand: "n" }) },
    commands: [echo as never, scale, group],
  }),
  style,
});

const run = (style: CliStyle, name: string, ...argv: string[]) => {
  const cli = line(name, style);
  const laptop = new Laptop(new Loop(0), {
    [name]: (process) =>
      process.argv[1] === "__complete"
        ? runComplete(cli, process, { greeting: "hi" })
        : runCommandLine(cli, process, { greeting: "hi" }),
  });
  return laptop.run([name, ...argv]);
};

const docker = (...argv: string[]) => run(dockerStyle, "docker", ...argv);
const kubectl = (...argv: string[]) => run(kubectlStyle, "kubectl", ...argv);

test("runs the command that argv names, with its flags and the ones above it", () => {
  expect(docker("run", "-d", "--name", "x", "busybox", "-it", "sh")).toEqual({
    stdout: "docker run x|true|busybox,-it,sh\n",
    stderr: "",
    exit: 0,
  });
  expect(kubectl("-n", "dev", "scale", "--replicas=2")).toEqual({ stdout: "hi 2 dev\n", stderr: "", exit: 3 });
});

test.each([
  [["foo"], "docker: unknown command: docker foo\n\nRun 'docker --help' for more information\n", 1],
  [
    ["image", "foo"],
    "docker: unknown command: docker image foo\n\nUsage:  docker image\n\nRun 'docker image --help' for more information\n",
    1,
  ],
  [
    ["run", "--bad", "x"],
    "unknown flag: --bad\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n",
    125,
  ],
  [
    ["--bad"],
    "unknown flag: --bad\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun 'docker --help' for more information\n",
    125,
  ],
  [
    ["run", "-d"],
    "docker: 'docker run' requires at least 1 argument\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'docker run --help' for more information\n",
    1,
  ],
  [
    ["image", "ls", "x"],
    "docker: 'docker image ls' accepts no arguments\n\nUsage:  docker image ls [OPTIONS]\n\nRun 'docker image ls --help' for more information\n",
    1,
  ],
])("docker %j", (argv, stderr, exit) => {
  expect(docker(...argv)).toEqual({ stdout: "", stderr, exit });
});

test.each([
  [["scal"], 'error: unknown command "scal" for "kubectl"\n\nDid you mean this?\n\tscale\n', 1],
  [["nonsense"], 'error: unknown command "nonsense" for "kubectl"\n', 1],
  [["scale", "--bogus"], "error: unknown flag: --bogus\nSee 'kubectl scale --help' for usage.\n", 1],
  [
    ["scale", "--replicas=abc"],
    `error: invalid argument "abc" for "--replicas" flag: strconv.ParseInt: parsing "abc": invalid syntax\nSee 'kubectl scale --help' for usage.\n`,
    1,
  ],
  [["scale"], 'error: required flag(s) "replicas" not set\n', 1],
  [["image", "foo"], "error: unknown command \"foo\"\nSee 'kubectl image -h' for help and examples\n", 1],
])("kubectl %j", (argv, stderr, exit) => {
  expect(kubectl(...argv)).toEqual({ stdout: "", stderr, exit });
});

test("help comes from the same definitions", () => {
  expect(kubectl("scale", "--help").stdout).toBe(
    `Set a new size\n\nOptions:\n    --replicas=0:\n\tHow many\n\nUsage:\n  kubectl scale --replicas=COUNT NAME [options]\n\nUse "kubectl options" for a list of global command-line options (applies to all commands).\n`,
  );
  expect(docker("run", "--help").stdout).toBe(
    "Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nCreate and run a new container from an image\n\nOptions:\n  -d, --detach        In the background\n      --name string   A name\n",
  );
});

test("completion offers commands, flags and values", () => {
  expect(kubectl("__complete", "s").stdout).toBe("scale\n:4\n");
  expect(kubectl("__complete", "scale", "--r").stdout).toBe("--replicas=\n:6\n");
  expect(kubectl("__complete", "scale", "w").stdout).toBe("web\nworker\n:4\n");
});
