import fc from "fast-check";
import { expect, test } from "vitest";
import {
  canonicalQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  wholeValue,
} from "@/simulator/kubernetes/apimachinery/quantity";
import { formatSelector, matches, parseSelector } from "@/simulator/kubernetes/apimachinery/labels";
import { scaledValue } from "@/simulator/kubernetes/apimachinery/int-or-string";

test.each([
  ["0.5", "500m"],
  ["1000m", "1"],
  ["1.5Gi", "1536Mi"],
  ["1024Mi", "1Gi"],
  ["1000Mi", "1000Mi"],
  ["100Ki", "100Ki"],
  ["1e3", "1e3"],
  ["1000", "1k"],
  ["1500", "1500"],
  ["0", "0"],
  ["64Mi", "64Mi"],
  ["-1.5", "-1500m"],
  ["100n", "100n"],
  ["0.5Mi", "512Ki"],
])("%s prints as %s", (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});

test("malformed quantities are refused", () => {
  for (const text of ["", "m", "1x", "1 Gi", "1.2.3", "Gi", "1mi"]) expect(parseQuantity(text), text).toBeUndefined();
});

test("values round up", () => {
  expect(milliValue("1.0005")).toBe(1001);
  expect(wholeValue("1Ki")).toBe(1024);
  expect(wholeValue("100m")).toBe(1);
});

test("property: the canonical form means the same and is its own canonical form", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.constantFrom("", "m", "k", "M", "Ki", "Mi", "Gi", "n", "u"),
      (n, suffix) => {
        const quantity = parseQuantity(`${n}${suffix}`)!;
        const text = formatQuantity(quantity);
        expect(parseQuantity(text)!.nano).toBe(quantity.nano);
        expect(canonicalQuantity(text)).toBe(text);
      },
    ),
  );
});

test.each([
  ["a=1", { a: "1" }, true],
  ["a==1,b", { a: "1", b: "" }, true],
  ["a!=1", {}, true],
  ["a in (1,2)", { a: "2" }, true],
  ["a notin (1)", { a: "1" }, false],
  ["!a", { a: "1" }, false],
  ["a>5", { a: "6" }, true],
  ["", { a: "1" }, true],
])("selector %s", (text, labels, expected) => {
  const selector = parseSelector(text);
  if (!selector.ok) throw new Error(selector.error);
  expect(matches(selector.value, labels as Record<string, string>)).toBe(expected);
  const again = parseSelector(formatSelector(selector.value));
  expect(again).toEqual(selector);
});

test("selectors that cannot be read", () => {
  for (const text of ["a in 1", "=1", "a=b=c", "a in (1"]) expect(parseSelector(text).ok, text).toBe(false);
});

test.each([
  [3, 10, true, 3],
  ["25%", 10, true, 3],
  ["25%", 10, false, 2],
  ["x", 10, true, undefined],
] as const)("%s of %i", (value, total, up, expected) => {
  expect(scaledValue(value, total, up)).toBe(expected);
});
