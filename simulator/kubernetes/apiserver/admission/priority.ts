/** Priority: the number behind a Pod's priorityClassName, and the class that is meant when none is named. */
import { forbiddenStatus } from "../../apimachinery/status";
import type { AdmissionPlugin } from "./plugin";

export const priority: AdmissionPlugin = {
  name: "Priority",
  admit({ operation, resource, subresource, object, name }, { get, list }) {
    if (operation !== "CREATE" || resource.plural !== "pods" || resource.group !== "" || subresource) return undefined;
    const { spec } = object;
    let value = 0;
    let preemptionPolicy = "PreemptLowerPriority";
    let className: string | undefined = spec.priorityClassName;
    let found = className ? get("scheduling.k8s.io", "priorityclasses", "", className) : undefined;
    if (className && !found) {
      return forbiddenStatus(
        { group: "", resource: "pods" },
        name,
        `no PriorityClass with name ${className} was found`,
      );
    }
    if (!className) {
      // Of several global defaults the lowest counts.
      for (const candidate of list("scheduling.k8s.io", "priorityclasses")) {
        if (candidate.globalDefault && (!found || candidate.value < found.value)) found = candidate;
      }
      className = found?.metadata.name;
    }
    if (found) {
      value = found.value ?? 0;
      preemptionPolicy = found.preemptionPolicy ?? preemptionPolicy;
      spec.priorityClassName = className;
    }
    if (spec.priority !== undefined && spec.priority !== value) {
      return forbiddenStatus(
        { group: "", resource: "pods" },
        name,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    }
    spec.priority = value;
    spec.preemptionPolicy ??= preemptionPolicy;
    return undefined;
  },
  validate({ operation, resource, object, name }, { list }) {
    if (resource.plural !== "priorityclasses" || operation === "DELETE" || !object?.globalDefault) return undefined;
    const other = list("scheduling.k8s.io", "priorityclasses").find(
      (pc) => pc.globalDefault && pc.metadata.name !== name,
    );
    return other
      ? forbiddenStatus(
          { group: "scheduling.k8s.io", resource: "priorityclasses" },
          name,
          `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
        )
      : undefined;
  },
};
