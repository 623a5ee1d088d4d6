/** kubectl auth can-i and kubectl auth whoami */
import type { Task } from "../../../base/task";
import { boolFlag, stringFlag } from "../../../cli/flags";
import { KUBECTL_TABLE, tabulate } from "../../../text/tabwriter";
import type { KubeObject } from "../../apimachinery/object";
import { allNamespacesFlag } from "../common-flags";
import type { Part } from "../describe/page";
import { ruleRows } from "../describe/rbac";
import type { Factory } from "../factory";
import { CommandFailure, fail, isFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { outputRequest, printFlags, printerFor } from "../output";
import { fileFlags } from "../common-flags";
import { plansOfFiles } from "../create-from-files";
import { getObject } from "../targets";
import { resourcePath } from "../discovery";
import { ApiFailure } from "../failure";

const KNOWN_VERBS = [
  "get",
  "list",
  "watch",
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
  "use",
  "bind",
  "impersonate",
  "*",
  "approve",
  "sign",
  "escalate",
  "attest",
];

const canI = defineKubectlCommand({
  use: "can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
  short: "Check whether an action is allowed",
  long: "Check whether an action is allowed.\n\n VERB is a Kubernetes API verb such as 'get' or 'delete'; TYPE is a resource. The exit code is 0 for yes and 1 for no.",
  flags: {
    "all-namespaces": allNamespacesFlag,
    list: boolFlag(false, "If true, prints all allowed actions."),
    "no-headers": boolFlag(false, "If true, prints allowed actions without headers"),
    quiet: boolFlag(false, "If true, suppress output and just return the exit code.", { shorthand: "q" }),
    subresource: stringFlag("", "SubResource such as pod/log or deployment/scale"),
  },
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (flags.list) {
      if (args.length > 0) fail("list option must be specified with no arguments");
      return yield* listRules(factory, flags["no-headers"]);
    }
    if (args.length < 2 && !(args.length === 2 || args[1]?.startsWith("/"))) {
      throw new CommandFailure(
        "error: you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
        { raw: true },
      );
    }
    const [verb, target = ""] = args as [string, string?];
    const namespace = flags["all-namespaces"] ? "" : factory.namespace;
    const attributes: Record<string, unknown> = {};
    const warnings: string[] = [];
    if (target.startsWith("/")) attributes["nonResourceAttributes"] = { path: target, verb };
    else {
      if (!KNOWN_VERBS.includes(verb)) warnings.push(`verb '${verb}' is not a known verb`);
      const [type = "", name] = target.split("/");
      const resource = yield* resourceOf(factory, type, namespace, warnings);
      attributes["resourceAttributes"] = {
        ...(namespace ? { namespace } : {}),
        verb,
        ...(resource.group ? { group: resource.group } : {}),
        resource: resource.resource,
        ...(flags.subresource ? { subresource: flags.subresource } : {}),
        ...(name ? { name } : {}),
      };
    }
    if (!flags.quiet) for (const warning of warnings) yield* process.printError(`Warning: ${warning}\n\n`);
    const review = yield* factory.client.json<KubeObject>(
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {
        body: {
          kind: "SelfSubjectAccessReview",
          apiVersion: "authorization.k8s.io/v1",
          metadata: {},
          spec: attributes,
        },
      },
    );
    const status: Part = review["status"] ?? {};
    if (!flags.quiet) {
      const reason = status.reason && !status.allowed ? ` - ${status.reason}` : "";
      const problem = status.evaluationError ? ` - ${status.evaluationError}` : "";
      yield* process.print(status.allowed ? "yes\n" : `no${reason}${problem}\n`);
    }
    return status.allowed ? 0 : 1;
  },
});

function* resourceOf(
  factory: Factory,
  type: string,
  namespace: string,
  warnings: string[],
): Task<{ readonly group: string; readonly resource: string }> {
  if (type === "*") return { group: "*", resource: "*" };
  const discovery = yield* factory.discovery();
  try {
    const mapping = discovery.forArgument(type);
    if (!mapping.namespaced && namespace !== "") {
      warnings.push(
        mapping.group
          ? `resource '${mapping.resource}' is not namespace scoped in group '${mapping.group}'`
          : `resource '${mapping.resource}' is not namespace scoped`,
      );
    }
    return mapping;
  } catch (error) {
    if (!isFailure(error)) throw error;
    const [resource = "", ...group] = type.split(".");
    warnings.push(
      group.length === 0
        ? `the server doesn't have a resource type '${resource}'`
        : `the server doesn't have a resource type '${resource}' in group '${group.join(".")}'`,
    );
    return { resource, group: group.join(".") };
  }
}

function* listRules(factory: Factory, noHeaders: boolean): Task<number> {
  const review = yield* factory.client.json<KubeObject>(
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    {
      body: {
        kind: "SelfSubjectRulesReview",
        apiVersion: "authorization.k8s.io/v1",
        metadata: {},
        spec: { namespace: factory.namespace },
      },
    },
  );
  const status: Part = review["status"] ?? {};
  const rules = [...(status.resourceRules ?? []), ...(status.nonResourceRules ?? [])];
  if (status.incomplete) {
    yield* factory.process.printError(`warning: the list may be incomplete: ${status.evaluationError ?? ""}\n`);
  }
  const head = noHeaders ? "" : "Resources\tNon-Resource URLs\tResource Names\tVerbs\n";
  yield* factory.process.print(
    tabulate(
      head +
        ruleRows(rules)
          .map((row) => `${row.join("\t")}\n`)
          .join(""),
      KUBECTL_TABLE,
    ),
  );
  return 0;
}

const whoami = defineKubectlCommand({
  use: "whoami",
  short: "Experimental: Check self subject attributes",
  long: "Experimental: Check who you are and your attributes (groups, extra).",
  flags: printFlags,
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    const printer = printerFor(process, outputRequest(flags));
    const review = yield* factory.client.json<KubeObject>("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      body: { kind: "SelfSubjectReview", apiVersion: "authentication.k8s.io/v1", metadata: {} },
    });
    if (printer) {
      yield* process.print(printer.print(review));
      return 0;
    }
    const user: Part = review["status"]?.userInfo ?? {};
    const list = (values: readonly string[] | undefined): string => `[${(values ?? []).join(" ")}]`;
    const rows = [
      ...(user.username ? [`Username\t${user.username}\n`] : []),
      ...(user.uid ? [`UID\t${user.uid}\n`] : []),
      ...(user.groups?.length ? [`Groups\t${list(user.groups)}\n`] : []),
      ...Object.keys(user.extra ?? {})
        .sort()
        .map((key) => `Extra: ${key}\t${list(user.extra[key])}\n`),
    ];
    yield* process.print(tabulate(`ATTRIBUTE\tVALUE\n${rows.join("")}`, KUBECTL_TABLE));
    return 0;
  },
});

const reconcile = defineKubectlCommand({
  use: "reconcile -f FILENAME",
  short: "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
  flags: { ...fileFlags, ...printFlags },
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { plans, failures } = yield* plansOfFiles(invocation, factory);
    for (const failure of failures) throw failure;
    for (const plan of plans) {
      if (plan.kind !== "file" || plan.mapping.group !== "rbac.authorization.k8s.io") continue;
      let current: KubeObject | undefined;
      try {
        current = yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
      } catch (error) {
        if (!(error instanceof ApiFailure && error.isNotFound)) throw error;
      }
      const path = resourcePath(plan.mapping, plan.namespace, current ? plan.name : undefined);
      if (!current) yield* factory.client.json("POST", path, { body: plan.object });
      else {
        // Rules and subjects are only ever added.
        const field = plan.object["rules"] ? "rules" : "subjects";
        const known: readonly Part[] = current[field] ?? [];
        const added = ((plan.object[field] ?? []) as readonly Part[]).filter(
          (each) => !known.some((old) => JSON.stringify(old) === JSON.stringify(each)),
        );
        yield* factory.client.json("PUT", path, { body: { ...current, [field]: [...known, ...added] } });
      }
      yield* invocation.process.print(
        `${plan.mapping.kind.toLowerCase()}.${plan.mapping.group}/${plan.name} reconciled\n`,
      );
    }
    return 0;
  },
});

export const auth = defineKubectlCommand({
  use: "auth",
  short: "Inspect authorization",
  group: "Troubleshooting and Debugging Commands",
  long: "Inspect authorization.",
  flagsInUseLine: true,
  commands: [canI, reconcile, whoami],
});
