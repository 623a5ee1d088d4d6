/** What may be done: the Node authorizer and RBAC, asked for every request. Decisions are kept until a rule changes. */
import type { KubeObject } from "../apimachinery/object";
import type { UserInfo } from "./scope";
import type { ResourceStorage } from "./storage";

export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

interface PolicyRule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface RbacStorages {
  readonly roles: ResourceStorage;
  readonly roleBindings: ResourceStorage;
  readonly clusterRoles: ResourceStorage;
  readonly clusterRoleBindings: ResourceStorage;
  readonly pods: ResourceStorage;
}

/** What one binding gives to a user. */
interface Grant {
  readonly rules: readonly PolicyRule[];
  /** Which binding, of which role, to whom: told only to those who ask. */
  reason(): string;
}

const MASTERS = "system:masters";
const YES: Decision = Object.freeze({ allowed: true, reason: "" });
/** No object has this name, so a rule that allows it allows every name. */
const NAMELESS = "\u0000";
/** What nodes may read only where a Pod of theirs refers to it. */
const LIMITED: ReadonlySet<string> = new Set(["secrets", "configmaps", "persistentvolumeclaims", "persistentvolumes"]);

function subjectText(subject: Subject, binding: KubeObject, user: UserInfo): string {
  if (subject.kind === "User") return `User ${JSON.stringify(user.name)}`;
  if (subject.kind === "Group") return `Group ${JSON.stringify(subject.name)}`;
  const namespace = subject.namespace || binding.metadata.namespace || "";
  return `ServiceAccount ${JSON.stringify(`${subject.name}/${namespace}`)}`;
}

export class Authorizer {
  readonly #storages: RbacStorages;
  readonly #decisions = new Map<string, Decision>();
  /** Whether a user may do something whatever the object's name is, by user and then by the rest. */
  readonly #verdicts = new Map<UserInfo, Map<string, boolean>>();
  readonly #grants = new Map<UserInfo, Map<string, readonly Grant[]>>();
  #rulesVersion = 0;

  constructor(storages: RbacStorages) {
    this.#storages = storages;
    const forget = (): void => {
      this.#rulesVersion++;
      if (this.#decisions.size > 0) this.#decisions.clear();
      if (this.#verdicts.size > 0) this.#verdicts.clear();
      if (this.#grants.size > 0) this.#grants.clear();
    };
    for (const storage of [
      storages.roles,
      storages.roleBindings,
      storages.clusterRoles,
      storages.clusterRoleBindings,
    ]) {
      storage.onEvent(forget);
    }
  }

  /** Grows whenever a role or a binding changes. */
  get rulesVersion(): number {
    return this.#rulesVersion;
  }

  /**
   * As authorize(), for those who want no reason for a yes. Rules that name no object decide alike for all of them, so
   * that a user's second Pod costs one look.
   */
  decide(attributes: AuthorizationAttributes): Decision {
    const { user, isResource, resource, group } = attributes;
    const isLimited = group === "" && LIMITED.has(resource) && user.name.startsWith("system:node:");
    if (!isResource || isLimited) return this.authorize(attributes);
    let verdicts = this.#verdicts.get(user);
    if (!verdicts) {
      verdicts = new Map();
      if (this.#verdicts.size >= 1000) this.#verdicts.clear();
      this.#verdicts.set(user, verdicts);
    }
    const key = `${attributes.verb} ${group}/${resource}/${attributes.subresource} ${attributes.namespace}`;
    let verdict = verdicts.get(key);
    if (verdict === undefined) {
      verdict = this.authorize({ ...attributes, name: NAMELESS }).allowed;
      verdicts.set(key, verdict);
    }
    return verdict ? YES : this.authorize(attributes);
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const { user } = attributes;
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: "" };
    if (user.groups.includes("system:nodes") && user.name.startsWith("system:node:")) {
      const byNode = this.#nodeAuthorizer(attributes);
      if (byNode) return byNode;
    }
    const key = `${user.name}|${user.groups.join(",")}|${attributes.verb}|${attributes.isResource ? `${attributes.group}/${attributes.resource}/${attributes.subresource}|${attributes.namespace}|${attributes.name}` : attributes.path}`;
    let decision = this.#decisions.get(key);
    if (!decision) {
      decision = this.#rbac(attributes);
      if (this.#decisions.size > 20_000) this.#decisions.clear();
      this.#decisions.set(key, decision);
    }
    return decision;
  }

  /** Every rule that applies to a user in a namespace, for SelfSubjectRulesReview and escalation checks. */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    const places = namespace ? ["", namespace] : [""];
    return places.flatMap((place) => this.#grantsOf(user, place).flatMap((grant) => grant.rules));
  }

  #rbac(attributes: AuthorizationAttributes): Decision {
    const { user, namespace } = attributes;
    for (const place of namespace ? ["", namespace] : [""])
      for (const { rules, reason } of this.#grantsOf(user, place))
        for (const rule of rules)
          if (ruleAllows(rule, attributes)) return { allowed: true, reason: `RBAC: allowed by ${reason()}` };
    return { allowed: false, reason: "" };
  }

  /** Roles that bindings in a namespace (cluster-wide ones: "") give to a user, in the order they are looked at. */
  #grantsOf(user: UserInfo, namespace: string): readonly Grant[] {
    let byNamespace = this.#grants.get(user);
    if (!byNamespace) {
      byNamespace = new Map();
      if (this.#grants.size >= 1000) this.#grants.clear();
      this.#grants.set(user, byNamespace);
    }
    let grants = byNamespace.get(namespace);
    if (!grants) {
      grants = namespace ? this.#namespaceGrants(user, namespace) : this.#clusterGrants(user);
      byNamespace.set(namespace, grants);
    }
    return grants;
  }

  #clusterGrants(user: UserInfo): Grant[] {
    const grants: Grant[] = [];
    for (const binding of this.#storages.clusterRoleBindings.list()) {
      const subject = this.#subjectOf(binding, user);
      if (subject === undefined) continue;
      const { name } = binding.roleRef;
      grants.push({
        rules: (this.#storages.clusterRoles.get("", name)?.rules ?? []) as PolicyRule[],
        reason: () =>
          `ClusterRoleBinding ${JSON.stringify(binding.metadata.name)} of ClusterRole ${JSON.stringify(name)} to ${subjectText(subject, binding, user)}`,
      });
    }
    return grants;
  }

  #namespaceGrants(user: UserInfo, namespace: string): Grant[] {
    const grants: Grant[] = [];
    for (const binding of this.#storages.roleBindings.list(namespace)) {
      const subject = this.#subjectOf(binding, user);
      if (subject === undefined) continue;
      const { kind, name } = binding.roleRef;
      const role =
        kind === "ClusterRole" ? this.#storages.clusterRoles.get("", name) : this.#storages.roles.get(namespace, name);
      grants.push({
        rules: (role?.rules ?? []) as PolicyRule[],
        reason: () =>
          `RoleBinding ${JSON.stringify(`${binding.metadata.name}/${namespace}`)} of ${kind} ${JSON.stringify(name)} to ${subjectText(subject, binding, user)}`,
      });
    }
    return grants;
  }

  /** The subject of a binding that a user is. */
  #subjectOf(binding: KubeObject, user: UserInfo): Subject | undefined {
    for (const subject of (binding.subjects ?? []) as Subject[]) {
      if (subject.kind === "User" && subject.name === user.name) return subject;
      if (subject.kind === "Group" && user.groups.includes(subject.name)) return subject;
      if (subject.kind === "ServiceAccount" && user.name.endsWith(subject.name)) {
        const namespace = subject.namespace || binding.metadata.namespace || "";
        if (user.name === `system:serviceaccount:${namespace}:${subject.name}`) return subject;
      }
    }
    return undefined;
  }

  /**
   * Nodes may read the secrets, config maps, claims and volumes that Pods bound to them refer to; no more. What else
   * they need is in the role system:node, which is bound to nobody, as upstream.
   */
  #nodeAuthorizer(attributes: AuthorizationAttributes): Decision | undefined {
    const nodeName = attributes.user.name.slice("system:node:".length);
    const { resource, group, verb, namespace, name } = attributes;
    if (attributes.isResource && (group === "" || group === "coordination.k8s.io")) {
      const limited = group === "" && LIMITED.has(resource);
      if (limited && (verb === "get" || verb === "list" || verb === "watch")) {
        const denied: Decision = {
          allowed: false,
          reason: `no relationship found between node '${nodeName}' and this object`,
        };
        if (resource === "persistentvolumes") return undefined;
        if (!name)
          return {
            allowed: false,
            reason: `can only read ${resource === "configmaps" ? "configmap" : resource.replace(/s$/, "")} objects by name`,
          };
        const related = this.#storages.pods
          .onNode(nodeName)
          .some((pod) => pod.metadata.namespace === namespace && refersTo(pod, resource, name));
        return related ? { allowed: true, reason: "" } : denied;
      }
    }
    const role = this.#storages.clusterRoles.get("", "system:node");
    for (const rule of (role?.rules ?? []) as PolicyRule[]) {
      if (ruleAllows(rule, attributes)) return { allowed: true, reason: "" };
    }
    return undefined;
  }
}

function refersTo(pod: KubeObject, resource: string, name: string): boolean {
  const field = resource === "secrets" ? "secret" : resource === "configmaps" ? "configMap" : "persistentVolumeClaim";
  if (resource === "configmaps" && name === "kube-root-ca.crt") return true;
  for (const volume of pod.spec.volumes ?? []) {
    const source = volume[field];
    if (source && (source.name ?? source.secretName ?? source.claimName) === name) return true;
    for (const projected of volume.projected?.sources ?? []) if (projected[field]?.name === name) return true;
  }
  if (resource === "secrets" && pod.spec.imagePullSecrets?.some((s: { name: string }) => s.name === name)) return true;
  for (const container of [
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.containers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ]) {
    for (const env of container.env ?? []) if (env.valueFrom?.[`${field}KeyRef`]?.name === name) return true;
    for (const from of container.envFrom ?? []) if (from[`${field}Ref`]?.name === name) return true;
  }
  return false;
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes("*"));

export function ruleAllows(rule: PolicyRule, a: AuthorizationAttributes): boolean {
  if (!has(rule.verbs, a.verb)) return false;
  if (!a.isResource) {
    return (rule.nonResourceURLs ?? []).some(
      (url) => url === "*" || url === a.path || (url.endsWith("*") && a.path.startsWith(url.slice(0, -1))),
    );
  }
  if (!has(rule.apiGroups, a.group)) return false;
  const resource = a.subresource ? `${a.resource}/${a.subresource}` : a.resource;
  const resources = rule.resources ?? [];
  if (
    !resources.includes("*") &&
    !resources.includes(resource) &&
    !(a.subresource && resources.includes(`*/${a.subresource}`))
  )
    return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(a.name);
}

/** The reason text of a 403. */
export function forbiddenReason(a: AuthorizationAttributes, reason: string): string {
  const user = `User ${JSON.stringify(a.user.name)} cannot ${a.verb}`;
  if (!a.isResource) return `${user} path ${JSON.stringify(a.path)}`;
  const resource = a.subresource ? `${a.resource}/${a.subresource}` : a.resource;
  const where =
    a.namespace && a.resource !== "namespaces"
      ? ` in the namespace ${JSON.stringify(a.namespace)}`
      : " at the cluster scope";
  const scope = a.namespace ? ` in the namespace ${JSON.stringify(a.namespace)}` : where;
  return `${user} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(a.group)}${scope}${reason ? `: ${reason}` : ""}`;
}
