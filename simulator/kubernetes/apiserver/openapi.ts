/** /openapi/v3: the schema as OpenAPI, enough for explain and strict validation, and /openapi/v2. kubectl adds what fields mean. */
import type { ApiRequest, ApiResponse } from "../../base/door";
import type { JsonObject } from "../../base/json";
import { fnv1a } from "../../base/hash";
import { builtinSchema, structOfKind } from "../api/schema";
import { formatApiVersion } from "../apimachinery/group-version-kind";
import type { ResourceDefinition } from "../apimachinery/resource";
import type { Scheme } from "../apimachinery/scheme";
import type { FieldSchema, FieldType, StructType } from "../apimachinery/schema";

const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const HEADERS = Object.freeze({ "content-type": "application/json" });

/** The schema of a custom kind, as its definition has it. */
export type WrittenSchema = (resource: ResourceDefinition, version: string) => JsonObject | undefined;

export function openApi(request: ApiRequest, scheme: Scheme, written: WrittenSchema): ApiResponse | undefined {
  const path = request.path.replace(/\/+$/, "");
  if (path === "/openapi/v2") return { status: 200, headers: HEADERS, body: swagger(scheme, written) };
  if (path === "/openapi/v3") {
    const paths: Record<string, unknown> = {};
    for (const groupVersion of scheme.groupVersions()) {
      const name = groupVersion.includes("/") ? `apis/${groupVersion}` : `api/${groupVersion}`;
      const kinds = scheme.servedIn(groupVersion).map((s) => s.resource.kind);
      paths[name] = {
        serverRelativeURL: `/openapi/v3/${name}?hash=${fnv1a(`${name}${kinds.join()}`).toString(16).toUpperCase()}`,
      };
    }
    return { status: 200, headers: HEADERS, body: { paths } };
  }
  const m = /^\/openapi\/v3\/(?:api\/(v\d+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (!m) return undefined;
  const groupVersion = m[1] ?? `${m[2]}/${m[3]}`;
  if (!scheme.groupVersions().includes(groupVersion)) return undefined;
  return { status: 200, headers: HEADERS, body: documentOf(scheme, groupVersion, written) };
}

/** The older form: every group in one document. */
function swagger(scheme: Scheme, written: WrittenSchema): unknown {
  const definitions: Record<string, unknown> = {};
  for (const groupVersion of scheme.groupVersions())
    Object.assign(definitions, documentOf(scheme, groupVersion, written).components.schemas);
  const sorted = Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: "v1.36.2" },
    paths: {},
    definitions: JSON.parse(JSON.stringify(sorted).replaceAll("#/components/schemas/", "#/definitions/")),
  };
}

interface Document {
  readonly openapi: string;
  readonly info: unknown;
  readonly paths: unknown;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** What a definition leaves unsaid of every object. */
function withObjectMembers(schema: JsonObject, add: AddStruct): JsonObject {
  const metadata = builtinSchema.struct("meta.v1.ObjectMeta");
  const id = idOf(metadata);
  add(metadata, id);
  return {
    ...schema,
    properties: {
      ...(schema.properties as JsonObject | undefined),
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { allOf: [{ $ref: `#/components/schemas/${id}` }] },
    },
  };
}

function documentOf(scheme: Scheme, groupVersion: string, written: WrittenSchema): Document {
  const schemas: Record<string, unknown> = {
    [QUANTITY]: { oneOf: [{ type: "string" }, { type: "number" }] },
    [INT_OR_STRING]: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  };
  const paths: Record<string, unknown> = {};
  const add = (struct: StructType, id: string, gvk?: unknown): void => {
    if (schemas[id]) return;
    const properties: Record<string, unknown> = {};
    const entry: Record<string, unknown> = {
      type: "object",
      properties,
      ...(struct.required.size > 0 ? { required: [...struct.required] } : {}),
    };
    if (gvk) entry["x-kubernetes-group-version-kind"] = [gvk];
    schemas[id] = entry;
    for (const field of struct.fields.values()) properties[field.name] = propertyOf(field, add);
  };
  for (const { resource, group, version, conversion } of scheme.servedIn(groupVersion)) {
    const gvk = { group, version, kind: resource.kind };
    const struct = structOfKind(formatApiVersion(group, version), resource.kind);
    const id = struct
      ? fullId(conversion?.schema ?? resource.schema)
      : `${group.split(".").reverse().join(".")}.${version}.${resource.kind}`;
    if (struct) add(struct, id, gvk);
    else
      schemas[id] = {
        ...withObjectMembers(written(resource, version) ?? { type: "object" }, add),
        "x-kubernetes-group-version-kind": [gvk],
      };
    const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
    const collection = `${base}${resource.namespaced ? "/namespaces/{namespace}" : ""}/${resource.plural}`;
    const parameters = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
      name,
      in: "query",
      schema: { type: "string", uniqueItems: true },
    }));
    const operation = (action: string): unknown => ({
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
      parameters,
      responses: {
        200: { description: "OK", content: { "application/json": { schema: { $ref: `#/components/schemas/${id}` } } } },
      },
    });
    paths[collection] = { get: operation("list"), post: operation("post") };
    paths[`${collection}/{name}`] = {
      get: operation("get"),
      put: operation("put"),
      patch: operation("patch"),
      delete: operation("delete"),
    };
  }
  return { openapi: "3.0.0", info: { title: "Kubernetes", version: "v1.36.2" }, paths, components: { schemas } };
}

/** `core.v1.Pod` becomes `io.k8s.api.core.v1.Pod`. */
function fullId(id: string): string {
  if (id.startsWith("meta.v1.")) return `io.k8s.apimachinery.pkg.apis.${id}`;
  if (id.startsWith("apiextensions.v1.")) return `io.k8s.apiextensions-apiserver.pkg.apis.${id}`;
  if (id.startsWith("apiregistration.v1.")) return `io.k8s.kube-aggregator.pkg.apis.${id}`;
  return `io.k8s.api.${id}`;
}

const ids = new Map<StructType, string>();

/** The full name of a built-in type. */
function idOf(struct: StructType): string {
  if (ids.size === 0)
    for (const id of Object.keys(builtinSchema.data.types)) ids.set(builtinSchema.struct(id), fullId(id));
  return ids.get(struct) ?? struct.name;
}

type AddStruct = (struct: StructType, id: string) => void;

function propertyOf(field: FieldSchema, add: AddStruct): Record<string, unknown> {
  const property = typeOf(field.type, add);
  if (field.default !== undefined) property.default = field.default;
  if (field.enum) {
    if (field.type.kind === "list") (property.items as Record<string, unknown>).enum = field.enum;
    else property.enum = field.enum;
  }
  if (field.patchStrategy.length > 0) property["x-kubernetes-patch-strategy"] = field.patchStrategy.join(",");
  if (field.mergeKey) property["x-kubernetes-patch-merge-key"] = field.mergeKey;
  if (field.type.kind === "list") property["x-kubernetes-list-type"] = field.listType ?? "atomic";
  if (field.listMapKeys) property["x-kubernetes-list-map-keys"] = field.listMapKeys;
  if (field.atomic) property["x-kubernetes-map-type"] = "atomic";
  return property;
}

function typeOf(type: FieldType, add: AddStruct): Record<string, unknown> {
  switch (type.kind) {
    case "struct": {
      const id = idOf(type.struct);
      add(type.struct, id);
      return { allOf: [{ $ref: `#/components/schemas/${id}` }] };
    }
    case "list":
      return { type: "array", items: typeOf(type.element, add) };
    case "map":
      return { type: "object", additionalProperties: typeOf(type.value, add) };
    case "bool":
      return { type: "boolean" };
    case "int32":
    case "int64":
      return { type: "integer", format: type.kind };
    case "float64":
      return { type: "number", format: "double" };
    case "intOrString":
      return { allOf: [{ $ref: `#/components/schemas/${INT_OR_STRING}` }] };
    case "time":
    case "microTime":
      return { type: "string", format: "date-time" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "any":
      return { type: "object" };
    case "quantity":
      return { allOf: [{ $ref: `#/components/schemas/${QUANTITY}` }] };
    case "string":
      return { type: "string" };
  }
}
