/** DefaultStorageClass, DefaultIngressClass and StorageObjectInUseProtection: what an object gets when it says nothing. */
import type { KubeObject } from "../../apimachinery/object";
import { forbiddenStatus } from "../../apimachinery/status";
import type { AdmissionPlugin } from "./plugin";

const isDefault = (object: KubeObject, ...annotations: string[]): boolean =>
  annotations.some((a) => object.metadata.annotations?.[a] === "true");

/** The newest wins among several; equal ages go by name. */
function newest(objects: readonly KubeObject[]): KubeObject | undefined {
  return [...objects].sort((a, b) =>
    a.metadata.creationTimestamp === b.metadata.creationTimestamp
      ? a.metadata.name < b.metadata.name
        ? -1
        : 1
      : a.metadata.creationTimestamp < b.metadata.creationTimestamp
        ? 1
        : -1,
  )[0];
}

export const defaultStorageClass: AdmissionPlugin = {
  name: "DefaultStorageClass",
  admit({ operation, resource, subresource, object }, { list }) {
    if (operation !== "CREATE" || resource.plural !== "persistentvolumeclaims" || subresource) return undefined;
    if (
      object.spec.storageClassName !== undefined ||
      object.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"]
    )
      return undefined;
    const classes = list("storage.k8s.io", "storageclasses").filter((c) =>
      isDefault(c, "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
    );
    const chosen = newest(classes);
    if (chosen) object.spec.storageClassName = chosen.metadata.name;
    return undefined;
  },
};

export const defaultIngressClass: AdmissionPlugin = {
  name: "DefaultIngressClass",
  admit({ operation, resource, subresource, object, name }, { list }) {
    if (operation !== "CREATE" || resource.plural !== "ingresses" || subresource || !object.spec) return undefined;
    if (object.spec.ingressClassName !== undefined || object.metadata.annotations?.["kubernetes.io/ingress.class"])
      return undefined;
    const classes = list("networking.k8s.io", "ingressclasses").filter((c) =>
      isDefault(c, "ingressclass.kubernetes.io/is-default-class"),
    );
    if (classes.length > 1) {
      return forbiddenStatus(
        { group: "networking.k8s.io", resource: "ingresses" },
        name,
        `${classes.length} default IngressClasses were found, only 1 allowed`,
      );
    }
    if (classes[0]) object.spec.ingressClassName = classes[0].metadata.name;
    return undefined;
  },
};

/** Claims and volumes in use are kept until nobody uses them. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit({ operation, resource, subresource, object }) {
    if (operation !== "CREATE" || subresource || resource.group !== "") return undefined;
    const finalizer =
      resource.plural === "persistentvolumeclaims"
        ? "kubernetes.io/pvc-protection"
        : resource.plural === "persistentvolumes"
          ? "kubernetes.io/pv-protection"
          : undefined;
    if (!finalizer || object.metadata.finalizers?.includes(finalizer)) return undefined;
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
    return undefined;
  },
};
