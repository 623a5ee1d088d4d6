/** How plugins differ from the docker CLI in what they say about mistakes: buildx and compose. */
import type { CliStyle } from "../../cli/style";
import { dockerStyle } from "../../cli/style-docker";

const HIDDEN = "\nExperimental commands and flags are hidden. Set BUILDX_EXPERIMENTAL=1 to show them.\n";

export const buildxStyle: CliStyle = {
  ...dockerStyle,
  help: (path) => dockerStyle.help(path) + (path.length === 2 ? HIDDEN : ""),
  report(path, problem) {
    const report = dockerStyle.report(path, problem);
    return problem.kind === "flag" ? report : { ...report, text: `ERROR: ${report.text}` };
  },
  *bareGroup(path, process) {
    yield* process.print(buildxStyle.help(path));
    return 0;
  },
  *unknownSubcommand(path, word, process) {
    yield* process.print(buildxStyle.help(path));
    yield* process.printError(`ERROR: unknown command: ${JSON.stringify(word)}\n`);
    return 1;
  },
};

export const composeStyle: CliStyle = {
  ...dockerStyle,
  *bareGroup(path, process) {
    yield* process.print(dockerStyle.help(path));
    return 0;
  },
  *unknownSubcommand(path, word, process) {
    yield* process.printError(`unknown docker command: ${JSON.stringify(`compose ${word}`)}\n\n`);
    yield* process.printError(dockerStyle.help(path));
    return 1;
  },
};
