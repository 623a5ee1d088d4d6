/** IntOrString: `3` or `"25%"` (apimachinery/pkg/util/intstr). */

export type IntOrString = number | string;

const percentPattern = /^[+-]?\d+%$/;

/** Whether the value is a percentage. */
export const isPercent = (value: IntOrString): value is string =>
  typeof value === "string" && percentPattern.test(value);

/** GetScaledValueFromIntOrPercent: undefined when it is a string that is no percentage. */
export function scaledValue(value: IntOrString | undefined, total: number, roundUp: boolean): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number") return value;
  if (!percentPattern.test(value)) return undefined;
  const exact = (Number(value.slice(0, -1)) * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}
