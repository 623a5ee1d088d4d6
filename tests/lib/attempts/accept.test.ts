import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acceptAttempt } from "@/lib/attempts/accept";
import { RateLimit } from "@/lib/attempts/rate";
import { type Db, openDb } from "@/lib/db/client";
import { deploy } from "@/lib/tools/migrate.mjs";
import { attempt, count, LEARNER, reviewStory, wholeStory, world } from "./scenario";

const folder = mkdtempSync(join(tmpdir(), "attempts-"));
let db: Db;
let empty: Db;
let reviews: Db;

beforeAll(async () => {
  for (const name of ["story", "empty", "reviews"]) await deploy(`file:${join(folder, name)}.db`);
  db = openDb(`file:${join(folder, "story.db")}`);
  empty = openDb(`file:${join(folder, "empty.db")}`);
  reviews = openDb(`file:${join(folder, "reviews.db")}`);
}, 30_000);
afterAll(async () => {
  await db.$disconnect();
  await empty.$disconnect();
  await reviews.$disconnect();
  rmSync(folder, { recursive: true, force: true });
});

test("SQLite: proofs are recorded once, add up, and are taken back by nothing", () => wholeStory(db));
test("SQLite: a lesson that was done comes due after 1, 3, 7 and 21 days", () => reviewStory(reviews));

test.each([
  ["no body", undefined, 400, "invalid"],
  ["a body of another shape", { lesson: 1 }, 400, "invalid"],
  ["an attempt without a uuid", attempt({ attempt: "1" }), 400, "invalid"],
  ["no inputs", attempt({ entries: [] }), 400, "invalid"],
  [
    "time that goes back",
    attempt({
      entries: [
        { at: 9, kind: "close", terminal: 1 },
        { at: 3, kind: "close", terminal: 1 },
      ],
    }),
    400,
    "invalid",
  ],
  ["an end before the last input", attempt({ entries: [{ at: 900, kind: "close", terminal: 1 }] }), 400, "invalid"],
  ["an input nobody knows", attempt({ entries: [{ at: 0, kind: "win" }] }), 400, "invalid"],
  ["an injected fault", attempt({ entries: [{ at: 0, kind: "fault", name: "x" }] }), 400, "invalid"],
  [
    "too much text",
    attempt({
      entries: Array.from({ length: 9 }, () => ({ at: 0, kind: "type", terminal: 1, text: "x".repeat(60_000) })),
    }),
    400,
    "invalid",
  ],
  ["a field too many", attempt({ goals: ["first", "second"] }), 400, "invalid"],
  ["a lesson that is not there", attempt({ lesson: "course/none" }), 404, "no-such-lesson"],
  ["another simulator", attempt({ version: 0 }), 409, "version"],
  ["another start", attempt({ startHash: "other" }), 409, "lesson-changed"],
  ["a forged state", attempt({ hash: "forged" }), 422, "hash"],
])("%s is refused and changes nothing", async (_name, body, status, code) => {
  expect(await acceptAttempt(world(empty), LEARNER, body)).toMatchObject({ ok: false, refusal: { status, code } });
  expect(await count(empty)).toEqual([0, 0, 0, 0]);
});

test.each([
  ["too many steps", 422],
  ["too long", 422],
  ["too much memory", 422],
  ["crashed", 422],
  ["busy", 503],
] as const)("a replay that ends with %s is refused and changes nothing", async (why, status) => {
  expect(await acceptAttempt(world(empty, [], { ok: false, why }), LEARNER, attempt())).toMatchObject({
    ok: false,
    refusal: { status },
  });
  expect(await count(empty)).toEqual([0, 0, 0, 0]);
});

test("a learner may send a burst, then waits, then may again", () => {
  const rate = new RateLimit();
  for (let n = 0; n < 20; n++) expect(rate.take("a", 0)).toBe(0);
  expect(rate.take("a", 0)).toBe(3);
  expect(rate.take("b", 0)).toBe(0);
  expect(rate.take("a", 3000)).toBe(0);
});
