/**
 * Kinds that are stored and printed, but that nothing here acts upon: they have the generic rules of the registry and
 * no more. (Device claims are not allocated, webhooks are not called, flow control queues nothing.)
 */
import type { KubeObject } from "../apimachinery/object";
import { ageColumn, column, nameColumn } from "../apimachinery/printing";
import { type Draft, defineResource, type ResourceDefinition } from "../apimachinery/resource";
import type { Column } from "../apimachinery/table";

interface Minor {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly schema: string;
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly string[];
  readonly hasGeneration?: boolean;
  readonly nameRule?: ResourceDefinition["nameRule"];
  readonly columns?: readonly Column[];
  readonly afterAge?: readonly Column[];
  /** Kinds without a printer of their own show when they were made. */
  readonly printsCreation?: boolean;
  readonly defaults?: (draft: Draft) => void;
}

const createdAtColumn: Column = {
  name: "Created At",
  type: "date",
  cell: (object) => object.metadata.creationTimestamp,
};

const minor = (m: Minor): ResourceDefinition =>
  defineResource<KubeObject>({
    version: "v1",
    namespaced: false,
    ...m,
    columns: [nameColumn, ...(m.columns ?? []), m.printsCreation ? createdAtColumn : ageColumn, ...(m.afterAge ?? [])],
  });

const text = (name: string, cell: (o: Draft) => string): Column => column(name, cell);
const integer = (name: string, cell: (o: Draft) => number): Column => column(name, cell, { type: "integer" });
const flag = (name: string, cell: (o: Draft) => boolean): Column => column(name, cell, { type: "boolean" });

const ADMISSION = "admissionregistration.k8s.io";
const EXTENSIONS = ["api-extensions"];
const paramRef = text("ParamRef", ({ spec }) =>
  spec?.paramRef?.name
    ? `${spec.paramRef.namespace ? `${spec.paramRef.namespace}/` : "*/"}${spec.paramRef.name}`
    : "<unset>",
);
const paramKind = text("ParamKind", ({ spec }) =>
  spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : "<unset>",
);

export const admissionKinds: readonly ResourceDefinition[] = [
  minor({
    group: ADMISSION,
    kind: "MutatingAdmissionPolicy",
    plural: "mutatingadmissionpolicies",
    schema: "admissionregistration.v1.MutatingAdmissionPolicy",
    categories: EXTENSIONS,
    hasGeneration: true,
    columns: [integer("Mutations", ({ spec }) => spec?.mutations?.length ?? 0), paramKind],
  }),
  minor({
    group: ADMISSION,
    kind: "MutatingAdmissionPolicyBinding",
    plural: "mutatingadmissionpolicybindings",
    schema: "admissionregistration.v1.MutatingAdmissionPolicyBinding",
    categories: EXTENSIONS,
    hasGeneration: true,
    columns: [text("PolicyName", ({ spec }) => spec?.policyName ?? ""), paramRef],
  }),
  minor({
    group: ADMISSION,
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    schema: "admissionregistration.v1.MutatingWebhookConfiguration",
    categories: EXTENSIONS,
    hasGeneration: true,
    columns: [integer("Webhooks", (o) => o.webhooks?.length ?? 0)],
  }),
  minor({
    group: ADMISSION,
    kind: "ValidatingAdmissionPolicy",
    plural: "validatingadmissionpolicies",
    schema: "admissionregistration.v1.ValidatingAdmissionPolicy",
    categories: EXTENSIONS,
    subresources: ["status"],
    hasGeneration: true,
    columns: [integer("Validations", ({ spec }) => spec?.validations?.length ?? 0), paramKind],
  }),
  minor({
    group: ADMISSION,
    kind: "ValidatingAdmissionPolicyBinding",
    plural: "validatingadmissionpolicybindings",
    schema: "admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    categories: EXTENSIONS,
    hasGeneration: true,
    columns: [text("PolicyName", ({ spec }) => spec?.policyName ?? ""), paramRef],
  }),
  minor({
    group: ADMISSION,
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    schema: "admissionregistration.v1.ValidatingWebhookConfiguration",
    categories: EXTENSIONS,
    hasGeneration: true,
    columns: [integer("Webhooks", (o) => o.webhooks?.length ?? 0)],
  }),
];

export const apiService = minor({
  group: "apiregistration.k8s.io",
  kind: "APIService",
  plural: "apiservices",
  // Names end in the group, and the core group's is empty: `v1.`.
  nameRule: "path-segment",
  schema: "apiregistration.v1.APIService",
  categories: EXTENSIONS,
  subresources: ["status"],
  columns: [
    text("Service", ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : "Local")),
    text("Available", ({ status }) => {
      const condition = status?.conditions?.find((c: Draft) => c.type === "Available");
      if (!condition) return "Unknown";
      return condition.status === "True" ? "True" : `${condition.status} (${condition.reason})`;
    }),
  ],
});

const FLOW = "flowcontrol.apiserver.k8s.io";
const dash = (value: unknown): string => (value === undefined ? "<none>" : String(value));

export const flowControlKinds: readonly ResourceDefinition[] = [
  minor({
    group: FLOW,
    kind: "FlowSchema",
    plural: "flowschemas",
    schema: "flowcontrol.v1.FlowSchema",
    subresources: ["status"],
    hasGeneration: true,
    columns: [
      text("PriorityLevel", ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ""),
      text("MatchingPrecedence", ({ spec }) => dash(spec?.matchingPrecedence)),
      text("DistinguisherMethod", ({ spec }) => dash(spec?.distinguisherMethod?.type)),
    ],
    afterAge: [
      text("MissingPL", ({ status }) => {
        const dangling = status?.conditions?.find((c: Draft) => c.type === "Dangling");
        return dangling ? dangling.status : "?";
      }),
    ],
  }),
  minor({
    group: FLOW,
    kind: "PriorityLevelConfiguration",
    plural: "prioritylevelconfigurations",
    schema: "flowcontrol.v1.PriorityLevelConfiguration",
    subresources: ["status"],
    hasGeneration: true,
    columns: [
      text("Type", ({ spec }) => spec?.type ?? ""),
      text("NominalConcurrencyShares", ({ spec }) => dash(spec?.limited?.nominalConcurrencyShares)),
      text("Queues", ({ spec }) => dash(spec?.limited?.limitResponse?.queuing?.queues)),
      text("HandSize", ({ spec }) => dash(spec?.limited?.limitResponse?.queuing?.handSize)),
      text("QueueLengthLimit", ({ spec }) => dash(spec?.limited?.limitResponse?.queuing?.queueLengthLimit)),
    ],
  }),
];

export const runtimeClass = minor({
  group: "node.k8s.io",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  schema: "node.v1.RuntimeClass",
  columns: [text("Handler", (o) => o.handler ?? "")],
});

const DEVICES = "resource.k8s.io";

export const deviceKinds: readonly ResourceDefinition[] = [
  minor({
    group: DEVICES,
    kind: "DeviceClass",
    plural: "deviceclasses",
    schema: "resource.v1.DeviceClass",
    hasGeneration: true,
  }),
  minor({
    group: DEVICES,
    kind: "ResourceClaim",
    plural: "resourceclaims",
    schema: "resource.v1.ResourceClaim",
    namespaced: true,
    subresources: ["binding", "status"],
    columns: [text("State", ({ status }) => (status?.allocation ? "allocated" : "pending"))],
  }),
  minor({
    group: DEVICES,
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    schema: "resource.v1.ResourceClaimTemplate",
    namespaced: true,
  }),
  minor({
    group: DEVICES,
    kind: "ResourceSlice",
    plural: "resourceslices",
    schema: "resource.v1.ResourceSlice",
    hasGeneration: true,
    columns: [
      text("Node", ({ spec }) => spec?.nodeName ?? "<none>"),
      text("Driver", ({ spec }) => spec?.driver ?? ""),
      text("Pool", ({ spec }) => spec?.pool?.name ?? ""),
    ],
  }),
];

const STORAGE = "storage.k8s.io";

export const storageKinds: readonly ResourceDefinition[] = [
  minor({
    group: STORAGE,
    kind: "CSIDriver",
    plural: "csidrivers",
    schema: "storage.v1.CSIDriver",
    defaults: (draft) => {
      draft.spec ??= {};
      if (Object.isFrozen(draft.spec)) return;
      draft.spec.attachRequired ??= true;
      draft.spec.podInfoOnMount ??= false;
      draft.spec.storageCapacity ??= false;
      draft.spec.volumeLifecycleModes ??= ["Persistent"];
      draft.spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
      draft.spec.requiresRepublish ??= false;
    },
    columns: [
      flag("AttachRequired", ({ spec }) => spec?.attachRequired ?? true),
      flag("PodInfoOnMount", ({ spec }) => spec?.podInfoOnMount ?? false),
      flag("StorageCapacity", ({ spec }) => spec?.storageCapacity ?? false),
      text(
        "TokenRequests",
        ({ spec }) => (spec?.tokenRequests ?? []).map((t: Draft) => t.audience).join(",") || "<unset>",
      ),
      flag("RequiresRepublish", ({ spec }) => spec?.requiresRepublish ?? false),
      text("Modes", ({ spec }) => (spec?.volumeLifecycleModes ?? []).join(",") || "<none>"),
    ],
  }),
  minor({
    group: STORAGE,
    kind: "CSINode",
    plural: "csinodes",
    schema: "storage.v1.CSINode",
    columns: [integer("Drivers", ({ spec }) => spec?.drivers?.length ?? 0)],
  }),
  minor({
    group: STORAGE,
    kind: "CSIStorageCapacity",
    plural: "csistoragecapacities",
    schema: "storage.v1.CSIStorageCapacity",
    printsCreation: true,
    namespaced: true,
  }),
];

export const volumeKinds: readonly ResourceDefinition[] = [
  minor({
    group: STORAGE,
    kind: "VolumeAttachment",
    plural: "volumeattachments",
    schema: "storage.v1.VolumeAttachment",
    subresources: ["status"],
    columns: [
      text("Attacher", ({ spec }) => spec?.attacher ?? ""),
      text("PV", ({ spec }) => spec?.source?.persistentVolumeName ?? ""),
      text("Node", ({ spec }) => spec?.nodeName ?? ""),
      flag("Attached", ({ status }) => status?.attached ?? false),
    ],
  }),
  minor({
    group: STORAGE,
    kind: "VolumeAttributesClass",
    plural: "volumeattributesclasses",
    schema: "storage.v1.VolumeAttributesClass",
    shortNames: ["vac"],
    columns: [text("DriverName", (o) => o.driverName ?? "")],
  }),
];
