/** local-path-provisioner: a directory on the Pod's node for each claim of its StorageClass. */
import type { PersistentVolumeClaim } from "../api/types.generated";
import { Component, type Run } from "../client/component";
import { EventRecorder } from "../client/event-recorder";
import { PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES } from "../client/resources";
import { keyOf } from "../client/resource-type";

const PROVISIONER = "rancher.io/local-path";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
const SELECTED_NODE = "volume.kubernetes.io/selected-node";
const DIRECTORY = "/opt/local-path-provisioner";
/** A helper Pod makes the directory: that takes a while. */
const HELPER_MS = 2500;

export class LocalPathProvisioner extends Component {
  readonly name = "local-path-provisioner";

  protected lead({ scope, client, informers, random }: Run): void {
    const claims = informers.informer(PERSISTENT_VOLUME_CLAIMS);
    const volumes = informers.informer(PERSISTENT_VOLUMES);
    const classes = informers.informer(STORAGE_CLASSES);
    const busy = new Set<string>();
    const recorder = new EventRecorder({
      client,
      clock: scope,
      component: `${PROVISIONER}_local-path-provisioner-${random.suffix(10)}-${random.suffix(5)}_${random.uuid()}`,
    });

    const consider = (claim: PersistentVolumeClaim): void => {
      const key = keyOf(claim);
      if (busy.has(key) || claim.spec.volumeName || claim.status?.phase === "Bound" || claim.metadata.deletionTimestamp)
        return;
      const storageClass = claim.spec.storageClassName ? classes.cache.get(claim.spec.storageClassName) : undefined;
      if (storageClass?.provisioner !== PROVISIONER) return;
      const node = claim.metadata.annotations?.[SELECTED_NODE];
      if (node === undefined) return;
      busy.add(key);
      recorder.event(claim, "Normal", "Provisioning", `External provisioner is provisioning volume for claim "${key}"`);
      if (claim.spec.accessModes?.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany")) {
        busy.delete(key);
        recorder.event(
          claim,
          "Warning",
          "ProvisioningFailed",
          `failed to provision volume with StorageClass "${storageClass.metadata.name}": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes`,
        );
        return;
      }
      scope.after(HELPER_MS, () => {
        busy.delete(key);
        const latest = claims.cache.get(key);
        if (!latest || latest.metadata.uid !== claim.metadata.uid || latest.spec.volumeName) return;
        const name = `pvc-${claim.metadata.uid}`;
        const path = `${DIRECTORY}/${name}_${claim.metadata.namespace}_${claim.metadata.name}`;
        const created = client.create(PERSISTENT_VOLUMES, {
          metadata: {
            name,
            annotations: { [PROVISIONED_BY]: PROVISIONER, "local.path.provisioner/selected-node": node },
            finalizers: ["kubernetes.io/pv-protection"],
          },
          spec: {
            capacity: { storage: claim.spec.resources?.requests?.["storage"] ?? "1Gi" },
            accessModes: claim.spec.accessModes ?? ["ReadWriteOnce"],
            persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
            storageClassName: storageClass.metadata.name,
            volumeMode: claim.spec.volumeMode ?? "Filesystem",
            hostPath: { path, type: "DirectoryOrCreate" },
            claimRef: {
              apiVersion: "v1",
              kind: "PersistentVolumeClaim",
              namespace: claim.metadata.namespace ?? "",
              name: claim.metadata.name,
              uid: claim.metadata.uid,
              resourceVersion: latest.metadata.resourceVersion,
            },
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
                ],
              },
            },
          },
        });
        if (created.ok)
          recorder.event(claim, "Normal", "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
        else
          recorder.event(
            claim,
            "Warning",
            "ProvisioningFailed",
            created.error.message ?? "failed to create the volume",
          );
      });
    };
    claims.handle({ added: consider, updated: consider });
    // A class may come after its claims.
    classes.handle({
      added: () => {
        for (const claim of claims.cache.list()) consider(claim);
      },
    });
    volumes.handle({
      updated: (volume) => {
        if (volume.metadata.annotations?.[PROVISIONED_BY] !== PROVISIONER || volume.status?.phase !== "Released")
          return;
        if (
          volume.spec.persistentVolumeReclaimPolicy !== "Delete" ||
          volume.metadata.deletionTimestamp ||
          busy.has(volume.metadata.name)
        )
          return;
        busy.add(volume.metadata.name);
        scope.after(HELPER_MS, () => {
          busy.delete(volume.metadata.name);
          client.delete(PERSISTENT_VOLUMES, { name: volume.metadata.name });
        });
      },
    });
    informers.start();
  }
}
