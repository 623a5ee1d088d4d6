/** StatefulSet controller: Pods with ordinals, in order, each with its own claims. */
import { deepEqual } from "../../base/json";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Status } from "../apimachinery/object";
import type { ControllerRevision, Pod, PodTemplateSpec, StatefulSet, Volume } from "../api/types.generated";
import { isAlreadyExists, isNotFound, type NewObject } from "../client/client";
import { type ControllerContext, defineController, type Outcome } from "../client/controller";
import {
  BY_CONTROLLER,
  claim,
  claimable,
  controllerOf,
  indexByController,
  newControllerRef,
} from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import { CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS } from "../client/resources";
import { scaledValue } from "../apimachinery/int-or-string";
import { currentRevision, templateOf, truncateHistory } from "./controller-revisions";
import { availableAfterMs, isPodAvailable, isPodReady } from "./pods";

const REVISION_LABEL = "controller-revision-hash";
const POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL = "apps.kubernetes.io/pod-index";

export const statefulSetController = defineController({
  name: "statefulset-controller",
  setup(context) {
    const sets = context.watch(STATEFUL_SETS, (set) => [keyOf(set)]).cache;
    const pods = context.watch(PODS, (pod, old) => {
      const keys: string[] = [];
      for (const object of old ? [pod, old] : [pod]) {
        const owner = controllerOf(object);
        if (owner?.kind === "StatefulSet") keys.push(`${object.metadata.namespace}/${owner.name}`);
      }
      if (!controllerOf(pod)) {
        for (const set of sets.inNamespace(pod.metadata.namespace!)) {
          if (matches(selectorFromLabelSelector(set.spec.selector), pod.metadata.labels)) keys.push(keyOf(set));
        }
      }
      return keys;
    }).cache;
    pods.addIndex(BY_CONTROLLER, indexByController);
    const revisions = context.informer(CONTROLLER_REVISIONS).cache;
    revisions.addIndex(BY_CONTROLLER, indexByController);
    context.informer(PERSISTENT_VOLUME_CLAIMS);

    return {
      reconcile(key) {
        const set = sets.get(key);
        if (!set) return undefined;
        const selector = selectorFromLabelSelector(set.spec.selector);
        const { claimed, error } = claim(claimable(pods, set), {
          client: context.client,
          owner: set,
          ownerType: STATEFUL_SETS,
          type: PODS,
          selector,
          accepts: (pod) => ordinalOf(pod, set) !== undefined,
        });
        if (error) return { error };
        return new Sync(context, set, claimed, [...revisions.byIndex(BY_CONTROLLER, set.metadata.uid)]).run();
      },
    };
  },
});

function ordinalOf(pod: Pod, set: StatefulSet): number | undefined {
  const { name } = pod.metadata;
  if (!name.startsWith(`${set.metadata.name}-`)) return undefined;
  const rest = name.slice(set.metadata.name.length + 1);
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === "Running" && isPodReady(pod);
const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[REVISION_LABEL];

class Sync {
  readonly #context: ControllerContext;
  readonly #set: StatefulSet;
  readonly #pods: readonly Pod[];
  readonly #revisions: readonly ControllerRevision[];
  #error: Status | undefined;
  #afterMs: number | undefined;

  constructor(
    context: ControllerContext,
    set: StatefulSet,
    pods: readonly Pod[],
    revisions: readonly ControllerRevision[],
  ) {
    this.#context = context;
    this.#set = set;
    this.#pods = pods;
    this.#revisions = revisions;
  }

  run(): Outcome {
    const set = this.#set;
    const updated = currentRevision({
      client: this.#context.client,
      owner: set,
      ownerType: STATEFUL_SETS,
      template: set.spec.template,
      labels: set.spec.selector.matchLabels ?? {},
      hashLabel: "controller.kubernetes.io/hash",
      isPatchHashed: true,
      revisions: this.#revisions,
      ...(set.status?.collisionCount ? { collisionCount: set.status.collisionCount } : {}),
    });
    if (!updated.ok) return { error: updated.error };
    const update = updated.value;
    const current = this.#revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    if (!set.metadata.deletionTimestamp) this.#manage(current, update);
    this.#writeStatus(current, update);
    const live = new Set([current.metadata.name, update.metadata.name]);
    for (const pod of this.#pods) live.add(revisionOf(pod) ?? "");
    truncateHistory(this.#context.client, this.#revisions, live, set.spec.revisionHistoryLimit ?? 10);
    if (this.#error) return { error: this.#error };
    return this.#afterMs === undefined ? undefined : { afterMs: this.#afterMs };
  }

  /** updateStatefulSet, up to the status: at most one step when the policy is OrderedReady. */
  #manage(current: ControllerRevision, update: ControllerRevision): void {
    const set = this.#set;
    const start = set.spec.ordinals?.start ?? 0;
    const count = set.spec.replicas ?? 1;
    const isOrdered = set.spec.podManagementPolicy !== "Parallel";
    const replicas: (Pod | undefined)[] = new Array(count).fill(undefined);
    const condemned: Pod[] = [];
    for (const pod of this.#pods) {
      const ordinal = ordinalOf(pod, set)!;
      if (ordinal >= start && ordinal < start + count) replicas[ordinal - start] = pod;
      else condemned.push(pod);
    }
    condemned.sort((a, b) => ordinalOf(b, set)! - ordinalOf(a, set)!);
    let firstUnhealthy: Pod | undefined;
    for (const pod of [...replicas, ...condemned.toReversed()]) {
      if (pod && (!isRunningAndReady(pod) || isTerminating(pod))) firstUnhealthy ??= pod;
    }
    for (let i = 0; i < count; i++) {
      if (!this.#ensure(replicas[i], start + i, current, update) && isOrdered) return;
    }
    for (const pod of condemned) {
      if (isTerminating(pod)) {
        if (isOrdered) return;
        continue;
      }
      if (!isRunningAndReady(pod) && isOrdered && pod !== firstUnhealthy) return;
      this.#delete(pod);
      if (isOrdered) return;
    }
    if (set.spec.updateStrategy?.type === "OnDelete") return;
    const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
    let budget = Math.max(scaledValue(maxUnavailable, count, false) ?? 1, 1);
    for (let i = count - 1; i >= Math.max(partition - start, 0); i--) {
      const pod = replicas[i];
      if (!pod) return;
      if (revisionOf(pod) !== update.metadata.name && !isTerminating(pod)) {
        this.#delete(pod);
        if (--budget === 0) return;
        continue;
      }
      const isHealthy = !isTerminating(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, this.#context.now());
      if (!isHealthy && --budget === 0) return;
    }
  }

  /** processReplica: whether the next ordinal may be looked at, when they go in order. */
  #ensure(pod: Pod | undefined, ordinal: number, current: ControllerRevision, update: ControllerRevision): boolean {
    const set = this.#set;
    const { client, recorder } = this.#context;
    if (pod?.status?.phase === "Failed" || pod?.status?.phase === "Succeeded") {
      if (!isTerminating(pod)) {
        const { namespace, name } = set.metadata;
        const message = `StatefulSet ${namespace}/${name} is recreating ${pod.status.phase === "Failed" ? "failed" : "terminated"} Pod ${pod.metadata.name}`;
        recorder.event(
          set,
          "Warning",
          pod.status.phase === "Failed" ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
          message,
        );
        this.#delete(pod);
      }
      return false;
    }
    if (!pod) {
      this.#create(ordinal, current, update);
      return false;
    }
    if (pod.status?.phase === "Pending") this.#createClaims(pod.metadata.name, ordinal);
    if (isTerminating(pod) || !isRunningAndReady(pod)) return false;
    const minReadySeconds = set.spec.minReadySeconds ?? 0;
    const left = availableAfterMs(pod, minReadySeconds, this.#context.now());
    if (left !== undefined) {
      this.#afterMs = Math.min(this.#afterMs ?? left, left);
      return false;
    }
    if (pod.metadata.labels?.[POD_NAME_LABEL] !== pod.metadata.name) {
      const labels = { [POD_NAME_LABEL]: pod.metadata.name };
      client.patch(PODS, pod.metadata, "merge", { metadata: { labels } });
    }
    return true;
  }

  #create(ordinal: number, current: ControllerRevision, update: ControllerRevision): void {
    const set = this.#set;
    const { client, recorder } = this.#context;
    const name = `${set.metadata.name}-${ordinal}`;
    if (!this.#createClaims(name, ordinal)) return;
    const start = set.spec.ordinals?.start ?? 0;
    const rolling = set.spec.updateStrategy?.rollingUpdate;
    const isBehindPartition = rolling
      ? ordinal < start + (rolling.partition ?? 0)
      : ordinal < start + (set.status?.currentReplicas ?? 0);
    const revision = isBehindPartition && set.spec.updateStrategy?.type !== "OnDelete" ? current : update;
    const template = revision === current && current !== update ? templateOf(current) : set.spec.template;
    const created = client.create(PODS, podOf(set, template, ordinal, revision.metadata.name));
    if (created.ok) {
      recorder.event(
        set,
        "Normal",
        "SuccessfulCreate",
        `Create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      );
    } else if (!isAlreadyExists(created.error)) {
      const message = `Create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${created.error.message}`;
      recorder.event(set, "Warning", "FailedCreate", message);
      this.#error ??= created.error;
    } else this.#error ??= created.error;
  }

  #createClaims(podName: string, ordinal: number): boolean {
    const set = this.#set;
    const { client, recorder, informers } = this.#context;
    const claims = informers.informer(PERSISTENT_VOLUME_CLAIMS).cache;
    for (const template of set.spec.volumeClaimTemplates ?? []) {
      const name = claimName(set, template.metadata.name, ordinal);
      if (claims.get(`${set.metadata.namespace}/${name}`)) continue;
      const whenDeleted = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete";
      const created = client.create(PERSISTENT_VOLUME_CLAIMS, {
        metadata: {
          ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
          name,
          namespace: set.metadata.namespace!,
          labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
          ...(whenDeleted ? { ownerReferences: [newControllerRef(set, STATEFUL_SETS)] } : {}),
        },
        spec: template.spec,
      });
      const text = `Create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name}`;
      if (created.ok) recorder.event(set, "Normal", "SuccessfulCreate", `${text} success`);
      else if (!isAlreadyExists(created.error)) {
        recorder.event(set, "Warning", "FailedCreate", `${text} failed error: ${created.error.message}`);
        this.#error ??= created.error;
        return false;
      }
    }
    return true;
  }

  #delete(pod: Pod): void {
    const set = this.#set;
    const { client, recorder } = this.#context;
    const deleted = client.delete(PODS, pod.metadata);
    const text = `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    if (deleted.ok) recorder.event(set, "Normal", "SuccessfulDelete", `${text} successful`);
    else if (!isNotFound(deleted.error)) {
      recorder.event(set, "Warning", "FailedDelete", `${text} failed error: ${deleted.error.message}`);
      this.#error ??= deleted.error;
    }
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete") this.#disownClaims(pod);
  }

  /** whenScaled: Delete: the claims of a condemned Pod belong to it and go when it is gone. */
  #disownClaims(pod: Pod): void {
    const set = this.#set;
    const ordinal = ordinalOf(pod, set)!;
    const start = set.spec.ordinals?.start ?? 0;
    if (ordinal < start + (set.spec.replicas ?? 1)) return;
    for (const template of set.spec.volumeClaimTemplates ?? []) {
      const name = claimName(set, template.metadata.name, ordinal);
      const owner = { apiVersion: "v1", kind: "Pod", name: pod.metadata.name, uid: pod.metadata.uid };
      const target = { namespace: set.metadata.namespace!, name };
      this.#context.client.patch(PERSISTENT_VOLUME_CLAIMS, target, "strategic", {
        metadata: { ownerReferences: [owner] },
      });
    }
  }

  #writeStatus(current: ControllerRevision, update: ControllerRevision): void {
    const set = this.#set;
    const now = this.#context.now();
    const minReadySeconds = set.spec.minReadySeconds ?? 0;
    let replicas = 0;
    let readyReplicas = 0;
    let availableReplicas = 0;
    let currentReplicas = 0;
    let updatedReplicas = 0;
    for (const pod of this.#pods) {
      replicas++;
      if (isRunningAndReady(pod)) {
        readyReplicas++;
        if (isPodAvailable(pod, minReadySeconds, now)) availableReplicas++;
      }
      if (isTerminating(pod)) continue;
      if (revisionOf(pod) === current.metadata.name) currentReplicas++;
      if (revisionOf(pod) === update.metadata.name) updatedReplicas++;
    }
    let currentName = current.metadata.name;
    const isComplete =
      set.spec.updateStrategy?.type !== "OnDelete" &&
      updatedReplicas === replicas &&
      readyReplicas === replicas &&
      replicas === (set.spec.replicas ?? 1);
    if (isComplete) {
      currentReplicas = updatedReplicas;
      currentName = update.metadata.name;
    }
    const status: StatefulSet["status"] = {
      availableReplicas,
      collisionCount: set.status?.collisionCount ?? 0,
      ...(currentReplicas ? { currentReplicas } : {}),
      currentRevision: currentName,
      observedGeneration: set.metadata.generation ?? 1,
      ...(readyReplicas ? { readyReplicas } : {}),
      replicas,
      updateRevision: update.metadata.name,
      ...(updatedReplicas ? { updatedReplicas } : {}),
      ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
    };
    if (deepEqual(set.status, status)) return;
    const written = this.#context.client.updateStatus(STATEFUL_SETS, { ...set, status });
    if (!written.ok && !isNotFound(written.error)) this.#error ??= written.error;
  }
}

const claimName = (set: StatefulSet, template: string, ordinal: number): string =>
  `${template}-${set.metadata.name}-${ordinal}`;

function podOf(set: StatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): NewObject<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const claims: Volume[] = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    name: metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, metadata.name, ordinal) },
  }));
  const claimed = new Set(claims.map((volume) => volume.name));
  const volumes = [...claims, ...(template.spec?.volumes ?? []).filter((volume) => !claimed.has(volume.name))];
  return {
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace!,
      labels: {
        ...template.metadata?.labels,
        [POD_INDEX_LABEL]: String(ordinal),
        [REVISION_LABEL]: revision,
        [POD_NAME_LABEL]: name,
      },
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [newControllerRef(set, STATEFUL_SETS)],
    },
    spec: {
      ...template.spec!,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}
