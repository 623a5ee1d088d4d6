/** The downward API: fields of a Pod and resources of a container as text, for variables and volumes. */
import { milliValue, wholeValue } from "../apimachinery/quantity";
import type { Container, EphemeralContainer, Pod, ResourceFieldSelector } from "../api/types.generated";

/** What the node knows and the Pod object may not say yet. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
}

/** Go's %q of label values, as FormatMap writes them. */
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, (c) => `\\${c}`).replace(/\n/g, "\\n")}"`;

const formatMap = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${quoted(map![key]!)}`)
    .join("\n");

const ceilDivide = (a: number, b: number): number => Math.ceil(a / Math.max(1, b));

const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/;

/** The value of a fieldPath; undefined when there is no such field. */
export function podField(pod: Pod, path: string, node: NodeFacts, podIp: string): string | undefined {
  const keyed = subscript.exec(path);
  if (keyed) {
    const map = keyed[1] === "metadata.labels" ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[keyed[2]!] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace ?? "";
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName ?? node.nodeName;
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "spec.restartPolicy":
      return pod.spec.restartPolicy ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return node.hostIp;
    case "status.podIP":
    case "status.podIPs":
      return pod.spec.hostNetwork ? node.hostIp : podIp;
    default:
      return undefined;
  }
}

/** The value of a resourceFieldRef, divided and rounded up as upstream does. */
export function resourceField(
  pod: Pod,
  self: Container | EphemeralContainer | undefined,
  selector: ResourceFieldSelector,
  node: NodeFacts,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly error: string } {
  const name = selector.containerName;
  const container = name
    ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name)
    : self;
  if (!container) return { ok: false, error: `container ${name ?? ""} not found` };
  const match = /^(requests|limits)\.(.+)$/.exec(selector.resource);
  if (!match) return { ok: false, error: `unsupported container resource : ${selector.resource}` };
  const [, kind, resource] = match as unknown as [string, "requests" | "limits", string];
  const quantity = container.resources?.[kind]?.[resource];
  const divisor = selector.divisor && selector.divisor !== "0" ? selector.divisor : "1";
  if (resource === "cpu") {
    // Without a limit, the whole node is what the container may use.
    const milli = quantity !== undefined ? milliValue(quantity) : kind === "limits" ? node.cpuMilli : 0;
    return { ok: true, value: String(ceilDivide(milli, milliValue(divisor))) };
  }
  const fallback =
    kind !== "limits"
      ? 0
      : resource === "memory"
        ? node.memoryBytes
        : resource === "ephemeral-storage"
          ? node.ephemeralStorageBytes
          : 0;
  const bytes = quantity !== undefined ? wholeValue(quantity) : fallback;
  return { ok: true, value: String(ceilDivide(bytes, wholeValue(divisor))) };
}
