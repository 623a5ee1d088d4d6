/**
 * ConfigMaps and Secrets that Pods of this node refer to, each watched by name while a Pod needs it (upstream's
 * watch-based managers), and service account tokens, asked for anew before they expire.
 */
import { parseRfc3339 } from "../../base/clock";
import type { Random } from "../../base/random";
import { failure, ok, type Result } from "../../base/result";
import type { ConfigMap, Pod, Secret, ServiceAccountTokenProjection, Volume } from "../api/types.generated";
import type { KubeObject } from "../apimachinery/object";
import { type Client, transportFailureOf } from "../client/client";
import { Informer } from "../client/informer";
import type { ResourceType } from "../client/resource-type";
import { CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS } from "../client/resources";
import { Scope } from "../client/scope";

interface Watched<T extends KubeObject> {
  readonly informer: Informer<T>;
  readonly scope: Scope;
  readonly users: Set<string>;
}

export interface ReferencedObjectsOptions {
  readonly scope: Scope;
  readonly client: Client;
  readonly random: Random;
}

export class ReferencedObjects {
  readonly #options: ReferencedObjectsOptions;
  readonly #watched = new Map<string, Watched<KubeObject>>();
  readonly #keysOfPod = new Map<string, readonly string[]>();
  readonly #tokens = new Map<string, { readonly token: string; readonly refreshAt: number }>();

  constructor(options: ReferencedObjectsOptions) {
    this.#options = options;
    options.scope.onEnd(() => {
      for (const { scope } of this.#watched.values()) scope.end();
    });
  }

  /** Begins to watch what a Pod refers to. */
  register(pod: Pod): void {
    const uid = pod.metadata.uid;
    if (this.#keysOfPod.has(uid)) return;
    const namespace = pod.metadata.namespace ?? "default";
    const names = referencesOf(pod);
    const keys = [
      ...[...names.configMaps].map((name) => this.#watch(CONFIG_MAPS, namespace, name, uid)),
      ...[...names.secrets].map((name) => this.#watch(SECRETS, namespace, name, uid)),
    ];
    this.#keysOfPod.set(uid, keys);
  }

  unregister(podUid: string): void {
    for (const key of this.#keysOfPod.get(podUid) ?? []) {
      const watched = this.#watched.get(key);
      watched?.users.delete(podUid);
      if (watched && watched.users.size === 0) {
        watched.scope.end();
        this.#watched.delete(key);
      }
    }
    this.#keysOfPod.delete(podUid);
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

  #watch<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string, user: string): string {
    const key = `${type.plural}/${namespace}/${name}`;
    let watched = this.#watched.get(key);
    if (!watched) {
      const scope = new Scope(this.#options.scope.loop);
      const { client, random } = this.#options;
      const informer = new Informer(
        type,
        { scope, client, random },
        { namespace, fieldSelector: `metadata.name=${name}` },
      );
      watched = { informer: informer as unknown as Informer<KubeObject>, scope, users: new Set() };
      this.#watched.set(key, watched);
      informer.start();
    }
    watched.users.add(user);
    return key;
  }

  #get<T extends KubeObject>(type: ResourceType<T>, word: string, namespace: string, name: string): Result<T, string> {
    const watched = this.#watched.get(`${type.plural}/${namespace}/${name}`);
    if (watched?.informer.hasSynced) {
      const found = watched.informer.cache.get(`${namespace}/${name}`);
      if (found) return ok(found as unknown as T);
      // The watch may be behind what was created a moment ago.
    }
    const got = this.#options.client.get(type, { namespace, name });
    if (got.ok) return ok(got.value);
    if (transportFailureOf(got.error) !== undefined)
      return failure(`failed to sync ${word} cache: timed out waiting for the condition`);
    return failure(got.error.reason === "NotFound" ? `${word} "${name}" not found` : (got.error.message ?? ""));
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
