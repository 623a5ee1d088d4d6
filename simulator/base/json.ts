/** Plain data as it travels between clients and servers: frozen once stored, shared structurally. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Freezes a value and all below it. Subtrees that are frozen already are taken to be frozen to the leaves. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) freezeAll(value);
  return value;
}

/** Freezes an object that is not frozen, and what is below it. Members that are no objects cost no call. */
function freezeAll(value: object): void {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === "object" && item !== null && !Object.isFrozen(item)) freezeAll(item);
    }
  } else
    for (const key in value) {
      const member = (value as Record<string, unknown>)[key];
      if (typeof member === "object" && member !== null && !Object.isFrozen(member)) freezeAll(member);
    }
  Object.freeze(value);
}

/** A thawed deep copy, for code that edits an object before it writes it back. */
export function deepCopy<T>(value: T): Thawed<T> {
  return copy(value) as Thawed<T>;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  const result: Record<string, unknown> = {};
  for (const key in value) result[key] = copy((value as Record<string, unknown>)[key]);
  return result;
}

export type Thawed<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { -readonly [K in keyof T]: Thawed<T[K]> }
    : T;

/** Whether two plain values are equal; a member that is undefined equals one that is absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
    return true;
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!deepEqual(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
