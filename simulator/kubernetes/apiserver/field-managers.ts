/** Field managers: metadata.managedFields of every write, and server-side apply with its conflicts. */
import { rfc3339 } from "../../base/clock";
import { present } from "../../base/assert";
import { failure, ok, type Result } from "../../base/result";
import {
  commonPaths,
  compareFields,
  difference,
  type FieldSet,
  fieldSetOf,
  mergeApplied,
  removeFields,
  sameSet,
  union,
  withoutPaths,
  withParents,
} from "../apimachinery/field-set";
import { formatApiVersion } from "../apimachinery/group-version-kind";
import { MEMBER, remembered } from "../apimachinery/set-shapes";
import type { KubeObject, ManagedFieldsEntry, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { StructType } from "../apimachinery/schema";
import { applyConflict, badRequest, invalidStatus, notFound } from "../apimachinery/status";
import { required } from "../apimachinery/field-path";
import type { Applied, ApplyEngine } from "./apply";
import type { ManagedFieldsUpdater } from "./managed-fields";
import type { Registry } from "./registry";
import { groupResource, type Scope } from "./scope";

type Entries = readonly ManagedFieldsEntry[];

export class FieldManagers implements ManagedFieldsUpdater, ApplyEngine {
  registry: Registry | undefined;
  readonly #structOf: (scope: Scope) => StructType;
  /** Entries that an apply in progress has worked out. */
  #applying: Entries | undefined;

  constructor(options: { structOf(scope: Scope): StructType }) {
    this.#structOf = options.structOf;
  }

  created(draft: Draft, scope: Scope): void {
    if (this.#applying) {
      draft.metadata.managedFields = this.#applying;
      return;
    }
    const set = ownPart(compareFields({}, draft, this.#structOf(scope)).changed, scope);
    if (set) draft.metadata.managedFields = alone(entryOf(scope, "Update", set));
    else delete draft.metadata.managedFields;
  }

  updated(draft: Draft, old: KubeObject, scope: Scope, operation: "Update" | "Apply"): void {
    const { metadata } = draft;
    if (operation === "Apply" && this.#applying) {
      metadata.managedFields = this.#applying;
      return;
    }
    const before: Entries = old.metadata.managedFields ?? [];
    // A client may rewrite the entries; one that leaves them out, or has stale ones from a cache, keeps them.
    const sent = metadata.managedFields as Entries | undefined;
    const base: Entries = sent && sent.length > 0 && sent !== before && metadata.resourceVersion ? sent : before;
    const comparison = compareFields(old as never, draft, this.#structOf(scope));
    const changed = ownPart(comparison.changed, scope);
    const { removed } = comparison;
    if (!changed && !removed) {
      if (base.length > 0) metadata.managedFields = base;
      else delete metadata.managedFields;
      return;
    }
    const next: ManagedFieldsEntry[] = [];
    let mine: ManagedFieldsEntry | undefined;
    for (const entry of base) {
      if (isMine(entry, scope, "Update")) {
        mine = entry;
        continue;
      }
      let set: FieldSet | undefined = entry.fieldsV1 as FieldSet;
      if (changed) set = difference(set, changed);
      if (set && removed) set = withoutPaths(set, removed);
      if (!set) continue;
      next.push(set === entry.fieldsV1 ? entry : withSet(entry, set));
    }
    let own: FieldSet | undefined = mine?.fieldsV1 as FieldSet | undefined;
    if (changed) own = own ? union(own, changed) : changed;
    if (own && removed) own = withoutPaths(own, removed);
    if (own) {
      if (mine && (own === mine.fieldsV1 || sameSet(own, mine.fieldsV1 as FieldSet))) next.push(mine);
      else next.push(entryOf(scope, "Update", own));
    }
    if (next.length > 0)
      metadata.managedFields =
        next.length === base.length && next.every((e) => base.includes(e)) ? base : after(base, next);
    else delete metadata.managedFields;
  }

  apply(scope: Scope, body: unknown, force: boolean): Result<Applied, Status> {
    const registry = present(this.registry, "the registry is wired");
    if (typeof body !== "object" || body === null || Array.isArray(body))
      return failure(badRequest("error decoding YAML: the body must be one object"));
    const source = body as Draft;
    if (!source.apiVersion || !source.kind) {
      return failure(badRequest(`Object 'Kind' is missing in '${JSON.stringify(source)}'`));
    }
    if (source.metadata?.managedFields?.length) return failure(badRequest("metadata.managedFields must be nil"));
    const decoded = registry.decode(scope, source);
    if (!decoded.ok) return decoded;
    const config = decoded.value;
    if (config.metadata.name && config.metadata.name !== scope.name) {
      return failure(
        badRequest(
          `the name of the object (${config.metadata.name}) does not match the name on the URL (${scope.name})`,
        ),
      );
    }
    if (!scope.fieldManager) {
      return failure(
        invalidStatus({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
          required("fieldManager", "is required for apply patch"),
        ]),
      );
    }
    config.metadata.name = scope.name;
    const struct = this.#structOf(scope);
    const set = ownPart(fieldSetOf(config, struct), scope) ?? {};
    const old = scope.storage.get(scope.namespace, scope.name);
    if (!old) {
      if (scope.subresource) return failure(notFound(groupResource(scope.resource), scope.name));
      if (config.metadata.uid) return failure(notFound(groupResource(scope.resource), scope.name));
      return this.#with([entryOf(scope, "Apply", set)], () => {
        const created = registry.create(scope, config);
        return created.ok ? ok({ object: created.value, created: true }) : created;
      });
    }
    const type = { kind: "struct" as const, struct };
    let merged = mergeApplied(old, config, type) as Draft;
    const entries: Entries = old.metadata.managedFields ?? [];
    const mine = entries.find((entry) => isMine(entry, scope, "Apply"));
    const others = entries.filter((entry) => entry !== mine);
    if (mine) {
      // What this manager applied before and does not state any more goes, unless somebody else owns it too.
      // A map of which a part is still stated stays.
      let dropped = difference(mine.fieldsV1 as FieldSet, withParents(set));
      for (const other of others) if (dropped) dropped = difference(dropped, withParents(other.fieldsV1 as FieldSet));
      if (dropped) merged = removeFields(merged, dropped, type) as Draft;
    }
    const { changed, removed } = compareFields(old as never, merged, struct);
    const touched = changed ? (removed ? union(changed, removed) : changed) : removed;
    const conflicts: { readonly entry: ManagedFieldsEntry; readonly path: string }[] = [];
    if (changed) {
      for (const entry of others) {
        for (const path of commonPaths(entry.fieldsV1 as FieldSet, changed)) conflicts.push({ entry, path });
      }
    }
    if (conflicts.length > 0 && !force) return failure(conflictStatus(conflicts));
    const next: ManagedFieldsEntry[] = [];
    for (const entry of others) {
      const rest =
        touched && conflicts.some((c) => c.entry === entry)
          ? difference(entry.fieldsV1 as FieldSet, touched)
          : (entry.fieldsV1 as FieldSet);
      const kept = rest && removed ? withoutPaths(rest, removed) : rest;
      if (kept) next.push(kept === entry.fieldsV1 ? entry : { ...entry, fieldsV1: kept as never });
    }
    next.push(mine && sameSet(mine.fieldsV1 as FieldSet, set) && !touched ? mine : entryOf(scope, "Apply", set));
    return this.#with(sorted(next), () => {
      // The configuration is decoded again, so that what is stored is a copy of nobody's.
      const draft = registry.decode(scope, merged, old);
      if (!draft.ok) return draft;
      const wanted = source.metadata?.resourceVersion;
      if (wanted) draft.value.metadata.resourceVersion = wanted;
      const stored = registry.updateDecoded(scope, old, draft.value, "Apply");
      return stored.ok ? ok({ object: stored.value, created: false }) : stored;
    });
  }

  #with<T>(entries: Entries, run: () => T): T {
    this.#applying = entries;
    const result = run();
    this.#applying = undefined;
    return result;
  }
}

/** Status belongs to whoever writes the status subresource: the main resource's writers never own it. */
function ownPart(set: FieldSet | undefined, scope: Scope): FieldSet | undefined {
  if (!set?.["f:status"] || scope.subresource || !scope.resource.hasStatus) return set;
  return withoutStatus(set, MEMBER);
}

const withoutStatus = remembered((set): FieldSet | undefined => {
  const { "f:status": _, ...rest } = set;
  return Object.keys(rest).length > 0 ? rest : undefined;
});

const isMine = (entry: ManagedFieldsEntry, scope: Scope, operation: "Update" | "Apply"): boolean =>
  entry.manager === scope.fieldManager &&
  entry.operation === operation &&
  (entry.subresource ?? "") === scope.subresource &&
  (operation === "Apply" || entry.apiVersion === formatApiVersion(scope.served.group, scope.served.version));

/**
 * The newest entry with each set. Equal sets are one object, so the Pods of a template share their entries as long as
 * they go through the same at the same time; the same holds for the lists of entries.
 */
const newest = new WeakMap<FieldSet, ManagedFieldsEntry>();

function shared(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  const set = entry.fieldsV1 as FieldSet;
  const last = newest.get(set);
  if (
    last &&
    last.time === entry.time &&
    last.manager === entry.manager &&
    last.operation === entry.operation &&
    last.apiVersion === entry.apiVersion &&
    last.subresource === entry.subresource
  )
    return last;
  if (!Object.isFrozen(set)) return entry;
  newest.set(set, Object.freeze(entry));
  return entry;
}

const entryOf = (scope: Scope, operation: "Update" | "Apply", set: FieldSet): ManagedFieldsEntry => {
  const entry = {
    manager: scope.fieldManager,
    operation,
    apiVersion: formatApiVersion(scope.served.group, scope.served.version),
    time: rfc3339(scope.now),
    fieldsType: "FieldsV1" as const,
    fieldsV1: set as never,
  };
  return shared(scope.subresource ? { ...entry, subresource: scope.subresource } : entry);
};

const withSet = (entry: ManagedFieldsEntry, set: FieldSet): ManagedFieldsEntry =>
  shared({ ...entry, fieldsV1: set as never });

const lists = new WeakMap<ManagedFieldsEntry, Entries>();

/** The list of one entry. */
function alone(entry: ManagedFieldsEntry): Entries {
  if (!Object.isFrozen(entry)) return [entry];
  let list = lists.get(entry);
  if (!list) lists.set(entry, (list = Object.freeze([entry])));
  return list;
}

/** What became of a list of entries the last time. */
const steps = new WeakMap<Entries, { readonly next: Entries; readonly sorted: Entries }>();

function after(base: Entries, next: ManagedFieldsEntry[]): Entries {
  const known = steps.get(base);
  if (known && known.next.length === next.length && next.every((entry, i) => entry === known.next[i]))
    return known.sorted;
  const step = { next, sorted: sorted([...next]) };
  if (Object.isFrozen(base) && next.every((entry) => Object.isFrozen(entry))) {
    Object.freeze(step.sorted);
    steps.set(base, step);
  }
  return step.sorted;
}

/** Applies first, then by time, then by manager. */
function sorted(entries: ManagedFieldsEntry[]): Entries {
  const rank = (e: ManagedFieldsEntry): string =>
    `${e.operation} ${e.time} ${e.manager} ${e.apiVersion} ${e.subresource ?? ""}`;
  return entries.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}

function conflictStatus(conflicts: readonly { readonly entry: ManagedFieldsEntry; readonly path: string }[]): Status {
  const who = (entry: ManagedFieldsEntry): string => {
    const name =
      JSON.stringify(entry.manager) +
      (entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : "");
    return entry.operation === "Update" ? `${name} using ${entry.apiVersion}` : name;
  };
  const causes = conflicts.map(({ entry, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${who(entry)}`,
    field: path,
  }));
  if (conflicts.length === 1) {
    return applyConflict(
      causes,
      `Apply failed with 1 conflict: conflict with ${who(conflicts[0]!.entry)}: ${conflicts[0]!.path}`,
    );
  }
  const byManager = new Map<string, string[]>();
  for (const { entry, path } of conflicts) byManager.set(who(entry), [...(byManager.get(who(entry)) ?? []), path]);
  const parts = [...byManager.keys()].sort().map(
    (name) =>
      `conflicts with ${name}:\n${byManager
        .get(name)!
        .map((p) => `- ${p}`)
        .join("\n")}`,
  );
  return applyConflict(causes, `Apply failed with ${conflicts.length} conflicts: ${parts.join("\n")}`);
}
