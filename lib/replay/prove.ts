/** Runs a log against a lesson and says what it met: the one function whose word about progress counts. */
import { LessonSession } from "@/lib/checker/session";
import type { LessonData } from "@/lib/lessons/schema";
import type { LogEntry, Machine } from "@/simulator";

export interface ReplayJob {
  readonly lesson: Pick<LessonData, "tasks">;
  readonly entries: readonly LogEntry[];
  /** Virtual ms to run to after the last input. */
  readonly end: number;
  readonly stepsMax: number;
}

export interface ReplayOutcome {
  readonly goals: readonly { readonly goal: string; readonly atMs: number }[];
  readonly hash: string;
  readonly steps: number;
}

/** Undefined when the step budget ran out first. */
export function prove(machine: Machine, job: ReplayJob): ReplayOutcome | undefined {
  const session = new LessonSession(machine, job.lesson);
  const advance = (to: number): boolean => {
    const left = job.stepsMax - machine.steps;
    return left > 0 && session.advanceTo(to, left);
  };
  for (const { at, ...input } of job.entries) {
    if (!advance(at)) return undefined;
    session.apply(input);
  }
  if (!advance(job.end)) return undefined;
  return {
    goals: session.goals.filter((goal) => goal.met).map((goal) => ({ goal: goal.id, atMs: goal.metAt ?? job.end })),
    hash: machine.stateHash(),
    steps: machine.steps,
  };
}
