/**
 * ConfigMaps and Secrets that Pods of this node refer to, read by name and remembered for a moment (upstream's
 * TTL-based managers; a Pod that comes or changes is read for anew), and service account tokens, asked for again before
 * they expire.
 */
import { type Instant, parseRfc3339 } from "../../base/clock";
import { failure, ok, type Result } from "../../base/result";
import type { KubeObject } from "../apimachinery/object";
import type { ConfigMap, Pod, Secret, ServiceAccountTokenProjection, Volume } from "../api/types.generated";
import { type Client, transportFailureOf } from "../client/client";
import type { ResourceType } from "../client/resource-type";
import { CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS } from "../client/resources";
import type { Scope } from "../client/scope";

interface Remembered {
  readonly result: Result<KubeObject, string>;
  readonly until: Instant;
}

export interface ReferencedObjectsOptions {
  readonly scope: Scope;
  readonly client: Client;
}

/** Many Pods that start together read an object once. */
const REMEMBER_MS = 5000;

export class ReferencedObjects {
  readonly #options: ReferencedObjectsOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #tokens = new Map<string, { readonly token: string; readonly refreshAt: number }>();

  constructor(options: ReferencedObjectsOptions) {
    this.#options = options;
  }

  /** A Pod has come or changed: what it refers to is read anew, unless that was a moment ago. */
  register(pod: Pod): void {
    const namespace = pod.metadata.namespace ?? "default";
    const names = referencesOf(pod);
    // The authority's certificate is the same for all and never changes.
    for (const name of names.configMaps)
      if (name !== "kube-root-ca.crt") this.#remembered.delete(`configmaps/${namespace}/${name}`);
    for (const name of names.secrets) this.#remembered.delete(`secrets/${namespace}/${name}`);
  }

  unregister(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}|`)) this.#tokens.delete(key);
  }

  configMap(namespace: string, name: string): Result<ConfigMap, string> {
    return this.#get(CONFIG_MAPS, "configmap", namespace, name);
  }

  secret(namespace: string, name: string): Result<Secret, string> {
    return this.#get(SECRETS, "secret", namespace, name);
  }

  token(pod: Pod, { audience, expirationSeconds = 3600 }: ServiceAccountTokenProjection): Result<string, string> {
    const { uid, name, namespace = "default" } = pod.metadata;
    const key = `${uid}|${audience ?? ""}|${expirationSeconds}`;
    const known = this.#tokens.get(key);
    const now = this.#options.scope.now();
    if (known && known.refreshAt > now) return ok(known.token);
    const account = pod.spec.serviceAccountName || "default";
    const answer = this.#options.client.createSubresource(SERVICE_ACCOUNTS, { namespace, name: account }, "token", {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name: account, namespace },
      spec: {
        ...(audience ? { audiences: [audience] } : {}),
        expirationSeconds,
        boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
      },
    });
    if (!answer.ok) {
      if (known) return ok(known.token);
      return failure(`failed to fetch token: ${answer.error.message}`);
    }
    const { token, expirationTimestamp } = answer.value.status as { token: string; expirationTimestamp?: string };
    const expires = expirationTimestamp ? parseRfc3339(expirationTimestamp) : undefined;
    // At four fifths of its life, and never later than a day.
    const lifeMs = Math.min((expires ?? now + expirationSeconds * 1000) - now, expirationSeconds * 1000, 86_400_000);
    this.#tokens.set(key, { token, refreshAt: now + lifeMs * 0.8 });
    return ok(token);
  }

  #get<T extends KubeObject>(type: ResourceType<T>, word: string, namespace: string, name: string): Result<T, string> {
    const key = `${type.plural}/${namespace}/${name}`;
    const now = this.#options.scope.now();
    const known = this.#remembered.get(key);
    if (known && known.until > now) return known.result as Result<T, string>;
    const got = this.#options.client.get(type, { namespace, name });
    let result: Result<T, string>;
    if (got.ok) result = ok(got.value);
    else if (transportFailureOf(got.error) !== undefined)
      result = failure(`failed to sync ${word} cache: timed out waiting for the condition`);
    else result = failure(got.error.reason === "NotFound" ? `${word} "${name}" not found` : (got.error.message ?? ""));
    // What is missing is looked for at every turn.
    if (result.ok) {
      if (this.#remembered.size > 1000) this.#remembered.clear();
      this.#remembered.set(key, { result, until: now + REMEMBER_MS });
    }
    return result;
  }
}

function referencesOf(pod: Pod): { readonly configMaps: Set<string>; readonly secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (set: Set<string>, name: string | undefined): void => {
    if (name) set.add(name);
  };
  for (const { name } of pod.spec.imagePullSecrets ?? []) add(secrets, name);
  for (const container of [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(configMaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec.volumes ?? [])
    addVolume(
      volume,
      (n) => add(configMaps, n),
      (n) => add(secrets, n),
    );
  return { configMaps, secrets };
}

function addVolume(volume: Volume, configMap: (name?: string) => void, secret: (name?: string) => void): void {
  configMap(volume.configMap?.name);
  secret(volume.secret?.secretName);
  for (const source of volume.projected?.sources ?? []) {
    configMap(source.configMap?.name);
    secret(source.secret?.name);
  }
}
