/** Every resource type that controllers of all kinds (garbage collector, namespaces) must know: built in, and custom. */
import type { CustomResourceDefinition } from "../api/types.generated";
import { type ResourceType, resourceType } from "../client/resource-type";
import * as known from "../client/resources";

/** Types in the order in which a namespace is emptied. Events and virtual kinds are left out: they own nothing. */
export const BUILT_IN_TYPES: readonly ResourceType[] = Object.values(known).filter(
  (type) => type !== (known.EVENTS as ResourceType) && type !== (known.EVENTS_V1 as ResourceType),
);

/** The type a definition makes, at its storage version, once it is established. */
export function typeOfDefinition(crd: CustomResourceDefinition): ResourceType | undefined {
  const isEstablished = crd.status?.conditions?.some((c) => c.type === "Established" && c.status === "True");
  const version = crd.spec.versions.find((v) => v.storage) ?? crd.spec.versions[0];
  if (!isEstablished || !version) return undefined;
  const { kind, plural } = crd.spec.names;
  return resourceType(`${crd.spec.group}/${version.name}`, kind, plural, crd.spec.scope === "Namespaced");
}
