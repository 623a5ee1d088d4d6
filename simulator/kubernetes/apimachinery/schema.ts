/**
 * Structural types of API objects, read from the compact generated schema (or from a CRD): fields, what is required,
 * enums, and how lists merge. Decoding, patches, server-side apply and OpenAPI all read this one description.
 */
import { present } from "../../base/assert";

export type Primitive =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "float64"
  | "quantity"
  | "time"
  | "microTime"
  | "intOrString"
  | "bytes"
  | "any";

export type FieldType =
  | { readonly kind: Primitive }
  | { readonly kind: "list"; readonly element: FieldType }
  | { readonly kind: "map"; readonly value: FieldType }
  | { readonly kind: "struct"; readonly struct: StructType };

export interface FieldSchema {
  readonly name: string;
  /** `f:name`: the path element that managedFields write. */
  readonly element: string;
  readonly type: FieldType;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  /** `merge`, `retainKeys`, `replace`. */
  readonly patchStrategy: readonly string[];
  readonly mergeKey?: string;
  /** How server-side apply treats a list; absent is atomic. */
  readonly listType?: "map" | "set";
  readonly listMapKeys?: readonly string[];
  /** A map or struct that server-side apply owns as a whole. */
  readonly atomic: boolean;
}

export interface StructType {
  /** Go's name of the struct: `PodSpec`. */
  readonly name: string;
  /** As Go's errors write the type: `v1.PodSpec`. */
  readonly goType: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  readonly required: ReadonlySet<string>;
  readonly atomic: boolean;
  /** Of a CRD: members are kept as they were written. */
  readonly custom?: boolean;
  /** Keeps what the schema does not know (x-kubernetes-preserve-unknown-fields). */
  readonly open?: boolean;
}

/** The generated file's shape; see lib/tools/generate-kubernetes-schema.mjs. */
export interface SchemaData {
  readonly kinds: Readonly<Record<string, string>>;
  readonly types: Readonly<Record<string, TypeData>>;
  /** Printed columns of a resource: name, type, format, priority. */
  readonly columns: Readonly<Record<string, readonly (readonly [string, string, string, number])[]>>;
}

interface TypeData {
  readonly p: Readonly<Record<string, string | readonly [string, FieldOptions]>>;
  readonly r?: readonly string[];
  readonly a?: number;
}

interface FieldOptions {
  readonly d?: unknown;
  readonly e?: readonly string[];
  readonly s?: string;
  readonly k?: string;
  readonly l?: string;
  readonly m?: readonly string[];
  readonly a?: number;
}

const PRIMITIVES: Readonly<Record<string, Primitive>> = {
  s: "string",
  b: "bool",
  i: "int32",
  l: "int64",
  n: "float64",
  q: "quantity",
  t: "time",
  u: "microTime",
  x: "intOrString",
  y: "bytes",
  o: "any",
};

/** The types of a schema file, built when they are first asked for. */
export class SchemaSet {
  readonly data: SchemaData;
  readonly #structs = new Map<string, StructType>();

  constructor(data: SchemaData) {
    this.data = data;
  }

  /** The type with this id, e.g. `core.v1.PodSpec`. */
  struct(id: string): StructType {
    const known = this.#structs.get(id);
    if (known) return known;
    const data = present(this.data.types[id], `schema type ${id} exists`);
    const parts = id.split(".");
    const name = parts.at(-1)!;
    let fields: ReadonlyMap<string, FieldSchema> | undefined;
    const build = (): ReadonlyMap<string, FieldSchema> => this.#fields(data);
    const struct: StructType = {
      name,
      goType: `${parts.at(-2)}.${name}`,
      get fields() {
        fields ??= build();
        return fields;
      },
      required: new Set(data.r ?? []),
      atomic: data.a === 1,
    };
    this.#structs.set(id, struct);
    return struct;
  }

  has(id: string): boolean {
    return this.data.types[id] !== undefined;
  }

  #fields(data: TypeData): ReadonlyMap<string, FieldSchema> {
    const fields = new Map<string, FieldSchema>();
    for (const [name, spec] of Object.entries(data.p)) {
      const [type, options]: readonly [string, FieldOptions] = typeof spec === "string" ? [spec, {}] : spec;
      fields.set(name, {
        name,
        element: `f:${name}`,
        type: this.#type(type),
        default: options.d,
        enum: options.e,
        patchStrategy: options.s ? options.s.split(",") : [],
        mergeKey: options.k,
        listType: options.l as FieldSchema["listType"],
        listMapKeys: options.m,
        atomic: options.a === 1,
      });
    }
    return fields;
  }

  #type(text: string): FieldType {
    if (text.startsWith("[]")) return { kind: "list", element: this.#type(text.slice(2)) };
    if (text.startsWith("{}")) return { kind: "map", value: this.#type(text.slice(2)) };
    if (text.startsWith("@")) return { kind: "struct", struct: this.struct(text.slice(1)) };
    return { kind: present(PRIMITIVES[text], `primitive ${text}`) };
  }
}

/** Go's name of a type, for decoding errors: `int32`, `[]v1.Container`, `map[string]string`. */
export function goTypeName(type: FieldType): string {
  switch (type.kind) {
    case "struct":
      return type.struct.goType;
    case "list":
      return `[]${goTypeName(type.element)}`;
    case "map":
      return `map[string]${goTypeName(type.value)}`;
    case "quantity":
      return "resource.Quantity";
    case "intOrString":
      return "intstr.IntOrString";
    case "time":
      return "v1.Time";
    case "microTime":
      return "v1.MicroTime";
    case "bytes":
      return "[]uint8";
    case "any":
      return "interface {}";
    default:
      return type.kind;
  }
}
