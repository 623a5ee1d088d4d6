/** kubectl delete */
import type { Task } from "../../../base/task";
import { boolFlag, durationFlag, intFlag, stringFlag } from "../../../cli/flags";
import { allNamespacesFlag, fieldSelectorFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { type DeleteOptions, deleteObject, FOREVER_MS, waitUntilGone } from "../deletion";
import { plansOfFiles } from "../create-from-files";
import type { Factory } from "../factory";
import { type AnyFailure, ApiFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix } from "../output";
import { qualifiedName, resourcePath } from "../discovery";
import { NOTHING_NAMED } from "../messages";
import { listObjects, type Plan, planTargets } from "../targets";

const flags = {
  ...fileFlags,
  all: boolFlag(false, "Delete all resources, in the namespace of the specified resource types."),
  "all-namespaces": allNamespacesFlag,
  cascade: stringFlag(
    "background",
    'Must be "background", "orphan", or "foreground". Selects the deletion cascading strategy for the dependents (e.g. Pods created by a ReplicationController).',
    { noOptDefVal: "background" },
  ),
  "dry-run": dryRunFlag,
  "field-selector": fieldSelectorFlag,
  force: boolFlag(
    false,
    "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation.",
  ),
  "grace-period": intFlag(
    -1,
    "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown. Can only be set to 0 when --force is true (force deletion).",
  ),
  "ignore-not-found": boolFlag(
    false,
    'Treat "resource not found" as a successful delete. Defaults to "true" when --all is specified.',
  ),
  interactive: boolFlag(false, "If true, delete resource only when user confirms.", { shorthand: "i" }),
  now: boolFlag(false, "If true, resources are signaled for immediate shutdown (same as --grace-period=1)."),
  output: stringFlag("", 'Output mode. Use "-o name" for shorter output (resource/name).', { shorthand: "o" }),
  raw: stringFlag("", "Raw URI to DELETE to the server. Uses the transport specified by the kubeconfig file."),
  selector: selectorFlag,
  timeout: durationFlag(
    0,
    "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object",
  ),
  wait: boolFlag(true, "If true, wait for resources to be gone before returning. This waits for finalizers."),
};

type Delete = KubectlInvocation<typeof flags>;

export const del = defineKubectlCommand<typeof flags>({
  use: "delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
  short: "Delete resources by file names, stdin, resources and names, or by resources and label selector",
  group: "Basic Commands (Intermediate)",
  long: "Delete resources by file names, stdin, resources and names, or by resources and label selector.\n\n Pods get time to shut down (--grace-period); the command returns when the objects are gone.",
  example:
    "  # A pod by name\n  kubectl delete pod web\n  \n  # What a file describes\n  kubectl delete -f web.yaml\n  \n  # Everything with a label\n  kubectl delete pods,services -l app=web",
  flags,
  completeArgs: completeResources,
  *run(invocation) {
    const { flags: given, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (given.raw !== "") {
      yield* factory.client.send("DELETE", given.raw);
      return 0;
    }
    checkFlags(given);
    const fromFiles = given.filename.length > 0 || given.kustomize !== "";
    if (args.length === 0 && !fromFiles) fail(NOTHING_NAMED);
    if (given["field-selector"] !== "" && given.selector !== "" && given.all)
      fail("setting --all-namespaces and --all is not allowed together");
    const dryRun = yield* dryRunOf(process, given);
    let grace = given["grace-period"];
    if (given.now) {
      if (grace !== -1) fail("--now and --grace-period cannot be specified together");
      grace = 1;
    }
    if (grace === 0 && !given.force) {
      // Immediate deletion is for --force; without it the shortest grace period is given.
      grace = 1;
    } else if (given.force && grace < 0) grace = 0;
    if (grace === 0) {
      yield* process.printError(
        "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n",
      );
    }
    const planned = fromFiles
      ? yield* plansOfFiles(invocation, factory)
      : yield* planTargets(factory, {
          args,
          selector: given.selector,
          fieldSelector: given["field-selector"],
          all: given.all,
          allNamespaces: given["all-namespaces"],
        });
    if (planned.plans.length === 0) throwAll(planned.failures);
    const options: DeleteOptions = {
      gracePeriodSeconds: grace >= 0 ? grace : undefined,
      propagationPolicy: policyOf(given.cascade),
      dryRun: dryRun === "server",
    };
    return yield* deleteAll(invocation, factory, planned.plans, planned.failures, options, dryRun === "client");
  },
});

function checkFlags(given: Delete["flags"]): void {
  if (given.output !== "" && given.output !== "name")
    fail(`unexpected -o output mode: ${given.output}. We only support '-o name'`);
  if (given.all && given.selector !== "") fail("cannot set --all and --selector at the same time");
  if (given["grace-period"] > 0 && given.force)
    fail("--force and --grace-period greater than 0 cannot be specified together");
}

function policyOf(cascade: string): DeleteOptions["propagationPolicy"] {
  switch (cascade) {
    case "background":
    case "true":
      return "Background";
    case "orphan":
    case "false":
      return "Orphan";
    case "foreground":
      return "Foreground";
    default:
      return fail(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
  }
}

interface Deleted {
  readonly plan: Extract<Plan, { name: string }>;
  readonly uid: string | undefined;
}

function* deleteAll(
  invocation: Delete,
  factory: Factory,
  plans: readonly Plan[],
  earlier: readonly AnyFailure[],
  options: DeleteOptions,
  isClientDryRun: boolean,
): Task<number> {
  const { flags: given, process } = invocation;
  const failures: AnyFailure[] = [...earlier];
  const deleted: Deleted[] = [];
  let found = 0;
  const ignoreMissing = given["ignore-not-found"] || (given.all && !invocation.changed("ignore-not-found"));
  for (const plan of plans) {
    try {
      // Types are listed one after the other, each after the deletions before it.
      for (const one of yield* expand(factory, plan)) {
        found++;
        try {
          if (given.interactive && !(yield* confirmed(invocation, one))) continue;
          // A dry run on the client still asks whether the object exists.
          const uid = isClientDryRun
            ? (yield* factory.client.get(resourcePath(one.mapping, one.namespace, one.name))).metadata.uid
            : yield* deleteObject(factory, one, options);
          yield* process.print(message(invocation, one, options, isClientDryRun));
          deleted.push({ plan: one, uid });
        } catch (error) {
          if (!(error instanceof ApiFailure)) throw error;
          if (ignoreMissing && error.isNotFound) continue;
          failures.push(
            one.kind === "file" ? error.from(`error when deleting ${JSON.stringify(one.source)}: `) : error,
          );
        }
      }
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failures.push(error);
    }
  }
  throwAll(failures);
  if (found === 0) {
    yield* process.print("No resources found\n");
    return 0;
  }
  if (!given.wait || isClientDryRun || options.dryRun) return 0;
  const timeout = given.timeout > 0 ? given.timeout : FOREVER_MS;
  const deadline = process.now() + timeout;
  for (const { plan, uid } of deleted) yield* waitUntilGone(factory, plan, uid, deadline - process.now());
  return 0;
}

function* expand(factory: Factory, plan: Plan): Task<readonly Extract<Plan, { name: string }>[]> {
  if (plan.kind !== "list") return [plan];
  const list = yield* listObjects(factory, plan.mapping, plan.namespace, {
    labelSelector: plan.selector,
    fieldSelector: plan.fieldSelector,
  });
  return list.items.map((item) => ({
    kind: "named",
    mapping: plan.mapping,
    namespace: item.metadata.namespace ?? "",
    name: item.metadata.name,
  }));
}

function message(
  invocation: Delete,
  plan: Extract<Plan, { name: string }>,
  options: DeleteOptions,
  isClientDryRun: boolean,
): string {
  const { mapping } = plan;
  if (invocation.flags.output === "name") return `${qualifiedName(mapping, plan.name)}\n`;
  const kind = mapping.group ? `${mapping.kind.toLowerCase()}.${mapping.group}` : mapping.kind.toLowerCase();
  const verb = options.gracePeriodSeconds === 0 ? "force deleted" : "deleted";
  const where = mapping.namespaced ? ` from ${plan.namespace} namespace` : "";
  return `${kind} "${plan.name}" ${verb}${where}${dryRunSuffix(isClientDryRun ? "client" : options.dryRun ? "server" : "none")}\n`;
}

function* confirmed(invocation: Delete, plan: Extract<Plan, { name: string }>): Task<boolean> {
  const { process } = invocation;
  yield* process.print(
    `You are about to delete the following 1 resource(s):\n${plan.mapping.resource}/${plan.name}\nDo you want to continue? (y/n): `,
  );
  const answer = (yield* process.read(0)).trim().toLowerCase();
  if (answer === "y" || answer === "yes") return true;
  yield* process.print("deletion is cancelled\n");
  return false;
}
