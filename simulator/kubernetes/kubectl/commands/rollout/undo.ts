/** kubectl rollout undo */
import { intFlag } from "../../../../cli/flags";
import { fileFlags, selectorFlag } from "../../common-flags";
import { completeResources } from "../../completion";
import type { Part } from "../../describe/page";
import { qualifiedName } from "../../discovery";
import type { Factory } from "../../factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import {
  type DryRun,
  dryRunFlag,
  dryRunOf,
  dryRunSuffix,
  outputRequest,
  printFlags,
  printerFor,
  printResult,
} from "../../output";
import { sendPatch } from "../../patching";
import { PATCH_TYPES } from "../../rest";
import { type Revision, revisionsOf, templateText } from "../../revisions";
import { findTargets, type Target } from "../../targets";
import { sameTemplate } from "../../describe/workloads";
import type { Task } from "../../../../base/task";

export const rolloutUndo = defineKubectlCommand({
  use: "undo (TYPE NAME | TYPE/NAME) [flags]",
  short: "Undo a previous rollout",
  long: "Roll back to a previous rollout.",
  flags: {
    ...fileFlags,
    ...printFlags,
    "dry-run": dryRunFlag,
    selector: selectorFlag,
    "to-revision": intFlag(0, "The revision to rollback to. Default to 0 (last revision)."),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0) fail("required resource not specified");
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    const { targets, failures } = yield* findTargets(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      latest: true,
    });
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        const result = yield* rollBack(factory, target, flags["to-revision"], dryRun);
        if (dryRun === "client" && result !== SKIPPED)
          yield* process.print(`${qualifiedName(target.mapping, target.name)} ${result}${dryRunSuffix(dryRun)}\n`);
        else yield* printResult(process, printer, target.mapping, target.object, `${result}${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});

const SKIPPED = "skipped rollback";

function* rollBack(factory: Factory, target: Target, toRevision: number, dryRun: DryRun): Task<string> {
  if (toRevision < 0) fail(`unable to find specified revision ${toRevision} in history`);
  const owner = target.object as Part;
  const revisions = yield* revisionsOf(factory, target);
  const chosen = choose(revisions, toRevision);
  if (dryRun === "client") return templateText(chosen.template);
  if (owner.kind === "Deployment") return yield* rollBackDeployment(factory, target, chosen, toRevision, dryRun);
  if (sameTemplate(chosen.template, owner.spec.template))
    return `${SKIPPED} (current template already matches revision ${toRevision})`;
  const { $patch: _, ...template } = chosen.template;
  yield* sendPatch(
    factory,
    target,
    { contentType: PATCH_TYPES.strategic, body: { spec: { template: { ...template, $patch: "replace" } } } },
    { dryRun: dryRun === "server" ? "All" : undefined },
  );
  return "rolled back";
}

function choose(revisions: readonly Revision[], toRevision: number): Revision {
  if (toRevision > 0) {
    return (
      revisions.find((each) => each.number === toRevision) ??
      fail(`unable to find specified revision ${toRevision} in history`)
    );
  }
  // The last but one: the newest is what runs now.
  return revisions.at(-2) ?? fail("no rollout history found");
}

function* rollBackDeployment(
  factory: Factory,
  target: Target,
  revision: Revision,
  toRevision: number,
  dryRun: DryRun,
): Task<string> {
  const deployment = target.object as Part;
  if (deployment.spec.paused)
    fail("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again");
  if (sameTemplate(revision.object.spec.template, deployment.spec.template))
    return `${SKIPPED} (current template already matches revision ${toRevision})`;
  const labels: Record<string, string> = { ...revision.object.spec.template.metadata?.labels };
  delete labels["pod-template-hash"];
  const annotations: Record<string, string> = {};
  const kept = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
  ];
  for (const key of kept)
    if (deployment.metadata.annotations?.[key] !== undefined) annotations[key] = deployment.metadata.annotations[key];
  for (const [key, value] of Object.entries(revision.object.metadata.annotations ?? {}))
    if (!kept.includes(key)) annotations[key] = value as string;
  const template = {
    ...revision.object.spec.template,
    metadata: { ...revision.object.spec.template.metadata, labels },
  };
  const body = [
    { op: "replace", path: "/spec/template", value: template },
    { op: "replace", path: "/metadata/annotations", value: annotations },
  ];
  yield* sendPatch(
    factory,
    target,
    { contentType: PATCH_TYPES.json, body },
    { dryRun: dryRun === "server" ? "All" : undefined },
  );
  return "rolled back";
}
