/** kubectl taint */
import { boolFlag } from "../../../cli/flags";
import { labelValue, qualifiedName as checkQualifiedName } from "../../apimachinery/validation";
import { fieldManagerFlag, selectorFlag, validateFlag } from "../common-flags";
import { completeResources } from "../completion";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll, UsageFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { splitPairs } from "../metadata-pairs";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets } from "../targets";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export const taint = defineKubectlCommand({
  use: "taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
  short: "Update the taints on one or more nodes",
  group: "Cluster Management Commands",
  long: "Update the taints on one or more nodes. Pods that do not tolerate a taint are kept away: NoSchedule, PreferNoSchedule or NoExecute.\n\n KEY- or KEY:EFFECT- removes taints.",
  flags: {
    ...printFlags,
    all: boolFlag(false, "Select all nodes in the cluster"),
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-taint"),
    overwrite: boolFlag(
      false,
      "If true, allow taints to be overwritten, otherwise reject taint updates that overwrite existing taints.",
    ),
    selector: selectorFlag,
    validate: validateFlag,
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const { resources, pairs } = splitPairs(
      args.map((arg) =>
        /:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(arg) && !arg.includes("=") ? arg.replace(":", "=:") : arg,
      ),
      "taint",
    );
    if (resources.length < 1) fail("one or more resources must be specified as <resource> <name>");
    if (pairs.length < 1) fail("at least one taint update is required");
    const { add, remove } = parseTaints(pairs);
    const mapping = (yield* factory.discovery()).forArgument(resources[0]!);
    if (mapping.kind !== "Node") fail(`invalid resource type ${resources[0]}, only node type is supported`);
    if (flags.all && flags.selector !== "") fail("setting 'all' parameter with a non empty selector is prohibited.");
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    const { targets, failures } = yield* findTargets(factory, {
      args: resources,
      selector: flags.selector,
      all: flags.all,
      latest: true,
    });
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        const before: readonly Taint[] = target.object["spec"]?.taints ?? [];
        const { after, done } = change(target.name, before, add, remove, flags.overwrite);
        const object = { ...target.object, spec: { ...target.object["spec"], taints: after } };
        const result =
          dryRun === "client"
            ? object
            : yield* sendPatch(
                factory,
                target,
                { contentType: PATCH_TYPES.strategic, body: { spec: { taints: after.length > 0 ? after : null } } },
                { fieldManager: flags["field-manager"], dryRun: dryRun === "server" ? "All" : undefined },
              );
        yield* printResult(process, printer, target.mapping, result, done + dryRunSuffix(dryRun));
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});

function parseTaints(specs: readonly string[]): { readonly add: readonly Taint[]; readonly remove: readonly Taint[] } {
  const add: Taint[] = [];
  const remove: Taint[] = [];
  for (const spec of specs) {
    const isRemoval = spec.endsWith("-");
    const taint = parseTaint(isRemoval ? spec.slice(0, -1) : spec);
    if (isRemoval) remove.push(taint);
    else {
      if (taint.effect === "") throw new UsageFailure(`invalid taint spec: ${spec}`);
      if (add.some((each) => each.key === taint.key && each.effect === taint.effect))
        throw new UsageFailure(`duplicated taints with the same key and effect: ${JSON.stringify(taint)}`);
      add.push(taint);
    }
  }
  return { add, remove };
}

function parseTaint(spec: string): Taint {
  const [head = "", effect = "", ...more] = spec.split(":");
  if (more.length > 0) throw new UsageFailure(`invalid taint spec: ${spec}`);
  const [key = "", value, ...rest] = head.split("=");
  if (rest.length > 0) throw new UsageFailure(`invalid taint spec: ${spec}`);
  if (effect !== "" && !EFFECTS.includes(effect))
    throw new UsageFailure(`invalid taint effect: ${effect}, unsupported taint effect`);
  if (value) {
    const problems = labelValue(value);
    if (problems.length > 0) throw new UsageFailure(`invalid taint spec: ${spec}, ${problems.join("; ")}`);
  }
  const problems = checkQualifiedName(key);
  if (problems.length > 0) throw new UsageFailure(`invalid taint spec: ${spec}, ${problems.join("; ")}`);

  return value ? { key, value, effect } : { key, effect };
}

function change(
  node: string,
  before: readonly Taint[],
  add: readonly Taint[],
  remove: readonly Taint[],
  overwrite: boolean,
): { readonly after: readonly Taint[]; readonly done: string } {
  if (!overwrite) {
    const taken = add
      .filter((taint) => before.some((each) => each.key === taint.key && each.effect === taint.effect))
      .map((taint) => taint.key);
    if (taken.length > 0)
      fail(`node ${node} already has ${taken.join(",")} taint(s) with same effect(s) and --overwrite is false`);
  }
  const missing = remove.filter(
    (gone) => !before.some((each) => each.key === gone.key && (gone.effect === "" || each.effect === gone.effect)),
  );
  if (missing.length > 0) {
    const texts = missing.map(
      (gone) => `taint ${JSON.stringify(gone.effect ? `${gone.key}:${gone.effect}` : gone.key)} not found`,
    );
    fail(texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`);
  }
  const kept = before.filter(
    (each) =>
      !add.some((taint) => taint.key === each.key && taint.effect === each.effect) &&
      !remove.some((gone) => gone.key === each.key && (gone.effect === "" || gone.effect === each.effect)),
  );
  const after = [...add, ...kept];
  const overwritten = add.some((taint) =>
    before.some((each) => each.key === taint.key && each.effect === taint.effect),
  );
  const done =
    add.length > 0 && remove.length > 0
      ? "modified"
      : remove.length > 0
        ? "untainted"
        : overwrite || overwritten
          ? "modified"
          : "tainted";
  return { after, done };
}
