/** kubectl rollout history */
import { intFlag } from "../../../../cli/flags";
import { KUBECTL_DESCRIBE, tabulate } from "../../../../text/tabwriter";
import { fileFlags, selectorFlag } from "../../common-flags";
import { completeResources } from "../../completion";
import { qualifiedName } from "../../discovery";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { outputRequest, printFlags, printerFor } from "../../output";
import { revisionsOf, templateText } from "../../revisions";
import { findAll } from "../../targets";

export const rolloutHistory = defineKubectlCommand({
  use: "history (TYPE NAME | TYPE/NAME) [flags]",
  short: "View rollout history",
  long: "View previous rollout revisions and configurations.",
  flags: {
    ...fileFlags,
    ...printFlags,
    revision: intFlag(0, "See the details, including podTemplate of the revision specified"),
    selector: selectorFlag,
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0) fail("required resource not specified");
    if (flags.revision < 0) fail(`revision must be a positive integer: ${flags.revision}`);
    const printer = printerFor(process, outputRequest(flags));
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      typeAloneIsAll: true,
      latest: true,
    });
    for (const target of targets) {
      const revisions = yield* revisionsOf(factory, target);
      if (printer) {
        for (const revision of revisions) {
          if (flags.revision === 0 || flags.revision === revision.number)
            yield* process.print(printer.print(revision.object));
        }
        continue;
      }
      const name = qualifiedName(target.mapping, target.name);
      if (flags.revision > 0) {
        const revision = revisions.find((each) => each.number === flags.revision);
        if (!revision) return fail("unable to find the specified revision");
        yield* process.print(`${name} with revision #${flags.revision}\n${templateText(revision.template)}\n`);
        continue;
      }
      if (revisions.length === 0) {
        yield* process.print(`${name} No rollout history found.\n`);
        continue;
      }
      const rows = revisions.map((each) => `${each.number}\t${each.changeCause || "<none>"}\n`);
      yield* process.print(`${name} \n${tabulate(`REVISION\tCHANGE-CAUSE\n${rows.join("")}`, KUBECTL_DESCRIBE)}\n`);
    }
    return 0;
  },
});
