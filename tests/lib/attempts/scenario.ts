/** What accepting an attempt is tested on, the same on every database: a lesson, logs, and a replay that can be told what to say. */
import { expect } from "vitest";
import { type Acceptance, acceptAttempt, type JudgedWorld } from "@/lib/attempts/accept";
import { giveUpReview } from "@/lib/attempts/give-up";
import type { Db } from "@/lib/db/client";
import type { Lesson } from "@/lib/lessons/loader";
import { readProgress } from "@/lib/progress/progress";
import { readReviews } from "@/lib/progress/reviews";
import type { ReplayResult } from "@/lib/replay/replay";
import { SIMULATOR_VERSION } from "@/simulator";

const text = { vi: "a", en: "b" };
export const lesson = {
  key: "course/one",
  course: "course",
  unit: "01",
  startHash: "start",
  start: { scenario: "docker", seed: 3 },
  prose: { vi: "", en: "" },
  review: {
    tasks: [{ id: "t", title: text, hints: [], goals: [{ id: "second", title: text, check: { kind: "x" } }] }],
    start: { scenario: "docker", seed: 3, commands: ["docker ps"] },
    startHash: "again",
  },
  data: {
    id: "one",
    kind: "lesson",
    title: text,
    summary: text,
    minutes: 1,
    start: { scenario: "docker", seed: 3, files: {}, commands: [] },
    tasks: [
      {
        id: "t",
        title: text,
        hints: [],
        goals: [
          { id: "first", title: text, check: { kind: "x" } },
          { id: "second", title: text, check: { kind: "x" } },
        ],
      },
    ],
    solution: ["x"],
    routes: [],
    nearMisses: [],
    quiz: [],
  },
} satisfies Lesson;

export const LEARNER = "00000000-0000-4000-8000-000000000001";
export const OTHER = "00000000-0000-4000-8000-000000000002";
const id = (number: number) => `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;

export const attempt = (more: Record<string, unknown> = {}) => ({
  attempt: id(1),
  lesson: lesson.key,
  version: SIMULATOR_VERSION,
  startHash: "start",
  entries: [{ at: 0, kind: "open", terminal: 1, columns: 80, rows: 24 }],
  end: 100,
  hash: "hash-100",
  ...more,
});

/** A replay whose hash follows from the log's end, as a real one's does. */
export const world = (
  db: Db,
  goals: readonly string[] = ["first"],
  result?: ReplayResult,
  now = "2026-03-01T08:00:00.000Z",
): Acceptance & { replays: number } => {
  const made = {
    db,
    replays: 0,
    now: () => new Date(now),
    findLesson: (key: string) => (key === lesson.key ? lesson : undefined),
    replay: async (_world: JudgedWorld, { end }: { end: number }): Promise<ReplayResult> => {
      made.replays++;
      return (
        result ?? {
          ok: true,
          outcome: { goals: goals.map((goal, index) => ({ goal, atMs: 10 + index })), hash: `hash-${end}`, steps: 1 },
        }
      );
    },
  };
  return made;
};

export const count = async (db: Db) => [
  await db.learner.count(),
  await db.attempt.count(),
  await db.goalPass.count(),
  await db.lessonProgress.count(),
];

export async function wholeStory(db: Db): Promise<void> {
  const first = world(db);
  expect(await acceptAttempt(first, LEARNER, attempt())).toEqual({
    ok: true,
    goals: [{ goal: "first", atMs: 10 }],
    done: false,
  });
  expect(await count(db)).toEqual([1, 1, 1, 1]);

  // The same again: nothing is replayed, nothing is added.
  expect(await acceptAttempt(first, LEARNER, attempt())).toMatchObject({ ok: true });
  expect(first.replays).toBe(1);
  expect(await count(db)).toEqual([1, 1, 1, 1]);

  // Several at once.
  const longer = attempt({ end: 200, hash: "hash-200" });
  const answers = await Promise.all(
    [1, 2, 3].map(() => acceptAttempt(world(db, ["first", "second"]), LEARNER, longer)),
  );
  for (const answer of answers) expect(answer).toMatchObject({ ok: true, done: true });
  expect(await count(db)).toEqual([1, 1, 2, 1]);

  // An older log of the attempt arrives late: known, not taken back.
  expect(await acceptAttempt(world(db), LEARNER, attempt({ end: 150, hash: "hash-150" }))).toMatchObject({
    ok: true,
    done: true,
  });
  expect((await db.attempt.findUnique({ where: { id: id(1) } }))?.endMs).toBe(200);

  // A new attempt meets goals again: the record stays with the first.
  expect(
    await acceptAttempt(world(db, ["first"]), LEARNER, attempt({ attempt: id(2), end: 300, hash: "hash-300" })),
  ).toMatchObject({ ok: true });
  expect(await count(db)).toEqual([1, 2, 2, 1]);
  const progress = await readProgress(LEARNER, db);
  expect(progress).toMatchObject([
    {
      lesson: lesson.key,
      goals: [
        { goal: "first", atMs: 10 },
        { goal: "second", atMs: 11 },
      ],
      doneMs: 11,
    },
  ]);
  expect(await readProgress(OTHER, db)).toEqual([]);

  // Somebody else's attempt.
  expect(await acceptAttempt(world(db), OTHER, attempt({ end: 900, hash: "hash-900" }))).toMatchObject({
    ok: false,
    refusal: { status: 409, code: "not-yours" },
  });
  expect(await count(db)).toEqual([1, 2, 2, 1]);
}

/** A log of one round of the lesson's review. */
const reviewed = (number: number, round: number, hints = 0) =>
  attempt({
    attempt: id(100 + number),
    startHash: `again-${round}`,
    review: { round, hints },
    end: 1000 + number,
    hash: `hash-${1000 + number}`,
  });

/** A lesson done on 1 March comes due after 1, 3, 7 and 21 days; what is given up starts over; nothing counts twice. */
export async function reviewStory(db: Db): Promise<void> {
  await db.learner.deleteMany();
  const on = (day: string, goals: readonly string[] = ["second"], result?: ReplayResult) =>
    world(db, goals, result, `2026-${day}T12:00:00.000Z`);
  const standing = async (day: string) => {
    const [review] = await readReviews(LEARNER, new Date(`2026-${day}T12:00:00.000Z`), db);
    return review && [review.step, review.round, review.isDue, review.dueAt?.slice(0, 10)];
  };
  const refused = (status: number, code: string) => ({ ok: false, refusal: { status, code } });

  // Not done: there is nothing to review.
  expect(await readReviews(LEARNER, new Date(), db)).toEqual([]);
  expect(await acceptAttempt(on("03-01"), LEARNER, reviewed(1, 0))).toMatchObject(refused(409, "not-done"));
  expect(await giveUpReview(LEARNER, { lesson: lesson.key, round: 0 }, new Date(), db)).toMatchObject({
    ok: false,
    status: 404,
  });

  await acceptAttempt(on("03-01", ["first", "second"]), LEARNER, attempt());
  await db.lessonProgress.updateMany({ data: { doneAt: new Date("2026-03-01T12:00:00.000Z") } });
  const done = await readProgress(LEARNER, db);
  expect(await standing("03-01")).toEqual([0, 0, false, "2026-03-02"]);
  expect(await acceptAttempt(on("03-01"), LEARNER, reviewed(1, 0))).toMatchObject(refused(409, "not-due"));

  // Due. Another round's world, the lesson's own world, and a world that was not asked for are no review.
  expect(await standing("03-02")).toEqual([0, 0, true, "2026-03-02"]);
  expect(await acceptAttempt(on("03-02"), LEARNER, reviewed(1, 1))).toMatchObject(refused(409, "other-round"));
  expect(await acceptAttempt(on("03-02"), LEARNER, { ...reviewed(1, 0), startHash: "start" })).toMatchObject(
    refused(409, "lesson-changed"),
  );
  expect(await acceptAttempt(on("03-02"), LEARNER, { ...reviewed(1, 0), hash: "forged" })).toMatchObject(
    refused(422, "hash"),
  );

  // A goal short, then all of them; sent again, and by three at once, it counts once.
  expect(await acceptAttempt(on("03-02", []), LEARNER, reviewed(1, 0))).toMatchObject({ ok: true, done: false });
  expect(await standing("03-02")).toEqual([0, 0, true, "2026-03-02"]);
  const passed = { ...reviewed(1, 0, 2), end: 2000, hash: "hash-2000" };
  const answers = await Promise.all([1, 2, 3].map(() => acceptAttempt(on("03-02"), LEARNER, passed)));
  expect(answers.filter((answer) => answer.ok && answer.done).length).toBeGreaterThanOrEqual(1);
  expect(await acceptAttempt(on("03-02"), LEARNER, passed)).toMatchObject({ ok: true, done: true });
  expect(await standing("03-02")).toEqual([1, 1, false, "2026-03-05"]);
  expect((await readReviews(LEARNER, new Date(), db))[0]).toMatchObject({ hints: 2 });
  expect(await db.attempt.findUnique({ where: { id: id(101) } })).toMatchObject({ review: 0, hints: 2, endMs: 2000 });

  // The same attempt under another flag.
  expect(
    await acceptAttempt(on("03-02"), LEARNER, attempt({ attempt: id(101), end: 3000, hash: "hash-3000" })),
  ).toMatchObject(refused(409, "other-lesson"));

  // Given up: back to the first interval, with a new world; twice is once.
  const giveUp = (day: string, round: number) =>
    giveUpReview(LEARNER, { lesson: lesson.key, round }, new Date(`2026-${day}T12:00:00.000Z`), db);
  expect(await giveUp("03-04", 1)).toMatchObject({ ok: true, review: { step: 1, round: 1 } });
  expect(await giveUp("03-06", 1)).toMatchObject({ ok: true, review: { step: 0, round: 2, isDue: false } });
  expect(await giveUp("03-06", 1)).toMatchObject({ ok: true, review: { step: 0, round: 2 } });
  expect(await standing("03-07")).toEqual([0, 2, true, "2026-03-07"]);
  expect(await giveUpReview(LEARNER, { lesson: 1 }, new Date(), db)).toMatchObject({ ok: false, status: 400 });

  // 1, 3, 7, 21 days, then never again.
  for (const [number, round, day, next] of [
    [2, 2, "03-07", "2026-03-10"],
    [3, 3, "03-10", "2026-03-17"],
    [4, 4, "03-18", "2026-04-08"],
    [5, 5, "04-08", undefined],
  ] as const) {
    expect(await acceptAttempt(on(day), LEARNER, reviewed(number, round))).toMatchObject({ ok: true, done: true });
    expect(await standing(day)).toEqual([number - 1, round + 1, false, next]);
  }
  expect(await standing("12-31")).toEqual([4, 6, false, undefined]);

  // Reviews never touch what was proved of the lesson.
  expect(await readProgress(LEARNER, db)).toEqual(done);
}
