/**
 * The generic registry: create, update and delete for every kind, in upstream's order: decode, default, admit, prepare,
 * validate, admit again, store. Kinds are data (ResourceDefinition); nothing here knows one by name.
 */
import { rfc3339 } from "../../base/clock";
import { deepEqual, deepFreeze } from "../../base/json";
import type { Random } from "../../base/random";
import { failure, ok, type Result } from "../../base/result";
import { decodeObject } from "../apimachinery/decode";
import { type FieldError, forbidden as forbiddenField, invalid } from "../apimachinery/field-path";
import { formatApiVersion } from "../apimachinery/group-version-kind";
import { goJsonError } from "../../text/go-json-parse";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { StructType } from "../apimachinery/schema";
import {
  alreadyExists,
  badRequest,
  conflict,
  generateNameConflict,
  invalidStatus,
  notFound,
  OPTIMISTIC_LOCK_MESSAGE,
  unknownError,
} from "../apimachinery/status";
import { IMMUTABLE, validateMetadataFields, validateObjectMeta } from "../apimachinery/validation";
import type { EtcdCluster } from "../etcd/cluster";
import type { Compare } from "../etcd/store";
import type { AdmissionChain } from "./admission/chain";
import type { AdmissionOperation } from "./admission/plugin";
import type { ManagedFieldsUpdater } from "./managed-fields";
import { groupResource, type Scope, strategyContext } from "./scope";

/** What a resource needs besides its definition: allocation of addresses, side objects. Handed in by the server. */
export interface ResourceHooks {
  /** After preparation, before validation. */
  beforeCreate?(draft: Draft, scope: Scope): Status | undefined;
  beforeUpdate?(draft: Draft, old: KubeObject, scope: Scope): Status | undefined;
}

export interface RegistryOptions {
  readonly etcd: EtcdCluster;
  readonly random: Random;
  readonly admission: AdmissionChain;
  readonly managedFields: ManagedFieldsUpdater;
  structOf(scope: Scope): StructType;
  hooksOf(scope: Scope): ResourceHooks | undefined;
}

export type Answer = Result<KubeObject, Status>;

const MAX_NAME_LENGTH = 63;
const SUFFIX_LENGTH = 5;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #uids: Random;
  readonly #names: Random;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#uids = options.random.stream("apiserver/uid");
    this.#names = options.random.stream("apiserver/names");
  }

  /** Decodes a body as the kind that the scope serves. The draft is in stored form. */
  decode(scope: Scope, body: unknown, old?: KubeObject): Result<Draft, Status> {
    const { served, resource } = scope;
    if (typeof body === "string") {
      // Bytes that were no JSON: whoever took them from the wire could not read them.
      const why = goJsonError(body) ?? "unexpected end of JSON input";
      return failure(
        badRequest(
          `the object provided is unrecognized (must be of type ${resource.kind}): couldn't get version/kind; json parse error: ${why} (${shortened(body)})`,
        ),
      );
    }
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      return failure(
        badRequest(
          `couldn't get version/kind; json parse error: json: cannot unmarshal ${body === null || body === undefined ? "null" : typeof body} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
        ),
      );
    }
    const { apiVersion, kind } = body as { readonly apiVersion?: unknown; readonly kind?: unknown };
    const expected = formatApiVersion(served.group, served.version);
    if (kind !== undefined && kind !== "" && kind !== resource.kind) {
      return failure(
        badRequest(
          `${String(kind)} in version ${JSON.stringify(
            String(apiVersion ?? expected)
              .split("/")
              .at(-1),
          )} cannot be handled as a ${resource.kind}: converting (${String(kind)}) to (${resource.kind}): unknown conversion`,
        ),
      );
    }
    if (apiVersion !== undefined && apiVersion !== "" && apiVersion !== expected) {
      return failure(
        badRequest(
          `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
        ),
      );
    }
    const decoded = decodeObject(body, this.#options.structOf(scope), served.conversion ? undefined : old);
    const cannot = `${resource.kind} in version ${JSON.stringify(served.version)} cannot be handled as a ${resource.kind}: `;
    if (decoded.error !== undefined) return failure(badRequest(cannot + decoded.error));
    if (decoded.unknown.length > 0) {
      const unknown = [...new Set(decoded.unknown)].map((path) => `unknown field ${JSON.stringify(path)}`);
      if (scope.fieldValidation === "Strict")
        return failure(badRequest(`${cannot}strict decoding error: ${unknown.join(", ")}`));
      if (scope.fieldValidation === "Warn") scope.warnings.push(...unknown);
    }
    const draft: Draft = decoded.draft;
    draft.apiVersion = expected;
    draft.kind = resource.kind;
    draft.metadata ??= {};
    if (!served.conversion) return ok(draft);
    const stored = served.conversion.toStored(draft);
    stored.apiVersion = formatApiVersion(resource.group, resource.version);
    stored.kind = resource.kind;
    return ok(stored);
  }

  create(scope: Scope, body: unknown): Answer {
    const decoded = this.decode(scope, body);
    if (!decoded.ok) return decoded;
    const draft = decoded.value;
    const { resource } = scope;
    const metadata = draft.metadata;
    const mismatch = this.#placeInNamespace(scope, draft);
    if (mismatch) return failure(mismatch);
    resource.defaults?.(draft);

    const { admission, managedFields } = this.#options;
    // The name is generated before admission: plugins may build on it.
    const generated = !metadata.name && metadata.generateName;
    if (generated) metadata.name = this.#generateName(metadata.generateName);
    // What admission and allocation add belongs to nobody.
    managedFields.created(draft, scope);
    const attributes = admission.attributes(scope, "CREATE", draft, undefined);
    const refused = admission.admit(attributes);
    if (refused) return failure(refused);

    metadata.uid = this.#uids.uuid();
    metadata.creationTimestamp = rfc3339(scope.now);
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.selfLink;
    delete metadata.resourceVersion;
    delete metadata.generation;
    if (resource.hasGeneration) metadata.generation = 1;
    if (resource.hasStatus && !resource.keepsStatusOnCreate) draft.status = {};
    resource.prepareForCreate?.(draft, strategyContext(scope));
    const unallocated = this.#options.hooksOf(scope)?.beforeCreate?.(draft, scope);
    if (unallocated) return failure(unallocated);

    const errors = [
      ...validateObjectMeta(metadata, resource.nameRule, resource.namespaced, "metadata"),
      ...(resource.validate?.(draft) ?? []),
    ];
    if (errors.length > 0) return failure(invalidStatus(resource, metadata.name ?? "", errors));
    if (resource.warnings) scope.warnings.push(...resource.warnings(draft));
    const rejected = admission.validate(attributes);
    if (rejected) return failure(rejected);

    const stored = this.#write(scope, metadata.namespace ?? "", metadata.name, draft, "create");
    if (!stored.ok && generated && stored.error.reason === "AlreadyExists") {
      return failure(generateNameConflict(groupResource(resource), metadata.name));
    }
    return stored;
  }

  /** Stores an object that a create of the same body at the same time would give, under a uid of its own. */
  adopt(scope: Scope, made: KubeObject): Answer {
    const draft: Draft = { ...made, metadata: { ...made.metadata, uid: this.#uids.uuid() } };
    return this.#write(scope, made.metadata.namespace ?? "", made.metadata.name, draft, "create");
  }

  /** PUT. `transform` makes the new object from the old one; a plain body for update, a patched one for patch. */
  update(
    scope: Scope,
    transform: (old: KubeObject) => Result<unknown, Status>,
    options: { readonly operation?: "Update" | "Apply"; readonly createWith?: () => unknown } = {},
  ): Answer {
    const { resource, storage } = scope;
    const old = storage.get(scope.namespace, scope.name);
    if (!old) {
      if (options.createWith) return this.create(scope, options.createWith());
      return failure(notFound(groupResource(resource), scope.name));
    }
    const body = transform(this.toServed(scope, old));
    if (!body.ok) return body;
    const decoded = this.decode(scope, body.value, old);
    if (!decoded.ok) return decoded;
    return this.updateDecoded(scope, old, decoded.value, options.operation ?? "Update");
  }

  /** The second half of an update, for subresources that build the new object themselves. */
  updateDecoded(scope: Scope, old: KubeObject, draft: Draft, operation: "Update" | "Apply" = "Update"): Answer {
    const { resource } = scope;
    const metadata = draft.metadata;
    if (metadata.name && metadata.name !== scope.name) {
      return failure(
        badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${scope.name})`),
      );
    }
    metadata.name = scope.name;
    const mismatch = this.#placeInNamespace(scope, draft);
    if (mismatch) return failure(mismatch);

    const gr = groupResource(resource);
    if (metadata.uid && metadata.uid !== old.metadata.uid) {
      return failure(
        conflict(
          gr,
          scope.name,
          `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`,
        ),
      );
    }
    const version = metadata.resourceVersion;
    if (version && version !== "0" && version !== old.metadata.resourceVersion) {
      if (!/^\d+$/.test(version)) {
        return failure(
          invalidStatus(resource, scope.name, [invalid("metadata.resourceVersion", version, "must be an integer")]),
        );
      }
      return failure(conflict(gr, scope.name, OPTIMISTIC_LOCK_MESSAGE));
    }
    if (!version && !resource.allowUnconditionalUpdate) {
      return failure(
        invalidStatus(resource, scope.name, [
          {
            type: "FieldValueInvalid",
            field: "metadata.resourceVersion",
            body: "Invalid value: 0: must be specified for an update",
          },
        ]),
      );
    }
    const isStatus = scope.subresource === "status";
    // Whatever the part that the request is not about, the old one stays.
    if (isStatus) keepAllButStatus(draft, old, resource.plural);
    else if (resource.hasStatus && !scope.subresource) draft.status = old.status;
    if (!isStatus && changed(draft, old)) resource.defaults?.(draft);

    const errors = metadataUpdateErrors(metadata, old.metadata);
    metadata.uid = old.metadata.uid;
    metadata.creationTimestamp = old.metadata.creationTimestamp;
    copyOrDelete(metadata, old.metadata, "deletionTimestamp");
    copyOrDelete(metadata, old.metadata, "deletionGracePeriodSeconds");
    copyOrDelete(metadata, old.metadata, "generation");
    delete metadata.selfLink;

    const { admission, managedFields } = this.#options;
    managedFields.updated(draft, old, scope, operation);
    const attributes = admission.attributes(scope, "UPDATE", draft, old);
    const refused = admission.admit(attributes);
    if (refused) return failure(refused);
    resource.prepareForUpdate?.(draft, old, strategyContext(scope));
    if (resource.hasGeneration && !isStatus && specChanged(draft, old, resource.generationCountsAnnotations ?? false)) {
      metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
    const unallocated = this.#options.hooksOf(scope)?.beforeUpdate?.(draft, old, scope);
    if (unallocated) return failure(unallocated);

    if (!isStatus || metadata.labels !== old.metadata.labels || metadata.annotations !== old.metadata.annotations) {
      errors.push(...validateMetadataFields(metadata, "metadata"));
    }
    if (isStatus) errors.push(...(resource.validateStatusUpdate?.(draft, old) ?? []));
    else if (changed(draft, old)) {
      if (!scope.subresource || scope.subresource === "ephemeralcontainers" || scope.subresource === "resize") {
        if (!resource.validateUpdateOnly) errors.push(...(resource.validate?.(draft) ?? []));
        if (scope.subresource === "") errors.push(...(resource.validateUpdate?.(draft, old) ?? []));
      } else if (scope.subresource === "scale") errors.push(...(resource.validate?.(draft) ?? []));
    }
    if (errors.length > 0) return failure(invalidStatus(resource, scope.name, errors));
    const rejected = admission.validate(attributes);
    if (rejected) return failure(rejected);

    if (shouldDeleteDuringUpdate(draft, old)) {
      deepFreeze(draft);
      return this.remove(scope, old, draft);
    }
    metadata.resourceVersion = old.metadata.resourceVersion;
    if (equalButForTimes(draft, old)) return ok(old);
    return this.#write(scope, scope.namespace, scope.name, draft, { expect: old.metadata.resourceVersion });
  }

  /** Takes an object out of the store at once. */
  remove(scope: Scope, old: KubeObject, last: KubeObject = old): Answer {
    if (scope.dryRun) return ok(last);
    const key = scope.storage.etcdKey(old.metadata.namespace ?? "", old.metadata.name);
    const done = this.#options.etcd.txn(
      [{ key, target: "modRevision", equals: Number(old.metadata.resourceVersion) }],
      [{ op: "delete", key }],
    );
    if (!done.ok) return failure(unknownError(done.error));
    if (!done.value.succeeded)
      return failure(conflict(groupResource(scope.resource), old.metadata.name, OPTIMISTIC_LOCK_MESSAGE));
    return ok(last);
  }

  /** Stores a changed metadata or status without strategy: what deletion and the server itself need. */
  overwrite(scope: Scope, old: KubeObject, draft: Draft): Answer {
    return this.#write(scope, old.metadata.namespace ?? "", old.metadata.name, draft, {
      expect: old.metadata.resourceVersion,
    });
  }

  /** Mutating and validating admission of a request that carries no object of the kind. */
  admitOnly(scope: Scope, operation: AdmissionOperation, old: KubeObject | undefined): Status | undefined {
    const { admission } = this.#options;
    const attributes = admission.attributes(scope, operation, undefined, old);
    return admission.admit(attributes) ?? admission.validate(attributes);
  }

  /** The object in the version that was asked for. */
  toServed(scope: Scope, object: KubeObject): KubeObject {
    return scope.served.conversion ? deepFreeze(scope.served.conversion.fromStored(object)) : object;
  }

  #placeInNamespace(scope: Scope, draft: Draft): Status | undefined {
    const { metadata } = draft;
    if (!scope.resource.namespaced) {
      if (metadata.namespace)
        return badRequest("the namespace of the provided object does not match the namespace sent on the request");
      return undefined;
    }
    if (metadata.namespace && metadata.namespace !== scope.namespace) {
      return badRequest("the namespace of the provided object does not match the namespace sent on the request");
    }
    metadata.namespace = scope.namespace;
    return undefined;
  }

  #generateName(base: string): string {
    const stem = base.length > MAX_NAME_LENGTH - SUFFIX_LENGTH ? base.slice(0, MAX_NAME_LENGTH - SUFFIX_LENGTH) : base;
    return stem + this.#names.suffix(SUFFIX_LENGTH);
  }

  #write(
    scope: Scope,
    namespace: string,
    name: string,
    draft: Draft,
    mode: "create" | { readonly expect: string },
  ): Answer {
    const gr = groupResource(scope.resource);
    const key = scope.storage.etcdKey(namespace, name);
    const compare: Compare =
      mode === "create" ? { key, target: "absent" } : { key, target: "modRevision", equals: Number(mode.expect) };
    if (scope.dryRun) {
      if (mode === "create" && scope.storage.get(namespace, name)) return failure(alreadyExists(gr, name));
      // A dry run shows what would be stored; a new object has no resourceVersion yet.
      if (mode === "create") delete draft.metadata.resourceVersion;
      return ok(deepFreeze(inOrder(draft)));
    }
    const done = this.#options.etcd.txn(
      [compare],
      [
        {
          op: "put",
          key,
          value: (revision) => {
            draft.metadata.resourceVersion = String(revision);
            return deepFreeze(inOrder(draft));
          },
        },
      ],
    );
    if (!done.ok) return failure(unknownError(done.error));
    if (!done.value.succeeded) {
      return failure(mode === "create" ? alreadyExists(gr, name) : conflict(gr, name, OPTIMISTIC_LOCK_MESSAGE));
    }
    return ok(done.value.results[0]!.value as KubeObject);
  }
}

/** At most so much of a body is shown, as text where it is text. */
const shortened = (body: string): string => (body.length <= 100 ? body : `${body.slice(0, 100)} ...`);

/** Members in the order of Go's structs: it is the order of raw JSON, and gives all objects one shape. */
function inOrder(draft: Draft): KubeObject {
  const m = draft.metadata;
  const metadata: Draft = { name: m.name };
  if (m.generateName !== undefined) metadata.generateName = m.generateName;
  if (m.namespace !== undefined) metadata.namespace = m.namespace;
  if (m.uid !== undefined) metadata.uid = m.uid;
  if (m.resourceVersion !== undefined) metadata.resourceVersion = m.resourceVersion;
  if (m.generation !== undefined) metadata.generation = m.generation;
  metadata.creationTimestamp = m.creationTimestamp;
  if (m.deletionTimestamp !== undefined) metadata.deletionTimestamp = m.deletionTimestamp;
  if (m.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds = m.deletionGracePeriodSeconds;
  if (m.labels !== undefined) metadata.labels = m.labels;
  if (m.annotations !== undefined) metadata.annotations = m.annotations;
  if (m.ownerReferences !== undefined) metadata.ownerReferences = m.ownerReferences;
  if (m.finalizers !== undefined) metadata.finalizers = m.finalizers;
  if (m.managedFields !== undefined) metadata.managedFields = m.managedFields;
  const object: Draft = { kind: draft.kind, apiVersion: draft.apiVersion, metadata };
  for (const key in draft) {
    if (key !== "kind" && key !== "apiVersion" && key !== "metadata" && key !== "status") object[key] = draft[key];
  }
  if (draft.status !== undefined) object.status = draft.status;
  return object as KubeObject;
}

/** Top-level members that are neither metadata nor status, compared by identity first. */
function changed(draft: Draft, old: KubeObject): boolean {
  for (const key in draft) {
    if (key === "metadata" || key === "status") continue;
    if (draft[key] !== old[key]) return true;
  }
  for (const key in old) if (key !== "metadata" && key !== "status" && draft[key] === undefined) return true;
  return false;
}

function specChanged(draft: Draft, old: KubeObject, countAnnotations: boolean): boolean {
  for (const key in draft) {
    if (key === "metadata" || key === "status") continue;
    if (!deepEqual(draft[key], old[key])) return true;
  }
  for (const key in old) if (key !== "metadata" && key !== "status" && draft[key] === undefined) return true;
  return countAnnotations && !deepEqual(draft.metadata.annotations ?? {}, old.metadata.annotations ?? {});
}

function keepAllButStatus(draft: Draft, old: KubeObject, plural: string): void {
  for (const key in old) if (key !== "metadata" && key !== "status") draft[key] = old[key];
  for (const key of Object.keys(draft)) if (key !== "metadata" && key !== "status" && !(key in old)) delete draft[key];
  // Pods and nodes may be labelled through status; of the others labels stay.
  if (plural !== "pods" && plural !== "nodes") copyOrDelete(draft.metadata, old.metadata, "labels");
  copyOrDelete(draft.metadata, old.metadata, "ownerReferences");
}

function copyOrDelete(to: Draft, from: Draft, key: string): void {
  if (from[key] === undefined) delete to[key];
  else to[key] = from[key];
}

function metadataUpdateErrors(metadata: Draft, old: KubeObject["metadata"]): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp && metadata.finalizers) {
    const fresh = (metadata.finalizers as string[]).filter((f) => !(old.finalizers ?? []).includes(f));
    if (fresh.length > 0) {
      errors.push(
        forbiddenField(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${fresh.map((f) => JSON.stringify(f)).join(", ")}}`,
        ),
      );
    }
  }
  if (metadata.creationTimestamp && metadata.creationTimestamp !== old.creationTimestamp) {
    // Upstream silently keeps the old one.
    metadata.creationTimestamp = old.creationTimestamp;
  }
  if (metadata.generateName && old.generateName === undefined)
    errors.push(invalid("metadata.generateName", metadata.generateName, IMMUTABLE));
  return errors;
}

/** Finalizers are gone and nothing else holds the object: the update is its deletion. */
function shouldDeleteDuringUpdate(draft: Draft, old: KubeObject): boolean {
  const { metadata } = draft;
  if ((metadata.finalizers?.length ?? 0) > 0 || !metadata.deletionTimestamp || !old.metadata.deletionTimestamp)
    return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false;
  return (draft.spec?.finalizers?.length ?? 0) === 0;
}

/** Equal but for the times in managedFields: upstream writes nothing then. */
function equalButForTimes(draft: Draft, old: KubeObject): boolean {
  const before = old.metadata.managedFields;
  const after = draft.metadata.managedFields;
  for (const key in draft) if (key !== "metadata" && !deepEqual(draft[key], old[key])) return false;
  for (const key in old) if (key !== "metadata" && draft[key] === undefined) return false;
  const { managedFields: _a, ...left } = draft.metadata;
  const { managedFields: _b, ...right } = old.metadata;
  if (!deepEqual(left, right)) return false;
  if (before === after) return true;
  const withoutTime = (entries: readonly Draft[] | undefined): unknown => entries?.map(({ time: _t, ...rest }) => rest);
  return deepEqual(withoutTime(before), withoutTime(after));
}
