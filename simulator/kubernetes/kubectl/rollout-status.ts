/** How far a rollout is, in kubectl's words (polymorphichelpers). */
import type { Part } from "./describe/page";
import { fail } from "./failure";

export interface RolloutState {
  readonly text: string;
  readonly done: boolean;
}

export function rolloutStatus(object: Part, revision: number): RolloutState {
  switch (object.kind) {
    case "Deployment":
      return deploymentStatus(object, revision);
    case "DaemonSet":
      return daemonSetStatus(object);
    case "StatefulSet":
      return statefulSetStatus(object);
    default:
      return fail(`no status viewer has been implemented for ${object.kind}`);
  }
}

const going = (text: string): RolloutState => ({ text, done: false });
const done = (text: string): RolloutState => ({ text, done: true });

function deploymentStatus(deployment: Part, revision: number): RolloutState {
  const { metadata, spec, status = {} } = deployment;
  if (revision > 0) {
    const current = Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
    if (current !== revision)
      fail(`desired revision (${revision}) is different from the running revision (${current})`);
  }
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return going("Waiting for deployment spec update to be observed...\n");
  const progressing = status.conditions?.find((each: Part) => each.type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded")
    fail(`deployment "${metadata.name}" exceeded its progress deadline`);
  const updated = status.updatedReplicas ?? 0;
  const wait = (rest: string): RolloutState =>
    going(`Waiting for deployment "${metadata.name}" rollout to finish: ${rest}\n`);
  if (spec.replicas !== undefined && updated < spec.replicas)
    return wait(`${updated} out of ${spec.replicas} new replicas have been updated...`);
  const total = status.replicas ?? 0;
  if (total > updated) return wait(`${total - updated} old replicas are pending termination...`);
  const available = status.availableReplicas ?? 0;
  if (available < updated) return wait(`${available} of ${updated} updated replicas are available...`);
  return done(`deployment "${metadata.name}" successfully rolled out\n`);
}

function daemonSetStatus(set: Part): RolloutState {
  const { metadata, spec, status = {} } = set;
  if (spec.updateStrategy?.type !== "RollingUpdate")
    fail(`rollout status is only available for RollingUpdate strategy type`);
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return going("Waiting for daemon set spec update to be observed...\n");
  const desired = status.desiredNumberScheduled ?? 0;
  const updated = status.updatedNumberScheduled ?? 0;
  if (updated < desired)
    return going(
      `Waiting for daemon set "${metadata.name}" rollout to finish: ${updated} out of ${desired} new pods have been updated...\n`,
    );
  const available = status.numberAvailable ?? 0;
  if (available < desired)
    return going(
      `Waiting for daemon set "${metadata.name}" rollout to finish: ${available} of ${desired} updated pods are available...\n`,
    );
  return done(`daemon set "${metadata.name}" successfully rolled out\n`);
}

function statefulSetStatus(set: Part): RolloutState {
  const { metadata, spec, status = {} } = set;
  if (spec.updateStrategy?.type !== "RollingUpdate")
    fail("rollout status is only available for RollingUpdate strategy type");
  if (!status.observedGeneration || metadata.generation > status.observedGeneration)
    return going("Waiting for statefulset spec update to be observed...\n");
  const replicas = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  if (ready < replicas) return going(`Waiting for ${replicas - ready} pods to be ready...\n`);
  const { rollingUpdate } = spec.updateStrategy;
  const updated = status.updatedReplicas ?? 0;
  // The API server defaults the partition to 0, so every rolling update ends as a partitioned one.
  if (rollingUpdate) {
    const wanted = replicas - (rollingUpdate.partition ?? 0);
    if (updated < wanted)
      return going(
        `Waiting for partitioned roll out to finish: ${updated} out of ${wanted} new pods have been updated...\n`,
      );
    return done(`partitioned roll out complete: ${updated} new pods have been updated...\n`);
  }
  if (status.updateRevision !== status.currentRevision)
    return going(
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${status.updateRevision}...\n`,
    );
  return done(
    `statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${status.currentRevision}...\n`,
  );
}
