/** kubectl certificate approve and deny */
import { rfc3339 } from "../../../base/clock";
import { boolFlag } from "../../../cli/flags";
import { fileFlags } from "../common-flags";
import { completeNames } from "../completion";
import type { Part } from "../describe/page";
import { resourcePath } from "../discovery";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlCommand } from "../kubectl-command";
import { outputRequest, printFlags, printerFor, printResult } from "../output";
import { findAll } from "../targets";

const deciding = (name: "approve" | "deny", type: "Approved" | "Denied", short: string): KubectlCommand =>
  defineKubectlCommand({
    use: `${name} (-f FILENAME | NAME)`,
    short,
    flags: { ...fileFlags, ...printFlags, force: boolFlag(false, "Update the CSR even if it is already decided.") },
    completeArgs: completeNames("certificatesigningrequests"),
    *run(invocation) {
      const { flags, args, process } = invocation;
      const factory = factoryOf(invocation);
      if (args.length < 1 && flags.filename.length === 0)
        fail("one or more CSRs must be specified as <name> or -f <filename>");
      const printer = printerFor(process, outputRequest(flags));
      const targets = yield* findAll(
        factory,
        flags.filename.length > 0
          ? { args: [], filenames: flags.filename, latest: true }
          : { args: ["certificatesigningrequests.certificates.k8s.io", ...args] },
      );
      for (const target of targets) {
        const conditions: readonly Part[] = target.object["status"]?.conditions ?? [];
        const known = conditions.some((each) => each.type === type);
        let result = target.object;
        if (!known || flags.force) {
          const now = rfc3339(process.now());
          const other = type === "Approved" ? "Denied" : "Approved";
          if (conditions.some((each) => each.type === other))
            fail(`certificate signing request ${JSON.stringify(target.name)} is already ${other}`);
          const condition = {
            type,
            status: "True",
            reason: `Kubectl${type === "Approved" ? "Approve" : "Deny"}`,
            message: `This CSR was ${type.toLowerCase()} by kubectl certificate ${name}.`,
            lastUpdateTime: now,
          };
          const body = {
            ...target.object,
            status: {
              ...target.object["status"],
              conditions: [...conditions.filter((each) => each.type !== type), condition],
            },
          };
          result = yield* factory.client.json("PUT", resourcePath(target.mapping, undefined, target.name, "approval"), {
            body,
          });
        }
        yield* printResult(process, printer, target.mapping, result, type.toLowerCase());
      }
      return 0;
    },
  });

export const certificate = defineKubectlCommand({
  use: "certificate SUBCOMMAND",
  short: "Modify certificate resources",
  group: "Cluster Management Commands",
  long: "Modify certificate resources.",
  commands: [
    deciding("approve", "Approved", "Approve a certificate signing request"),
    deciding("deny", "Denied", "Deny a certificate signing request"),
  ],
});
