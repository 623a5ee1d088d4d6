/** Who controls an object: owner references, and adopting or releasing what a selector does or no longer does match. */
import { matches, type Selector } from "../apimachinery/labels";
import type { KubeObject, OwnerReference, Status } from "../apimachinery/object";
import { type Client, isInvalid, isNotFound } from "./client";
import type { Lister } from "./lister";
import type { ResourceType } from "./resource-type";

/** metav1.GetControllerOf. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  const owners = object.metadata.ownerReferences;
  if (!owners) return undefined;
  for (const owner of owners) if (owner.controller) return owner;
  return undefined;
}

/** metav1.NewControllerRef. */
export const newControllerRef = (owner: KubeObject, type: ResourceType): OwnerReference => ({
  apiVersion: type.apiVersion,
  kind: type.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid;

/** Index of what is controlled by a uid; orphans stand under their namespace (orphansIn). */
export const BY_CONTROLLER = "controller";
export const indexByController = (object: KubeObject): readonly string[] => [
  controllerOf(object)?.uid ?? orphansIn(object.metadata.namespace),
];

/** Where the orphans of a namespace stand in the index by controller. */
export const orphansIn = (namespace: string | undefined): string => `orphans in ${namespace ?? ""}`;

/** What an owner may claim: what it controls by the cache, and the orphans of its namespace. */
export function claimable<T extends KubeObject>(cache: Lister<T>, owner: KubeObject): T[] {
  const candidates = [...cache.byIndex(BY_CONTROLLER, owner.metadata.uid)];
  for (const orphan of cache.byIndex(BY_CONTROLLER, orphansIn(owner.metadata.namespace))) candidates.push(orphan);
  return candidates;
}

export interface ClaimOptions<T extends KubeObject> {
  readonly client: Client;
  /** The owner and its type. */
  readonly owner: KubeObject;
  readonly ownerType: ResourceType;
  readonly type: ResourceType<T>;
  readonly selector: Selector;
  /** Filters what may be claimed, besides the selector. */
  readonly accepts?: (object: T) => boolean;
}

export interface Claimed<T> {
  readonly claimed: readonly T[];
  readonly error?: Status;
}

/**
 * ControllerRefManager: of these candidates, those the owner controls after this call. Orphans that match are adopted,
 * unless the owner is being deleted (asked of the server, not of the cache); those that no longer match are released.
 */
export function claim<T extends KubeObject>(candidates: Iterable<T>, options: ClaimOptions<T>): Claimed<T> {
  const { client, owner, ownerType, type, selector, accepts = () => true } = options;
  const claimed: T[] = [];
  let error: Status | undefined;
  let mayAdopt: boolean | undefined;
  const adoptionAllowed = (): boolean => {
    if (mayAdopt === undefined) {
      const fresh = client.get(ownerType, owner.metadata);
      mayAdopt = fresh.ok && fresh.value.metadata.uid === owner.metadata.uid && !fresh.value.metadata.deletionTimestamp;
    }
    return mayAdopt;
  };
  for (const object of candidates) {
    const controller = controllerOf(object);
    const isMatch = matches(selector, object.metadata.labels) && accepts(object);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (isMatch) {
        claimed.push(object);
        continue;
      }
      if (owner.metadata.deletionTimestamp) continue;
      const released = client.patch(type, object.metadata, "strategic", {
        metadata: {
          uid: object.metadata.uid,
          ownerReferences: [{ $patch: "delete", uid: owner.metadata.uid }],
        },
      });
      if (!released.ok && !isNotFound(released.error) && !isInvalid(released.error)) error = released.error;
      continue;
    }
    if (!isMatch || owner.metadata.deletionTimestamp || object.metadata.deletionTimestamp) continue;
    if (object.metadata.namespace !== owner.metadata.namespace || !adoptionAllowed()) continue;
    const adopted = client.patch(type, object.metadata, "strategic", {
      metadata: { uid: object.metadata.uid, ownerReferences: [newControllerRef(owner, ownerType)] },
    });
    if (adopted.ok) claimed.push(adopted.value);
    else if (!isNotFound(adopted.error)) error = adopted.error;
  }
  return error ? { claimed, error } : { claimed };
}
