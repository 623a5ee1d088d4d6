/** EndpointSlice controller: for each Service with a selector, slices that list its Pods and whether they serve. */
import { deepEqual } from "../../base/json";
import { rfc3339 } from "../../base/clock";
import { matches, selectorFromSet } from "../apimachinery/labels";
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Pod, Service } from "../api/types.generated";
import { isNamespaceTerminating, isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { newControllerRef } from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from "../client/resources";
import { isPodReady, isPodTerminal } from "./pods";
import { BY_SERVICE, indexByService, podsChanged, portsOf, servicesOf } from "./services";

const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";
const SERVICE_NAME = "kubernetes.io/service-name";
const LAST_CHANGE = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS = "service.kubernetes.io/headless";
const ENDPOINTS_PER_SLICE = 100;

export const endpointSliceController = defineController({
  name: "endpoint-slice-controller",
  serviceAccount: "endpointslice-controller",
  setup(context) {
    const { client, recorder, queue } = context;
    const services = context.watch(SERVICES, (service) => [keyOf(service)]).cache;
    const pods = context.informer(PODS).cache;
    const nodes = context.informer(NODES).cache;
    const slices = context.watch(ENDPOINT_SLICES, (slice, old) => {
      const service = slice.metadata.labels?.[SERVICE_NAME];
      // Our own writes come back unchanged in what we care for; deletions and foreign edits need a look.
      if (!service || slice.metadata.labels?.[MANAGED_BY] !== MANAGER || slice === old) return [];
      return [`${slice.metadata.namespace}/${service}`];
    }).cache;
    slices.addIndex(BY_SERVICE, indexByService);
    context.watch(PODS, (pod, old, isDeleted) =>
      old && !isDeleted && !podsChanged(pod, old) ? [] : servicesOf(services, pod, old),
    );
    context.informer(NODES).handle({
      // Zones of endpoints come from their nodes.
      updated(node, old) {
        if (node.metadata.labels?.[ZONE] !== old.metadata.labels?.[ZONE]) {
          for (const service of services.list()) queue.add(keyOf(service));
        }
      },
    });

    return {
      reconcile(key) {
        context.spend(pods.size * 0.03);
        const service = services.get(key);
        if (!service || service.metadata.deletionTimestamp) return undefined;
        if (!service.spec.selector || service.spec.type === "ExternalName") return undefined;
        const selector = selectorFromSet(service.spec.selector);
        const byPorts = new Map<string, { ports: readonly DiscoveryEndpointPort[]; endpoints: Endpoint[] }>();
        for (const pod of pods.inNamespace(service.metadata.namespace!)) {
          if (!matches(selector, pod.metadata.labels) || !shouldBeInEndpoints(pod)) continue;
          const ports = portsOf(service, pod);
          const id = JSON.stringify(ports);
          let group = byPorts.get(id);
          if (!group) {
            group = { ports, endpoints: [] };
            byPorts.set(id, group);
          }
          const zone = nodes.get(pod.spec.nodeName ?? "")?.metadata.labels?.[ZONE];
          group.endpoints.push(endpointOf(pod, service, zone));
        }
        const existing = [...slices.byIndex(BY_SERVICE, key)].filter(
          (slice) => slice.metadata.labels?.[MANAGED_BY] === MANAGER && !slice.metadata.deletionTimestamp,
        );
        // A Service without Pods keeps one slice without endpoints.
        if (byPorts.size === 0) byPorts.set("", { ports: [], endpoints: [] });
        const failed = writeSlices(service, [...byPorts.values()], existing);
        if (!failed) return undefined;
        recorder.event(
          service,
          "Warning",
          "FailedToUpdateEndpointSlices",
          `Error updating Endpoint Slices for Service ${key}: ${failed}`,
        );
        return { error: failed };
      },
    };

    function writeSlices(
      service: Service,
      groups: readonly { readonly ports: readonly DiscoveryEndpointPort[]; readonly endpoints: readonly Endpoint[] }[],
      existing: readonly EndpointSlice[],
    ): string | undefined {
      const free = new Set(existing);
      let failed: string | undefined;
      const wanted: { ports: readonly DiscoveryEndpointPort[]; endpoints: readonly Endpoint[] }[] = [];
      for (const { ports, endpoints } of groups) {
        for (let i = 0; i === 0 || i < endpoints.length; i += ENDPOINTS_PER_SLICE) {
          wanted.push({ ports, endpoints: endpoints.slice(i, i + ENDPOINTS_PER_SLICE) });
        }
      }
      const labels = sliceLabels(service);
      for (const { ports, endpoints } of wanted) {
        let slice: EndpointSlice | undefined;
        for (const candidate of free) {
          if (!deepEqual(candidate.ports ?? [], ports)) continue;
          slice = candidate;
          break;
        }
        slice ??= free.values().next().value;
        if (!slice) {
          const created = client.create(ENDPOINT_SLICES, {
            metadata: {
              generateName: `${service.metadata.name}-`,
              namespace: service.metadata.namespace!,
              labels,
              annotations: { [LAST_CHANGE]: rfc3339(context.now()) },
              ownerReferences: [newControllerRef(service, SERVICES)],
            },
            addressType: "IPv4",
            ports,
            endpoints,
          });
          if (!created.ok && !isNamespaceTerminating(created.error)) failed ??= created.error.message ?? "";
          continue;
        }
        free.delete(slice);
        if (
          deepEqual(slice.endpoints ?? [], endpoints) &&
          deepEqual(slice.ports ?? [], ports) &&
          deepEqual(slice.metadata.labels, labels)
        ) {
          continue;
        }
        const updated = client.update(ENDPOINT_SLICES, {
          ...slice,
          metadata: {
            ...slice.metadata,
            labels,
            annotations: { ...slice.metadata.annotations, [LAST_CHANGE]: rfc3339(context.now()) },
          },
          ports,
          endpoints,
        });
        if (!updated.ok && !isNotFound(updated.error)) failed ??= updated.error.message ?? "";
      }
      for (const slice of free) {
        const deleted = client.delete(ENDPOINT_SLICES, slice.metadata);
        if (!deleted.ok && !isNotFound(deleted.error)) failed ??= deleted.error.message ?? "";
      }
      return failed;
    }
  },
});

const ZONE = "topology.kubernetes.io/zone";

/** Has an address, has not finished, and is not going for good. */
function shouldBeInEndpoints(pod: Pod): boolean {
  return !isPodTerminal(pod) && Boolean(pod.status?.podIP);
}

function endpointOf(pod: Pod, service: Service, zone: string | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
  return {
    addresses: [pod.status.podIP!],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: {
      kind: "Pod",
      name: pod.metadata.name,
      namespace: pod.metadata.namespace!,
      uid: pod.metadata.uid,
    },
    ...(zone ? { zone } : {}),
  };
}

function sliceLabels(service: Service): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    ...(service.spec.clusterIP === "None" ? { [HEADLESS]: "" } : {}),
    [MANAGED_BY]: MANAGER,
    [SERVICE_NAME]: service.metadata.name,
  };
}
