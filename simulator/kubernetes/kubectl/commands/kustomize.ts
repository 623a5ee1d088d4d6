/** kubectl kustomize */
import { boolFlag, stringFlag } from "../../../cli/flags";
import { printYaml } from "../../../text/yaml";
import { fail } from "../failure";
import { kustomizeDocuments } from "../kustomize";
import { defineKubectlCommand } from "../kubectl-command";

export const kustomize = defineKubectlCommand({
  use: "kustomize DIR",
  short: "Build a kustomization target from a directory or URL",
  group: "Advanced Commands",
  long: "Build a set of KRM resources using a 'kustomization.yaml' file. The DIR argument must be a path to a directory containing 'kustomization.yaml'.",
  flags: {
    "enable-helm": boolFlag(false, "Enable use of the Helm chart inflator generator."),
    "load-restrictor": stringFlag(
      "LoadRestrictionsRootOnly",
      "if set to 'LoadRestrictionsNone', local kustomizations may load files from outside their root.",
    ),
    output: stringFlag("", "If specified, write output to this path.", { shorthand: "o" }),
  },
  *run({ args, process }) {
    if (args.length > 1) fail("specify one path to kustomization.yaml");
    const warnings: string[] = [];
    const objects = kustomizeDocuments(process, args[0] ?? ".", warnings);
    for (const warning of warnings) yield* process.printError(`${warning}\n`);
    yield* process.print(objects.map(printYaml).join("---\n"));
    return 0;
  },
});
