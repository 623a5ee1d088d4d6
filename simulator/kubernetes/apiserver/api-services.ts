/**
 * APIServices of what this server serves itself: one for each group and version, made when the server starts and kept
 * in step with custom kinds, as kube-aggregator's autoregistration does.
 */
import type { Loop } from "../../base/loop";
import { rfc3339 } from "../../base/clock";
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { StoreEvent } from "../etcd/event";

export interface ApiServicesDependencies {
  readonly loop: Loop;
  /** `apps/v1`, `v1`, `example.com/v1alpha1`: what the scheme serves now. */
  served(): Iterable<string>;
  list(): readonly KubeObject[];
  create(apiVersion: string, kind: string, body: Draft): void;
  remove(name: string): void;
}

const AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged";
const DEFINITIONS = "/registry/apiextensions.k8s.io/customresourcedefinitions/";

/** How much a group comes before others, and a version before others of its group. */
const PRIORITIES: Readonly<Record<string, number>> = {
  "": 18000,
  apps: 17800,
  "events.k8s.io": 17750,
  "authentication.k8s.io": 17700,
  "authorization.k8s.io": 17600,
  autoscaling: 17500,
  batch: 17400,
  "certificates.k8s.io": 17300,
  "networking.k8s.io": 17200,
  policy: 17100,
  "rbac.authorization.k8s.io": 17000,
  "storage.k8s.io": 16800,
  "apiextensions.k8s.io": 16700,
  "admissionregistration.k8s.io": 16700,
  "scheduling.k8s.io": 16600,
  "coordination.k8s.io": 16500,
  "node.k8s.io": 16300,
  "discovery.k8s.io": 16200,
  "flowcontrol.apiserver.k8s.io": 16100,
  "resource.k8s.io": 15900,
};

/** Groups whose requests are answered at once and stored nowhere: the scheme does not know them. */
const REVIEWS = ["authentication.k8s.io/v1", "authorization.k8s.io/v1"];

const splitGroupVersion = (groupVersion: string): readonly [string, string] => {
  const slash = groupVersion.lastIndexOf("/");
  return slash < 0 ? ["", groupVersion] : [groupVersion.slice(0, slash), groupVersion.slice(slash + 1)];
};

export class ApiServices {
  readonly #dependencies: ApiServicesDependencies;
  #isDue = false;

  constructor(dependencies: ApiServicesDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#reconcile();
  }

  committed(events: readonly StoreEvent[]): void {
    if (this.#isDue || !events.some((event) => event.key.startsWith(DEFINITIONS))) return;
    this.#isDue = true;
    this.#dependencies.loop.soon(() => {
      this.#isDue = false;
      this.#reconcile();
    });
  }

  #reconcile(): void {
    const { served, list, create, remove, loop } = this.#dependencies;
    const wanted = new Map<string, readonly [string, string]>();
    for (const groupVersion of [...served(), ...REVIEWS]) {
      const [group, version] = splitGroupVersion(groupVersion);
      // kube-aggregator serves its own group itself.
      if (group !== "apiregistration.k8s.io" && group !== "metrics.k8s.io")
        wanted.set(`${version}.${group}`, [group, version]);
    }
    const present = new Set<string>();
    for (const { metadata } of list()) {
      present.add(metadata.name);
      if (metadata.labels?.[AUTOMANAGED] && !wanted.has(metadata.name)) remove(metadata.name);
    }
    for (const [name, [group, version]] of wanted) {
      if (present.has(name)) continue;
      const priority = PRIORITIES[group];
      create("apiregistration.k8s.io/v1", "APIService", {
        metadata: { name, labels: { [AUTOMANAGED]: priority === undefined ? "true" : "onstart" } },
        spec: {
          ...(group ? { group } : {}),
          groupPriorityMinimum: priority ?? 1000,
          version,
          versionPriority: priority === undefined ? 100 : name === "v2.autoscaling" ? 30 : group === "" ? 1 : 15,
        },
        status: {
          conditions: [
            {
              lastTransitionTime: rfc3339(loop.now()),
              message: "Local APIServices are always available",
              reason: "Local",
              status: "True",
              type: "Available",
            },
          ],
        },
      });
    }
  }
}
