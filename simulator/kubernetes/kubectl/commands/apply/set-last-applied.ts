/** kubectl apply set-last-applied */
import type { KubeObject } from "../../../apimachinery/object";
import { boolFlag } from "../../../../cli/flags";
import { fileFlags } from "../../common-flags";
import { LAST_APPLIED } from "../../create-object";
import { savedConfig } from "../../create-from-files";
import { CommandFailure, fail, ApiFailure } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../../output";
import { sendPatch } from "../../patching";
import { PATCH_TYPES } from "../../rest";
import { getObject, planTargets } from "../../targets";

export const setLastApplied = defineKubectlCommand({
  use: "set-last-applied -f FILENAME",
  short: "Set the last-applied-configuration annotation on a live object to match the contents of a file",
  flags: {
    ...fileFlags,
    ...printFlags,
    "create-annotation": boolFlag(
      false,
      "Will create 'last-applied-configuration' annotations if current objects doesn't have one",
    ),
    "dry-run": dryRunFlag,
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    const { plans, failures } = yield* planTargets(factory, {
      args: [],
      filenames: flags.filename,
      recursive: flags.recursive,
    });
    for (const failure of failures) throw failure;
    if (plans.length === 0) fail("no objects passed to set-last-applied");
    for (const plan of plans) {
      if (plan.kind !== "file") continue;
      const wanted = savedConfig(plan.object).metadata.annotations![LAST_APPLIED]!;
      let current: KubeObject;
      try {
        current = yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
      } catch (error) {
        if (error instanceof ApiFailure && error.isNotFound)
          throw new CommandFailure(`${plan.mapping.kind} ${plan.name} not found`);
        throw error;
      }
      const existing = current.metadata.annotations?.[LAST_APPLIED];
      if (existing === undefined && !flags["create-annotation"]) {
        fail(
          `no last-applied-configuration annotation found on resource: ${plan.name}, to create the annotation, run the command with --create-annotation`,
        );
      }
      if (existing !== wanted && dryRun !== "client") {
        yield* sendPatch(
          factory,
          plan,
          { contentType: PATCH_TYPES.merge, body: { metadata: { annotations: { [LAST_APPLIED]: wanted } } } },
          { dryRun: dryRun === "server" ? "All" : undefined },
        );
      }
      yield* printResult(process, printer, plan.mapping, plan.object, `configured${dryRunSuffix(dryRun)}`);
    }
    return 0;
  },
});
