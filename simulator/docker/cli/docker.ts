/** The docker CLI: root command, global flags, help. A client of the Engine API and of nothing else. */
import type { Task } from "../../base/task";
import { type CommandLine, runCommandLine } from "../../cli/command";
import { runComplete } from "../../cli/complete";
import { boolFlag, stringArrayFlag, stringFlag } from "../../cli/flags";
import { dockerStyle } from "../../cli/style-docker";
import type { Process, Program } from "../../os/process";
import type { DockerContext, EngineDoor } from "./client";
import { commands } from "./commands";
import { CLIENT } from "./commands/system/version";
import { docker } from "./run-command";

const root = docker({
  use: "docker",
  short: "A self-sufficient runtime for containers",
  flags: {
    version: boolFlag(false, "Print version information and quit", { shorthand: "v" }),
  },
  persistentFlags: {
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
  },
  commands,
});

export const dockerCommandLine: CommandLine<DockerContext> = { root, style: dockerStyle };

/** `docker` as a program. `door` finds the engine, or nothing while no daemon listens. */
export function dockerProgram(door: EngineDoor): Program {
  const context: DockerContext = { door, clientVersion: CLIENT.Version };
  return function* (process: Process): Task<number> {
    const [first, ...rest] = process.argv.slice(1);
    if (first === "__complete") return yield* runComplete(dockerCommandLine, process, context);
    if (process.argv.length === 2 && (first === "--version" || first === "-v")) {
      yield* process.print(`Docker version ${CLIENT.Version}, build ${CLIENT.GitCommit}\n`);
      return 0;
    }
    if (first === "help") {
      if (rest.length > 0 && !commands.some((command) => command.use.split(" ", 1)[0] === rest[0])) {
        yield* process.printError(`unknown help topic: ${rest.join(" ")}\n`);
        return 1;
      }
      process.argv = ["docker", ...rest, "--help"];
    }
    return yield* runCommandLine(dockerCommandLine, process, context);
  };
}
