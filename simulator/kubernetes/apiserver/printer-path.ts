/** The part of JSONPath that CRDs use: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.a[0]`, `['a.b']`. */

export function evaluatePath(object: unknown, path: string): unknown {
  let values: unknown[] = [object];
  const pattern =
    /\.([A-Za-z_][\w-]*(?:\\\.[\w-]+)*)|\[(\d+|\*)\]|\['([^']+)'\]|\[\?\(@((?:\.[\w-]+)+)\s*==\s*["']([^"']*)["']\)\]/g;
  for (const m of path.matchAll(pattern)) {
    const next: unknown[] = [];
    for (const value of values) {
      if (value === null || typeof value !== "object") continue;
      if (m[2] !== undefined) {
        if (!Array.isArray(value)) continue;
        if (m[2] === "*") next.push(...value);
        else next.push(value[Number(m[2])]);
      } else if (m[4] !== undefined) {
        if (!Array.isArray(value)) continue;
        for (const item of value) if (String(evaluatePath(item, m[4])) === m[5]) next.push(item);
      } else {
        const key = (m[1] ?? m[3]!).replace(/\\\./g, ".");
        next.push((value as Record<string, unknown>)[key]);
      }
    }
    values = next.filter((v) => v !== undefined);
  }
  if (values.length === 0) return undefined;
  return values.length === 1 ? values[0] : values.join(" ");
}
