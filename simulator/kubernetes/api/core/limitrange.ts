/** LimitRanges. */
import { type FieldError, invalid } from "../../apimachinery/field-path";
import { column, nameColumn } from "../../apimachinery/printing";
import { compareQuantities, formatQuantity, parseQuantity } from "../../apimachinery/quantity";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { LimitRange } from "../types.generated";

export type { LimitRange } from "../types.generated";

export const limitRange = defineResource<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  shortNames: ["limits"],
  namespaced: true,
  schema: "core.v1.LimitRange",
  defaults(draft) {
    draft.spec ??= {};
    for (const limit of Object.isFrozen(draft.spec) ? [] : (draft.spec.limits ?? [])) {
      if (limit.type !== "Container") continue;
      // A maximum is the default limit, a default limit the default request.
      for (const name of Object.keys(limit.max ?? {})) (limit.default ??= {})[name] ??= limit.max[name];
      for (const name of Object.keys(limit.default ?? {})) (limit.defaultRequest ??= {})[name] ??= limit.default[name];
      for (const name of Object.keys(limit.min ?? {})) (limit.defaultRequest ??= {})[name] ??= limit.min[name];
    }
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    (spec.limits ?? []).forEach((limit: Draft, i: number) => {
      const at = `spec.limits[${i}]`;
      const check = (field: string, low: string, high: string, text: (a: string, b: string) => string): void => {
        for (const name of Object.keys(limit[low] ?? {}).sort()) {
          const a = parseQuantity(limit[low][name]);
          const b = limit[high]?.[name] === undefined ? undefined : parseQuantity(limit[high][name]);
          if (a && b && compareQuantities(a, b) > 0)
            errors.push(
              invalid(`${at}.${field}[${name}]`, formatQuantity(a), text(formatQuantity(a), formatQuantity(b))),
            );
        }
      };
      check("min", "min", "max", (a, b) => `min value ${a} is greater than max value ${b}`);
      check(
        "defaultRequest",
        "defaultRequest",
        "max",
        (a, b) => `default request value ${a} is greater than max value ${b}`,
      );
      check(
        "defaultRequest",
        "defaultRequest",
        "default",
        (a, b) => `default request value ${a} is greater than default limit value ${b}`,
      );
      check("default", "default", "max", (a, b) => `default value ${a} is greater than max value ${b}`);
    });
    return errors;
  },
  columns: [
    nameColumn,
    column<LimitRange>("Created At", ({ metadata }) => metadata.creationTimestamp, { type: "date" }),
  ],
});
