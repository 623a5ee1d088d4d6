import { expect, test } from "vitest";
import { agree, plural } from "@/lib/checker/plural";

test.each([
  [0, "0 Pods"],
  [1, "1 Pod"],
  [2, "2 Pods"],
])("%d Pods", (count, text) => expect(plural(count, "Pod")).toBe(text));

test("an irregular plural, and a verb", () => {
  expect(plural(1, "reply", "replies")).toBe("1 reply");
  expect(plural(2, "reply", "replies")).toBe("2 replies");
  expect(agree(1, "is", "are")).toBe("is");
  expect(agree(0, "is", "are")).toBe("are");
});
