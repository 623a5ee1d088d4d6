/** kubectl version */
import { boolFlag, stringFlag } from "../../../cli/flags";
import { goJson } from "../../../text/go-json";
import { printYaml } from "../../../text/yaml";
import { CLIENT_VERSION, KUSTOMIZE_VERSION } from "../client-version";
import { ConnectionFailure, fail, reportFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";

interface ServerVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

export const version = defineKubectlCommand({
  use: "version",
  short: "Print the client and server version information",
  long: "Print the client and server version information for the current context.",
  flags: {
    client: boolFlag(false, "If true, shows client version only (no server required)."),
    output: stringFlag("", "One of 'yaml' or 'json'.", { shorthand: "o" }),
  },
  *run(invocation) {
    const { flags, args, process } = invocation;
    if (args.length > 0) fail(`extra arguments: [${args.join(" ")}]`);
    if (!["", "yaml", "json"].includes(flags.output)) fail("--output must be 'yaml' or 'json'");
    let server: ServerVersion | undefined;
    let problem: ConnectionFailure | undefined;
    if (!flags.client) {
      try {
        server = yield* factoryOf(invocation).client.get<ServerVersion>("/version");
      } catch (error) {
        if (!(error instanceof ConnectionFailure)) throw error;
        problem = error;
      }
    }
    const all = {
      clientVersion: CLIENT_VERSION,
      kustomizeVersion: KUSTOMIZE_VERSION,
      ...(server ? { serverVersion: server } : {}),
    };
    if (flags.output === "json") yield* process.print(`${goJson(all, { indent: "  ", sortKeys: false })}\n`);
    else if (flags.output === "yaml") yield* process.print(`${printYaml(all)}\n`);
    else {
      yield* process.print(`Client Version: ${CLIENT_VERSION.gitVersion}\nKustomize Version: ${KUSTOMIZE_VERSION}\n`);
      if (server) {
        yield* process.print(`Server Version: ${server.gitVersion}\n`);
        const skew = Math.abs(Number(server.minor) - Number(CLIENT_VERSION.minor));
        if (skew > 1) {
          yield* process.printError(
            `WARNING: version difference between client (1.${CLIENT_VERSION.minor}) and server (1.${server.minor}) exceeds the supported minor version skew of +/-1\n`,
          );
        }
      }
    }
    if (problem) {
      const { text, exitCode } = reportFailure(problem, "kubectl version");
      yield* process.printError(text);
      return exitCode;
    }
    return 0;
  },
});
