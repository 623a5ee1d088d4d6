/** PodSecurity: the baseline and restricted standards, as the namespace's labels ask for them. */
import type { Draft } from "../../apimachinery/resource";
import { forbiddenStatus } from "../../apimachinery/status";
import type { AdmissionPlugin } from "./plugin";

const LABEL = "pod-security.kubernetes.io/";

interface Violation {
  readonly reason: string;
  readonly detail: string;
}

type Level = "privileged" | "baseline" | "restricted";

const TEMPLATED: Readonly<Record<string, (object: Draft) => Draft>> = {
  pods: (o) => o.spec,
  deployments: (o) => o.spec?.template?.spec,
  replicasets: (o) => o.spec?.template?.spec,
  statefulsets: (o) => o.spec?.template?.spec,
  daemonsets: (o) => o.spec?.template?.spec,
  replicationcontrollers: (o) => o.spec?.template?.spec,
  jobs: (o) => o.spec?.template?.spec,
  cronjobs: (o) => o.spec?.jobTemplate?.spec?.template?.spec,
};

export const podSecurity: AdmissionPlugin = {
  name: "PodSecurity",
  validate({ operation, resource, subresource, object, namespace, name, warn }, { get }) {
    if ((operation !== "CREATE" && operation !== "UPDATE") || subresource || !resource.namespaced) return undefined;
    const read = TEMPLATED[resource.plural];
    if (!read) return undefined;
    const labels = get("", "namespaces", "", namespace)?.metadata.labels ?? {};
    const level = (mode: string): Level => (labels[`${LABEL}${mode}`] as Level | undefined) ?? "privileged";
    const version = (mode: string): string => labels[`${LABEL}${mode}-version`] ?? "latest";
    const spec = read(object);
    if (!spec) return undefined;
    const describe = (mode: string): string | undefined => {
      const violations = violationsOf(spec, level(mode));
      if (violations.length === 0) return undefined;
      return `violates PodSecurity ${JSON.stringify(`${level(mode)}:${version(mode)}`)}: ${violations.map((v) => (v.detail ? `${v.reason} (${v.detail})` : v.reason)).join(", ")}`;
    };
    // Only Pods are refused; workloads that make them are warned about.
    if (resource.plural === "pods") {
      const refused = describe("enforce");
      if (refused) return forbiddenStatus({ group: "", resource: "pods" }, name, refused);
    }
    const warning = describe("warn");
    if (warning) warn(`would ${warning.replace(/^violates/, "violate")}`);
    return undefined;
  },
};

const BASELINE_CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];
const RESTRICTED_VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

function violationsOf(spec: Draft, level: Level): Violation[] {
  if (level === "privileged") return [];
  const containers: Draft[] = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  const named = (list: readonly Draft[]): string =>
    `${list.length === 1 ? "container" : "containers"} ${list.map((c) => JSON.stringify(c.name)).join(", ")}`;
  const found: Violation[] = [];
  const add = (reason: string, bad: readonly Draft[], text: string): void => {
    if (bad.length > 0) found.push({ reason, detail: `${named(bad)} must ${text}` });
  };
  const restricted = level === "restricted";
  if (restricted) {
    add(
      "allowPrivilegeEscalation != false",
      containers.filter((c) => c.securityContext?.allowPrivilegeEscalation !== false),
      "set securityContext.allowPrivilegeEscalation=false",
    );
    const undropped = containers.filter((c) => !c.securityContext?.capabilities?.drop?.includes("ALL"));
    add("unrestricted capabilities", undropped, 'set securityContext.capabilities.drop=["ALL"]');
  } else {
    const added = containers.filter((c) =>
      (c.securityContext?.capabilities?.add ?? []).some((x: string) => !BASELINE_CAPABILITIES.includes(x)),
    );
    if (added.length > 0) {
      const all = [
        ...new Set(
          added.flatMap((c) =>
            c.securityContext.capabilities.add.filter((x: string) => !BASELINE_CAPABILITIES.includes(x)),
          ),
        ),
      ].sort();
      found.push({
        reason: "non-default capabilities",
        detail: `${named(added)} must not include ${all.map((x) => JSON.stringify(x)).join(", ")} in securityContext.capabilities.add`,
      });
    }
  }
  const host = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((k) => spec[k]);
  if (host.length > 0) found.push({ reason: "host namespaces", detail: host.map((k) => `${k}=true`).join(", ") });
  const hostPaths = (spec.volumes ?? []).filter((v: Draft) => v.hostPath);
  if (hostPaths.length > 0) {
    found.push({
      reason: "hostPath volumes",
      detail: `${hostPaths.length === 1 ? "volume" : "volumes"} ${hostPaths.map((v: Draft) => JSON.stringify(v.name)).join(", ")}`,
    });
  }
  const ports = containers.filter((c) => (c.ports ?? []).some((p: Draft) => p.hostPort));
  if (ports.length > 0) {
    const numbers = ports.flatMap((c) => c.ports.filter((p: Draft) => p.hostPort).map((p: Draft) => p.hostPort));
    found.push({
      reason: "hostPort",
      detail: `${named(ports)} ${ports.length === 1 ? "uses" : "use"} ${numbers.length === 1 ? "hostPort" : "hostPorts"} ${numbers.join(", ")}`,
    });
  }
  add(
    "privileged",
    containers.filter((c) => c.securityContext?.privileged),
    "not set securityContext.privileged=true",
  );
  if (restricted) {
    const bad = (spec.volumes ?? []).filter((v: Draft) => !RESTRICTED_VOLUMES.some((k) => v[k]));
    if (bad.length > 0) {
      found.push({
        reason: "restricted volume types",
        detail: `${bad.length === 1 ? "volume" : "volumes"} ${bad.map((v: Draft) => JSON.stringify(v.name)).join(", ")} ${bad.length === 1 ? "uses" : "use"} restricted volume type ${JSON.stringify(Object.keys(bad[0]).find((k) => k !== "name"))}`,
      });
    }
    const podNonRoot = spec.securityContext?.runAsNonRoot;
    const root = containers.filter((c) => (c.securityContext?.runAsNonRoot ?? podNonRoot) !== true);
    if (root.length > 0)
      found.push({
        reason: "runAsNonRoot != true",
        detail: `pod or ${named(root)} must set securityContext.runAsNonRoot=true`,
      });
    if (spec.securityContext?.runAsUser === 0)
      found.push({ reason: "runAsUser=0", detail: "pod must not set runAsUser=0" });
    const podProfile = spec.securityContext?.seccompProfile?.type;
    const open = containers.filter(
      (c) => !["RuntimeDefault", "Localhost"].includes(c.securityContext?.seccompProfile?.type ?? podProfile ?? ""),
    );
    if (open.length > 0) {
      found.push({
        reason: "seccompProfile",
        detail: `pod or ${named(open)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      });
    }
  }
  return found;
}
