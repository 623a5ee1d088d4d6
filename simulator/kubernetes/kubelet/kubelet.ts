/**
 * The kubelet of one node: which Pods are its own, a worker for each, and the node's own status. It keeps nothing that
 * the API server and the container runtime do not know, so that a restarted one goes on where the last one stopped.
 */
import type { Instant } from "../../base/clock";
import { decodeUtf8, NO_BYTES } from "../../base/bytes";
import { deepEqual } from "../../base/json";
import { failure, ok, type Result } from "../../base/result";
import type { Random } from "../../base/random";
import { suspend, type Task } from "../../base/task";
import { type ContainerEvent, CriError, type ImageService, type RuntimeService } from "../../containerd/cri";
import type { Process } from "../../os/process";
import { quote } from "../../text/strconv";
import type { Credentials, Transport } from "../apimachinery/transport";
import { formatQuantity, milliQuantity, milliValue, quantityOf, wholeValue } from "../apimachinery/quantity";
import type { KubeObject } from "../apimachinery/object";
import type { Container, ContainerStatus, Node, Pod, PodCondition, PodStatus } from "../api/types.generated";
import { Client } from "../client/client";
import { EventRecorder } from "../client/event-recorder";
import { type Informer, InformerFactory } from "../client/informer";
import type { ResourceType } from "../client/resource-type";
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, SERVICES } from "../client/resources";
import { Scope } from "../client/scope";
import { refuse } from "./admission";
import { decodeBase64 } from "../apimachinery/base64";
import type { DnsOptions } from "./container-config";
import { messageFileName } from "./container-config";
import { containerStatuses } from "./container-status";
import type { EnvironmentSources } from "./environment";
import { EvictionManager } from "./eviction";
import type { NodeFacts } from "./fields";
import { ImageManager } from "./image-manager";
import { allocatableOf, type NodeSpecs, NodeStatusManager } from "./node-status";
import { type AnyContainer, PodRuntime, type SyncFailure } from "./pod-runtime";
import { isStaticPod, podConditions, podPhase } from "./pod-status";
import { PodWorker, type StepResult, type WorkerSteps } from "./pod-worker";
import { ProbeManager } from "./prober";
import { ReasonCache } from "./reason-cache";
import { ReferencedObjects } from "./referenced-objects";
import { qosClassOf } from "./resources";
import { RuntimeCache } from "./runtime-cache";
import { allContainers, type RuntimePodStatus } from "./runtime-status";
import { StaticPods } from "./static-pods";
import { StatusManager } from "./status-manager";
import { PODS_DIR, VolumeManager } from "./volumes";

export interface KubeletOptions {
  readonly transport: Transport;
  readonly credentials?: Credentials;
  readonly random: Random;
  readonly specs: NodeSpecs;
  readonly dns: DnsOptions;
  /** The node's container runtime; undefined while containerd does not run. */
  runtime(): RuntimeService | undefined;
  images(): ImageService | undefined;
  /** A line for the journal: severity (I, W, E) and text as klog writes it after its header. */
  log(severity: "I" | "W" | "E", text: string): void;
  /** Bytes used on the node's disk. */
  diskUsedBytes(): number;
  readonly staticPodPath?: string;
}

/** The runtime is looked at this often (PLEG); looked at only when something has happened. */
const RELIST_MS = 1000;
/** What comes before the first look: the kubelet's other modules start. */
const PLEG_START_MS = 310;
const GC_MS = 60_000;
const VOLUME_WAIT_MS = 123_000;
const RUNTIME_DOWN_MS = 30_000;

const DOWN_RUNTIME = new Proxy({} as RuntimeService & ImageService, {
  get: () => () => {
    throw new CriError(
      "Unavailable",
      'connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"',
    );
  },
});

/** Runs a kubelet as a program of its node; ends it with its process. */
export function* runKubelet(
  process: Process,
  options: KubeletOptions,
  started: (kubelet: Kubelet) => void,
): Task<number> {
  const kubelet = new Kubelet(process, options);
  process.atExit(() => kubelet.stop());
  started(kubelet);
  kubelet.start();
  yield* suspend(() => undefined);
  return 0;
}

export class Kubelet {
  readonly options: KubeletOptions;
  readonly process: Process;
  readonly scope: Scope;
  readonly client: Client;
  readonly cache: RuntimeCache;
  readonly statuses: StatusManager;
  readonly workers = new Map<string, PodWorker>();
  readonly nodeStatus: NodeStatusManager;
  readonly #random: Random;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #informers: InformerFactory;
  readonly #references: ReferencedObjects;
  readonly #volumes: VolumeManager;
  readonly #imageManager: ImageManager;
  readonly #probes: ProbeManager;
  readonly #podRuntime: PodRuntime;
  readonly #reasons = new ReasonCache();
  readonly #eviction: EvictionManager;
  readonly #static: StaticPods | undefined;
  /** When the first relist was. */
  readonly #startedAt: Instant;
  readonly #dirty = new Set<string>();
  readonly #relistWaiters = new Map<Instant, (() => void)[]>();
  #runtimeSeen: RuntimeService | undefined;
  #runtimeAliveAt: Instant;
  #hangUpRuntime: (() => void) | undefined;
  #podIpOf = new Map<string, string>();

  constructor(process: Process, options: KubeletOptions) {
    this.options = options;
    this.process = process;
    this.scope = new Scope(process.kernel.loop);
    const { specs } = options;
    this.#random = options.random.stream(`kubelet/${specs.name}`);
    this.#startedAt = this.scope.now() + PLEG_START_MS;
    this.#runtimeAliveAt = this.scope.now();
    this.client = new Client({
      transport: options.transport,
      userAgent: `kubelet/${specs.kubeletVersion} (linux/amd64) kubernetes`,
      ...(options.credentials ? { credentials: options.credentials } : {}),
    });
    const { scope, client } = this;
    const random = this.#random;
    this.#informers = new InformerFactory({ scope, client, random });
    this.#pods = this.#informers.informer(PODS, { fieldSelector: `spec.nodeName=${specs.name}` });
    this.#recorder = new EventRecorder({ client, clock: scope, component: "kubelet", host: specs.name });
    this.cache = new RuntimeCache(
      () => this.runtime(),
      () => this.images(),
    );
    this.#references = new ReferencedObjects({ scope, client });
    this.statuses = new StatusManager({
      scope,
      client,
      apiPod: (pod) => this.#apiPod(pod),
      log: (text) => options.log("W", `status_manager.go:1018] ${text}`),
    });
    const event = this.#event.bind(this);
    this.#imageManager = new ImageManager({
      clock: scope,
      images: () => this.images(),
      event,
      credentials: (pod, registry) => this.#pullCredentials(pod, registry),
    });
    this.#volumes = new VolumeManager({
      clock: scope,
      fs: process.fs,
      node: this.facts(),
      configMap: (namespace, name) => this.#references.configMap(namespace, name),
      secret: (namespace, name) => this.#references.secret(namespace, name),
      token: (pod, projection) => this.#references.token(pod, projection),
      claim: (namespace, name) => this.#read(PERSISTENT_VOLUME_CLAIMS, namespace, name),
      volume: (name) => this.#read(PERSISTENT_VOLUMES, undefined, name),
      failed: (pod, message) => this.#event(pod, undefined, "Warning", "FailedMount", message),
    });
    this.#probes = new ProbeManager({
      process,
      scope,
      random,
      runtime: () => this.runtime(),
      podStatus: (uid) => this.statuses.get(uid),
      event: (pod, container, reason, message) => this.#event(pod, container, "Warning", reason, message),
      changed: (uid) => this.workers.get(uid)?.wake(),
    });
    this.#podRuntime = new PodRuntime({
      process,
      clock: scope,
      random,
      nodeName: specs.name,
      dns: options.dns,
      cache: this.cache,
      imageManager: this.#imageManager,
      volumes: this.#volumes,
      probes: this.#probes,
      runtime: () => this.runtime(),
      images: () => this.images(),
      environment: (pod, podIp) => this.#environment(pod, podIp),
      podStatus: (pod) => this.statuses.get(pod.metadata.uid) ?? pod.status,
      sandboxReady: (pod) => this.#sandboxReady(pod),
      event,
    });
    this.#eviction = new EvictionManager({
      scope,
      kernel: process.kernel,
      memoryBytes: specs.memoryBytes,
      diskBytes: specs.diskBytes,
      diskUsedBytes: () => options.diskUsedBytes(),
      workers: () => [...this.workers.values()],
      usage: (worker) => this.#memoryOf(worker.uid),
      event: (pod, type, reason, message) => this.#event(pod, undefined, type, reason, message),
      nodeEvent: (type, reason, message) => this.nodeStatus.event(type, reason, message),
      changed: () => this.nodeStatus.update(),
    });
    this.nodeStatus = new NodeStatusManager({
      scope,
      client,
      random,
      recorder: this.#recorder,
      specs,
      images: () => options.images()?.listImages() ?? [],
      imagesVersion: () => {
        const info = options.images()?.imageFsInfo();
        return info ? `${info.usedBytes}/${info.inodesUsed}` : "";
      },
      troubles: () => this.#troubles(),
      pressure: () => this.#eviction.pressure,
      log: (text) =>
        options.log(text.includes("rror") || text.includes("Unable") || text.includes("Failed") ? "E" : "I", text),
      registered: (node) => this.#registered(node),
    });
    if (options.staticPodPath)
      this.#static = new StaticPods({
        scope,
        fs: process.fs,
        path: options.staticPodPath,
        nodeName: specs.name,
        added: (pod) => this.#added(pod),
        removed: (pod) => this.#removed(pod),
        log: (text) => options.log("E", text),
      });
  }

  // ---- life ----------------------------------------------------------------------------------------------------------

  start(): void {
    const { options } = this;
    options.log("I", `server.go:525] "Kubelet version" kubeletVersion="${options.specs.kubeletVersion}"`);
    this.#attachRuntime();
    const informers = this.#informers;
    informers.informer(SERVICES);
    this.#pods.handle({
      added: (pod) => this.#fromApi(pod),
      updated: (pod, old) => this.#updated(pod, old),
      deleted: (pod) => this.#deletedFromApi(pod),
    });
    options.log("I", `kubelet.go:2456] "Starting kubelet main sync loop"`);
    this.#static?.start();
    this.nodeStatus.start();
    informers.start();
    this.#pods.whenSynced(() => this.#removeOrphans());
    this.scope.every(10_000, () => this.#watchRuntime());
    this.#eviction.start();
  }

  stop(): void {
    this.#hangUpRuntime?.();
    this.scope.end();
  }

  runtime(): RuntimeService {
    const runtime = this.options.runtime();
    if (runtime !== this.#runtimeSeen) this.#attachRuntime();
    return runtime ?? DOWN_RUNTIME;
  }

  images(): ImageService {
    return this.options.images() ?? DOWN_RUNTIME;
  }

  facts(): NodeFacts {
    const { specs } = this.options;
    if (this.#facts) return this.#facts;
    const allocatable = allocatableOf(specs);
    return (this.#facts = {
      nodeName: specs.name,
      hostIp: specs.internalIp,
      cpuMilli: milliValue(allocatable["cpu"]),
      memoryBytes: wholeValue(allocatable["memory"]),
      ephemeralStorageBytes: wholeValue(allocatable["ephemeral-storage"]),
    });
  }

  #facts: NodeFacts | undefined;

  /** A Pod of this node by name: what its server looks up. */
  podByName(namespace: string, name: string): Pod | undefined {
    const fromApi = this.#pods.cache.get(`${namespace}/${name}`);
    const configHash = fromApi?.metadata.annotations?.["kubernetes.io/config.mirror"];
    if (configHash === undefined) return fromApi;
    return this.#static?.byName(namespace, name) ?? fromApi;
  }

  /** Every Pod this kubelet works on. */
  pods(): readonly Pod[] {
    return [...this.workers.values()].map((worker) => worker.pod);
  }

  #registered(_node: Node): void {
    for (const pod of this.#static?.all() ?? []) this.#ensureMirror(pod);
  }

  // ---- the runtime ---------------------------------------------------------------------------------------------------

  /** Listens to the runtime; a containerd that came back is listened to anew. */
  #attachRuntime(): void {
    const runtime = this.options.runtime();
    if (!runtime || runtime === this.#runtimeSeen) return;
    this.#hangUpRuntime?.();
    this.#runtimeSeen = runtime;
    this.cache.rebuild();
    this.#hangUpRuntime = runtime.getContainerEvents((event) => this.#onRuntimeEvent(event));
    for (const uid of this.cache.podUids()) this.#markDirty(uid);
  }

  #watchRuntime(): void {
    this.#attachRuntime();
    if (this.options.runtime()) this.#runtimeAliveAt = this.scope.now();
    else this.#runtimeSeen = undefined;
  }

  #troubles(): string[] {
    const troubles: string[] = [];
    const runtime = this.options.runtime();
    const now = this.scope.now();
    if (!runtime && now - this.#runtimeAliveAt > RUNTIME_DOWN_MS) troubles.push("container runtime is down");
    const status = runtime?.status();
    if (status && !status.networkReady)
      troubles.push(
        `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: ${status.networkMessage || "cni plugin not initialized"}`,
      );
    return troubles;
  }

  #onRuntimeEvent(event: ContainerEvent): void {
    if (this.scope.ended) return;
    if (event.type === "CONTAINER_CREATED_EVENT") {
      if (event.containerId === event.podSandboxId) {
        const uid = this.#uidOfSandbox(event.podSandboxId);
        if (uid !== undefined) this.cache.addSandbox(uid, event.podSandboxId);
      } else this.cache.addContainer(event.podSandboxId, event.containerId);
    }
    const uid = this.cache.podOf(event.podSandboxId);
    if (uid === undefined) return;
    if (event.type === "CONTAINER_STOPPED_EVENT") this.#scheduleGc();
    if (event.type !== "CONTAINER_DELETED_EVENT") this.#markDirty(uid);
  }

  #uidOfSandbox(id: string): string | undefined {
    try {
      return this.runtime().podSandboxStatus(id).metadata.uid;
    } catch (error) {
      if (error instanceof CriError) return undefined;
      throw error;
    }
  }

  /** The Pod's worker takes a step at the next relist. */
  #markDirty(uid: string): void {
    if (this.#dirty.has(uid)) return;
    this.#dirty.add(uid);
    this.#atRelist(this.#nextRelist(this.scope.now()), () => {
      this.#dirty.delete(uid);
      this.workers.get(uid)?.wake();
    });
  }

  #nextRelist(since: Instant): Instant {
    return this.#startedAt + (Math.floor((since - this.#startedAt) / RELIST_MS) + 1) * RELIST_MS;
  }

  #atRelist(instant: Instant, run: () => void): void {
    if (instant <= this.scope.now()) {
      this.scope.soon(run);
      return;
    }
    const waiting = this.#relistWaiters.get(instant);
    if (waiting) {
      waiting.push(run);
      return;
    }
    const list = [run];
    this.#relistWaiters.set(instant, list);
    this.scope.after(instant - this.scope.now(), () => {
      this.#relistWaiters.delete(instant);
      for (const waiter of list) waiter();
    });
  }

  // ---- garbage --------------------------------------------------------------------------------------------------------

  #gcScheduled = false;

  /** Dead containers beyond the newest of each name are removed once a minute, if there are any. */
  #scheduleGc(): void {
    if (this.#gcScheduled) return;
    this.#gcScheduled = true;
    const age = this.scope.now() - this.#startedAt;
    this.scope.after(GC_MS - (age % GC_MS), () => {
      this.#gcScheduled = false;
      this.process.thread(this.#collect());
    });
  }

  *#collect(): Task<void> {
    if (!this.options.runtime()) return;
    for (const uid of this.cache.podUids()) {
      const { containers } = this.cache.status(uid);
      const kept = new Set<string>();
      for (const container of containers) {
        if (container.state !== "exited") continue;
        if (!kept.has(container.name)) {
          kept.add(container.name);
          continue;
        }
        if (!this.options.runtime()) return;
        yield* this.runtime().removeContainer(container.id);
      }
    }
  }

  /** What runs here and belongs to no Pod (it was deleted while the kubelet was away). */
  #removeOrphans(): void {
    if (!this.options.runtime()) return;
    for (const uid of this.cache.podUids())
      if (!this.workers.has(uid)) this.process.thread(this.#removeRuntimePod(uid));
    const known = new Set([...this.workers.keys(), ...this.cache.podUids()]);
    for (const uid of this.#volumes.knownPods()) if (!known.has(uid)) this.#volumes.remove(uid);
  }

  *#removeRuntimePod(uid: string): Task<void> {
    try {
      for (const sandbox of [...this.cache.sandboxIds(uid)]) {
        for (const container of this.runtime().listContainers({ podSandboxId: sandbox })) {
          yield* this.runtime().stopContainer(container.id, 2);
        }
        yield* this.runtime().removePodSandbox(sandbox);
      }
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return;
    }
    this.cache.forget(uid);
    this.#volumes.remove(uid);
  }

  // ---- Pods come, change and go --------------------------------------------------------------------------------------

  #fromApi(pod: Pod): void {
    const mirror = pod.metadata.annotations?.["kubernetes.io/config.mirror"];
    if (mirror !== undefined) {
      this.#mirrorSeen(pod, mirror);
      return;
    }
    this.#added(pod);
  }

  #added(pod: Pod): void {
    const uid = pod.metadata.uid;
    if (this.workers.has(uid)) return;
    this.options.log(
      "I",
      `kubelet.go:2537] "SyncLoop ADD" source="${isStaticPod(pod) ? "file" : "api"}" pods=["${nameOf(pod)}"]`,
    );
    const worker = new PodWorker(pod, {
      process: this.process,
      scope: this.scope,
      random: this.#random,
      steps: this.#steps,
    });
    this.workers.set(uid, worker);
    if (isStaticPod(pod)) this.#ensureMirror(pod);
    if (pod.metadata.deletionTimestamp !== undefined) {
      worker.terminate();
      return;
    }
    const isOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    if (!isOver && !this.#isAdmitted(pod)) return;
    this.#references.register(pod);
    worker.wake();
  }

  /** Refuses what the node cannot take; Pods that run already are not asked again. */
  #isAdmitted(pod: Pod): boolean {
    const uid = pod.metadata.uid;
    if (pod.status?.startTime !== undefined || this.cache.sandboxIds(uid).length > 0) return true;
    const others = [...this.workers.values()]
      .filter((worker) => worker.uid !== uid && !this.#isOver(worker))
      .map((worker) => worker.pod);
    const judged = (node: Node | undefined) =>
      refuse({
        pod,
        others,
        allocatable: allocatableOf(this.options.specs),
        node,
        pressure: this.#eviction.pressure,
      });
    let refusal = judged(this.nodeStatus.node);
    // Somebody may have labelled the node a moment ago: the kubelet looks again before it says no.
    if (refusal?.reason === "NodeAffinity") refusal = judged(this.nodeStatus.latest());
    if (!refusal) return true;
    const { reason, message } = refusal;
    this.#event(pod, undefined, "Warning", reason, message.replace(/^Pod was rejected: /, ""));
    this.statuses.set(pod, { ...pod.status, phase: "Failed", reason, message });
    this.workers.get(uid)?.stop();
    this.workers.delete(uid);
    return false;
  }

  #isOver(worker: PodWorker): boolean {
    const phase = this.statuses.get(worker.uid)?.phase ?? worker.pod.status?.phase;
    return phase === "Succeeded" || phase === "Failed";
  }

  #updated(pod: Pod, old: Pod): void {
    const uid = pod.metadata.uid;
    if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
      if (pod.metadata.deletionTimestamp !== undefined) this.#deleteMirror(pod);
      return;
    }
    const worker = this.workers.get(uid);
    if (!worker) {
      // Refused earlier: only its deletion is left to acknowledge.
      if (pod.metadata.deletionTimestamp !== undefined)
        this.client.delete(
          PODS,
          { namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name },
          { gracePeriodSeconds: 0, preconditions: { uid } },
        );
      else if (!old.spec.nodeName) this.#added(pod);
      return;
    }
    worker.pod = pod;
    this.statuses.poke(pod);
    const { metadata, spec } = pod;
    if (metadata.deletionTimestamp !== undefined) {
      const isNew = old.metadata.deletionTimestamp === undefined;
      if (isNew) this.options.log("I", `kubelet.go:2553] "SyncLoop DELETE" source="api" pods=["${nameOf(pod)}"]`);
      if (isNew || old.metadata.deletionGracePeriodSeconds !== metadata.deletionGracePeriodSeconds) worker.terminate();
      return;
    }
    const isSame =
      old.spec === spec ||
      (deepEqual(old.spec, spec) &&
        deepEqual(old.metadata.labels, metadata.labels) &&
        deepEqual(old.metadata.annotations, metadata.annotations));
    const hasNewMeta = old.metadata.labels !== metadata.labels || old.metadata.annotations !== metadata.annotations;
    if (
      isSame &&
      !(
        hasNewMeta &&
        !(deepEqual(old.metadata.labels, metadata.labels) && deepEqual(old.metadata.annotations, metadata.annotations))
      )
    ) {
      if (spec.readinessGates?.length && !deepEqual(old.status?.conditions, pod.status?.conditions)) worker.wake();
      this.statuses.reconcile(uid);
      return;
    }
    this.#references.unregister(uid);
    this.#references.register(pod);
    worker.wake();
  }

  #deletedFromApi(pod: Pod): void {
    if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
      const own = this.#static?.byName(pod.metadata.namespace ?? "default", pod.metadata.name);
      // Somebody deleted the mirror: the Pod itself goes on, and shows up again with its next sync, which is now.
      if (own) this.scope.after(0, () => this.#ensureMirror(own));
      return;
    }
    this.#removed(pod);
  }

  #removed(pod: Pod): void {
    const uid = pod.metadata.uid;
    const worker = this.workers.get(uid);
    this.options.log(
      "I",
      `kubelet.go:2547] "SyncLoop REMOVE" source="${isStaticPod(pod) ? "file" : "api"}" pods=["${nameOf(pod)}"]`,
    );
    if (!worker) {
      this.statuses.forget(uid);
      return;
    }
    worker.isRemoved = true;
    if (worker.state === "finished") this.#forget(worker);
    else worker.terminate();
  }

  /** The last of a Pod: nothing of it stays on the node. */
  #forget(worker: PodWorker): void {
    const { uid } = worker;
    worker.stop();
    this.workers.delete(uid);
    this.statuses.forget(uid);
    this.#references.unregister(uid);
    this.#imageManager.forget(uid);
    this.#podRuntime.forget(uid);
    this.#reasons.forget(uid);
    this.#podIpOf.delete(uid);
    this.#probes.removePod(uid);
    this.process.thread(this.#removeRuntimePod(uid));
    if (isStaticPod(worker.pod)) this.#deleteMirrorOf(worker.pod);
  }

  // ---- static Pods -----------------------------------------------------------------------------------------------------

  /** The API's object for one of our Pods: itself, or the mirror of a static one. */
  #apiPod(pod: Pod): Pod | undefined {
    const shown = this.#pods.cache.get(nameOf(pod));
    if (isStaticPod(pod))
      return shown?.metadata.annotations?.["kubernetes.io/config.mirror"] === pod.metadata.uid ? shown : undefined;
    return shown?.metadata.uid === pod.metadata.uid ? shown : undefined;
  }

  #mirrorSeen(mirror: Pod, hash: string): void {
    const own = this.#static?.byName(mirror.metadata.namespace ?? "default", mirror.metadata.name);
    if (!own || own.metadata.uid !== hash) {
      this.#deleteMirror(mirror);
      return;
    }
    const status = this.statuses.get(own.metadata.uid);
    // The mirror is empty: what is known is told again.
    if (status) {
      this.statuses.forget(own.metadata.uid);
      this.statuses.set(own, status);
    }
  }

  #ensureMirror(pod: Pod): void {
    const node = this.nodeStatus.node;
    if (!node || !this.#static?.byName(pod.metadata.namespace ?? "default", pod.metadata.name)) return;
    const shown = this.#pods.cache.get(nameOf(pod));
    if (shown?.metadata.annotations?.["kubernetes.io/config.mirror"] === pod.metadata.uid) return;
    if (shown) {
      this.#deleteMirror(shown);
      return;
    }
    const { uid: _, resourceVersion: __, creationTimestamp: ___, ...metadata } = pod.metadata;
    const created = this.client.create(PODS, {
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, "kubernetes.io/config.mirror": pod.metadata.uid },
        ownerReferences: [
          { apiVersion: "v1", kind: "Node", name: node.metadata.name, uid: node.metadata.uid, controller: true },
        ],
      },
      spec: pod.spec,
    });
    if (created.ok || created.error.reason === "AlreadyExists") return;
    this.options.log(
      "E",
      `kubelet.go:3342] "Failed creating a mirror pod" err="${created.error.message}" pod="${nameOf(pod)}"`,
    );
    this.scope.after(10_000, () => this.#ensureMirror(pod));
  }

  #deleteMirror(mirror: Pod): void {
    const name = { namespace: mirror.metadata.namespace ?? "default", name: mirror.metadata.name };
    this.client.delete(PODS, name, { gracePeriodSeconds: 0, preconditions: { uid: mirror.metadata.uid } });
  }

  #deleteMirrorOf(pod: Pod): void {
    const mirror = this.#pods.cache.get(nameOf(pod));
    if (mirror?.metadata.annotations?.["kubernetes.io/config.mirror"] === pod.metadata.uid) this.#deleteMirror(mirror);
  }

  // ---- steps of a worker -------------------------------------------------------------------------------------------------

  readonly #steps: WorkerSteps = {
    sync: (worker) => withRuntime(this.#sync(worker)),
    terminate: (worker) => withRuntime(this.#terminate(worker)),
    cleanUp: (worker) => withRuntime(this.#cleanUp(worker)),
    finished: (worker) => {
      if (worker.isRemoved) this.#forget(worker);
    },
    nextRelist: (since) => this.#nextRelist(since),
    atRelist: (instant, run) => this.#atRelist(instant, run),
    failed: (worker, failures) => this.#syncFailed(worker, failures),
  };

  #syncFailed(worker: PodWorker, failures: readonly SyncFailure[]): void {
    const texts = failures.map((f) => f.text);
    const all = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
    this.options.log(
      "E",
      `pod_workers.go:1324] "Error syncing pod, skipping" err=${quote(all)} pod="${nameOf(worker.pod)}" podUID="${worker.uid}"`,
    );
  }

  #status(worker: PodWorker): RuntimePodStatus {
    const status = this.cache.status(worker.uid);
    if (status.ip) this.#podIpOf.set(worker.uid, status.ip);
    return status.ip ? status : { ...status, ip: this.#podIpOf.get(worker.uid) ?? "" };
  }

  *#sync(worker: PodWorker): Task<StepResult> {
    const { pod, uid } = worker;
    const done: StepResult = { failures: [], transition: false };
    this.#attachRuntime();
    // Without a runtime nothing is known of a Pod that has run: its status stays what it was.
    if (!this.options.runtime() && (pod.status?.startTime !== undefined || this.cache.sandboxIds(uid).length > 0))
      return { failures: [{ text: "container runtime is down" }], transition: false };
    const runtime = this.#status(worker);
    if (this.#pastDeadline(worker)) return done;
    const status = this.#apiStatus(worker, runtime, false);
    this.statuses.set(pod, status);
    if (status.phase === "Succeeded" || status.phase === "Failed") return { failures: [], transition: true };
    const trouble = this.runtime().status();
    if (!trouble.networkReady && !pod.spec.hostNetwork) {
      const text = `network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: ${trouble.networkMessage || "cni plugin not initialized"}`;
      this.#event(pod, undefined, "Warning", "NetworkNotReady", text);
      return { failures: [{ text, at: this.scope.now() + 1000 }], transition: false };
    }
    const mounted = yield* this.#mountVolumes(pod, runtime.containers.length === 0);
    if (!mounted.ok) {
      this.#event(pod, undefined, "Warning", "FailedMount", mounted.error);
      return { failures: [{ text: mounted.error }], transition: false };
    }
    this.#probes.addPod(pod);
    const result = yield* this.#podRuntime.syncPod(pod, runtime);
    this.#reasons.update(uid, result.starts);
    return { failures: result.failures, transition: false };
  }

  /** OnPodSandboxReady: nothing but the one condition changes before the runtime is looked at again. */
  #sandboxReady(pod: Pod): void {
    const status = this.statuses.get(pod.metadata.uid);
    const isNews = status?.conditions?.some((c) => c.type === "PodReadyToStartContainers" && c.status !== "True");
    if (!status || !isNews) return;
    this.statuses.set(pod, {
      ...status,
      conditions: status.conditions!.map((c) =>
        c.type === "PodReadyToStartContainers" ? { ...c, status: "True" as const } : c,
      ),
    });
  }

  /** spec.activeDeadlineSeconds: the Pod fails when its time is up. */
  #pastDeadline(worker: PodWorker): boolean {
    const seconds = worker.pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return false;
    const endsAt = worker.startedAt + seconds * 1000;
    if (this.scope.now() < endsAt) {
      this.scope.after(endsAt - this.scope.now(), () => worker.wake());
      return false;
    }
    const message = "Pod was active on the node longer than the specified deadline";
    this.#event(worker.pod, undefined, "Normal", "DeadlineExceeded", message);
    worker.terminate({ status: { phase: "Failed", reason: "DeadlineExceeded", message } });
    return true;
  }

  *#mountVolumes(pod: Pod, isFirst: boolean): Task<Result<void, string>> {
    const deadline = this.scope.now() + VOLUME_WAIT_MS;
    // The volume manager's reconciler takes a moment to see a new Pod.
    if (isFirst) yield* this.process.sleep(100 + 200 * this.#random.float());
    for (;;) {
      const next = this.#volumes.mount(pod);
      if (next === undefined) return ok();
      if (next > deadline) break;
      yield* this.process.sleep(next - this.scope.now());
    }
    yield* this.process.sleep(deadline - this.scope.now());
    const missing = this.#volumes.unmounted(pod);
    return failure(
      `Unable to attach or mount volumes: unmounted volumes=[${missing.join(" ")}], unattached volumes=[], failed to process volumes=[]: context deadline exceeded`,
    );
  }

  *#terminate(worker: PodWorker): Task<StepResult> {
    const { pod, uid } = worker;
    const before = this.#status(worker);
    this.statuses.set(pod, this.#apiStatus(worker, before, false));
    this.#probes.stopLivenessAndStartup(uid);
    yield* this.#podRuntime.killPod(pod, before, worker.graceSeconds);
    this.#probes.removePod(uid);
    this.statuses.set(worker.pod, this.#apiStatus(worker, this.#status(worker), true));
    return { failures: [], transition: true };
  }

  *#cleanUp(worker: PodWorker): Task<StepResult> {
    this.statuses.set(worker.pod, this.#apiStatus(worker, this.#status(worker), true));
    this.#references.unregister(worker.uid);
    this.statuses.terminate(worker.pod);
    return { failures: [], transition: true };
  }

  // ---- statuses -----------------------------------------------------------------------------------------------------------

  /** generateAPIPodStatus. */
  #apiStatus(worker: PodWorker, runtime: RuntimePodStatus, isTerminal: boolean): PodStatus {
    const { pod, uid } = worker;
    const { spec } = pod;
    const before = this.statuses.get(uid) ?? pod.status;
    const common = {
      pod,
      runtime: this.#withTerminationMessages(pod, runtime),
      startFailure: (name: string) => this.#reasons.get(uid, name),
    };
    const { initContainers, ephemeralContainers } = spec;
    const hasInitContainers = initContainers !== undefined && initContainers.length > 0;
    const inits = hasInitContainers
      ? containerStatuses(common, "init", initContainers, before?.initContainerStatuses, true)
      : NO_STATUSES;
    for (const status of inits)
      this.#probes.addVerdicts(
        pod,
        status,
        initContainers!.find((c) => c.name === status.name),
        true,
      );
    const containers = containerStatuses(
      common,
      "regular",
      spec.containers,
      before?.containerStatuses,
      hasInitContainers,
    );
    for (const status of containers) this.#probes.addVerdicts(pod, status, undefined, false);
    const ephemerals = ephemeralContainers?.length
      ? containerStatuses(
          common,
          "ephemeral",
          ephemeralContainers,
          before?.ephemeralContainerStatuses,
          hasInitContainers,
        )
      : NO_STATUSES;
    let phase = podPhase(pod, containers, inits, isTerminal);
    if (before?.phase === "Failed" || before?.phase === "Succeeded") phase = before.phase;
    const { override } = worker;
    if (override?.phase) phase = override.phase;
    const { generation } = pod.metadata;
    const conditions = podConditions({ pod, runtime, phase, containers, inits }).map((condition) =>
      observedCondition(condition, generation),
    );
    if (override?.disruption)
      conditions.unshift(
        observedCondition(
          {
            type: "DisruptionTarget",
            status: "True",
            reason: "TerminationByKubelet",
            message: override.disruption,
          },
          generation,
        ),
      );
    for (const foreign of pod.status?.conditions ?? []) {
      if (KUBELET_CONDITIONS.has(foreign.type)) continue;
      // That the Pod was scheduled is written by the binding; the kubelet adds which form of it was seen.
      const isObserved = foreign.type === "PodScheduled" && generation !== undefined;
      conditions.push(isObserved ? { ...foreign, observedGeneration: generation } : foreign);
    }
    const { internalIp } = this.options.specs;
    const podIp = spec.hostNetwork ? internalIp : runtime.ip;
    const reason = override?.reason ?? before?.reason;
    const message = override?.message ?? before?.message;
    const status: Mutable<PodStatus> = aggregateResources(pod);
    status.conditions = conditions;
    status.containerStatuses = containers;
    if (ephemerals.length > 0) status.ephemeralContainerStatuses = ephemerals;
    status.hostIP = internalIp;
    status.hostIPs = [{ ip: internalIp }];
    if (inits.length > 0) status.initContainerStatuses = inits;
    if (message) status.message = message;
    if (generation !== undefined) status.observedGeneration = generation;
    status.phase = phase;
    if (podIp) {
      status.podIP = podIp;
      status.podIPs = [{ ip: podIp }];
    }
    status.qosClass = qosClassOf(pod);
    if (reason) status.reason = reason;
    return status;
  }

  /** Reads what containers that have ended left at their terminationMessagePath. */
  #withTerminationMessages(pod: Pod, runtime: RuntimePodStatus): RuntimePodStatus {
    if (!runtime.containers.some((c) => c.state === "exited" && !c.message)) return runtime;
    const specs = new Map(allContainers(pod).map((container) => [container.name, container]));
    return {
      ...runtime,
      containers: runtime.containers.map((found) => {
        if (found.state !== "exited" || found.message) return found;
        const message = this.#terminationMessage(pod, specs.get(found.name), found);
        return message ? { ...found, message } : found;
      }),
    };
  }

  #terminationMessage(
    pod: Pod,
    container: AnyContainer | undefined,
    found: RuntimePodStatus["containers"][number],
  ): string {
    const path = `${PODS_DIR}/${pod.metadata.uid}/containers/${messageFileName(found.name, found.restartCount)}`;
    const node = this.process.fs.find(path);
    const written = node?.kind === "file" ? decodeUtf8(node.content) : "";
    if (written !== "") return written.slice(0, 4096);
    if (container?.terminationMessagePolicy !== "FallbackToLogsOnError" || found.exitCode === 0) return "";
    const log = this.runtime().containerLog(found.id);
    if (!log) return "";
    const { lines } = log.read(log.tail(80));
    return decodeUtf8(lines.map((line) => line.text).join("") as never).slice(-2048);
  }

  #memoryOf(uid: string): number {
    let sum = 0;
    if (!this.options.runtime()) return sum;
    for (const container of this.cache.status(uid).containers)
      if (container.state === "running") sum += this.runtime().containerStats(container.id).workingSetBytes;
    return sum;
  }

  // ---- small things ---------------------------------------------------------------------------------------------------------

  #event(
    pod: Pod,
    container: AnyContainer | undefined,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void {
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    const fieldPath = container ? fieldPathOf(pod, container.name) : undefined;
    this.#recorder.event(
      {
        kind: "Pod",
        namespace: namespace ?? "default",
        name,
        uid,
        apiVersion: "v1",
        ...(resourceVersion ? { resourceVersion } : {}),
        ...(fieldPath ? { fieldPath } : {}),
      },
      type,
      reason,
      message,
    );
  }

  #environment(pod: Pod, podIp: string): EnvironmentSources {
    const services = this.#informers.informer(SERVICES);
    return {
      configMap: (namespace, name) => this.#references.configMap(namespace, name),
      secret: (namespace, name) => this.#references.secret(namespace, name),
      // A static Pod starts before there is a server to ask.
      services: () => (services.hasSynced || isStaticPod(pod) ? [...services.cache.list()] : undefined),
      node: this.facts(),
      podIp,
      invalidKeys: (kind, name, keys) =>
        this.#event(
          pod,
          undefined,
          "Warning",
          "InvalidEnvironmentVariableNames",
          `Keys [${keys.join(", ")}] from the EnvFrom ${kind} ${pod.metadata.namespace}/${name} were skipped since they are considered invalid environment variable names.`,
        ),
    };
  }

  #read<T extends KubeObject>(type: ResourceType<T>, namespace: string | undefined, name: string): Result<T, string> {
    const got = this.client.get(type, { ...(namespace ? { namespace } : {}), name });
    return got.ok ? ok(got.value) : failure(got.error.message ?? "unknown");
  }

  #pullCredentials(pod: Pod, registry: string): { readonly username: string; readonly password: string } | undefined {
    const namespace = pod.metadata.namespace ?? "default";
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const secret = name ? this.#references.secret(namespace, name) : undefined;
      const encoded = secret?.ok ? secret.value.data?.[".dockerconfigjson"] : undefined;
      if (!encoded) continue;
      const found = credentialsIn(decodeUtf8(decodeBase64(encoded) ?? NO_BYTES), registry);
      if (found) return found;
    }
    return undefined;
  }

  /** The node as last seen, for whoever serves it. */
  get nodeObject(): Node | undefined {
    return this.nodeStatus.node;
  }
}

/** A runtime that goes away in the middle fails the step; it comes again. */
function* withRuntime(step: Task<StepResult>): Task<StepResult> {
  try {
    return yield* step;
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    return { failures: [{ text: error.message }], transition: false };
  }
}

const KUBELET_CONDITIONS = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  "DisruptionTarget",
]);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_STATUSES: readonly Mutable<ContainerStatus>[] = [];

/** A condition as the kubelet writes it, in the order of its fields. */
function observedCondition(
  { type, status, reason, message }: ReturnType<typeof podConditions>[number],
  generation: number | undefined,
): PodCondition {
  const condition: Mutable<Partial<PodCondition>> = { lastProbeTime: null as unknown as string };
  if (generation !== undefined) condition.observedGeneration = generation;
  condition.type = type;
  condition.status = status;
  if (reason !== undefined) condition.reason = reason;
  if (message !== undefined) condition.message = message;
  return condition as PodCondition;
}

const nameOf = (pod: Pod): string => `${pod.metadata.namespace ?? "default"}/${pod.metadata.name}`;

function fieldPathOf(pod: Pod, name: string): string {
  if (pod.spec.initContainers?.some((c) => c.name === name)) return `spec.initContainers{${name}}`;
  if (pod.spec.ephemeralContainers?.some((c) => c.name === name)) return `spec.ephemeralContainers{${name}}`;
  return `spec.containers{${name}}`;
}

/** status.resources and status.allocatedResources: the sums over the containers. */
function aggregateResources(pod: Pod): Pick<PodStatus, "resources" | "allocatedResources"> {
  if (!pod.spec.containers.some(hasResources)) return { resources: {} };
  const sums = { requests: new Map<string, number>(), limits: new Map<string, number>() };
  for (const container of pod.spec.containers)
    for (const kind of ["requests", "limits"] as const)
      for (const [name, quantity] of Object.entries(container.resources?.[kind] ?? {})) {
        sums[kind].set(name, (sums[kind].get(name) ?? 0) + milliValue(quantity));
      }
  const first = pod.spec.containers.length === 1 ? pod.spec.containers[0]!.resources : undefined;
  const textOf = (kind: "requests" | "limits"): Record<string, string> | undefined => {
    if (sums[kind].size === 0) return undefined;
    if (first) return { ...first[kind] };
    const out: Record<string, string> = {};
    for (const [name, milli] of sums[kind])
      out[name] = formatQuantity(
        name === "cpu" ? milliQuantity(milli) : quantityOf(Math.ceil(milli / 1000), "BinarySI"),
      );
    return out;
  };
  const requests = textOf("requests");
  const limits = textOf("limits");
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) },
  };
}

const hasResources = ({ resources }: Container): boolean => {
  for (const _ in resources?.requests) return true;
  for (const _ in resources?.limits) return true;
  return false;
};

/** The entry of a .dockerconfigjson for a registry. */
function credentialsIn(
  text: string,
  registry: string,
): { readonly username: string; readonly password: string } | undefined {
  let parsed: { auths?: Record<string, { username?: string; password?: string; auth?: string }> };
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const [key, entry] of Object.entries(parsed.auths ?? {})) {
    const host = key.replace(/^https?:\/\//, "").split("/")[0]!;
    if (host !== registry && !(registry === "docker.io" && /(^|\.)docker\.io$/.test(host))) continue;
    if (entry.username !== undefined) return { username: entry.username, password: entry.password ?? "" };
    const decoded = decodeUtf8(decodeBase64(entry.auth ?? "") ?? NO_BYTES);
    const colon = decoded.indexOf(":");
    if (colon >= 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  return undefined;
}
