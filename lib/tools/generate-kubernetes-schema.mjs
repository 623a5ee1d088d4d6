/**
 * Writes the simulator's compact Kubernetes schema and its TypeScript types from what a real API server answered at
 * /openapi. Run: node lib/tools/generate-kubernetes-schema.mjs FOLDER (with openapi-v2.json.gz, openapi-v3-*.json.gz
 * and table-columns.json). Facts only: names, types, required fields, defaults, enums, formats, merge and list keys.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node lib/tools/generate-kubernetes-schema.mjs FOLDER");
  process.exit(2);
}
const readJson = (name) => {
  const bytes = readFileSync(join(folder, name));
  return JSON.parse((name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
};

const definitions = readJson("openapi-v2.json.gz").definitions;
const v3 = {};
for (const name of readdirSync(folder).sort()) {
  if (!/^openapi-v3-.*-v\d.*\.json\.gz$/.test(name)) continue;
  Object.assign(v3, readJson(name).components.schemas);
}

/** `io.k8s.api.core.v1.Pod` becomes `core.v1.Pod`. */
const shortId = (name) => name.split(".").slice(-3).join(".");

const primitives = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "t",
  "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "u",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
  "io.k8s.apimachinery.pkg.runtime.RawExtension": "o",
  "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "o",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "o",
};

function typeOf(schema) {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref) {
    const name = ref.slice(ref.lastIndexOf("/") + 1);
    if (primitives[name]) return primitives[name];
    const target = definitions[name];
    // JSON, JSONSchemaPropsOrBool and their like have no structure that OpenAPI can state.
    if (!target.properties && target.type !== "object") return target.type === "string" ? "s" : "o";
    if (!target.properties && !target.additionalProperties)
      return target["x-kubernetes-group-version-kind"] ? "o" : `@${shortId(name)}`;
    return `@${shortId(name)}`;
  }
  switch (schema.type) {
    case "array":
      return `[]${typeOf(schema.items)}`;
    case "object":
      return schema.additionalProperties ? `{}${typeOf(schema.additionalProperties)}` : "o";
    case "integer":
      return schema.format === "int64" ? "l" : "i";
    case "number":
      return "n";
    case "boolean":
      return "b";
    case "string":
      return schema.format === "byte" ? "y" : "s";
    default:
      return "o";
  }
}

const isEmptyDefault = (value) =>
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && Object.keys(value ?? {}).length === 0);

const types = {};
const kinds = {};
for (const name of Object.keys(definitions).sort()) {
  const definition = definitions[name];
  const id = shortId(name);
  for (const gvk of definition["x-kubernetes-group-version-kind"] ?? []) {
    if (definition["x-kubernetes-group-version-kind"].length > 1) continue; // DeleteOptions, WatchEvent: known to every group
    kinds[`${gvk.group ? `${gvk.group}/` : ""}${gvk.version}/${gvk.kind}`] = id;
  }
  if (!definition.properties) {
    if (definition.type === "object" && !primitives[name]) types[id] = { p: {} };
    continue;
  }
  const fields = {};
  for (const [field, schema] of Object.entries(definition.properties)) {
    const options = {};
    const fallback = v3[name]?.properties?.[field]?.default;
    if (!isEmptyDefault(fallback)) options.d = fallback;
    const enumeration = schema.enum ?? schema.items?.enum;
    if (enumeration) options.e = enumeration;
    const strategy = schema["x-kubernetes-patch-strategy"];
    if (strategy) options.s = strategy;
    if (schema["x-kubernetes-patch-merge-key"]) options.k = schema["x-kubernetes-patch-merge-key"];
    const listType = schema["x-kubernetes-list-type"];
    if (listType && listType !== "atomic") options.l = listType;
    if (schema["x-kubernetes-list-map-keys"]) options.m = schema["x-kubernetes-list-map-keys"];
    if (schema["x-kubernetes-map-type"] === "atomic") options.a = 1;
    const type = typeOf(schema);
    fields[field] = Object.keys(options).length > 0 ? [type, options] : type;
  }
  const type = { p: fields };
  if (definition.required) type.r = definition.required;
  if (definition["x-kubernetes-map-type"] === "atomic") type.a = 1;
  if (definition["x-kubernetes-unions"])
    type.u = definition["x-kubernetes-unions"].map((u) => [
      u.discriminator ?? "",
      Object.keys(u["fields-to-discriminateBy"] ?? {}),
    ]);
  types[id] = type;
}

/** Column name, type, format and priority; the descriptions stay behind. */
const columns = {};
for (const [resource, list] of Object.entries(readJson("table-columns.json"))) {
  columns[resource] = list.map((c) => [c.name, c.type, c.format, c.priority]);
}

const schemaText = JSON.stringify({ kinds, types, columns });
writeFileSync("simulator/kubernetes/api/schema.generated.json", `${schemaText}\n`);
console.log(
  `schema: ${Object.keys(types).length} types, ${schemaText.length} bytes, ${gzipSync(schemaText).length} gzipped`,
);

// --- TypeScript -----------------------------------------------------------------------------------------------------

/** Names that two groups share: the less usual one takes its group as a prefix. */
const prefixes = {
  "events.v1": "Events",
  "discovery.v1.EndpointPort": "Discovery",
  "storage.v1.TokenRequest": "Storage",
  "autoscaling.v1": "AutoscalingV1",
  "apiregistration.v1.ServiceReference": "APIService",
  "apiextensions.v1.ServiceReference": "CustomResourceDefinition",
  "admissionregistration.v1.ServiceReference": "Webhook",
  "admissionregistration.v1.WebhookClientConfig": "Admission",
  "flowcontrol.v1": "Flow",
  "rbac.v1.Subject": "",
  "resource.v1": "DRA",
  "apiextensions.v1.WebhookClientConfig": "CustomResourceDefinition",
};
const handWritten = new Set([
  "ObjectMeta",
  "OwnerReference",
  "ManagedFieldsEntry",
  "Status",
  "StatusDetails",
  "StatusCause",
  "ListMeta",
  "WatchEvent",
  "Info",
]);
const skipGroups = /^(flowcontrol|resource|admissionregistration)\.v1\./;
const seen = new Map();
const tsName = (id) => {
  const last = id.split(".").at(-1);
  const prefix = prefixes[id] ?? prefixes[id.split(".").slice(0, 2).join(".")] ?? "";
  return last.startsWith(prefix) ? last : prefix + last;
};
const topLevel = new Set(Object.values(kinds));

function tsType(type, options, owner) {
  if (type.startsWith("[]")) return `readonly ${wrap(tsType(type.slice(2), options, owner))}[]`;
  if (type.startsWith("{}")) return `Readonly<Record<string, ${tsType(type.slice(2), {}, owner)}>>`;
  if (type.startsWith("@")) {
    const name = tsName(type.slice(1));
    if (name === "ObjectMeta") return topLevel.has(owner) ? "ObjectMeta" : "Partial<ObjectMeta>";
    return name;
  }
  if (options.e) return options.e.map((v) => JSON.stringify(v)).join(" | ");
  return {
    s: "string",
    y: "string",
    q: "string",
    t: "string",
    u: "string",
    b: "boolean",
    i: "number",
    l: "number",
    n: "number",
    x: "number | string",
    o: "Json",
  }[type];
}
const wrap = (text) => (text.includes("|") ? `(${text})` : text);

const lines = [
  "/** The API's types, generated by lib/tools/generate-kubernetes-schema.mjs from a real server's OpenAPI. Do not edit. */",
  'import type { Json } from "../../base/json";',
  'import type { KubeObject, ListMeta, ObjectMeta, StatusDetails } from "../apimachinery/object";',
  "",
];
for (const [id, type] of Object.entries(types)) {
  const name = tsName(id);
  if (skipGroups.test(id) || handWritten.has(name) || /^[a-z]/.test(name)) continue;
  if (name.endsWith("List") && type.p.items && type.p.metadata) continue;
  if (/^meta\.v1\.(API|Group|Server)/.test(id)) continue;
  if (seen.has(name)) throw new Error(`two types named ${name}: ${id} and ${seen.get(name)}`);
  seen.set(name, id);
  const isTop = topLevel.has(id) && type.p.metadata;
  lines.push(`export interface ${name}${isTop ? " extends KubeObject" : ""} {`);
  for (const [field, spec] of Object.entries(type.p)) {
    const [kind, options] = Array.isArray(spec) ? spec : [spec, {}];
    if (isTop && (field === "apiVersion" || field === "kind")) continue;
    const required = type.r?.includes(field) || (isTop && ["metadata", "spec", "status"].includes(field));
    const key = /^[A-Za-z_]\w*$/.test(field) ? field : JSON.stringify(field);
    lines.push(`  readonly ${key}${required ? "" : "?"}: ${tsType(kind, options, id)};`);
  }
  lines.push("}", "");
}
writeFileSync("simulator/kubernetes/api/types.generated.ts", `${lines.join("\n")}`);
console.log(`types: ${seen.size} interfaces, ${lines.length} lines`);
