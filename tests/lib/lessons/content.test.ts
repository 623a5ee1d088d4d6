import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readContent } from "@/lib/lessons/loader";
import { parseYaml, problemText } from "@/lib/lessons/problems";
import { compileProse } from "@/lib/lessons/prose";
import { reviewRound, reviewSolution, reviewStart, reviewTasks } from "@/lib/lessons/review";
import { courseSchema, glossarySchema, type LessonData, lessonSchema } from "@/lib/lessons/schema";
import { asScript, resolveStart, startHash } from "@/lib/lessons/start";

const LESSON = `id: one
title: { vi: Một, en: One }
summary: { vi: Tóm tắt, en: Summary }
minutes: 5
start: { scenario: docker, seed: 1 }
tasks:
  - id: t
    title: { vi: Việc, en: Task }
    goals:
      - id: g
        title: { vi: Đích, en: Goal }
        check: { kind: anything }
solution: [docker ps]
`;
const COURSE = `id: c
title: { vi: Khoá, en: Course }
summary: { vi: a, en: b }
audience: { vi: a, en: b }
units:
  - { folder: 01-unit, title: { vi: a, en: b }, summary: { vi: a, en: b } }
`;

const temporary: string[] = [];
afterAll(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true });
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const root = join(mkdtempSync(join(tmpdir(), "content-")), "content");
  temporary.push(join(root, ".."));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const problemsOf = (yaml: string): string[] => {
  const parsed = parseYaml("lesson.yaml", yaml, lessonSchema);
  return parsed.ok ? [] : parsed.problems.map(problemText);
};

describe("lesson.yaml", () => {
  test("a good one", () => expect(problemsOf(LESSON)).toEqual([]));

  test.each([
    ["a wrong type", LESSON.replace("minutes: 5", "minutes: soon"), "lesson.yaml:4:10: minutes: "],
    [
      "a missing language",
      LESSON.replace("title: { vi: Một, en: One }", "title: { vi: Một }"),
      "lesson.yaml:2:8: title.en: ",
    ],
    ["an unknown field", LESSON.replace("minutes: 5", "minutes: 5\nlength: 3"), "lesson.yaml:5:9: "],
    ["broken YAML", LESSON.replace("solution: [docker ps]", "solution: [docker ps"), "lesson.yaml:"],
    [
      "a goal that is there twice",
      LESSON.replace("solution:", "      - { id: g, title: { vi: a, en: b }, check: { kind: x } }\nsolution:"),
      'lesson.yaml:13:15: tasks.0.goals.1.id: goal "g" is there twice',
    ],
    [
      "a near-miss of no goal",
      `${LESSON}nearMisses:\n  - { name: n, commands: [], goal: h, expect: { vi: a, en: b } }\n`,
      'no goal is called "h"',
    ],
    [
      "a review of no task",
      `${LESSON}review: { tasks: [u], solution: [x] }\n`,
      'lesson.yaml:14:19: review.tasks.0: no task is called "u"',
    ],
    [
      "a review that leaves out what a goal comes after",
      `${LESSON.replace(
        "solution:",
        `  - id: u
    title: { vi: Việc, en: Task }
    goals: [{ id: h, title: { vi: a, en: b }, check: { kind: x, after: g } }]
solution:`,
      )}review: { tasks: [u], solution: [x] }\n`,
      'goal "h" comes after "g", whose task is not reviewed',
    ],
  ])("%s names its place", (_name, yaml, expected) => {
    const problems = problemsOf(yaml);
    expect(problems.length).toBeGreaterThan(0);
    expect(
      problems.some((problem) => problem.includes(expected)),
      problems.join("\n"),
    ).toBe(true);
  });
});

describe("the content folder", () => {
  const good = {
    "c/course.yaml": COURSE,
    "c/01-unit/01-one/lesson.yaml": LESSON,
    "c/01-unit/01-one/vi.mdx": "Chào",
    "c/01-unit/01-one/en.mdx": "Hello",
  };

  test("lessons come in the order of their folders", () => {
    const root = folderWith({
      ...good,
      "c/01-unit/02-two/lesson.yaml": LESSON.replace("id: one", "id: two").replace("seed: 1", "seed: 1, from: one"),
      "c/01-unit/02-two/vi.mdx": "",
      "c/01-unit/02-two/en.mdx": "",
    });
    const { courses, problems } = readContent(root);
    expect(problems).toEqual([]);
    expect(courses[0]?.lessons.map((lesson) => lesson.key)).toEqual(["c/one", "c/two"]);
    expect(courses[0]?.lessons[1]?.start.commands).toEqual(["docker ps"]);
  });

  test.each([
    ["a lesson without its English text", { "c/01-unit/01-one/en.mdx": undefined }, "en.mdx:1:1: is missing"],
    [
      "a unit that the course does not list",
      { "c/02-more/01-x/lesson.yaml": LESSON },
      'units does not list the folder "02-more"',
    ],
    [
      "an id that is taken",
      { "c/01-unit/02-two/lesson.yaml": LESSON, "c/01-unit/02-two/vi.mdx": "", "c/01-unit/02-two/en.mdx": "" },
      'the id "one" is taken already',
    ],
    [
      "a start from nowhere",
      { "c/01-unit/01-one/lesson.yaml": LESSON.replace("seed: 1", "seed: 1, from: nine") },
      'no lesson of this course is called "nine"',
    ],
    [
      "a start from itself",
      { "c/01-unit/01-one/lesson.yaml": LESSON.replace("seed: 1", "seed: 1, from: one") },
      "goes in a circle",
    ],
  ])("%s", (_name, change, expected) => {
    const files = Object.entries({ ...good, ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const found = readContent(folderWith(Object.fromEntries(files))).problems.map(problemText);
    expect(found.join("\n")).toContain(expected);
  });

  test("the course of this repository has no problems", async () => {
    const { courses, glossary, problems } = readContent();
    expect(problems.map(problemText)).toEqual([]);
    const terms = glossary.map((entry) => entry.id);
    for (const lesson of courses.flatMap((course) => course.lessons)) {
      for (const language of ["vi", "en"] as const) {
        const { readFileSync } = await import("node:fs");
        const known = {
          tasks: lesson.data.tasks.map((task) => task.id),
          terms,
          hasDebrief: lesson.data.debrief !== undefined,
        };
        const { problems: found } = await compileProse(
          lesson.prose[language],
          readFileSync(lesson.prose[language], "utf8"),
          known,
        );
        expect(found.map(problemText)).toEqual([]);
      }
    }
  }, 60_000);
});

describe("prose", () => {
  const known = { tasks: ["t"], terms: ["image"] };
  test.each([
    ["an unknown component", 'a\n\n<Foo />\n\n<Task id="t" />', "x.mdx:3:1: <Foo> is not one of"],
    ["an unclosed component", 'a\n\n<Cmd>ls\n\n<Task id="t" />', "x.mdx:3:1: Expected a closing tag"],
    ["an unknown task", '<Task id="t" />\n\n<Task id="u" />', 'x.mdx:3:1: lesson.yaml has no task "u"'],
    ["a task that is not shown", "text", 'x.mdx:1:1: task "t" is not shown'],
    ["an unknown term", 'a <Term id="pod">Pod</Term>\n\n<Task id="t" />', 'x.mdx:1:3: the glossary has no term "pod"'],
    ["a debrief of nothing", '<Task id="t" />\n\n<Debrief />', "x.mdx:3:1: lesson.yaml has no debrief to show"],
    ["code", 'import x from "y"\n\n<Task id="t" />', "x.mdx:1:1: prose has no imports or exports"],
    [
      "a missing property",
      '<Predict question="q">a</Predict>\n\n<Task id="t" />',
      'x.mdx:1:1: <Predict> needs the property "options"',
    ],
  ])("%s is found with its line", async (_name, source, expected) => {
    const { problems } = await compileProse("x.mdx", source, known);
    expect(problems.map(problemText).join("\n")).toContain(expected);
  });
});

test("short code is marked, so that it stays on one line; commands are not", async () => {
  const source = 'a `--format` b `docker inspect --format x container`\n\n```\nls\n```\n\n<Task id="t" />';
  const { code, problems } = await compileProse("x.mdx", source, { tasks: ["t"], terms: [] });
  expect(problems).toEqual([]);
  expect(code.match(/className: ?"short"/g)?.length).toBe(1);
  expect(code).toMatch(/className: ?"short",\s*children: ?"--format"/);
});

test("a debrief must be shown", async () => {
  const { problems } = await compileProse("x.mdx", '<Task id="t" />', { tasks: ["t"], terms: [], hasDebrief: true });
  expect(problems.map(problemText)).toEqual(["x.mdx:1:1: the debrief is not shown: add <Debrief />"]);
});

describe("starting from a solved lesson", () => {
  test("files are written, pauses kept, a command that Ctrl-C ends is ended", () => {
    expect(
      asScript([
        "kubectl get pods -w",
        { wait: 3 },
        { keys: "\u0003" },
        { save: { path: "/home/a's.yaml", content: "kind: Pod" } },
        { wait: 2 },
      ]),
    ).toEqual([
      "timeout -s INT 3 kubectl get pods -w",
      "sleep 3",
      "mkdir -p '/home'",
      "cat > '/home/a'\\''s.yaml' <<'END_OF_FILE'\nkind: Pod\nEND_OF_FILE",
      "sleep 2",
    ]);
  });

  test("the hash names the start, not the order of its files", () => {
    const start = { scenario: "docker", seed: 1, files: { "/a": "1", "/b": "2" } };
    expect(startHash(start)).toBe(startHash({ ...start, files: { "/b": "2", "/a": "1" } }));
    expect(startHash(start)).not.toBe(startHash({ ...start, seed: 2 }));
  });

  test("an own start is taken as it is", () => {
    const parsed = parseYaml("x", LESSON, lessonSchema);
    expect(parsed.ok && resolveStart(parsed.value as LessonData, () => undefined)).toEqual({
      scenario: "docker",
      seed: 1,
      files: {},
      commands: [],
    });
    expect(parseYaml("x", COURSE, courseSchema).ok).toBe(true);
  });
});

test("a word stands in the glossary once", () => {
  const word = "- { id: pod, term: Pod, gloss: { vi: a, en: b } }\n";
  const parsed = parseYaml("glossary.yaml", word + word, glossarySchema);
  expect(parsed.ok ? [] : parsed.problems.map(problemText)).toEqual(['glossary.yaml:2:9: 1.id: "pod" is there twice']);
});

describe("a lesson's review", () => {
  const read = (more: string) => {
    const parsed = parseYaml("x", LESSON + more, lessonSchema);
    if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join("\n"));
    return parsed.value;
  };

  test("asks the tasks it names, after commands of its own; without one, the whole lesson", () => {
    const own = read("review: { tasks: [t], commands: [docker pull nginx], solution: [docker images] }\n");
    expect(reviewTasks(own).map((task) => task.id)).toEqual(["t"]);
    expect(reviewStart(own, { scenario: "docker", seed: 1, commands: ["docker ps"] }).commands).toEqual([
      "docker ps",
      "docker pull nginx",
    ]);
    expect(reviewSolution(own)).toEqual(["docker images"]);
    expect(reviewTasks(read(""))).toEqual(read("").tasks);
    expect(reviewSolution(read(""))).toEqual(["docker ps"]);
  });

  test("each round has a world of its own, with a name of its own", () => {
    const base = { tasks: [], start: { scenario: "docker", seed: 2 ** 31 - 1 }, startHash: "abc" };
    const rounds = [0, 1, 2, 3].map((round) => reviewRound(base, round));
    expect(new Set(rounds.map(({ start }) => start.seed)).size).toBe(4);
    for (const { start } of rounds) {
      expect(start.seed).toBeGreaterThanOrEqual(0);
      expect(start.seed).toBeLessThan(2 ** 31);
      expect(start.seed).not.toBe(base.start.seed);
    }
    expect(rounds.map(({ startHash }) => startHash)).toEqual(["abc-0", "abc-1", "abc-2", "abc-3"]);
  });
});
