import { expect, test } from "vitest";
import { editDistance, suggestions } from "@/simulator/text/closest";
import { goJson, goJsonIndent } from "@/simulator/text/go-json";
import { goJsonError } from "@/simulator/text/go-json-parse";
import { sprintf } from "@/simulator/text/sprintf";
import { formatG, quote, unquote } from "@/simulator/text/strconv";
import { unifiedDiff } from "@/simulator/text/unified-diff";

test("JSON as Go indents and escapes it", () => {
  expect(goJsonIndent({ b: [], a: { x: "<&>" } })).toBe(
    '{\n    "a": {\n        "x": "\\u003c\\u0026\\u003e"\n    },\n    "b": []\n}',
  );
  expect(goJson({ b: 1, a: undefined, c: "\u2028" }, { sortKeys: false })).toBe('{"b":1,"c":"\\u2028"}');
  expect(goJson(2 ** 53)).toBe("9007199254740992");
});

test.each([
  ["{bad", "invalid character 'b' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
  ["[1 2]", "invalid character '2' after array element"],
  ["{} x", "invalid character 'x' after top-level value"],
  ["{", "unexpected end of JSON input"],
])("what Go says of %s", (text, error) => {
  expect(goJsonError(text)).toBe(error);
});

test("valid JSON has no error", () => {
  expect(goJsonError('{"a":[1,-2.5e3,true,null,"x\\n"]}')).toBeUndefined();
});

test("quoting", () => {
  expect(quote('a"\n\u0001é')).toBe('"a\\"\\n\\x01é"');
  expect(unquote('"a\\t\\u00e9"')).toBe("a\té");
  expect(unquote('"a')).toBeUndefined();
});

test("%g", () => {
  expect(formatG(1e6, 4)).toBe("1e+06");
  expect(formatG(999.95, 3)).toBe("1e+03");
  expect(formatG(2.5, 4)).toBe("2.5");
});

test("Sprintf marks what does not fit", () => {
  expect(sprintf("%d %s", ["x"])).toBe("%!d(string=x) %!s(MISSING)");
  expect(sprintf("%.4s|%-4s|%04d", ["abcdef", "x", 7])).toBe("abcd|x   |0007");
});

test("did you mean", () => {
  expect(editDistance("lgos", "logs")).toBe(2);
  const names = ["create", "expose", "run", "set", "get", "logs"].map((name) => ({ name }));
  expect(suggestions("gett", names)).toEqual(["set", "get"]);
  expect(suggestions("explode", names)).toEqual(["expose"]);
  expect(suggestions("deploy", names)).toEqual([]);
});

test("a unified diff", () => {
  const text = unifiedDiff({ label: "a", text: "1\n2\n3\n" }, { label: "b", text: "1\nx\n3\n" });
  expect(text).toBe("--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n");
  expect(unifiedDiff({ label: "a", text: "" }, { label: "b", text: "new\n" })).toContain("@@ -0,0 +1 @@");
  expect(unifiedDiff({ label: "a", text: "same" }, { label: "b", text: "same" })).toBe("");
});
