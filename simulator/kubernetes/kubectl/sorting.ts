/** --sort-by: orders objects by the value at a path, as kubectl compares them. */
import { parseRfc3339 } from "../../base/clock";
import { compileJsonPath, relaxedJsonPath } from "../../text/jsonpath";
import { quote } from "../../text/strconv";
import { naturalOrder } from "../../text/natural-order";
import { compareQuantities, parseQuantity } from "../apimachinery/quantity";
import { fail } from "./failure";

/** The order of `objects`, as positions. Fails when no object has the field. */
export function sortedOrder(objects: readonly unknown[], sortBy: string): number[] {
  const relaxed = relaxedJsonPath(sortBy);
  if (!relaxed.ok) return fail(relaxed.error);
  const compiled = compileJsonPath(relaxed.value, { allowMissingKeys: true });
  if (!compiled.ok) return fail(compiled.error);
  const values = objects.map((object) => {
    const found = compiled.value.find(object);
    return found.ok ? found.value.flat()[0] : fail(found.error);
  });
  if (objects.length > 0 && values.every((value) => value === undefined)) {
    fail(`couldn't find any field with path ${quote(relaxed.value)} in the list of objects`);
  }
  return objects.map((_, i) => i).sort((a, b) => compareValues(values[a], values[b]) || a - b);
}

/** Objects without the field come first. */
export function compareValues(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return 0;
}

function compareText(a: string, b: string): number {
  const x = parseRfc3339(a);
  const y = parseRfc3339(b);
  if (x !== undefined && y !== undefined) return x - y;
  const quantities = [parseQuantity(a), parseQuantity(b)] as const;
  if (quantities[0] && quantities[1]) return compareQuantities(quantities[0], quantities[1]);
  return naturalOrder(a, b);
}
