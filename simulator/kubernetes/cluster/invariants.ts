/**
 * What must hold in a cluster whatever happens to it: claims about each transaction of the store, and claims about the
 * whole once it has come to rest. A claim that fails is a bug of ours; it is collected, not thrown, so that a test can
 * show all of them.
 */
import { deepEqual } from "../../base/json";
import { cidrHas, parseCidr } from "../../net/address";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { KubeObject } from "../apimachinery/object";
import { milliValue, wholeValue } from "../apimachinery/quantity";
import type { Deployment, EndpointSlice, Node, Pod, ReplicaSet, Service } from "../api/types.generated";
import type { StoreEvent } from "../etcd/store";
import { podRequest } from "../kubelet/resources";
import type { Cluster } from "./cluster";

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Running: 1, Succeeded: 2, Failed: 2 };

const isOver = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
/** What a generation counts: the spec, or all there is of kinds without one. A binding is written without counting. */
function specOf(object: KubeObject): unknown {
  if (object.kind === "Pod") return { ...object["spec"], nodeName: "" };
  if (object["spec"] !== undefined) return object["spec"];
  const { metadata: _, status: __, ...rest } = object;
  return rest;
}

const nameOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name}`;

export class Invariants {
  readonly violations: string[] = [];
  readonly #cluster: Cluster;
  #revision: number;
  /** Addresses of Pods that are not over, and whose they are. */
  readonly #addresses = new Map<string, string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#revision = cluster.etcd.store.revision;
    cluster.etcd.store.onTransaction((events) => this.#check(events));
  }

  #claim(holds: boolean, what: string): void {
    if (holds || this.violations.length >= 100) return;
    this.violations.push(`revision ${this.#revision}: ${what}`);
  }

  // ---- each transaction ------------------------------------------------------------------------------------------------

  #check(events: readonly StoreEvent[]): void {
    const revision = events[0]!.revision;
    this.#claim(revision === this.#revision + 1, `revision rises by one (${this.#revision} to ${revision})`);
    this.#revision = revision;
    for (const event of events) {
      const object = event.kv.value as KubeObject;
      if (typeof object?.metadata !== "object") continue;
      const before = event.previous?.value as KubeObject | undefined;
      if (event.type === "DELETE") this.#deleted(object);
      else this.#written(object, before, revision);
    }
  }

  #deleted(object: KubeObject): void {
    const { finalizers = [], deletionTimestamp } = object.metadata;
    this.#claim(
      finalizers.length === 0 || deletionTimestamp !== undefined,
      `${nameOf(object)} is removed although its finalizers ${finalizers.join(", ")} were never asked`,
    );
    if (object.kind === "Pod") this.#freeAddress(object as Pod);
  }

  #written(object: KubeObject, before: KubeObject | undefined, revision: number): void {
    const { metadata } = object;
    this.#claim(
      metadata.resourceVersion === String(revision),
      `${nameOf(object)} carries resourceVersion ${metadata.resourceVersion} at ${revision}`,
    );
    this.#claim(Object.isFrozen(object), `${nameOf(object)} is frozen`);
    if (before && before.metadata.uid === metadata.uid) this.#updated(object, before);
    if (object.kind === "Pod") this.#podWritten(object as Pod, before as Pod | undefined);
  }

  #updated(object: KubeObject, before: KubeObject): void {
    const { metadata } = object;
    const old = before.metadata;
    this.#claim(metadata.creationTimestamp === old.creationTimestamp, `${nameOf(object)} keeps its creationTimestamp`);
    this.#claim(
      old.deletionTimestamp === undefined || metadata.deletionTimestamp !== undefined,
      `${nameOf(object)} stays marked for deletion`,
    );
    if (old.generation === undefined || metadata.generation === undefined) return;
    const isMarked = metadata.deletionTimestamp !== undefined && old.deletionTimestamp === undefined;
    const rise = metadata.generation - old.generation;
    const changed = !deepEqual(specOf(object), specOf(before));
    this.#claim(
      rise === 0 ? !changed : rise === 1 && (changed || isMarked || object.kind === "CustomResourceDefinition"),
      `${nameOf(object)} has generation ${old.generation} → ${metadata.generation} while its spec ${changed ? "changed" : "did not change"}`,
    );
  }

  #podWritten(pod: Pod, before: Pod | undefined): void {
    const name = nameOf(pod);
    if (before && before.metadata.uid === pod.metadata.uid) {
      this.#claim(!before.spec.nodeName || before.spec.nodeName === pod.spec.nodeName, `${name} is bound once`);
      const [from, to] = [before.status?.phase ?? "Pending", pod.status?.phase ?? "Pending"];
      this.#claim(
        from === to || (PHASE_ORDER[from] ?? 0) < (PHASE_ORDER[to] ?? 0),
        `${name} goes from ${from} back to ${to}`,
      );
      for (const status of pod.status?.containerStatuses ?? []) {
        const old = before.status?.containerStatuses?.find((c) => c.name === status.name);
        this.#claim(
          !old || old.restartCount <= status.restartCount,
          `${name} counts restarts of ${status.name} up (${old?.restartCount} to ${status.restartCount})`,
        );
      }
    }
    if (pod.spec.nodeName && !before?.spec.nodeName) this.#fits(pod);
    this.#takeAddress(pod);
  }

  /** The scheduler's promise: what a node's Pods ask for is there. */
  #fits(pod: Pod): void {
    // Pods that nobody scheduled (DaemonSets by affinity are scheduled; static Pods are not) may ask for too much.
    if (pod.metadata.annotations?.["kubernetes.io/config.source"] === "file") return;
    const node = this.#object<Node>("", "nodes", "", pod.spec.nodeName!);
    if (!node?.status?.allocatable) return;
    const onNode = this.#list<Pod>("", "pods").filter((p) => p.spec.nodeName === pod.spec.nodeName && !isOver(p));
    const all = onNode.some((p) => p.metadata.uid === pod.metadata.uid) ? onNode : [...onNode, pod];
    for (const resource of ["cpu", "memory"] as const) {
      if (podRequest(pod, resource) === 0) continue;
      const asked = all.reduce((sum, p) => sum + podRequest(p, resource), 0);
      const there =
        resource === "cpu"
          ? milliValue(node.status.allocatable[resource])
          : wholeValue(node.status.allocatable[resource]);
      this.#claim(asked <= there, `${nameOf(pod)} fits on ${pod.spec.nodeName} (${resource}: ${asked} of ${there})`);
    }
  }

  #takeAddress(pod: Pod): void {
    const ip = pod.status?.podIP;
    if (!ip || pod.spec.hostNetwork) return;
    if (isOver(pod)) {
      this.#freeAddress(pod);
      return;
    }
    const owner = this.#addresses.get(ip);
    // A node that is away may have given the address of a Pod it has ended, but could not yet tell so.
    this.#claim(owner === undefined || owner === pod.metadata.uid, `${nameOf(pod)} has an address of its own (${ip})`);
    this.#addresses.set(ip, pod.metadata.uid);
    const podNetwork = parseCidr(this.#cluster.profile.podCidr)!;
    this.#claim(cidrHas(podNetwork, ip), `${nameOf(pod)} has an address in the Pods' network (${ip})`);
  }

  #freeAddress(pod: Pod): void {
    const ip = pod.status?.podIP;
    if (ip && this.#addresses.get(ip) === pod.metadata.uid) this.#addresses.delete(ip);
  }

  // ---- at rest -----------------------------------------------------------------------------------------------------------

  /** Claims about a cluster that has had time to settle. Answers the ones that do not hold. */
  atRest(): string[] {
    const wrong: string[] = [...this.violations];
    const claim = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(`at rest: ${what}`);
    };
    this.#workloads(claim);
    this.#endpoints(claim);
    this.#owners(claim);
    this.#nodes(claim);
    this.#caches(claim);
    return wrong;
  }

  #workloads(claim: (holds: boolean, what: string) => void): void {
    for (const rs of this.#list<ReplicaSet>("apps", "replicasets")) {
      const wanted = rs.spec.replicas ?? 1;
      const says = rs.status?.conditions?.some((c) => c.type === "ReplicaFailure" && c.status === "True");
      claim((rs.status?.observedGeneration ?? 0) === rs.metadata.generation, `${nameOf(rs)} has been observed`);
      claim(
        rs.status?.replicas === wanted || says === true,
        `${nameOf(rs)} has ${rs.status?.replicas} of ${wanted} and does not say why`,
      );
      const pods = this.#list<Pod>("", "pods").filter(
        (p) =>
          p.metadata.ownerReferences?.some((o) => o.uid === rs.metadata.uid) &&
          !isOver(p) &&
          p.metadata.deletionTimestamp === undefined,
      );
      claim(pods.length === wanted || says === true, `${nameOf(rs)} owns ${pods.length} Pods, wants ${wanted}`);
      const ready = pods.filter((p) => p.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"));
      claim(
        (rs.status?.readyReplicas ?? 0) === ready.length,
        `${nameOf(rs)} counts ${rs.status?.readyReplicas ?? 0} ready, there are ${ready.length}`,
      );
    }
    for (const deployment of this.#list<Deployment>("apps", "deployments")) {
      const { status, spec, metadata } = deployment;
      claim((status?.observedGeneration ?? 0) === metadata.generation, `${nameOf(deployment)} has been observed`);
      const isComplete =
        (status?.availableReplicas ?? 0) === (spec.replicas ?? 1) &&
        (status?.updatedReplicas ?? 0) === (spec.replicas ?? 1);
      const says = status?.conditions?.some(
        (c) => c.status !== "True" || c.type === "ReplicaFailure" || c.reason === "ReplicaSetUpdated",
      );
      claim(
        isComplete || says === true || spec.paused === true,
        `${nameOf(deployment)} meets its spec or says why not: ${JSON.stringify(status)}`,
      );
    }
  }

  #endpoints(claim: (holds: boolean, what: string) => void): void {
    const slices = this.#list<EndpointSlice>("discovery.k8s.io", "endpointslices");
    for (const service of this.#list<Service>("", "services")) {
      if (!service.spec.selector || service.spec.type === "ExternalName") continue;
      const selector = selectorFromLabelSelector({ matchLabels: service.spec.selector });
      const want = this.#list<Pod>("", "pods")
        .filter(
          (pod) =>
            pod.metadata.namespace === service.metadata.namespace &&
            matches(selector, pod.metadata.labels) &&
            !isOver(pod) &&
            pod.metadata.deletionTimestamp === undefined &&
            pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
        )
        .map((pod) => pod.status!.podIP!)
        .sort();
      const have = slices
        .filter(
          (slice) =>
            slice.metadata.namespace === service.metadata.namespace &&
            slice.metadata.labels?.["kubernetes.io/service-name"] === service.metadata.name,
        )
        .flatMap((slice) => slice.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready && !endpoint.conditions.terminating)
        .flatMap((endpoint) => endpoint.addresses)
        .sort();
      claim(
        deepEqual([...new Set(have)], want),
        `${nameOf(service)} has the endpoints ${have.join(", ")}, its ready Pods are ${want.join(", ")}`,
      );
    }
  }

  #owners(claim: (holds: boolean, what: string) => void): void {
    const uids = new Set<string>();
    const all: KubeObject[] = [];
    for (const resource of this.#cluster.api.scheme.resources)
      for (const object of this.#cluster.api.storage(resource.group, resource.plural)?.list("") ?? []) {
        uids.add(object.metadata.uid);
        all.push(object);
      }
    for (const object of all) {
      const owners = object.metadata.ownerReferences ?? [];
      claim(
        owners.length === 0 || owners.some((o) => uids.has(o.uid)),
        `${nameOf(object)} is an orphan of ${owners.map((o) => `${o.kind}/${o.name}`).join(", ")}`,
      );
    }
  }

  /** What runs on a node that is up is what its Pods say, and the other way round. */
  #nodes(claim: (holds: boolean, what: string) => void): void {
    for (const [node, kubelet] of this.#cluster.kubelets) {
      const host = this.#cluster.host(node);
      const runtime = host.runtime();
      if (!host.isConnected || !runtime || !kubelet.process.alive) continue;
      const pods = this.#list<Pod>("", "pods").filter((p) => p.spec.nodeName === node);
      for (const pod of pods) {
        const mirror = pod.metadata.annotations?.["kubernetes.io/config.mirror"];
        const ready = runtime
          .listPodSandbox({ labelSelector: { "io.kubernetes.pod.uid": mirror ?? pod.metadata.uid } })
          .filter((s) => s.state === "SANDBOX_READY");
        claim(ready.length <= 1, `${nameOf(pod)} has one sandbox, not ${ready.length}`);
        for (const status of pod.status?.containerStatuses ?? []) {
          if (!status.state?.running || !status.containerID) continue;
          const id = status.containerID.replace("containerd://", "");
          const found = runtime.listContainers({ id })[0];
          claim(
            found?.state === "CONTAINER_RUNNING",
            `${nameOf(pod)} shows ${status.name} as running, the runtime has ${found?.state ?? "nothing"}`,
          );
        }
      }
      const known = new Set(pods.map((p) => p.metadata.annotations?.["kubernetes.io/config.mirror"] ?? p.metadata.uid));
      for (const sandbox of runtime.listPodSandbox({ state: "SANDBOX_READY" }))
        claim(
          known.has(sandbox.metadata.uid),
          `${node} runs ${sandbox.metadata.namespace}/${sandbox.metadata.name}, of which the API knows nothing`,
        );
    }
  }

  /** Every informer has seen every revision: its cache is what the store has. */
  #caches(claim: (holds: boolean, what: string) => void): void {
    for (const [name, component] of this.#cluster.controlPlane.running) {
      const run = component.current;
      if (!run || !component.isLeading) continue;
      for (const informer of run.informers.all()) {
        const stored = this.#cluster.api.storage(informer.type.group, informer.type.plural)?.list("");
        if (!stored || !informer.hasSynced) continue;
        for (const object of stored) {
          const key = object.metadata.namespace
            ? `${object.metadata.namespace}/${object.metadata.name}`
            : object.metadata.name;
          const cached = informer.cache.get(key) as KubeObject | undefined;
          claim(
            cached?.metadata.resourceVersion === object.metadata.resourceVersion,
            `${name}'s cache has ${nameOf(object)} at ${cached?.metadata.resourceVersion ?? "nothing"}, the store at ${object.metadata.resourceVersion}`,
          );
        }
        claim(
          informer.cache.size === stored.length,
          `${name} caches ${informer.cache.size} ${informer.type.plural}, the store has ${stored.length}`,
        );
      }
    }
  }

  #list<T extends KubeObject>(group: string, plural: string): readonly T[] {
    return (this.#cluster.api.storage(group, plural)?.list("") ?? []) as unknown as readonly T[];
  }

  #object<T extends KubeObject>(group: string, plural: string, namespace: string, name: string): T | undefined {
    return this.#cluster.api.storage(group, plural)?.get(namespace, name) as T | undefined;
  }
}
