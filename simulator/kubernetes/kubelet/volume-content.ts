/** What the files of configMap, secret, downwardAPI and projected volumes hold. */
import { type Bytes, encodeUtf8 } from "../../base/bytes";
import { failure, ok, type Result } from "../../base/result";
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from "../api/types.generated";
import { decodeBase64 } from "../apimachinery/base64";
import { type NodeFacts, podField, resourceField } from "./fields";

export interface VolumeFile {
  readonly content: Bytes;
  readonly mode: number;
}

/** By path relative to the volume. */
export type Payload = ReadonlyMap<string, VolumeFile>;

export interface VolumeSources {
  configMap(namespace: string, name: string): Result<ConfigMap, string>;
  secret(namespace: string, name: string): Result<Secret, string>;
  token(pod: Pod, projection: ServiceAccountTokenProjection): Result<string, string>;
  readonly node: NodeFacts;
}

/** Whether a volume's content is made by the kubelet from API objects. */
export const isProjected = (volume: Volume): boolean =>
  Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);

export function volumePayload(pod: Pod, volume: Volume, sources: VolumeSources): Result<Payload, string> {
  const namespace = pod.metadata.namespace ?? "default";
  const files = new Map<string, VolumeFile>();
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const { name = "", items, optional, defaultMode = 0o644 } = configMap;
    return addConfigMap(files, sources.configMap(namespace, name), items, optional, defaultMode);
  }
  if (secret) {
    const { secretName = "", items, optional, defaultMode = 0o644 } = secret;
    return addSecret(files, sources.secret(namespace, secretName), items, optional, defaultMode);
  }
  if (downwardAPI) return addDownward(files, pod, downwardAPI.items, downwardAPI.defaultMode ?? 0o644, sources);
  for (const source of projected?.sources ?? []) {
    const added = addProjection(files, pod, source, projected?.defaultMode ?? 0o644, sources);
    if (!added.ok) return added;
  }
  return ok(files);
}

function addProjection(
  files: Map<string, VolumeFile>,
  pod: Pod,
  source: VolumeProjection,
  mode: number,
  sources: VolumeSources,
): Result<Payload, string> {
  const namespace = pod.metadata.namespace ?? "default";
  if (source.configMap) {
    const { name = "", items, optional } = source.configMap;
    return addConfigMap(files, sources.configMap(namespace, name), items, optional, mode);
  }
  if (source.secret) {
    const { name = "", items, optional } = source.secret;
    return addSecret(files, sources.secret(namespace, name), items, optional, mode);
  }
  if (source.downwardAPI) return addDownward(files, pod, source.downwardAPI.items, mode, sources);
  if (source.serviceAccountToken) {
    const token = sources.token(pod, source.serviceAccountToken);
    if (!token.ok) return token;
    files.set(source.serviceAccountToken.path, { content: token.value as Bytes, mode });
    return ok(files);
  }
  return failure("this projected source is not simulated; use configMap, secret, downwardAPI or serviceAccountToken");
}

function addConfigMap(
  files: Map<string, VolumeFile>,
  found: Result<ConfigMap, string>,
  items: readonly KeyToPath[] | undefined,
  optional: boolean | undefined,
  mode: number,
): Result<Payload, string> {
  if (!found.ok) return optional && found.error.endsWith("not found") ? ok(files) : found;
  const { data = {}, binaryData = {} } = found.value;
  const contentOf = (key: string): Bytes | undefined => {
    const text = data[key];
    if (text !== undefined) return encodeUtf8(text);
    const binary = binaryData[key];
    return binary === undefined ? undefined : decodeBase64(binary);
  };
  const keys = items ?? [...Object.keys(data), ...Object.keys(binaryData)].sort().map((key) => ({ key, path: key }));
  return addKeys(files, keys, contentOf, optional, mode, "configmap references non-existent config key: ");
}

function addSecret(
  files: Map<string, VolumeFile>,
  found: Result<Secret, string>,
  items: readonly KeyToPath[] | undefined,
  optional: boolean | undefined,
  mode: number,
): Result<Payload, string> {
  if (!found.ok) return optional && found.error.endsWith("not found") ? ok(files) : found;
  const { data = {} } = found.value;
  const contentOf = (key: string): Bytes | undefined => {
    const encoded = data[key];
    return encoded === undefined ? undefined : decodeBase64(encoded);
  };
  const keys =
    items ??
    Object.keys(data)
      .sort()
      .map((key) => ({ key, path: key }));
  return addKeys(files, keys, contentOf, optional, mode, "references non-existent secret key: ");
}

function addKeys(
  files: Map<string, VolumeFile>,
  keys: readonly KeyToPath[],
  contentOf: (key: string) => Bytes | undefined,
  optional: boolean | undefined,
  defaultMode: number,
  missing: string,
): Result<Payload, string> {
  for (const { key, path, mode } of keys) {
    const content = contentOf(key);
    if (content === undefined) {
      if (optional) continue;
      return failure(`${missing}${key}`);
    }
    files.set(path, { content, mode: mode ?? defaultMode });
  }
  return ok(files);
}

function addDownward(
  files: Map<string, VolumeFile>,
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  defaultMode: number,
  sources: VolumeSources,
): Result<Payload, string> {
  for (const item of items ?? []) {
    let text: string | undefined;
    if (item.fieldRef) text = podField(pod, item.fieldRef.fieldPath, sources.node, pod.status?.podIP ?? "");
    else if (item.resourceFieldRef) {
      const field = resourceField(pod, undefined, item.resourceFieldRef, sources.node);
      if (!field.ok) return field;
      text = field.value;
    }
    if (text === undefined) return failure(`unsupported fieldPath: ${item.fieldRef?.fieldPath ?? item.path}`);
    files.set(item.path, { content: encodeUtf8(text), mode: item.mode ?? defaultMode });
  }
  return ok(files);
}
