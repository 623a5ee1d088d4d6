/**
 * ServiceCIDR `kubernetes` and an IPAddress for each cluster IP, as the IP allocator of upstream keeps them. Here the
 * addresses are handed out by the Services themselves; these objects follow them, so that they can be looked at.
 */
import { rfc3339 } from "../../base/clock";
import type { Loop } from "../../base/loop";
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { StoreEvent } from "../etcd/event";

export interface ServiceAddressesDependencies {
  readonly loop: Loop;
  readonly cidr: string;
  create(apiVersion: string, kind: string, body: Draft): void;
  exists(group: string, plural: string, namespace: string, name: string): KubeObject | undefined;
  removeAddress(name: string): void;
  services(): readonly KubeObject[];
}

const NETWORKING = "networking.k8s.io";
const SERVICES = "/registry/services/specs/";

const addressesOf = (value: unknown): readonly string[] =>
  ((value as Draft | undefined)?.spec?.clusterIPs ?? []).filter((ip: string) => ip !== "None");

export class ServiceAddresses {
  readonly #dependencies: ServiceAddressesDependencies;
  readonly #changed = new Map<string, Draft | undefined>();

  constructor(dependencies: ServiceAddressesDependencies) {
    this.#dependencies = dependencies;
  }

  /** The server has come up: what was written meanwhile is followed. */
  start(): void {
    const { loop, cidr, create, exists, services } = this.#dependencies;
    for (const service of services()) for (const ip of addressesOf(service)) this.#changed.set(ip, service);
    this.#follow();
    if (exists(NETWORKING, "servicecidrs", "", "kubernetes")) return;
    create(`${NETWORKING}/v1`, "ServiceCIDR", {
      metadata: { name: "kubernetes", finalizers: [`${NETWORKING}/service-cidr-finalizer`] },
      spec: { cidrs: [cidr] },
      status: {
        conditions: [
          {
            lastTransitionTime: rfc3339(loop.now()),
            message: "Kubernetes Service CIDR is ready",
            reason: "",
            status: "True",
            type: "Ready",
          },
        ],
      },
    });
  }

  committed(events: readonly StoreEvent[]): void {
    for (const { type, key, kv, previous } of events) {
      if (!key.startsWith(SERVICES)) continue;
      const isFirst = this.#changed.size === 0;
      if (previous) for (const ip of addressesOf(previous.value)) this.#changed.set(ip, undefined);
      for (const ip of addressesOf(kv.value))
        this.#changed.set(ip, type === "DELETE" ? undefined : (kv.value as Draft));
      if (isFirst && this.#changed.size > 0) this.#dependencies.loop.soon(() => this.#follow());
    }
  }

  #follow(): void {
    const { create, exists, removeAddress } = this.#dependencies;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const [ip, service] of changed) {
      const known = exists(NETWORKING, "ipaddresses", "", ip);
      if (!service) {
        if (known) removeAddress(ip);
        continue;
      }
      const { name, namespace } = service.metadata;
      if (known) continue;
      create(`${NETWORKING}/v1`, "IPAddress", {
        metadata: {
          name: ip,
          labels: {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
          },
        },
        spec: { parentRef: { group: "", name, namespace, resource: "services" } },
      });
    }
  }
}
