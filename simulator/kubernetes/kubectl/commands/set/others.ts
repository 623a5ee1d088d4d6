/** kubectl set resources, selector, serviceaccount, subject */
import { stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { parseSelector } from "../../../apimachinery/labels";
import { completeResources } from "../../completion";
import type { Part } from "../../describe/page";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { applySet, podSpecOf, selectContainers, setFlags } from "../../set-command";
import { RBAC_GROUP } from "../create/made-kinds";
import { resourceList } from "../create/small";

export const setResources = defineKubectlCommand({
  use: "resources (-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
  short: "Update resource requests/limits on objects with pod templates",
  flags: {
    ...setFlags,
    containers: stringFlag(
      "*",
      "The names of containers in the selected pod templates to change, all containers are selected by default - may use wildcards",
      { shorthand: "c" },
    ),
    limits: stringFlag(
      "",
      "The resource requirement requests for this container.  For example, 'cpu=100m,memory=256Mi'.  Note that server side components may assign requests depending on the server configuration, such as limit ranges.",
    ),
    requests: stringFlag(
      "",
      "The resource requirement requests for this container.  For example, 'cpu=100m,memory=256Mi'.  Note that server side components may assign requests depending on the server configuration, such as limit ranges.",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args } = invocation;
    if (flags.limits === "" && flags.requests === "")
      fail("you must specify an update to requests or limits (in the form of --requests/--limits)");
    const limits = resourceList(flags.limits);
    const requests = resourceList(flags.requests);
    return yield* applySet(invocation, factoryOf(invocation), {
      resources: args,
      done: "resource requirements updated",
      refused: "failed to patch resources update to pod template",
      change({ object }) {
        const place = podSpecOf(object);
        if (!place) return fail(`the object is not a pod or does not have a pod template: ${object.kind}`);
        const chosen = selectContainers(place.spec.containers ?? [], flags.containers);
        if (chosen.length === 0) fail(`unable to find container named ${flags.containers}`);
        const merge = (before: Part, after: Record<string, string>): Part =>
          Object.keys(after).length > 0 ? { ...before, ...after } : before;
        const update = (container: Part): Part =>
          chosen.includes(container)
            ? {
                ...container,
                resources: {
                  ...container.resources,
                  limits: merge(container.resources?.limits, limits),
                  requests: merge(container.resources?.requests, requests),
                },
              }
            : container;
        return place.with({ ...place.spec, containers: place.spec.containers.map(update) });
      },
    });
  },
});

export const setServiceAccount = defineKubectlCommand({
  use: "serviceaccount (-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
  aliases: ["sa"],
  short: "Update the service account of a resource",
  flags: setFlags,
  completeArgs: completeResources,
  *run(invocation) {
    const { args } = invocation;
    if (args.length === 0) fail("serviceaccount is required");
    const name = args.at(-1)!;
    return yield* applySet(invocation, factoryOf(invocation), {
      resources: args.slice(0, -1),
      done: "serviceaccount updated",
      refused: "failed to patch ServiceAccountName",
      change({ object }) {
        const place = podSpecOf(object);
        return place?.with({ ...place.spec, serviceAccountName: name });
      },
    });
  },
});

export const setSelector = defineKubectlCommand({
  use: "selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
  short: "Set the selector on a resource",
  flags: {
    ...setFlags,
    "resource-version": stringFlag(
      "",
      "If non-empty, the selectors update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource.",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { args } = invocation;
    const resources = args.slice(0, -1);
    if (args.length < 2) fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    const selector = parseSelector(args.at(-1)!);
    if (!selector.ok) return fail(selector.error);
    const labels: Record<string, string> = {};
    for (const each of selector.value.requirements) {
      if (each.operator !== "=" && each.operator !== "==") fail("selector requirements may only be equality-based");
      labels[each.key] = each.values[0] ?? "";
    }
    return yield* applySet(invocation, factoryOf(invocation), {
      resources,
      done: "selector updated",
      change: ({ object }) => {
        if (object.kind !== "Service") return fail(`setting a selector is only supported for Services`);
        return { ...object, spec: { ...object["spec"], selector: labels } };
      },
    });
  },
});

export const setSubject = defineKubectlCommand({
  use: "subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
  short: "Update the user, group, or service account in a role binding or cluster role binding",
  flags: {
    ...setFlags,
    group: stringArrayFlag([], "Groups to bind to the role"),
    serviceaccount: stringArrayFlag([], "Service accounts to bind to the role"),
    user: stringArrayFlag([], "Usernames to bind to the role"),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args } = invocation;
    if (flags.user.length + flags.group.length + flags.serviceaccount.length === 0)
      fail("you must specify at least one value of user, group or serviceaccount");
    const wanted: Part[] = [
      ...flags.user.map((name) => ({ kind: "User", apiGroup: RBAC_GROUP, name })),
      ...flags.group.map((name) => ({ kind: "Group", apiGroup: RBAC_GROUP, name })),
      ...flags.serviceaccount.map((text) => {
        const [namespace, name] = text.split(":");
        if (!namespace || !name) fail("serviceaccount must be <namespace>:<name>");
        return { kind: "ServiceAccount", namespace, name };
      }),
    ];
    return yield* applySet(invocation, factoryOf(invocation), {
      resources: args,
      done: "subjects updated",
      change({ object }) {
        if (object.kind !== "RoleBinding" && object.kind !== "ClusterRoleBinding")
          return fail("setting subjects is only supported for RoleBinding/ClusterRoleBinding");
        const before: readonly Part[] = object["subjects"] ?? [];
        const isKnown = (each: Part): boolean =>
          before.some(
            (old) =>
              old.kind === each.kind && old.name === each.name && (old.namespace ?? "") === (each.namespace ?? ""),
          );
        return { ...object, subjects: [...before, ...wanted.filter((each) => !isKnown(each))] };
      },
    });
  },
});
