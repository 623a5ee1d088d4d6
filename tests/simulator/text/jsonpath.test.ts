import { expect, test } from "vitest";
import { compileJsonPath, relaxedJsonPath } from "@/simulator/text/jsonpath";

const data = {
  kind: "List",
  items: [
    { metadata: { name: "a", labels: { "app.kubernetes.io/name": "x" } }, n: 5, ready: true },
    { metadata: { name: "b", labels: {} }, n: 7, ready: false },
  ],
};

const run = (template: string, allowMissingKeys = true): unknown => {
  const compiled = compileJsonPath(template, { allowMissingKeys });
  return compiled.ok ? compiled.value.execute(data) : compiled;
};

test.each([
  ["{.items[*].metadata.name}", "a b"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.n}{"\\n"}{end}done', "a\t5\nb\t7\ndone"],
  ["{.items[?(@.n>5)].metadata.name}", "b"],
  ['{.items[?(@.metadata.name=="a")].n}', "5"],
  ["{.items[?(@.ready==true)].metadata.name}", "a"],
  ["{..name}", "a b"],
  ["{.items[-1:].n}", "7"],
  ["{.items[0,1].n}", "5 7"],
  ["{.items[0]['metadata']['name']}", "a"],
  ["{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"],
  ["{.items[0].metadata.labels}", '{"app.kubernetes.io/name":"x"}'],
  ["{.nope}", ""],
  ["name: {.kind}!", "name: List!"],
  ["{range .nope[*]}{.x}{end}after", "after"],
])("%s", (template, expected) => {
  expect(run(template)).toEqual({ ok: true, value: expected });
});

test.each([
  ["{.items[5].metadata.name}", "array index out of bounds: index 5, length 2"],
  ["{.items[0", "unterminated array"],
  ["{.items", "unclosed action"],
  ["{.items[x]}", "invalid array index x"],
  ["{foo}", "unrecognized identifier foo"],
  ["{end}", "not in range, nothing to end"],
  ["{.kind[0]}", "string is not array or slice"],
])("%s fails: %s", (template, error) => {
  expect(run(template)).toEqual({ ok: false, error });
});

test("a missing key is an error where it may not be missing", () => {
  expect(run("{.nope}", false)).toEqual({ ok: false, error: "nope is not found" });
});

test.each([
  [".metadata.name", "{.metadata.name}"],
  ["metadata.name", "{.metadata.name}"],
  ["{.metadata.name}", "{.metadata.name}"],
])("one field may be written %s", (path, expected) => {
  expect(relaxedJsonPath(path)).toEqual({ ok: true, value: expected });
});

test("half a brace is no path", () => {
  expect(relaxedJsonPath("{.spec").ok).toBe(false);
});
