/** Volumes on describe's pages. */
import type { Part, Writer } from "./page";

export function writeVolumes(w: Writer, volumes: readonly Part[] | undefined, space: string): void {
  if (!volumes || volumes.length === 0) {
    w.write(0, `${space}Volumes:\t<none>\n`);
    return;
  }
  w.write(0, `${space}Volumes:\n`);
  for (const volume of volumes) {
    w.write(1, `${space ? " " : ""}${volume.name}:\n`);
    writeSource(w, volume);
  }
}

const field = (w: Writer, name: string, value: unknown): void => w.write(2, `${name}:\t${value ?? ""}\n`);

function writeSource(w: Writer, volume: Part): void {
  if (volume.hostPath) {
    field(w, "Type", "HostPath (bare host directory volume)");
    field(w, "Path", volume.hostPath.path);
    field(w, "HostPathType", volume.hostPath.type ?? "<none>");
  } else if (volume.emptyDir) {
    field(w, "Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
    field(w, "Medium", volume.emptyDir.medium ?? "");
    field(w, "SizeLimit", volume.emptyDir.sizeLimit ?? "<unset>");
  } else if (volume.secret) {
    field(w, "Type", "Secret (a volume populated by a Secret)");
    field(w, "SecretName", volume.secret.secretName);
    field(w, "Optional", volume.secret.optional === true);
  } else if (volume.configMap) {
    field(w, "Type", "ConfigMap (a volume populated by a ConfigMap)");
    field(w, "Name", volume.configMap.name);
    field(w, "Optional", volume.configMap.optional === true);
  } else if (volume.persistentVolumeClaim) {
    field(w, "Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)");
    field(w, "ClaimName", volume.persistentVolumeClaim.claimName);
    field(w, "ReadOnly", volume.persistentVolumeClaim.readOnly === true);
  } else if (volume.projected) writeProjected(w, volume.projected);
  else if (volume.downwardAPI) {
    field(w, "Type", "DownwardAPI (a volume populated by information about the pod)");
    w.write(2, "Items:\n");
    for (const item of volume.downwardAPI.items ?? []) {
      if (item.fieldRef) w.write(3, `${item.fieldRef.fieldPath} -> ${item.path}\n`);
      else w.write(3, `${item.resourceFieldRef?.resource} -> ${item.path}\n`);
    }
  } else if (volume.nfs) {
    field(w, "Type", "NFS (an NFS mount that lasts the lifetime of a pod)");
    field(w, "Server", volume.nfs.server);
    field(w, "Path", volume.nfs.path);
    field(w, "ReadOnly", volume.nfs.readOnly === true);
  } else if (volume.image) {
    field(w, "Type", "Image (a container image or OCI artifact)");
    field(w, "Reference", volume.image.reference);
    field(w, "PullPolicy", volume.image.pullPolicy);
  } else if (volume.csi) {
    field(w, "Type", "CSI (a Container Storage Interface (CSI) volume source)");
    field(w, "Driver", volume.csi.driver);
    field(w, "FSType", volume.csi.fsType);
    field(w, "ReadOnly", volume.csi.readOnly === true);
  } else if (volume.ephemeral) {
    field(
      w,
      "Type",
      "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
    );
  } else w.write(1, "<unknown>\n");
}

function writeProjected(w: Writer, projected: Part): void {
  field(w, "Type", "Projected (a volume that contains injected data from multiple sources)");
  for (const source of projected.sources ?? []) {
    if (source.secret) {
      field(w, "SecretName", source.secret.name);
      field(w, "Optional", source.secret.optional === true);
    } else if (source.downwardAPI) field(w, "DownwardAPI", true);
    else if (source.configMap) {
      field(w, "ConfigMapName", source.configMap.name);
      field(w, "Optional", source.configMap.optional === true);
    } else if (source.serviceAccountToken)
      field(w, "TokenExpirationSeconds", source.serviceAccountToken.expirationSeconds);
  }
}
