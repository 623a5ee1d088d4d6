/** Describes PersistentVolumes, PersistentVolumeClaims and StorageClasses. */
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, stringOrNone, writeAnnotations, writeLabels, type Writer } from "./page";

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const modesText = (modes: readonly string[] | undefined): string =>
  (modes ?? []).map((mode) => MODES[mode] ?? mode).join(",");

export const persistentVolumeDescriber: Describer = {
  group: "",
  kind: "PersistentVolume",
  *describe(w, volume, context) {
    const { metadata, spec, status = {} } = volume;
    w.write(0, `Name:\t${metadata.name}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(" ")}]\n`);
    w.write(0, `StorageClass:\t${spec.storageClassName ?? ""}\n`);
    w.write(0, `Status:\t${metadata.deletionTimestamp ? "Terminating" : (status.phase ?? "")}\n`);
    const claim = spec.claimRef;
    w.write(0, `Claim:\t${claim ? `${claim.namespace}/${claim.name}` : ""}\n`);
    w.write(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ""}\n`);
    w.write(0, `Access Modes:\t${modesText(spec.accessModes)}\n`);
    if (spec.volumeMode) w.write(0, `VolumeMode:\t${spec.volumeMode}\n`);
    w.write(0, `Capacity:\t${spec.capacity?.storage ?? ""}\n`);
    writeAffinity(w, spec.nodeAffinity);
    w.write(0, `Message:\t${status.message ?? ""}\n`);
    w.write(0, "Source:\n");
    if (spec.hostPath) {
      w.write(
        2,
        `Type:\tHostPath (bare host directory volume)\n    Path:\t${spec.hostPath.path}\n    HostPathType:\t${spec.hostPath.type ?? ""}\n`,
      );
    } else if (spec.nfs) {
      w.write(
        2,
        `Type:\tNFS (an NFS mount that lasts the lifetime of a pod)\n    Server:\t${spec.nfs.server}\n    Path:\t${spec.nfs.path}\n    ReadOnly:\t${spec.nfs.readOnly === true}\n`,
      );
    } else if (spec.local)
      w.write(
        2,
        `Type:\tLocalVolume (a persistent volume backed by local storage on a node)\n    Path:\t${spec.local.path}\n`,
      );
    else if (spec.csi) {
      w.write(
        2,
        `Type:\tCSI (a Container Storage Interface (CSI) volume source)\n    Driver:\t${spec.csi.driver}\n    FSType:\t${spec.csi.fsType ?? ""}\n    VolumeHandle:\t${spec.csi.volumeHandle}\n    ReadOnly:\t${spec.csi.readOnly === true}\n`,
      );
    } else w.write(1, "<unknown>\n");
    writeEvents(w, context.events, context.now);
  },
};

function writeAffinity(w: Writer, affinity: Part): void {
  const terms: readonly Part[] | undefined = affinity?.required?.nodeSelectorTerms;
  if (!affinity) {
    w.write(0, "Node Affinity:\t<none>\n");
    return;
  }
  w.write(0, "Node Affinity:\t\n");
  if (!terms?.length) {
    w.write(1, "Required Terms:\t<none>\n");
    return;
  }
  w.write(1, "Required Terms:\t\n");
  terms.forEach((term, i) => {
    const text = (term.matchExpressions ?? []).map(
      (each: Part) => `${each.key} ${String(each.operator).toLowerCase()} [${(each.values ?? []).join(", ")}]`,
    );
    w.write(2, `Term ${i}:\t${text.join("\n\t") || "<none>"}\n`);
  });
}

export const claimDescriber: Describer = {
  group: "",
  kind: "PersistentVolumeClaim",
  *describe(w, claim, context) {
    const { metadata, spec, status = {} } = claim;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    w.write(
      0,
      `StorageClass:\t${spec.storageClassName ?? metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? ""}\n`,
    );
    w.write(
      0,
      `Status:\t${metadata.deletionTimestamp ? `Terminating (lasts ${metadata.deletionTimestamp})` : (status.phase ?? "")}\n`,
    );
    w.write(0, `Volume:\t${spec.volumeName ?? ""}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(" ")}]\n`);
    const isBound = Boolean(spec.volumeName);
    w.write(0, `Capacity:\t${isBound ? (status.capacity?.storage ?? "") : ""}\n`);
    w.write(0, `Access Modes:\t${isBound ? modesText(status.accessModes) : ""}\n`);
    if (spec.volumeMode) w.write(0, `VolumeMode:\t${spec.volumeMode}\n`);
    const pods = (yield* context.list(`/api/v1/namespaces/${metadata.namespace}/pods`)) as readonly Part[];
    const users = pods.filter((pod) =>
      (pod.spec.volumes ?? []).some((volume: Part) => volume.persistentVolumeClaim?.claimName === metadata.name),
    );
    if (users.length === 0) w.write(0, "Used By:\t<none>\n");
    users.forEach((pod, i) => {
      w.write(0, `${i === 0 ? "Used By:" : ""}\t${pod.metadata.name}\n`);
    });
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n");
      w.write(1, "----\t------\t-----------------\t------------------\t------\t-------\n");
      for (const each of status.conditions)
        w.write(
          1,
          `${each.type} \t${each.status} \t${each.lastProbeTime} \t${each.lastTransitionTime} \t${each.reason} \t${each.message}\n`,
        );
    }
    writeEvents(w, context.events, context.now);
  },
};

export const storageClassDescriber: Describer = {
  group: "storage.k8s.io",
  kind: "StorageClass",
  *describe(w, storage, context) {
    const { metadata } = storage;
    w.write(0, `Name:\t${metadata.name}\n`);
    const isDefault = metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true";
    w.write(0, `IsDefaultClass:\t${isDefault ? "Yes" : "No"}\n`);
    const list = (map: Readonly<Record<string, string>> | undefined): string =>
      stringOrNone(
        Object.keys(map ?? {})
          .sort()
          .map((key) => `${key}=${map![key]}`)
          .join(","),
      );
    w.write(0, `Annotations:\t${list(metadata.annotations)}\n`);
    w.write(0, `Provisioner:\t${storage.provisioner}\n`);
    w.write(0, `Parameters:\t${list(storage.parameters)}\n`);
    w.write(
      0,
      `AllowVolumeExpansion:\t${storage.allowVolumeExpansion === undefined ? "<unset>" : storage.allowVolumeExpansion ? "True" : "False"}\n`,
    );
    if (!storage.mountOptions?.length) w.write(0, "MountOptions:\t<none>\n");
    else {
      w.write(0, "MountOptions:\n");
      for (const option of storage.mountOptions) w.write(1, `${option}\n`);
    }
    w.write(0, `ReclaimPolicy:\t${storage.reclaimPolicy ?? ""}\n`);
    w.write(0, `VolumeBindingMode:\t${storage.volumeBindingMode ?? ""}\n`);
    writeEvents(w, context.events, context.now);
  },
};
