/** Groups, versions and kinds, and the `apps/v1` notation. */

export interface GroupVersion {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
}

export interface GroupVersionKind extends GroupVersion {
  readonly kind: string;
}

/** Reads `v1` or `apps/v1`. */
export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Writes `v1` or `apps/v1`. */
export const formatApiVersion = (group: string, version: string): string => (group ? `${group}/${version}` : version);

/** `deployments.apps`, `pods`: how messages and RBAC name a resource. */
export const formatGroupResource = (group: string, resource: string): string =>
  group ? `${resource}.${group}` : resource;

/** `Deployment.apps`, `Pod`: how messages name a kind. */
export const formatGroupKind = formatGroupResource;
