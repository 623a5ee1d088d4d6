/** kubectl label */
import { boolFlag, stringFlag } from "../../../cli/flags";
import { goJson } from "../../../text/go-json";
import type { KubeObject } from "../../apimachinery/object";
import { labelValue } from "../../apimachinery/validation";
import { allNamespacesFlag, fieldManagerFlag, fieldSelectorFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { type Changes, parsePairs, splitPairs } from "../metadata-pairs";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets } from "../targets";

export const label = defineKubectlCommand({
  use: "label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
  short: "Update the labels on a resource",
  group: "Settings Commands",
  long: "Update the labels on a resource.\n\n  *  A label that exists is changed only with --overwrite.\n  *  KEY- removes a label.",
  flags: {
    ...fileFlags,
    ...printFlags,
    all: boolFlag(false, "Select all resources, in the namespace of the specified resource types"),
    "all-namespaces": allNamespacesFlag,
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-label"),
    "field-selector": fieldSelectorFlag,
    list: boolFlag(false, "If true, display the labels for a given resource."),
    local: boolFlag(false, "If true, label will NOT contact api-server but run locally."),
    overwrite: boolFlag(
      false,
      "If true, allow labels to be overwritten, otherwise reject label updates that overwrite existing labels.",
    ),
    "resource-version": stringFlag(
      "",
      "If non-empty, the labels update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource.",
    ),
    selector: selectorFlag,
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const { resources, pairs } = splitPairs(args, "label");
    const changes = parsePairs(pairs, "label", (pair, value) => {
      const problems = labelValue(value);
      return problems.length > 0 ? `invalid label value: "${pair}": ${problems.join(";")}` : undefined;
    });
    if (resources.length === 0 && flags.filename.length === 0)
      fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (pairs.length === 0 && !flags.list) fail("at least one label update is required");
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
        const { labels, notes } = changed(before, changes, flags.overwrite);
        for (const note of notes) yield* process.print(note);
        let after: KubeObject = { ...before, metadata: { ...before.metadata, labels } };
        const isSame = goJson(before.metadata.labels ?? {}) === goJson(labels);
        if (pairs.length > 0 && !isSame && !flags.local && dryRun !== "client") {
          const body = {
            metadata: {
              labels: patchOf(changes),
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
        if (flags.list) {
          if (targets.length > 1)
            yield* process.print(`Listing labels for ${target.mapping.kind}.${target.mapping.group}/${target.name}:\n`);
          for (const key of Object.keys(labels).sort())
            yield* process.print(`${targets.length > 1 ? " " : ""}${key}=${labels[key]}\n`);
          if (pairs.length === 0) continue;
        }
        yield* printResult(
          process,
          printer,
          target.mapping,
          after,
          verb(before, after, isSame, flags.overwrite) + dryRunSuffix(dryRun),
        );
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});

function changed(
  object: KubeObject,
  changes: Changes,
  overwrite: boolean,
): { readonly labels: Record<string, string>; readonly notes: readonly string[] } {
  const labels: Record<string, string> = { ...object.metadata.labels };
  if (!overwrite) {
    for (const [key, value] of Object.entries(changes.set)) {
      const existing = labels[key];
      if (existing !== undefined && existing !== value)
        fail(`'${key}' already has a value (${existing}), and --overwrite is false`);
    }
  }
  const notes: string[] = [];
  for (const key of changes.remove) {
    if (!Object.hasOwn(labels, key)) notes.push(`label "${key}" not found.\n`);
    delete labels[key];
  }
  Object.assign(labels, changes.set);
  return { labels, notes };
}

const patchOf = (changes: Changes): Record<string, string | null> => ({
  ...changes.set,
  ...Object.fromEntries(changes.remove.map((key) => [key, null])),
});

/** kubectl tells labelled from unlabelled by which text is longer. */
function verb(before: KubeObject, after: KubeObject, isSame: boolean, overwrite: boolean): string {
  if (isSame) return "not labeled";
  const length = (object: KubeObject): number => goJson(object.metadata.labels ?? {}).length;
  return !overwrite && length(after) < length(before) ? "unlabeled" : "labeled";
}
