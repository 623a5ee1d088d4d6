/** kubectl describe */
import type { Task } from "../../../base/task";
import { boolFlag } from "../../../cli/flags";
import { compareStrings } from "../../../text/strconv";
import { allNamespacesFlag, chunkSizeFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { describeObject } from "../describe/index";
import type { Factory } from "../factory";
import { type AnyFailure, ApiFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { fetchPlans, listObjects, planTargets, type Target, typesOf } from "../targets";

export const describe = defineKubectlCommand({
  use: "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
  short: "Show details of a specific resource or group of resources",
  group: "Troubleshooting and Debugging Commands",
  long: "Show details of a specific resource or group of resources: the object, what it controls and what happened to it.\n\n A name that does not exist is taken as a prefix.",
  example: "  # A node\n  kubectl describe node node-1\n  \n  # Pods with a label\n  kubectl describe pods -l app=web",
  flags: {
    ...fileFlags,
    "all-namespaces": allNamespacesFlag,
    "chunk-size": chunkSizeFlag,
    selector: selectorFlag,
    "show-events": boolFlag(true, "If true, display events related to the described object."),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0 && flags.kustomize === "") {
      fail(
        'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
      );
    }
    const planned = yield* planTargets(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      allNamespaces: flags["all-namespaces"],
      typeAloneIsAll: true,
      commandPath: "kubectl",
    });
    const { targets, failures } = yield* fetchPlans(factory, planned, { latest: true });
    if (
      targets.length === 0 &&
      args.length === 2 &&
      failures.some((each) => each instanceof ApiFailure && each.isNotFound)
    ) {
      return yield* describePrefix(factory, args[0]!, args[1]!, failures);
    }
    // Several pages come without events, unless they were asked for.
    const showEvents = flags["show-events"] && (targets.length === 1 || invocation.changed("show-events"));
    let first = true;
    for (const { object } of targets) {
      const page = yield* describeObject(factory, object, showEvents);
      yield* process.print(first ? page : `\n\n${page}`);
      first = false;
    }
    if (targets.length === 0 && failures.length === 0) {
      const namespaced = planned.plans.some((plan) => plan.mapping.namespaced) && !flags["all-namespaces"];
      yield* process.printError(
        namespaced ? `No resources found in ${factory.namespace} namespace.\n` : "No resources found\n",
      );
    }
    throwAll(failures);
    return 0;
  },
});

function* describePrefix(
  factory: Factory,
  type: string,
  prefix: string,
  failures: readonly AnyFailure[],
): Task<number> {
  const [mapping] = typesOf(yield* factory.discovery(), type);
  const list = yield* listObjects(factory, mapping!, mapping!.namespaced ? factory.namespace : "");
  const matching: Pick<Target, "object">[] = list.items
    .filter((item) => item.metadata.name.startsWith(prefix))
    .sort((a, b) => compareStrings(a.metadata.name, b.metadata.name))
    .map((object) => ({ object }));
  if (matching.length === 0) throwAll(failures);
  for (const { object } of matching) {
    yield* factory.process.print(`${yield* describeObject(factory, object, false)}\n`);
  }
  return 0;
}
