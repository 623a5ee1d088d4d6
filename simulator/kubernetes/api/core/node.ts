/** Nodes. */
import { ageColumn, column, nameColumn, wide } from "../../apimachinery/printing";
import { type FieldError, invalid } from "../../apimachinery/field-path";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { labelValue, qualifiedName } from "../../apimachinery/validation";
import type { Node } from "../types.generated";

export type { Node, NodeCondition, NodeSpec, NodeStatus, Taint } from "../types.generated";

const ROLE_PREFIX = "node-role.kubernetes.io/";

export const node = defineResource<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  namespaced: false,
  schema: "core.v1.Node",
  subresources: ["proxy", "status"],
  keepsStatusOnCreate: true,
  selectableFields: { "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false) },
  defaults(draft) {
    draft.spec ??= {};
  },
  prepareForCreate: (draft) => {
    draft.status ??= {};
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    const seen = new Set<string>();
    (spec.taints ?? []).forEach((taint: Draft, i: number) => {
      const at = `metadata.taints[${i}]`;
      for (const message of qualifiedName(taint.key ?? "")) errors.push(invalid(`${at}.key`, taint.key ?? "", message));
      for (const message of labelValue(taint.value ?? "")) errors.push(invalid(`${at}.value`, taint.value, message));
      const key = `${taint.key}:${taint.effect}`;
      if (seen.has(key))
        errors.push({
          type: "FieldValueDuplicate",
          field: `${at}`,
          body: `Duplicate value: ${JSON.stringify(taint)}: taints must be unique by key and effect pair`,
        });
      seen.add(key);
    });
    return errors;
  },
  columns: [
    nameColumn,
    column<Node>("Status", statusOf),
    column<Node>("Roles", rolesOf),
    ageColumn,
    column<Node>("Version", ({ status }) => status.nodeInfo?.kubeletVersion ?? ""),
    column<Node>("Internal-IP", (n) => addressOf(n, "InternalIP"), wide),
    column<Node>("External-IP", (n) => addressOf(n, "ExternalIP"), wide),
    column<Node>("OS-Image", ({ status }) => status.nodeInfo?.osImage || "<unknown>", wide),
    column<Node>("Kernel-Version", ({ status }) => kernelOf(status.nodeInfo), wide),
    column<Node>("Container-Runtime", ({ status }) => status.nodeInfo?.containerRuntimeVersion || "<unknown>", wide),
  ],
});

function statusOf({ spec, status }: Node): string {
  const ready = status.conditions?.find((c) => c.type === "Ready");
  const words = [ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown"];
  if (spec.unschedulable) words.push("SchedulingDisabled");
  return words.join(",");
}

function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role" && value) roles.add(value);
  }
  return [...roles].sort().join(",") || "<none>";
}

const addressOf = ({ status }: Node, type: string): string =>
  status.addresses?.find((a) => a.type === type)?.address || "<none>";

/** `6.1.0-37-amd64 (amd64)`: since 1.36 the architecture stands behind the release. */
function kernelOf(info: Node["status"]["nodeInfo"]): string {
  if (!info?.kernelVersion) return "<unknown>";
  return info.architecture ? `${info.kernelVersion} (${info.architecture})` : info.kernelVersion;
}
