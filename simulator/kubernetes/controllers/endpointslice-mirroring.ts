/** EndpointSliceMirroring controller: Endpoints that people write for a Service without selector, as slices. */
import { deepEqual } from "../../base/json";
import type { Endpoint, EndpointAddress, EndpointSlice, EndpointSubset } from "../api/types.generated";
import { isNamespaceTerminating, isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { newControllerRef } from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import { ENDPOINT_SLICES, ENDPOINTS, SERVICES } from "../client/resources";
import { BY_SERVICE, indexByService } from "./services";

const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslicemirroring-controller.k8s.io";
const SERVICE_NAME = "kubernetes.io/service-name";
const SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror";
const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";
const NOT_COPIED = new Set([
  "endpoints.kubernetes.io/last-change-trigger-time",
  "kubectl.kubernetes.io/last-applied-configuration",
]);

export const endpointSliceMirroringController = defineController({
  name: "endpoint-slice-mirroring-controller",
  serviceAccount: "endpointslicemirroring-controller",
  setup(context) {
    const { client } = context;
    const endpoints = context.watch(ENDPOINTS, (object) => [keyOf(object)]).cache;
    const services = context.watch(SERVICES, (service) => [keyOf(service)]).cache;
    const slices = context.watch(ENDPOINT_SLICES, (slice, _old, isDeleted) =>
      isDeleted && slice.metadata.labels?.[MANAGED_BY] === MANAGER ? indexByService(slice) : [],
    ).cache;
    slices.addIndex(BY_SERVICE, indexByService);

    return {
      reconcile(key) {
        const object = endpoints.get(key);
        const service = services.get(key);
        const existing = new Set<EndpointSlice>();
        for (const slice of slices.byIndex(BY_SERVICE, key)) {
          if (slice.metadata.labels?.[MANAGED_BY] === MANAGER) existing.add(slice);
        }
        const isMirrored =
          object &&
          service &&
          !service.spec.selector &&
          object.metadata.labels?.[SKIP_MIRROR] !== "true" &&
          object.metadata.annotations?.[LEADER_ANNOTATION] === undefined;
        const wanted = isMirrored ? (object.subsets ?? []) : [];
        let failed: string | undefined;
        for (const subset of wanted) {
          const ports = (subset.ports ?? []).map((port) => ({
            name: port.name ?? "",
            port: port.port,
            protocol: port.protocol ?? "TCP",
            ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
          }));
          const list = endpointsOf(subset);
          const labels = { ...object!.metadata.labels, [MANAGED_BY]: MANAGER, [SERVICE_NAME]: object!.metadata.name };
          let slice: EndpointSlice | undefined;
          for (const candidate of existing) {
            if (deepEqual(candidate.ports ?? [], ports)) slice ??= candidate;
          }
          if (slice) {
            existing.delete(slice);
            if (deepEqual(slice.endpoints ?? [], list) && deepEqual(slice.metadata.labels, labels)) continue;
            const metadata = { ...slice.metadata, labels };
            const updated = client.update(ENDPOINT_SLICES, { ...slice, metadata, endpoints: list });
            if (!updated.ok && !isNotFound(updated.error)) failed ??= updated.error.message ?? "";
            continue;
          }
          const annotations = Object.fromEntries(
            Object.entries(object!.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name)),
          );
          const created = client.create(ENDPOINT_SLICES, {
            metadata: {
              generateName: `${object!.metadata.name}-`,
              namespace: object!.metadata.namespace!,
              labels,
              ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
              ownerReferences: [newControllerRef(object!, ENDPOINTS)],
            },
            addressType: "IPv4",
            ports,
            endpoints: list,
          });
          if (!created.ok && !isNamespaceTerminating(created.error)) failed ??= created.error.message ?? "";
        }
        for (const slice of existing) client.delete(ENDPOINT_SLICES, slice.metadata);
        return failed === undefined ? undefined : { error: failed };
      },
    };
  },
});

const endpointsOf = (subset: EndpointSubset): readonly Endpoint[] => [
  ...(subset.addresses ?? []).map((address) => endpointOf(address, true)),
  ...(subset.notReadyAddresses ?? []).map((address) => endpointOf(address, false)),
];

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname ? { hostname } : {}),
  ...(nodeName ? { nodeName } : {}),
  ...(targetRef ? { targetRef } : {}),
});
