/** Sending an object's changes: the patch that kubectl makes of two versions, in the format its kind allows. */
import type { Task } from "../../base/task";
import { structOfKind } from "../api/schema";
import type { KubeObject } from "../apimachinery/object";
import { resourcePath } from "./discovery";
import type { Factory } from "./factory";
import { PATCH_TYPES } from "./rest";
import { twoWayMergePatch, twoWayStrategicPatch } from "./strategic-diff";
import type { Target } from "./targets";

export interface PatchBody {
  readonly contentType: string;
  readonly body: Record<string, unknown>;
}

/** What changes `before` into `after`; undefined when they are the same. */
export function patchBetween(before: KubeObject, after: KubeObject): PatchBody | undefined {
  const struct = structOfKind(before.apiVersion, before.kind);
  const body = struct ? twoWayStrategicPatch(before, after, struct) : twoWayMergePatch(before, after);
  if (Object.keys(body).length === 0) return undefined;
  return { contentType: struct ? PATCH_TYPES.strategic : PATCH_TYPES.merge, body };
}

export function* sendPatch(
  factory: Factory,
  target: Pick<Target, "mapping" | "namespace" | "name">,
  patch: { readonly contentType: string; readonly body: unknown },
  query: Readonly<Record<string, string | undefined>> = {},
  subresource?: string,
): Task<KubeObject> {
  return yield* factory.client.json("PATCH", resourcePath(target.mapping, target.namespace, target.name, subresource), {
    body: patch.body,
    contentType: patch.contentType,
    query,
  });
}
