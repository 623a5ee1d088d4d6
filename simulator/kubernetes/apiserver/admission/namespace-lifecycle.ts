/** NamespaceLifecycle: nothing is made in a namespace that does not exist or goes away; three are never deleted. */
import { forbiddenStatus, notFound, statusFailure } from "../../apimachinery/status";
import type { AdmissionPlugin } from "./plugin";

const IMMORTAL = ["default", "kube-system", "kube-public"];

export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  admit({ operation, resource, namespace, name, subresource, user }, { get }) {
    if (resource.plural === "namespaces" && resource.group === "") {
      if (operation === "DELETE" && IMMORTAL.includes(name)) {
        return forbiddenStatus({ group: "", resource: "namespaces" }, name, "this namespace may not be deleted");
      }
      return undefined;
    }
    if (operation !== "CREATE" || !resource.namespaced || subresource) return undefined;
    const object = get("", "namespaces", "", namespace);
    if (!object) {
      // The bootstrap writes into namespaces that it has just made.
      return user.name === "system:apiserver" && IMMORTAL.includes(namespace)
        ? undefined
        : notFound({ group: "", resource: "namespaces" }, namespace);
    }
    if (object.status?.phase !== "Terminating") return undefined;
    const refused = forbiddenStatus(
      { group: resource.group, resource: resource.plural },
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
    return statusFailure(403, "Forbidden", refused.message!, {
      ...refused.details,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    });
  },
};
