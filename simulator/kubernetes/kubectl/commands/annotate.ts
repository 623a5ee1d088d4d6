/** kubectl annotate */
import { boolFlag, stringFlag } from "../../../cli/flags";
import type { KubeObject } from "../../apimachinery/object";
import { allNamespacesFlag, fieldManagerFlag, fieldSelectorFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { parsePairs, splitPairs } from "../metadata-pairs";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets } from "../targets";

export const annotate = defineKubectlCommand({
  use: "annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
  short: "Update the annotations on a resource",
  group: "Settings Commands",
  long: "Update the annotations on one or more resources. Annotations hold anything that tools and people want to keep with an object; nothing selects by them.\n\n KEY- removes one.",
  flags: {
    ...fileFlags,
    ...printFlags,
    all: boolFlag(false, "Select all resources, in the namespace of the specified resource types."),
    "all-namespaces": allNamespacesFlag,
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-annotate"),
    "field-selector": fieldSelectorFlag,
    list: boolFlag(false, "If true, display the annotations for a given resource."),
    local: boolFlag(false, "If true, annotation will NOT contact api-server but run locally."),
    overwrite: boolFlag(
      false,
      "If true, allow annotations to be overwritten, otherwise reject annotation updates that overwrite existing annotations.",
    ),
    "resource-version": stringFlag(
      "",
      "If non-empty, the annotation update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource.",
    ),
    selector: selectorFlag,
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const { resources, pairs } = splitPairs(args, "annotation");
    if (resources.length === 0 && flags.filename.length === 0)
      fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (pairs.length === 0 && !flags.list) fail("at least one annotation update is required");
    const changes = parsePairs(pairs, "annotation");
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    const { targets, failures } = yield* findTargets(factory, {
      args: resources,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      fieldSelector: flags["field-selector"],
      all: flags.all,
      allNamespaces: flags["all-namespaces"],
      latest: !flags.local,
    });
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        const before = target.object;
        const annotations: Record<string, string> = { ...before.metadata.annotations };
        if (flags.list) {
          if (targets.length > 1)
            yield* process.print(
              `Listing annotations for ${target.mapping.kind}.${target.mapping.group}/${target.name}:\n`,
            );
          for (const key of Object.keys(annotations).sort())
            yield* process.print(`${targets.length > 1 ? " " : ""}${key}=${annotations[key]}\n`);
        }
        if (pairs.length === 0) continue;
        if (!flags.overwrite) {
          const taken = Object.keys(changes.set)
            .filter((key) => Object.hasOwn(annotations, key))
            .map((key) => `'${key}' already has a value (${annotations[key]})`);
          if (taken.length > 0)
            fail(`--overwrite is false but found the following declared annotation(s): ${taken.join("; ")}`);
        }
        for (const key of changes.remove) delete annotations[key];
        Object.assign(annotations, changes.set);
        let after: KubeObject = { ...before, metadata: { ...before.metadata, annotations } };
        if (!flags.local && dryRun !== "client") {
          const patch = { ...changes.set, ...Object.fromEntries(changes.remove.map((key) => [key, null])) };
          const body = {
            metadata: {
              annotations: patch,
              ...(flags["resource-version"] ? { resourceVersion: flags["resource-version"] } : {}),
            },
          };
          after = yield* sendPatch(
            factory,
            target,
            { contentType: PATCH_TYPES.merge, body },
            { fieldManager: flags["field-manager"], dryRun: dryRun === "server" ? "All" : undefined },
          );
        }
        yield* printResult(process, printer, target.mapping, after, `annotated${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});
