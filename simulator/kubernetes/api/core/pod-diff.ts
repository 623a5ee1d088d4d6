/**
 * The difference that a refused Pod update prints: a unified diff of the two specs as Go's internal types marshal, which
 * have no JSON tags: Go's field names, in the order of declaration, with every member (pkg/apis/core/types.go).
 */
import { goJson } from "../../../text/go-json";
import { unifiedDiff } from "../../../text/unified-diff";
import type { Draft } from "../../apimachinery/resource";

/** `Go name: JSON name` pairs; a bare name is its own JSON name with a small first letter. */
type Zero = "string" | "number" | "bool" | "null";
interface Member {
  readonly go: string;
  readonly json: string;
  readonly zero: Zero;
  readonly struct?: Struct;
}
type Struct = readonly Member[];

/** `Name`: null when absent. `Name=""`, `Name=0`, `Name=false`: Go's zero. `Name@json`: another JSON name. */
function struct(text: string, nested: Readonly<Record<string, Struct>> = {}): Struct {
  return text.split(/\s+/).map((word) => {
    const m = /^(\w+)(?:@(\w+))?(?:=(""|0|false))?$/.exec(word)!;
    const go = m[1]!;
    const zero: Zero = m[3] === '""' ? "string" : m[3] === "0" ? "number" : m[3] === "false" ? "bool" : "null";
    const known = nested[go];
    return { go, json: m[2] ?? go.charAt(0).toLowerCase() + go.slice(1), zero, ...(known ? { struct: known } : {}) };
  });
}

const keyToPath = struct('Key="" Path="" Mode');
const fieldRef = struct('APIVersion@apiVersion="" FieldPath=""');
const resourceFieldRef = struct('ContainerName="" Resource="" Divisor=0');
const downwardFile = struct('Path="" FieldRef ResourceFieldRef Mode', {
  FieldRef: fieldRef,
  ResourceFieldRef: resourceFieldRef,
});
const projection = struct(
  "Secret DownwardAPI@downwardAPI ConfigMap ServiceAccountToken ClusterTrustBundle PodCertificate",
  {
    Secret: struct('Name="" Items Optional', { Items: keyToPath }),
    ConfigMap: struct('Name="" Items Optional', { Items: keyToPath }),
    DownwardAPI: struct("Items", { Items: downwardFile }),
    ServiceAccountToken: struct('Audience="" ExpirationSeconds=0 Path=""'),
  },
);
const volume = struct(
  'Name="" HostPath EmptyDir GCEPersistentDisk@gcePersistentDisk AWSElasticBlockStore@awsElasticBlockStore GitRepo Secret NFS@nfs ISCSI@iscsi Glusterfs PersistentVolumeClaim RBD@rbd Quobyte FlexVolume Cinder CephFS@cephfs Flocker DownwardAPI@downwardAPI FC@fc AzureFile ConfigMap VsphereVolume AzureDisk PhotonPersistentDisk Projected PortworxVolume ScaleIO@scaleIO StorageOS@storageos CSI@csi Ephemeral Image',
  {
    HostPath: struct('Path="" Type'),
    EmptyDir: struct('Medium="" SizeLimit'),
    Secret: struct('SecretName="" Items DefaultMode Optional', { Items: keyToPath }),
    ConfigMap: struct('Name="" Items DefaultMode Optional', { Items: keyToPath }),
    PersistentVolumeClaim: struct('ClaimName="" ReadOnly=false'),
    DownwardAPI: struct("Items DefaultMode", { Items: downwardFile }),
    Projected: struct("Sources DefaultMode", { Sources: projection }),
  },
);
const httpGet = struct('Path="" Port Host="" Scheme="" HTTPHeaders@httpHeaders');
const handlers = {
  Exec: struct("Command"),
  HTTPGet: httpGet,
  TCPSocket: struct('Port Host=""'),
  GRPC: struct("Port=0 Service"),
  Sleep: struct("Seconds=0"),
};
const probe = struct(
  "Exec HTTPGet@httpGet TCPSocket@tcpSocket GRPC@grpc InitialDelaySeconds=0 TimeoutSeconds=0 PeriodSeconds=0 SuccessThreshold=0 FailureThreshold=0 TerminationGracePeriodSeconds",
  handlers,
);
const lifecycleHandler = struct("Exec HTTPGet@httpGet TCPSocket@tcpSocket Sleep", handlers);
const selector = struct('Name="" Key="" Optional');
const securityContext = struct(
  "Capabilities Privileged SELinuxOptions@seLinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot ReadOnlyRootFilesystem AllowPrivilegeEscalation ProcMount SeccompProfile AppArmorProfile@appArmorProfile",
  { Capabilities: struct("Add Drop"), SeccompProfile: struct('Type="" LocalhostProfile') },
);
const resources = struct("Limits Requests Claims");
const CONTAINER =
  'Name="" Image="" Command Args WorkingDir="" Ports EnvFrom Env Resources ResizePolicy RestartPolicy RestartPolicyRules VolumeMounts VolumeDevices LivenessProbe ReadinessProbe StartupProbe Lifecycle TerminationMessagePath="" TerminationMessagePolicy="" ImagePullPolicy="" SecurityContext Stdin=false StdinOnce=false TTY@tty=false';
const container = struct(CONTAINER, {
  Ports: struct('Name="" HostPort=0 ContainerPort=0 Protocol="" HostIP@hostIP=""'),
  EnvFrom: struct('Prefix="" ConfigMapRef SecretRef', {
    ConfigMapRef: struct('Name="" Optional'),
    SecretRef: struct('Name="" Optional'),
  }),
  Env: struct('Name="" Value="" ValueFrom', {
    ValueFrom: struct("FieldRef ResourceFieldRef ConfigMapKeyRef SecretKeyRef FileKeyRef", {
      FieldRef: fieldRef,
      ResourceFieldRef: resourceFieldRef,
      ConfigMapKeyRef: selector,
      SecretKeyRef: selector,
    }),
  }),
  Resources: resources,
  VolumeMounts: struct(
    'Name="" ReadOnly=false RecursiveReadOnly MountPath="" SubPath="" MountPropagation SubPathExpr=""',
  ),
  LivenessProbe: probe,
  ReadinessProbe: probe,
  StartupProbe: probe,
  Lifecycle: struct("PostStart PreStop StopSignal", { PostStart: lifecycleHandler, PreStop: lifecycleHandler }),
  SecurityContext: securityContext,
});
const podSecurityContext = struct(
  "HostNetwork=false HostPID@hostPID=false HostIPC@hostIPC=false ShareProcessNamespace HostUsers SELinuxOptions@seLinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup@fsGroup FSGroupChangePolicy@fsGroupChangePolicy Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy@seLinuxChangePolicy",
  { SeccompProfile: struct('Type="" LocalhostProfile') },
);
const podSpec = struct(
  'Volumes InitContainers Containers EphemeralContainers RestartPolicy="" TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy@dnsPolicy="" NodeSelector ServiceAccountName="" AutomountServiceAccountToken NodeName="" SecurityContext ImagePullSecrets Hostname="" Subdomain="" SetHostnameAsFQDN Affinity SchedulerName="" Tolerations HostAliases PriorityClassName="" Priority PreemptionPolicy DNSConfig@dnsConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks TopologySpreadConstraints OS@os SchedulingGates ResourceClaims Resources HostnameOverride',
  {
    Volumes: volume,
    InitContainers: container,
    Containers: container,
    EphemeralContainers: container,
    SecurityContext: podSecurityContext,
    ImagePullSecrets: struct('Name=""'),
    Tolerations: struct('Key="" Operator="" Value="" Effect="" TolerationSeconds'),
    HostAliases: struct('IP@ip="" Hostnames'),
    SchedulingGates: struct('Name=""'),
  },
);

/** Internal specs keep the host's namespaces in the security context. */
const HOST_FIELDS = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

const ZEROS: Readonly<Record<Zero, unknown>> = { string: "", number: 0, bool: false, null: null };

function internal(value: unknown, shape: Struct | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map((item) => internal(item, shape));
  if (typeof value !== "object") return value;
  if (!shape) return value;
  const result: Record<string, unknown> = {};
  for (const member of shape) {
    const inner = (value as Draft)[member.json];
    result[member.go] = inner === undefined ? ZEROS[member.zero] : internal(inner, member.struct);
  }
  return result;
}

function internalPodSpec(spec: Draft): unknown {
  const { securityContext = {} } = spec;
  const host = Object.fromEntries(HOST_FIELDS.filter((f) => spec[f] !== undefined).map((f) => [f, spec[f]]));
  return internal({ ...spec, securityContext: { ...securityContext, ...host } }, podSpec);
}

/** `diff.Diff` of apimachinery: Go's JSON with one blank of indentation, three lines of context, no file names. */
export function podSpecDiff(before: Draft, after: Draft): string {
  const print = (spec: Draft): string => goJson(internalPodSpec(spec), { indent: " ", sortKeys: false });
  const diff = unifiedDiff({ label: "a", text: `${print(before)}\n` }, { label: "b", text: `${print(after)}\n` });
  return diff.replace(/^--- .*\n\+\+\+ .*\n/, "");
}
