/** Which Services a Pod stands behind, and which Pod changes matter to them. */
import { deepEqual } from "../../base/json";
import { matches, selectorFromSet } from "../apimachinery/labels";
import type { DiscoveryEndpointPort, EndpointSlice, Pod, Service, ServicePort } from "../api/types.generated";
import type { Lister } from "../client/lister";
import { keyOf } from "../client/resource-type";
import { isPodReady } from "./pods";

/** Index of EndpointSlices by the key of the Service they belong to. */
export const BY_SERVICE = "service";
export const indexByService = (slice: EndpointSlice): readonly string[] => {
  const service = slice.metadata.labels?.["kubernetes.io/service-name"];
  return service === undefined ? [] : [`${slice.metadata.namespace}/${service}`];
};

/** The keys of the Services that select the Pod now or selected it before. */
export function servicesOf(services: Lister<Service>, pod: Pod, old: Pod | undefined): readonly string[] {
  const keys: string[] = [];
  for (const service of services.inNamespace(pod.metadata.namespace!)) {
    if (!service.spec.selector) continue;
    const selector = selectorFromSet(service.spec.selector);
    if (
      matches(selector, pod.metadata.labels) ||
      (old && old.metadata.labels !== pod.metadata.labels && matches(selector, old.metadata.labels))
    ) {
      keys.push(keyOf(service));
    }
  }
  return keys;
}

/** podEndpointsChanged: whether endpoints could look different. */
export const podsChanged = (pod: Pod, old: Pod): boolean =>
  pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
  isPodReady(pod) !== isPodReady(old) ||
  pod.status?.podIP !== old.status?.podIP ||
  pod.status?.phase !== old.status?.phase ||
  pod.spec.nodeName !== old.spec.nodeName ||
  !deepEqual(pod.metadata.labels, old.metadata.labels);

/** The Service's ports as this Pod has them; a named port that the Pod lacks is left out. */
export function portsOf(service: Service, pod: Pod): readonly DiscoveryEndpointPort[] {
  const ports: DiscoveryEndpointPort[] = [];
  for (const servicePort of service.spec.ports ?? []) {
    const port = targetPortOf(servicePort, pod);
    if (port === undefined) continue;
    ports.push({
      name: servicePort.name ?? "",
      port,
      protocol: servicePort.protocol ?? "TCP",
      ...(servicePort.appProtocol ? { appProtocol: servicePort.appProtocol } : {}),
    });
  }
  return ports;
}

/** podutil.FindPort. */
export function targetPortOf(servicePort: ServicePort, pod: Pod): number | undefined {
  const { targetPort = servicePort.port, protocol = "TCP" } = servicePort;
  if (typeof targetPort === "number") return targetPort === 0 ? servicePort.port : targetPort;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    for (const port of container.ports ?? []) {
      if (port.name === targetPort && (port.protocol ?? "TCP") === protocol) return port.containerPort;
    }
  }
  return undefined;
}
