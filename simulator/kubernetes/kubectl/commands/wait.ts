/** kubectl wait */
import type { Task } from "../../../base/task";
import { boolFlag, durationFlag, stringArrayFlag } from "../../../cli/flags";
import { compileJsonPath, relaxedJsonPath, type JsonPath } from "../../../text/jsonpath";
import { quote } from "../../../text/strconv";
import type { KubeObject } from "../../apimachinery/object";
import { allNamespacesFlag, fieldSelectorFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { waitUntilGone, FOREVER_MS } from "../deletion";
import type { Part } from "../describe/page";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { NOTHING_NAMED } from "../messages";
import { outputRequest, printFlags, printerFor, printResult } from "../output";
import { watchReader } from "../rest";
import { interruptible } from "../signals";
import { fetchPlans, planTargets, type Target } from "../targets";

export const wait = defineKubectlCommand({
  use: "wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
  short: "Wait for a specific condition on one or many resources",
  group: "Advanced Commands",
  long: "Wait for a specific condition on one or many resources: a condition of their status, a field's value, creation or deletion.",
  example:
    "  # Until a pod is ready\n  kubectl wait --for=condition=Ready pod/web\n  \n  # Until it is gone, a minute at most\n  kubectl wait --for=delete pod/web --timeout=60s",
  flags: {
    ...fileFlags,
    ...printFlags,
    all: boolFlag(false, "Select all resources in the namespace of the specified resource types"),
    "all-namespaces": allNamespacesFlag,
    "field-selector": fieldSelectorFlag,
    for: stringArrayFlag(
      [],
      "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath expression}'=[JSONPath value]]. The default condition-value is true. Condition values are compared after Unicode simple case folding, which is a more general form of case-insensitivity.",
    ),
    local: boolFlag(false, "If true, annotation will NOT contact api-server but run locally."),
    selector: selectorFlag,
    timeout: durationFlag(
      30_000,
      "The length of time to wait before giving up. Zero means check once and don't wait, negative means wait for a week.",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (flags.for.length === 0) fail("unrecognized condition: []");
    if (flags.for.length > 1) fail("multiple --for conditions are not simulated here; run kubectl wait once for each");
    const condition = conditionOf(flags.for[0]!);
    interruptible(process);
    const timeout = flags.timeout < 0 ? FOREVER_MS : flags.timeout;
    const deadline = process.now() + timeout;
    const printer = printerFor(process, outputRequest(flags));
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const planned = yield* planTargets(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      fieldSelector: flags["field-selector"],
      all: flags.all,
      allNamespaces: flags["all-namespaces"],
    });
    let { targets, failures } = yield* fetchPlans(factory, planned, { latest: true });
    if (condition.kind === "delete")
      failures = failures.filter((each) => !(each instanceof ApiFailure && each.isNotFound));
    while (condition.kind === "create" && targets.length === 0) {
      if (process.now() >= deadline) fail(`timed out waiting for the condition on ${args.join(" ")}`);
      yield* process.sleep(1000);
      ({ targets, failures } = yield* fetchPlans(factory, planned, { latest: true }));
    }
    if (targets.length === 0) {
      throwAll(failures);
      if (condition.kind === "delete") return 0;
      fail("no matching resources found");
    }
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        const object = yield* waitFor(factory, target, condition, deadline);
        yield* printResult(process, printer, target.mapping, object, "condition met");
      } catch (error) {
        if (!(error instanceof CommandFailure || error instanceof ApiFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});

type Condition =
  | { readonly kind: "create" }
  | { readonly kind: "delete" }
  | { readonly kind: "condition"; readonly name: string; readonly value: string }
  | { readonly kind: "jsonpath"; readonly path: JsonPath; readonly text: string; readonly value: string | undefined };

function conditionOf(text: string): Condition {
  const lower = text.toLowerCase();
  if (lower === "delete" || lower === "create") return { kind: lower };
  if (lower.startsWith("condition=")) {
    const [name = "", ...value] = text.slice(10).split("=");
    return { kind: "condition", name, value: value.length > 0 ? value.join("=") : "true" };
  }
  if (lower.startsWith("jsonpath=")) {
    const rest = text.slice(9);
    const m = /^(\{[^}]*\}|'?\{.*\}'?|[^=]*)(?:=(.*))?$/s.exec(rest);
    const expression = (m?.[1] ?? "").replace(/^'|'$/g, "");
    if (m?.[2] === "") fail("jsonpath wait has to have a value after equal sign");
    const relaxed = relaxedJsonPath(expression);
    if (!relaxed.ok || expression === "")
      return fail(relaxed.ok ? "jsonpath expression cannot be empty" : relaxed.error);
    const compiled = compileJsonPath(relaxed.value, { allowMissingKeys: true });
    if (!compiled.ok) return fail(compiled.error);
    return {
      kind: "jsonpath",
      path: compiled.value,
      text: relaxed.value,
      value: m?.[2]?.replace(/^(['"])(.*)\1$/s, "$2"),
    };
  }
  return fail(`unrecognized condition: ${quote(text)}`);
}

function* waitFor(factory: Factory, target: Target, condition: Condition, deadline: number): Task<KubeObject> {
  const { process } = factory;
  if (condition.kind === "create") return target.object;
  if (condition.kind === "delete") {
    yield* waitUntilGone(factory, target, target.object.metadata.uid, Math.max(0, deadline - process.now()));
    return target.object;
  }
  const timedOut = (): CommandFailure =>
    new CommandFailure(`timed out waiting for the condition on ${target.mapping.resource}/${target.name}`);
  if (isMet(condition, target.object)) return target.object;
  if (process.now() >= deadline)
    throw new CommandFailure(`condition not met for ${target.mapping.resource}/${target.name}`);
  const stream = yield* factory.client.stream("GET", resourcePath(target.mapping, target.namespace), {
    query: {
      fieldSelector: `metadata.name=${target.name}`,
      resourceVersion: target.object.metadata.resourceVersion,
      watch: "true",
    },
  });
  const events = watchReader(stream);
  try {
    for (;;) {
      const event = yield* events.next(process, deadline - process.now());
      if (!event) throw timedOut();
      if (event.type === "DELETED") throw timedOut();
      if ((event.type === "ADDED" || event.type === "MODIFIED") && isMet(condition, event.object)) return event.object;
    }
  } finally {
    events.close();
  }
}

function isMet(condition: Extract<Condition, { kind: "condition" | "jsonpath" }>, object: KubeObject): boolean {
  if (condition.kind === "condition") {
    const found = (object["status"]?.conditions ?? []).find(
      (each: Part) => String(each.type).toLowerCase() === condition.name.toLowerCase(),
    );
    if (!found) return false;
    // A condition that speaks of an older generation does not count.
    const observed = found.observedGeneration ?? object["status"]?.observedGeneration;
    if (observed !== undefined && object.metadata.generation !== undefined && observed < object.metadata.generation)
      return false;
    return String(found.status).toLowerCase() === condition.value.toLowerCase();
  }
  const found = condition.path.find(object);
  if (!found.ok) return fail(found.error);
  const values = found.value.flat();
  if (values.length === 0) return false;
  if (values.length > 1) fail("given jsonpath expression matches more than one value");
  if (condition.value === undefined) return true;
  if (typeof values[0] === "object" && values[0] !== null)
    fail("jsonpath leads to a nested object or list which is not supported");
  return String(values[0]).trim() === condition.value.trim();
}
