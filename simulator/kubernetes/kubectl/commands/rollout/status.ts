/** kubectl rollout status */
import { boolFlag, durationFlag, intFlag } from "../../../../cli/flags";
import type { KubeObject } from "../../../apimachinery/object";
import { fileFlags, selectorFlag } from "../../common-flags";
import { completeResources } from "../../completion";
import { resourcePath } from "../../discovery";
import type { Factory } from "../../factory";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { watchReader } from "../../rest";
import { rolloutStatus } from "../../rollout-status";
import { interruptible } from "../../signals";
import { findAll, type Target } from "../../targets";
import type { Task } from "../../../../base/task";

export const rolloutStatusCommand = defineKubectlCommand({
  use: "status (TYPE NAME | TYPE/NAME) [flags]",
  short: "Show the status of the rollout",
  long: "Show the status of the rollout.\n\n The latest rollout is watched until it is done; --watch=false looks once.",
  flags: {
    ...fileFlags,
    revision: intFlag(0, "Pin to a specific revision for showing its status. Defaults to 0 (last revision)."),
    selector: selectorFlag,
    timeout: durationFlag(
      0,
      "The length of time to wait before ending watch, zero means never. Any other values should contain a corresponding time unit (e.g. 1s, 2m, 3h).",
    ),
    watch: boolFlag(true, "Watch the status of the rollout until it's done.", { shorthand: "w" }),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0) fail("required resource not specified");
    if (flags.revision < 0) fail("revision must be a positive integer: " + flags.revision);
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      typeAloneIsAll: true,
      latest: true,
    });
    interruptible(process);
    for (const target of targets) yield* follow(factory, target, flags);
    return 0;
  },
});

interface FollowOptions {
  readonly revision: number;
  readonly timeout: number;
  readonly watch: boolean;
}

function* follow(factory: Factory, target: Target, options: FollowOptions): Task<void> {
  const { process } = factory;
  const deadline = options.timeout > 0 ? process.now() + options.timeout : Number.POSITIVE_INFINITY;
  const path = resourcePath(target.mapping, target.namespace);
  const selector = { fieldSelector: `metadata.name=${target.name}` };
  const list = yield* factory.client.get<KubeObject>(path, selector);
  const items = (list["items"] ?? []) as KubeObject[];
  const show = function* (object: KubeObject): Task<boolean> {
    const state = rolloutStatus({ ...object, kind: target.mapping.kind }, options.revision);
    yield* process.print(state.text);
    return state.done || !options.watch;
  };
  if (items[0] && (yield* show(items[0]))) return;
  const stream = yield* factory.client.stream("GET", path, {
    query: { ...selector, resourceVersion: list.metadata.resourceVersion, watch: "true" },
  });
  const events = watchReader(stream);
  try {
    for (;;) {
      const event = yield* events.next(process, deadline - process.now());
      if (!event)
        fail(
          process.now() >= deadline
            ? "timed out waiting for the condition"
            : "watch closed before UntilWithoutRetry timeout",
        );
      if (event!.type === "DELETED") fail("object has been deleted");
      if (event!.type !== "ADDED" && event!.type !== "MODIFIED") continue;
      if (yield* show(event!.object)) return;
    }
  } finally {
    events.close();
  }
}
