/** The docker CLI: root command, global flags, help. A client of the Engine API and of nothing else. */
import type { Task } from "../../base/task";
import { type CommandLine, runCommandLine } from "../../cli/command";
import { runComplete } from "../../cli/complete";
import { boolFlag, stringArrayFlag, stringFlag } from "../../cli/flags";
import { parseFlags } from "../../cli/parse-flags";
import { dockerStyle } from "../../cli/style-docker";
import type { Process, Program } from "../../os/process";
import type { DockerContext, EngineDoor } from "./client";
import { commands } from "./commands";
import { projectFlags } from "./commands/compose";
import { DEPRECATION } from "./commands/builder/classic";
import { CLIENT } from "./commands/system/version";
import { buildxStyle, composeStyle } from "./plugin-style";
import { docker } from "./run-command";

const CA = "/root/.docker";

const root = docker({
  use: "docker",
  short: "A self-sufficient runtime for containers",
  flags: {
    config: stringFlag("/root/.docker", "Location of client config files"),
    context: stringFlag(
      "",
      'Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with "docker context use")',
      { shorthand: "c" },
    ),
    debug: boolFlag(false, "Enable debug mode", { shorthand: "D" }),
    host: stringArrayFlag([], "Daemon socket to connect to", { shorthand: "H", typeName: "list", defaultText: "" }),
    "log-level": stringFlag("info", 'Set the logging level ("debug", "info", "warn", "error", "fatal")', {
      shorthand: "l",
    }),
    tls: boolFlag(false, "Use TLS; implied by --tlsverify"),
    tlscacert: stringFlag(`${CA}/ca.pem`, "Trust certs signed only by this CA"),
    tlscert: stringFlag(`${CA}/cert.pem`, "Path to TLS certificate file"),
    tlskey: stringFlag(`${CA}/key.pem`, "Path to TLS key file"),
    tlsverify: boolFlag(false, "Use TLS and verify the remote"),
    version: boolFlag(false, "Print version information and quit", { shorthand: "v" }),
  },
  commands,
});

export const dockerCommandLine: CommandLine<DockerContext> = { root, style: dockerStyle };
const composeCommandLine: CommandLine<DockerContext> = { root, style: composeStyle };
const buildxCommandLine: CommandLine<DockerContext> = { root, style: buildxStyle };

/** `docker` as a program. `door` finds the engine, or nothing while no daemon listens. */
export function dockerProgram(door: EngineDoor): Program {
  const context: DockerContext = { door, clientVersion: CLIENT.Version };
  return function* (process: Process): Task<number> {
    // A Go program catches Ctrl-C also where its parent ignores it: in the background of a script.
    if (process.disposition("INT") === "ignore") process.onSignal("INT", "default");
    if (process.argv[1] === "__complete") return yield* runComplete(dockerCommandLine, process, context);
    // Global flags stand before the command; behind it, the same letters are the command's own.
    const globals = parseFlags(root.flags, process.argv.slice(1), { interspersed: false });
    if (!globals.ok) return yield* runCommandLine(dockerCommandLine, process, context);
    const { values, args } = globals.partial;
    const [first, ...rest] = args;
    if (values["version"]) {
      yield* process.print(`Docker version ${CLIENT.Version}, build ${CLIENT.GitCommit}\n`);
      return 0;
    }
    if (first === undefined) return yield* runCommandLine(dockerCommandLine, process, context);
    const given: DockerContext = { ...context, globals: values };
    if (first === "help") {
      if (rest.length > 0 && !commands.some((command) => command.use.split(" ", 1)[0] === rest[0])) {
        yield* process.printError(`unknown help topic: ${rest.join(" ")}\n`);
        return 1;
      }
      process.argv = ["docker", ...rest, "--help"];
    } else process.argv = ["docker", ...args];
    const [, command, sub] = process.argv;
    if (command === "compose") {
      const options = parseFlags(projectFlags, process.argv.slice(2), { interspersed: false });
      if (!options.ok) return yield* runCommandLine(composeCommandLine, process, given);
      process.argv = ["docker", "compose", ...options.partial.args];
      return yield* runCommandLine(composeCommandLine, process, {
        ...given,
        globals: { ...values, compose: options.partial.values },
      });
    }
    const isBuild = command === "build" || (sub === "build" && (command === "image" || command === "builder"));
    if (isBuild || command === "builder" || command === "buildx") {
      if (usesBuildKit(process) || command === "buildx") {
        const tail = process.argv.slice(command === "build" || command === "builder" || command === "buildx" ? 2 : 3);
        process.argv = ["docker", "buildx", ...(command === "build" || command === "image" ? ["build"] : []), ...tail];
        return yield* runCommandLine(buildxCommandLine, process, given);
      }
      if (isBuild) yield* process.printError(DEPRECATION);
    }
    return yield* runCommandLine(dockerCommandLine, process, given);
  };
}

/** BuildKit is on unless DOCKER_BUILDKIT says otherwise. */
function usesBuildKit(process: Process): boolean {
  const value = process.env["DOCKER_BUILDKIT"];
  return !(value !== undefined && ["0", "f", "F", "false", "FALSE", "False"].includes(value));
}
