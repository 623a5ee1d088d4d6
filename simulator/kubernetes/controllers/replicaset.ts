/**
 * ReplicaSet controller: as many Pods as asked for. Also serves ReplicationControllers, whose upstream controller is
 * the same code behind an adapter.
 */
import { deepEqual } from "../../base/json";
import type { KubeObject, Status } from "../apimachinery/object";
import { matches, type Selector, selectorFromLabelSelector, selectorFromSet } from "../apimachinery/labels";
import type {
  Pod,
  PodTemplateSpec,
  ReplicaSet,
  ReplicaSetCondition,
  ReplicationController,
} from "../api/types.generated";
import { isNamespaceTerminating, isNotFound } from "../client/client";
import { type Controller, type ControllerContext, defineController, type Outcome } from "../client/controller";
import {
  BY_CONTROLLER,
  claim,
  claimable,
  controllerOf,
  indexByController,
  newControllerRef,
} from "../client/controller-ref";
import { Expectations } from "../client/expectations";
import { keyOf, type ResourceType } from "../client/resource-type";
import { PODS, REPLICA_SETS, REPLICATION_CONTROLLERS } from "../client/resources";
import { rfc3339 } from "../../base/clock";
import { omitZero } from "./omit-zero";
import { PodControl, slowStartBatch } from "./pod-control";
import { availableAfterMs, isPodActive, isPodAvailable, isPodReady, isPodTerminating, podsToDelete } from "./pods";

/** At most this many Pods are created or deleted in one sync. */
const BURST_REPLICAS = 500;
/** What a sync spends on each Pod it looks at. */
const MS_PER_POD = 0.05;

export const replicaSetController = defineController({
  name: "replicaset-controller",
  setup: (context) => setup(context, REPLICA_SETS, (rs) => selectorFromLabelSelector(rs.spec.selector)),
});

export const replicationController: Controller = defineController({
  name: "replication-controller",
  setup: (context) => setup(context, REPLICATION_CONTROLLERS, (rc) => selectorFromSet(rc.spec.selector)),
});

type Owner = ReplicaSet | ReplicationController;

function setup<T extends Owner>(
  context: ControllerContext,
  type: ResourceType<T>,
  selectorOf: (owner: T) => Selector,
): { reconcile(key: string): Outcome } {
  const { client, recorder, queue } = context;
  const expectations = new Expectations(context);
  const podControl = new PodControl({ client, recorder });
  const owners = context.watch(type, { added: enqueue, updated: enqueue, deleted: enqueue }).cache;
  owners.addIndex(BY_CONTROLLER, indexByController);
  const pods = context.informer(PODS).cache;
  pods.addIndex(BY_CONTROLLER, indexByController);
  context.informer(PODS).handle({
    added(pod) {
      if (pod.metadata.deletionTimestamp) {
        podDeleted(pod);
        return;
      }
      const owner = ownerOf(pod);
      if (owner) {
        expectations.creationObserved(keyOf(owner));
        queue.add(keyOf(owner));
      } else if (!controllerOf(pod)) enqueueMatching(pod);
    },
    updated(pod, old) {
      if (pod === old) return;
      if (pod.metadata.deletionTimestamp) {
        podDeleted(pod);
        if (old.metadata.labels !== pod.metadata.labels) podDeleted(old);
        return;
      }
      const oldController = controllerOf(old);
      if (oldController?.uid !== controllerOf(pod)?.uid) {
        const previous = ownerOf(old);
        if (previous) queue.add(keyOf(previous));
      }
      const owner = ownerOf(pod);
      if (owner) {
        queue.add(keyOf(owner));
        // The Pod has just become ready: it will be available in minReadySeconds.
        if (!isPodReady(old) && isPodReady(pod) && owner.spec.minReadySeconds) {
          queue.addAfter(keyOf(owner), owner.spec.minReadySeconds * 1000 + 1000);
        }
      } else if (!controllerOf(pod) && (old.metadata.labels !== pod.metadata.labels || oldController)) {
        enqueueMatching(pod);
      }
    },
    deleted: podDeleted,
  });

  function enqueue(owner: T): void {
    queue.add(keyOf(owner));
  }

  function ownerOf(pod: Pod): T | undefined {
    const reference = controllerOf(pod);
    if (reference?.kind !== type.kind) return undefined;
    const owner = owners.get(`${pod.metadata.namespace}/${reference.name}`);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  function podDeleted(pod: Pod): void {
    const owner = ownerOf(pod);
    if (!owner) return;
    expectations.deletionObserved(keyOf(owner), keyOf(pod));
    queue.add(keyOf(owner));
  }

  /** An orphan may be adopted by whoever selects it. */
  function enqueueMatching(pod: Pod): void {
    for (const owner of owners.inNamespace(pod.metadata.namespace!)) {
      const selector = selectorOf(owner);
      if (selector.requirements.length > 0 && matches(selector, pod.metadata.labels)) enqueue(owner);
    }
  }

  /** The Pods of all owners under the same Deployment: a node that holds many of them gives one up first. */
  function* related(owner: T): Generator<Pod> {
    const parent = controllerOf(owner)?.uid;
    if (parent === undefined) {
      yield* pods.byIndex(BY_CONTROLLER, owner.metadata.uid);
      return;
    }
    for (const sibling of owners.byIndex(BY_CONTROLLER, parent)) {
      yield* pods.byIndex(BY_CONTROLLER, sibling.metadata.uid);
    }
  }

  function manage(key: string, owner: T, active: readonly Pod[]): Status | undefined {
    const wanted = owner.spec.replicas ?? 1;
    const missing = Math.min(wanted - active.length, BURST_REPLICAS);
    if (missing > 0) {
      expectations.expectCreations(key, missing);
      const controllerRef = newControllerRef(owner, type);
      const template = owner.spec.template as PodTemplateSpec;
      const { successes, error } = slowStartBatch(missing, 1, () => {
        const created = podControl.create({ owner, controllerRef, template });
        // Nothing can be created in a namespace that goes: no failure to report or to retry.
        return created.ok || isNamespaceTerminating(created.error) ? undefined : created.error;
      });
      // What failed or was skipped will never be seen.
      for (let i = successes; i < missing; i++) expectations.creationObserved(key);
      return error;
    }
    if (missing === 0) return undefined;
    const doomed = podsToDelete(
      active,
      related(owner),
      Math.min(active.length - wanted, BURST_REPLICAS),
      context.now(),
    );
    expectations.expectDeletions(key, doomed.map(keyOf));
    let failed: Status | undefined;
    for (const pod of doomed) {
      const deleted = podControl.delete(owner, pod);
      if (deleted.ok) continue;
      expectations.deletionObserved(key, keyOf(pod));
      if (!isNotFound(deleted.error)) failed ??= deleted.error;
    }
    return failed;
  }

  return {
    reconcile(key) {
      const owner = owners.get(key);
      if (!owner) {
        expectations.delete(key);
        return undefined;
      }
      context.spend(MS_PER_POD * pods.countByIndex(BY_CONTROLLER, owner.metadata.uid));
      const needsSync = expectations.satisfied(key);
      const selector = selectorOf(owner);
      const { claimed, error: claimError } = claim(claimable(pods, owner), {
        client,
        owner,
        ownerType: type,
        type: PODS,
        selector,
        accepts: (pod) => isPodActive(pod) || isPodTerminating(pod),
      });
      if (claimError) return { error: claimError };
      const active = claimed.filter(isPodActive);
      const manageError = needsSync && !owner.metadata.deletionTimestamp ? manage(key, owner, active) : undefined;
      const status = calculateStatus(owner, claimed, manageError, context.now());
      if (!deepEqual(owner.status, status)) {
        const written = client.updateStatus(type, { ...owner, status } as T);
        if (!written.ok && !isNotFound(written.error)) return { error: written.error };
      }
      if (manageError) return { error: manageError };
      const minReadySeconds = owner.spec.minReadySeconds ?? 0;
      let soonest: number | undefined;
      for (const pod of active) {
        const left = availableAfterMs(pod, minReadySeconds, context.now());
        if (left !== undefined && (soonest === undefined || left < soonest)) soonest = left;
      }
      return soonest === undefined ? undefined : { afterMs: soonest };
    },
  };
}

function calculateStatus(
  owner: Owner,
  claimed: readonly Pod[],
  manageError: Status | undefined,
  now: number,
): ReplicaSet["status"] {
  const templateLabels = selectorFromSet(owner.spec.template?.metadata?.labels);
  const minReadySeconds = owner.spec.minReadySeconds ?? 0;
  let replicas = 0;
  let fullyLabeledReplicas = 0;
  let readyReplicas = 0;
  let availableReplicas = 0;
  let terminatingReplicas = 0;
  for (const pod of claimed) {
    if (!isPodActive(pod)) {
      if (isPodTerminating(pod)) terminatingReplicas++;
      continue;
    }
    replicas++;
    if (matches(templateLabels, pod.metadata.labels)) fullyLabeledReplicas++;
    if (!isPodReady(pod)) continue;
    readyReplicas++;
    if (isPodAvailable(pod, minReadySeconds, now)) availableReplicas++;
  }
  const conditions = failureConditions(owner, claimed, manageError, now);
  return {
    ...omitZero({ availableReplicas, fullyLabeledReplicas, readyReplicas }),
    ...(conditions.length > 0 ? { conditions } : {}),
    observedGeneration: owner.metadata.generation ?? 1,
    replicas,
    // ReplicationControllers do not count these.
    ...(owner.kind === "ReplicationController" ? {} : { terminatingReplicas }),
  };
}

function failureConditions(
  owner: KubeObject,
  claimed: readonly Pod[],
  manageError: Status | undefined,
  now: number,
): readonly ReplicaSetCondition[] {
  const conditions = (owner.status?.conditions ?? []) as readonly ReplicaSetCondition[];
  const known = conditions.find((c) => c.type === "ReplicaFailure");
  if (!manageError) return known ? conditions.filter((c) => c !== known) : conditions;
  if (known) return conditions;
  const tooFew = claimed.filter(isPodActive).length < (owner.spec.replicas ?? 1);
  return [
    ...conditions,
    {
      type: "ReplicaFailure",
      status: "True",
      lastTransitionTime: rfc3339(now),
      reason: tooFew ? "FailedCreate" : "FailedDelete",
      message: manageError.message ?? "",
    },
  ];
}
