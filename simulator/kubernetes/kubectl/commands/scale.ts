/** kubectl scale: sets `spec.replicas` through the scale subresource; the controllers do the rest. */
import { boolFlag, durationFlag, intFlag, stringFlag } from "../../../cli/flags";
import type { KubeObject } from "../../apimachinery/object";
import { fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { resourcePath } from "../discovery";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets, getObject } from "../targets";
import { NOTHING_NAMED } from "../messages";

export const scale = defineKubectlCommand({
  use: "scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
  short: "Set a new size for a deployment, replica set, or replication controller",
  group: "Deploy Commands",
  long: "Set a new size for a deployment, replica set, replication controller, or stateful set.",
  example: "  # Three replicas\n  kubectl scale --replicas=3 deployment/web",
  flags: {
    ...fileFlags,
    ...printFlags,
    all: boolFlag(false, "Select all resources in the namespace of the specified resource types"),
    "current-replicas": intFlag(
      -1,
      "Precondition for current size. Requires that the current size of the resource match this value in order to scale. -1 (default) for no condition.",
    ),
    "dry-run": dryRunFlag,
    replicas: intFlag(0, "The new desired number of replicas. Required.", { required: true }),
    "resource-version": stringFlag(
      "",
      "Precondition for resource version. Requires that the current resource version match this value in order to scale.",
    ),
    selector: selectorFlag,
    timeout: durationFlag(
      0,
      "The length of time to wait before giving up on a scale operation, zero means don't wait. Any other values should contain a corresponding time unit (e.g. 1s, 2m, 3h).",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (flags.replicas < 0) fail("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    if (flags["current-replicas"] < -1) fail("The --current-replicas must specify an integer of -1 or greater");
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const { targets, failures } = yield* findTargets(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      all: flags.all,
      latest: true,
    });
    if (flags["resource-version"] !== "" && targets.length > 1)
      fail("cannot use --resource-version with multiple resources");
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        if (dryRun !== "client") {
          const body: Record<string, unknown> = { spec: { replicas: flags.replicas } };
          if (flags["current-replicas"] !== -1 || flags["resource-version"] !== "") {
            const path = resourcePath(target.mapping, target.namespace, target.name, "scale");
            const current = yield* factory.client.get<KubeObject>(path);
            const now = current["spec"]?.replicas ?? 0;
            if (flags["current-replicas"] !== -1 && now !== flags["current-replicas"])
              fail(`Expected replicas to be ${flags["current-replicas"]}, was ${now}`);
            if (flags["resource-version"] !== "" && current.metadata.resourceVersion !== flags["resource-version"]) {
              fail(
                `Expected resource version to be ${flags["resource-version"]}, was ${current.metadata.resourceVersion}`,
              );
            }
            body["metadata"] = { resourceVersion: current.metadata.resourceVersion };
          }
          yield* sendPatch(
            factory,
            target,
            { contentType: PATCH_TYPES.merge, body },
            { dryRun: dryRun === "server" ? "All" : undefined },
            "scale",
          );
        }
        let object = target.object;
        if (flags.timeout > 0 && dryRun === "none") {
          const deadline = process.now() + flags.timeout;
          for (;;) {
            object = yield* getObject(factory, target.mapping, target.namespace, target.name);
            if (
              object["status"]?.replicas === flags.replicas ||
              (flags.replicas === 0 && object["status"]?.replicas === undefined)
            )
              break;
            if (process.now() >= deadline) fail("timed out waiting for the condition");
            yield* process.sleep(1000);
          }
        }
        yield* printResult(process, printer, target.mapping, object, `scaled${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});
