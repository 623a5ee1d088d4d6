/** kubectl cordon, uncordon, drain */
import type { Task } from "../../../base/task";
import { boolFlag, durationFlag, intFlag, stringFlag } from "../../../cli/flags";
import { formatDuration } from "../../../text/go-duration";
import type { KubeList } from "../../apimachinery/object";
import { selectorFlag } from "../common-flags";
import { completeNames } from "../completion";
import type { Part } from "../describe/page";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { ApiFailure, CommandFailure, fail } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlCommand, type KubectlInvocation } from "../kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix, type DryRun } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets, type Target } from "../targets";

const drainFlags = {
  "chunk-size": intFlag(500, "Return large lists in chunks rather than all at once. Pass 0 to disable."),
  "delete-emptydir-data": boolFlag(
    false,
    "Continue even if there are pods using emptyDir (local data that will be deleted when the node is drained).",
  ),
  "disable-eviction": boolFlag(
    false,
    "Force drain to use delete, even if eviction is supported. This will bypass checking PodDisruptionBudgets, use with caution.",
  ),
  "dry-run": dryRunFlag,
  force: boolFlag(false, "Continue even if there are pods that do not declare a controller."),
  "grace-period": intFlag(
    -1,
    "Period of time in seconds given to each pod to terminate gracefully. If negative, the default value specified in the pod will be used.",
  ),
  "ignore-daemonsets": boolFlag(false, "Ignore DaemonSet-managed pods."),
  "pod-selector": stringFlag("", "Label selector to filter pods on the node"),
  selector: selectorFlag,
  "skip-wait-for-delete-timeout": intFlag(
    0,
    "If pod DeletionTimestamp older than N seconds, skip waiting for the pod.  Seconds must be greater than 0 to skip.",
  ),
  timeout: durationFlag(0, "The length of time to wait before giving up, zero means infinite"),
};

const cordonFlags = { "dry-run": dryRunFlag, selector: selectorFlag };

function* nodesOf(factory: Factory, invocation: Pick<KubectlInvocation, "args" | "allFlags">): Task<readonly Target[]> {
  const { args } = invocation;
  const selector = String(invocation.allFlags["selector"] ?? "");
  if (args.length === 0 && selector === "") return [];
  if (args.length > 0 && selector !== "") fail("cannot specify both a node name and a --selector option");
  const { targets, failures } = yield* findTargets(factory, { args: ["nodes", ...args], selector });
  for (const failure of failures) throw failure;
  return targets;
}

/** Marks one node; what is said about it. */
function* setSchedulable(factory: Factory, target: Target, unschedulable: boolean, dryRun: DryRun): Task<void> {
  const done = unschedulable ? "cordoned" : "uncordoned";
  const isSo = (target.object["spec"]?.unschedulable === true) === unschedulable;
  if (!isSo && dryRun !== "client") {
    yield* sendPatch(
      factory,
      target,
      { contentType: PATCH_TYPES.strategic, body: { spec: { unschedulable: unschedulable ? true : null } } },
      { dryRun: dryRun === "server" ? "All" : undefined },
    );
  }
  yield* factory.process.print(`node/${target.name} ${isSo ? "already " : ""}${done}${dryRunSuffix(dryRun)}\n`);
}

const marking = (name: "cordon" | "uncordon", short: string, long: string): KubectlCommand =>
  defineKubectlCommand({
    use: `${name} NODE`,
    short,
    long,
    group: "Cluster Management Commands",
    flags: cordonFlags,
    completeArgs: completeNames("nodes"),
    *run(invocation) {
      const factory = factoryOf(invocation);
      const dryRun = yield* dryRunOf(invocation.process, invocation.flags);
      if (invocation.args.length === 0 && invocation.flags.selector === "")
        return yield* invocation.usageError({ kind: "usage", message: `USAGE: ${name} NODE [flags]` });
      for (const target of yield* nodesOf(factory, invocation))
        yield* setSchedulable(factory, target, name === "cordon", dryRun);
      return 0;
    },
  });

export const cordon = marking(
  "cordon",
  "Mark node as unschedulable",
  "Mark node as unschedulable: no new pods are placed there.",
);
export const uncordon = marking("uncordon", "Mark node as schedulable", "Mark node as schedulable again.");

type Drain = KubectlInvocation<typeof drainFlags>;

export const drain = defineKubectlCommand<typeof drainFlags>({
  use: "drain NODE",
  short: "Drain node in preparation for maintenance",
  group: "Cluster Management Commands",
  long: "Drain node in preparation for maintenance.\n\n The node is cordoned, then its pods are evicted: disruption budgets are kept. Pods of daemon sets stay (--ignore-daemonsets); pods without a controller are lost (--force).",
  flags: drainFlags,
  completeArgs: completeNames("nodes"),
  *run(invocation) {
    const { flags: given, process } = invocation;
    const factory = factoryOf(invocation);
    const dryRun = yield* dryRunOf(process, given);
    if (invocation.args.length === 0 && given.selector === "")
      return yield* invocation.usageError({ kind: "usage", message: "USAGE: drain NODE [flags]" });
    const targets = yield* nodesOf(factory, invocation);
    for (const target of targets) yield* setSchedulable(factory, target, true, dryRun);
    const pending: string[] = targets.map((target) => target.name);
    const errors: string[] = [];
    for (const target of targets) {
      const problems = yield* drainNode(invocation, factory, target, dryRun);
      if (problems.length === 0) {
        pending.splice(pending.indexOf(target.name), 1);
        yield* process.print(`node/${target.name} drained${dryRunSuffix(dryRun)}\n`);
        continue;
      }
      const shown = problems.length === 1 ? problems[0]! : `[${problems.join(", ")}]`;
      yield* process.printError(
        `error: unable to drain node ${JSON.stringify(target.name)} due to error: ${shown}, continuing command...\n`,
      );
      errors.push(...problems);
    }
    if (errors.length === 0) return 0;
    yield* process.printError(
      `There are pending nodes to be drained:\n${pending.map((name) => ` ${name}\n`).join("")}`,
    );
    throw new CommandFailure(errors.join("\n"), { raw: true });
  },
});

interface Sorted {
  readonly evict: readonly Part[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

/** kubectl's filters: which Pods go, which stay, and what forbids going on. */
function sortPods(pods: readonly Part[], given: Drain["flags"]): Sorted {
  const evict: Part[] = [];
  const warnings = new Map<string, string[]>();
  const errors = new Map<string, string[]>();
  const note = (map: Map<string, string[]>, text: string, pod: Part): void => {
    map.set(text, [...(map.get(text) ?? []), `${pod.metadata.namespace}/${pod.metadata.name}`]);
  };
  for (const pod of pods) {
    if (pod.metadata.annotations?.["kubernetes.io/config.mirror"]) continue;
    const controller = pod.metadata.ownerReferences?.find((each: Part) => each.controller);
    const isOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    if (controller?.kind === "DaemonSet" && !isOver) {
      if (given["ignore-daemonsets"]) note(warnings, "ignoring DaemonSet-managed Pods", pod);
      else note(errors, "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", pod);
      continue;
    }
    const usesLocal = (pod.spec.volumes ?? []).some((volume: Part) => volume.emptyDir);
    if (usesLocal && !isOver && !given["delete-emptydir-data"]) {
      note(errors, "cannot delete Pods with local storage (use --delete-emptydir-data to override)", pod);
      continue;
    }
    if (!controller && !isOver) {
      if (!given.force) {
        note(errors, "cannot delete Pods that declare no controller (use --force to override)", pod);
        continue;
      }
      note(warnings, "deleting Pods that declare no controller", pod);
    }
    evict.push(pod);
  }
  const texts = (map: Map<string, string[]>): string[] =>
    [...map].map(([text, names]) => `${text}: ${names.join(", ")}`);
  return { evict, warnings: texts(warnings), errors: texts(errors) };
}

function* drainNode(invocation: Drain, factory: Factory, target: Target, dryRun: DryRun): Task<readonly string[]> {
  const { flags: given, process } = invocation;
  const list = yield* factory.client.get<KubeList>("/api/v1/pods", {
    fieldSelector: `spec.nodeName=${target.name}`,
    labelSelector: given["pod-selector"] || undefined,
    limit: "500",
  });
  const { evict, warnings, errors } = sortPods((list.items ?? []) as readonly Part[], given);
  if (errors.length > 0) return errors.length === 1 ? errors : [errors.join("; ")];
  if (warnings.length > 0) yield* process.printError(`Warning: ${warnings.join("; ")}\n`);
  if (dryRun === "client") {
    for (const pod of evict)
      yield* process.print(`evicting pod ${pod.metadata.namespace}/${pod.metadata.name}${dryRunSuffix(dryRun)}\n`);
    return [];
  }
  return yield* evictAll(invocation, factory, target, evict, dryRun);
}

const RETRY_MS = 5000;
const POLL_MS = 1000;

interface Eviction {
  readonly pod: Part;
  /** When it is tried (again), or looked at. */
  next: number;
  evicted: boolean;
}

/** Evicts all Pods side by side, each retried while its disruption budget forbids it. */
function* evictAll(
  invocation: Drain,
  factory: Factory,
  target: Target,
  pods: readonly Part[],
  dryRun: DryRun,
): Task<readonly string[]> {
  const { flags: given, process } = invocation;
  const deadline = given.timeout > 0 ? process.now() + given.timeout : Number.POSITIVE_INFINITY;
  const late = `global timeout reached: ${formatDuration(given.timeout)}`;
  const mapping = (yield* factory.discovery()).forArgument("pods");
  // Of workers that are started at once, Go runs the last one first.
  const ordered = [...pods.slice(-1), ...pods.slice(0, -1)];
  const waiting = new Set<Eviction>(ordered.map((pod) => ({ pod, next: process.now(), evicted: false })));
  const problems: string[] = [];
  const left: string[] = [];
  const give = (work: Eviction, problem: string): void => {
    problems.push(problem);
    left.push(work.pod.metadata.name);
    waiting.delete(work);
  };
  while (waiting.size > 0) {
    for (const work of [...waiting].filter((each) => !each.evicted && process.now() >= each.next)) {
      if (given["disable-eviction"]) continue;
      yield* process.print(
        `evicting pod ${work.pod.metadata.namespace}/${work.pod.metadata.name}${dryRunSuffix(dryRun)}\n`,
      );
    }
    for (const work of [...waiting].filter((each) => process.now() >= each.next)) {
      const { namespace, name, uid } = work.pod.metadata;
      const path = resourcePath(mapping, namespace, name);
      if (work.evicted) {
        if (yield* hasGone(factory, path, uid)) {
          yield* process.print(`pod/${name} ${given["disable-eviction"] ? "deleted" : "evicted"}\n`);
          waiting.delete(work);
        } else if (process.now() >= deadline)
          give(
            work,
            `error when waiting for pod ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} to terminate: ${late}`,
          );
        else work.next = Math.min(process.now() + POLL_MS, deadline);
        continue;
      }
      const about = `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}`;
      if (process.now() >= deadline) {
        give(work, `${about}: ${late}`);
        continue;
      }
      try {
        yield* evictOne(factory, path, work.pod, given, dryRun);
        work.evicted = true;
        if (dryRun === "server") waiting.delete(work);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        if (error.isNotFound) waiting.delete(work);
        else if (error.reason === "TooManyRequests") {
          yield* process.printError(`${about} (will retry after 5s): ${error.message}\n`);
          work.next = process.now() + RETRY_MS;
        } else give(work, `${about}: ${error.message}`);
      }
    }
    const next = Math.min(...[...waiting].map((work) => work.next));
    if (waiting.size > 0 && next > process.now()) yield* process.sleep(next - process.now());
  }
  if (left.length > 0) {
    const shown = problems.length === 1 ? problems[0]! : `[${problems.join(", ")}]`;
    yield* process.printError(
      `There are pending pods in node ${JSON.stringify(target.name)} when an error occurred: ${shown}\n`,
    );
    yield* process.printError(
      left
        .sort()
        .map((name) => `pod/${name}\n`)
        .join(""),
    );
  }
  return problems;
}

function* evictOne(factory: Factory, path: string, pod: Part, given: Drain["flags"], dryRun: DryRun): Task<void> {
  const deleteOptions = {
    ...(given["grace-period"] >= 0 ? { gracePeriodSeconds: given["grace-period"] } : {}),
    ...(dryRun === "server" ? { dryRun: ["All"] } : {}),
  };
  if (given["disable-eviction"]) {
    yield* factory.client.json("DELETE", path, { body: { kind: "DeleteOptions", apiVersion: "v1", ...deleteOptions } });
    return;
  }
  yield* factory.client.json("POST", `${path}/eviction`, {
    body: {
      kind: "Eviction",
      apiVersion: "policy/v1",
      metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace },
      deleteOptions,
    },
  });
}

function* hasGone(factory: Factory, path: string, uid: string): Task<boolean> {
  try {
    return (yield* factory.client.get(path)).metadata.uid !== uid;
  } catch (error) {
    if (error instanceof ApiFailure && error.isNotFound) return true;
    throw error;
  }
}
