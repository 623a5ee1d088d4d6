/**
 * Every lesson proves itself: solution, other routes and near-misses are played; both languages say the same. The files
 * beside this one take a share of the lessons each, so that cores work side by side.
 */
import { LessonSession } from "@/lib/checker/session";
import { openTerminal, play } from "@/lib/checker/play";
import { prepareCheck } from "@/lib/checker/check";
import { reviewRound, reviewSolution } from "@/lib/lessons/review";
import { type Lesson, readContent } from "@/lib/lessons/loader";
import type { LessonCommand } from "@/lib/lessons/schema";
import { createMachine } from "@/simulator";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

const { courses } = readContent();
const lessons = courses.flatMap((course) => course.units.flatMap((unit) => unit.lessons));

function played(lesson: Lesson, commands: readonly LessonCommand[]): LessonSession {
  const session = new LessonSession(createMachine(lesson.start), lesson.data);
  openTerminal(session);
  play(session, commands);
  expect(session.machine.faults).toEqual([]);
  return session;
}

const unmetGoals = (session: LessonSession) =>
  session.goals.filter((goal) => !goal.met).map((goal) => ({ id: goal.id, ...goal.explanation }));

/** Declares the tests of every `of`-th lesson, from the one at `share` on. */
export function proveLessons(share: number, of: number): void {
  test("there are lessons", () => {
    expect(lessons.length).toBeGreaterThanOrEqual(of);
  });

  const mine = lessons.filter((_, index) => index % of === share);
  describe.each(mine.map((lesson) => ({ name: lesson.data.id, lesson })))("$name", ({ lesson }) => prove(lesson));
}

function prove(lesson: Lesson): void {
  let solved: LessonSession | undefined;

  test("no goal is met before the learner has done anything, and the solution meets every one", () => {
    const session = played(lesson, [{ wait: 5 }]);
    expect(session.goals.filter((goal) => goal.met)).toEqual([]);
    for (const goal of session.goals) {
      expect(goal.explanation?.expected.vi, goal.id).not.toBe(goal.explanation?.expected.en);
    }
    play(session, lesson.data.solution);
    expect(session.machine.faults).toEqual([]);
    expect(unmetGoals(session)).toEqual([]);
    solved = session;
  });

  test("there are two other routes and three near-misses", () => {
    expect(lesson.data.routes.length).toBeGreaterThanOrEqual(2);
    expect(lesson.data.nearMisses.length).toBeGreaterThanOrEqual(3);
  });

  test.each(lesson.data.routes)("another route: $name", (route) => {
    expect(unmetGoals(played(lesson, route.commands))).toEqual([]);
  });

  test.each(lesson.data.nearMisses)("near-miss: $name", (miss) => {
    const session = played(lesson, miss.commands);
    const goal = session.goals.find((one) => one.id === miss.goal)!;
    expect(goal.met).toBe(false);
    for (const language of ["vi", "en"] as const) {
      const said = `${goal.explanation?.expected[language]} ${goal.explanation?.found[language]}`;
      expect(said).toContain(miss.expect[language]);
    }
  });

  test("its review is solved by its own solution, in a world of another seed", () => {
    const { start } = reviewRound(lesson.review, 0);
    const review = { ...lesson, start, data: { ...lesson.data, tasks: [...lesson.review.tasks] } };
    const session = played(review, [{ wait: 2 }]);
    expect(session.goals.filter((goal) => goal.met)).toEqual([]);
    play(session, reviewSolution(lesson.data));
    expect(session.machine.faults).toEqual([]);
    expect(unmetGoals(session)).toEqual([]);
  });

  test("hints go from a nudge to the command, a rung at a time; the quiz has three questions", () => {
    const ladder = ["nudge", "concept", "shape", "command"];
    // In an incident the symptom is the nudge.
    const ladders = lesson.data.kind === "incident" ? [ladder, ladder.slice(1)] : [ladder];
    for (const task of lesson.data.tasks) {
      expect(ladders, `hints of task "${task.id}"`).toContainEqual(task.hints.map((hint) => hint.kind));
      for (const hint of task.hints) {
        expect(hint.command !== undefined, `${task.id}: a ${hint.kind} with a command`).toBe(hint.kind === "command");
        if (!/^`[^`]*`$/.test(hint.en)) expect(hint.vi, task.id).not.toBe(hint.en);
      }
    }
    expect(lesson.data.quiz.length).toBe(3);
  });

  test("the same log gives the same world, bytes and goals", () => {
    const first = solved ?? played(lesson, lesson.data.solution);
    const log = first.machine.log();
    const bytes: string[] = [];
    const again = new LessonSession(createMachine(log.start), lesson.data);
    again.machine.onOutput((_terminal, chunk) => bytes.push(chunk));
    for (const { at, ...input } of log.entries) {
      again.advanceTo(at);
      again.apply(input);
    }
    again.advanceTo(log.end);
    expect(again.machine.stateHash()).toBe(first.machine.stateHash());
    expect(again.goals).toEqual(first.goals);
    expect(bytes.join("").length).toBeGreaterThan(0);
  });

  test("both languages hold the same", () => {
    const vi = readFileSync(lesson.prose.vi, "utf8");
    const en = readFileSync(lesson.prose.en, "utf8");
    expect(skeleton(vi)).toEqual(skeleton(en));
    expect(vi).toBe(vi.normalize("NFC"));
    expect(vi).not.toBe(en);
    expect(vi.length / en.length).toBeGreaterThan(0.7);
    expect(vi.length / en.length).toBeLessThan(1.4);
    // One spelling, and one word for a file, everywhere.
    const yaml = readFileSync(join(dirname(lesson.prose.vi), "lesson.yaml"), "utf8");
    expect(vi + yaml).not.toMatch(/hóa|xóa|khóa|tập tin/i);
  });

  test("every name that a goal requires is in the text", () => {
    for (const language of ["vi", "en"] as const) {
      const goals = lesson.data.tasks.flatMap((task) => task.goals);
      const text = readFileSync(lesson.prose[language], "utf8") + goals.map((goal) => goal.title[language]).join("\n");
      // `5001:5000` may be told as two numbers.
      for (const goal of goals)
        for (const name of prepareCheck(goal.check).names)
          for (const part of /^\d+:\d+$/.test(name) ? name.split(":") : [name])
            expect(text, `${goal.id}: ${part}`).toContain(part);
    }
  });
}

/** What both languages must share, in order: headings by level, commands, tasks, terms, questions, code. */
function skeleton(mdx: string): string[] {
  const marks = mdx.matchAll(
    /^(#+) |<Cmd[^>]*>([\s\S]*?)<\/Cmd>|<(Task|Term) id="([^"]+)"|<(Quiz|Predict|Note|Output)\b|answer=\{(\d+)\}|^\| /gm,
  );
  return [...marks].map((mark) => (mark[1] ? mark[1] : mark[0].replace(/<Note[^>]*/, "<Note")));
}
