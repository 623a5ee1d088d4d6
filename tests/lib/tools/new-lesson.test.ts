import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTerminal, play } from "@/lib/checker/play";
import { LessonSession } from "@/lib/checker/session";
import { readContent } from "@/lib/lessons/loader";
import { problemText } from "@/lib/lessons/problems";
import { compileProse } from "@/lib/lessons/prose";
import { BLANK, newLesson } from "@/lib/tools/new-lesson.mjs";
import { createMachine } from "@/simulator";

const COURSE = "docker-kubernetes";
let content: string;

beforeEach(() => {
  content = join(mkdtempSync(join(tmpdir(), "new-lesson-")), "content");
  mkdirSync(join(content, COURSE), { recursive: true });
  cpSync(join("content", COURSE, "course.yaml"), join(content, COURSE, "course.yaml"));
  cpSync(join("content", "glossary.yaml"), join(content, "glossary.yaml"));
  cpSync(join("content", COURSE, "01-docker"), join(content, COURSE, "01-docker"), { recursive: true });
});
afterEach(() => rmSync(dirname(content), { recursive: true }));

test("a new lesson passes the schema, takes the next number, and says what to fill in", async () => {
  const taken = readdirSync(join(content, COURSE, "01-docker")).length;
  const path = newLesson({ content, unit: "01-docker", id: "my-lesson" });
  expect(basename(path)).toBe(`${String(taken + 1).padStart(2, "0")}-my-lesson`);
  const { courses, problems } = readContent(content);
  expect(problems.map(problemText)).toEqual([]);
  const lesson = courses[0]?.lessons.find((one) => one.data.id === "my-lesson");
  if (lesson === undefined) throw new Error("it is not among the course's lessons");
  for (const language of ["vi", "en"] as const) {
    const source = readFileSync(lesson.prose[language], "utf8");
    const known = { tasks: lesson.data.tasks.map((task) => task.id), terms: [] };
    expect((await compileProse("x", source, known)).problems.map(problemText)).toEqual([]);
    expect(source).toContain(BLANK);
  }
  // Its example is a true one.
  for (const commands of [lesson.data.solution, ...lesson.data.routes.map((route) => route.commands)]) {
    const session = new LessonSession(createMachine(lesson.start), lesson.data);
    openTerminal(session);
    play(session, commands);
    expect(session.goals.map((goal) => [goal.met, goal.explanation?.found.en])).toEqual([[true, undefined]]);
  }
  for (const miss of lesson.data.nearMisses) {
    const session = new LessonSession(createMachine(lesson.start), lesson.data);
    openTerminal(session);
    play(session, miss.commands);
    expect(session.goals[0]?.explanation?.expected.vi, miss.name).toContain(miss.expect.vi);
  }
  // The next one follows it; a unit without lessons begins with 01; a unit may be named without its number.
  expect(basename(newLesson({ content, unit: "01-docker", id: "another" }))).toMatch(
    new RegExp(`^${String(taken + 2).padStart(2, "0")}-`),
  );
  expect(newLesson({ content, unit: "incidents", id: "x" })).toBe(join(content, COURSE, "06-incidents", "01-x"));
});

test.each([
  [{ unit: undefined, id: undefined }, "Which lesson?"],
  [{ unit: "01-docker", id: undefined }, "Which lesson?"],
  [{ unit: "99-more", id: "x" }, 'no unit "99-more". Its units are: 01-docker, '],
  [{ unit: "01-docker", id: "My Lesson" }, '"My Lesson" is no id'],
  [
    { unit: "02-kubernetes", id: "limits" },
    'The id "limits" is taken by content/docker-kubernetes/01-docker/05-limits',
  ],
  [{ unit: "01-docker", id: "x", course: "none" }, 'There is no course "none"'],
])("%j is refused, and nothing is written", (wanted, message) => {
  expect(() => newLesson({ content, ...wanted })).toThrow(message);
  expect(existsSync(join(content, COURSE, "02-kubernetes"))).toBe(false);
  expect(readdirSync(join(content, COURSE, "01-docker")).length).toBe(
    readdirSync(join("content", COURSE, "01-docker")).length,
  );
});
