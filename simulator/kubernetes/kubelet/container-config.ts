/** What the runtime is asked to make: sandbox and container configurations from a Pod's spec. */
import { encodeUtf8, NO_BYTES } from "../../base/bytes";
import { failure, ok, type Result } from "../../base/result";
import type { ContainerConfig, CriImage, DnsConfig, Mount, PodSandboxConfig } from "../../containerd/cri";
import { DirInode, FileInode } from "../../os/inode";
import type { Container, EphemeralContainer, Pod } from "../api/types.generated";
import { expand, type Variables } from "./environment";
import { cgroupParentOf, linuxResources, podLinuxResources } from "./resources";
import { CONTAINER_NAME_LABEL, POD_NAME_LABEL, POD_NAMESPACE_LABEL, POD_UID_LABEL } from "./runtime-cache";
import type { VolumeManager } from "./volumes";

export interface DnsOptions {
  /** Absent: Pods get the node's resolv.conf whatever their policy. */
  readonly clusterDns?: string;
  readonly clusterDomain: string;
}

/** Host names are cut at 63 characters, as truncatePodHostnameIfNeeded does. */
export function hostnameOf(pod: Pod, nodeName: string): string {
  if (pod.spec.hostnameOverride) return pod.spec.hostnameOverride;
  if (pod.spec.hostNetwork) return nodeName;
  const name = pod.spec.hostname || pod.metadata.name;
  return name.length > 63 ? name.slice(0, 63).replace(/[-.]+$/, "") : name;
}

export const hostDomainOf = (pod: Pod, clusterDomain: string): string =>
  pod.spec.subdomain ? `${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : "";

const podLabels = (pod: Pod): Record<string, string> => ({
  [POD_NAME_LABEL]: pod.metadata.name,
  [POD_NAMESPACE_LABEL]: pod.metadata.namespace ?? "default",
  [POD_UID_LABEL]: pod.metadata.uid,
});

export function sandboxConfig(pod: Pod, attempt: number, nodeName: string, dns: DnsOptions): PodSandboxConfig {
  const namespace = pod.metadata.namespace ?? "default";
  const { name, uid } = pod.metadata;
  const portMappings = pod.spec.containers
    .flatMap((container) => container.ports ?? [])
    .filter((port) => port.hostPort)
    .map((port) => ({
      protocol: port.protocol ?? ("TCP" as const),
      containerPort: port.containerPort,
      hostPort: port.hostPort!,
      ...(port.hostIP ? { hostIp: port.hostIP } : {}),
    }));
  const dnsConfig = dnsFor(pod, dns);
  return {
    metadata: { name, uid, namespace, attempt },
    hostname: hostnameOf(pod, nodeName),
    logDirectory: `/var/log/pods/${namespace}_${name}_${uid}`,
    ...(dnsConfig ? { dnsConfig } : {}),
    ...(portMappings.length > 0 && !pod.spec.hostNetwork ? { portMappings } : {}),
    labels: { ...podLabels(pod), ...pod.metadata.labels },
    annotations: pod.metadata.annotations ?? {},
    linux: {
      cgroupParent: cgroupParentOf(pod),
      resources: podLinuxResources(pod),
      network: pod.spec.hostNetwork ? "NODE" : "POD",
      pid: pod.spec.hostPID ? "NODE" : pod.spec.shareProcessNamespace ? "POD" : "CONTAINER",
    },
  };
}

function dnsFor(pod: Pod, { clusterDns, clusterDomain }: DnsOptions): DnsConfig | undefined {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  const namespace = pod.metadata.namespace ?? "default";
  const toCluster = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && !pod.spec.hostNetwork);
  let base: DnsConfig | undefined;
  if (toCluster && clusterDns)
    base = {
      servers: [clusterDns],
      searches: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain],
      options: ["ndots:5"],
    };
  else if (policy === "None") base = { servers: [], searches: [], options: [] };
  const extra = pod.spec.dnsConfig;
  if (!extra) return base;
  const from = base ?? { servers: [], searches: [], options: [] };
  const options = new Map(from.options.map((option) => [option.split(":")[0]!, option]));
  for (const { name = "", value } of extra.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...from.servers, ...(extra.nameservers ?? [])])],
    searches: [...new Set([...from.searches, ...(extra.searches ?? [])])],
    options: [...options.values()],
  };
}

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly restartCount: number;
  readonly image: CriImage | undefined;
  readonly imageId: string;
  readonly variables: Variables;
  readonly volumes: VolumeManager;
  readonly podIp: string;
  readonly nodeName: string;
  readonly clusterDomain: string;
}

/** The termination message's file of a container, under its Pod's directory. */
export const messageFileName = (container: string, attempt: number): string => `${container}/${attempt}`;

/** An error is the message of CreateContainerConfigError. */
export function containerConfig(input: ContainerConfigInput): Result<ContainerConfig, string> {
  const { pod, container, restartCount, image, imageId, variables } = input;
  const security = container.securityContext ?? {};
  const podSecurity = pod.spec.securityContext ?? {};
  const runAsUser = security.runAsUser ?? podSecurity.runAsUser;
  const runAsGroup = security.runAsGroup ?? podSecurity.runAsGroup;
  const nonRoot = security.runAsNonRoot ?? podSecurity.runAsNonRoot;
  const refused = nonRoot ? refuseRoot(pod, container, runAsUser, image) : undefined;
  if (refused) return failure(refused);
  const values = new Map(variables.map(({ key, value }) => [key, value]));
  const lookup = (name: string): string | undefined => values.get(name);
  const mounts = containerMounts(input, lookup);
  if (!mounts.ok) return mounts;
  return ok({
    metadata: { name: container.name, attempt: restartCount },
    image: imageId,
    userSpecifiedImage: container.image ?? "",
    command: (container.command ?? []).map((word) => expand(word, lookup)),
    args: (container.args ?? []).map((word) => expand(word, lookup)),
    workingDir: container.workingDir ?? "",
    envs: variables,
    mounts: mounts.value,
    labels: { ...podLabels(pod), [CONTAINER_NAME_LABEL]: container.name },
    annotations: { "io.kubernetes.container.hash": definitionHash(container) },
    logPath: `${container.name}/${restartCount}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: linuxResources(container),
      securityContext: {
        ...(security.privileged ? { privileged: true } : {}),
        ...(runAsUser === undefined ? {} : { runAsUser }),
        ...(runAsGroup === undefined ? {} : { runAsGroup }),
        ...(security.readOnlyRootFilesystem ? { readonlyRootfs: true } : {}),
      },
    },
  });
}

/** What makes a running container an old one: only the image can be changed in place. */
export const definitionHash = (container: Container | EphemeralContainer): string =>
  `${container.name}|${container.image ?? ""}`;

function refuseRoot(
  pod: Pod,
  container: Container | EphemeralContainer,
  runAsUser: number | undefined,
  image: CriImage | undefined,
): string | undefined {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser !== undefined)
    return runAsUser === 0 ? `container's runAsUser breaks non-root policy ${where}` : undefined;
  if (image?.uid !== undefined) return image.uid === 0 ? rootImage(where) : undefined;
  if (image?.username && image.username !== "root")
    return `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`;
  return rootImage(where);
}

const rootImage = (where: string): string => `container has runAsNonRoot and image will run as root ${where}`;

function containerMounts(
  { pod, container, restartCount, volumes, podIp, nodeName, clusterDomain }: ContainerConfigInput,
  lookup: (name: string) => string | undefined,
): Result<Mount[], string> {
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, lookup) : (mount.subPath ?? "");
    if (mount.subPathExpr && /\$\(/.test(subPath))
      return failure(`missing value for "${/\$\(([^)]*)\)/.exec(subPath)?.[1] ?? ""}"`);
    const hostPath = volumes.hostPath(pod, mount, subPath);
    if (!hostPath.ok) return hostPath;
    mounts.push({
      containerPath: mount.mountPath,
      hostPath: hostPath.value,
      readonly: (mount.readOnly ?? false) || isAlwaysReadOnly(pod, mount.name),
    });
  }
  const dir = volumes.podDir(pod);
  const hasHosts = mounts.some((mount) => mount.containerPath === "/etc/hosts");
  if (!hasHosts && !pod.spec.hostNetwork) {
    let hosts = dir.entries.get("etc-hosts");
    if (!hosts) {
      hosts = new FileInode(
        encodeUtf8(hostsFile(pod, podIp, hostnameOf(pod, nodeName), hostDomainOf(pod, clusterDomain))),
      );
      dir.entries.set("etc-hosts", hosts);
    }
    mounts.push({
      containerPath: "/etc/hosts",
      hostPath: `/var/lib/kubelet/pods/${pod.metadata.uid}/etc-hosts`,
      readonly: false,
    });
  }
  const messagePath = container.terminationMessagePath ?? "/dev/termination-log";
  let containers = dir.entries.get("containers");
  if (containers?.kind !== "dir") dir.entries.set("containers", (containers = new DirInode()));
  let own = containers.entries.get(container.name);
  if (own?.kind !== "dir") containers.entries.set(container.name, (own = new DirInode()));
  // Only the files of the last attempts are of use.
  own.entries.delete(String(restartCount - 2));
  own.entries.set(String(restartCount), new FileInode(NO_BYTES, { mode: 0o666 }));
  mounts.push({
    containerPath: messagePath,
    hostPath: `/var/lib/kubelet/pods/${pod.metadata.uid}/containers/${messageFileName(container.name, restartCount)}`,
    readonly: false,
  });
  return ok(mounts);
}

/** configMap, secret, downwardAPI and projected volumes cannot be written to from inside. */
function isAlwaysReadOnly(pod: Pod, volumeName: string): boolean {
  const volume = pod.spec.volumes?.find((v) => v.name === volumeName);
  return Boolean(volume?.configMap ?? volume?.secret ?? volume?.downwardAPI ?? volume?.projected);
}

function hostsFile(pod: Pod, podIp: string, hostname: string, domain: string): string {
  const lines = [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    domain ? `${podIp}\t${hostname}.${domain}\t${hostname}` : `${podIp}\t${hostname}`,
  ];
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length > 0) {
    lines.push("", "# Entries added by HostAliases.");
    for (const { ip, hostnames = [] } of aliases) lines.push(`${ip}\t${hostnames.join("\t")}`);
  }
  return `${lines.join("\n")}\n`;
}
