/** Deletion: preconditions, grace periods, finalizers and propagation (apiserver/pkg/registry/generic, rest.BeforeDelete). */
import { type Instant, parseRfc3339, rfc3339 } from "../../base/clock";
import { failure, ok, type Result } from "../../base/result";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import { badRequest, conflict, notFound, statusSuccess } from "../apimachinery/status";
import type { Answer, Registry } from "./registry";
import { groupResource, type Scope } from "./scope";

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

/** DeleteOptions of a body, or of the query where the body has none. */
export function deleteOptions(body: unknown, query: (name: string) => string): Result<DeleteOptions, Status> {
  const source = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  if (source.kind !== undefined && source.kind !== "DeleteOptions") {
    return failure(
      badRequest(
        `${String(source.kind)} in version "${String(source.apiVersion)}" cannot be handled as a DeleteOptions`,
      ),
    );
  }
  const grace =
    source.gracePeriodSeconds ?? (query("gracePeriodSeconds") === "" ? undefined : Number(query("gracePeriodSeconds")));
  const propagationPolicy =
    (source.propagationPolicy as string | undefined) ?? (query("propagationPolicy") || undefined);
  if (propagationPolicy && !["Foreground", "Background", "Orphan"].includes(propagationPolicy)) {
    return failure(
      badRequest(
        `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Background", "Foreground", "Orphan"`,
      ),
    );
  }
  return ok({
    ...(typeof grace === "number" ? { gracePeriodSeconds: grace } : {}),
    ...(propagationPolicy ? { propagationPolicy } : {}),
    ...(source.orphanDependents !== undefined ? { orphanDependents: source.orphanDependents as boolean } : {}),
    ...(source.preconditions ? { preconditions: source.preconditions as DeleteOptions["preconditions"] } : {}),
  } as DeleteOptions);
}

/** The object as it stands when it stays for a while; a Status when it is gone. */
export function deleteObject(
  registry: Registry,
  scope: Scope,
  options: DeleteOptions,
): Result<KubeObject | Status, Status> {
  const { resource, storage } = scope;
  const gr = groupResource(resource);
  const old = storage.get(scope.namespace, scope.name);
  if (!old) return failure(notFound(gr, scope.name));
  const { preconditions } = options;
  if (preconditions?.uid && preconditions.uid !== old.metadata.uid) {
    return failure(
      conflict(
        gr,
        scope.name,
        `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${old.metadata.uid}`,
      ),
    );
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== old.metadata.resourceVersion) {
    return failure(
      conflict(
        gr,
        scope.name,
        `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${old.metadata.resourceVersion}`,
      ),
    );
  }
  const refused = registry.admitOnly(scope, "DELETE", old);
  if (refused) return failure(refused);

  const grace = resource.gracePeriod?.(old, options.gracePeriodSeconds);
  const finalizers = finalizersFor(old, options, resource.defaultPropagation ?? "Background");
  const finalizersChanged = !sameList(finalizers, old.metadata.finalizers ?? []);
  const holders = finalizers.length > 0 || (old.spec?.finalizers?.length ?? 0) > 0;
  const deleting = old.metadata.deletionTimestamp;

  if (deleting) {
    const current = old.metadata.deletionGracePeriodSeconds ?? 0;
    // A grace period can only be shortened.
    const shorter = grace !== undefined && grace < current;
    if (shorter && grace! > 0) {
      const draft = thaw(old, finalizers);
      draft.metadata.deletionTimestamp = rfc3339(addSeconds(deleting, grace! - current));
      draft.metadata.deletionGracePeriodSeconds = grace;
      return registry.overwrite(scope, old, draft);
    }
    if (grace !== undefined && grace > 0 && !shorter) return ok(old);
    if (!holders && (grace === undefined || grace === 0)) return finish(registry, scope, old);
    if (!finalizersChanged && !shorter) return ok(old);
    const draft = thaw(old, finalizers);
    draft.metadata.deletionGracePeriodSeconds = Math.min(current, grace ?? current);
    if (shorter) draft.metadata.deletionTimestamp = rfc3339(addSeconds(deleting, (grace ?? 0) - current));
    return registry.overwrite(scope, old, draft);
  }

  const isNamespace = resource.plural === "namespaces" && resource.group === "";
  if ((grace === undefined || grace === 0) && !holders) return finish(registry, scope, old);
  const draft = thaw(old, finalizers);
  draft.metadata.deletionTimestamp = rfc3339(scope.now + (grace ?? 0) * 1000);
  draft.metadata.deletionGracePeriodSeconds = grace ?? 0;
  if (draft.metadata.generation !== undefined) draft.metadata.generation++;
  if (isNamespace) {
    delete draft.metadata.deletionGracePeriodSeconds;
    draft.status = { ...old.status, phase: "Terminating" };
  }
  return registry.overwrite(scope, old, draft);
}

function finish(registry: Registry, scope: Scope, old: KubeObject): Result<KubeObject | Status, Status> {
  const removed: Answer = registry.remove(scope, old);
  if (!removed.ok) return removed;
  const { resource } = scope;
  if (RETURNS_DELETED.has(resource.plural) && resource.group === "") return ok(old);
  return ok(
    statusSuccess({
      name: old.metadata.name,
      ...(resource.group ? { group: resource.group } : {}),
      kind: resource.plural,
      uid: old.metadata.uid,
    }),
  );
}

/** Kinds whose deletion answers with what was deleted (ReturnDeletedObject). */
const RETURNS_DELETED: ReadonlySet<string> = new Set([
  "pods",
  "services",
  "serviceaccounts",
  "persistentvolumes",
  "persistentvolumeclaims",
  "podtemplates",
  "resourcequotas",
]);

/** deletionFinalizersForGarbageCollection. */
function finalizersFor(old: KubeObject, options: DeleteOptions, fallback: "Orphan" | "Background"): string[] {
  const current = [...(old.metadata.finalizers ?? [])];
  let orphan: boolean;
  let foreground: boolean;
  if (options.orphanDependents !== undefined) {
    orphan = options.orphanDependents;
    foreground = false;
  } else if (options.propagationPolicy) {
    orphan = options.propagationPolicy === "Orphan";
    foreground = options.propagationPolicy === "Foreground";
  } else {
    // Finalizers already set speak for an earlier request.
    orphan = current.includes(ORPHAN) || (fallback === "Orphan" && !current.includes(FOREGROUND));
    foreground = current.includes(FOREGROUND);
  }
  const rest = current.filter((f) => f !== ORPHAN && f !== FOREGROUND);
  if (orphan) rest.push(ORPHAN);
  if (foreground) rest.push(FOREGROUND);
  return sameMembers(rest, current) ? current : rest;
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);
const sameMembers = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((x) => b.includes(x));

function thaw(old: KubeObject, finalizers: readonly string[]): Draft {
  const metadata: Draft = { ...old.metadata };
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  return { ...old, metadata };
}

const addSeconds = (timestamp: string, seconds: number): Instant => (parseRfc3339(timestamp) ?? 0) + seconds * 1000;
