/** ServiceAccount: a Pod gets an account, and a volume with the account's token. */
import type { Draft } from "../../apimachinery/resource";
import { forbiddenStatus } from "../../apimachinery/status";
import type { AdmissionPlugin } from "./plugin";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

export const serviceAccount: AdmissionPlugin = {
  name: "ServiceAccount",
  admit({ operation, resource, subresource, object, namespace, name }, { get, random }) {
    if (operation !== "CREATE" || resource.plural !== "pods" || resource.group !== "" || subresource) return undefined;
    const pod = { group: "", resource: "pods" };
    // A mirror of a static Pod has no account of its own.
    if (object.metadata.annotations?.["kubernetes.io/config.mirror"]) {
      return object.spec.serviceAccountName
        ? forbiddenStatus(pod, name, "a mirror pod may not reference service accounts")
        : undefined;
    }
    const { spec } = object;
    spec.serviceAccountName ||= "default";
    spec.serviceAccount = spec.serviceAccountName;
    const account = get("", "serviceaccounts", namespace, spec.serviceAccountName);
    if (!account) {
      return forbiddenStatus(
        pod,
        name,
        `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
      );
    }
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
      mountToken(spec, () => `kube-api-access-${random.suffix(5)}`);
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
      spec.imagePullSecrets = account.imagePullSecrets.map((s: { name: string }) => ({ name: s.name }));
    }
    return undefined;
  },
};

function mountToken(spec: Draft, volumeName: () => string): void {
  let volume: string | undefined;
  for (const list of [spec.initContainers, spec.containers]) {
    for (const container of list ?? []) {
      if (container.volumeMounts?.some((m: { mountPath: string }) => m.mountPath === MOUNT_PATH)) continue;
      volume ??= volumeName();
      (container.volumeMounts ??= []).push({ name: volume, readOnly: true, mountPath: MOUNT_PATH });
    }
  }
  if (!volume) return;
  (spec.volumes ??= []).push({
    name: volume,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
      defaultMode: 420,
    },
  });
}
