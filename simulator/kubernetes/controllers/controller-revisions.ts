/** ControllerRevisions: the history of templates that StatefulSets and DaemonSets keep. */
import { deepEqual, type Json } from "../../base/json";
import type { KubeObject, Status } from "../apimachinery/object";
import type { ControllerRevision, PodTemplateSpec } from "../api/types.generated";
import { type Client, isAlreadyExists } from "../client/client";
import { newControllerRef } from "../client/controller-ref";
import type { ResourceType } from "../client/resource-type";
import { CONTROLLER_REVISIONS } from "../client/resources";
import { failure, ok, type Result } from "../../base/result";
import { computeHash, hashRevision } from "./template-hash";

/** What a revision holds: a patch that replaces the template. */
export const revisionData = (template: PodTemplateSpec): Json =>
  ({ spec: { template: { ...template, $patch: "replace" } } }) as unknown as Json;

/** The template a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _patch, ...template } = (
    revision.data as unknown as { spec: { template: PodTemplateSpec & { $patch?: string } } }
  ).spec.template;
  return template;
}

/** Oldest first. */
export const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1);

export interface RevisionRequest {
  readonly client: Client;
  readonly owner: KubeObject;
  readonly ownerType: ResourceType;
  readonly template: PodTemplateSpec;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The label that carries the hash. */
  readonly hashLabel: string;
  readonly revisions: readonly ControllerRevision[];
  readonly collisionCount?: number;
  /** The hash is made over the patch (StatefulSets), not over the template. */
  readonly isPatchHashed?: boolean;
}

/** The revision of the present template: found (and made the newest), or created. */
export function currentRevision(request: RevisionRequest): Result<ControllerRevision, Status> {
  const { client, owner, ownerType, template, hashLabel, collisionCount, isPatchHashed } = request;
  const revisions = [...request.revisions].sort(byRevision);
  const newest = revisions.at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const data = revisionData(template);
  const equal = revisions.filter((revision) => deepEqual(revision.data, data)).at(-1);
  if (equal) {
    if (equal === newest) return ok(equal);
    // Rolled back: an old revision takes a new number.
    return client.update(CONTROLLER_REVISIONS, { ...equal, revision: next });
  }
  const hash = isPatchHashed ? hashRevision(data, collisionCount ?? 0) : computeHash(template, collisionCount);
  const created = client.create(CONTROLLER_REVISIONS, {
    metadata: {
      name: `${owner.metadata.name}-${hash}`,
      namespace: owner.metadata.namespace!,
      labels: { ...request.labels, [hashLabel]: hash },
      ...(request.annotations ? { annotations: request.annotations } : {}),
      ownerReferences: [newControllerRef(owner, ownerType)],
    },
    data,
    revision: next,
  });
  if (created.ok || !isAlreadyExists(created.error)) return created;
  const name = { namespace: owner.metadata.namespace!, name: `${owner.metadata.name}-${hash}` };
  const fresh = client.get(CONTROLLER_REVISIONS, name);
  if (fresh.ok && deepEqual(fresh.value.data, data)) return fresh;
  return failure(created.error);
}

/** Deletes what history no longer keeps; `live` are names still in use. */
export function truncateHistory(
  client: Client,
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): void {
  const dead = [...revisions].sort(byRevision).filter(({ metadata }) => !live.has(metadata.name));
  for (const revision of dead.slice(0, Math.max(dead.length - limit, 0))) {
    client.delete(CONTROLLER_REVISIONS, revision.metadata);
  }
}
