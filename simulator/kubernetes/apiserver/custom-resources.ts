/** Custom resources: a CustomResourceDefinition becomes a served resource, with its schema, columns and subresources. */
import { rfc3339 } from "../../base/clock";
import type { Loop } from "../../base/loop";
import { translateTimestampSince } from "../apimachinery/age";
import type { KubeObject } from "../apimachinery/object";
import { ageColumn, nameColumn } from "../apimachinery/printing";
import { type Draft, defineResource, type ResourceDefinition, type ServedVersion } from "../apimachinery/resource";
import type { StructType } from "../apimachinery/schema";
import type { Scheme } from "../apimachinery/scheme";
import type { Cell, Column } from "../apimachinery/table";
import { evaluatePath } from "./printer-path";
import { applySchemaDefaults, structOfOpenApi, validateAgainst } from "./custom-schema";
import type { ResourceHooks } from "./registry";
import type { CacheEvent, ResourceStorage } from "./storage";

export interface CustomResourceDependencies {
  readonly scheme: Scheme;
  readonly definitions: ResourceStorage;
  readonly loop: Loop;
  addStorage(resource: ResourceDefinition): ResourceStorage;
  remove(resource: ResourceDefinition): void;
  /** Writes a definition's status. */
  establish(definition: KubeObject): void;
}

interface Served {
  readonly resource: ResourceDefinition;
  readonly storage: ResourceStorage;
  readonly structs: ReadonlyMap<string, StructType>;
}

const FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

export class CustomResources {
  readonly #d: CustomResourceDependencies;
  readonly #served = new Map<string, Served>();

  constructor(dependencies: CustomResourceDependencies) {
    this.#d = dependencies;
    dependencies.definitions.onEvent((event) => this.#changed(event));
    for (const definition of dependencies.definitions.list()) this.#serve(definition);
  }

  /** Definitions hold a finalizer until their objects are gone. */
  hooks(): readonly { readonly resource: ResourceDefinition; readonly hooks: ResourceHooks }[] {
    return [
      {
        resource: this.#d.definitions.resource,
        hooks: {
          beforeCreate: (draft) => {
            const finalizers = draft.metadata.finalizers ?? [];
            if (!finalizers.includes(FINALIZER)) draft.metadata.finalizers = [...finalizers, FINALIZER];
            return undefined;
          },
        },
      },
    ];
  }

  /** The schema that the definition itself gives for a version. */
  writtenSchema(resource: ResourceDefinition, version: string): Draft | undefined {
    const definition = this.#d.definitions.get("", `${resource.plural}.${resource.group}`);
    return definition?.spec.versions.find((each: Draft) => each.name === version)?.schema?.openAPIV3Schema;
  }

  structOf(resource: ResourceDefinition, version: string): StructType {
    for (const served of this.#served.values()) if (served.resource === resource) return served.structs.get(version)!;
    return {
      name: resource.kind,
      goType: resource.kind,
      fields: new Map(),
      required: new Set(),
      atomic: false,
      custom: true,
      open: true,
    };
  }

  #changed(event: CacheEvent): void {
    const { name } = event.object.metadata;
    if (event.type === "DELETED") {
      this.#withdraw(name);
      return;
    }
    const definition = event.object;
    const specChanged = event.previous?.spec !== definition.spec;
    if (specChanged) {
      // The new form replaces the old one; what is stored stays in etcd.
      this.#withdraw(name);
      this.#serve(definition);
    }
    if (!definition.status?.conditions?.some((c: Draft) => c.type === "Established")) {
      // Names are accepted and the kind is established a moment after the definition is written.
      this.#d.loop.soon(() => this.#establish(name));
    }
    if (definition.metadata.deletionTimestamp && !event.previous?.metadata.deletionTimestamp)
      this.#d.loop.soon(() => this.#cleanUp(name));
  }

  #withdraw(name: string): void {
    const served = this.#served.get(name);
    if (!served) return;
    this.#d.scheme.remove(served.resource);
    this.#d.remove(served.resource);
    this.#served.delete(name);
  }

  #establish(name: string): void {
    const definition = this.#d.definitions.get("", name);
    if (!definition) return;
    const at = rfc3339(this.#d.loop.now());
    const { plural, singular, kind, listKind, shortNames, categories } = definition.spec.names;
    this.#d.establish({
      ...definition,
      status: {
        ...definition.status,
        acceptedNames: {
          plural,
          singular,
          kind,
          listKind,
          ...(shortNames ? { shortNames } : {}),
          ...(categories ? { categories } : {}),
        },
        conditions: [
          {
            type: "NamesAccepted",
            status: "True",
            lastTransitionTime: at,
            reason: "NoConflicts",
            message: "no conflicts found",
          },
          {
            type: "Established",
            status: "True",
            lastTransitionTime: at,
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted",
          },
        ],
        storedVersions:
          definition.status?.storedVersions ??
          definition.spec.versions.filter((v: Draft) => v.storage).map((v: Draft) => v.name),
      },
    });
  }

  /** Objects go before their definition does. Their deletion is the server's own doing (the CRD finalizer). */
  onCleanUp: ((resource: ResourceDefinition) => boolean) | undefined;

  #cleanUp(name: string): void {
    const definition = this.#d.definitions.get("", name);
    if (!definition?.metadata.deletionTimestamp) return;
    const served = this.#served.get(name);
    const done = !served || (this.onCleanUp?.(served.resource) ?? true);
    if (!done) {
      this.#d.loop.after(1000, () => this.#cleanUp(name));
      return;
    }
    this.onFinalize?.(name, FINALIZER);
  }

  /** Takes the finalizer from the definition. */
  onFinalize: ((name: string, finalizer: string) => void) | undefined;

  #serve(definition: KubeObject): void {
    const { group, names, scope, versions } = definition.spec;
    const storageVersion = versions.find((v: Draft) => v.storage);
    if (!storageVersion) return;
    const structs = new Map<string, StructType>();
    for (const version of versions as Draft[]) {
      structs.set(
        version.name,
        structOfOpenApi(
          names.kind,
          version.schema?.openAPIV3Schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        ),
      );
    }
    const otherVersions: ServedVersion[] = (versions as Draft[])
      .filter((v) => v.served && v !== storageVersion)
      .map((v) => ({
        group,
        version: v.name,
        schema: "",
        fromStored: (object: KubeObject) => ({ ...object, apiVersion: `${group}/${v.name}` }),
        toStored: (draft: Draft) => draft,
      }));
    const subresources = storageVersion.subresources ?? {};
    const schema = storageVersion.schema?.openAPIV3Schema;
    const resource = defineResource<KubeObject>({
      group,
      version: storageVersion.name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      namespaced: scope === "Namespaced",
      schema: "",
      subresources: [...(subresources.scale ? ["scale"] : []), ...(subresources.status ? ["status"] : [])],
      ...(subresources.scale
        ? {
            scale: {
              specReplicas: subresources.scale.specReplicasPath,
              statusReplicas: subresources.scale.statusReplicasPath,
              ...(subresources.scale.labelSelectorPath ? { labelSelector: subresources.scale.labelSelectorPath } : {}),
            },
          }
        : {}),
      hasGeneration: true,
      allowUnconditionalUpdate: false,
      otherVersions,
      selectableFields: Object.fromEntries(
        (storageVersion.selectableFields ?? []).map((f: Draft) => [
          f.jsonPath.replace(/^\./, ""),
          (o: KubeObject) => String(evaluatePath(o, f.jsonPath) ?? ""),
        ]),
      ),
      defaults: (draft) => {
        if (schema) applySchemaDefaults(schema, draft);
      },
      prepareForCreate: (draft) => {
        if (subresources.status) delete draft.status;
      },
      validate: (object) => (schema ? validateAgainst(schema, object) : []),
      validateStatusUpdate: (object) => (schema ? validateAgainst(schema, object) : []),
      columns: columnsOf(storageVersion.additionalPrinterColumns),
    });
    if (!storageVersion.served) return;
    this.#d.scheme.add(resource);
    this.#served.set(definition.metadata.name, { resource, storage: this.#d.addStorage(resource), structs });
  }
}

function columnsOf(extra: readonly Draft[] | undefined): Column[] {
  if (!extra?.length) return [nameColumn, ageColumn];
  return [
    nameColumn,
    ...extra.map(
      (definition): Column => ({
        name: definition.name,
        type: definition.type === "date" ? "string" : definition.type,
        ...(definition.format ? { format: definition.format } : {}),
        priority: definition.priority ?? 0,
        cell: (object, now): Cell => {
          const value = evaluatePath(object, definition.jsonPath);
          if (value === undefined || value === null) return definition.type === "date" ? "<unknown>" : null;
          if (definition.type === "date") return translateTimestampSince(String(value), now);
          return typeof value === "object" ? JSON.stringify(value) : (value as Cell);
        },
      }),
    ),
  ];
}
