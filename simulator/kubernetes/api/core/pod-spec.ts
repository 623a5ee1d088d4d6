/** PodSpec and what it is made of: types, and the defaults that Pods and templates share (pkg/apis/core/v1/defaults.go). */
import type { Draft } from "../../apimachinery/resource";

export type {
  Affinity,
  Container,
  ContainerPort,
  EnvVar,
  EphemeralContainer,
  Lifecycle,
  PodSecurityContext,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  SecurityContext,
  Toleration,
  TopologySpreadConstraint,
  Volume,
  VolumeMount,
} from "../types.generated";

/** Defaults of a template's or Pod's spec. Writes only what is missing. */
export function defaultPodSpec(spec: Draft): void {
  spec.dnsPolicy ??= "ClusterFirst";
  spec.restartPolicy ??= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= "default-scheduler";
  // The old name of the field is kept in step.
  if (spec.serviceAccountName) spec.serviceAccount ??= spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  const hostNetwork = spec.hostNetwork === true;
  for (const container of spec.initContainers ?? []) defaultContainer(container, hostNetwork);
  for (const container of spec.containers ?? []) defaultContainer(container, hostNetwork);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container, false);
}

/** Defaults of Pods alone, which templates do not get. */
export function defaultPodOnly(spec: Draft): void {
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const limits = container.resources?.limits;
    if (!limits) continue;
    // What is limited and not requested is requested in full.
    for (const name of Object.keys(limits)) {
      if (container.resources.requests?.[name] !== undefined) continue;
      container.resources.requests ??= {};
      container.resources.requests[name] = limits[name];
    }
  }
}

function defaultContainer(container: Draft, hostNetwork: boolean): void {
  container.resources ??= {};
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  container.imagePullPolicy ??= defaultPullPolicy(container.image ?? "");
  for (const port of container.ports ?? []) {
    port.protocol ??= "TCP";
    if (hostNetwork) port.hostPort ??= port.containerPort;
  }
  for (const env of container.env ?? []) {
    const field = env.valueFrom?.fieldRef;
    if (field) field.apiVersion ??= "v1";
    const file = env.valueFrom?.fileKeyRef;
    if (file) file.optional ??= false;
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe);
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (hook?.httpGet) defaultHttpGet(hook.httpGet);
  }
}

function defaultProbe(probe: Draft): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet) defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function defaultHttpGet(action: Draft): void {
  action.path ??= "/";
  action.scheme ??= "HTTP";
}

/** Always for `latest`, named or implied; IfNotPresent for other tags, digests and what cannot be parsed. */
export function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  return imageTag(image) === "latest" ? "Always" : "IfNotPresent";
}

const REFERENCE =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::([\w][\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$/;

function imageTag(image: string): string {
  const m = REFERENCE.exec(image);
  if (!m) return "";
  if (m[1]) return m[1];
  return m[2] ? "" : "latest";
}

const SOURCES = [
  "hostPath",
  "emptyDir",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "persistentVolumeClaim",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "downwardAPI",
  "fc",
  "azureFile",
  "configMap",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "projected",
  "portworxVolume",
  "scaleIO",
  "storageos",
  "csi",
  "ephemeral",
  "image",
];

/** The fields that name a volume's source. */
export const VOLUME_SOURCES: readonly string[] = SOURCES;

function defaultVolume(volume: Draft): void {
  if (!SOURCES.some((source) => volume[source] !== undefined)) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= 420;
  if (volume.configMap) volume.configMap.defaultMode ??= 420;
  if (volume.hostPath) volume.hostPath.type ??= "";
  for (const items of [volume.downwardAPI, volume.projected]) {
    if (!items) continue;
    items.defaultMode ??= 420;
    for (const item of items.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= "v1";
    for (const source of items.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      for (const item of source.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= "v1";
    }
  }
  if (volume.ephemeral?.volumeClaimTemplate) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
  if (volume.image) volume.image.pullPolicy ??= defaultPullPolicy(volume.image.reference ?? "");
}
