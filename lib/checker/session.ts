/**
 * A lesson being worked on: a machine, and its goals judged on a fixed grid of virtual time, so that a live run, a
 * replay in another browser and the server's replay judge the very same moments.
 */
import type { Input, Machine } from "@/simulator";
import type { LessonData } from "@/lib/lessons/schema";
import { type PreparedCheck, evaluateCheck, prepareCheck } from "./check";
import type { Explanation } from "./verdict";

/** Goals are judged when virtual time passes a multiple of this, in ms, if anything has changed. */
export const GRID_MS = 250;

export interface GoalState {
  readonly id: string;
  readonly met: boolean;
  /** Virtual ms since arrival at which it was met. A goal that was met stays met. */
  readonly metAt?: number;
  /** Why not yet. */
  readonly explanation?: Explanation;
}

interface Judged {
  readonly id: string;
  readonly check: PreparedCheck;
  /** A goal that must be met first. */
  readonly after: string | undefined;
  readonly title: { readonly vi: string; readonly en: string };
}

export class LessonSession {
  readonly machine: Machine;
  readonly #goals: readonly Judged[];
  #states: readonly GoalState[];
  /** Where a run stopped by missing code was to end. */
  #cutAt: number | undefined;
  #judgedRevision = -1;
  #listener: ((goals: readonly GoalState[]) => void) | undefined;

  /** Throws CheckError when the lesson's checks are not valid. */
  constructor(machine: Machine, lesson: Pick<LessonData, "tasks">) {
    this.machine = machine;
    this.#goals = lesson.tasks.flatMap((task) =>
      task.goals.map((goal) => ({
        id: goal.id,
        check: prepareCheck(goal.check, goal.id),
        after: (goal.check as { after?: string }).after,
        title: goal.title,
      })),
    );
    for (const goal of this.#goals)
      if (goal.after !== undefined && !this.#goals.some((other) => other.id === goal.after))
        throw new Error(`goal "${goal.id}" comes after "${goal.after}", which is not there`);
    this.#states = this.#goals.map(({ id }) => ({ id, met: false }));
    this.#judge();
  }

  get goals(): readonly GoalState[] {
    return this.#states;
  }

  get solved(): boolean {
    return this.#states.every((goal) => goal.met);
  }

  /** Told whenever a goal is met or an explanation changes. One listener. */
  onGoals(listener: (goals: readonly GoalState[]) => void): void {
    this.#listener = listener;
  }

  /**
   * Runs the world up to `at` (virtual ms since arrival), judging on the grid. False when `maxSteps` ran first, or when
   * the world waits for code: call again once that is there, and the stretch that was cut short is run to its end first.
   */
  advanceTo(at: number, maxSteps = Number.POSITIVE_INFINITY): boolean {
    const machine = this.machine;
    const stopAt = machine.steps + maxSteps;
    while (this.#cutAt !== undefined || machine.now() < at) {
      const next = this.#cutAt ?? Math.min(at, (Math.floor(machine.now() / GRID_MS) + 1) * GRID_MS);
      const isThere = machine.runUntil(next, stopAt - machine.steps);
      this.#cutAt = machine.missing === undefined ? undefined : next;
      if (!isThere) return false;
      if (next % GRID_MS === 0) this.#judge();
    }
    return true;
  }

  apply(input: Input): void {
    this.machine.apply(input);
  }

  #judge(): void {
    if (this.machine.revision === this.#judgedRevision) return;
    this.#judgedRevision = this.machine.revision;
    const now = this.machine.now();
    const states: GoalState[] = [];
    for (const [index, goal] of this.#goals.entries()) {
      const before = this.#states[index]!;
      if (before.met) {
        states.push(before);
        continue;
      }
      const first = goal.after === undefined ? undefined : this.#goals.findIndex((other) => other.id === goal.after);
      if (first !== undefined && !(states[first] ?? this.#states[first]!).met) {
        const title = this.#goals[first]!.title;
        states.push({
          id: goal.id,
          met: false,
          explanation: {
            expected: { vi: `Mục tiêu trước đã đạt: ${title.vi}`, en: `The goal before it is met: ${title.en}` },
            found: { vi: "Chưa đạt.", en: "Not yet." },
            look: "",
          },
        });
        continue;
      }
      const verdict = evaluateCheck(goal.check, this.machine.observe);
      states.push(
        verdict.met
          ? { id: goal.id, met: true, metAt: now }
          : { id: goal.id, met: false, explanation: verdict.explanation },
      );
    }
    const changed = states.some((state, index) => !sameState(state, this.#states[index]!));
    this.#states = states;
    if (changed) this.#listener?.(states);
  }
}

function sameState(a: GoalState, b: GoalState): boolean {
  return (
    a.met === b.met &&
    a.explanation?.found.vi === b.explanation?.found.vi &&
    a.explanation?.expected.vi === b.explanation?.expected.vi &&
    a.explanation?.look === b.explanation?.look
  );
}
