/**
 * Service controller of a cloud: gives Services of type LoadBalancer an address. Off unless the flag
 * `loadBalancerAddresses` lists some: a cluster without a cloud leaves them pending, as in reality.
 */
import { deepEqual } from "../../base/json";
import type { Service } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController, type Outcome } from "../client/controller";
import { keyOf } from "../client/resource-type";
import { SERVICES } from "../client/resources";

const FINALIZER = "service.kubernetes.io/load-balancer-cleanup";

export const serviceLbController = defineController({
  name: "service-lb-controller",
  serviceAccount: "service-controller",
  workers: 1,
  setup(context) {
    const addresses = (context.flags.loadBalancerAddresses as readonly string[] | undefined) ?? [];
    const recorder = context.recorderAs("service-controller");
    const services = context.watch(SERVICES, (service) => (addresses.length > 0 ? [keyOf(service)] : [])).cache;
    const addressOf = (service: Service): string | undefined => service.status?.loadBalancer?.ingress?.[0]?.ip;

    const write = (
      service: Service,
      change: { readonly finalizers?: readonly string[]; readonly ip?: string | undefined },
    ): Outcome => {
      const loadBalancer = change.ip ? { ingress: [{ ip: change.ip, ipMode: "VIP" }] } : {};
      const body = {
        ...(change.finalizers ? { metadata: { finalizers: change.finalizers } } : {}),
        ...(deepEqual(service.status?.loadBalancer ?? {}, loadBalancer) ? {} : { status: { loadBalancer } }),
      };
      // Through the status subresource, finalizers too: more it may not write (servicehelper.PatchService).
      const written = context.client.patch(SERVICES, service.metadata, "merge", body, { subresource: "status" });
      return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
    };

    return {
      reconcile(key) {
        const service = services.get(key);
        if (!service) return undefined;
        const finalizers = service.metadata.finalizers ?? [];
        const hasFinalizer = finalizers.includes(FINALIZER);
        const wanted =
          service.spec.type === "LoadBalancer" &&
          !service.metadata.deletionTimestamp &&
          !service.spec.loadBalancerClass;
        if (!wanted) {
          if (!hasFinalizer) return undefined;
          recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
          const outcome = write(service, { finalizers: finalizers.filter((f) => f !== FINALIZER) });
          if (!outcome) recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
          return outcome;
        }
        if (addressOf(service) && hasFinalizer) return undefined;
        const taken = new Set([...services.list()].map(addressOf));
        const ip =
          addressOf(service) ?? service.spec.loadBalancerIP ?? addresses.find((address) => !taken.has(address));
        if (!ip) {
          recorder.event(
            service,
            "Warning",
            "SyncLoadBalancerFailed",
            "Error syncing load balancer: failed to ensure load balancer: no address left",
          );
          return { error: "no address left" };
        }
        recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
        const outcome = write(service, { ...(hasFinalizer ? {} : { finalizers: [...finalizers, FINALIZER] }), ip });
        if (!outcome) recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
        return outcome;
      },
    };
  },
});
