/** The verbs on resources: get, list, watch, create, update, patch, delete, deletecollection. */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { ApiResponse } from "../../base/door";
import { failure, ok, type Result } from "../../base/result";
import { decodeBase64, encodeBase64Url } from "../apimachinery/base64";
import { invalid } from "../apimachinery/field-path";
import { formatApiVersion } from "../apimachinery/group-version-kind";
import type { KubeObject, ListMeta, Status } from "../apimachinery/object";
import { jsonPatch, type JsonPatchOperation, mergePatch, strategicMergePatch } from "../apimachinery/patch";
import type { StructType } from "../apimachinery/schema";
import {
  badRequest,
  invalidStatus,
  notFound,
  resourceExpired,
  statusFailure,
  statusResponse,
  unknownError,
  unsupportedMediaType,
} from "../apimachinery/status";
import type { KubeRequest } from "../apimachinery/transport";
import type { EtcdCluster } from "../etcd/cluster";
import type { ApplyEngine } from "./apply";
import { deleteObject, deleteOptions } from "./deletion";
import type { Registry } from "./registry";
import { queryFlag, queryValue } from "./request-info";
import { groupResource, type Scope } from "./scope";
import { type Selection, selection } from "./selection";
import { type IncludeObject, partialMetadata, representationOf, tableOf } from "./table";
import type { WatchHub } from "./watch";

export interface HandlerDependencies {
  readonly registry: Registry;
  readonly etcd: EtcdCluster;
  readonly watches: WatchHub;
  readonly apply: ApplyEngine;
  structOf(scope: Scope): StructType;
}

export const JSON_HEADERS = Object.freeze({ "content-type": "application/json" });

/** A response in the form that the Accept header asks for. */
export function respond(scope: Scope, request: KubeRequest, object: KubeObject, code = 200): ApiResponse {
  return withWarnings(scope, { status: code, headers: JSON_HEADERS, body: represent(scope, request, object) });
}

export function withWarnings(scope: Scope, response: ApiResponse): ApiResponse {
  if (scope.warnings.length === 0) return response;
  const warning = scope.warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ");
  return { ...response, headers: { ...response.headers, warning } };
}

function represent(scope: Scope, request: KubeRequest, object: KubeObject, withColumns = true): unknown {
  switch (representationOf(request.headers?.accept)) {
    case "table":
      return tableOf(
        scope.resource,
        [object],
        { resourceVersion: object.metadata.resourceVersion },
        { now: scope.now, include: includeOf(request), withColumns },
      );
    case "metadata":
      return partialMetadata(object);
    default:
      return object;
  }
}

const includeOf = (request: KubeRequest): IncludeObject =>
  (queryValue(request, "includeObject") || "Metadata") as IncludeObject;

export class ResourceHandlers {
  readonly #d: HandlerDependencies;

  constructor(dependencies: HandlerDependencies) {
    this.#d = dependencies;
  }

  handle(scope: Scope, verb: string, request: KubeRequest): ApiResponse {
    switch (verb) {
      case "get":
        return this.#get(scope, request);
      case "list":
        return this.#list(scope, request);
      case "watch":
        return this.#watch(scope, request);
      case "create": {
        const created = this.#d.registry.create(scope, request.body);
        return created.ok
          ? respond(scope, request, this.#served(scope, created.value), 201)
          : statusResponse(created.error);
      }
      case "update":
        return this.#answer(
          scope,
          request,
          this.#d.registry.update(
            scope,
            () => ok(request.body),
            scope.resource.allowCreateOnUpdate ? { createWith: () => request.body } : {},
          ),
        );
      case "patch":
        return this.patch(scope, request);
      case "delete":
        return this.#delete(scope, request);
      default:
        return this.#deleteCollection(scope, request);
    }
  }

  #served(scope: Scope, object: KubeObject): KubeObject {
    return this.#d.registry.toServed(scope, object);
  }

  #answer(scope: Scope, request: KubeRequest, answer: Result<KubeObject, Status>): ApiResponse {
    return answer.ok ? respond(scope, request, this.#served(scope, answer.value)) : statusResponse(answer.error);
  }

  #get(scope: Scope, request: KubeRequest): ApiResponse {
    const unreadable = this.#unreadable(request);
    if (unreadable) return unreadable;
    const object = scope.storage.get(scope.namespace, scope.name);
    if (!object) return statusResponse(notFound(groupResource(scope.resource), scope.name));
    return respond(scope, request, this.#served(scope, object));
  }

  /** Reads that must be current need etcd's leader; those at resourceVersion 0 are served from the cache. */
  #unreadable(request: KubeRequest): ApiResponse | undefined {
    if (this.#d.etcd.hasQuorum || queryValue(request, "resourceVersion") === "0") return undefined;
    return statusResponse(unknownError("etcdserver: request timed out"));
  }

  #select(scope: Scope, request: KubeRequest): Result<Selection, Status> {
    const chosen = selection(
      scope.resource,
      queryValue(request, "labelSelector"),
      queryValue(request, "fieldSelector"),
    );
    if (!chosen.ok && /field label|not a known field/.test(chosen.error.message ?? "")) {
      const gvr = `${formatApiVersion(scope.served.group, scope.served.version)}`;
      const resource = scope.served.group
        ? `${gvr}, Resource=${scope.resource.plural}`
        : `/${gvr}, Resource=${scope.resource.plural}`;
      return failure(
        badRequest(
          `Unable to find ${JSON.stringify(resource)} that match label selector ${JSON.stringify(queryValue(request, "labelSelector"))}, field selector ${JSON.stringify(queryValue(request, "fieldSelector"))}: ${chosen.error.message}`,
        ),
      );
    }
    return chosen;
  }

  #list(scope: Scope, request: KubeRequest): ApiResponse {
    const unreadable = this.#unreadable(request);
    if (unreadable) return unreadable;
    const chosen = this.#select(scope, request);
    if (!chosen.ok) return statusResponse(chosen.error);
    const page = this.#page(scope, request, chosen.value);
    if (!page.ok) return statusResponse(page.error);
    const { items, metadata } = page.value;
    const served = scope.served.conversion ? items.map((item) => this.#served(scope, item)) : items;
    const representation = representationOf(request.headers?.accept);
    const apiVersion = formatApiVersion(scope.served.group, scope.served.version);
    const body =
      representation === "table"
        ? tableOf(scope.resource, served, metadata, { now: scope.now, include: includeOf(request) })
        : representation === "metadata"
          ? {
              kind: "PartialObjectMetadataList",
              apiVersion: "meta.k8s.io/v1",
              metadata,
              items: served.map(partialMetadata),
            }
          : { kind: `${scope.resource.kind}List`, apiVersion, metadata, items: served };
    return withWarnings(scope, { status: 200, headers: JSON_HEADERS, body });
  }

  #page(
    scope: Scope,
    request: KubeRequest,
    chosen: Selection,
  ): Result<{ readonly items: readonly KubeObject[]; readonly metadata: ListMeta }, Status> {
    const { storage } = scope;
    const limit = Number(queryValue(request, "limit")) || Number.POSITIVE_INFINITY;
    const token = queryValue(request, "continue");
    const store = this.#d.etcd.store;
    const wanted = queryValue(request, "resourceVersion");
    const exact = queryValue(request, "resourceVersionMatch") === "Exact" && wanted !== "" && wanted !== "0";
    let revision = store.revision;
    let objects: readonly KubeObject[];
    let after = "";
    if (token || exact) {
      if (token) {
        const read = readContinue(token);
        if (!read) return failure(badRequest("continue key is not valid: illegal base64 data"));
        revision = read.revision;
        after = read.start;
      } else revision = Number(wanted);
      const prefix =
        scope.namespace && scope.resource.namespaced ? `${storage.prefix}${scope.namespace}/` : storage.prefix;
      const range = store.prefix(prefix, { revision });
      if (!range.ok) {
        return failure(
          resourceExpired(
            token
              ? "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
              : `The resourceVersion for the provided list is too old.`,
          ),
        );
      }
      objects = range.value.kvs
        .filter((kv) => kv.key.slice(storage.prefix.length) > after)
        .map((kv) => kv.value as KubeObject);
    } else {
      const node = storage.indexesNodes ? chosen.exact("spec.nodeName") : undefined;
      const name = chosen.exact("metadata.name");
      if (name !== undefined && (scope.namespace || !scope.resource.namespaced)) {
        const one = storage.get(scope.namespace, name);
        objects = one ? [one] : [];
      } else if (node) {
        objects = storage.onNode(node).filter((pod) => !scope.namespace || pod.metadata.namespace === scope.namespace);
      } else objects = storage.list(scope.namespace);
    }
    const items: KubeObject[] = [];
    let last: KubeObject | undefined;
    let remaining = 0;
    for (const object of objects) {
      if (items.length >= limit) {
        remaining++;
        continue;
      }
      if (!chosen.matches(object)) continue;
      items.push(object);
      last = object;
    }
    const metadata: ListMeta = {
      resourceVersion: String(revision),
      ...(remaining > 0 && last
        ? {
            continue: writeContinue(revision, storage.cacheKey(last.metadata.namespace ?? "", last.metadata.name)),
            // With a selector nobody knows how many of the rest match.
            ...(chosen.isEverything ? { remainingItemCount: remaining } : {}),
          }
        : {}),
    };
    return ok({ items, metadata });
  }

  #watch(scope: Scope, request: KubeRequest): ApiResponse {
    const fieldSelector = queryValue(request, "fieldSelector");
    const byName = scope.name ? `metadata.name=${scope.name}` : "";
    const chosen = this.#select(scope, {
      ...request,
      query: { ...request.query, fieldSelector: [[fieldSelector, byName].filter((t) => t !== "").join(",")] },
    });
    if (!chosen.ok) return statusResponse(chosen.error);
    const timeout = queryValue(request, "timeoutSeconds");
    const version = queryValue(request, "resourceVersion");
    if (version !== "" && !/^\d+$/.test(version)) {
      return statusResponse(
        invalidStatus({ group: "meta.k8s.io", kind: "ListOptions" }, "", [
          {
            type: "FieldValueInvalid",
            field: "resourceVersion",
            body: `Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
          },
        ]),
      );
    }
    const { etcd, watches } = this.#d;
    const apiVersion = formatApiVersion(scope.served.group, scope.served.version);
    const now = scope.clock;
    const stream = watches.start({
      storage: scope.storage,
      selection: chosen.value,
      namespace: scope.resource.namespaced ? scope.namespace : "",
      resourceVersion: version,
      sendInitialEvents: queryFlag(request, "sendInitialEvents"),
      allowBookmarks: queryFlag(request, "allowWatchBookmarks"),
      timeoutSeconds: timeout ? Number(timeout) : undefined,
      currentRevision: () => etcd.store.revision,
      represent:
        representationOf(request.headers?.accept) === "object"
          ? (object) => this.#served(scope, object)
          : (object, first) => represent({ ...scope, now: now.now() }, request, this.#served(scope, object), first),
      bookmark: (revision, initialEventsEnd) =>
        represent(
          scope,
          request,
          Object.freeze({
            kind: scope.resource.kind,
            apiVersion,
            metadata: {
              resourceVersion: String(revision),
              ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
            },
          }) as unknown as KubeObject,
          false,
        ),
    });
    return { status: 200, headers: JSON_HEADERS, stream };
  }

  /** PATCH of an object, or of its status or scale-like parts through `scope.subresource`. */
  patch(scope: Scope, request: KubeRequest): ApiResponse {
    const type = (request.headers?.["content-type"] ?? "").split(";")[0]!.trim();
    const { registry, apply } = this.#d;
    if (
      type === "application/apply-patch+yaml" ||
      type === "application/apply-patch+json" ||
      type === "application/apply-patch+cbor"
    ) {
      const applied = apply.apply(scope, request.body, queryFlag(request, "force"));
      if (!applied.ok) return statusResponse(applied.error);
      return respond(scope, request, this.#served(scope, applied.value.object), applied.value.created ? 201 : 200);
    }
    const transform = this.patcher(scope, type, request.body);
    if (!transform.ok) return statusResponse(transform.error);
    const updated = registry.update(scope, transform.value);
    const isStrategic = type === "application/strategic-merge-patch+json";
    return this.#answer(
      scope,
      request,
      updated.ok || !isStrategic ? updated : failure(strategicFailure(request.body, updated.error)),
    );
  }

  /** The function that a patch of this type is. */
  patcher(scope: Scope, type: string, body: unknown): Result<(old: KubeObject) => Result<unknown, Status>, Status> {
    switch (type) {
      case "application/json-patch+json":
        if (!Array.isArray(body))
          return failure(badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch"));
        return ok((old) => {
          const patched = jsonPatch(old, body as readonly JsonPatchOperation[]);
          return patched.ok
            ? patched
            : failure(
                statusFailure(422, "Invalid", "the server rejected our request due to an error in our request", {}),
              );
        });
      case "application/merge-patch+json":
        return ok((old) => ok(mergePatch(old, body)));
      case "application/strategic-merge-patch+json":
        // Custom kinds have no merge keys.
        if (scope.resource.schema === "") break;
        return ok((old) => {
          const patched = strategicMergePatch(old, body, this.#d.structOf(scope));
          return patched.ok ? patched : failure(badRequest(patched.error));
        });
    }
    return failure(
      unsupportedMediaType(type, [
        "application/json-patch+json",
        "application/merge-patch+json",
        ...(scope.resource.schema === "" ? [] : ["application/strategic-merge-patch+json"]),
        "application/apply-patch+yaml",
        "application/apply-patch+cbor",
      ]),
    );
  }

  #delete(scope: Scope, request: KubeRequest): ApiResponse {
    const options = deleteOptions(request.body, (name) => queryValue(request, name));
    if (!options.ok) return statusResponse(options.error);
    const dryRun = scope.dryRun || isDryRunBody(request.body);
    const deleted = deleteObject(this.#d.registry, { ...scope, dryRun }, options.value);
    if (!deleted.ok) return statusResponse(deleted.error);
    const { value } = deleted;
    return "code" in value || value.kind === "Status"
      ? withWarnings(scope, { status: 200, headers: JSON_HEADERS, body: value })
      : respond(scope, request, this.#served(scope, value as KubeObject));
  }

  #deleteCollection(scope: Scope, request: KubeRequest): ApiResponse {
    const chosen = this.#select(scope, request);
    if (!chosen.ok) return statusResponse(chosen.error);
    const options = deleteOptions(request.body, (name) => queryValue(request, name));
    if (!options.ok) return statusResponse(options.error);
    const items = scope.storage.list(scope.namespace).filter((object) => chosen.value.matches(object));
    const dryRun = scope.dryRun || isDryRunBody(request.body);
    for (const item of items) {
      const one: Scope = { ...scope, dryRun, namespace: item.metadata.namespace ?? "", name: item.metadata.name };
      const deleted = deleteObject(this.#d.registry, one, options.value);
      if (!deleted.ok && deleted.error.reason !== "NotFound") return statusResponse(deleted.error);
    }
    const apiVersion = formatApiVersion(scope.served.group, scope.served.version);
    return {
      status: 200,
      headers: JSON_HEADERS,
      body: {
        kind: `${scope.resource.kind}List`,
        apiVersion,
        metadata: { resourceVersion: String(this.#d.etcd.store.revision) },
        items,
      },
    };
  }
}

const isDryRunBody = (body: unknown): boolean => {
  const dryRun = (body as { readonly dryRun?: unknown } | undefined)?.dryRun;
  return Array.isArray(dryRun) && dryRun.includes("All");
};

const writeContinue = (revision: number, start: string): string =>
  encodeBase64Url(encodeUtf8(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: `${start}\u0000` })));

function readContinue(token: string): { readonly revision: number; readonly start: string } | undefined {
  const bytes = decodeBase64(token);
  if (bytes === undefined) return undefined;
  const text = decodeUtf8(bytes);
  const m = /^\{"v":"meta\.k8s\.io\/v1","rv":(\d+),"start":"((?:[^"\\]|\\.)*)"\}$/.exec(text);
  if (!m) return undefined;
  return { revision: Number(m[1]), start: (JSON.parse(`"${m[2]}"`) as string).replace(/\u0000$/, "") };
}

/** A strategic merge patch is applied to Go's structs: a value that does not fit is refused in the converter's words. */
function strategicFailure(patch: unknown, status: Status): Status {
  const found = /json: cannot unmarshal (\w+)(?: \S+)? into Go struct field \S+ of type (\S+)$/.exec(
    status.message ?? "",
  );
  if (status.reason !== "BadRequest" || !found) return status;
  const [, from = "", to = ""] = found;
  const kind = to.startsWith("[]")
    ? "slice"
    : to.startsWith("map[")
      ? "map"
      : /^(?:u?int\d*|float\d+|bool|string)$/.test(to)
        ? to
        : "struct";
  const source =
    from === "number"
      ? "int64"
      : from === "object"
        ? "map[string]interface {}"
        : from === "array"
          ? "[]interface {}"
          : from;
  const why =
    kind === "slice" || kind === "map"
      ? `cannot restore ${kind} from ${from === "number" ? "int64" : from === "object" ? "map" : from}`
      : kind === "struct"
        ? `cannot restore struct from: ${from === "number" ? "int64" : from === "array" ? "slice" : from}`
        : kind === "string" && from === "number"
          ? `cannot convert ${source} to string`
          : `unrecognized type: ${kind}`;
  return invalidStatus({ group: "", kind: "" }, "", [invalid("patch", goValue(patch), why)]);
}

/** A value as `%+v` of Go's fmt prints it. */
function goValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goValue).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `map[${entries.map(([key, member]) => `${key}:${goValue(member)}`).join(" ")}]`;
}
