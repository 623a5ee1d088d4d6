/** What replays have proved about a learner, written in one transaction and read back. Server only. */
import "server-only";
import { type Db, db, type Transaction } from "@/lib/db/client";

export interface LessonRecord {
  readonly lesson: string;
  readonly goals: readonly { readonly goal: string; readonly atMs: number }[];
  readonly startedAt: string;
  readonly doneAt?: string;
  readonly doneMs?: number;
}

export interface Proof {
  readonly learner: string;
  readonly attempt: string;
  readonly lesson: string;
  /** The goals met in this attempt, with the virtual time each was met at. */
  readonly goals: readonly { readonly goal: string; readonly atMs: number }[];
  /** Every goal the lesson has. */
  readonly allGoals: readonly string[];
}

/** Adds what an attempt proved. A goal stays with the attempt that met it first; doing it again changes nothing. */
export async function recordProof(tx: Transaction, proof: Proof): Promise<void> {
  const where = { learnerId: proof.learner, lesson: proof.lesson };
  const known = new Set((await tx.goalPass.findMany({ where, select: { goal: true } })).map((row) => row.goal));
  const fresh = proof.goals.filter((goal) => !known.has(goal.goal));
  if (fresh.length > 0) {
    await tx.goalPass.createMany({
      data: fresh.map(({ goal, atMs }) => ({ ...where, goal, atMs, attemptId: proof.attempt })),
    });
  }
  const met = new Set([...known, ...fresh.map((goal) => goal.goal)]);
  const isDone = proof.allGoals.every((goal) => met.has(goal));
  const key = { learnerId_lesson: where };
  const before = await tx.lessonProgress.findUnique({ where: key });
  const finished =
    isDone && !before?.doneAt
      ? { doneAt: new Date(), doneMs: Math.max(0, ...proof.goals.map((goal) => goal.atMs)) }
      : {};
  const goalsMet = proof.allGoals.filter((goal) => met.has(goal)).length;
  await tx.lessonProgress.upsert({
    where: key,
    create: { ...where, goalsMet, ...finished },
    update: { goalsMet, ...finished },
  });
}

export async function readProgress(learner: string, from: Db = db()): Promise<LessonRecord[]> {
  const [lessons, goals] = await Promise.all([
    from.lessonProgress.findMany({ where: { learnerId: learner }, orderBy: { startedAt: "asc" } }),
    from.goalPass.findMany({ where: { learnerId: learner }, orderBy: { atMs: "asc" } }),
  ]);
  return lessons.map((row) => ({
    lesson: row.lesson,
    goals: goals.filter((goal) => goal.lesson === row.lesson).map(({ goal, atMs }) => ({ goal, atMs })),
    startedAt: row.startedAt.toISOString(),
    ...(row.doneAt === null ? {} : { doneAt: row.doneAt.toISOString() }),
    ...(row.doneMs === null ? {} : { doneMs: row.doneMs }),
  }));
}
