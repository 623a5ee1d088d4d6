/** kube-scheduler: takes one Pod at a time, finds it a node, and binds it; or says why not, and makes room if it may. */
import { rfc3339 } from "../../base/clock";
import type { Node, PersistentVolumeClaim, Pod } from "../api/types.generated";
import { type Client, isConflict, isNotFound } from "../client/client";
import { Component, type Run } from "../client/component";
import { SeriesRecorder } from "../client/event-recorder";
import { keyOf, type ResourceType } from "../client/resource-type";
import {
  NAMESPACES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  SERVICES,
  STATEFUL_SETS,
  STORAGE_CLASSES,
} from "../client/resources";
import { countsAgainst, schedulePod } from "./algorithm";
import { type Diagnosis, fitErrorMessage } from "./failure";
import type { Handle } from "./framework";
import { type NodeInfo, Snapshot } from "./node-info";
import { plugins } from "./plugins";
import { claimNamesOf, findVolumes, isBound } from "./plugins/volumes";
import { findPreemption } from "./preemption";
import { type QueuedPod, SchedulingQueue } from "./queue";

const SCHEDULER_NAME = "default-scheduler";
/** One cycle's virtual duration. */
const CYCLE_MS = 0.8;
/** --bind-timeout: how long a Pod waits for its volumes. */
const BIND_TIMEOUT_MS = 600_000;

export class Scheduler extends Component {
  readonly name = "kube-scheduler";
  protected override readonly releasesLease = true;

  protected lead(run: Run): void {
    new SchedulerRun(run, this.options.hostname ?? "control-plane").start();
  }
}

interface WaitingForVolumes {
  readonly entry: QueuedPod;
  readonly node: NodeInfo;
  readonly deadline: number;
}

class SchedulerRun {
  readonly #run: Run;
  readonly #client: Client;
  readonly #recorder: SeriesRecorder;
  readonly #queue: SchedulingQueue;
  readonly #handle: Handle;
  readonly #snapshot = new Snapshot();
  /** Pods promised room by preemption, by node. */
  readonly #nominated = new Map<string, Map<string, Pod>>();
  readonly #waiting = new Map<string, WaitingForVolumes>();
  #startIndex = 0;
  #isBusy = false;

  constructor(run: Run, hostname: string) {
    this.#run = run;
    const { scope, client, informers } = run;
    this.#client = client;
    this.#recorder = new SeriesRecorder({
      client,
      scope,
      controller: SCHEDULER_NAME,
      instance: `${SCHEDULER_NAME}-${hostname}`,
    });
    this.#queue = new SchedulingQueue(scope, plugins);
    this.#handle = {
      snapshot: this.#snapshot,
      namespaces: informers.informer(NAMESPACES).cache,
      services: informers.informer(SERVICES).cache,
      replicaSets: informers.informer(REPLICA_SETS).cache,
      statefulSets: informers.informer(STATEFUL_SETS).cache,
      replicationControllers: informers.informer(REPLICATION_CONTROLLERS).cache,
      claims: informers.informer(PERSISTENT_VOLUME_CLAIMS).cache,
      volumes: informers.informer(PERSISTENT_VOLUMES).cache,
      storageClasses: informers.informer(STORAGE_CLASSES).cache,
    };
    informers.informer(POD_DISRUPTION_BUDGETS);
  }

  start(): void {
    const { scope, informers } = this.#run;
    informers.informer(NODES).handle({
      added: (node) => this.#nodeAdded(node),
      updated: (node, old) => this.#nodeUpdated(node, old),
      deleted: (node) => this.#snapshot.removeNode(node.metadata.name),
    });
    informers.informer(PODS).handle({
      added: (pod) => this.#podChanged(pod, undefined),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
    const storageChanged = (): void => {
      this.#queue.move("Storage");
      for (const key of [...this.#waiting.keys()]) this.#checkVolumes(key);
    };
    const storage = { added: storageChanged, updated: storageChanged };
    informers.informer(PERSISTENT_VOLUME_CLAIMS).handle(storage);
    informers.informer(PERSISTENT_VOLUMES).handle(storage);
    informers.informer(STORAGE_CLASSES).handle(storage);
    informers.start();
    informers.whenSynced(() => {
      const wake = (): void => {
        if (this.#isBusy) return;
        this.#isBusy = true;
        scope.after(CYCLE_MS, () => this.#cycle());
      };
      this.#queue.onActive(wake);
      wake();
    });
  }

  #nodeAdded(node: Node): void {
    this.#snapshot.setNode(node);
    this.#queue.move("NodeAdd");
  }

  #nodeUpdated(node: Node, old: Node): void {
    this.#snapshot.setNode(node);
    // Heartbeats change neither what fits nor what is allowed.
    const isRelevant =
      node.spec !== old.spec ||
      node.metadata.labels !== old.metadata.labels ||
      node.status?.allocatable !== old.status?.allocatable ||
      node.status?.images !== old.status?.images;
    if (isRelevant) this.#queue.move("NodeUpdate");
  }

  #podChanged(pod: Pod, old: Pod | undefined): void {
    const isDone = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    const { nodeName } = pod.spec;
    if (nodeName) {
      if (old && !old.spec.nodeName) this.#leaveQueue(old);
      const wasKnown = this.#snapshot.nodeNameOf(pod.metadata.uid) !== undefined;
      if (isDone) {
        if (wasKnown) {
          this.#snapshot.removePod(pod.metadata.uid);
          this.#queue.move("AssignedPodDelete");
        }
        return;
      }
      // Same spec, labels and state of deletion: nothing that scheduling counts has changed.
      if (
        old &&
        wasKnown &&
        old.spec === pod.spec &&
        old.metadata.labels === pod.metadata.labels &&
        old.metadata.deletionTimestamp === pod.metadata.deletionTimestamp
      ) {
        return;
      }
      this.#snapshot.addPod(pod, nodeName);
      this.#unnominate(pod);
      this.#queue.move(old ? "AssignedPodUpdate" : "AssignedPodAdd");
      return;
    }
    const isOurs = (pod.spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME;
    if (isDone || pod.metadata.deletionTimestamp || !isOurs) {
      this.#leaveQueue(pod);
      return;
    }
    // A Pod that we assumed to be placed is on its way.
    if (this.#snapshot.nodeNameOf(pod.metadata.uid) !== undefined) return;
    this.#nominate(pod, pod.status?.nominatedNodeName);
    this.#queue.put(pod, old);
  }

  #podDeleted(pod: Pod): void {
    this.#leaveQueue(pod);
    if (this.#snapshot.nodeNameOf(pod.metadata.uid) === undefined) return;
    this.#snapshot.removePod(pod.metadata.uid);
    this.#queue.move("AssignedPodDelete");
  }

  #leaveQueue(pod: Pod): void {
    this.#waiting.delete(keyOf(pod));
    this.#unnominate(pod);
    this.#queue.delete(pod);
  }

  #nominate(pod: Pod, nodeName: string | undefined): void {
    this.#unnominate(pod);
    if (!nodeName) return;
    let pods = this.#nominated.get(nodeName);
    if (!pods) {
      pods = new Map();
      this.#nominated.set(nodeName, pods);
    }
    pods.set(pod.metadata.uid, pod);
  }

  #unnominate(pod: Pod): void {
    for (const [nodeName, pods] of this.#nominated) {
      if (pods.delete(pod.metadata.uid) && pods.size === 0) this.#nominated.delete(nodeName);
    }
  }

  #cycle(): void {
    const entry = this.#queue.take();
    if (!entry) {
      this.#isBusy = false;
      return;
    }
    this.#scheduleOne(entry);
    this.#run.scope.after(CYCLE_MS, () => this.#cycle());
  }

  #scheduleOne(entry: QueuedPod): void {
    const { pod } = entry;
    if (this.#snapshot.nodes.length === 0) {
      this.#fail(entry, "no nodes available to schedule pods", new Set(["NodeName"]));
      return;
    }
    const result = schedulePod({
      pod,
      handle: this.#handle,
      plugins,
      random: this.#run.random,
      startIndex: this.#startIndex,
      nominatedOn: ({ name }) => {
        const nominated = this.#nominated.get(name);
        return nominated ? [...nominated.values()].filter((other) => countsAgainst(pod, other)) : NOBODY;
      },
    });
    this.#startIndex = (this.#startIndex + result.evaluated) % this.#snapshot.nodes.length;
    if (result.ok) {
      this.#assume(entry, result.node);
      return;
    }
    const preempted = findPreemption({
      pod,
      snapshot: this.#snapshot,
      filters: result.filters,
      rejections: result.diagnosis.rejections,
      budgets: this.#run.informers.informer(POD_DISRUPTION_BUDGETS).cache.list(),
    });
    const diagnosis: Diagnosis = preempted.ok
      ? result.diagnosis
      : { ...result.diagnosis, postFilterMessage: preempted.message };
    let nominatedNodeName: string | undefined;
    if (preempted.ok) {
      nominatedNodeName = preempted.preemption.nodeName;
      this.#nominate(pod, nominatedNodeName);
      for (const victim of preempted.preemption.victims) this.#preempt(victim, pod, nominatedNodeName);
    }
    this.#fail(entry, fitErrorMessage(diagnosis), result.plugins, nominatedNodeName);
  }

  /** The Pod counts on its node from now on; volumes and binding follow. */
  #assume(entry: QueuedPod, node: NodeInfo): void {
    const { pod } = entry;
    const claims = this.#unboundClaims(pod);
    if (claims.length > 0) {
      const choice = findVolumes(claims, node, this.#handle);
      if (!choice) {
        this.#error(entry, "node(s) didn't find available persistent volumes to bind");
        return;
      }
      this.#snapshot.addPod(pod, node.name);
      for (const [claim, volume] of choice) {
        const written = volume
          ? this.#client.update(PERSISTENT_VOLUMES, {
              ...volume,
              metadata: {
                ...volume.metadata,
                annotations: { ...volume.metadata.annotations, "pv.kubernetes.io/bound-by-controller": "yes" },
              },
              spec: {
                ...volume.spec,
                claimRef: {
                  kind: "PersistentVolumeClaim",
                  apiVersion: "v1",
                  namespace: claim.metadata.namespace!,
                  name: claim.metadata.name,
                  uid: claim.metadata.uid,
                  resourceVersion: claim.metadata.resourceVersion,
                },
              },
            })
          : this.#client.update(PERSISTENT_VOLUME_CLAIMS, {
              ...claim,
              metadata: {
                ...claim.metadata,
                annotations: { ...claim.metadata.annotations, "volume.kubernetes.io/selected-node": node.name },
              },
            });
        if (!written.ok) {
          this.#snapshot.removePod(pod.metadata.uid);
          this.#error(entry, `running PreBind plugin "VolumeBinding": ${written.error.message}`);
          return;
        }
      }
      const deadline = this.#run.scope.now() + BIND_TIMEOUT_MS;
      this.#waiting.set(keyOf(pod), { entry, node, deadline });
      this.#run.scope.after(BIND_TIMEOUT_MS, () => this.#checkVolumes(keyOf(pod)));
      return;
    }
    this.#snapshot.addPod(pod, node.name);
    this.#bind(entry, node);
  }

  #unboundClaims(pod: Pod): readonly PersistentVolumeClaim[] {
    const claims: PersistentVolumeClaim[] = [];
    for (const name of claimNamesOf(pod)) {
      const claim = this.#handle.claims.get(`${pod.metadata.namespace}/${name}`);
      if (claim && !isBound(claim)) claims.push(claim);
    }
    return claims;
  }

  #checkVolumes(key: string): void {
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    const { entry, node, deadline } = waiting;
    if (this.#unboundClaims(entry.pod).length === 0) {
      this.#waiting.delete(key);
      this.#bind(entry, node);
    } else if (this.#run.scope.now() >= deadline) {
      this.#waiting.delete(key);
      this.#snapshot.removePod(entry.pod.metadata.uid);
      this.#error(entry, 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded');
    }
  }

  #bind(entry: QueuedPod, { name: nodeName }: NodeInfo): void {
    const { pod } = entry;
    const { name, namespace, uid } = pod.metadata;
    const bound = this.#client.createSubresource(PODS as ResourceType, { namespace: namespace!, name }, "binding", {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { kind: "Node", name: nodeName },
    });
    if (bound.ok) {
      this.#queue.finished(entry);
      this.#unnominate(pod);
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
      this.#recorder.event(pod, "Normal", "Scheduled", "Binding", message);
      return;
    }
    this.#snapshot.removePod(uid);
    if (isNotFound(bound.error)) {
      this.#queue.finished(entry);
      return;
    }
    // Bound by someone else meanwhile: the informer will show it.
    if (isConflict(bound.error)) this.#queue.failed(entry, new Set());
    else this.#error(entry, `binding rejected: ${bound.error.message}`);
  }

  /** An error, not a lack of room: tried again after the back-off. */
  #error(entry: QueuedPod, message: string): void {
    this.#tell(entry.pod, "SchedulerError", message);
    this.#queue.failed(entry, new Set());
  }

  #fail(entry: QueuedPod, message: string, held: ReadonlySet<string>, nominatedNodeName?: string): void {
    this.#tell(entry.pod, "Unschedulable", message, nominatedNodeName);
    this.#queue.failed(entry, held);
  }

  #tell(pod: Pod, reason: string, message: string, nominatedNodeName?: string): void {
    this.#recorder.event(pod, "Warning", "FailedScheduling", "Scheduling", message);
    const current = pod.status?.conditions?.find((c) => c.type === "PodScheduled");
    const isSame = current?.status === "False" && current.reason === reason && current.message === message;
    if (isSame && (nominatedNodeName === undefined || nominatedNodeName === pod.status?.nominatedNodeName)) return;
    const at = rfc3339(this.#run.scope.now());
    this.#client.patch(
      PODS,
      pod.metadata,
      "strategic",
      {
        status: {
          conditions: [
            {
              type: "PodScheduled",
              status: "False",
              reason,
              message,
              observedGeneration: pod.metadata.generation,
              lastProbeTime: null,
              lastTransitionTime: current?.status === "False" ? (current.lastTransitionTime ?? at) : at,
            },
          ],
          ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
        },
      },
      { subresource: "status" },
    );
  }

  #preempt(victim: Pod, by: Pod, nodeName: string): void {
    const { metadata } = victim;
    this.#client.patch(
      PODS,
      metadata,
      "strategic",
      {
        status: {
          conditions: [
            {
              type: "DisruptionTarget",
              status: "True",
              reason: "PreemptionByScheduler",
              message: `${SCHEDULER_NAME}: preempting to accommodate a higher priority pod`,
              observedGeneration: metadata.generation,
              lastProbeTime: null,
              lastTransitionTime: rfc3339(this.#run.scope.now()),
            },
          ],
        },
      },
      { subresource: "status" },
    );
    const deleted = this.#client.delete(PODS as ResourceType, metadata);
    if (!deleted.ok) return;
    const message = `Preempted by pod ${by.metadata.uid} on node ${nodeName}`;
    this.#recorder.event(victim, "Normal", "Preempted", "Preempting", message, by);
  }
}

const NOBODY: readonly Pod[] = [];
