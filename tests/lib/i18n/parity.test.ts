import { expect, test } from "vitest";
import en from "@/lib/i18n/en.json";
import vi from "@/lib/i18n/vi.json";

const flat = (messages: object, prefix = ""): [string, string][] =>
  Object.entries(messages).flatMap(([key, value]) =>
    typeof value === "string" ? [[prefix + key, value] as [string, string]] : flat(value as object, `${prefix}${key}.`),
  );

const english = new Map(flat(en));
const vietnamese = new Map(flat(vi));
/** A name is the same in every language. */
const SAME = new Set(["site.name"]);

/** Names of placeholders; the words inside a plural's branches are none. */
const placeholders = (text: string): string[] =>
  [...new Set([...text.matchAll(/\{(\w+)(?=[,}])/g)].map((match) => match[1]!))].sort();

/** A plural is read by its last branch, the one both languages have. */
const read = (text: string): string => text.replace(/\{\w+, plural, (?:\w+ \{[^}]*\} )*other \{([^}]*)\}\}/g, "$1");

test("both languages say the same things", () => {
  expect([...vietnamese.keys()]).toEqual([...english.keys()]);
});

test.each([...vietnamese])("%s", (key, text) => {
  const other = english.get(key)!;
  expect(placeholders(text)).toEqual(placeholders(other).filter((name) => name !== "one"));
  expect(text).toBe(text.normalize("NFC"));
  if (!SAME.has(key)) expect(text).not.toBe(other);
  // One spelling everywhere: xoá, hoá.
  expect(text).not.toMatch(/\b[xh]óa\b/i);
  const ratio = read(text).length / read(other).length;
  if (other.length > 20) expect(ratio).toBeGreaterThan(0.45);
  if (other.length > 20) expect(ratio).toBeLessThan(2);
});
