/** Roles, ClusterRoles and their bindings. */
import { deepEqual } from "../../../base/json";
import { type FieldError, invalid, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, wide } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { pathSegmentName } from "../../apimachinery/validation";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../types.generated";

export type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from "../types.generated";

const GROUP = "rbac.authorization.k8s.io";
const createdAt = column<Role | ClusterRole>("Created At", ({ metadata }) => metadata.creationTimestamp, {
  type: "date",
});

function validateRules(rules: readonly Draft[] | undefined, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  (rules ?? []).forEach((rule, i) => {
    const at = `rules[${i}]`;
    if (!rule.verbs?.length) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (rule.nonResourceURLs?.length) {
      if (namespaced)
        errors.push(
          invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"),
        );
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.push(
          invalid(
            `${at}.nonResourceURLs`,
            rule.nonResourceURLs,
            "rules cannot apply to both regular resources and non-resource URLs",
          ),
        );
      }
      return;
    }
    if (!rule.apiGroups?.length)
      errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (!rule.resources?.length)
      errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
  });
  return errors;
}

export const role = defineResource<Role>({
  group: GROUP,
  version: "v1",
  kind: "Role",
  plural: "roles",
  namespaced: true,
  schema: "rbac.v1.Role",
  nameRule: "path-segment",
  allowCreateOnUpdate: true,
  validate: ({ rules }) => validateRules(rules, true),
  columns: [nameColumn, createdAt],
});

export const clusterRole = defineResource<ClusterRole>({
  group: GROUP,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  schema: "rbac.v1.ClusterRole",
  nameRule: "path-segment",
  allowCreateOnUpdate: true,
  validate: ({ rules }) => validateRules(rules, false),
  columns: [nameColumn, createdAt],
});

function defaultBinding(draft: Draft): void {
  if (draft.roleRef && !Object.isFrozen(draft.roleRef)) draft.roleRef.apiGroup ??= GROUP;
  if (Object.isFrozen(draft.subjects)) return;
  for (const subject of draft.subjects ?? []) {
    if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ??= GROUP;
    else if (subject.kind === "ServiceAccount" && subject.apiGroup === "") delete subject.apiGroup;
  }
}

function validateBinding({ roleRef, subjects }: Draft, kinds: readonly string[], namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!kinds.includes(roleRef?.kind)) errors.push(notSupported("roleRef.kind", roleRef?.kind ?? "", kinds));
  if (!roleRef?.name) errors.push(required("roleRef.name"));
  else for (const message of pathSegmentName(roleRef.name)) errors.push(invalid("roleRef.name", roleRef.name, message));
  (subjects ?? []).forEach((subject: Draft, i: number) => {
    const at = `subjects[${i}]`;
    if (!subject.name) errors.push(required(`${at}.name`));
    if (subject.kind === "ServiceAccount") {
      if (!namespaced && !subject.namespace) errors.push(required(`${at}.namespace`));
    } else if (subject.kind !== "User" && subject.kind !== "Group") {
      errors.push(notSupported(`${at}.kind`, subject.kind ?? "", ["ServiceAccount", "User", "Group"]));
    }
  });
  return errors;
}

const sameRole = (object: Draft, old: Draft): FieldError[] =>
  deepEqual(object.roleRef, old.roleRef) ? [] : [invalid("roleRef", object.roleRef, "cannot change roleRef")];

const names = (kind: string) => (binding: RoleBinding | ClusterRoleBinding) =>
  (binding.subjects ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === "ServiceAccount" ? `${s.namespace ?? ""}/${s.name}` : s.name))
    .join(", ");

const bindingColumns = [
  nameColumn,
  column<RoleBinding | ClusterRoleBinding>("Role", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  column<RoleBinding | ClusterRoleBinding>("Users", names("User"), wide),
  column<RoleBinding | ClusterRoleBinding>("Groups", names("Group"), wide),
  column<RoleBinding | ClusterRoleBinding>("ServiceAccounts", names("ServiceAccount"), wide),
];

export const roleBinding = defineResource<RoleBinding>({
  group: GROUP,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true,
  schema: "rbac.v1.RoleBinding",
  nameRule: "path-segment",
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ["Role", "ClusterRole"], true),
  validateUpdate: sameRole,
  columns: bindingColumns,
});

export const clusterRoleBinding = defineResource<ClusterRoleBinding>({
  group: GROUP,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  schema: "rbac.v1.ClusterRoleBinding",
  nameRule: "path-segment",
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ["ClusterRole"], false),
  validateUpdate: sameRole,
  columns: bindingColumns,
});
