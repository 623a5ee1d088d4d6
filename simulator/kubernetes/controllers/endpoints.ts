/** Endpoints controller: the older form of a Service's addresses, which v1 Endpoints still has. */
import { deepEqual } from "../../base/json";
import { rfc3339 } from "../../base/clock";
import { matches, selectorFromSet } from "../apimachinery/labels";
import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from "../api/types.generated";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { keyOf } from "../client/resource-type";
import { ENDPOINTS, PODS, SERVICES } from "../client/resources";
import { isPodReady, isPodTerminal } from "./pods";
import { podsChanged, servicesOf, targetPortOf } from "./services";

const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const CONTROLLER = "endpoint-controller";
const LAST_CHANGE = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS = "service.kubernetes.io/headless";
const ADDRESSES_MAX = 1000;

export const endpointsController = defineController({
  name: "endpoint-controller",
  setup(context) {
    const { client, recorder } = context;
    // Services seen to go. Upstream deletes the Endpoints of a deleted Service whoever wrote them, but leaves alone
    // those that never had a Service.
    const gone = new Set<string>();
    const services = context.watch(SERVICES, (service, _old, isDeleted) => {
      if (isDeleted) gone.add(keyOf(service));
      return [keyOf(service)];
    }).cache;
    const pods = context.watch(PODS, (pod, old, isDeleted) =>
      old && !isDeleted && !podsChanged(pod, old) ? [] : servicesOf(services, pod, old),
    ).cache;
    const endpoints = context.watch(ENDPOINTS, (object, old, isDeleted) =>
      isDeleted || !old ? [keyOf(object)] : [],
    ).cache;

    return {
      reconcile(key) {
        context.spend(pods.size * 0.03);
        const service = services.get(key);
        const current = endpoints.get(key);
        if (!service) {
          if (current && (gone.has(key) || current.metadata.labels?.[MANAGED_BY] === CONTROLLER))
            client.delete(ENDPOINTS, current.metadata);
          gone.delete(key);
          return undefined;
        }
        gone.delete(key);
        if (!service.spec.selector || service.spec.type === "ExternalName") return undefined;
        const subsets = subsetsOf(service, pods.inNamespace(service.metadata.namespace!));
        const labels = {
          ...service.metadata.labels,
          [MANAGED_BY]: CONTROLLER,
          ...(service.spec.clusterIP === "None" ? { [HEADLESS]: "" } : {}),
        };
        if (current && deepEqual(current.subsets ?? [], subsets) && deepEqual(current.metadata.labels, labels)) {
          return undefined;
        }
        const annotations = { ...current?.metadata.annotations, [LAST_CHANGE]: rfc3339(context.now()) };
        const { name, namespace } = service.metadata;
        const written = current
          ? client.update(ENDPOINTS, {
              ...current,
              metadata: { ...current.metadata, labels, annotations },
              subsets,
            })
          : client.create(ENDPOINTS, { metadata: { name, namespace: namespace!, labels, annotations }, subsets });
        if (written.ok || isNamespaceTerminating(written.error) || isNotFound(written.error)) return undefined;
        if (!isAlreadyExists(written.error)) {
          const verb = current ? "update" : "create";
          recorder.event(
            current ?? service,
            "Warning",
            current ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint",
            `Failed to ${verb} endpoint for service ${key}: ${written.error.message}`,
          );
        }
        return { error: written.error };
      },
    };
  },
});

/** endpoints.RepackSubsets: addresses with the same ports together, in canonical order. */
function subsetsOf(service: Service, pods: Iterable<Pod>): readonly EndpointSubset[] {
  const selector = selectorFromSet(service.spec.selector);
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  let count = 0;
  for (const pod of pods) {
    if (!matches(selector, pod.metadata.labels) || !pod.status?.podIP || isPodTerminal(pod)) continue;
    if (pod.metadata.deletionTimestamp && !service.spec.publishNotReadyAddresses) continue;
    if (++count > ADDRESSES_MAX) break;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && (service.spec.ports?.length ?? 0) > 0) continue;
    const id = JSON.stringify(ports);
    let group = groups.get(id);
    if (!group) {
      group = { ports, ready: [], notReady: [] };
      groups.set(id, group);
    }
    const isReady = service.spec.publishNotReadyAddresses === true || isPodReady(pod);
    (isReady ? group.ready : group.notReady).push(addressOf(pod, service));
  }
  return [...groups.keys()].sort().map((id) => {
    const { ports, ready, notReady } = groups.get(id)!;
    return {
      ...(ready.length > 0 ? { addresses: ready.sort(byAddress) } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady.sort(byAddress) } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    };
  });
}

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const servicePort of service.spec.ports ?? []) {
    const port = targetPortOf(servicePort, pod);
    if (port === undefined) continue;
    ports.push({
      ...(servicePort.name ? { name: servicePort.name } : {}),
      port,
      protocol: servicePort.protocol ?? "TCP",
      ...(servicePort.appProtocol ? { appProtocol: servicePort.appProtocol } : {}),
    });
  }
  return ports;
}

function addressOf(pod: Pod, service: Service): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  return {
    ip: pod.status.podIP!,
    ...(pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: "Pod", namespace: namespace!, name, uid },
  };
}
