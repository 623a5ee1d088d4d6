/** Which resource a request is about, with the type of its objects: the group, version and plural of its path. */
import type { KubeObject } from "../apimachinery/object";
import type { ResourceDefinition } from "../apimachinery/resource";

export interface ResourceType<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  /** Carries the object's type; never set. */
  readonly __object?: T;
}

/** A resource type by its names; `apiVersion` as objects state it. */
export function resourceType<T extends KubeObject = KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  namespaced = true,
): ResourceType<T> {
  const slash = apiVersion.indexOf("/");
  return Object.freeze({
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: slash < 0 ? apiVersion : apiVersion.slice(slash + 1),
    plural,
    kind,
    namespaced,
    apiVersion,
  });
}

/** The resource type of a definition, at the version it is stored as or another one that it is served as. */
export const typeOfResource = <T extends KubeObject>(
  { group, version, kind, plural, namespaced }: ResourceDefinition<T>,
  served?: { readonly group: string; readonly version: string },
): ResourceType<T> => {
  const g = served?.group ?? group;
  const v = served?.version ?? version;
  return resourceType<T>(g ? `${g}/${v}` : v, kind, plural, namespaced);
};

/** `/api/v1/namespaces/default/pods/web/status`. Without a name: the collection. */
export function pathOf(type: ResourceType, namespace?: string, name?: string, subresource?: string): string {
  let path = type.group ? `/apis/${type.group}/${type.version}` : `/api/${type.version}`;
  if (type.namespaced && namespace) path += `/namespaces/${namespace}`;
  path += `/${type.plural}`;
  if (name !== undefined) path += `/${name}`;
  if (subresource) path += `/${subresource}`;
  return path;
}

/** client-go's cache key: `namespace/name`, or the name alone. */
export const keyOf = ({ metadata }: KubeObject): string =>
  metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;

/** The two parts of a cache key. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
