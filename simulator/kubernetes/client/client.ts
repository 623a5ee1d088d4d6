/**
 * Typed verbs over a Transport, for one component: its user agent and credentials go with every request, and every
 * answer is a Result. A write has taken effect when the call returns.
 */
import type { ApiResponse, ApiStream } from "../../base/door";
import { deepFreeze } from "../../base/json";
import type { Cancel } from "../../base/loop";
import { failure, ok, type Result } from "../../base/result";
import type { KubeList, KubeObject, Status } from "../apimachinery/object";
import { isStatus, statusFailure } from "../apimachinery/status";
import {
  type Credentials,
  isTransportFailure,
  type KubeRequest,
  type RequestInfo,
  type Transport,
} from "../apimachinery/transport";
import { pathOf, type ResourceType } from "./resource-type";

export interface ClientOptions {
  readonly transport: Transport;
  /** `kube-controller-manager/v1.36.2 (linux/amd64) …`: what the server makes the field manager of. */
  readonly userAgent: string;
  readonly credentials?: Credentials;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: string;
  /** Server-side apply only. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: T }
  | { readonly type: "ERROR"; readonly object: Status };

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export interface WatchReceiver<T extends KubeObject> {
  event(event: WatchEvent<T>): void;
  /** The stream is over; `error` when it broke. Not called after the client hung up. */
  end(error?: string): void;
}

/** Name and namespace of an object; the namespace is left out for what is cluster-scoped. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** An object to be created: what the server fills in may be missing. */
export type NewObject<T extends KubeObject = KubeObject> = Omit<Partial<T>, "metadata"> & {
  readonly metadata: Partial<T["metadata"]>;
};

export class Client {
  readonly transport: Transport;
  readonly userAgent: string;
  readonly credentials: Credentials | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #writeCount = 0;

  constructor({ transport, userAgent, credentials }: ClientOptions) {
    this.transport = transport;
    this.userAgent = userAgent;
    // Frozen, so that the server may know whom it is by the certificate itself.
    this.credentials = deepFreeze(credentials);
    this.#headers = Object.freeze({ "user-agent": userAgent, accept: "application/json" });
  }

  /** A client of the same server under another user agent or other credentials. */
  with(changes: { readonly userAgent?: string; readonly credentials?: Credentials }): Client {
    return new Client({
      transport: this.transport,
      userAgent: this.userAgent,
      ...this.#credentialsOption(),
      ...changes,
    });
  }

  /** Writes sent so far: what a reconcile costs in virtual time depends on them. */
  get writeCount(): number {
    return this.#writeCount;
  }

  get<T extends KubeObject>(
    type: ResourceType<T>,
    { namespace, name }: ObjectName,
    subresource?: string,
  ): Result<T, Status> {
    return this.#send<T>({
      method: "GET",
      info: infoOf("get", type, namespace, name, subresource),
    });
  }

  list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Result<KubeList<T>, Status> {
    return this.#send<KubeList<T>>({
      method: "GET",
      info: infoOf("list", type, options.namespace),
      query: listQuery(options),
    });
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T>, options?: WriteOptions): Result<T, Status> {
    return this.#send<T>({
      method: "POST",
      info: infoOf("create", type, object.metadata.namespace),
      query: writeQuery(options),
      body: stamped(type, object),
    });
  }

  update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Result<T, Status> {
    return this.#put(type, object, undefined, options);
  }

  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Result<T, Status> {
    return this.#put(type, object, "status", options);
  }

  patch<T extends KubeObject>(
    type: ResourceType<T>,
    { namespace, name }: ObjectName,
    patchType: PatchType,
    patch: unknown,
    options: PatchOptions = {},
  ): Result<T, Status> {
    return this.#send<T>({
      method: "PATCH",
      info: infoOf("patch", type, namespace, name, options.subresource),
      query: { ...writeQuery(options), ...(options.force ? { force: ["true"] } : {}) },
      headers: { ...this.#headers, "content-type": PATCH_TYPES[patchType] },
      body: patch,
    });
  }

  /** Answers with the Status, or with the object when it stays for its finalizers or its grace period. */
  delete(type: ResourceType, { namespace, name }: ObjectName, options: DeleteOptions = {}): Result<KubeObject, Status> {
    return this.#send<KubeObject>({
      method: "DELETE",
      info: infoOf("delete", type, namespace, name),
      body: deleteBody(options),
    });
  }

  deleteCollection(type: ResourceType, list: ListOptions, options: DeleteOptions = {}): Result<KubeObject, Status> {
    return this.#send<KubeObject>({
      method: "DELETE",
      info: infoOf("deletecollection", type, list.namespace),
      query: listQuery(list),
      body: deleteBody(options),
    });
  }

  /** POST to a subresource: `binding`, `eviction`, `token`. */
  createSubresource<R extends KubeObject = KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    subresource: string,
    body: unknown,
  ): Result<R, Status> {
    return this.#send<R>({
      method: "POST",
      info: infoOf("create", type, namespace, name, subresource),
      body,
    });
  }

  /** PUT to a subresource: `scale`, `approval`. */
  updateSubresource<R extends KubeObject = KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    subresource: string,
    body: unknown,
  ): Result<R, Status> {
    return this.#send<R>({
      method: "PUT",
      info: infoOf("update", type, namespace, name, subresource),
      body,
    });
  }

  /** Opens a watch. Events come as later tasks of the loop. The returned function hangs up. */
  watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    receiver: WatchReceiver<T>,
  ): Result<Cancel, Status> {
    const query: Record<string, readonly string[]> = { ...listQuery(options), watch: ["true"] };
    if (options.allowWatchBookmarks) query.allowWatchBookmarks = ["true"];
    if (options.timeoutSeconds !== undefined) query.timeoutSeconds = [String(options.timeoutSeconds)];
    const info = infoOf("watch", type, options.namespace);
    const answer = this.raw({ method: "GET", path: info.path, info, query });
    if (!answer.ok) return answer;
    const { stream, body } = answer.value;
    if (!stream) return failure(isStatus(body) ? body : statusFailure(500, "InternalError", "the watch has no stream"));
    stream.open({
      frame(frame) {
        if (frame.channel === "message") receiver.event(frame.value as WatchEvent<T>);
      },
      end: (error) => receiver.end(error),
    });
    return ok(stream.cancel);
  }

  /** Any request, with this client's headers and credentials. A failure Status and a lost connection are errors. */
  raw(request: KubeRequest): Result<ApiResponse & { readonly stream?: ApiStream }, Status> {
    if (request.method !== "GET" && request.method !== "HEAD") this.#writeCount++;
    const { method, path, query, headers = this.#headers, body, info } = request;
    const answer = this.transport.request(
      this.credentials
        ? { method, path, query, headers, body, info, credentials: this.credentials }
        : { method, path, query, headers, body, info },
    );
    if (isTransportFailure(answer)) return failure(transportStatus(request, answer.failure));
    if (answer.status >= 400) {
      return failure(
        isStatus(answer.body)
          ? answer.body
          : statusFailure(answer.status, "", typeof answer.body === "string" ? answer.body : "unknown"),
      );
    }
    return ok(answer);
  }

  #send<R>(request: Known): Result<R, Status> {
    const { method, info, query, headers, body } = request;
    const answer = this.raw({ method, path: info.path, info, query, headers, body });
    return answer.ok ? ok(answer.value.body as R) : answer;
  }

  #put<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    subresource: string | undefined,
    options: WriteOptions | undefined,
  ): Result<T, Status> {
    const { namespace, name } = object.metadata;
    const target = this.#objectTarget(type, namespace, name, subresource);
    return this.#send<T>({
      method: "PUT",
      info: target,
      query: writeQuery(options),
      body: stamped(type, object),
    });
  }

  #lastPut: RequestInfo | undefined;

  /** What an update of one object asks for. Whoever renews a lease asks for the same each time. */
  #objectTarget(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    subresource: string | undefined,
  ): RequestInfo {
    const last = this.#lastPut;
    if (
      last &&
      last.name === name &&
      last.resource === type.plural &&
      last.group === type.group &&
      last.version === type.version &&
      last.namespace === (type.namespaced ? (namespace ?? "") : "") &&
      last.subresource === (subresource ?? "")
    )
      return last;
    const info = infoOf("update", type, namespace, name, subresource);
    this.#lastPut = info;
    return info;
  }

  #credentialsOption(): { readonly credentials?: Credentials } {
    return this.credentials ? { credentials: this.credentials } : {};
  }
}

/** A request whose path says no more than what is known of it. */
type Known = Omit<KubeRequest, "path" | "info"> & { readonly info: RequestInfo };

const NO_REST: readonly string[] = Object.freeze([]);

/** What the server would read from the path, by the same rules. */
function infoOf(verb: string, type: ResourceType, namespace?: string, name = "", subresource = ""): RequestInfo {
  return {
    isResource: true,
    path: pathOf(type, namespace, name === "" ? undefined : name, subresource),
    verb,
    group: type.group,
    version: type.version,
    groupVersion: type.apiVersion,
    // The namespace of a namespace is itself, for authorization.
    namespace: type.namespaced ? (namespace ?? "") : type.plural === "namespaces" && type.group === "" ? name : "",
    resource: type.plural,
    subresource,
    name,
    rest: NO_REST,
  };
}

/** The server requires apiVersion and kind in a body; callers that build objects from types leave them out. */
function stamped<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T> | T): unknown {
  if (object.apiVersion && object.kind) return object;
  return { apiVersion: type.apiVersion, kind: type.kind, ...object };
}

function listQuery(options: ListOptions): Record<string, readonly string[]> {
  const query: Record<string, readonly string[]> = {};
  if (options.labelSelector) query.labelSelector = [options.labelSelector];
  if (options.fieldSelector) query.fieldSelector = [options.fieldSelector];
  if (options.limit !== undefined) query.limit = [String(options.limit)];
  if (options.continue) query.continue = [options.continue];
  if (options.resourceVersion !== undefined) query.resourceVersion = [options.resourceVersion];
  if (options.resourceVersionMatch) query.resourceVersionMatch = [options.resourceVersionMatch];
  return query;
}

const NO_QUERY: Readonly<Record<string, readonly string[]>> = Object.freeze({});

function writeQuery(options: WriteOptions | undefined): Readonly<Record<string, readonly string[]>> {
  if (!options) return NO_QUERY;
  const query: Record<string, readonly string[]> = {};
  if (options?.dryRun) query.dryRun = ["All"];
  if (options?.fieldManager) query.fieldManager = [options.fieldManager];
  if (options?.fieldValidation) query.fieldValidation = [options.fieldValidation];
  return query;
}

function deleteBody(options: DeleteOptions): unknown {
  const { dryRun, ...rest } = options;
  return { kind: "DeleteOptions", apiVersion: "v1", ...rest, ...(dryRun ? { dryRun: ["All"] } : {}) };
}

const TRANSPORT_CAUSE = "TransportFailure";

/** A lost connection as a Status of code 0, so that callers have one kind of error. */
function transportStatus(request: KubeRequest, reason: string): Status {
  return statusFailure(0, "", `${request.method} ${request.path}: ${reason}`, {
    causes: [{ reason: TRANSPORT_CAUSE, message: reason }],
  });
}

/** Go's words for why no answer came (`connect: connection refused`); undefined when the server did answer. */
export function transportFailureOf(status: Status): string | undefined {
  if (status.code !== 0) return undefined;
  const cause = status.details?.causes?.[0];
  return cause?.reason === TRANSPORT_CAUSE ? cause.message : undefined;
}

export const isNotFound = (status: Status): boolean => status.reason === "NotFound";
export const isConflict = (status: Status): boolean => status.reason === "Conflict";
export const isAlreadyExists = (status: Status): boolean => status.reason === "AlreadyExists";
export const isInvalid = (status: Status): boolean => status.reason === "Invalid";
export const isForbidden = (status: Status): boolean => status.reason === "Forbidden";
/** The namespace is being terminated: nothing can be created in it any more. */
export const isNamespaceTerminating = (status: Status): boolean =>
  status.reason === "Forbidden" && status.details?.causes?.some((c) => c.reason === "NamespaceTerminating") === true;
