/**
 * defineResource: all that the API machinery knows of one kind, in one value: names, scope, subresources, defaults,
 * validation, strategy and printed columns. The registry is generic; kinds are data.
 */
import type { Instant } from "../../base/clock";
import type { FieldError } from "./field-path";
import type { KubeObject } from "./object";
import type { Column } from "./table";

/** An object while the server still works on it: thawed, of a kind that generic code does not know. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type Draft = any;

export type NameRule = "dns-subdomain" | "dns-label" | "dns-1035-label" | "path-segment";

/** What a strategy may know of the request it serves. */
export interface StrategyContext {
  readonly now: Instant;
  readonly user: { readonly name: string; readonly uid?: string; readonly groups: readonly string[] };
  readonly subresource?: string;
}

export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** Where the selector stands: a LabelSelector, a plain map, or text. */
  readonly labelSelector?: string;
}

/** Another group or version under which the same stored objects are served. */
export interface ServedVersion {
  readonly group: string;
  readonly version: string;
  /** Type in the generated schema, e.g. `autoscaling.v1.HorizontalPodAutoscaler`. */
  readonly schema: string;
  /** Stored form to served form. */
  fromStored(object: KubeObject): KubeObject;
  /** Served form (a draft) to stored form. */
  toStored(draft: Draft): Draft;
}

// biome-ignore lint/suspicious/noExplicitAny: shelves hold definitions of every kind together.
export interface ResourceDefinition<T extends KubeObject = any> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** `status`, `scale`, `log`, …: what discovery lists as `pods/log`. */
  readonly subresources: readonly string[];
  readonly verbs: readonly string[];
  /** Type in the generated schema; "" for custom kinds. */
  readonly schema: string;
  readonly otherVersions: readonly ServedVersion[];
  readonly nameRule: NameRule;
  /** Whether `metadata.generation` counts changes of what is not status. */
  readonly hasGeneration: boolean;
  /** Whether `status` belongs to the status subresource alone. */
  readonly hasStatus: boolean;
  /** Of nodes, which register with a status: a create keeps it. */
  readonly keepsStatusOnCreate?: boolean;
  readonly scale?: ScalePaths;
  /** Of Deployments, whose generation also counts changes of annotations. */
  readonly generationCountsAnnotations?: boolean;
  /** Whether an update may come without a resourceVersion. */
  readonly allowUnconditionalUpdate: boolean;
  /** Member of spec that is a time, renewed again and again by the object's holder; no admission plugin looks at that. */
  readonly heartbeat?: string;
  /** Whether a PUT of an unknown name creates it. */
  readonly allowCreateOnUpdate: boolean;
  /** Kinds whose update is judged by validateUpdate alone. */
  readonly validateUpdateOnly?: boolean;
  /** What becomes of dependents when the client does not say; absent is Background. */
  readonly defaultPropagation?: "Orphan" | "Background";
  readonly columns: readonly Column<T>[];
  /** Fields that a fieldSelector may name, besides metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string>>;
  /** Fills in what the API defaults, on a decoded draft. */
  defaults?(draft: Draft): void;
  /** Before validation of a create: clears what clients may not set, sets what the server sets. */
  prepareForCreate?(draft: Draft, context: StrategyContext): void;
  /** Before validation of an update; `old` is frozen. */
  prepareForUpdate?(draft: Draft, old: T, context: StrategyContext): void;
  validate?(object: T): FieldError[];
  validateUpdate?(object: T, old: T): FieldError[];
  /** Of an update through `status`. */
  validateStatusUpdate?(object: T, old: T): FieldError[];
  /** Told to every client that uses the kind, in the `Warning` header. */
  readonly deprecation?: string;
  /** Warnings about one object, on create. */
  warnings?(object: T): readonly string[];
  /**
   * Graceful deletion: the grace period in seconds for this object, given what the client asked for. Absent: kinds
   * that go at once.
   */
  gracePeriod?(object: T, requested: number | undefined): number;
}

type Optional =
  | "singular"
  | "shortNames"
  | "categories"
  | "subresources"
  | "verbs"
  | "otherVersions"
  | "nameRule"
  | "hasGeneration"
  | "hasStatus"
  | "allowCreateOnUpdate"
  | "allowUnconditionalUpdate"
  | "selectableFields";

export const ALL_VERBS: readonly string[] = Object.freeze([
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
]);

/** Completes a definition with what most kinds share. */
export function defineResource<T extends KubeObject>(
  definition: Omit<ResourceDefinition<T>, Optional> & Partial<Pick<ResourceDefinition<T>, Optional>>,
): ResourceDefinition<T> {
  const subresources = definition.subresources ?? [];
  return {
    singular: definition.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    otherVersions: [],
    nameRule: "dns-subdomain",
    hasGeneration: false,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: true,
    selectableFields: {},
    ...definition,
    subresources,
    hasStatus: definition.hasStatus ?? subresources.includes("status"),
  };
}
