/** Containers on describe's pages: of a Pod with what runs, of a template without. */
import { compareStrings } from "../../../text/strconv";
import { type Part, rfc1123, sortedEntries, stringOrNone, type Writer, boolText } from "./page";

/** Resolves `fieldRef` of a Pod; templates have no resolver. */
export type FieldResolver = ((apiVersion: string, fieldPath: string) => string) | undefined;

export function writeContainers(
  w: Writer,
  label: string,
  containers: readonly Part[] | undefined,
  statuses: readonly Part[] | undefined,
  space: string,
  resolve?: FieldResolver,
  pod?: Part,
): void {
  if (!containers || containers.length === 0) {
    w.write(0, `${space}${label}: <none>\n`);
    return;
  }
  w.write(0, `${space}${label}:\n`);
  for (const container of containers) {
    const status = statuses?.find((each) => each.name === container.name);
    writeBasics(w, container, status, space);
    writeCommand(w, container);
    if (status) writeState(w, status);
    writeResources(w, container.resources, 2);
    for (const [title, probe] of [
      ["Liveness", container.livenessProbe],
      ["Readiness", container.readinessProbe],
      ["Startup", container.startupProbe],
    ] as const) {
      if (probe) w.write(2, `${title}:\t${probeText(probe)}\n`);
    }
    writeEnvFrom(w, container.envFrom);
    writeEnv(w, container, resolve, pod);
    writeMounts(w, container);
  }
}

function writeBasics(w: Writer, container: Part, status: Part, space: string): void {
  w.write(1, `${space ? " " : ""}${container.name}:\n`);
  if (status) w.write(2, `Container ID:\t${status.containerID ?? ""}\n`);
  w.write(2, `Image:\t${container.image ?? ""}\n`);
  if (status) w.write(2, `Image ID:\t${status.imageID ?? ""}\n`);
  const ports = (container.ports ?? []).map((port: Part) => `${port.containerPort}/${port.protocol ?? ""}`).join(", ");
  const hostPorts = (container.ports ?? [])
    .map((port: Part) => `${port.hostPort ?? 0}/${port.protocol ?? ""}`)
    .join(", ");
  w.write(2, `${ports.includes(",") ? "Ports" : "Port"}:\t${stringOrNone(ports)}\n`);
  w.write(2, `${hostPorts.includes(",") ? "Host Ports" : "Host Port"}:\t${stringOrNone(hostPorts)}\n`);
  const seccomp = container.securityContext?.seccompProfile;
  if (seccomp) {
    w.write(2, `SeccompProfile:\t${seccomp.type}\n`);
    if (seccomp.type === "Localhost") w.write(3, `LocalhostProfile:\t${seccomp.localhostProfile}\n`);
  }
}

function writeCommand(w: Writer, container: Part): void {
  for (const [title, words] of [
    ["Command", container.command],
    ["Args", container.args],
  ] as const) {
    if (!words?.length) continue;
    w.write(2, `${title}:\n`);
    for (const word of words) for (const line of String(word).split("\n")) w.write(3, `${line}\n`);
  }
}

function writeState(w: Writer, status: Part): void {
  writeOneState(w, "State", status.state ?? {});
  if (status.lastState?.terminated) writeOneState(w, "Last State", status.lastState);
  w.write(2, `Ready:\t${boolText(status.ready)}\n`);
  w.write(2, `Restart Count:\t${status.restartCount ?? 0}\n`);
}

function writeOneState(w: Writer, title: string, state: Part): void {
  if (state.running) {
    w.write(2, `${title}:\tRunning\n`);
    w.write(3, `Started:\t${rfc1123(state.running.startedAt)}\n`);
    return;
  }
  const { terminated, waiting } = state;
  if (terminated) {
    w.write(2, `${title}:\tTerminated\n`);
    if (terminated.reason) w.write(3, `Reason:\t${terminated.reason}\n`);
    if (terminated.message) w.write(3, `Message:\t${terminated.message}\n`);
    w.write(3, `Exit Code:\t${terminated.exitCode ?? 0}\n`);
    if (terminated.signal > 0) w.write(3, `Signal:\t${terminated.signal}\n`);
    w.write(3, `Started:\t${rfc1123(terminated.startedAt)}\n`);
    w.write(3, `Finished:\t${rfc1123(terminated.finishedAt)}\n`);
    return;
  }
  w.write(2, `${title}:\tWaiting\n`);
  if (waiting?.reason) w.write(3, `Reason:\t${waiting.reason}\n`);
}

export function writeResources(w: Writer, resources: Part, level: number): void {
  for (const [title, list] of [
    ["Limits", resources?.limits],
    ["Requests", resources?.requests],
  ] as const) {
    const entries = sortedEntries<string>(list);
    if (entries.length === 0) continue;
    w.write(level, `${title}:\n`);
    for (const [name, quantity] of entries) w.write(level + 1, `${name}:\t${quantity}\n`);
  }
}

/** One line: `http-get http://:8080/ delay=1s timeout=1s period=2s #success=1 #failure=2` */
export function probeText(probe: Part): string {
  const numbers = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`;
  if (probe.exec) return `exec [${(probe.exec.command ?? []).join(" ")}] ${numbers}`;
  if (probe.httpGet) {
    const { scheme, host = "", port, path = "" } = probe.httpGet;
    return `http-get ${String(scheme ?? "").toLowerCase()}://${host}:${port}${path} ${numbers}`;
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ""}:${probe.tcpSocket.port} ${numbers}`;
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ""} ${numbers}`;
  return `unknown ${numbers}`;
}

function writeEnvFrom(w: Writer, sources: readonly Part[] | undefined): void {
  if (!sources?.length) return;
  w.write(2, "Environment Variables from:\n");
  for (const source of sources) {
    const [from, ref] = source.configMapRef ? ["ConfigMap", source.configMapRef] : ["Secret", source.secretRef ?? {}];
    const prefix = source.prefix ? ` with prefix '${source.prefix}'` : "";
    w.write(3, `${ref.name}\t${from}${prefix}\tOptional: ${ref.optional === true}\n`);
  }
}

function writeEnv(w: Writer, container: Part, resolve: FieldResolver, pod: Part): void {
  const variables: readonly Part[] = container.env ?? [];
  w.write(2, `Environment:${variables.length === 0 ? "\t<none>" : ""}\n`);
  for (const { name, value = "", valueFrom } of variables) {
    if (!valueFrom) {
      String(value)
        .split("\n")
        .forEach((line, i) => {
          w.write(3, i === 0 ? `${name}:\t${line}\n` : `\t${line}\n`);
        });
    } else if (valueFrom.fieldRef) {
      const { apiVersion = "v1", fieldPath } = valueFrom.fieldRef;
      w.write(3, `${name}:\t${resolve?.(apiVersion, fieldPath) ?? ""} (${apiVersion}:${fieldPath})\n`);
    } else if (valueFrom.resourceFieldRef) {
      const { resource, containerName } = valueFrom.resourceFieldRef;
      w.write(3, `${name}:\t${resourceField(container, pod, resource, containerName)} (${resource})\n`);
    } else if (valueFrom.secretKeyRef) {
      const { key, name: secret, optional } = valueFrom.secretKeyRef;
      w.write(3, `${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional === true}\n`);
    } else if (valueFrom.configMapKeyRef) {
      const { key, name: map, optional } = valueFrom.configMapKeyRef;
      w.write(3, `${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional === true}\n`);
    }
  }
}

function resourceField(container: Part, pod: Part, resource: string, containerName: string | undefined): string {
  const from = containerName
    ? (pod?.spec?.containers ?? []).find((each: Part) => each.name === containerName)
    : container;
  const [kind, ...name] = resource.split(".");
  const value = from?.resources?.[kind ?? ""]?.[name.join(".")];
  return value ?? (kind === "limits" ? "node allocatable" : "0");
}

function writeMounts(w: Writer, container: Part): void {
  const mounts: readonly Part[] = container.volumeMounts ?? [];
  w.write(2, `Mounts:${mounts.length === 0 ? "\t<none>" : ""}\n`);
  for (const mount of [...mounts].sort((a, b) => compareStrings(a.mountPath, b.mountPath))) {
    const flags = [mount.readOnly ? "ro" : "rw", ...(mount.subPath ? [`path="${mount.subPath}"`] : [])];
    w.write(3, `${mount.mountPath} from ${mount.name} (${flags.join(",")})\n`);
  }
  const devices: readonly Part[] = container.volumeDevices ?? [];
  if (devices.length === 0) return;
  w.write(2, "Devices:\n");
  for (const device of [...devices].sort((a, b) => compareStrings(a.devicePath, b.devicePath))) {
    w.write(3, `${device.devicePath} from ${device.name}\n`);
  }
}
