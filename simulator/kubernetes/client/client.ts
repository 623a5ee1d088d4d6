/**
 * Typed verbs over a Transport, for one component: its user agent and credentials go with every request, and every
 * answer is a Result. A write has taken effect when the call returns.
 */
import type { ApiResponse, ApiStream } from "../../base/door";
import type { Cancel } from "../../base/loop";
import { failure, ok, type Result } from "../../base/result";
import type { KubeList, KubeObject, Status } from "../apimachinery/object";
import { isStatus, statusFailure } from "../apimachinery/status";
import { type Credentials, isTransportFailure, type KubeRequest, type Transport } from "../apimachinery/transport";
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
    this.credentials = credentials;
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
    return this.#send<T>({ method: "GET", path: pathOf(type, namespace, name, subresource) });
  }

  list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Result<KubeList<T>, Status> {
    return this.#send<KubeList<T>>({ method: "GET", path: pathOf(type, options.namespace), query: listQuery(options) });
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T>, options?: WriteOptions): Result<T, Status> {
    return this.#send<T>({
      method: "POST",
      path: pathOf(type, object.metadata.namespace),
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
      path: pathOf(type, namespace, name, options.subresource),
      query: { ...writeQuery(options), ...(options.force ? { force: ["true"] } : {}) },
      headers: { ...this.#headers, "content-type": PATCH_TYPES[patchType] },
      body: patch,
    });
  }

  /** Answers with the Status, or with the object when it stays for its finalizers or its grace period. */
  delete(type: ResourceType, { namespace, name }: ObjectName, options: DeleteOptions = {}): Result<KubeObject, Status> {
    return this.#send<KubeObject>({ method: "DELETE", path: pathOf(type, namespace, name), body: deleteBody(options) });
  }

  deleteCollection(type: ResourceType, list: ListOptions, options: DeleteOptions = {}): Result<KubeObject, Status> {
    return this.#send<KubeObject>({
      method: "DELETE",
      path: pathOf(type, list.namespace),
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
    return this.#send<R>({ method: "POST", path: pathOf(type, namespace, name, subresource), body });
  }

  /** PUT to a subresource: `scale`, `approval`. */
  updateSubresource<R extends KubeObject = KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    subresource: string,
    body: unknown,
  ): Result<R, Status> {
    return this.#send<R>({ method: "PUT", path: pathOf(type, namespace, name, subresource), body });
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
    const answer = this.raw({ method: "GET", path: pathOf(type, options.namespace), query });
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
    const { method, path, query, headers = this.#headers, body } = request;
    const answer = this.transport.request(
      this.credentials
        ? { method, path, query, headers, body, credentials: this.credentials }
        : { method, path, query, headers, body },
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

  #send<R>(request: KubeRequest): Result<R, Status> {
    const answer = this.raw(request);
    return answer.ok ? ok(answer.value.body as R) : answer;
  }

  #put<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    subresource: string | undefined,
    options: WriteOptions | undefined,
  ): Result<T, Status> {
    return this.#send<T>({
      method: "PUT",
      path: this.#objectPath(type, object.metadata.namespace, object.metadata.name, subresource),
      query: writeQuery(options),
      body: stamped(type, object),
    });
  }

  #lastPut: { readonly key: readonly unknown[]; readonly path: string } | undefined;

  /** The path of one object. Whoever renews a lease asks for the same one each time. */
  #objectPath(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    subresource: string | undefined,
  ): string {
    const last = this.#lastPut;
    if (last) {
      const { key } = last;
      if (key[0] === type && key[1] === namespace && key[2] === name && key[3] === subresource) return last.path;
    }
    const path = pathOf(type, namespace, name, subresource);
    this.#lastPut = { key: [type, namespace, name, subresource], path };
    return path;
  }

  #credentialsOption(): { readonly credentials?: Credentials } {
    return this.credentials ? { credentials: this.credentials } : {};
  }
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
