/**
 * Heartbeats: leaders and nodes renew their Leases all the time, and each renewal changes one time and nothing else. The
 * first of its kind goes the whole way; while nothing that its verdict rests on has changed, the next ones are known to
 * end the same and are stored at once. What is stored, answered, told to watchers and audited is the same either way.
 */
import { parseRfc3339 } from "../../base/clock";
import type { ApiResponse } from "../../base/door";
import type { Loop } from "../../base/loop";
import type { KubeObject, ObjectMeta } from "../apimachinery/object";
import { statusResponse, unknownError } from "../apimachinery/status";
import type { Credentials, KubeRequest } from "../apimachinery/transport";
import type { EtcdCluster } from "../etcd/cluster";
import { auditEntry, type AuditLog } from "./audit";
import type { Authorizer } from "./authorization";
import { JSON_HEADERS } from "./handlers";
import type { RequestInfo } from "./request-info";
import type { UserInfo } from "./scope";
import type { ResourceStorage } from "./storage";

interface Heartbeat {
  readonly storage: ResourceStorage;
  readonly namespace: string;
  readonly name: string;
  /** Member of spec that changes. */
  readonly field: string;
  readonly credentials: Credentials;
  readonly headers: KubeRequest["headers"];
  readonly user: string;
  readonly userAgent: string;
  readonly info: RequestInfo;
  /** Rules of the authorizer that let it through. */
  readonly rules: number;
  /** The renewal is the writer's already in these, and nobody else's. */
  readonly managedFields: unknown;
}

export interface HeartbeatOptions {
  readonly loop: Loop;
  readonly etcd: EtcdCluster;
  readonly audit: AuditLog;
  readonly authorizer: Authorizer;
}

type Members = Readonly<Record<string, unknown>>;

export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #known = new Map<string, Heartbeat>();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Notes an update that went the whole way and only renewed what was there. */
  learn(
    request: KubeRequest,
    info: RequestInfo,
    user: UserInfo,
    old: KubeObject,
    stored: KubeObject,
    storage: ResourceStorage,
  ): void {
    const field = storage.resource.heartbeat;
    const { credentials } = request;
    if (field === undefined || !credentials?.certificate || credentials.impersonate || info.subresource) return;
    if (stored.metadata.managedFields !== old.metadata.managedFields || !renewsOnly(old, stored, field)) return;
    if (this.#known.size >= 2000) this.#known.clear();
    this.#known.set(info.path, {
      storage,
      namespace: info.namespace,
      name: info.name,
      field,
      credentials,
      headers: request.headers,
      user: user.name,
      userAgent: request.headers?.["user-agent"] ?? "",
      info,
      rules: this.#options.authorizer.rulesVersion,
      managedFields: stored.metadata.managedFields,
    });
  }

  /** Serves a request that is one more of a known kind; undefined for every other one. */
  serve(request: KubeRequest): ApiResponse | undefined {
    if (request.method !== "PUT") return undefined;
    const known = this.#known.get(request.path);
    if (!known || request.credentials !== known.credentials || request.headers !== known.headers) return undefined;
    const { etcd, loop, audit, authorizer } = this.#options;
    if (authorizer.rulesVersion !== known.rules || !isEmpty(request.query)) return undefined;
    const old = known.storage.get(known.namespace, known.name);
    const body = request.body as KubeObject | undefined;
    if (!old || !body || body.metadata !== old.metadata || old.metadata.deletionTimestamp) return undefined;
    if (!isBare(old)) return undefined;
    if (old.metadata.managedFields !== known.managedFields || !renewsOnly(old, body, known.field)) return undefined;
    const done = etcd.txn(
      [],
      [
        {
          op: "put",
          key: known.storage.etcdKey(known.namespace, known.name),
          value: (revision) =>
            Object.freeze({
              kind: old.kind,
              apiVersion: old.apiVersion,
              metadata: withRevision(old.metadata, String(revision)),
              spec: copyOf(body["spec"] as Members),
            }),
        },
      ],
    );
    const response: ApiResponse = done.ok
      ? { status: 200, headers: JSON_HEADERS, body: done.value.results[0]!.value }
      : statusResponse(unknownError(done.error));
    audit.add(auditEntry(loop.now(), known.user, known.userAgent, known.info, response.status));
    return response;
  }
}

/** Whether an object consists of metadata and spec alone. */
function isBare(object: KubeObject): boolean {
  let count = 0;
  for (const _ in object) count++;
  return count === 4 && object["spec"] !== undefined;
}

/** A frozen copy. Member by member: V8 freezes what was spread slowly. */
function copyOf(members: Members): Members {
  const copy: Record<string, unknown> = {};
  for (const key in members) copy[key] = members[key];
  return Object.freeze(copy);
}

/** Metadata at another revision, written out for the forms that leases have. */
function withRevision(old: ObjectMeta, resourceVersion: string): ObjectMeta {
  const { name, namespace, uid, creationTimestamp, ownerReferences, managedFields } = old;
  let count = 0;
  for (const _ in old) count++;
  if (namespace !== undefined && managedFields !== undefined) {
    if (count === 6) return Object.freeze({ name, namespace, uid, resourceVersion, creationTimestamp, managedFields });
    if (count === 7 && ownerReferences !== undefined)
      return Object.freeze({
        name,
        namespace,
        uid,
        resourceVersion,
        creationTimestamp,
        ownerReferences,
        managedFields,
      });
  }
  return Object.freeze({ ...old, resourceVersion });
}

/** Whether one time of spec is all that differs, of an object of the form that is stored. */
function renewsOnly(old: KubeObject, now: KubeObject, field: string): boolean {
  if (now.kind !== old.kind || now.apiVersion !== old.apiVersion) return false;
  for (const key in now)
    if (key !== "kind" && key !== "apiVersion" && key !== "metadata" && key !== "spec") return false;
  const before = old["spec"] as Members | undefined;
  const after = now["spec"] as Members | undefined;
  if (!before || !after) return false;
  let count = 0;
  for (const key in after) {
    if (key !== field && after[key] !== before[key]) return false;
    count++;
  }
  for (const _ in before) count--;
  const time = after[field];
  return count === 0 && typeof time === "string" && time !== before[field] && parseRfc3339(time) !== undefined;
}

function isEmpty(query: KubeRequest["query"]): boolean {
  for (const _ in query) return false;
  return true;
}
