/** Describes Roles, ClusterRoles and their bindings. */
import { compareStrings } from "../../../text/strconv";
import type { Describer } from "./describer";
import { type Part, writeAnnotations, writeLabels } from "./page";

const roleLike = (kind: string): Describer => ({
  group: "rbac.authorization.k8s.io",
  kind,
  withoutEvents: true,
  *describe(w, role) {
    w.write(0, `Name:\t${role.metadata.name}\n`);
    writeLabels(w, "Labels", role.metadata.labels);
    writeAnnotations(w, "Annotations", role.metadata.annotations);
    w.write(0, "PolicyRule:\n");
    w.write(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
    w.write(1, "---------\t-----------------\t--------------\t-----\n");
    for (const row of ruleRows(role.rules ?? [])) w.write(1, `${row.join("\t")}\n`);
  },
});

interface SimpleRule {
  readonly group: string | undefined;
  readonly resource: string | undefined;
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly verbs: string[];
}

/** Rules taken apart to one resource or URL each, verbs of one resource gathered, in the order of their Go text. */
export function ruleRows(rules: readonly Part[]): string[][] {
  const simple: SimpleRule[] = [];
  const add = (rule: Omit<SimpleRule, "verbs">, verb: string): void => {
    const known =
      rule.url === undefined
        ? simple.find(
            (each) =>
              each.url === undefined &&
              each.group === rule.group &&
              each.resource === rule.resource &&
              each.name === rule.name,
          )
        : undefined;
    if (!known) simple.push({ ...rule, verbs: [verb] });
    else if (!known.verbs.includes(verb)) known.verbs.push(verb);
  };
  for (const rule of rules) {
    const verbs: readonly string[] = rule.verbs ?? [];
    const names: readonly (string | undefined)[] = rule.resourceNames?.length ? rule.resourceNames : [undefined];
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        for (const verb of verbs) for (const name of names) add({ group, resource, name, url: undefined }, verb);
      }
    }
    for (const url of rule.nonResourceURLs ?? []) {
      for (const verb of verbs) add({ group: undefined, resource: undefined, name: undefined, url }, verb);
    }
  }
  return simple
    .sort((a, b) => compareStrings(goText(a), goText(b)))
    .map((each) => [
      each.resource === undefined ? "" : combined(each.resource, each.group ?? ""),
      `[${each.url ?? ""}]`,
      `[${each.name ?? ""}]`,
      `[${each.verbs.join(" ")}]`,
    ]);
}

/** The rule as Go prints it: kubectl sorts by this text. */
const goText = (rule: SimpleRule): string =>
  `Verbs:[${rule.verbs.join(" ")}],APIGroups:[${rule.group ?? ""}],Resources:[${rule.resource ?? ""}],ResourceNames:[${rule.name ?? ""}],NonResourceURLs:[${rule.url ?? ""}],`;

/** "deployments.apps/scale" */
function combined(resource: string, group: string): string {
  if (group === "") return resource;
  const [name, ...rest] = resource.split("/");
  return [`${name}.${group}`, ...rest].join("/");
}

const bindingLike = (kind: string): Describer => ({
  group: "rbac.authorization.k8s.io",
  kind,
  withoutEvents: true,
  *describe(w, binding) {
    w.write(0, `Name:\t${binding.metadata.name}\n`);
    writeLabels(w, "Labels", binding.metadata.labels);
    writeAnnotations(w, "Annotations", binding.metadata.annotations);
    w.write(0, "Role:\n");
    w.write(1, `Kind:\t${binding.roleRef.kind}\n`);
    w.write(1, `Name:\t${binding.roleRef.name}\n`);
    w.write(0, "Subjects:\n");
    w.write(1, "Kind\tName\tNamespace\n");
    w.write(1, "----\t----\t---------\n");
    for (const subject of binding.subjects ?? [])
      w.write(1, `${subject.kind}\t${subject.name}\t${subject.namespace ?? ""}\n`);
  },
});

export const roleDescriber = roleLike("Role");
export const clusterRoleDescriber = roleLike("ClusterRole");
export const roleBindingDescriber = bindingLike("RoleBinding");
export const clusterRoleBindingDescriber = bindingLike("ClusterRoleBinding");
