/** Accepts an attempt: validate, replay, compare, record. On any failure nothing has changed. Server only. */
import "server-only";
import { type Db, db } from "@/lib/db/client";
import { findLesson, type Lesson } from "@/lib/lessons/loader";
import { reviewRound } from "@/lib/lessons/review";
import type { Task } from "@/lib/lessons/schema";
import { recordProof } from "@/lib/progress/progress";
import { passReview, readReview } from "@/lib/progress/reviews";
import { type ReplayResult, replay } from "@/lib/replay/replay";
import { SIMULATOR_VERSION, type StartState } from "@/simulator";
import { atOnce } from "./at-once";
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

/** What an attempt is replayed against: the lesson, or one round of its review. */
export interface JudgedWorld {
  readonly start: StartState;
  readonly startHash: string;
  readonly tasks: readonly Task[];
}

/** What accepting needs of the world, handed in so that tests can hold the other end. */
export interface Acceptance {
  readonly db: Db;
  readonly findLesson: (key: string) => Lesson | undefined;
  readonly replay: (world: JudgedWorld, attempt: AttemptRequest) => Promise<ReplayResult>;
  /** Dates are the server's. */
  readonly now: () => Date;
}

const refuse = (status: Refusal["status"], code: string, message: string): Accepted => ({
  ok: false,
  refusal: { status, code, message },
});

/** The server's own database, lessons and replay threads. */
export const thisServer = (): Acceptance => ({
  db: db(),
  findLesson,
  replay: ({ start, tasks }, attempt) =>
    replay(start, { lesson: { tasks: [...tasks] }, entries: attempt.entries, end: attempt.end }),
  now: () => new Date(),
});

const judgedWorld = (lesson: Lesson, review: AttemptRequest["review"]): JudgedWorld =>
  review === undefined
    ? { start: lesson.start, startHash: lesson.startHash, tasks: lesson.data.tasks }
    : { ...reviewRound(lesson.review, review.round), tasks: lesson.review.tasks };

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
  const { review } = attempt;
  const judged = judgedWorld(lesson, review);
  if (attempt.startHash !== judged.startHash)
    return refuse(409, "lesson-changed", "The lesson now starts from another world.");

  const known = await world.db.attempt.findUnique({ where: { id: attempt.attempt } });
  if (known && known.learnerId !== learner) return refuse(409, "not-yours", "This attempt belongs to someone else.");
  if (known && (known.lesson !== attempt.lesson || known.review !== (review?.round ?? null)))
    return refuse(409, "other-lesson", "This attempt is at another lesson.");
  if (known && known.entries === attempt.entries.length && known.endMs === attempt.end && known.hash !== attempt.hash) {
    return refuse(422, "hash", "The same log was proved with another state.");
  }
  const isOld = known !== null && (known.endMs > attempt.end || known.entries > attempt.entries.length);
  const isSame = known !== null && known.hash === attempt.hash && known.endMs === attempt.end;
  if (isOld || isSame)
    return review === undefined ? answer(world.db, learner, lesson) : reviewAnswer(world, learner, attempt);
  if (review !== undefined) {
    const present = await readReview(learner, lesson.key, world.now(), world.db);
    if (present === undefined) return refuse(409, "not-done", "This lesson has to be done before it is reviewed.");
    if (present.round !== review.round) return refuse(409, "other-round", "This review is over.");
    if (!present.isDue) return refuse(409, "not-due", `The next review is due at ${present.dueAt ?? "no time"}.`);
  }

  const result = await world.replay(judged, attempt);
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
  const allGoals = judged.tasks.flatMap((task) => task.goals.map((goal) => goal.id));
  await atOnce(world.db, async (tx) => {
    await tx.learner.upsert({ where: { id: learner }, create: { id: learner }, update: { seenAt: new Date() } });
    const log = {
      startHash: attempt.startHash,
      version: attempt.version,
      seed: judged.start.seed,
      entries: attempt.entries.length,
      endMs: attempt.end,
      hash,
      log: JSON.stringify(attempt.entries),
      ...(review === undefined ? {} : { review: review.round, hints: review.hints }),
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
    if (review === undefined) {
      await recordProof(tx, { learner, attempt: attempt.attempt, lesson: lesson.key, goals, allGoals });
    } else if (allGoals.every((goal) => goals.some((met) => met.goal === goal))) {
      await passReview(tx, { learner, lesson: lesson.key, ...review, now: world.now() });
    }
  });
  return review === undefined ? answer(world.db, learner, lesson) : reviewAnswer(world, learner, attempt, goals);
}

async function answer(db: Db, learner: string, lesson: Lesson): Promise<Accepted> {
  const where = { learnerId: learner, lesson: lesson.key };
  const [goals, progress] = await Promise.all([
    db.goalPass.findMany({ where, orderBy: { atMs: "asc" }, select: { goal: true, atMs: true } }),
    db.lessonProgress.findUnique({ where: { learnerId_lesson: where } }),
  ]);
  return { ok: true, goals, done: progress?.doneAt != null };
}

/** Done when the round the attempt was for is over. */
async function reviewAnswer(
  world: Acceptance,
  learner: string,
  attempt: AttemptRequest,
  goals: readonly { readonly goal: string; readonly atMs: number }[] = [],
): Promise<Accepted> {
  const present = await readReview(learner, attempt.lesson, world.now(), world.db);
  return { ok: true, goals, done: present !== undefined && present.round > (attempt.review?.round ?? 0) };
}
