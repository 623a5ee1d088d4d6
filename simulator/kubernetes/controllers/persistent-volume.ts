/** PersistentVolume controller: binds claims to volumes, asks for volumes to be provisioned, reclaims released ones. */
import { rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import { parseQuantity } from "../apimachinery/quantity";
import type { PersistentVolume, PersistentVolumeClaim } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController, type Outcome } from "../client/controller";
import { keyOf } from "../client/resource-type";
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES } from "../client/resources";
import { isPodTerminal } from "./pods";

const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
const SELECTED_NODE = "volume.kubernetes.io/selected-node";
const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner";
const NO_PROVISIONER = "kubernetes.io/no-provisioner";
const RESYNC_MS = 15_000;

export const persistentVolumeController = defineController({
  name: "persistentvolume-controller",
  serviceAccount: "persistent-volume-binder",
  workers: 1,
  setup(context) {
    const { client, recorder, queue } = context;
    const claims = context.watch(PERSISTENT_VOLUME_CLAIMS, (claim) => [
      `claim:${keyOf(claim)}`,
      ...(claim.spec.volumeName ? [`volume:${claim.spec.volumeName}`] : []),
    ]).cache;
    const volumes = context.watch(PERSISTENT_VOLUMES, (volume) => {
      const { claimRef } = volume.spec;
      const keys = [`volume:${volume.metadata.name}`];
      if (claimRef) keys.push(`claim:${claimRef.namespace}/${claimRef.name}`);
      // A new volume may be what some claim waits for.
      else for (const claim of claims.list()) if (!claim.spec.volumeName) keys.push(`claim:${keyOf(claim)}`);
      return keys;
    }).cache;
    const classes = context.watch(STORAGE_CLASSES, () =>
      [...claims.list()].filter((claim) => !claim.spec.volumeName).map((claim) => `claim:${keyOf(claim)}`),
    ).cache;
    context.scope.every(RESYNC_MS, () => {
      for (const claim of claims.list()) if (claim.status?.phase !== "Bound") queue.add(`claim:${keyOf(claim)}`);
    });

    function syncClaim(claim: PersistentVolumeClaim): Outcome {
      const isComplete = claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;
      if (claim.metadata.deletionTimestamp && !claim.spec.volumeName) return undefined;
      if (isComplete) return syncBoundClaim(claim);
      if (claim.spec.volumeName) {
        const volume = volumes.get(claim.spec.volumeName);
        if (!volume) return setPhase(claim, "Pending");
        if (!volume.spec.claimRef || refersTo(volume, claim)) return bind(claim, volume);
        return setPhase(claim, "Pending");
      }
      const volume = bestVolume(claim);
      if (volume) return bind(claim, volume);
      return waitForVolume(claim);
    }

    function waitForVolume(claim: PersistentVolumeClaim): Outcome {
      const className = claim.spec.storageClassName ?? "";
      const storageClass = classes.get(className);
      const isDelayed = storageClass?.volumeBindingMode === "WaitForFirstConsumer";
      if (isDelayed && claim.metadata.annotations?.[SELECTED_NODE] === undefined) {
        const user = podWaitingFor(claim);
        if (user) {
          const message = `waiting for pod ${user} to be scheduled`;
          recorder.event(claim, "Normal", "WaitForPodScheduled", message);
        } else {
          const message = "waiting for first consumer to be created before binding";
          recorder.event(claim, "Normal", "WaitForFirstConsumer", message);
        }
      } else if (className === "") {
        const message = "no persistent volumes available for this claim and no storage class is set";
        recorder.event(claim, "Normal", "FailedBinding", message);
      } else if (!storageClass) {
        const message = `storageclass.storage.k8s.io "${className}" not found`;
        recorder.event(claim, "Warning", "ProvisioningFailed", message);
      } else if (storageClass.provisioner === NO_PROVISIONER) {
        recorder.event(
          claim,
          "Warning",
          "ProvisioningFailed",
          "storageclass.storage.k8s.io does not support dynamic provisioning",
        );
      } else {
        const { provisioner } = storageClass;
        const { annotations } = claim.metadata;
        if (annotations?.[PROVISIONER] !== provisioner) {
          const marked = { ...annotations, [PROVISIONER]: provisioner, [BETA_PROVISIONER]: provisioner };
          const written = client.update(PERSISTENT_VOLUME_CLAIMS, {
            ...claim,
            metadata: { ...claim.metadata, annotations: marked },
          });
          if (!written.ok) return isNotFound(written.error) ? undefined : { error: written.error };
          return undefined;
        }
        const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
        recorder.event(claim, "Normal", "ExternalProvisioning", message);
      }
      return setPhase(claim, "Pending");
    }

    function podWaitingFor(claim: PersistentVolumeClaim): string | undefined {
      for (const pod of context.informer(PODS).cache.inNamespace(claim.metadata.namespace!)) {
        if (pod.spec.nodeName) continue;
        for (const volume of pod.spec.volumes ?? []) {
          if (volume.persistentVolumeClaim?.claimName === claim.metadata.name) return pod.metadata.name;
        }
      }
      return undefined;
    }

    function syncBoundClaim(claim: PersistentVolumeClaim): Outcome {
      const volume = volumes.get(claim.spec.volumeName ?? "");
      if (!volume || (volume.spec.claimRef && !refersTo(volume, claim))) {
        const message = volume
          ? "Two claims are bound to the same volume, this one is bound incorrectly"
          : "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        if (claim.status?.phase !== "Lost")
          recorder.event(claim, "Warning", volume ? "ClaimMisbound" : "ClaimLost", message);
        return setPhase(claim, "Lost");
      }
      return bind(claim, volume);
    }

    /** Volume first, then claim: each step can be repeated. */
    function bind(claim: PersistentVolumeClaim, found: PersistentVolume): Outcome {
      let volume = found;
      const reference = {
        kind: "PersistentVolumeClaim",
        namespace: claim.metadata.namespace!,
        name: claim.metadata.name,
        uid: claim.metadata.uid,
        apiVersion: "v1",
        resourceVersion: claim.metadata.resourceVersion,
      };
      if (!refersTo(volume, claim) || !volume.spec.claimRef?.uid) {
        const wasUnbound = !volume.spec.claimRef;
        const written = client.update(PERSISTENT_VOLUMES, {
          ...volume,
          metadata: wasUnbound
            ? { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" } }
            : volume.metadata,
          spec: { ...volume.spec, claimRef: reference },
        });
        if (!written.ok) return { error: written.error };
        volume = written.value;
      }
      if (volume.status?.phase !== "Bound") {
        const written = setVolumePhase(volume, "Bound");
        if (written) return written;
      }
      const { annotations } = claim.metadata;
      let current = claim;
      if (claim.spec.volumeName !== volume.metadata.name || annotations?.[BIND_COMPLETED] === undefined) {
        const isOurs = !claim.spec.volumeName;
        const written = client.update(PERSISTENT_VOLUME_CLAIMS, {
          ...claim,
          metadata: {
            ...claim.metadata,
            annotations: {
              ...annotations,
              [BIND_COMPLETED]: "yes",
              ...(isOurs ? { [BOUND_BY_CONTROLLER]: "yes" } : {}),
            },
          },
          spec: { ...claim.spec, volumeName: volume.metadata.name },
        });
        if (!written.ok) return { error: written.error };
        current = written.value;
      }
      const status = {
        ...current.status,
        phase: "Bound" as const,
        accessModes: volume.spec.accessModes ?? [],
        capacity: current.status?.phase === "Bound" ? current.status.capacity : volume.spec.capacity,
      };
      if (deepEqual(status, current.status)) return undefined;
      const { capacity, ...rest } = status;
      const written = client.updateStatus(PERSISTENT_VOLUME_CLAIMS, {
        ...current,
        status: capacity ? { ...rest, capacity } : rest,
      });
      return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
    }

    /** findBestMatchForClaim: one that is meant for this claim, else the smallest that is large enough. */
    function bestVolume(claim: PersistentVolumeClaim): PersistentVolume | undefined {
      let best: PersistentVolume | undefined;
      const storageClass = classes.get(claim.spec.storageClassName ?? "");
      const isDelayed =
        storageClass?.volumeBindingMode === "WaitForFirstConsumer" &&
        claim.metadata.annotations?.[SELECTED_NODE] === undefined;
      for (const volume of volumes.list()) {
        if (volume.metadata.deletionTimestamp) continue;
        const isMeant = volume.spec.claimRef !== undefined && refersTo(volume, claim);
        if (volume.spec.claimRef && !isMeant) continue;
        if (!isMeant && (volume.status?.phase !== "Available" || isDelayed)) continue;
        if (!fits(volume, claim)) continue;
        if (isMeant) return volume;
        if (!best || capacityOf(volume) < capacityOf(best)) best = volume;
      }
      return best;
    }

    function syncVolume(volume: PersistentVolume): Outcome {
      const { claimRef } = volume.spec;
      if (!claimRef) return setVolumePhase(volume, "Available");
      // Reserved by an administrator for a claim that may come.
      if (!claimRef.uid) return setVolumePhase(volume, "Available");
      const key = `${claimRef.namespace}/${claimRef.name}`;
      let claim = claims.get(key);
      if (!claim) {
        const fresh = client.get(PERSISTENT_VOLUME_CLAIMS, { namespace: claimRef.namespace!, name: claimRef.name! });
        if (fresh.ok) claim = fresh.value;
        else if (!isNotFound(fresh.error)) return { error: fresh.error };
      }
      if (claim?.metadata.uid === claimRef.uid) {
        queue.add(`claim:${key}`);
        return claim.spec.volumeName === volume.metadata.name ? setVolumePhase(volume, "Bound") : undefined;
      }
      if (volume.status?.phase !== "Released" && volume.status?.phase !== "Failed") {
        return setVolumePhase(volume, "Released");
      }
      return reclaim(volume);
    }

    function reclaim(volume: PersistentVolume): Outcome {
      if (volume.spec.persistentVolumeReclaimPolicy !== "Delete" || volume.metadata.deletionTimestamp) return undefined;
      const provisionedBy = volume.metadata.annotations?.["pv.kubernetes.io/provisioned-by"];
      // The provisioner removes what it made; the volumes that nodes hold themselves go here.
      if (provisionedBy && !volume.spec.hostPath && !volume.spec.local) return undefined;
      if (!volume.spec.hostPath) {
        if (volume.status?.phase === "Failed") return undefined;
        recorder.event(
          volume,
          "Warning",
          "VolumeFailedDelete",
          "error getting deleter volume plugin for volume: no deletable volume plugin matched",
        );
        return setVolumePhase(volume, "Failed");
      }
      const deleted = client.delete(PERSISTENT_VOLUMES, volume.metadata);
      return deleted.ok || isNotFound(deleted.error) ? undefined : { error: deleted.error };
    }

    function setPhase(claim: PersistentVolumeClaim, phase: "Pending" | "Lost"): Outcome {
      if (claim.status?.phase === phase) return undefined;
      const { capacity: _capacity, accessModes: _modes, ...rest } = claim.status ?? {};
      const written = client.updateStatus(PERSISTENT_VOLUME_CLAIMS, { ...claim, status: { ...rest, phase } });
      return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
    }

    function setVolumePhase(volume: PersistentVolume, phase: "Available" | "Bound" | "Released" | "Failed"): Outcome {
      if (volume.status?.phase === phase) return undefined;
      const written = client.updateStatus(PERSISTENT_VOLUMES, {
        ...volume,
        status: { ...volume.status, phase, lastPhaseTransitionTime: rfc3339(context.now()) },
      });
      return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
    }

    return {
      reconcile(key) {
        const colon = key.indexOf(":");
        const name = key.slice(colon + 1);
        if (key.startsWith("claim:")) {
          const claim = claims.get(name);
          return claim ? syncClaim(claim) : undefined;
        }
        const volume = volumes.get(name);
        return volume ? syncVolume(volume) : undefined;
      },
    };
  },
});

function refersTo({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  return (
    claimRef?.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid)
  );
}

const capacityOf = (volume: PersistentVolume): bigint =>
  parseQuantity(volume.spec.capacity?.storage ?? "0")?.nano ?? 0n;

function fits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if ((volume.spec.storageClassName ?? "") !== (claim.spec.storageClassName ?? "")) return false;
  if ((volume.spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) return false;
  if (claim.spec.selector && !matches(selectorFromLabelSelector(claim.spec.selector), volume.metadata.labels))
    return false;
  if (!(claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))) return false;
  return capacityOf(volume) >= (parseQuantity(claim.spec.resources?.requests?.storage ?? "0")?.nano ?? 0n);
}

const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION = "kubernetes.io/pv-protection";

/** PVC protection: a claim in use stays until no Pod uses it. */
export const claimProtectionController = defineController({
  name: "persistentvolumeclaim-protection-controller",
  serviceAccount: "pvc-protection-controller",
  setup(context) {
    const claims = context.watch(PERSISTENT_VOLUME_CLAIMS, (claim) => [keyOf(claim)]).cache;
    const pods = context.watch(PODS, (pod, _old, isDeleted) =>
      isDeleted || isPodTerminal(pod)
        ? (pod.spec.volumes ?? []).flatMap((volume) =>
            volume.persistentVolumeClaim ? [`${pod.metadata.namespace}/${volume.persistentVolumeClaim.claimName}`] : [],
          )
        : [],
    ).cache;
    return {
      reconcile(key) {
        const claim = claims.get(key);
        if (!claim) return undefined;
        const finalizers = claim.metadata.finalizers ?? [];
        const isProtected = finalizers.includes(CLAIM_PROTECTION);
        let wanted = finalizers;
        if (claim.metadata.deletionTimestamp) {
          const isUsed = [...pods.inNamespace(claim.metadata.namespace!)].some(
            (pod) =>
              pod.spec.nodeName &&
              !isPodTerminal(pod) &&
              pod.spec.volumes?.some((v) => v.persistentVolumeClaim?.claimName === claim.metadata.name),
          );
          if (isProtected && !isUsed) wanted = finalizers.filter((f) => f !== CLAIM_PROTECTION);
        } else if (!isProtected) wanted = [...finalizers, CLAIM_PROTECTION];
        if (wanted === finalizers) return undefined;
        const metadata = { ...claim.metadata, finalizers: wanted };
        const written = context.client.update(PERSISTENT_VOLUME_CLAIMS, { ...claim, metadata });
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});

/** PV protection: a bound volume stays. */
export const volumeProtectionController = defineController({
  name: "persistentvolume-protection-controller",
  serviceAccount: "pv-protection-controller",
  setup(context) {
    const volumes = context.watch(PERSISTENT_VOLUMES, (volume) => [volume.metadata.name]).cache;
    return {
      reconcile(name) {
        const volume = volumes.get(name);
        if (!volume) return undefined;
        const finalizers = volume.metadata.finalizers ?? [];
        const isProtected = finalizers.includes(VOLUME_PROTECTION);
        let wanted = finalizers;
        if (volume.metadata.deletionTimestamp) {
          if (isProtected && volume.status?.phase !== "Bound")
            wanted = finalizers.filter((f) => f !== VOLUME_PROTECTION);
        } else if (!isProtected) wanted = [...finalizers, VOLUME_PROTECTION];
        if (wanted === finalizers) return undefined;
        const metadata = { ...volume.metadata, finalizers: wanted };
        const written = context.client.update(PERSISTENT_VOLUMES, { ...volume, metadata });
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});
