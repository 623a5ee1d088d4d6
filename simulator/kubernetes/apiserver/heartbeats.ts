/**
 * Heartbeats: leaders and nodes renew their Leases all the time, and each renewal changes one time and nothing else. The
 * first of its kind goes the whole way; while nothing that its verdict rests on has changed, the next ones are known to
 * end the same and are stored at once. What is stored, answered, told to watchers and audited is the same either way.
 */
import { parseRfc3339 } from "../../base/clock";
import type { ApiResponse } from "../../base/door";
import type { Loop } from "../../base/loop";
import type { KubeObject } from "../apimachinery/object";
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
    if (old.metadata.managedFields !== known.managedFields || !renewsOnly(old, body, known.field)) return undefined;
    const done = etcd.txn(
      [],
      [
        {
          op: "put",
          key: known.storage.etcdKey(known.namespace, known.name),
          value: (revision) =>
            Object.freeze({
              ...old,
              metadata: Object.freeze({ ...old.metadata, resourceVersion: String(revision) }),
              spec: Object.freeze({ ...(body.spec as object) }),
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
