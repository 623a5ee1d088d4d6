/** What accepting an attempt is tested on, the same on every database: a lesson, logs, and a replay that can be told what to say. */
import { expect } from "vitest";
import { type Acceptance, acceptAttempt } from "@/lib/attempts/accept";
import type { Db } from "@/lib/db/client";
import type { Lesson } from "@/lib/lessons/loader";
import { readProgress } from "@/lib/progress/progress";
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
): Acceptance & { replays: number } => {
  const made = {
    db,
    replays: 0,
    findLesson: (key: string) => (key === lesson.key ? lesson : undefined),
    replay: async (_lesson: Lesson, { end }: { end: number }): Promise<ReplayResult> => {
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
