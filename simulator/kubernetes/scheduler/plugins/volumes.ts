/** VolumeRestrictions, VolumeBinding, VolumeZone: claims must exist, be bound or bindable, and reachable from the node. */
import { matches, selectorFromLabelSelector } from "../../apimachinery/labels";
import { parseQuantity } from "../../apimachinery/quantity";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/types.generated";
import { nodeMatches } from "../../client/node-affinity";
import { type Handle, type Plugin, reject } from "../framework";
import type { NodeInfo } from "../node-info";

/** The names of a Pod's claims; those of generic ephemeral volumes are made from the Pod's. */
export function claimNamesOf(pod: Pod): readonly string[] {
  const names: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.persistentVolumeClaim) names.push(volume.persistentVolumeClaim.claimName);
    else if (volume.ephemeral) names.push(`${pod.metadata.name}-${volume.name}`);
  }
  return names;
}

export const isBound = (claim: PersistentVolumeClaim): boolean =>
  Boolean(claim.spec.volumeName) && claim.metadata.annotations?.["pv.kubernetes.io/bind-completed"] !== undefined;

export const NO_PROVISIONER = "kubernetes.io/no-provisioner";

export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  events: ["Storage", "NodeAdd", "NodeUpdate", "AssignedPodDelete"],
  prepareFilter(pod, handle) {
    const names = claimNamesOf(pod);
    if (names.length === 0) return undefined;
    const bound: PersistentVolumeClaim[] = [];
    const delayed: PersistentVolumeClaim[] = [];
    for (const name of names) {
      const claim = handle.claims.get(`${pod.metadata.namespace}/${name}`);
      const refuse = (reason: string) => ({ rejection: reject(this.name, reason, true) });
      if (!claim) return refuse(`persistentvolumeclaim "${name}" not found`);
      if (claim.metadata.deletionTimestamp) return refuse(`persistentvolumeclaim "${name}" is being deleted`);
      if (claim.status?.phase === "Lost") {
        return refuse(
          `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`,
        );
      }
      if (isBound(claim)) bound.push(claim);
      else {
        const storageClass = handle.storageClasses.get(claim.spec.storageClassName ?? "");
        if (storageClass?.volumeBindingMode !== "WaitForFirstConsumer" || claim.spec.volumeName) {
          return refuse("pod has unbound immediate PersistentVolumeClaims");
        }
        delayed.push(claim);
      }
    }
    const conflict = reject(this.name, "node(s) didn't match PersistentVolume's node affinity", true);
    const missing = reject(this.name, "node(s) didn't find available persistent volumes to bind", true);
    const lost = reject(this.name, "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", true);
    return {
      filter: {
        filter(info) {
          for (const claim of bound) {
            const volume = handle.volumes.get(claim.spec.volumeName!);
            if (!volume) return lost;
            if (!isReachable(volume, info)) return conflict;
          }
          return findVolumes(delayed, info, handle) ? undefined : missing;
        },
      },
    };
  },
};

const isReachable = (volume: PersistentVolume, { node }: NodeInfo): boolean => {
  const required = volume.spec.nodeAffinity?.required;
  return required ? nodeMatches(required, node) : true;
};

/** For claims that wait for a consumer: the volume each would get on this node; undefined: it is to be provisioned. */
export type VolumeChoice = ReadonlyMap<PersistentVolumeClaim, PersistentVolume | undefined>;

/** The choice for a node, or undefined when some claim can neither be bound nor provisioned there. */
export function findVolumes(
  claims: readonly PersistentVolumeClaim[],
  info: NodeInfo,
  handle: Handle,
): VolumeChoice | undefined {
  const choice = new Map<PersistentVolumeClaim, PersistentVolume | undefined>();
  const taken = new Set<string>();
  for (const claim of claims) {
    const selected = claim.metadata.annotations?.["volume.kubernetes.io/selected-node"];
    if (selected !== undefined && selected !== info.name) return undefined;
    let best: PersistentVolume | undefined;
    for (const volume of handle.volumes.list()) {
      if (taken.has(volume.metadata.name) || !volumeFits(volume, claim) || !isReachable(volume, info)) continue;
      if (!best || capacityOf(volume) < capacityOf(best)) best = volume;
    }
    if (best) taken.add(best.metadata.name);
    else {
      const storageClass = handle.storageClasses.get(claim.spec.storageClassName ?? "");
      if (!storageClass || storageClass.provisioner === NO_PROVISIONER) return undefined;
    }
    choice.set(claim, best);
  }
  return choice;
}

const capacityOf = (volume: PersistentVolume): bigint =>
  parseQuantity(volume.spec.capacity?.storage ?? "0")?.nano ?? 0n;

function volumeFits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec, status, metadata } = volume;
  if (metadata.deletionTimestamp) return false;
  if (spec.claimRef) {
    const { name, namespace, uid } = spec.claimRef;
    if (name !== claim.metadata.name || namespace !== claim.metadata.namespace) return false;
    if (uid && uid !== claim.metadata.uid) return false;
  } else if (status?.phase !== "Available") return false;
  if ((spec.storageClassName ?? "") !== (claim.spec.storageClassName ?? "")) return false;
  if ((spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) return false;
  if (claim.spec.selector && !matches(selectorFromLabelSelector(claim.spec.selector), metadata.labels)) return false;
  if (!(claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))) return false;
  const wanted = parseQuantity(claim.spec.resources?.requests?.storage ?? "0")?.nano ?? 0n;
  return capacityOf(volume) >= wanted;
}

export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  events: ["AssignedPodDelete", "Storage"],
  prepareFilter(pod, handle) {
    const exclusive = claimNamesOf(pod).filter((name) =>
      handle.claims
        .get(`${pod.metadata.namespace}/${name}`)
        ?.spec.accessModes?.some((mode) => mode === "ReadWriteOncePod"),
    );
    if (exclusive.length === 0) return undefined;
    const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    const rejection = reject(this.name, reason);
    const uses = (other: Pod): boolean =>
      other.metadata.namespace === pod.metadata.namespace &&
      claimNamesOf(other).some((name) => exclusive.includes(name));
    let count = 0;
    for (const info of handle.snapshot.nodes) for (const { pod: other } of info.pods.values()) if (uses(other)) count++;
    return {
      filter: {
        filter: () => (count > 0 ? rejection : undefined),
        add: (other) => void (uses(other) && count++),
        remove: (other) => void (uses(other) && count--),
      },
    };
  },
};

const ZONE_LABELS = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];

export const volumeZone: Plugin = {
  name: "VolumeZone",
  events: ["Storage", "NodeAdd", "NodeUpdate"],
  prepareFilter(pod, handle) {
    const wanted: (readonly [string, ReadonlySet<string>])[] = [];
    for (const name of claimNamesOf(pod)) {
      const volume = handle.volumes.get(handle.claims.get(`${pod.metadata.namespace}/${name}`)?.spec.volumeName ?? "");
      for (const label of ZONE_LABELS) {
        const value = volume?.metadata.labels?.[label];
        if (value !== undefined) wanted.push([label, new Set(value.split("__"))]);
      }
    }
    if (wanted.length === 0) return undefined;
    const rejection = reject(this.name, "node(s) had no available volume zone", true);
    return {
      filter: {
        filter: ({ node }) =>
          wanted.some(([label, values]) => !values.has(node.metadata.labels?.[label] ?? "")) ? rejection : undefined,
      },
    };
  },
};
