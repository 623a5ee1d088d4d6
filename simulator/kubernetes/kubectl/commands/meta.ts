/** kubectl options, completion, plugin: commands about kubectl itself. */
import { boolFlag } from "../../../cli/flags";
import { kubectlFlags } from "../../../cli/style-kubectl";
import { fail } from "../failure";
import { defineKubectlCommand } from "../kubectl-command";
import { findPlugins } from "../plugins";

export const options = defineKubectlCommand({
  use: "options",
  short: "Print the list of flags inherited by all commands",
  hidden: true,
  *run({ path, process }) {
    yield* process.print(
      `The following options can be passed to any command:\n\n${kubectlFlags(path[0]!.persistentFlags)}\n`,
    );
    return 0;
  },
});

const SHELLS = ["bash", "zsh", "fish", "powershell"];

export const completion = defineKubectlCommand({
  use: "completion SHELL",
  short: "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
  group: "Settings Commands",
  long: "Output shell completion code for the specified shell. This terminal's Tab asks kubectl itself (kubectl __complete), so that sourcing the code changes nothing here.",
  flags: { "no-descriptions": boolFlag(false, "Leave out descriptions of candidates.", { hidden: true }) },
  *run(invocation) {
    const { args, process } = invocation;
    if (args.length === 0) return yield* invocation.usageError({ kind: "usage", message: "Shell not specified." });
    if (args.length > 1)
      return yield* invocation.usageError({
        kind: "usage",
        message: "Too many arguments. Expected only the shell type.",
      });
    if (!SHELLS.includes(args[0]!))
      return yield* invocation.usageError({
        kind: "usage",
        message: `Unsupported shell type ${JSON.stringify(args[0])}.`,
      });
    yield* process.print(
      `# ${args[0]} completion for kubectl\n# This shell completes by asking: kubectl __complete WORD...\n`,
    );
    return 0;
  },
});

const pluginList = defineKubectlCommand({
  use: "list",
  short: "List all visible plugin executables on a user's PATH",
  flags: {
    "name-only": boolFlag(false, "If true, display only the binary name of each plugin, rather than its full path"),
  },
  *run({ flags, process }) {
    const found = findPlugins(process);
    if (found.length === 0) fail("unable to find any kubectl plugins in your PATH");
    yield* process.print("The following compatible plugins are available:\n\n");
    for (const path of found) yield* process.print(`${flags["name-only"] ? path.replace(/^.*\//, "") : path}\n`);
    return 0;
  },
});

export const plugin = defineKubectlCommand({
  use: "plugin [flags]",
  short: "Provides utilities for interacting with plugins",
  long: "Provides utilities for interacting with plugins: any executable named kubectl-… on the PATH is a command of kubectl.",
  commands: [pluginList],
});
