/** Status counters as Go's omitempty writes them. */

/** The object without members that are undefined, zero, or "". */
export function omitZero<T extends object>(object: T): T {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined && value !== 0 && value !== "") result[key] = value;
  }
  return result as T;
}
