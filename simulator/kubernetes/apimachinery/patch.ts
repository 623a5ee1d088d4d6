/**
 * The patch formats: JSON Patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch. None changes
 * its input; what a patch leaves alone is shared with the original.
 */
import { deepEqual } from "../../base/json";
import { failure, ok, type Result } from "../../base/result";
import type { FieldType, StructType } from "./schema";

type Plain = Record<string, unknown>;

const isMap = (value: unknown): value is Plain => typeof value === "object" && value !== null && !Array.isArray(value);

// --- Merge patch ----------------------------------------------------------------------------------------------------

/** RFC 7386. */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Plain = isMap(original) ? { ...original } : {};
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete result[key];
    else if (value !== undefined) result[key] = mergePatch(result[key], value);
  }
  return result;
}

// --- JSON patch -----------------------------------------------------------------------------------------------------

export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** RFC 6902, with the error texts of evanphx/json-patch. */
export function jsonPatch(original: unknown, operations: readonly JsonPatchOperation[]): Result<unknown, string> {
  let document = original;
  for (const operation of operations) {
    const { op, path } = operation;
    if (typeof path !== "string") return failure(`error in ${op} for path: '' : missing value`);
    const pointer = parsePointer(path);
    let result: Result<unknown, string>;
    switch (op) {
      case "add":
        if (operation.value === undefined) return failure(`error in ${op} for path: '${path}': missing value`);
        result = write(document, pointer, operation.value, "add", path);
        break;
      case "replace":
        result = write(document, pointer, operation.value ?? null, "replace", path);
        break;
      case "remove":
        result = write(document, pointer, undefined, "remove", path);
        break;
      case "test": {
        const found = read(document, pointer);
        const expected = operation.value ?? null;
        if (found === undefined && expected !== null)
          return failure(`error in test for path: '${path}': missing value`);
        if (!deepEqual(found ?? null, expected)) return failure(`testing value ${path} failed`);
        continue;
      }
      case "move":
      case "copy": {
        const from = parsePointer(operation.from ?? "");
        const found = read(document, from);
        if (found === undefined) return failure(`error in ${op} for path: '${operation.from ?? ""}': missing value`);
        if (op === "move") {
          const removed = write(document, from, undefined, "remove", operation.from ?? "");
          if (!removed.ok) return removed;
          document = removed.value;
        }
        result = write(document, pointer, found, "add", path);
        break;
      }
      default:
        return failure(`Unexpected kind: ${op}`);
    }
    if (!result.ok) return result;
    document = result.value;
  }
  return ok(document);
}

const parsePointer = (path: string): string[] =>
  path === ""
    ? []
    : path
        .split("/")
        .slice(1)
        .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));

function read(document: unknown, pointer: readonly string[]): unknown {
  let value = document;
  for (const part of pointer) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isMap(value)) value = value[part];
    else return undefined;
  }
  return value;
}

function write(
  document: unknown,
  pointer: readonly string[],
  value: unknown,
  op: "add" | "replace" | "remove",
  path: string,
): Result<unknown, string> {
  const [head, ...rest] = pointer;
  const missing = (): Result<unknown, string> =>
    failure(
      op === "add"
        ? `add operation does not apply: doc is missing path: "${path}": missing value`
        : op === "replace"
          ? `replace operation does not apply: doc is missing ${rest.length > 0 ? "path" : "key"}: ${path}: missing value`
          : `remove operation does not apply: doc is missing path: "${path}": missing value`,
    );
  if (head === undefined) return op === "remove" ? missing() : ok(value);
  if (Array.isArray(document)) {
    const copy = [...document];
    if (head === "-" && op === "add" && rest.length === 0) {
      copy.push(value);
      return ok(copy);
    }
    const index = Number(head);
    const limit = op === "add" && rest.length === 0 ? copy.length : copy.length - 1;
    if (!/^\d+$/.test(head) || index > limit) {
      return failure(
        `${op} operation does not apply: doc is missing path: "${path}": Unable to access invalid index: ${head}: invalid index referenced`,
      );
    }
    if (rest.length > 0) {
      const inner = write(copy[index], rest, value, op, path);
      if (!inner.ok) return inner;
      copy[index] = inner.value;
    } else if (op === "add") copy.splice(index, 0, value);
    else if (op === "remove") copy.splice(index, 1);
    else copy[index] = value;
    return ok(copy);
  }
  if (!isMap(document)) return missing();
  const copy: Plain = { ...document };
  if (rest.length > 0) {
    if (copy[head] === undefined) return missing();
    const inner = write(copy[head], rest, value, op, path);
    if (!inner.ok) return inner;
    copy[head] = inner.value;
    return ok(copy);
  }
  if (op !== "add" && copy[head] === undefined) {
    return op === "remove"
      ? failure(`error in remove for path: '${path}': Unable to remove nonexistent key: ${head}: missing value`)
      : missing();
  }
  if (op === "remove") delete copy[head];
  else copy[head] = value;
  return ok(copy);
}

// --- Strategic merge patch --------------------------------------------------------------------------------------------

const SET_ORDER = "$setElementOrder/";
const DELETE_FROM = "$deleteFromPrimitiveList/";

/** strategicpatch.StrategicMergeMapPatchUsingLookupPatchMeta. `struct` is the type of both documents. */
export function strategicMergePatch(
  original: unknown,
  patch: unknown,
  struct: StructType | undefined,
): Result<unknown, string> {
  try {
    return ok(
      mergeMap(isMap(original) ? original : {}, patch as Plain, struct ? { kind: "struct", struct } : { kind: "any" }),
    );
  } catch (error) {
    if (error instanceof PatchError) return failure(error.message);
    throw error;
  }
}

/** Unwinds a malformed patch; never leaves this file. */
class PatchError extends Error {}

interface FieldMerge {
  readonly type: FieldType;
  readonly strategy: readonly string[];
  readonly mergeKey: string | undefined;
}

function fieldOf(type: FieldType, key: string): FieldMerge {
  if (type.kind === "struct") {
    const field = type.struct.fields.get(key);
    if (field) return { type: field.type, strategy: field.patchStrategy, mergeKey: field.mergeKey };
  }
  if (type.kind === "map") return { type: type.value, strategy: [], mergeKey: undefined };
  return { type: { kind: "any" }, strategy: [], mergeKey: undefined };
}

function mergeMap(original: Plain, patch: Plain, type: FieldType): Plain {
  const directive = patch.$patch;
  if (directive === "replace") {
    const { $patch: _, ...rest } = patch;
    return withoutDirectives(rest, type);
  }
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
    throw new PatchError(`unknown patch type: ${String(directive)}`);
  }
  const result: Plain = { ...original };
  const retain = patch.$retainKeys;
  if (Array.isArray(retain)) {
    for (const key of Object.keys(patch)) {
      if (!key.startsWith("$") && patch[key] !== null && !retain.includes(key)) {
        throw new PatchError("$retainKeys list doesn't contain all keys that are present in the patch");
      }
    }
    for (const key of Object.keys(result)) if (!retain.includes(key)) delete result[key];
  }
  const orders = new Map<string, readonly unknown[]>();
  for (const key in patch) {
    if (key.startsWith(SET_ORDER)) orders.set(key.slice(SET_ORDER.length), patch[key] as readonly unknown[]);
    else if (key.startsWith(DELETE_FROM)) {
      const field = key.slice(DELETE_FROM.length);
      const gone = patch[key] as readonly unknown[];
      if (Array.isArray(result[field])) result[field] = (result[field] as unknown[]).filter((v) => !gone.includes(v));
    }
  }
  for (const key in patch) {
    if (key === "$patch" || key === "$retainKeys" || key.startsWith(SET_ORDER) || key.startsWith(DELETE_FROM)) continue;
    const value = patch[key];
    if (value === undefined) continue;
    if (value === null) {
      delete result[key];
      continue;
    }
    const field = fieldOf(type, key);
    const current = result[key];
    if (isMap(value)) {
      if (field.strategy.includes("replace")) result[key] = withoutDirectives(value, field.type);
      else result[key] = mergeMap(isMap(current) ? current : {}, value, field.type);
    } else if (Array.isArray(value)) {
      const element: FieldType = field.type.kind === "list" ? field.type.element : { kind: "any" };
      if (field.strategy.includes("merge")) {
        result[key] = mergeList(Array.isArray(current) ? current : [], value, element, field.mergeKey);
      } else result[key] = value.map((item) => (isMap(item) ? withoutDirectives(item, element) : item));
    } else result[key] = value;
  }
  for (const [key, order] of orders) {
    const merged = result[key];
    if (!Array.isArray(merged)) continue;
    const { mergeKey } = fieldOf(type, key);
    const before = Array.isArray(original[key]) ? (original[key] as unknown[]) : [];
    const keyOf = keyReader(mergeKey);
    const wanted = order.map(keyOf);
    const inOrder = merged.filter((item) => wanted.includes(keyOf(item)));
    const serverOnly = merged.filter((item) => !wanted.includes(keyOf(item)));
    result[key] = arrange(inOrder, serverOnly, wanted, before.map(keyOf), keyOf);
  }
  return result;
}

/** A patch value taken whole, where there is nothing to merge with. */
function withoutDirectives(value: Plain, type: FieldType): Plain {
  return mergeMap({}, value, type);
}

const keyReader =
  (mergeKey: string | undefined) =>
  (item: unknown): unknown =>
    isMap(item) && mergeKey !== undefined ? item[mergeKey] : item;

function mergeList(original: unknown[], patch: unknown[], element: FieldType, mergeKey: string | undefined): unknown[] {
  const hasMaps = patch.some(isMap) || original.some(isMap);
  if (!hasMaps) {
    const merged: unknown[] = [];
    for (const value of [...original, ...patch]) if (!merged.includes(value)) merged.push(value);
    const patched = merged.filter((v) => patch.includes(v));
    const rest = merged.filter((v) => !patch.includes(v));
    return arrange(patched, rest, patch, original, (v) => v);
  }
  if (mergeKey === undefined) throw new PatchError("cannot merge lists without merge key");
  const keyOf = keyReader(mergeKey);
  let base = original;
  const plain: Plain[] = [];
  let replace = false;
  for (const item of patch as Plain[]) {
    const directive = item.$patch;
    if (directive === "delete") {
      if (item[mergeKey] === undefined) throw new PatchError(`delete patch type with no merge key defined`);
      base = base.filter((candidate) => !deepEqual(keyOf(candidate), item[mergeKey]));
    } else if (directive === "replace") {
      replace = true;
    } else if (directive !== undefined && directive !== "merge") {
      throw new PatchError(`unknown patch type: ${String(directive)}`);
    } else plain.push(item);
  }
  if (replace) return plain.map((item) => withoutDirectives(item, element));
  const merged = [...base];
  for (const item of plain) {
    const key = item[mergeKey];
    if (key === undefined) {
      throw new PatchError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const index = merged.findIndex((candidate) => deepEqual(keyOf(candidate), key));
    if (index >= 0) merged[index] = mergeMap(merged[index] as Plain, item, element);
    else merged.push(withoutDirectives(item, element));
  }
  const order = plain.map(keyOf);
  const patched = merged.filter((item) => order.includes(keyOf(item)));
  const rest = merged.filter((item) => !order.includes(keyOf(item)));
  return arrange(patched, rest, order, original.map(keyOf), keyOf);
}

/** normalizeElementOrder: patch order among patched items, server order among the rest, the two zipped by server order. */
function arrange(
  patched: readonly unknown[],
  serverOnly: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  keyOf: (item: unknown) => unknown,
): unknown[] {
  const right = [...patched].sort((a, b) => patchOrder.indexOf(keyOf(a)) - patchOrder.indexOf(keyOf(b)));
  const left = serverOnly;
  const result: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i >= left.length) result.push(right[j++]);
    else if (j >= right.length) result.push(left[i++]);
    else {
      const li = serverOrder.indexOf(keyOf(left[i]));
      const ri = serverOrder.indexOf(keyOf(right[j]));
      if (li >= 0 && ri >= 0 && li < ri) result.push(left[i++]);
      else result.push(right[j++]);
    }
  }
  return result;
}
