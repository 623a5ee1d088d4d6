/**
 * Decodes a client's plain object as a Kubernetes type: checks JSON types with Go's messages, finds unknown fields,
 * normalises quantities and drops what Go's omitempty would not write back. The result is a thawed copy, except that
 * top-level parts and parts of status which are the stored ones are shared as they are.
 */
import { parseRfc3339, rfc3339 } from "../../base/clock";
import type { Draft } from "./resource";
import { type FieldSchema, type FieldType, goTypeName, type StructType } from "./schema";
import { canonicalQuantity, parseQuantity, QUANTITY_SYNTAX } from "./quantity";

export interface Decoded {
  readonly draft: Draft;
  /** Paths of fields the type does not have. */
  readonly unknown: readonly string[];
  /** Why it cannot be decoded at all. */
  readonly error?: string;
}

/** `old` is the stored object, when there is one. */
export function decodeObject(value: unknown, struct: StructType, old?: unknown): Decoded {
  const decoder = new Decoder();
  try {
    if (!isMap(value))
      throw new DecodeError(`json: cannot unmarshal ${goKind(value)} into Go value of type ${struct.goType}`);
    return { draft: decoder.root(value, struct, isMap(old) ? old : undefined), unknown: decoder.unknown };
  } catch (error) {
    if (error instanceof DecodeError) return { draft: undefined, unknown: [], error: error.message };
    throw error;
  }
}

type Plain = Record<string, unknown>;

/** Unwinds to decodeObject; never leaves this file. */
class DecodeError extends Error {}

const isMap = (value: unknown): value is Plain => typeof value === "object" && value !== null && !Array.isArray(value);

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}

class Decoder {
  readonly unknown: string[] = [];
  /** The way from the object to where decoding stands: members, and positions in lists. Text is made of it in errors. */
  readonly #way: (string | number)[] = [];
  /** Which steps of the way are keys of maps: Go's errors leave them out. */
  readonly #mapKeys: number[] = [];

  #path(): string {
    let text = "";
    for (const step of this.#way) text += typeof step === "number" ? `[${step}]` : text === "" ? step : `.${step}`;
    return text;
  }

  #goPath(): string {
    return this.#way.filter((step, at) => typeof step === "string" && !this.#mapKeys.includes(at)).join(".");
  }

  #mismatch(value: unknown, type: FieldType, owner: StructType): never {
    throw new DecodeError(
      `json: cannot unmarshal ${goKind(value)} into Go struct field ${owner.name}.${this.#goPath()} of type ${goTypeName(type)}`,
    );
  }

  root(value: Plain, struct: StructType, old: Plain | undefined): Plain {
    const result: Plain = {};
    for (const key in value) {
      const member = value[key];
      if (member === undefined || member === null) continue;
      const field = struct.fields.get(key);
      if (!field) {
        if (struct.open) result[key] = thaw(member);
        else this.unknown.push(key);
        continue;
      }
      const before = old?.[key];
      if (member === before && key !== "metadata" && Object.isFrozen(member)) {
        result[key] = member;
        continue;
      }
      // Parts of spec are never shared: defaulting writes into them.
      const share = key === "metadata" || key === "status" ? before : undefined;
      this.#way.push(key);
      const decoded = this.#field(member, field, struct, share);
      this.#way.pop();
      if (decoded !== undefined) result[key] = decoded;
    }
    if (!struct.custom) writeZeros(result, struct);
    return result;
  }

  #struct(value: unknown, struct: StructType, old: unknown): Plain {
    const source = value as Plain;
    const result: Plain = {};
    const before = isMap(old) ? old : undefined;
    for (const key in source) {
      const member = source[key];
      if (member === undefined || member === null) continue;
      const field = struct.fields.get(key);
      if (!field) {
        if (struct.open) result[key] = thaw(member);
        else this.unknown.push(`${this.#path()}.${key}`);
        continue;
      }
      const previous = before?.[key];
      if (previous !== undefined && previous === member && Object.isFrozen(member)) {
        result[key] = member;
        continue;
      }
      this.#way.push(key);
      const decoded = this.#field(member, field, struct, previous);
      this.#way.pop();
      if (decoded !== undefined) result[key] = decoded;
    }
    if (!struct.custom) writeZeros(result, struct);
    return result;
  }

  #field(value: unknown, field: FieldSchema, owner: StructType, old: unknown): unknown {
    const decoded = this.#value(value, field.type, owner, old);
    // CRDs keep what was written; Go's structs leave empty members out.
    if (!owner.open && !owner.custom && isOmitted(decoded, field, owner)) return undefined;
    return decoded;
  }

  #value(value: unknown, type: FieldType, owner: StructType, old: unknown): unknown {
    switch (type.kind) {
      case "struct":
        if (!isMap(value)) return this.#mismatch(value, type, owner);
        return this.#struct(value, type.struct, old);
      case "list": {
        if (!Array.isArray(value)) return this.#mismatch(value, type, owner);
        const before = Array.isArray(old) ? old : undefined;
        const result: unknown[] = [];
        for (let i = 0; i < value.length; i++) {
          const item = value[i];
          if (before && item === before[i] && Object.isFrozen(item)) result.push(item);
          else {
            this.#way.push(i);
            result.push(this.#value(item, type.element, owner, before?.[i]));
            this.#way.pop();
          }
        }
        return result;
      }
      case "map": {
        if (!isMap(value)) return this.#mismatch(value, type, owner);
        const result: Plain = {};
        for (const key in value) {
          const member = value[key];
          if (member === undefined) continue;
          // A null in a map of strings is Go's zero value.
          if (member === null) {
            if (type.value.kind === "string") result[key] = "";
            continue;
          }
          this.#mapKeys.push(this.#way.push(key) - 1);
          result[key] = this.#value(member, type.value, owner, undefined);
          this.#mapKeys.pop();
          this.#way.pop();
        }
        return result;
      }
      case "string":
        return typeof value === "string" ? value : this.#mismatch(value, type, owner);
      case "bool":
        return typeof value === "boolean" ? value : this.#mismatch(value, type, owner);
      case "int32":
      case "int64":
        if (typeof value !== "number") return this.#mismatch(value, type, owner);
        if (!Number.isInteger(value) || (type.kind === "int32" && Math.abs(value) > 2 ** 31)) {
          throw new DecodeError(
            `json: cannot unmarshal number ${value} into Go struct field ${owner.name}.${this.#goPath()} of type ${type.kind}`,
          );
        }
        return value;
      case "float64":
        return typeof value === "number" ? value : this.#mismatch(value, type, owner);
      case "quantity": {
        if (typeof value !== "string" && typeof value !== "number") throw new DecodeError(QUANTITY_SYNTAX);
        if (!parseQuantity(value)) throw new DecodeError(QUANTITY_SYNTAX);
        return canonicalQuantity(value);
      }
      case "time":
      case "microTime": {
        if (typeof value !== "string") return this.#mismatch(value, type, owner);
        const instant = parseRfc3339(value);
        if (instant === undefined) {
          throw new DecodeError(
            `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
          );
        }
        return type.kind === "time" && !value.endsWith("Z") ? rfc3339(instant) : value;
      }
      case "intOrString":
        if (typeof value === "number" || typeof value === "string") return value;
        throw new DecodeError(`json: cannot unmarshal ${goKind(value)} into Go value of type int32`);
      case "bytes":
        if (typeof value !== "string") return this.#mismatch(value, type, owner);
        if (!/^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value)) {
          const at = value.search(/[^A-Za-z0-9+/\r\n]/);
          throw new DecodeError(`illegal base64 data at input byte ${at}`);
        }
        return value;
      case "any":
        return thaw(value);
    }
  }
}

/** Members that Go always writes, and as what when they have no value: times are structs, which omitempty keeps. */
const ZEROS: ReadonlyMap<string, readonly (readonly [string, unknown])[]> = new Map([
  [
    "PodCondition",
    [
      ["lastProbeTime", null],
      ["lastTransitionTime", null],
    ],
  ],
  [
    "PersistentVolumeClaimCondition",
    [
      ["lastProbeTime", null],
      ["lastTransitionTime", null],
    ],
  ],
  [
    "JobCondition",
    [
      ["lastProbeTime", null],
      ["lastTransitionTime", null],
    ],
  ],
  [
    "NodeCondition",
    [
      ["lastHeartbeatTime", null],
      ["lastTransitionTime", null],
    ],
  ],
  ["ContainerStateRunning", [["startedAt", null]]],
  [
    "ContainerStateTerminated",
    [
      ["startedAt", null],
      ["finishedAt", null],
    ],
  ],
  [
    "Event",
    [
      ["eventTime", null],
      ["firstTimestamp", null],
      ["lastTimestamp", null],
      ["reportingComponent", ""],
      ["reportingInstance", ""],
      ["deprecatedFirstTimestamp", null],
      ["deprecatedLastTimestamp", null],
    ],
  ],
  ["NodeRuntimeHandler", [["name", ""]]],
  ["CSINodeSpec", [["drivers", null]]],
]);

function writeZeros(result: Plain, struct: StructType): void {
  const zeros = ZEROS.get(struct.name);
  if (!zeros) return;
  for (const [name, zero] of zeros) if (result[name] === undefined && struct.fields.has(name)) result[name] = zero;
}

/** A copy of what is not frozen; frozen parts are taken as they are. */
function thaw(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(thaw);
  const result: Plain = {};
  for (const key in value) {
    const member = (value as Plain)[key];
    if (member !== undefined) result[key] = thaw(member);
  }
  return result;
}

/** Optional strings that are pointers in Go: an empty one means something. */
const POINTER_STRINGS: ReadonlySet<string> = new Set([
  "PersistentVolumeClaimSpec.storageClassName",
  "EndpointPort.name",
  "EndpointPort.appProtocol",
  "IngressSpec.ingressClassName",
  "TypedLocalObjectReference.apiGroup",
  "TypedObjectReference.apiGroup",
  "Container.restartPolicy",
]);

/** Optional numbers and booleans that are plain values in Go: zero is left out. */
const PLAIN_ZERO: ReadonlySet<string> = new Set([
  "minReadySeconds",
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
  "observedGeneration",
  "readyReplicas",
  "availableReplicas",
  "updatedReplicas",
  "unavailableReplicas",
  "currentReplicas",
  "fullyLabeledReplicas",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "active",
  "succeeded",
  "failed",
  "generation",
  "count",
  "hostPort",
  "nodePort",
  "healthCheckNodePort",
  "signal",
  "paused",
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "stdin",
  "stdinOnce",
  "tty",
  "unschedulable",
  "readOnly",
  "publishNotReadyAddresses",
  "globalDefault",
  "attachRequired",
]);

/** ReplicaSets and friends always write `status.replicas`; Deployments leave a zero out. */
const PLAIN_ZERO_OF: ReadonlySet<string> = new Set(["DeploymentStatus.replicas", "ScaleSpec.replicas"]);
const KEPT_ZERO: ReadonlySet<string> = new Set([
  "StatefulSetStatus.availableReplicas",
  "JobStatus.ready",
  "ClientIPConfig.timeoutSeconds",
]);

function isOmitted(value: unknown, field: FieldSchema, owner: StructType): boolean {
  if (value === "")
    return (
      field.type.kind === "string" &&
      !owner.required.has(field.name) &&
      !POINTER_STRINGS.has(`${owner.name}.${field.name}`)
    );
  if (value === 0 || value === false) {
    if (owner.required.has(field.name)) return false;
    const qualified = `${owner.name}.${field.name}`;
    return PLAIN_ZERO_OF.has(qualified) || (PLAIN_ZERO.has(field.name) && !KEPT_ZERO.has(qualified));
  }
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length === 0 && !owner.required.has(field.name);
  if (field.type.kind === "map") {
    for (const _ in value) return false;
    return !owner.required.has(field.name);
  }
  return false;
}
