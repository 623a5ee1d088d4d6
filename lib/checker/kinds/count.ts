/** How many: `count: 3`, `count: {min: 1}`, `count: {max: 0}`. Absent: at least one. */
import * as z from "zod/mini";

export const countSchema = z.optional(
  z.union([
    z.int().check(z.nonnegative()),
    z.strictObject({
      min: z.optional(z.int().check(z.nonnegative())),
      max: z.optional(z.int().check(z.nonnegative())),
    }),
  ]),
);

export function countRange(count: z.infer<typeof countSchema>): { min: number; max: number } {
  if (count === undefined) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (typeof count === "number") return { min: count, max: count };
  return { min: count.min ?? 0, max: count.max ?? Number.POSITIVE_INFINITY };
}
