/** What the server serves, from its discovery documents, and which of it a word on the command line means. */
import type { Task } from "../../base/task";
import { fail } from "./failure";
import type { RestClient } from "./rest";

/** One resource in one group version. */
export interface ResourceMapping {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

interface ApiResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly singularName: string;
    readonly namespaced: boolean;
    readonly kind: string;
    readonly verbs?: readonly string[];
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

interface ApiGroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
    readonly preferredVersion: { readonly version: string };
  }[];
}

export const apiVersionOf = (mapping: Pick<ResourceMapping, "group" | "version">): string =>
  mapping.group ? `${mapping.group}/${mapping.version}` : mapping.version;

/** "deployments.apps" */
export const groupResource = (mapping: ResourceMapping): string =>
  mapping.group ? `${mapping.resource}.${mapping.group}` : mapping.resource;

/** "deployment.apps/web": how results are named. */
export function qualifiedName(mapping: Pick<ResourceMapping, "group" | "kind">, name: string): string {
  const kind = mapping.kind.toLowerCase();
  return mapping.group ? `${kind}.${mapping.group}/${name}` : `${kind}/${name}`;
}

export interface GroupVersionNames {
  readonly group: string;
  readonly versions: readonly string[];
  readonly preferred: string;
}

/** What was read of a server, by its list of groups. */
const loaded = new WeakMap<object, Discovery>();

/** Discovery's answer, in the server's order: the core group first. */
export class Discovery {
  readonly groups: readonly GroupVersionNames[];
  readonly resources: readonly ResourceMapping[];

  constructor(groups: readonly GroupVersionNames[], resources: readonly ResourceMapping[]) {
    this.groups = groups;
    this.resources = resources;
  }

  static *load(client: RestClient): Task<Discovery> {
    const core = yield* client.get<{ versions: readonly string[] }>("/api", { timeout: "32s" });
    const list = yield* client.get<ApiGroupList>("/apis", { timeout: "32s" });
    // A server sends the very same list until what it serves changes: what was read from it then stands for its groups'
    // lists too, as the copy on disk does upstream.
    const known = loaded.get(list);
    if (known) return known;
    const groups: GroupVersionNames[] = [
      { group: "", versions: core.versions, preferred: core.versions[0] ?? "v1" },
      ...list.groups.map((group) => ({
        group: group.name,
        versions: group.versions.map((each) => each.version),
        preferred: group.preferredVersion.version,
      })),
    ];
    const resources: ResourceMapping[] = [];
    for (const { group, versions } of groups) {
      for (const version of versions) {
        const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
        const answer = yield* client.get<ApiResourceList>(path, { timeout: "32s" });
        resources.push(...mappings(group, version, answer));
      }
    }
    const discovery = new Discovery(groups, resources);
    loaded.set(list, discovery);
    return discovery;
  }

  /** The mapping of an object's apiVersion and kind. */
  forKind(apiVersion: string, kind: string): ResourceMapping | undefined {
    return this.resources.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  }

  /** `pods`, `po`, `deploy.apps`, `deployments.v1.apps`, `Pod`. */
  forArgument(argument: string): ResourceMapping {
    const word = argument.toLowerCase();
    const dots = word.split(".");
    const full = dots.length >= 3 ? this.#find(dots[0]!, dots.slice(2).join("."), dots[1]!) : undefined;
    const found = full ?? this.#find(dots[0]!, dots.slice(1).join("."));
    if (found) return found;
    const [kind, ...rest] = argument.split(".");
    const byKind = this.#preferred(
      (each) =>
        each.kind === kind &&
        (rest.length === 0 || each.group === rest.join(".") || rest.join(".") === `${each.version}.${each.group}`),
    );
    return byKind ?? fail(`the server doesn't have a resource type "${dots[0]}"`);
  }

  /** Members of a category such as "all", in the server's order; undefined when there is none. */
  category(name: string): readonly ResourceMapping[] | undefined {
    const members = this.resources.filter((each) => each.categories.includes(name) && this.#isPreferred(each));
    return members.length > 0 ? members : undefined;
  }

  /** Resources of other groups with the same short name, which the first one hides. */
  hiddenBehind(shortName: string): readonly ResourceMapping[] {
    const isName = (each: ResourceMapping): boolean => each.resource === shortName || each.singular === shortName;
    if (shortName.includes(".") || this.resources.some(isName)) return [];
    const [first, ...others] = this.preferredResources().filter((each) => each.shortNames.includes(shortName));
    return others.filter((each) => each.group !== first!.group);
  }

  #find(resource: string, group: string, version?: string): ResourceMapping | undefined {
    const inGroup = (each: ResourceMapping): boolean =>
      version === undefined
        ? group === "" || each.group.startsWith(group)
        : each.group === group && each.version === version;
    const named = (match: (each: ResourceMapping) => boolean): ResourceMapping | undefined =>
      version === undefined
        ? this.#preferred((each) => match(each) && inGroup(each))
        : this.resources.find((each) => match(each) && inGroup(each));
    // Names beat short names, whatever the group.
    return (
      named((each) => each.resource === resource || each.singular === resource) ??
      named((each) => each.shortNames.includes(resource))
    );
  }

  #preferred(match: (each: ResourceMapping) => boolean): ResourceMapping | undefined {
    return this.resources.find((each) => match(each) && this.#isPreferred(each)) ?? this.resources.find(match);
  }

  #isPreferred(mapping: ResourceMapping): boolean {
    return this.groups.some((group) => group.group === mapping.group && group.preferred === mapping.version);
  }

  /** Resources of preferred versions only, subresources apart: what api-resources lists. */
  preferredResources(): readonly ResourceMapping[] {
    return this.resources.filter((each) => this.#isPreferred(each));
  }
}

function mappings(group: string, version: string, list: ApiResourceList): ResourceMapping[] {
  return list.resources
    .filter((each) => !each.name.includes("/"))
    .map((each) => ({
      group,
      version,
      resource: each.name,
      singular: each.singularName || each.kind.toLowerCase(),
      kind: each.kind,
      namespaced: each.namespaced,
      shortNames: each.shortNames ?? [],
      categories: each.categories ?? [],
      verbs: each.verbs ?? [],
      subresources: list.resources
        .filter((sub) => sub.name.startsWith(`${each.name}/`))
        .map((sub) => sub.name.slice(each.name.length + 1)),
    }));
}

/** `/apis/apps/v1/namespaces/default/deployments/web/scale` */
export function resourcePath(
  mapping: ResourceMapping,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root = mapping.group ? `/apis/${mapping.group}/${mapping.version}` : `/api/${mapping.version}`;
  const scope = mapping.namespaced && namespace ? `/namespaces/${encodePath(namespace)}` : "";
  const tail = name === undefined ? "" : `/${encodePath(name)}${subresource ? `/${subresource}` : ""}`;
  return `${root}${scope}/${mapping.resource}${tail}`;
}

/** The server reads decoded paths; only a slash would change their meaning. */
const encodePath = (text: string): string => text.replaceAll("%", "%25").replaceAll("/", "%2F");
