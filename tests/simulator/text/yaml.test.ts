import fc from "fast-check";
import { expect, test } from "vitest";
import { parseYaml, printYaml, splitYamlDocuments } from "@/simulator/text/yaml";
import recorded from "../../data/text/kubectl-yaml.json";

test.each(recorded)("prints what kubectl 1.36 printed: $command", ({ document }) => {
  const parsed = parseYaml(document);
  expect(parsed.ok).toBe(true);
  expect(printYaml(parsed.ok ? parsed.value.value : undefined)).toBe(document);
});

test.each([
  { name: "numbers that are strings", value: { a: "1" }, text: 'a: "1"\n' },
  { name: "words that YAML 1.1 takes for truth", value: { a: "yes", n: "x" }, text: 'a: "yes"\n"n": x\n' },
  { name: "base 60", value: { t: "10:30" }, text: 't: "10:30"\n' },
  { name: "times", value: { t: "2026-11-23T11:47:18Z" }, text: 't: "2026-11-23T11:47:18Z"\n' },
  { name: "an indicator at the start", value: { a: "*x" }, text: "a: '*x'\n" },
  { name: "a colon and a space inside", value: { a: "b: c" }, text: "a: 'b: c'\n" },
  { name: "an address with a port", value: { a: "10.0.0.1:80" }, text: "a: 10.0.0.1:80\n" },
  { name: "lines", value: { a: "x\ny\n" }, text: "a: |\n  x\n  y\n" },
  { name: "lines without a last newline", value: { a: "x\ny" }, text: "a: |-\n  x\n  y\n" },
  { name: "lines with a space at an end", value: { a: "x \ny" }, text: 'a: "x \\ny"\n' },
  { name: "a tab", value: { a: "x\ty" }, text: 'a: "x\\ty"\n' },
  { name: "nothing", value: { a: "", b: null, c: {}, d: [] }, text: 'a: ""\nb: null\nc: {}\nd: []\n' },
  { name: "a list of maps and of lists", value: { a: [{ b: 1, c: 2 }, [3]] }, text: "a:\n- b: 1\n  c: 2\n- - 3\n" },
  { name: "keys in go-yaml's order", value: { a10: 1, a2: 2, B: 3, _x: 4 }, text: "_x: 4\nB: 3\na2: 2\na10: 1\n" },
  {
    name: "a long text is folded after column 80",
    value: { message: `${"word ".repeat(20)}end` },
    text: `message: ${"word ".repeat(15).trimEnd()}\n  ${"word ".repeat(5)}end\n`,
  },
])("prints $name", ({ value, text }) => {
  expect(printYaml(value)).toBe(text);
});

test("whatever is printed reads back the same", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))),
      (map) => {
        const parsed = parseYaml(printYaml(map));
        expect(parsed).toMatchObject({ ok: true, value: { value: map } });
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test.each([
  ["apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n", "yaml: line 4: found character that cannot start any token"],
  ["apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n spec: {}\n", "yaml: line 4: did not find expected key"],
])("says what go-yaml says of %j", (text, error) => {
  expect(parseYaml(text)).toEqual({ ok: false, error });
});

test("the last of two equal keys wins and both are known", () => {
  expect(parseYaml("a: 1\na: 2\n")).toEqual({
    ok: true,
    value: { value: { a: 2 }, duplicates: [{ key: "a", line: 2 }] },
  });
});

test("cuts a stream at lines of dashes", () => {
  expect(splitYamlDocuments("---\na: 1\n---\n# only a comment\n---\nb: 2\n").length).toBe(3);
  expect(splitYamlDocuments("a: '---'\n")).toEqual(["a: '---'\n"]);
});
