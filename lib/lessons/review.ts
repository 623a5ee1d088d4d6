/** What a lesson asks again after some days, and the world it asks it in: another one each time. */
import type { StartState } from "@/simulator";
import type { LessonCommand, LessonData, Task } from "./schema";

/** Days until a lesson comes due again: after it is done, then after each review that was passed in a row. */
export const REVIEW_DAYS: readonly number[] = [1, 3, 7, 21];

/** A prime: worlds of neighbouring lessons do not meet. */
const SEED_STRIDE = 7919;
const SEED_MAX = 2 ** 31;

export interface ReviewBase {
  readonly tasks: readonly Task[];
  /** Before a round has given it a seed. */
  readonly start: StartState;
  readonly startHash: string;
}

export const reviewTasks = (lesson: LessonData): readonly Task[] =>
  lesson.review === undefined ? lesson.tasks : lesson.tasks.filter((task) => lesson.review?.tasks.includes(task.id));

export const reviewSolution = (lesson: LessonData): readonly LessonCommand[] =>
  lesson.review?.solution ?? lesson.solution;

/** The lesson's start, with what the tasks that are not asked would have left behind. */
export const reviewStart = (lesson: LessonData, start: StartState): StartState => ({
  ...start,
  commands: [...(start.commands ?? []), ...(lesson.review?.commands ?? [])],
});

/** The world of one round. Both sides work it out from the lesson alone, so a log can be held against it. */
export const reviewRound = (base: ReviewBase, round: number): Pick<ReviewBase, "start" | "startHash"> => ({
  start: { ...base.start, seed: (base.start.seed + SEED_STRIDE * (round + 1)) % SEED_MAX },
  startHash: `${base.startHash}-${round}`,
});
