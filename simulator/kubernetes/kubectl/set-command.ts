/** What the `kubectl set` commands share: find objects with Pod templates, change them, send the difference. */
import type { Task } from "../../base/task";
import { boolFlag, type FlagSet } from "../../cli/flags";
import type { KubeObject } from "../apimachinery/object";
import { fieldManagerFlag, fileFlags, selectorFlag } from "./common-flags";
import type { Part } from "./describe/page";
import { qualifiedName } from "./discovery";
import type { Factory } from "./factory";
import { type AnyFailure, ApiFailure, CommandFailure, throwAll } from "./failure";
import type { KubectlInvocation } from "./kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "./output";
import { patchBetween, sendPatch } from "./patching";
import { findTargets, type Target } from "./targets";

export const setFlags = {
  ...fileFlags,
  ...printFlags,
  all: boolFlag(false, "Select all resources, in the namespace of the specified resource types"),
  "dry-run": dryRunFlag,
  "field-manager": fieldManagerFlag("kubectl-set"),
  local: boolFlag(false, "If true, the command will NOT contact api-server but run locally."),
  selector: selectorFlag,
} satisfies FlagSet;

export interface SetChange {
  readonly resources: readonly string[];
  /** "image updated" */
  readonly done: string;
  /** The changed object; undefined where the kind has nothing to change. */
  change(target: Target): KubeObject | undefined;
  /** How a refused change is introduced: "failed to patch image update to pod template". */
  readonly refused?: string;
}

export function* applySet(
  invocation: Pick<KubectlInvocation, "process" | "allFlags">,
  factory: Factory,
  options: SetChange,
): Task<number> {
  const { process, allFlags } = invocation;
  const dryRun = yield* dryRunOf(process, allFlags);
  const printer = printerFor(process, outputRequest(allFlags));
  const isLocal = allFlags["local"] === true;
  const { targets, failures } = yield* findTargets(factory, {
    args: options.resources,
    filenames: allFlags["filename"] as readonly string[],
    recursive: allFlags["recursive"] === true,
    selector: String(allFlags["selector"] ?? ""),
    all: allFlags["all"] === true,
    latest: !isLocal,
  });
  const collected: AnyFailure[] = [...failures];
  for (const target of targets) {
    try {
      const changed = options.change(target);
      if (!changed) continue;
      const patch = patchBetween(target.object, changed);
      if (isLocal || dryRun === "client") {
        yield* printResult(
          process,
          printer,
          target.mapping,
          changed,
          options.done + dryRunSuffix(isLocal ? "none" : dryRun),
        );
        continue;
      }
      // Nothing to send, nothing to say.
      if (!patch) continue;
      const result = yield* sendPatch(factory, target, patch, {
        fieldManager: String(allFlags["field-manager"]),
        dryRun: dryRun === "server" ? "All" : undefined,
      });
      yield* printResult(process, printer, target.mapping, result, options.done + dryRunSuffix(dryRun));
    } catch (error) {
      if (error instanceof ApiFailure && options.refused && error.reason !== "Invalid")
        collected.push(new CommandFailure(`${options.refused}: ${error.message}`));
      else if (error instanceof ApiFailure || error instanceof CommandFailure) collected.push(error);
      else throw error;
    }
  }
  throwAll(collected);
  return 0;
}

/** The Pod spec inside an object, with how to put a changed one back. */
export function podSpecOf(object: KubeObject): { readonly spec: Part; with(spec: Part): KubeObject } | undefined {
  const place = (path: readonly string[]): { readonly spec: Part; with(spec: Part): KubeObject } | undefined => {
    const spec = path.reduce<Part>((node, key) => node?.[key], object);
    return spec && { spec, with: (changed) => replaceAt(object, path, changed) as KubeObject };
  };
  switch (object.kind) {
    case "Pod":
      return place(["spec"]);
    case "CronJob":
      return place(["spec", "jobTemplate", "spec", "template", "spec"]);
    case "Deployment":
    case "ReplicaSet":
    case "ReplicationController":
    case "StatefulSet":
    case "DaemonSet":
    case "Job":
      return place(["spec", "template", "spec"]);
    default:
      return undefined;
  }
}

const replaceAt = (node: Part, path: readonly string[], value: Part): Part =>
  path.length === 0 ? value : { ...node, [path[0]!]: replaceAt(node[path[0]!], path.slice(1), value) };

/** `*` and a trailing or leading `*` in container names. */
export function selectContainers(containers: readonly Part[], pattern: string): readonly Part[] {
  if (pattern === "*") return containers;
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
  return containers.filter((container) => expression.test(container.name));
}

export const targetName = (target: Target): string => qualifiedName(target.mapping, target.name);
