/** kubectl create role, clusterrole, rolebinding, clusterrolebinding */
import type { Task } from "../../../../base/task";
import { stringArrayFlag, stringFlag, stringSliceFlag, stringToStringFlag } from "../../../../cli/flags";
import { defineCreateCommand } from "../../create-object";
import type { Factory } from "../../factory";
import { CommandFailure, fail } from "../../failure";
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, RBAC_GROUP, ROLE, ROLE_BINDING } from "./made-kinds";

const API_VERSION = `${RBAC_GROUP}/v1`;
const STANDARD_VERBS = ["get", "delete", "list", "create", "update", "patch", "watch", "deletecollection", "*"];
const SPECIAL_VERBS = ["use", "bind", "impersonate", "escalate", "approve", "sign", "attest", "proxy"];

const ruleFlags = {
  resource: stringSliceFlag([], "Resource that the rule applies to"),
  "resource-name": stringArrayFlag(
    [],
    "Resource in the white list that the rule applies to, repeat this flag for multiple items",
  ),
  verb: stringSliceFlag([], "Verb that applies to the resources contained in the rule"),
};

interface RuleFlags {
  readonly resource: readonly string[];
  readonly "resource-name": readonly string[];
  readonly verb: readonly string[];
}

/** One rule for each API group among the resources, in the order they were named. */
function* resourceRules(factory: Factory, flags: RuleFlags): Task<Record<string, unknown>[]> {
  const verbs = flags.verb.includes("*") ? ["*"] : [...new Set(flags.verb)];
  for (const verb of verbs) {
    if (STANDARD_VERBS.includes(verb) || SPECIAL_VERBS.includes(verb)) continue;
    yield* factory.process.printError(`Warning: '${verb}' is not a standard resource verb\n`);
  }
  const discovery = yield* factory.discovery();
  const byGroup = new Map<string, string[]>();
  for (const word of [...new Set(flags.resource)]) {
    const slash = word.indexOf("/");
    const name = slash < 0 ? word : word.slice(0, slash);
    const subresource = slash < 0 ? "" : word.slice(slash);
    if (name === "*") {
      byGroup.set("*", [...(byGroup.get("*") ?? []), `*${subresource}`]);
      continue;
    }
    let mapping: ReturnType<typeof discovery.forArgument>;
    try {
      mapping = discovery.forArgument(name);
    } catch (error) {
      // The mapper's own error reaches the screen without "error: ".
      if (error instanceof CommandFailure)
        throw new CommandFailure(`the server doesn't have a resource type "${name.split(".")[0]}"`, { raw: true });
      throw error;
    }
    byGroup.set(mapping.group, [...(byGroup.get(mapping.group) ?? []), mapping.resource + subresource]);
  }
  const names = flags["resource-name"];
  return [...byGroup].map(([group, resources]) => ({
    verbs,
    apiGroups: [group],
    resources,
    ...(names.length > 0 ? { resourceNames: names } : {}),
  }));
}

export const createRole = defineCreateCommand({
  use: "role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]",
  short: "Create a role with single rule",
  made: ROLE,
  flags: ruleFlags,
  *build({ flags }, name, factory) {
    if (flags.verb.length === 0) fail("at least one verb must be specified");
    if (flags.resource.length === 0) fail("at least one resource must be specified");
    return { kind: "Role", apiVersion: API_VERSION, metadata: { name }, rules: yield* resourceRules(factory, flags) };
  },
});

export const createClusterRole = defineCreateCommand({
  use: "clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]",
  short: "Create a cluster role",
  made: CLUSTER_ROLE,
  flags: {
    ...ruleFlags,
    "aggregation-rule": stringToStringFlag("An aggregation label selector for combining ClusterRoles."),
    "non-resource-url": stringSliceFlag([], "A partial url that user should have access to."),
  },
  *build({ flags }, name, factory) {
    const aggregated = Object.keys(flags["aggregation-rule"]).length > 0;
    const urls = flags["non-resource-url"];
    if (aggregated) {
      if (flags.verb.length + urls.length + flags.resource.length + flags["resource-name"].length > 0) {
        fail("aggregation rule must be specified without nonResourceURLs, resources, verbs and resourceNames");
      }
      return {
        kind: "ClusterRole",
        apiVersion: API_VERSION,
        metadata: { name },
        rules: null,
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: flags["aggregation-rule"] }] },
      };
    }
    if (flags.verb.length === 0) fail("at least one verb must be specified");
    if (flags.resource.length === 0 && urls.length === 0) fail("one of resource or nonResourceURL must be specified");
    const rules = flags.resource.length > 0 ? yield* resourceRules(factory, flags) : [];
    if (urls.length > 0) rules.push({ verbs: [...new Set(flags.verb)], nonResourceURLs: urls });
    return { kind: "ClusterRole", apiVersion: API_VERSION, metadata: { name }, rules };
  },
});

const subjectFlags = {
  group: stringArrayFlag([], "Groups to bind to the role. The flag can be repeated to add multiple groups."),
  serviceaccount: stringArrayFlag(
    [],
    "Service accounts to bind to the role, in the format <namespace>:<name>. The flag can be repeated to add multiple service accounts.",
  ),
  user: stringArrayFlag([], "Usernames to bind to the role. The flag can be repeated to add multiple users."),
};

function subjects(flags: { readonly [K in keyof typeof subjectFlags]: readonly string[] }): Record<string, unknown>[] {
  return [
    ...flags.user.map((name) => ({ kind: "User", apiGroup: RBAC_GROUP, name })),
    ...flags.group.map((name) => ({ kind: "Group", apiGroup: RBAC_GROUP, name })),
    ...flags.serviceaccount.map((text) => {
      const [namespace, name, ...more] = text.split(":");
      if (!namespace || !name || more.length > 0) fail("serviceaccount must be <namespace>:<name>");
      return { kind: "ServiceAccount", name, namespace };
    }),
  ];
}

const withSubjects = (list: readonly unknown[]): Record<string, unknown> => (list.length > 0 ? { subjects: list } : {});

export const createRoleBinding = defineCreateCommand({
  use: "rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
  short: "Create a role binding for a particular role or cluster role",
  made: ROLE_BINDING,
  failure: "failed to create rolebinding",
  flags: {
    ...subjectFlags,
    clusterrole: stringFlag("", "ClusterRole this RoleBinding should reference"),
    role: stringFlag("", "Role this RoleBinding should reference"),
  },
  *build({ flags }, name) {
    if ((flags.clusterrole === "") === (flags.role === ""))
      fail("exactly one of clusterrole or role must be specified");
    const roleRef = flags.role
      ? { apiGroup: RBAC_GROUP, kind: "Role", name: flags.role }
      : { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: flags.clusterrole };
    return {
      kind: "RoleBinding",
      apiVersion: API_VERSION,
      metadata: { name },
      ...withSubjects(subjects(flags)),
      roleRef,
    };
  },
});

export const createClusterRoleBinding = defineCreateCommand({
  use: "clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
  short: "Create a cluster role binding for a particular cluster role",
  made: CLUSTER_ROLE_BINDING,
  failure: "failed to create clusterrolebinding",
  flags: {
    ...subjectFlags,
    clusterrole: stringFlag("", "ClusterRole this ClusterRoleBinding should reference", { required: true }),
  },
  *build({ flags }, name) {
    return {
      kind: "ClusterRoleBinding",
      apiVersion: API_VERSION,
      metadata: { name },
      ...withSubjects(subjects(flags)),
      roleRef: { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: flags.clusterrole },
    };
  },
});
