/** Ephemeral volume controller (claims for generic ephemeral volumes) and attach/detach, as far as volumes need it. */
import { deepEqual } from "../../base/json";
import { isAlreadyExists, isNamespaceTerminating } from "../client/client";
import { defineController } from "../client/controller";
import { newControllerRef } from "../client/controller-ref";
import { keyOf } from "../client/resource-type";
import { NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, VOLUME_ATTACHMENTS } from "../client/resources";
import { sha256Hex } from "../../base/hash";
import type { Bytes } from "../../base/bytes";
import { isPodTerminal } from "./pods";

export const ephemeralVolumeController = defineController({
  name: "ephemeral-volume-controller",
  setup(context) {
    const recorder = context.recorderAs("ephemeral_volume");
    const claims = context.informer(PERSISTENT_VOLUME_CLAIMS).cache;
    const pods = context.watch(PODS, (pod, _old, isDeleted) =>
      !isDeleted && pod.spec.volumes?.some((volume) => volume.ephemeral) ? [keyOf(pod)] : [],
    ).cache;
    return {
      reconcile(key) {
        const pod = pods.get(key);
        if (!pod || pod.metadata.deletionTimestamp) return undefined;
        for (const volume of pod.spec.volumes ?? []) {
          const template = volume.ephemeral?.volumeClaimTemplate;
          const name = `${pod.metadata.name}-${volume.name}`;
          if (!template || claims.get(`${pod.metadata.namespace}/${name}`)) continue;
          const created = context.client.create(PERSISTENT_VOLUME_CLAIMS, {
            metadata: {
              ...template.metadata,
              name,
              namespace: pod.metadata.namespace!,
              ownerReferences: [newControllerRef(pod, PODS)],
            },
            spec: template.spec,
          });
          if (created.ok || isAlreadyExists(created.error) || isNamespaceTerminating(created.error)) continue;
          const message = `ephemeral volume ${volume.name}: create PVC ${name}: ${created.error.message}`;
          recorder.event(pod, "Warning", "EphemeralVolumeFailed", message);
          return { error: created.error };
        }
        return undefined;
      },
    };
  },
});

/** VolumeAttachments for CSI volumes; what a node holds itself (hostPath, local, nfs) needs none. */
export const attachDetachController = defineController({
  name: "persistentvolume-attach-detach-controller",
  serviceAccount: "attachdetach-controller",
  workers: 1,
  setup(context) {
    const { client, recorder } = context;
    const claims = context.informer(PERSISTENT_VOLUME_CLAIMS).cache;
    const volumes = context.informer(PERSISTENT_VOLUMES).cache;
    const nodes = context.informer(NODES).cache;
    const attachments = context.watch(VOLUME_ATTACHMENTS, ({ spec }) => [spec.nodeName]).cache;
    const pods = context.watch(PODS, (pod) =>
      pod.spec.nodeName && pod.spec.volumes?.some((v) => v.persistentVolumeClaim ?? v.ephemeral)
        ? [pod.spec.nodeName]
        : [],
    ).cache;
    pods.addIndex("node", (pod) => [pod.spec.nodeName ?? ""]);
    return {
      reconcile(nodeName) {
        const wanted = new Map<string, { readonly attacher: string; readonly volume: string; readonly pod: string }>();
        for (const pod of pods.byIndex("node", nodeName)) {
          if (isPodTerminal(pod)) continue;
          for (const volume of pod.spec.volumes ?? []) {
            const claimName =
              volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${pod.metadata.name}-${volume.name}`);
            const claim = claimName ? claims.get(`${pod.metadata.namespace}/${claimName}`) : undefined;
            const bound = volumes.get(claim?.spec.volumeName ?? "");
            const csi = bound?.spec.csi;
            if (!bound || !csi) continue;
            const hash = sha256Hex(`${csi.volumeHandle}${csi.driver}${nodeName}` as Bytes);
            wanted.set(`csi-${hash}`, { attacher: csi.driver, volume: bound.metadata.name, pod: keyOf(pod) });
          }
        }
        for (const attachment of [...attachments.list()]) {
          if (attachment.spec.nodeName !== nodeName) continue;
          if (!wanted.has(attachment.metadata.name)) client.delete(VOLUME_ATTACHMENTS, attachment.metadata);
        }
        if (!nodes.get(nodeName)) return undefined;
        for (const [name, { attacher, volume, pod }] of wanted) {
          const known = attachments.get(name);
          if (known?.status?.attached) {
            continue;
          }
          if (!known) {
            const created = client.create(VOLUME_ATTACHMENTS, {
              metadata: { name },
              spec: { attacher, nodeName, source: { persistentVolumeName: volume } },
            });
            if (!created.ok && !isAlreadyExists(created.error)) return { error: created.error };
            continue;
          }
          // The driver's external attacher is played here: attaching always succeeds.
          const status = { attached: true };
          if (deepEqual(known.status, status)) continue;
          const written = client.updateStatus(VOLUME_ATTACHMENTS, { ...known, status });
          const user = pods.get(pod);
          if (written.ok && user) {
            recorder.event(
              user,
              "Normal",
              "SuccessfulAttachVolume",
              `AttachVolume.Attach succeeded for volume "${volume}" `,
            );
          }
        }
        return undefined;
      },
    };
  },
});
