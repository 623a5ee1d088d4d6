/** What a list or watch asks for: label and field selectors, read once and applied to many objects. */
import { failure, ok, type Result } from "../../base/result";
import { type FieldSelector, fieldsMatch, parseFieldSelector } from "../apimachinery/fields";
import { EVERYTHING, matches, parseSelector, type Selector } from "../apimachinery/labels";
import type { KubeObject, Status } from "../apimachinery/object";
import type { ResourceDefinition } from "../apimachinery/resource";
import { badRequest } from "../apimachinery/status";

export interface Selection {
  readonly labels: Selector;
  readonly fields: FieldSelector;
  readonly isEverything: boolean;
  matches(object: KubeObject): boolean;
  /** The value that a field must have, if the selector says so. */
  exact(field: string): string | undefined;
}

export function selection(
  resource: ResourceDefinition,
  labelText: string,
  fieldText: string,
): Result<Selection, Status> {
  let labels = EVERYTHING;
  if (labelText) {
    const parsed = parseSelector(labelText);
    if (!parsed.ok) return failure(badRequest(parsed.error));
    labels = parsed.value;
  }
  let fields: FieldSelector = [];
  if (fieldText) {
    const parsed = parseFieldSelector(fieldText);
    if (!parsed.ok) return failure(badRequest(parsed.error));
    fields = parsed.value;
    for (const { field } of fields) {
      if (field === "metadata.name" || (field === "metadata.namespace" && resource.namespaced)) continue;
      if (resource.selectableFields[field]) continue;
      return failure(badRequest(unsupportedField(resource, field)));
    }
  }
  const read = (object: KubeObject) => (field: string) => {
    if (field === "metadata.name") return object.metadata.name;
    if (field === "metadata.namespace") return object.metadata.namespace ?? "";
    return resource.selectableFields[field]!(object);
  };
  const anyLabels = labels.requirements.length > 0;
  const anyFields = fields.length > 0;
  return ok({
    labels,
    fields,
    isEverything: !anyLabels && !anyFields,
    matches: (object) =>
      (!anyLabels || matches(labels, object.metadata.labels)) && (!anyFields || fieldsMatch(fields, read(object))),
    exact: (name) => fields.find((f) => f.field === name && f.operator === "=")?.value,
  });
}

/** Kinds with a conversion function of their own name themselves; the others use the generic text. */
function unsupportedField(resource: ResourceDefinition, field: string): string {
  const own: Readonly<Record<string, string>> = {
    pods: `field label not supported: ${field}`,
    nodes: `field label not supported: ${field}`,
    replicationcontrollers: `field label not supported: ${field}`,
    events: `field label not supported: ${field}`,
    namespaces: `field label not supported: ${field}`,
    secrets: `field label not supported: ${field}`,
    services: `field label not supported: ${field}`,
    jobs: `field label ${JSON.stringify(field)} not supported for batchv1.Job`,
  };
  const grouped: Readonly<Record<string, string>> = {
    deployments: "appsv1.Deployment",
    statefulsets: "appsv1.StatefulSet",
    daemonsets: "appsv1.DaemonSet",
    replicasets: "appsv1.ReplicaSet",
    controllerrevisions: "appsv1.ControllerRevision",
  };
  if (grouped[resource.plural]) return `field label not supported for ${grouped[resource.plural]}: ${field}`;
  return (
    (Object.keys(resource.selectableFields).length > 0 || resource.group === "" ? own[resource.plural] : undefined) ??
    `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
  );
}
