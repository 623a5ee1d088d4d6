/** kubectl apply view-last-applied */
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { goJsonIndent } from "../../../../text/go-json";
import { printYaml } from "../../../../text/yaml";
import { fileFlags, selectorFlag } from "../../common-flags";
import { completeResources } from "../../completion";
import { LAST_APPLIED } from "../../create-object";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { findAll } from "../../targets";

export const viewLastApplied = defineKubectlCommand({
  use: "view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
  short: "View the latest last-applied-configuration annotations of a resource/object",
  flags: {
    ...fileFlags,
    all: boolFlag(false, "Select all resources in the namespace of the specified resource types"),
    output: stringFlag("yaml", "Output format. Must be one of (yaml, json)", { shorthand: "o" }),
    selector: selectorFlag,
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    if (!["yaml", "json"].includes(flags.output)) {
      return yield* invocation.usageError({
        kind: "usage",
        message: `Unexpected -o output mode: ${flags.output}. We only support output modes json or yaml.`,
      });
    }
    const targets = yield* findAll(factoryOf(invocation), {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      all: flags.all,
      latest: true,
    });
    for (const { object, name } of targets) {
      const text = object.metadata.annotations?.[LAST_APPLIED];
      if (text === undefined) fail(`no last-applied-configuration annotation found on resource: ${name}`);
      const value: unknown = JSON.parse(text!);
      yield* process.print(flags.output === "json" ? `${goJsonIndent(value)}\n` : printYaml(value));
    }
    return 0;
  },
});
