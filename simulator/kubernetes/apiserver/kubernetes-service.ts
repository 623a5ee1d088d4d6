/**
 * The Service `kubernetes` with its Endpoints and EndpointSlice: the API server's own way to be found by Pods. It looks
 * every ten seconds whether they are there, as upstream's kubernetesservice controller does, so that a learner who
 * deletes them sees them come back.
 */
import type { Loop } from "../../base/loop";
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { StoreEvent } from "../etcd/event";

export interface KubernetesServiceDependencies {
  readonly loop: Loop;
  create(apiVersion: string, kind: string, body: Draft): void;
  exists(group: string, plural: string, namespace: string, name: string): KubeObject | undefined;
  isRunning(): boolean;
  /** `10.89.0.10:6443`. */
  readonly address: string;
  /** The Service takes the first address of the range. */
  readonly firstServiceAddress: string;
}

const NAME = "kubernetes";
const NAMESPACE = "default";
const INTERVAL_MS = 10_000;
/** The first look comes when the server's post-start hooks are done. */
const FIRST_MS = 6_500;

const KEYS: ReadonlySet<string> = new Set([
  `/registry/services/specs/${NAMESPACE}/${NAME}`,
  `/registry/services/endpoints/${NAMESPACE}/${NAME}`,
  `/registry/endpointslices/${NAMESPACE}/${NAME}`,
]);

export class KubernetesService {
  readonly #dependencies: KubernetesServiceDependencies;
  #firstAt = 0;
  #isDue = false;

  constructor(dependencies: KubernetesServiceDependencies) {
    this.#dependencies = dependencies;
  }

  /** The server has come up: everything is made at once. */
  start(): void {
    this.#firstAt = this.#dependencies.loop.now() + FIRST_MS;
    this.#reconcile();
  }

  /**
   * Told of every commit. Only a deletion leads to a task at the next tick of the ten seconds: a timer that ran for
   * nothing would never let the loop come to rest.
   */
  committed(events: readonly StoreEvent[]): void {
    if (this.#isDue || !events.some((event) => event.type === "DELETE" && KEYS.has(event.key))) return;
    this.#isDue = true;
    const { loop } = this.#dependencies;
    const ticks = Math.floor((loop.now() - this.#firstAt) / INTERVAL_MS) + 1;
    loop.at(this.#firstAt + ticks * INTERVAL_MS, () => {
      this.#isDue = false;
      if (this.#dependencies.isRunning()) this.#reconcile();
    });
  }

  #reconcile(): void {
    const { create, exists, address, firstServiceAddress } = this.#dependencies;
    const [host, portText] = address.split(":");
    const port = Number(portText);
    if (!exists("", "services", NAMESPACE, NAME))
      create("v1", "Service", {
        metadata: { name: NAME, namespace: NAMESPACE, labels: { component: "apiserver", provider: "kubernetes" } },
        spec: {
          type: "ClusterIP",
          clusterIP: firstServiceAddress,
          sessionAffinity: "None",
          ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
        },
      });
    if (!exists("", "endpoints", NAMESPACE, NAME))
      create("v1", "Endpoints", {
        metadata: {
          name: NAME,
          namespace: NAMESPACE,
          labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
        },
        subsets: [{ addresses: [{ ip: host }], ports: [{ name: "https", port, protocol: "TCP" }] }],
      });
    if (!exists("discovery.k8s.io", "endpointslices", NAMESPACE, NAME))
      create("discovery.k8s.io/v1", "EndpointSlice", {
        metadata: { name: NAME, namespace: NAMESPACE, labels: { "kubernetes.io/service-name": NAME } },
        addressType: "IPv4",
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports: [{ name: "https", port, protocol: "TCP" }],
      });
  }
}
