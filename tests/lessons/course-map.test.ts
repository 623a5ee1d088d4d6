/** docs/course-map.md against the notes it maps and the lessons it names. */
import { readContent } from "@/lib/lessons/loader";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Row {
  readonly first: number;
  readonly last: number;
  readonly opening: string;
  readonly lessons: readonly string[];
}

function readMap(markdown: string): Row[] {
  return [...markdown.matchAll(/^\| (\d+)(?:–(\d+))? \| (.*?) \| (.*?) \| .+ \|$/gm)].map((match) => ({
    first: Number(match[1]),
    last: Number(match[2] ?? match[1]),
    opening: match[3]!.replaceAll("\\", "").replace(/ …$/, ""),
    lessons: [...match[4]!.matchAll(/`([^`]+)`/g)].map((lesson) => lesson[1]!),
  }));
}

const notes = readFileSync("tests/data/notes.vi.txt", "utf8").split("\n");
const rows = readMap(readFileSync("docs/course-map.md", "utf8"));
const lessons = new Set(readContent().courses.flatMap((course) => course.lessons.map((lesson) => lesson.data.id)));

test("every line of the notes stands in exactly one row", () => {
  const written = notes.flatMap((line, index) => (line.trim() === "" ? [] : [index + 1]));
  const mapped = rows.flatMap(({ first, last }) => {
    const lines = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    return lines.filter((line) => notes[line - 1]!.trim() !== "");
  });
  expect(mapped).toEqual(written);
});

test("a row quotes its passage as it is written", () => {
  for (const { first, opening } of rows) {
    expect(opening.length, `line ${first}`).toBeGreaterThan(0);
    expect(notes[first - 1]!.trim().startsWith(opening), `line ${first}: ${opening}`).toBe(true);
  }
});

test("every row names lessons, and they exist", () => {
  for (const { first, lessons: named } of rows) {
    expect(named.length, `line ${first}`).toBeGreaterThan(0);
    for (const id of named) expect(lessons, `line ${first}`).toContain(id);
  }
});
