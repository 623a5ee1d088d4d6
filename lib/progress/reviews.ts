/** When lessons come due again, by this server's clock: read, moved on by a proved review, moved back by giving up. Server only. */
import "server-only";
import { type Db, db, type Transaction } from "@/lib/db/client";
import { REVIEW_DAYS } from "@/lib/lessons/review";

const DAY_MS = 24 * 3600 * 1000;

export interface ReviewRecord {
  readonly lesson: string;
  /** Reviews passed in a row. */
  readonly step: number;
  /** Which world is asked in. */
  readonly round: number;
  /** Absent when nothing is left to review. */
  readonly dueAt?: string;
  readonly isDue: boolean;
  readonly passedAt?: string;
  /** Hints taken in the review passed last. */
  readonly hints?: number;
}

const inDays = (now: Date, days: number): Date => new Date(now.getTime() + days * DAY_MS);

/** The first review of a lesson that was done then. */
const firstDue = (doneAt: Date): Date => inDays(doneAt, REVIEW_DAYS[0]!);

/** Every lesson that was done, with its next review. */
export async function readReviews(learner: string, now: Date, from: Db = db()): Promise<ReviewRecord[]> {
  const [lessons, rows] = await Promise.all([
    from.lessonProgress.findMany({ where: { learnerId: learner, doneAt: { not: null } }, orderBy: { doneAt: "asc" } }),
    from.review.findMany({ where: { learnerId: learner } }),
  ]);
  return lessons.map(({ lesson, doneAt }) => {
    const row = rows.find((one) => one.lesson === lesson);
    const dueAt = row === undefined ? firstDue(doneAt!) : row.dueAt;
    return {
      lesson,
      step: row?.step ?? 0,
      round: row?.round ?? 0,
      isDue: dueAt !== null && dueAt <= now,
      ...(dueAt === null ? {} : { dueAt: dueAt.toISOString() }),
      ...(row?.passedAt ? { passedAt: row.passedAt.toISOString(), hints: row.hints } : {}),
    };
  });
}

export async function readReview(
  learner: string,
  lesson: string,
  now: Date,
  from: Db = db(),
): Promise<ReviewRecord | undefined> {
  return (await readReviews(learner, now, from)).find((review) => review.lesson === lesson);
}

export interface ReviewEnd {
  readonly learner: string;
  readonly lesson: string;
  readonly round: number;
  readonly now: Date;
}

/** A proof met every goal of this round: the next interval. A round that is over already is left alone. */
export async function passReview(tx: Transaction, end: ReviewEnd & { readonly hints: number }): Promise<void> {
  const before = await tx.review.findUnique({ where: keyOf(end) });
  const step = (before?.step ?? 0) + 1;
  const days = REVIEW_DAYS[step];
  const dueAt = days === undefined ? null : inDays(end.now, days);
  await endRound(tx, end, { step: Math.min(step, REVIEW_DAYS.length), dueAt, passedAt: end.now, hints: end.hints });
}

/** Not known any more: back to the first interval. A round that is over already is left alone. */
export const dropReview = (tx: Transaction, end: ReviewEnd): Promise<void> =>
  endRound(tx, end, { step: 0, dueAt: inDays(end.now, REVIEW_DAYS[0]!) });

interface Outcome {
  readonly step: number;
  readonly dueAt: Date | null;
  readonly passedAt?: Date;
  readonly hints?: number;
}

async function endRound(tx: Transaction, end: ReviewEnd, outcome: Outcome): Promise<void> {
  const { learner, lesson, round } = end;
  const next = { ...outcome, round: round + 1 };
  // Asked of the database, not read first: of two that end the same round, one does.
  const { count } = await tx.review.updateMany({ where: { learnerId: learner, lesson, round }, data: next });
  if (count > 0 || round !== 0) return;
  if ((await tx.review.findUnique({ where: keyOf(end) })) === null)
    await tx.review.create({ data: { learnerId: learner, lesson, ...next } });
}

const keyOf = ({ learner, lesson }: ReviewEnd) => ({ learnerId_lesson: { learnerId: learner, lesson } });
