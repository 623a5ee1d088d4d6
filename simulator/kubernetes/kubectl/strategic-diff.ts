/**
 * The three-way patches of kubectl apply: what the file changes or adds compared with the live object, and what it no
 * longer has compared with what was applied last. Lists with a merge key are compared item by item.
 */
import { deepEqual } from "../../base/json";
import { compareStrings } from "../../text/strconv";
import type { FieldType, StructType } from "../apimachinery/schema";

type Plain = Record<string, unknown>;

interface DiffOptions {
  /** Leave out what only the original has. */
  readonly ignoreDeletions: boolean;
  /** Leave out what is new or different. */
  readonly ignoreChanges: boolean;
  readonly retainKeys?: boolean;
}

const isMap = (value: unknown): value is Plain => typeof value === "object" && value !== null && !Array.isArray(value);

/** strategicpatch.CreateThreeWayMergePatch, for kinds whose schema is known. */
export function threeWayStrategicPatch(
  original: unknown,
  modified: unknown,
  current: unknown,
  struct: StructType,
): Plain {
  const type: FieldType = { kind: "struct", struct };
  const changes = diffMaps(asMap(current), asMap(modified), type, { ignoreDeletions: true, ignoreChanges: false });
  const deletions = diffMaps(asMap(original), asMap(modified), type, { ignoreDeletions: false, ignoreChanges: true });
  return mergePatches(deletions, changes, type);
}

/** A two-way patch, as `kubectl set` and `edit` send it. */
export function twoWayStrategicPatch(original: unknown, modified: unknown, struct: StructType): Plain {
  return diffMaps(
    asMap(original),
    asMap(modified),
    { kind: "struct", struct },
    { ignoreDeletions: false, ignoreChanges: false },
  );
}

/** jsonmergepatch.CreateThreeWayJSONMergePatch, for every other kind. */
export function threeWayMergePatch(original: unknown, modified: unknown, current: unknown): Plain {
  const changes = mergeDiff(asMap(current), asMap(modified), true);
  const deletions = deletedKeys(asMap(original), asMap(modified));
  return mergeJson(deletions, changes);
}

export const twoWayMergePatch = (original: unknown, modified: unknown): Plain =>
  mergeDiff(asMap(original), asMap(modified), false);

const asMap = (value: unknown): Plain => (isMap(value) ? value : {});

// --- JSON merge patches -----------------------------------------------------------------------------------------------

function mergeDiff(from: Plain, to: Plain, ignoreDeletions: boolean): Plain {
  const patch: Plain = {};
  for (const key of keysOf(to)) {
    const [a, b] = [from[key], to[key]];
    if (isMap(a) && isMap(b)) {
      const inner = mergeDiff(a, b, ignoreDeletions);
      if (keysOf(inner).length > 0) patch[key] = inner;
    } else if (!deepEqual(a, b)) patch[key] = b;
  }
  if (!ignoreDeletions) for (const key of keysOf(from)) if (to[key] === undefined) patch[key] = null;
  return patch;
}

function deletedKeys(from: Plain, to: Plain): Plain {
  const patch: Plain = {};
  for (const key of keysOf(from)) {
    const [a, b] = [from[key], to[key]];
    if (b === undefined) patch[key] = null;
    else if (isMap(a) && isMap(b)) {
      const inner = deletedKeys(a, b);
      if (keysOf(inner).length > 0) patch[key] = inner;
    }
  }
  return patch;
}

function mergeJson(a: Plain, b: Plain): Plain {
  const merged: Plain = { ...a };
  for (const key of keysOf(b)) {
    const [x, y] = [merged[key], b[key]];
    merged[key] = isMap(x) && isMap(y) ? mergeJson(x, y) : y;
  }
  return merged;
}

// --- strategic merge patches --------------------------------------------------------------------------------------------

const keysOf = (map: Plain): string[] => Object.keys(map).filter((key) => map[key] !== undefined);

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

function diffMaps(original: Plain, modified: Plain, type: FieldType, options: DiffOptions): Plain {
  const patch: Plain = {};
  for (const key of keysOf(original)) {
    const before = original[key];
    const after = modified[key];
    if (after === undefined) {
      if (!options.ignoreDeletions) patch[key] = null;
      continue;
    }
    const field = fieldOf(type, key);
    const inner: DiffOptions = { ...options, retainKeys: field.strategy.includes("retainKeys") };
    if (isMap(before) && isMap(after)) {
      if (field.strategy.includes("replace")) {
        if (!options.ignoreChanges && !deepEqual(before, after)) patch[key] = after;
        continue;
      }
      const changed = diffMaps(before, after, field.type, inner);
      if (keysOf(changed).length > 0) patch[key] = changed;
    } else if (Array.isArray(before) && Array.isArray(after)) {
      if (field.strategy.includes("merge")) diffLists(patch, key, before, after, field, inner);
      else if (!options.ignoreChanges && !deepEqual(before, after)) patch[key] = after;
    } else if (!options.ignoreChanges && !deepEqual(before, after)) patch[key] = after;
  }
  if (!options.ignoreChanges) {
    for (const key of keysOf(modified)) if (original[key] === undefined) patch[key] = modified[key];
  }
  if (options.retainKeys && keysOf(patch).length > 0) {
    const keys = keysOf(modified).sort(compareStrings);
    if (keys.length > 0) patch["$retainKeys"] = keys;
  }
  return patch;
}

function diffLists(
  patch: Plain,
  key: string,
  before: readonly unknown[],
  after: readonly unknown[],
  field: FieldMerge,
  options: DiffOptions,
): void {
  if (before.length === 0) {
    if (after.length > 0 && !options.ignoreChanges) patch[key] = after;
    return;
  }
  const isOfMaps = [...before, ...after].some(isMap);
  if (!isOfMaps) {
    diffScalars(patch, key, before, after, options);
    return;
  }
  const { mergeKey } = field;
  if (mergeKey === undefined) {
    if (!options.ignoreChanges && !deepEqual(before, after)) patch[key] = after;
    return;
  }
  const element: FieldType = field.type.kind === "list" ? field.type.element : { kind: "any" };
  const keyOf = (item: unknown): unknown => (item as Plain)[mergeKey];
  const changed: Plain[] = [];
  const deleted: Plain[] = [];
  for (const item of after as Plain[]) {
    const old = (before as Plain[]).find((each) => deepEqual(keyOf(each), keyOf(item)));
    if (!old) {
      if (!options.ignoreChanges) changed.push(item);
      continue;
    }
    const inner = diffMaps(old, item, element, options);
    if (keysOf(inner).length > 0) changed.push({ ...inner, [mergeKey]: keyOf(item) });
  }
  if (!options.ignoreDeletions) {
    for (const item of before as Plain[]) {
      if (!after.some((each) => deepEqual(keyOf(each), keyOf(item))))
        deleted.push({ $patch: "delete", [mergeKey]: keyOf(item) });
    }
  }
  const orderSame =
    before.length === after.length && after.every((item, i) => deepEqual(keyOf(item), keyOf(before[i])));
  const list = [...changed, ...deleted];
  if (list.length > 0) patch[key] = list;
  if ((!options.ignoreChanges && (changed.length > 0 || !orderSame)) || (!options.ignoreDeletions && list.length > 0)) {
    patch[`$setElementOrder/${key}`] = after.map((item) => ({ [mergeKey]: keyOf(item) }));
  }
}

function diffScalars(
  patch: Plain,
  key: string,
  before: readonly unknown[],
  after: readonly unknown[],
  options: DiffOptions,
): void {
  const added = options.ignoreChanges ? [] : after.filter((value) => !before.includes(value));
  const deleted = options.ignoreDeletions ? [] : before.filter((value) => !after.includes(value));
  if (added.length > 0) patch[key] = added;
  if (deleted.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = deleted;
  const orderSame = before.length === after.length && after.every((value, i) => value === before[i]);
  if ((!options.ignoreChanges && (added.length > 0 || !orderSame)) || deleted.length > 0)
    patch[`$setElementOrder/${key}`] = after;
}

/** Joins the patch of deletions and the patch of changes. */
function mergePatches(deletions: Plain, changes: Plain, type: FieldType): Plain {
  const merged: Plain = { ...deletions };
  for (const key of keysOf(changes)) {
    const [a, b] = [merged[key], changes[key]];
    const field = fieldOf(type, key);
    if (isMap(a) && isMap(b)) merged[key] = mergePatches(a, b, field.type);
    else if (Array.isArray(a) && Array.isArray(b) && field.strategy.includes("merge") && field.mergeKey !== undefined) {
      merged[key] = mergeLists(a, b, field);
    } else merged[key] = b;
  }
  return merged;
}

function mergeLists(a: readonly unknown[], b: readonly unknown[], field: FieldMerge): unknown[] {
  const { mergeKey } = field;
  const element: FieldType = field.type.kind === "list" ? field.type.element : { kind: "any" };
  const keyOf = (item: unknown): unknown => (item as Plain)[mergeKey!];
  const joined = b.map((item) => {
    const other = a.find((each) => deepEqual(keyOf(each), keyOf(item)));
    return other && isMap(other) && isMap(item) ? mergePatches(other, item, element) : item;
  });
  const rest = a.filter((item) => !b.some((each) => deepEqual(keyOf(each), keyOf(item))));
  return [...joined, ...rest];
}
