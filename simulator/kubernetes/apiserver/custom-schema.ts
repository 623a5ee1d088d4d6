/** Structural schemas of CRDs: as types for decoding and pruning, and as validation with upstream's messages. */
import { type FieldError, invalid, notSupported, required, typeInvalid } from "../apimachinery/field-path";
import type { Draft } from "../apimachinery/resource";
import type { FieldSchema, FieldType, StructType } from "../apimachinery/schema";
import { builtinSchema } from "../api/schema";

/** The root type: apiVersion, kind and metadata come with every object. */
export function structOfOpenApi(kind: string, schema: Draft): StructType {
  const struct = structOf(kind, schema);
  const fields = new Map(struct.fields);
  const plain = (name: string, type: FieldType): FieldSchema => ({
    name,
    element: `f:${name}`,
    type,
    patchStrategy: [],
    atomic: false,
  });
  fields.set("apiVersion", plain("apiVersion", { kind: "string" }));
  fields.set("kind", plain("kind", { kind: "string" }));
  fields.set("metadata", plain("metadata", { kind: "struct", struct: builtinSchema.struct("meta.v1.ObjectMeta") }));
  return { ...struct, fields };
}

function structOf(name: string, schema: Draft): StructType {
  const fields = new Map<string, FieldSchema>();
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, Draft>)) {
    fields.set(key, {
      name: key,
      element: `f:${key}`,
      type: typeOf(key, property),
      patchStrategy: [],
      atomic: property["x-kubernetes-map-type"] === "atomic",
      ...(property.default !== undefined ? { default: property.default } : {}),
      ...(property["x-kubernetes-list-type"] === "map" || property["x-kubernetes-list-type"] === "set"
        ? { listType: property["x-kubernetes-list-type"] }
        : {}),
      ...(property["x-kubernetes-list-map-keys"] ? { listMapKeys: property["x-kubernetes-list-map-keys"] } : {}),
    });
  }
  return {
    name,
    goType: name,
    fields,
    required: new Set<string>(schema.required ?? []),
    atomic: schema["x-kubernetes-map-type"] === "atomic",
    custom: true,
    open: schema["x-kubernetes-preserve-unknown-fields"] === true,
  };
}

/** Scalars stay "any": a wrong type is a validation error of a custom resource, not a decoding error. */
function typeOf(name: string, schema: Draft): FieldType {
  if (schema.properties) return { kind: "struct", struct: structOf(name, schema) };
  if (schema.type === "object" && !schema.additionalProperties && !schema["x-kubernetes-preserve-unknown-fields"]) {
    return { kind: "struct", struct: structOf(name, schema) };
  }
  if (typeof schema.additionalProperties === "object" && schema.additionalProperties.properties) {
    return { kind: "map", value: typeOf(name, schema.additionalProperties) };
  }
  if (schema.type === "array" && schema.items?.properties) return { kind: "list", element: typeOf(name, schema.items) };
  return { kind: "any" };
}

const jsonType = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "number"
        ? Number.isInteger(value)
          ? "integer"
          : "number"
        : typeof value;

/** kube-openapi's validation of an object against its schema. */
export function validateAgainst(schema: Draft, object: Draft): FieldError[] {
  const errors: FieldError[] = [];
  const { metadata: _m, ...rest } = object;
  check(schema, rest, "", errors);
  return errors;
}

function check(schema: Draft, value: unknown, path: string, errors: FieldError[]): void {
  if (value === undefined) return;
  const at = path || "<nil>";
  const type = jsonType(value);
  if (schema["x-kubernetes-int-or-string"]) {
    if (type !== "integer" && type !== "string")
      errors.push(typeInvalid(at, type, `${at} in body must be of type integer,string: ${JSON.stringify(type)}`));
    return;
  }
  if (schema.type && value === null && schema.nullable) return;
  if (schema.type && !(schema.type === type || (schema.type === "number" && type === "integer"))) {
    errors.push(typeInvalid(at, type, `${at} in body must be of type ${schema.type}: ${JSON.stringify(type)}`));
    return;
  }
  if (schema.enum && !schema.enum.some((e: unknown) => JSON.stringify(e) === JSON.stringify(value))) {
    errors.push(notSupported(at, value, schema.enum.map(String)));
  }
  if (typeof value === "number") {
    if (schema.minimum !== undefined && (schema.exclusiveMinimum ? value <= schema.minimum : value < schema.minimum)) {
      errors.push(
        invalid(
          at,
          value,
          `${at} in body should be greater than ${schema.exclusiveMinimum ? "" : "or equal to "}${schema.minimum}`,
        ),
      );
    }
    if (schema.maximum !== undefined && (schema.exclusiveMaximum ? value >= schema.maximum : value > schema.maximum)) {
      errors.push(
        invalid(
          at,
          value,
          `${at} in body should be less than ${schema.exclusiveMaximum ? "" : "or equal to "}${schema.maximum}`,
        ),
      );
    }
  }
  if (typeof value === "string") {
    if (schema.minLength !== undefined && value.length < schema.minLength)
      errors.push(invalid(at, value, `${at} in body should be at least ${schema.minLength} chars long`));
    if (schema.maxLength !== undefined && value.length > schema.maxLength) {
      errors.push({
        type: "FieldValueTooLong",
        field: at,
        body: `Too long: may not be more than ${schema.maxLength} bytes`,
      });
    }
    if (schema.pattern && !new RegExp(schema.pattern).test(value))
      errors.push(invalid(at, value, `${at} in body should match '${schema.pattern}'`));
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems)
      errors.push(invalid(at, value.length, `${at} in body should have at least ${schema.minItems} items`));
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      errors.push({
        type: "FieldValueTooMany",
        field: at,
        body: `Too many: ${value.length}: must have at most ${schema.maxItems} items`,
      });
    }
    if (schema.items) for (const [i, item] of value.entries()) check(schema.items, item, `${path}[${i}]`, errors);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const map = value as Draft;
  for (const name of schema.required ?? [])
    if (map[name] === undefined && name !== "metadata") errors.push(required(path ? `${path}.${name}` : name));
  for (const key of Object.keys(map)) {
    const child =
      schema.properties?.[key] ??
      (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
    if (child) check(child, map[key], path ? `${path}.${key}` : key, errors);
  }
}

/** Defaults of a structural schema, written into a draft. */
export function applySchemaDefaults(schema: Draft, value: Draft): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) applySchemaDefaults(schema.items, item);
    return;
  }
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, Draft>)) {
    if (value[key] === undefined && property.default !== undefined)
      value[key] = JSON.parse(JSON.stringify(property.default));
    if (value[key] !== undefined) applySchemaDefaults(property, value[key]);
  }
  if (typeof schema.additionalProperties === "object")
    for (const key of Object.keys(value)) applySchemaDefaults(schema.additionalProperties, value[key]);
}
