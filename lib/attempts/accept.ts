/** Accepts an attempt: validate, replay, compare, record. On any failure nothing has changed. Server only. */
import "server-only";
import { type Db, db, type Transaction } from "@/lib/db/client";
import { findLesson, type Lesson } from "@/lib/lessons/loader";
import { recordProof } from "@/lib/progress/progress";
import { type ReplayResult, replay } from "@/lib/replay/replay";
import { SIMULATOR_VERSION } from "@/simulator";
import { type AttemptRequest, attemptSchema } from "./request";

export interface Refusal {
  readonly status: 400 | 401 | 404 | 409 | 413 | 422 | 429 | 503;
  readonly code: string;
  readonly message: string;
}

export type Accepted =
  | {
      readonly ok: true;
      readonly goals: readonly { readonly goal: string; readonly atMs: number }[];
      readonly done: boolean;
    }
  | { readonly ok: false; readonly refusal: Refusal };

/** What accepting needs of the world, handed in so that tests can hold the other end. */
export interface Acceptance {
  readonly db: Db;
  readonly findLesson: (key: string) => Lesson | undefined;
  readonly replay: (lesson: Lesson, attempt: AttemptRequest) => Promise<ReplayResult>;
}

const refuse = (status: Refusal["status"], code: string, message: string): Accepted => ({
  ok: false,
  refusal: { status, code, message },
});

/** The server's own database, lessons and replay threads. */
export const thisServer = (): Acceptance => ({
  db: db(),
  findLesson,
  replay: (lesson, attempt) =>
    replay(lesson.start, { lesson: lesson.data, entries: attempt.entries, end: attempt.end }),
});

export async function acceptAttempt(world: Acceptance, learner: string, body: unknown): Promise<Accepted> {
  const parsed = attemptSchema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(400, "invalid", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "not an attempt"}`);
  }
  const attempt = parsed.data;
  const lesson = world.findLesson(attempt.lesson);
  if (lesson === undefined) return refuse(404, "no-such-lesson", `There is no lesson "${attempt.lesson}".`);
  if (attempt.version !== SIMULATOR_VERSION) {
    return refuse(409, "version", `The log was made by simulator ${attempt.version}; this is ${SIMULATOR_VERSION}.`);
  }
  if (attempt.startHash !== lesson.startHash)
    return refuse(409, "lesson-changed", "The lesson now starts from another world.");

  const known = await world.db.attempt.findUnique({ where: { id: attempt.attempt } });
  if (known && known.learnerId !== learner) return refuse(409, "not-yours", "This attempt belongs to someone else.");
  if (known && known.lesson !== attempt.lesson)
    return refuse(409, "other-lesson", "This attempt is at another lesson.");
  if (known && known.entries === attempt.entries.length && known.endMs === attempt.end && known.hash !== attempt.hash) {
    return refuse(422, "hash", "The same log was proved with another state.");
  }
  const isOld = known !== null && (known.endMs > attempt.end || known.entries > attempt.entries.length);
  const isSame = known !== null && known.hash === attempt.hash && known.endMs === attempt.end;
  if (isOld || isSame) return answer(world.db, learner, lesson);

  const result = await world.replay(lesson, attempt);
  if (!result.ok) {
    if (result.why === "busy") return refuse(503, "busy", "Too many logs are being replayed. Try again in a moment.");
    if (result.why === "crashed") console.error(`Replay of ${attempt.lesson} crashed: ${result.detail}`);
    return refuse(422, "replay", `The log could not be replayed: ${result.why}.`);
  }
  const { goals, hash } = result.outcome;
  if (hash !== attempt.hash) {
    console.error(
      `Replay of ${attempt.lesson} (${attempt.entries.length} inputs, ${attempt.end} ms) gave ${hash}, not ${attempt.hash}.`,
    );
    return refuse(422, "hash", "Replaying the log gives another world than the one claimed.");
  }
  const allGoals = lesson.data.tasks.flatMap((task) => task.goals.map((goal) => goal.id));
  await atOnce(world.db, async (tx) => {
    await tx.learner.upsert({ where: { id: learner }, create: { id: learner }, update: { seenAt: new Date() } });
    const log = {
      startHash: attempt.startHash,
      version: attempt.version,
      seed: lesson.start.seed,
      entries: attempt.entries.length,
      endMs: attempt.end,
      hash,
      log: JSON.stringify(attempt.entries),
    };
    const present = await tx.attempt.findUnique({ where: { id: attempt.attempt }, select: { id: true } });
    if (present === null) {
      await tx.attempt.create({ data: { id: attempt.attempt, learnerId: learner, lesson: lesson.key, ...log } });
    } else {
      // A longer log of the same attempt may have been recorded while this one was replayed: it stays.
      const shorter = {
        id: attempt.attempt,
        learnerId: learner,
        entries: { lte: log.entries },
        endMs: { lte: log.endMs },
      };
      await tx.attempt.updateMany({ where: shorter, data: log });
    }
    await recordProof(tx, { learner, attempt: attempt.attempt, lesson: lesson.key, goals, allGoals });
  });
  return answer(world.db, learner, lesson);
}

/** P2002: two requests made the same row. P2034: a write conflict. Either way the second try sees what the first one did. */
const RETRIED = new Set(["P2002", "P2034"]);

async function atOnce(db: Db, work: (tx: Transaction) => Promise<void>, tries = 3): Promise<void> {
  try {
    await db.$transaction(work);
  } catch (error) {
    if (tries <= 1 || !RETRIED.has((error as { code?: string }).code ?? "")) throw error;
    await atOnce(db, work, tries - 1);
  }
}

async function answer(db: Db, learner: string, lesson: Lesson): Promise<Accepted> {
  const where = { learnerId: learner, lesson: lesson.key };
  const [goals, progress] = await Promise.all([
    db.goalPass.findMany({ where, orderBy: { atMs: "asc" }, select: { goal: true, atMs: true } }),
    db.lessonProgress.findUnique({ where: { learnerId_lesson: where } }),
  ]);
  return { ok: true, goals, done: progress?.doneAt != null };
}
