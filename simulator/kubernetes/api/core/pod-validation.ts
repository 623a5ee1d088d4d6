/** Rules of a Pod's spec, which templates share (pkg/apis/core/validation), in upstream's order and words. */
import {
  type FieldError,
  duplicate,
  forbidden,
  invalid,
  notFoundField,
  notSupported,
  required,
} from "../../apimachinery/field-path";
import type { Draft } from "../../apimachinery/resource";
import { compareQuantities, formatQuantity, parseQuantity } from "../../apimachinery/quantity";
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  environmentVariableName,
  labelValue,
  NOT_NEGATIVE,
  portName,
  qualifiedName,
  validateLabels,
  validateAnnotations,
  validPort,
} from "../../apimachinery/validation";
import { VOLUME_SOURCES } from "./pod-spec";

const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

/** spec.template of a workload. */
export function validatePodTemplate(template: Draft, field: string): FieldError[] {
  return [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.annotations`),
    ...validatePodSpec(template.spec ?? {}, `${field}.spec`),
    ...((template.spec?.ephemeralContainers?.length ?? 0) > 0
      ? [forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template")]
      : []),
  ];
}

export function validatePodSpec(spec: Draft, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Map<string, Draft>();
  (spec.volumes ?? []).forEach((volume: Draft, i: number) => {
    const at = `${field}.volumes[${i}]`;
    if (!volume.name) errors.push(required(`${at}.name`));
    else {
      for (const message of dns1123Label(volume.name)) errors.push(invalid(`${at}.name`, volume.name, message));
      if (volumes.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    }
    volumes.set(volume.name, volume);
    errors.push(...validateVolumeSource(volume, at));
  });
  const names = new Set<string>();
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required(`${field}.containers`));
  containers.forEach((container: Draft, i: number) => {
    errors.push(...validateContainer(container, `${field}.containers[${i}]`, volumes, "regular", names));
  });
  (spec.initContainers ?? []).forEach((container: Draft, i: number) => {
    errors.push(...validateContainer(container, `${field}.initContainers[${i}]`, volumes, "init", names));
  });
  (spec.ephemeralContainers ?? []).forEach((container: Draft, i: number) => {
    errors.push(...validateContainer(container, `${field}.ephemeralContainers[${i}]`, volumes, "ephemeral", names));
  });
  errors.push(...hostPortConflicts(containers, `${field}.containers`));
  if (!["Always", "OnFailure", "Never"].includes(spec.restartPolicy)) {
    errors.push(
      spec.restartPolicy
        ? notSupported(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"])
        : required(`${field}.restartPolicy`),
    );
  }
  const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
  if (!dnsPolicies.includes(spec.dnsPolicy)) {
    errors.push(
      spec.dnsPolicy
        ? notSupported(`${field}.dnsPolicy`, spec.dnsPolicy, [...dnsPolicies].sort())
        : required(`${field}.dnsPolicy`),
    );
  }
  errors.push(...validateLabels(spec.nodeSelector, `${field}.nodeSelector`));
  if (spec.dnsPolicy === "None" && !spec.dnsConfig?.nameservers?.length) {
    errors.push(
      required(`${field}.dnsConfig.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"),
    );
  }
  if (spec.affinity) errors.push(...validateAffinity(spec.affinity, `${field}.affinity`));
  if (spec.serviceAccountName) {
    for (const message of dns1123Subdomain(spec.serviceAccountName))
      errors.push(invalid(`${field}.serviceAccountName`, spec.serviceAccountName, message));
  }
  if (spec.nodeName)
    for (const message of dns1123Subdomain(spec.nodeName))
      errors.push(invalid(`${field}.nodeName`, spec.nodeName, message));
  if (
    spec.activeDeadlineSeconds !== undefined &&
    (spec.activeDeadlineSeconds < 1 || spec.activeDeadlineSeconds > 2 ** 31 - 1)
  ) {
    errors.push(
      invalid(
        `${field}.activeDeadlineSeconds`,
        spec.activeDeadlineSeconds,
        `must be between 1 and 2147483647, inclusive`,
      ),
    );
  }
  if (spec.hostname)
    for (const message of dns1123Label(spec.hostname))
      errors.push(invalid(`${field}.hostname`, spec.hostname, message));
  if (spec.subdomain)
    for (const message of dns1123Label(spec.subdomain))
      errors.push(invalid(`${field}.subdomain`, spec.subdomain, message));
  errors.push(...validateTolerations(spec.tolerations ?? [], `${field}.tolerations`));
  if (spec.priorityClassName) {
    for (const message of dns1123Subdomain(spec.priorityClassName))
      errors.push(invalid(`${field}.priorityClassName`, spec.priorityClassName, message));
  }
  (spec.topologySpreadConstraints ?? []).forEach((constraint: Draft, i: number) => {
    const at = `${field}.topologySpreadConstraints[${i}]`;
    if (!(constraint.maxSkew > 0))
      errors.push(invalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, "must be greater than zero"));
    if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, "can not be empty"));
    if (!["DoNotSchedule", "ScheduleAnyway"].includes(constraint.whenUnsatisfiable)) {
      errors.push(
        notSupported(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable ?? "", [
          "DoNotSchedule",
          "ScheduleAnyway",
        ]),
      );
    }
  });
  if (spec.terminationGracePeriodSeconds < 0) {
    errors.push(invalid(`${field}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds, NOT_NEGATIVE));
  }
  return errors;
}

function validateVolumeSource(volume: Draft, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const present = VOLUME_SOURCES.filter((source) => volume[source] !== undefined);
  for (const source of present.slice(1))
    errors.push(forbidden(`${at}.${source}`, "may not specify more than 1 volume type"));
  if (volume.hostPath && !volume.hostPath.path) errors.push(required(`${at}.hostPath.path`));
  if (volume.hostPath?.path && String(volume.hostPath.path).split("/").includes("..")) {
    errors.push(invalid(`${at}.hostPath.path`, volume.hostPath.path, "must not contain '..'"));
  }
  if (volume.secret && !volume.secret.secretName) errors.push(required(`${at}.secret.secretName`));
  if (volume.configMap && !volume.configMap.name) errors.push(required(`${at}.configMap.name`));
  if (volume.persistentVolumeClaim && !volume.persistentVolumeClaim.claimName) {
    errors.push(required(`${at}.persistentVolumeClaim.claimName`));
  }
  if (volume.nfs) {
    if (!volume.nfs.server) errors.push(required(`${at}.nfs.server`));
    if (!volume.nfs.path) errors.push(required(`${at}.nfs.path`));
    else if (!volume.nfs.path.startsWith("/"))
      errors.push(invalid(`${at}.nfs.path`, volume.nfs.path, "must be an absolute path"));
  }
  return errors;
}

type ContainerKind = "regular" | "init" | "ephemeral";

function validateContainer(
  c: Draft,
  at: string,
  volumes: ReadonlyMap<string, Draft>,
  kind: ContainerKind,
  names: Set<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!c.name) errors.push(required(`${at}.name`));
  else {
    for (const message of dns1123Label(c.name)) errors.push(invalid(`${at}.name`, c.name, message));
  }
  if (!c.image) errors.push(required(`${at}.image`));
  else if (c.image !== c.image.trim())
    errors.push(invalid(`${at}.image`, c.image, "must not have leading or trailing whitespace"));
  if (!["File", "FallbackToLogsOnError"].includes(c.terminationMessagePolicy)) {
    errors.push(
      c.terminationMessagePolicy
        ? notSupported(`${at}.terminationMessagePolicy`, c.terminationMessagePolicy, ["FallbackToLogsOnError", "File"])
        : required(`${at}.terminationMessagePolicy`),
    );
  }
  errors.push(...validatePorts(c.ports ?? [], `${at}.ports`));
  errors.push(...validateEnv(c.env ?? [], `${at}.env`));
  (c.envFrom ?? []).forEach((from: Draft, i: number) => {
    if (!from.configMapRef && !from.secretRef)
      errors.push(invalid(`${at}.envFrom[${i}]`, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (from.configMapRef && !from.configMapRef.name)
      errors.push(required(`${at}.envFrom[${i}].configMapRef.name`));
    else if (from.secretRef && !from.secretRef.name) errors.push(required(`${at}.envFrom[${i}].secretRef.name`));
  });
  errors.push(...validateMounts(c.volumeMounts ?? [], `${at}.volumeMounts`, volumes));
  if (!PULL_POLICIES.includes(c.imagePullPolicy)) {
    errors.push(
      c.imagePullPolicy
        ? notSupported(`${at}.imagePullPolicy`, c.imagePullPolicy, PULL_POLICIES)
        : required(`${at}.imagePullPolicy`),
    );
  }
  errors.push(...validateResources(c.resources ?? {}, `${at}.resources`));
  if (c.name) {
    if (names.has(c.name)) errors.push(duplicate(`${at}.name`, c.name));
    names.add(c.name);
  }
  const sidecar = kind === "init" && c.restartPolicy === "Always";
  if (kind === "regular" || sidecar) {
    errors.push(...validateProbe(c.livenessProbe, `${at}.livenessProbe`, true));
    errors.push(...validateProbe(c.readinessProbe, `${at}.readinessProbe`, false));
    errors.push(...validateProbe(c.startupProbe, `${at}.startupProbe`, true));
    for (const hook of ["postStart", "preStop"]) {
      if (c.lifecycle?.[hook]) errors.push(...validateHandler(c.lifecycle[hook], `${at}.lifecycle.${hook}`));
    }
  } else if (kind === "init") {
    for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]) {
      if (c[name])
        errors.push(forbidden(`${at}.${name}`, `may not be set for init containers without restartPolicy=Always`));
    }
  }
  const security = c.securityContext;
  if (security?.allowPrivilegeEscalation === false && security.privileged) {
    errors.push(
      invalid(
        `${at}.securityContext`,
        security,
        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
      ),
    );
  }
  return errors;
}

function validatePorts(ports: readonly Draft[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  ports.forEach((port, i) => {
    const at = `${field}[${i}]`;
    if (port.name) {
      const messages = portName(port.name);
      for (const message of messages) errors.push(invalid(`${at}.name`, port.name, message));
      if (messages.length === 0) {
        if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
        names.add(port.name);
      }
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else
      for (const message of validPort(port.containerPort))
        errors.push(invalid(`${at}.containerPort`, port.containerPort, message));
    if (port.hostPort)
      for (const message of validPort(port.hostPort)) errors.push(invalid(`${at}.hostPort`, port.hostPort, message));
    if (!port.protocol) errors.push(required(`${at}.protocol`));
    else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(`${at}.protocol`, port.protocol, PROTOCOLS));
  });
  return errors;
}

function hostPortConflicts(containers: readonly Draft[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  containers.forEach((container, i) => {
    (container.ports ?? []).forEach((port: Draft, k: number) => {
      if (!port.hostPort) return;
      const key = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (seen.has(key)) errors.push(duplicate(`${field}[${i}].ports[${k}].hostPort`, key));
      seen.add(key);
    });
  });
  return errors;
}

const FIELD_PATHS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

function validateEnv(list: readonly Draft[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  list.forEach((env, i) => {
    const at = `${field}[${i}]`;
    if (!env.name) errors.push(required(`${at}.name`));
    else for (const message of environmentVariableName(env.name)) errors.push(invalid(`${at}.name`, env.name, message));
    const from = env.valueFrom;
    if (!from) return;
    const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"].filter(
      (s) => from[s],
    );
    if (sources.length === 0) {
      errors.push(
        invalid(
          `${at}.valueFrom`,
          "",
          "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
      );
    } else if (env.value) errors.push(invalid(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"));
    if (sources.length > 1)
      errors.push(invalid(`${at}.valueFrom`, "", "may not have more than one field specified at a time"));
    if (from.fieldRef) {
      const path: string = from.fieldRef.fieldPath ?? "";
      if (!path) errors.push(required(`${at}.valueFrom.fieldRef.fieldPath`));
      else if (!FIELD_PATHS.includes(path) && !/^metadata\.(labels|annotations)\['.+'\]$/.test(path)) {
        errors.push(notSupported(`${at}.valueFrom.fieldRef.fieldPath`, path, FIELD_PATHS));
      }
    }
    for (const source of ["configMapKeyRef", "secretKeyRef"]) {
      const ref = from[source];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${at}.valueFrom.${source}.name`));
      if (!ref.key) errors.push(required(`${at}.valueFrom.${source}.key`));
      else
        for (const message of configMapKey(ref.key))
          errors.push(invalid(`${at}.valueFrom.${source}.key`, ref.key, message));
    }
  });
  return errors;
}

function validateMounts(mounts: readonly Draft[], field: string, volumes: ReadonlyMap<string, Draft>): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  mounts.forEach((mount, i) => {
    const at = `${field}[${i}]`;
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!volumes.has(mount.name)) errors.push(notFoundField(`${at}.name`, mount.name ?? ""));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    if (mount.subPath && (mount.subPath.startsWith("/") || mount.subPath.split("/").includes(".."))) {
      errors.push(
        invalid(
          `${at}.subPath`,
          mount.subPath,
          mount.subPath.startsWith("/") ? "must be a relative path" : "must not contain '..'",
        ),
      );
    }
  });
  return errors;
}

function validateProbe(probe: Draft | undefined, at: string, onlyOneSuccess: boolean): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, at);
  for (const name of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ]) {
    if ((probe[name] ?? 0) < 0) errors.push(invalid(`${at}.${name}`, probe[name], NOT_NEGATIVE));
  }
  if (onlyOneSuccess && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  return errors;
}

function validateHandler(handler: Draft, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].filter((kind) => handler[kind]);
  for (const kind of kinds.slice(1))
    errors.push(forbidden(`${at}.${kind}`, "may not specify more than 1 handler type"));
  if (kinds.length === 0) errors.push(required(at, "must specify a handler type"));
  if (handler.exec && !(handler.exec.command?.length > 0)) errors.push(required(`${at}.exec.command`));
  for (const kind of ["httpGet", "tcpSocket"]) {
    const action = handler[kind];
    if (!action) continue;
    if (kind === "httpGet" && !action.path) errors.push(required(`${at}.httpGet.path`));
    const { port } = action;
    const messages = typeof port === "number" ? validPort(port) : portName(port ?? "");
    for (const message of messages) errors.push(invalid(`${at}.${kind}.port`, port ?? "", message));
  }
  return errors;
}

const STANDARD_RESOURCES = ["cpu", "memory", "ephemeral-storage"];

export function validateResources(resources: Draft, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (map: Record<string, string> | undefined, at: string): void => {
    for (const name of Object.keys(map ?? {}).sort()) {
      const here = `${at}[${name}]`;
      for (const message of qualifiedName(name)) errors.push(invalid(here, name, message));
      if (!name.includes("/") && !STANDARD_RESOURCES.includes(name) && !name.startsWith("hugepages-")) {
        errors.push(invalid(here, name, "must be a standard resource type or fully qualified"));
        errors.push(invalid(here, name, "must be a standard resource for containers"));
      }
      const quantity = parseQuantity(map![name]!);
      if (quantity && quantity.nano < 0n) errors.push(invalid(here, map![name], NOT_NEGATIVE));
    }
  };
  check(resources.limits, `${field}.limits`);
  check(resources.requests, `${field}.requests`);
  for (const name of Object.keys(resources.requests ?? {}).sort()) {
    const limit = resources.limits?.[name];
    const request = resources.requests[name];
    if (limit === undefined) continue;
    const a = parseQuantity(request);
    const b = parseQuantity(limit);
    if (a && b && compareQuantities(a, b) > 0) {
      errors.push(
        invalid(
          `${field}.requests`,
          formatQuantity(a),
          `must be less than or equal to ${name} limit of ${formatQuantity(b)}`,
        ),
      );
    }
  }
  return errors;
}

function validateTolerations(tolerations: readonly Draft[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  tolerations.forEach((t, i) => {
    const at = `${field}[${i}]`;
    if (t.key) for (const message of qualifiedName(t.key)) errors.push(invalid(`${at}.key`, t.key, message));
    if (!t.key && t.operator !== "Exists") {
      errors.push(
        invalid(
          `${at}.operator`,
          t.operator ?? "",
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (t.tolerationSeconds !== undefined && t.effect !== "NoExecute") {
      errors.push(
        invalid(`${at}.effect`, t.effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    }
    switch (t.operator ?? "Equal") {
      case "":
      case "Equal":
        for (const message of labelValue(t.value ?? "")) errors.push(invalid(`${at}.operator`, t.value, message));
        break;
      case "Exists":
        if (t.value) errors.push(invalid(`${at}.operator`, t, "value must be empty when `operator` is 'Exists'"));
        break;
      case "Lt":
      case "Gt":
        break;
      default:
        errors.push(notSupported(`${at}.operator`, t.operator, ["Equal", "Exists"]));
    }
    if (t.effect && !["NoSchedule", "PreferNoSchedule", "NoExecute"].includes(t.effect)) {
      errors.push(notSupported(`${at}.effect`, t.effect, ["NoExecute", "NoSchedule", "PreferNoSchedule"]));
    }
  });
  return errors;
}

const NODE_OPERATORS = ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"];

function validateAffinity(affinity: Draft, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const terms = (list: readonly Draft[] | undefined, at: string): void => {
    (list ?? []).forEach((term, i) => {
      (term.matchExpressions ?? []).forEach((expression: Draft, k: number) => {
        const here = `${at}[${i}].matchExpressions[${k}]`;
        const { operator, values = [] } = expression;
        if ((operator === "In" || operator === "NotIn") && values.length === 0) {
          errors.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        } else if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0) {
          errors.push(
            forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
          );
        } else if ((operator === "Gt" || operator === "Lt") && values.length !== 1) {
          errors.push(required(`${here}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        } else if (!NODE_OPERATORS.includes(operator))
          errors.push(invalid(`${here}.operator`, operator ?? "", "not a valid selector operator"));
        for (const message of qualifiedName(expression.key ?? ""))
          errors.push(invalid(`${here}.key`, expression.key ?? "", message));
      });
    });
  };
  const node = affinity.nodeAffinity;
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (hard) {
    const at = `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    if (!hard.nodeSelectorTerms?.length) errors.push(required(at, "must have at least one node selector term"));
    terms(hard.nodeSelectorTerms, at);
  }
  (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term: Draft, i: number) => {
    const at = `${field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    if (!(term.weight >= 1 && term.weight <= 100))
      errors.push(invalid(`${at}.weight`, term.weight ?? 0, "must be in the range 1-100"));
    terms([term.preference ?? {}], `${at}.preference`);
  });
  for (const kind of ["podAffinity", "podAntiAffinity"]) {
    const part = affinity[kind];
    (part?.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term: Draft, i: number) => {
      if (!term.topologyKey)
        errors.push(
          required(
            `${field}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${i}].topologyKey`,
            "can not be empty",
          ),
        );
    });
    (part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term: Draft, i: number) => {
      const at = `${field}.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      if (!(term.weight >= 1 && term.weight <= 100))
        errors.push(invalid(`${at}.weight`, term.weight ?? 0, "must be in the range 1-100"));
      if (!term.podAffinityTerm?.topologyKey)
        errors.push(required(`${at}.podAffinityTerm.topologyKey`, "can not be empty"));
    });
  }
  return errors;
}
