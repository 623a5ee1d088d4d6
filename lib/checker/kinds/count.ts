/** How many: `count: 3`, `count: {min: 1}`, `count: {max: 0}`. Absent: at least one. */
import * as z from "zod";

export const countSchema = z
  .union([
    z.number().int().nonnegative(),
    z.strictObject({ min: z.number().int().nonnegative().optional(), max: z.number().int().nonnegative().optional() }),
  ])
  .optional();

export function countRange(count: z.infer<typeof countSchema>): { min: number; max: number } {
  if (count === undefined) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (typeof count === "number") return { min: count, max: count };
  return { min: count.min ?? 0, max: count.max ?? Number.POSITIVE_INFINITY };
}
