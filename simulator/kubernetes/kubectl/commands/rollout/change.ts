/** kubectl rollout pause, resume and restart: one change of the spec each. */
import { rfc3339 } from "../../../../base/clock";
import type { KubeObject } from "../../../apimachinery/object";
import { allNamespacesFlag, fieldManagerFlag, fileFlags, selectorFlag } from "../../common-flags";
import { completeResources } from "../../completion";
import type { Part } from "../../describe/page";
import { groupResource } from "../../discovery";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../../failure";
import { defineKubectlCommand, factoryOf, type KubectlCommand } from "../../kubectl-command";
import { outputRequest, printFlags, printerFor, printResult } from "../../output";
import { patchBetween, sendPatch } from "../../patching";
import { findTargets, type Target } from "../../targets";

interface SpecChange {
  readonly name: string;
  readonly short: string;
  readonly done: string;
  /** The changed object; fails where the change does not apply. */
  change(target: Target, now: number): KubeObject;
}

const rolloutChange = ({ name, short, done, change }: SpecChange): KubectlCommand =>
  defineKubectlCommand({
    use: name === "restart" ? "restart RESOURCE" : `${name} RESOURCE`,
    short,
    flags: {
      ...fileFlags,
      ...printFlags,
      "all-namespaces": { ...allNamespacesFlag, hidden: true },
      "field-manager": fieldManagerFlag("kubectl-rollout"),
      selector: selectorFlag,
    },
    completeArgs: completeResources,
    *run(invocation) {
      const { flags, args, process } = invocation;
      const factory = factoryOf(invocation);
      if (args.length === 0 && flags.filename.length === 0) fail("required resource not specified");
      const printer = printerFor(process, outputRequest(flags));
      const { targets, failures } = yield* findTargets(factory, {
        args,
        filenames: flags.filename,
        recursive: flags.recursive,
        selector: flags.selector,
        typeAloneIsAll: true,
        latest: true,
      });
      const collected: AnyFailure[] = [...failures];
      for (const target of targets) {
        try {
          const patch = patchBetween(target.object, change(target, process.now()));
          const result = patch
            ? yield* sendPatch(factory, target, patch, { fieldManager: flags["field-manager"] })
            : target.object;
          yield* printResult(process, printer, target.mapping, result, done);
        } catch (error) {
          if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
          collected.push(error);
        }
      }
      throwAll(collected);
      return 0;
    },
  });

const quoted = (target: Target): string => `${groupResource(target.mapping)} "${target.name}"`;

const withSpec = (object: KubeObject, spec: Part): KubeObject => ({ ...object, spec: { ...object["spec"], ...spec } });

export const rolloutPause = rolloutChange({
  name: "pause",
  short: "Mark the provided resource as paused",
  done: "paused",
  change(target) {
    if (target.object.kind !== "Deployment") fail(`${quoted(target)} pausing is not supported`);
    if (target.object["spec"].paused) fail(`${quoted(target)} is already paused`);
    return withSpec(target.object, { paused: true });
  },
});

export const rolloutResume = rolloutChange({
  name: "resume",
  short: "Resume a paused resource",
  done: "resumed",
  change(target) {
    if (target.object.kind !== "Deployment") fail(`${quoted(target)} resuming is not supported`);
    if (!target.object["spec"].paused) fail(`${quoted(target)} is not paused`);
    return withSpec(target.object, { paused: undefined });
  },
});

export const rolloutRestart = rolloutChange({
  name: "restart",
  short: "Restart a resource",
  done: "restarted",
  change(target, now) {
    const { object } = target;
    if (!["Deployment", "DaemonSet", "StatefulSet"].includes(object.kind))
      fail(`${quoted(target)} restarting is not supported`);
    if (object.kind === "Deployment" && object["spec"].paused)
      fail(`${quoted(target)} can't restart paused deployment (run rollout resume first)`);
    const template: Part = object["spec"].template;
    const annotations = { ...template.metadata?.annotations, "kubectl.kubernetes.io/restartedAt": rfc3339(now) };
    return withSpec(object, { template: { ...template, metadata: { ...template.metadata, annotations } } });
  },
});
