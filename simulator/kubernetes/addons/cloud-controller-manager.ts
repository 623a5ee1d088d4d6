/** cloud-controller-manager: addresses for Services of type LoadBalancer, and what a cloud knows of its nodes. */
import type { Node, Service } from "../api/types.generated";
import { Component, type ComponentOptions, type Run } from "../client/component";
import { EventRecorder } from "../client/event-recorder";
import { NODES, SERVICES } from "../client/resources";
import { keyOf } from "../client/resource-type";
import type { CloudLoadBalancer } from "./load-balancer";

export interface CloudOptions extends ComponentOptions {
  readonly balancer: CloudLoadBalancer;
  /** Prefix of provider ids: `kind://docker/lab`; `{zone}` stands for the node's zone. */
  readonly provider: string;
  readonly region: string;
  readonly zones: readonly string[];
  readonly instanceType: string;
}

const FINALIZER = "service.kubernetes.io/load-balancer-cleanup";
const PROVISION_MS = 1500;
const UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized";
const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

export class CloudControllerManager extends Component {
  readonly name = "cloud-controller-manager";
  readonly #cloud: CloudOptions;

  constructor(options: CloudOptions) {
    super(options);
    this.#cloud = options;
  }

  protected lead({ scope, client, informers }: Run): void {
    const { balancer } = this.#cloud;
    const recorder = new EventRecorder({ client, clock: scope, component: "service-controller" });
    const services = informers.informer(SERVICES);
    const nodes = informers.informer(NODES);
    const pending = new Set<string>();

    const backends = (): readonly string[] =>
      [...nodes.cache.list()]
        .filter((node) => isReady(node) && node.metadata.labels?.[EXCLUDE] === undefined)
        .flatMap((node) => node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? [])
        .sort();
    const spread = (service: Service): void =>
      balancer.spread(
        keyOf(service),
        (service.spec.ports ?? []).flatMap((port) =>
          port.nodePort
            ? [
                {
                  protocol: (port.protocol ?? "TCP").toLowerCase() as "tcp" | "udp",
                  port: port.port,
                  nodePort: port.nodePort,
                },
              ]
            : [],
        ),
        backends(),
      );
    const wants = (service: Service): boolean =>
      service.spec.type === "LoadBalancer" &&
      !service.spec.loadBalancerClass &&
      service.metadata.deletionTimestamp === undefined;

    const reconcile = (key: string): void => {
      pending.delete(key);
      const service = services.cache.get(key);
      if (!service) {
        balancer.release(key);
        return;
      }
      const hasFinalizer = service.metadata.finalizers?.includes(FINALIZER) ?? false;
      if (!wants(service)) {
        if (!hasFinalizer) return;
        recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
        balancer.release(key);
        const cleared =
          service.metadata.deletionTimestamp === undefined
            ? client.updateStatus(SERVICES, { ...service, status: { loadBalancer: {} } })
            : undefined;
        const latest = cleared?.ok ? cleared.value : service;
        client.update(SERVICES, {
          ...latest,
          metadata: {
            ...latest.metadata,
            finalizers: (latest.metadata.finalizers ?? []).filter((name) => name !== FINALIZER),
          },
        });
        recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
        return;
      }
      let current: Service = service;
      if (!hasFinalizer) {
        const added = client.update(SERVICES, {
          ...service,
          metadata: { ...service.metadata, finalizers: [...(service.metadata.finalizers ?? []), FINALIZER] },
        });
        if (!added.ok) {
          request(key, 1000);
          return;
        }
        current = added.value;
      }
      const address = balancer.ensure(key, service.spec.loadBalancerIP || undefined);
      if (address === undefined) {
        recorder.event(
          service,
          "Warning",
          "SyncLoadBalancerFailed",
          "Error syncing load balancer: failed to ensure load balancer: no address is free",
        );
        request(key, 5000);
        return;
      }
      spread(current);
      if (current.status?.loadBalancer?.ingress?.[0]?.ip === address) return;
      const written = client.updateStatus(SERVICES, {
        ...current,
        status: { ...current.status, loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } },
      });
      if (!written.ok) request(key, 500);
      else recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
    };
    const request = (key: string, delayMs: number): void => {
      if (pending.has(key)) return;
      pending.add(key);
      scope.after(delayMs, () => reconcile(key));
    };
    services.handle({
      added: (service) => {
        if (!wants(service)) return;
        const isNew = !service.status?.loadBalancer?.ingress?.length;
        if (isNew) recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
        request(keyOf(service), isNew ? PROVISION_MS : 0);
      },
      updated: (service, old) => {
        if (wants(service) && !wants(old))
          recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
        if (wants(service) || service.metadata.finalizers?.includes(FINALIZER))
          request(keyOf(service), wants(service) && !wants(old) ? PROVISION_MS : 50);
      },
      deleted: (service) => request(keyOf(service), 0),
    });
    const refresh = (): void => {
      for (const service of services.cache.list()) if (wants(service)) spread(service);
    };
    nodes.handle({
      added: (node) => {
        this.#initialize(node, [...nodes.cache.keys()].sort().indexOf(node.metadata.name), client);
        refresh();
      },
      updated: (node, old) => {
        if (isReady(node) !== isReady(old)) refresh();
      },
      deleted: refresh,
    });
    informers.start();
  }

  /** A new node gets its provider id, type and place, and loses the taint that kept Pods away until then. */
  #initialize(node: Node, index: number, client: Run["client"]): void {
    if (node.spec.providerID) return;
    const { provider, region, zones, instanceType } = this.#cloud;
    const zone = zones[Math.max(0, index) % zones.length]!;
    client.patch(NODES, { name: node.metadata.name }, "merge", {
      metadata: {
        labels: {
          "node.kubernetes.io/instance-type": instanceType,
          "topology.kubernetes.io/region": region,
          "topology.kubernetes.io/zone": zone,
        },
      },
      spec: {
        providerID: `${provider.replace("{zone}", zone)}/${node.metadata.name}`,
        ...(node.spec.taints?.some(({ key }) => key === UNINITIALIZED)
          ? { taints: node.spec.taints.filter(({ key }) => key !== UNINITIALIZED) }
          : {}),
      },
    });
  }
}

const isReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
