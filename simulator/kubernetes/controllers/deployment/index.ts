/** Deployment controller: the one straight list of steps. Arithmetic, revisions and conditions are beside it. */
import { deepEqual } from "../../../base/json";
import { matches, selectorFromLabelSelector } from "../../apimachinery/labels";
import type { Status } from "../../apimachinery/object";
import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from "../../api/types.generated";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../client/client";
import { type ControllerContext, defineController, type Outcome } from "../../client/controller";
import {
  BY_CONTROLLER,
  claim,
  claimable,
  controllerOf,
  indexByController,
  newControllerRef,
} from "../../client/controller-ref";
import { keyOf } from "../../client/resource-type";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "../../client/resources";
import { isPodTerminal } from "../pods";
import { computeHash } from "../template-hash";
import {
  calculateStatus,
  conditionOf,
  deadlineAfterMs,
  hasDeadline,
  isComplete,
  newCondition,
  rolloutStatus,
  withCondition,
} from "./progress";
import {
  beyondHistory,
  findNewReplicaSet,
  isSameTemplate,
  REVISION,
  ROLLBACK_TO,
  replicaSetAnnotations,
  revisionOf,
  sizeAnnotations,
  TEMPLATE_HASH,
} from "./revisions";
import {
  availableReplicas,
  byCreation,
  DESIRED_REPLICAS,
  desiredReplicas,
  isRollingUpdate,
  newReplicaSetSize,
  oldReplicaSetSizes,
  proportionalSizes,
  specReplicas,
} from "./rolling";

export const deploymentController = defineController({
  name: "deployment-controller",
  setup(context) {
    const { queue } = context;
    const deployments = context.watch(DEPLOYMENTS, (deployment) => [keyOf(deployment)]).cache;
    const sets = context.informer(REPLICA_SETS).cache;
    sets.addIndex(BY_CONTROLLER, indexByController);
    const pods = context.informer(PODS).cache;
    pods.addIndex(BY_CONTROLLER, indexByController);

    const ownerOf = (rs: ReplicaSet): Deployment | undefined => {
      const reference = controllerOf(rs);
      if (reference?.kind !== "Deployment") return undefined;
      const owner = deployments.get(`${rs.metadata.namespace}/${reference.name}`);
      return owner?.metadata.uid === reference.uid ? owner : undefined;
    };
    context.watch(REPLICA_SETS, (rs, old) => {
      if (rs === old) return [];
      const keys: string[] = [];
      const owner = ownerOf(rs);
      if (owner) keys.push(keyOf(owner));
      const previous = old && controllerOf(old)?.uid !== controllerOf(rs)?.uid ? ownerOf(old) : undefined;
      if (previous) keys.push(keyOf(previous));
      if (!controllerOf(rs)) {
        for (const deployment of deployments.inNamespace(rs.metadata.namespace!)) {
          if (matches(selectorFromLabelSelector(deployment.spec.selector), rs.metadata.labels)) {
            keys.push(keyOf(deployment));
          }
        }
      }
      return keys;
    });
    // Recreate waits for the last old Pod: its end shows in no ReplicaSet.
    context.informer(PODS).handle({
      deleted(pod) {
        const reference = controllerOf(pod);
        const rs = reference ? sets.get(`${pod.metadata.namespace}/${reference.name}`) : undefined;
        const owner = rs ? ownerOf(rs) : undefined;
        if (owner && !isRollingUpdate(owner)) queue.add(keyOf(owner));
      },
    });

    return {
      reconcile(key) {
        const deployment = deployments.get(key);
        if (!deployment) return undefined;
        const { claimed, error } = claim(claimable(sets, deployment), {
          client: context.client,
          owner: deployment,
          ownerType: DEPLOYMENTS,
          type: REPLICA_SETS,
          selector: selectorFromLabelSelector(deployment.spec.selector),
        });
        if (error) return { error };
        const sync = new Sync(context, deployment, claimed, (rs) => pods.byIndex(BY_CONTROLLER, rs.metadata.uid));
        try {
          return sync.run();
        } catch (thrown) {
          if (thrown instanceof WriteFailed) return { error: thrown.status };
          throw thrown;
        }
      },
    };
  },
});

/** Unwinds one sync when a write failed: the rest of the steps would act on what did not happen. */
class WriteFailed {
  constructor(readonly status: Status) {}
}

class Sync {
  readonly #context: ControllerContext;
  #deployment: Deployment;
  readonly #sets: readonly ReplicaSet[];
  readonly #podsOf: (rs: ReplicaSet) => Iterable<Pod>;

  constructor(
    context: ControllerContext,
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    podsOf: (rs: ReplicaSet) => Iterable<Pod>,
  ) {
    this.#context = context;
    this.#deployment = deployment;
    this.#sets = [...sets].sort(byCreation);
    this.#podsOf = podsOf;
  }

  run(): Outcome {
    const { spec, metadata } = this.#deployment;
    if (metadata.deletionTimestamp) {
      const newSet = findNewReplicaSet(this.#deployment, this.#sets);
      return this.#writeStatus(this.#status(newSet));
    }
    this.#checkPaused();
    if (spec.paused) return this.#syncSizes();
    if (metadata.annotations?.[ROLLBACK_TO] !== undefined) return this.#rollback();
    if (this.#isScaling()) return this.#syncSizes();
    return isRollingUpdate(this.#deployment) ? this.#rollRolling() : this.#rollRecreate();
  }

  #rollRolling(): Outcome {
    let newSet = this.#newReplicaSet(true);
    const old = this.#old(newSet);
    if (newSet) {
      const desired = desiredReplicas(this.#deployment);
      const size =
        specReplicas(newSet) > desired
          ? desired
          : newReplicaSetSize(this.#deployment, [...old, newSet], specReplicas(newSet));
      if (size !== specReplicas(newSet)) {
        newSet = this.#resize(newSet, size);
        return this.#syncRollout(newSet, old);
      }
    }
    const resizes = oldReplicaSetSizes(this.#deployment, old.filter(isActive), newSet);
    if (resizes.length > 0) return this.#syncRollout(newSet, this.#resizeAll(old, resizes));
    if (isComplete(this.#deployment, this.#deployment.status)) this.#cleanUp(old);
    return this.#syncRollout(newSet, old);
  }

  #rollRecreate(): Outcome {
    let newSet = this.#newReplicaSet(false);
    const old = this.#old(newSet);
    const active = old.filter(isActive);
    if (active.length > 0) {
      const resized = this.#resizeAll(
        old,
        active.map((replicaSet) => ({ replicaSet, replicas: 0 })),
      );
      return this.#syncRollout(newSet, resized);
    }
    for (const rs of old) {
      for (const pod of this.#podsOf(rs)) if (!isPodTerminal(pod)) return this.#syncRollout(newSet, old);
    }
    newSet = this.#newReplicaSet(true);
    if (newSet) newSet = this.#resize(newSet, desiredReplicas(this.#deployment));
    if (isComplete(this.#deployment, this.#deployment.status)) this.#cleanUp(old);
    return this.#syncRollout(newSet, old);
  }

  /** sync(): a paused Deployment, or one that is resized, moves sizes but no revision. */
  #syncSizes(): Outcome {
    let newSet = this.#newReplicaSet(false);
    let old = this.#old(newSet);
    const all = (): ReplicaSet[] => (newSet ? [...old, newSet] : [...old]);
    const desired = desiredReplicas(this.#deployment);
    const active = all().filter(isActive);
    const single = active.length > 1 ? undefined : (active[0] ?? newSet ?? old.at(-1));
    const apply = (resizes: readonly { replicaSet: ReplicaSet; replicas: number }[]): void => {
      const resized = this.#resizeAll(all(), resizes);
      if (newSet) newSet = resized.find((rs) => rs.metadata.uid === newSet!.metadata.uid);
      old = resized.filter((rs) => rs.metadata.uid !== newSet?.metadata.uid);
    };
    if (single) {
      if (specReplicas(single) !== desired) apply([{ replicaSet: single, replicas: desired }]);
    } else if (newSet && this.#isSaturated(newSet)) {
      apply(old.filter(isActive).map((replicaSet) => ({ replicaSet, replicas: 0 })));
    } else if (isRollingUpdate(this.#deployment)) {
      apply(proportionalSizes(this.#deployment, active));
    }
    if (this.#deployment.spec.paused && this.#deployment.metadata.annotations?.[ROLLBACK_TO] === undefined) {
      this.#cleanUp(old);
    }
    return this.#writeStatus(calculateStatus(this.#deployment, all(), newSet, this.#context.now()));
  }

  #isSaturated(rs: ReplicaSet): boolean {
    const desired = desiredReplicas(this.#deployment);
    return (
      Number(rs.metadata.annotations?.[DESIRED_REPLICAS]) === desired &&
      specReplicas(rs) === desired &&
      availableReplicas(rs) === desired
    );
  }

  #isScaling(): boolean {
    const desired = desiredReplicas(this.#deployment);
    for (const rs of this.#sets) {
      if (!isActive(rs)) continue;
      const recorded = rs.metadata.annotations?.[DESIRED_REPLICAS];
      if (recorded !== undefined && Number(recorded) !== desired) return true;
    }
    return false;
  }

  #old(newSet: ReplicaSet | undefined): readonly ReplicaSet[] {
    return this.#sets.filter((rs) => rs.metadata.uid !== newSet?.metadata.uid);
  }

  /** getNewReplicaSet: found and brought up to date, or created. */
  #newReplicaSet(mayCreate: boolean): ReplicaSet | undefined {
    const existing = findNewReplicaSet(this.#deployment, this.#sets);
    const old = this.#old(existing);
    const newRevision = old.reduce((most, rs) => Math.max(most, revisionOf(rs)), 0) + 1;
    if (existing) return this.#adopt(existing, newRevision);
    return mayCreate ? this.#create(old, newRevision) : undefined;
  }

  #adopt(existing: ReplicaSet, newRevision: number): ReplicaSet {
    const annotations = replicaSetAnnotations(this.#deployment, existing, newRevision);
    const minReadySeconds = this.#deployment.spec.minReadySeconds ?? 0;
    if (annotations || (existing.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      return this.#must(
        this.#context.client.update(REPLICA_SETS, {
          ...existing,
          metadata: { ...existing.metadata, annotations: annotations ?? existing.metadata.annotations ?? {} },
          spec: { ...existing.spec, minReadySeconds },
        }),
      );
    }
    const found =
      hasDeadline(this.#deployment) && !conditionOf(this.#deployment.status, "Progressing")
        ? this.#progressing("True", "FoundNewReplicaSet", `Found new replica set "${existing.metadata.name}"`)
        : undefined;
    this.#recordRevision(existing.metadata.annotations?.[REVISION] ?? "", found);
    return existing;
  }

  #create(old: readonly ReplicaSet[], newRevision: number): ReplicaSet | undefined {
    const { client, recorder } = this.#context;
    const deployment = this.#deployment;
    const hash = computeHash(deployment.spec.template, deployment.status?.collisionCount);
    const labels = { ...deployment.spec.template.metadata?.labels, [TEMPLATE_HASH]: hash };
    const name = `${deployment.metadata.name}-${hash}`;
    const replicas = newReplicaSetSize(deployment, old, 0);
    const created = client.create(REPLICA_SETS, {
      metadata: {
        name,
        namespace: deployment.metadata.namespace!,
        ownerReferences: [newControllerRef(deployment, DEPLOYMENTS)],
        labels,
        annotations: replicaSetAnnotations(deployment, undefined, newRevision)!,
      },
      spec: {
        replicas,
        ...(deployment.spec.minReadySeconds ? { minReadySeconds: deployment.spec.minReadySeconds } : {}),
        selector: {
          ...deployment.spec.selector,
          matchLabels: { ...deployment.spec.selector.matchLabels, [TEMPLATE_HASH]: hash },
        },
        template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
      },
    });
    let rs: ReplicaSet;
    if (created.ok) {
      rs = created.value;
      if (replicas > 0) {
        recorder.event(
          deployment,
          "Normal",
          "ScalingReplicaSet",
          `Scaled up replica set ${name} from 0 to ${replicas}`,
        );
      }
    } else if (isAlreadyExists(created.error)) {
      rs = this.#sameOrCollision(name, created.error);
    } else if (isNamespaceTerminating(created.error)) {
      throw new WriteFailed(created.error);
    } else {
      const message = `Failed to create new replica set "${name}": ${created.error.message}`;
      if (hasDeadline(deployment)) {
        const condition = this.#progressing("False", "ReplicaSetCreateError", message);
        this.#writeStatus({
          ...deployment.status,
          conditions: withCondition(deployment.status?.conditions, condition),
        });
      }
      recorder.event(deployment, "Warning", "ReplicaSetCreateError", message);
      throw new WriteFailed(created.error);
    }
    const condition =
      created.ok && hasDeadline(deployment)
        ? this.#progressing("True", "NewReplicaSetCreated", `Created new replica set "${name}"`)
        : undefined;
    this.#recordRevision(String(newRevision), condition);
    return rs;
  }

  /** A ReplicaSet of that name is there: ours from before (the cache is behind), or a hash collision. */
  #sameOrCollision(name: string, error: Status): ReplicaSet {
    const { client } = this.#context;
    const deployment = this.#deployment;
    const fresh = this.#must(client.get(REPLICA_SETS, { namespace: deployment.metadata.namespace!, name }));
    if (
      controllerOf(fresh)?.uid === deployment.metadata.uid &&
      isSameTemplate(fresh.spec.template, deployment.spec.template)
    ) {
      return fresh;
    }
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    this.#writeStatus({ ...deployment.status, collisionCount });
    throw new WriteFailed(error);
  }

  /** Revision annotation and Progressing condition go out together, through the status subresource. */
  #recordRevision(revision: string, condition: DeploymentCondition | undefined): void {
    const { client } = this.#context;
    const deployment = this.#deployment;
    const conditions = condition
      ? withCondition(deployment.status?.conditions, condition)
      : deployment.status?.conditions;
    const isNewRevision = deployment.metadata.annotations?.[REVISION] !== revision;
    if (!isNewRevision && conditions === deployment.status?.conditions) return;
    const annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
    this.#deployment = this.#must(
      client.updateStatus(DEPLOYMENTS, {
        ...deployment,
        metadata: { ...deployment.metadata, annotations },
        status: conditions ? { ...deployment.status, conditions } : deployment.status,
      }),
    );
  }

  /** checkPausedConditions: a paused Deployment must not run into its deadline. */
  #checkPaused(): void {
    const deployment = this.#deployment;
    if (!hasDeadline(deployment)) return;
    const current = conditionOf(deployment.status, "Progressing");
    if (current?.reason === "ProgressDeadlineExceeded") return;
    const wasPaused = current?.reason === "DeploymentPaused";
    const isPaused = deployment.spec.paused === true;
    if (wasPaused === isPaused) return;
    const condition = isPaused
      ? this.#progressing("Unknown", "DeploymentPaused", "Deployment is paused")
      : this.#progressing("Unknown", "DeploymentResumed", "Deployment is resumed");
    this.#deployment = this.#must(
      this.#context.client.updateStatus(DEPLOYMENTS, {
        ...deployment,
        status: { ...deployment.status, conditions: withCondition(deployment.status?.conditions, condition) },
      }),
    );
  }

  /** The annotation of the old extensions/v1beta1 rollback; kubectl rolls back by a patch instead. */
  #rollback(): Outcome {
    const { client, recorder } = this.#context;
    const deployment = this.#deployment;
    const { [ROLLBACK_TO]: wanted, ...annotations } = deployment.metadata.annotations ?? {};
    const newSet = findNewReplicaSet(deployment, this.#sets);
    const byRevision = [...this.#sets].sort((a, b) => revisionOf(b) - revisionOf(a));
    const target =
      Number(wanted) === 0
        ? byRevision.find((rs) => rs !== newSet)
        : byRevision.find((rs) => revisionOf(rs) === Number(wanted));
    let template = deployment.spec.template;
    if (!target?.spec.template) {
      const reason = "DeploymentRollbackRevisionNotFound";
      const message =
        Number(wanted) === 0 ? "Unable to find last revision." : "Unable to find the revision to rollback to.";
      recorder.event(deployment, "Warning", reason, message);
    } else if (isSameTemplate(target.spec.template, template)) {
      const message = `The rollback revision contains the same template as current deployment "${deployment.metadata.name}"`;
      recorder.event(deployment, "Warning", "DeploymentRollbackTemplateUnchanged", message);
    } else {
      const { [TEMPLATE_HASH]: _hash, ...labels } = target.spec.template.metadata?.labels ?? {};
      template = { ...target.spec.template, metadata: { ...target.spec.template.metadata, labels } };
      const message = `Rolled back deployment "${deployment.metadata.name}" to revision ${revisionOf(target)}`;
      recorder.event(deployment, "Normal", "DeploymentRollback", message);
    }
    this.#must(
      client.update(DEPLOYMENTS, {
        ...deployment,
        metadata: { ...deployment.metadata, annotations },
        spec: { ...deployment.spec, template },
      }),
    );
    return undefined;
  }

  #resizeAll(
    all: readonly ReplicaSet[],
    resizes: readonly { readonly replicaSet: ReplicaSet; readonly replicas: number }[],
  ): readonly ReplicaSet[] {
    const done = new Map<string, ReplicaSet>();
    for (const { replicaSet, replicas } of resizes) {
      done.set(replicaSet.metadata.uid, this.#resize(replicaSet, replicas));
    }
    return all.map((rs) => done.get(rs.metadata.uid) ?? rs);
  }

  /** scaleReplicaSet: the size, and what it remembers of the Deployment's. */
  #resize(rs: ReplicaSet, replicas: number): ReplicaSet {
    const deployment = this.#deployment;
    const wanted = sizeAnnotations(deployment);
    const annotations = { ...rs.metadata.annotations, ...wanted };
    const before = specReplicas(rs);
    if (before === replicas && deepEqual(annotations, rs.metadata.annotations)) return rs;
    const updated = this.#must(
      this.#context.client.update(REPLICA_SETS, {
        ...rs,
        metadata: { ...rs.metadata, annotations },
        spec: { ...rs.spec, replicas },
      }),
    );
    if (before !== replicas) {
      const direction = before < replicas ? "up" : "down";
      const message = `Scaled ${direction} replica set ${rs.metadata.name} from ${before} to ${replicas}`;
      this.#context.recorder.event(deployment, "Normal", "ScalingReplicaSet", message);
    }
    return updated;
  }

  #cleanUp(old: readonly ReplicaSet[]): void {
    for (const rs of beyondHistory(this.#deployment, old)) {
      const deleted = this.#context.client.delete(REPLICA_SETS, rs.metadata);
      if (!deleted.ok && !isNotFound(deleted.error)) throw new WriteFailed(deleted.error);
    }
  }

  #syncRollout(newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): Outcome {
    const all = newSet ? [...old, newSet] : old;
    return this.#writeStatus(rolloutStatus(this.#deployment, all, newSet, this.#context.now()));
  }

  #status(newSet: ReplicaSet | undefined): DeploymentStatus {
    return calculateStatus(this.#deployment, this.#sets, newSet, this.#context.now());
  }

  #writeStatus(status: DeploymentStatus): Outcome {
    const deployment = this.#deployment;
    if (!deepEqual(deployment.status, status)) {
      this.#deployment = this.#must(this.#context.client.updateStatus(DEPLOYMENTS, { ...deployment, status }));
      return undefined;
    }
    const afterMs = deadlineAfterMs(deployment, status, this.#context.now());
    return afterMs === undefined ? undefined : { afterMs };
  }

  #progressing(status: string, reason: string, message: string): DeploymentCondition {
    return newCondition({ type: "Progressing", status, reason, message }, this.#context.now());
  }

  #must<T>(result: { ok: true; value: T } | { ok: false; error: Status }): T {
    if (!result.ok) throw new WriteFailed(result.error);
    return result.value;
  }
}

const isActive = (rs: ReplicaSet): boolean => specReplicas(rs) > 0;
