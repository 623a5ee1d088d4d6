/**
 * Sets of fields, in the form that managedFields writes them (FieldsV1): nested plain objects whose keys are path
 * elements, `f:name`, `k:{"name":"x"}`, `v:"x"`. `.` marks a path that is itself a member; an empty object is one too.
 */
import { deepEqual } from "../../base/json";
import type { FieldSchema, FieldType, StructType } from "./schema";
import { type FieldSet, itself, MEMBER, NOTHING, remembered, type Shape } from "./set-shapes";

export type { FieldSet } from "./set-shapes";

type MutableSet = { [element: string]: FieldSet };
type Plain = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Plain => typeof value === "object" && value !== null && !Array.isArray(value);
const isEmpty = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};
const isMember = (set: FieldSet): boolean => set["."] !== undefined || isEmpty(set);

/** Members of metadata that belong to no manager. */
const IGNORED: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "managedFields",
]);
const NONE: ReadonlySet<string> = new Set();
const TYPE: ReadonlySet<string> = new Set(["apiVersion", "kind"]);

/** Structs that Go holds by value: they are there before anybody sets them, so nobody owns them as such. */
const BY_VALUE: ReadonlySet<string> = new Set([
  "metadata",
  "spec",
  "status",
  "template",
  "jobTemplate",
  "strategy",
  "updateStrategy",
  "resources",
  "loadBalancer",
  "state",
  "lastState",
  "involvedObject",
  "source",
  "roleRef",
  "scaleTargetRef",
  "names",
  "nodeInfo",
  "daemonEndpoints",
  "kubeletEndpoint",
  // Lists that Go always writes, if only as null.
  "containers",
  "addresses",
]);

/** Every field that a configuration states, as an apply owns them. */
export function fieldSetOf(value: Plain, struct: StructType): FieldSet {
  return withoutIgnored(statedStruct(value, struct));
}

function statedStruct(value: Plain, struct: StructType): FieldSet {
  const set: MutableSet = {};
  for (const key in value) {
    if (value[key] === undefined) continue;
    const field = struct.fields.get(key);
    if (!field && !struct.open) continue;
    set[`f:${key}`] = field ? stated(value[key], field.type, field) : MEMBER;
  }
  return set;
}

function stated(value: unknown, type: FieldType, field: FieldSchema | undefined): FieldSet {
  if (field?.atomic) return MEMBER;
  switch (type.kind) {
    case "struct":
      return type.struct.atomic || !isMap(value) ? MEMBER : statedStruct(value, type.struct);
    case "map": {
      if (!isMap(value)) return MEMBER;
      const set: MutableSet = {};
      for (const key in value) set[`f:${key}`] = stated(value[key], type.value, undefined);
      return set;
    }
    case "list": {
      if (!field?.listType || !Array.isArray(value)) return MEMBER;
      const set: MutableSet = {};
      for (const item of value) {
        const parts = partsOf(item, type.element);
        const inner = parts ? statedStruct(item as Plain, parts) : MEMBER;
        set[elementOf(item, field)] = isEmpty(inner) ? MEMBER : { ".": MEMBER, ...inner };
      }
      return set;
    }
    default:
      return MEMBER;
  }
}

/** Elements of lists keyed by one string, which are most: `k:{"name":"web"}`. A pure function, kept for speed. */
const singleKeyElements = new Map<string, Map<string, string>>();

function singleKeyElement(key: string, value: string): string {
  let known = singleKeyElements.get(key);
  if (!known) {
    known = new Map();
    singleKeyElements.set(key, known);
  }
  let element = known.get(value);
  if (element === undefined) {
    element = `k:{${JSON.stringify(key)}:${JSON.stringify(value)}}`;
    if (known.size > 5000) known.clear();
    known.set(value, element);
  }
  return element;
}

/** The path element of a list's item. */
function elementOf(item: unknown, field: FieldSchema): string {
  if (field.listType === "map" && isMap(item)) {
    const keys = field.listMapKeys ?? [];
    if (keys.length === 1) {
      const value = item[keys[0]!];
      if (typeof value === "string") return singleKeyElement(keys[0]!, value);
    }
    // Keys in order of name, as JSON; one that is left out has its default.
    const parts = [...keys]
      .sort()
      .map((key) => `${JSON.stringify(key)}:${JSON.stringify(item[key] ?? defaultOfKey(field, key))}`);
    return `k:{${parts.join(",")}}`;
  }
  return `v:${JSON.stringify(item)}`;
}

function defaultOfKey(field: FieldSchema, key: string): unknown {
  const element = field.type.kind === "list" ? field.type.element : undefined;
  const known = element?.kind === "struct" ? element.struct.fields.get(key)?.default : undefined;
  return known ?? (key === "protocol" ? "TCP" : null);
}

/** The type whose members a list's item is owned by; nothing where items are owned whole, as owner references are. */
const partsOf = (item: unknown, element: FieldType): StructType | undefined =>
  element.kind === "struct" && !element.struct.atomic && isMap(item) ? element.struct : undefined;

export interface Comparison {
  /** Added or changed. */
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

/** What an update did to an object. Parts that are the same object are not looked at. */
export function compareFields(before: Plain, after: Plain, struct: StructType): Comparison {
  return {
    changed: differing(before, after, struct, false, TYPE),
    removed: differing(after, before, struct, true, TYPE),
  };
}

/** `f:name` of any name. A pure function, kept for speed. */
const memberElements = new Map<string, string>();

function memberElement(key: string): string {
  let element = memberElements.get(key);
  if (element === undefined) {
    element = `f:${key}`;
    if (memberElements.size > 5000) memberElements.clear();
    memberElements.set(key, element);
  }
  return element;
}

/** Which members do not count inside a member of an object, when these do not count beside it. */
const ignoredIn = (key: string, ignored: ReadonlySet<string>): ReadonlySet<string> =>
  ignored === TYPE && key === "metadata" ? IGNORED : NONE;

/** Fields of `b` that `a` lacks, and, unless `onlyMissing`, those whose value differs. */
function differing(
  a: Plain,
  b: Plain,
  struct: StructType,
  onlyMissing: boolean,
  ignored: ReadonlySet<string>,
): FieldSet | undefined {
  let set: Shape = NOTHING;
  for (const key in b) {
    const now = b[key];
    const before = a[key];
    if (now === undefined || before === now || ignored.has(key)) continue;
    const field = struct.fields.get(key);
    if (!field && !struct.open) continue;
    const inner = ignoredIn(key, ignored);
    const difference =
      before === undefined
        ? added(now, field?.type, field, inner)
        : changedValue(before, now, field?.type, field, onlyMissing, inner);
    if (difference) set = set.with(field ? field.element : memberElement(key), difference);
  }
  return set.isEmpty ? undefined : set.set;
}

function changedValue(
  a: unknown,
  b: unknown,
  type: FieldType | undefined,
  field: FieldSchema | undefined,
  onlyMissing: boolean,
  ignored: ReadonlySet<string>,
): FieldSet | undefined {
  const whole = (): FieldSet | undefined => (onlyMissing || deepEqual(a, b) ? undefined : MEMBER);
  if (!type || field?.atomic) return whole();
  switch (type.kind) {
    case "struct":
      return type.struct.atomic || !isMap(a) || !isMap(b)
        ? whole()
        : differing(a, b, type.struct, onlyMissing, ignored);
    case "map": {
      if (!isMap(a) || !isMap(b)) return whole();
      let set: Shape = NOTHING;
      for (const key in b) {
        if (a[key] === b[key]) continue;
        const difference =
          a[key] === undefined
            ? added(b[key], type.value, undefined, NONE)
            : changedValue(a[key], b[key], type.value, undefined, onlyMissing, NONE);
        if (difference) set = set.with(memberElement(key), difference);
      }
      return set.isEmpty ? undefined : set.set;
    }
    case "list": {
      if (!field?.listType || !Array.isArray(a) || !Array.isArray(b)) return whole();
      const known = new Map<string, unknown>();
      for (const item of a) known.set(elementOf(item, field), item);
      let set: Shape = NOTHING;
      for (const item of b) {
        const element = elementOf(item, field);
        const previous = known.get(element);
        if (previous === item) continue;
        const inner = partsOf(item, type.element);
        let difference: FieldSet | undefined;
        if (previous === undefined) difference = inner ? addedStruct(item as Plain, inner, true, NONE) : MEMBER;
        else if (inner && isMap(previous)) difference = differing(previous, item as Plain, inner, onlyMissing, NONE);
        else if (!onlyMissing && !deepEqual(previous, item)) difference = MEMBER;
        if (difference) set = set.with(element, difference);
      }
      return set.isEmpty ? undefined : set.set;
    }
    default:
      return onlyMissing || a === b ? undefined : whole();
  }
}

/** What somebody who adds a value owns of it; nothing when all of it is ignored. */
function added(
  value: unknown,
  type: FieldType | undefined,
  field: FieldSchema | undefined,
  ignored: ReadonlySet<string>,
): FieldSet | undefined {
  if (!type || field?.atomic) return MEMBER;
  switch (type.kind) {
    case "struct":
      if (type.struct.atomic || !isMap(value)) return MEMBER;
      return addedStruct(value, type.struct, !(field && BY_VALUE.has(field.name)), ignored);
    case "map": {
      if (!isMap(value)) return MEMBER;
      let set = itself();
      let any = false;
      for (const key in value) {
        set = set.with(memberElement(key), added(value[key], type.value, undefined, NONE) ?? MEMBER);
        any = true;
      }
      return any ? set.set : MEMBER;
    }
    case "list": {
      if (!field?.listType || !Array.isArray(value) || value.length === 0) return MEMBER;
      const known = new Set<string>();
      let set: Shape = BY_VALUE.has(field.name) ? NOTHING : itself();
      for (const item of value) {
        const element = elementOf(item, field);
        if (known.has(element)) continue;
        known.add(element);
        const inner = partsOf(item, type.element);
        set = set.with(element, (inner && addedStruct(item as Plain, inner, true, NONE)) ?? MEMBER);
      }
      return set.set;
    }
    default:
      return MEMBER;
  }
}

/** The parts of a new struct, and the struct itself when somebody can own it. */
function addedStruct(
  value: Plain,
  struct: StructType,
  withSelf: boolean,
  ignored: ReadonlySet<string>,
): FieldSet | undefined {
  let set: Shape = withSelf ? itself() : NOTHING;
  let any = false;
  for (const key in value) {
    const member = value[key];
    if (member === undefined || ignored.has(key)) continue;
    const field = struct.fields.get(key);
    if (field) set = set.with(field.element, added(member, field.type, field, NONE) ?? MEMBER);
    else if (struct.open) set = set.with(memberElement(key), MEMBER);
    else continue;
    any = true;
  }
  if (any) return set.set;
  return ignored === IGNORED ? undefined : MEMBER;
}

function withoutIgnored(set: FieldSet): FieldSet {
  const result: MutableSet = {};
  for (const key in set) {
    if (key === "f:apiVersion" || key === "f:kind") continue;
    if (key !== "f:metadata") {
      result[key] = set[key]!;
      continue;
    }
    const metadata: MutableSet = {};
    for (const inner in set[key]) if (!IGNORED.has(inner.slice(2))) metadata[inner] = set[key]![inner]!;
    if (!isEmpty(metadata)) result[key] = metadata;
  }
  return result;
}

// --- Algebra ---------------------------------------------------------------------------------------------------------

/** All that is a member of one or the other. */
export const union = remembered(unite);

function unite(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || b === MEMBER) return isEmpty(a) || a["."] ? a : b === MEMBER ? { ".": MEMBER, ...a } : a;
  const result: MutableSet = {};
  const both = isMember(a) || isMember(b);
  for (const key in a) if (key !== ".") result[key] = a[key]!;
  let changed = false;
  for (const key in b) {
    if (key === ".") continue;
    const mine = result[key];
    const next = mine ? unite(mine, b[key]!) : b[key]!;
    if (next !== mine) changed = true;
    result[key] = next;
  }
  if (!changed && isMember(a) === both) return a;
  return both && !isEmpty(result) ? { ".": MEMBER, ...result } : result;
}

/** Members of `a` that are not members of `b`; undefined when none is left. */
export const difference = remembered(subtract);

function subtract(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const result: MutableSet = {};
  const selfStays = isMember(a) && !isMember(b);
  let changed = isMember(a) && !selfStays;
  for (const key in a) {
    if (key === ".") continue;
    const other = b[key];
    const rest = other ? subtract(a[key]!, other) : a[key]!;
    if (rest !== a[key]) changed = true;
    if (rest) result[key] = rest;
  }
  if (!changed) return a;
  if (isEmpty(result)) return selfStays ? MEMBER : undefined;
  return selfStays ? { ".": MEMBER, ...result } : result;
}

/** The same set with every path that leads to a member a member itself. */
export function withParents(set: FieldSet): FieldSet {
  if (isEmpty(set)) return set;
  const result: MutableSet = { ".": MEMBER };
  for (const key in set) if (key !== ".") result[key] = withParents(set[key]!);
  return result;
}

/** Removes whole paths: what stands below a member of `b` goes too. */
export const withoutPaths = remembered(removePaths);

function removePaths(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const result: MutableSet = {};
  let changed = false;
  for (const key in a) {
    const other = b[key];
    const rest = key === "." || !other ? a[key]! : isMember(other) ? undefined : removePaths(a[key]!, other);
    if (rest !== a[key]) changed = true;
    if (rest) result[key] = rest;
  }
  if (!changed) return a;
  return isEmpty(result) ? undefined : result;
}

/** Paths that are members of both, as text: `.spec.containers[name="web"].image`. */
export function commonPaths(a: FieldSet, b: FieldSet, prefix = ""): string[] {
  const paths: string[] = [];
  // A path whose parts follow is only structure; what counts are the parts.
  const isLeaf = isEmpty(a) || isEmpty(b);
  if (prefix && isLeaf && isMember(a) && isMember(b)) paths.push(prefix);
  for (const key in a)
    if (key !== "." && b[key]) paths.push(...commonPaths(a[key]!, b[key]!, prefix + elementText(key)));
  return paths;
}

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const keys = JSON.parse(rest) as Record<string, unknown>;
  return `[${Object.keys(keys)
    .map((key) => `${key}=${JSON.stringify(keys[key])}`)
    .join(",")}]`;
}

export const sameSet = (a: FieldSet, b: FieldSet): boolean => a === b || deepEqual(a, b);

// --- Values ----------------------------------------------------------------------------------------------------------

/** `live` with everything that `config` states: structs and keyed lists are merged, the rest is replaced. */
export function mergeApplied(live: unknown, config: unknown, type: FieldType, field?: FieldSchema): unknown {
  if (live === undefined || field?.atomic) return config;
  switch (type.kind) {
    case "struct": {
      if (type.struct.atomic || !isMap(live) || !isMap(config)) return config;
      const result: Record<string, unknown> = { ...live };
      for (const key in config) {
        if (config[key] === undefined) continue;
        const inner = type.struct.fields.get(key);
        result[key] = inner ? mergeApplied(live[key], config[key], inner.type, inner) : config[key];
      }
      return result;
    }
    case "map": {
      if (!isMap(live) || !isMap(config)) return config;
      const result: Record<string, unknown> = { ...live };
      for (const key in config) result[key] = mergeApplied(live[key], config[key], type.value);
      return result;
    }
    case "list": {
      if (!field?.listType || !Array.isArray(live) || !Array.isArray(config)) return config;
      return mergeLists(live, config, type.element, field);
    }
    default:
      return config;
  }
}

/** The applied order among applied items; live items that are not applied keep their place before what followed them. */
function mergeLists(
  live: readonly unknown[],
  config: readonly unknown[],
  element: FieldType,
  field: FieldSchema,
): unknown[] {
  const applied = new Map(config.map((item) => [elementOf(item, field), item]));
  const known = new Map(live.map((item) => [elementOf(item, field), item]));
  const result: unknown[] = [];
  const done = new Set<string>();
  const rest = [...config];
  for (const item of live) {
    const key = elementOf(item, field);
    if (!applied.has(key)) {
      result.push(item);
      continue;
    }
    // Applied items that come before this one, and are new, go here.
    while (rest.length > 0) {
      const next = rest[0];
      const nextKey = elementOf(next, field);
      if (done.has(nextKey)) {
        rest.shift();
        continue;
      }
      if (known.has(nextKey) && nextKey !== key) break;
      rest.shift();
      done.add(nextKey);
      result.push(mergeApplied(known.get(nextKey), next, element));
      if (nextKey === key) break;
    }
    if (!done.has(key)) {
      done.add(key);
      result.push(mergeApplied(item, applied.get(key), element));
    }
  }
  for (const item of rest) if (!done.has(elementOf(item, field))) result.push(item);
  return result;
}

/** `value` without the fields of a set. */
export function removeFields(value: unknown, set: FieldSet, type: FieldType, field?: FieldSchema): unknown {
  if (isEmpty(set)) return undefined;
  if (type.kind === "list" && field?.listType && Array.isArray(value)) {
    const result: unknown[] = [];
    for (const item of value) {
      const inner = set[elementOf(item, field)];
      if (!inner) result.push(item);
      else if (!isMember(inner)) result.push(removeFields(item, inner, type.element));
    }
    return result;
  }
  if (!isMap(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const key in set) {
    if (key === "." || result[key.slice(2)] === undefined) continue;
    const name = key.slice(2);
    const inner = set[key]!;
    const fieldOf = type.kind === "struct" ? type.struct.fields.get(name) : undefined;
    const typeOf: FieldType = fieldOf?.type ?? (type.kind === "map" ? type.value : { kind: "any" });
    const rest = isEmpty(inner) ? undefined : removeFields(result[name], inner, typeOf, fieldOf);
    const gone =
      rest === undefined ||
      (inner["."] !== undefined && isMap(rest) && Object.keys(rest).length === 0) ||
      (Array.isArray(rest) && rest.length === 0);
    if (gone) delete result[name];
    else result[name] = rest;
  }
  return result;
}
