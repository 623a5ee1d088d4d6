import { expect, test } from "vitest";
import { join } from "@/lib/playground/progress";

test("progress of browser and server add up", () => {
  const joined = join(
    [{ lesson: "c/a", goals: { one: 10 }, goalsTotal: 2, startedAt: "2026-01-01" }],
    [
      {
        lesson: "c/a",
        goals: [
          { goal: "one", atMs: 99 },
          { goal: "two", atMs: 50 },
        ],
        doneAt: "2026-01-02",
        doneMs: 50,
      },
      { lesson: "c/b", goals: [{ goal: "x", atMs: 1 }] },
    ],
  );
  expect(joined["c/a"]).toMatchObject({ goals: { one: 10, two: 50 }, doneAt: "2026-01-02" });
  expect(joined["c/b"]?.goals).toEqual({ x: 1 });
});
