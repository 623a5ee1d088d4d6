/** Reads content/ from disk: courses, their units and lessons in order, with every problem placed. Server only. */
import "server-only";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { StartState } from "@/simulator";
import { type ReviewBase, reviewStart, reviewTasks } from "./review";
import { ContentError, type ContentProblem, parseYaml } from "./problems";
import {
  type CourseData,
  courseSchema,
  type GlossaryEntry,
  glossarySchema,
  LANGUAGES,
  type Language,
  type LessonData,
  lessonSchema,
} from "./schema";
import { CONTENT_ROOT, contentStamp } from "./stamp";
import { resolveStart, startHash } from "./start";

export interface Lesson {
  /** `<course>/<lesson id>`: what logs and progress are filed under; folders may be renumbered. */
  readonly key: string;
  readonly course: string;
  readonly unit: string;
  readonly data: LessonData;
  readonly start: StartState;
  readonly startHash: string;
  readonly review: ReviewBase;
  /** Absolute paths of the prose. */
  readonly prose: Readonly<Record<Language, string>>;
}

export interface Unit {
  readonly folder: string;
  readonly title: CourseData["title"];
  readonly summary: CourseData["summary"];
  readonly lessons: readonly Lesson[];
}

export interface Course {
  readonly data: CourseData;
  readonly units: readonly Unit[];
  /** All lessons, in the order they are taken. */
  readonly lessons: readonly Lesson[];
}

export interface Content {
  readonly courses: readonly Course[];
  readonly glossary: readonly GlossaryEntry[];
  readonly problems: readonly ContentProblem[];
}

/** Everything under `root`, with problems listed and broken lessons left out. */
export function readContent(root = CONTENT_ROOT): Content {
  const problems: ContentProblem[] = [];
  const courses = subfolders(root)
    .filter((folder) => existsSync(join(root, folder, "course.yaml")))
    .map((folder) => readCourse(root, folder, problems))
    .filter((course) => course !== undefined);
  const glossaryFile = join(root, "glossary.yaml");
  const glossary = existsSync(glossaryFile) ? (readYaml(glossaryFile, glossarySchema, root, problems) ?? []) : [];
  return { courses, glossary, problems };
}

let cached: { readonly stamp: string; readonly content: Content } | undefined;

/** The content of this build. In production a problem stops the build; in development the pages show it, and follow the files. */
export function content(): Content {
  const isFixed = process.env["NODE_ENV"] === "production";
  const stamp = isFixed ? "" : JSON.stringify(contentStamp());
  if (cached?.stamp !== stamp) cached = { stamp, content: readContent() };
  const { problems } = cached.content;
  if (isFixed && problems.length > 0) throw new ContentError(problems);
  return cached.content;
}

export const findCourse = (id: string): Course | undefined => content().courses.find((course) => course.data.id === id);

export const findLesson = (key: string): Lesson | undefined => {
  const [course, id] = key.split("/");
  return findCourse(course ?? "")?.lessons.find((lesson) => lesson.data.id === id);
};

function readCourse(root: string, folder: string, problems: ContentProblem[]): Course | undefined {
  const file = join(root, folder, "course.yaml");
  const data = readYaml(file, courseSchema, root, problems);
  if (data === undefined) return undefined;
  const complain = (path: string, message: string) => problems.push(atTop(root, path, message));
  if (data.id !== folder) complain(file, `the course's id is "${data.id}" but its folder is "${folder}"`);
  for (const unit of subfolders(join(root, folder))) {
    if (!data.units.some((known) => known.folder === unit)) complain(file, `units does not list the folder "${unit}"`);
  }
  const read: { unit: string; folder: string; data: LessonData }[] = [];
  for (const unit of data.units) {
    for (const lesson of subfolders(join(root, folder, unit.folder))) {
      const path = join(root, folder, unit.folder, lesson);
      const yaml = join(path, "lesson.yaml");
      if (!existsSync(yaml)) {
        complain(yaml, "is missing");
        continue;
      }
      for (const language of LANGUAGES) {
        const prose = join(path, `${language}.mdx`);
        if (!existsSync(prose)) complain(prose, "is missing");
      }
      const parsed = readYaml(yaml, lessonSchema, root, problems);
      if (parsed === undefined) continue;
      if (read.some((other) => other.data.id === parsed.id)) complain(yaml, `the id "${parsed.id}" is taken already`);
      else read.push({ unit: unit.folder, folder: path, data: parsed });
    }
  }
  const byId = new Map(read.map((lesson) => [lesson.data.id, lesson.data]));
  const lessons: Lesson[] = [];
  for (const { unit, folder: path, data: lesson } of read) {
    try {
      const start = resolveStart(lesson, (id) => byId.get(id));
      const again = reviewStart(lesson, start);
      lessons.push({
        key: `${data.id}/${lesson.id}`,
        course: data.id,
        unit,
        data: lesson,
        start,
        startHash: startHash(start),
        review: { tasks: reviewTasks(lesson), start: again, startHash: startHash(again) },
        prose: { vi: join(path, "vi.mdx"), en: join(path, "en.mdx") },
      });
    } catch (error) {
      complain(join(path, "lesson.yaml"), (error as Error).message);
    }
  }
  return {
    data,
    units: data.units.map((unit) => ({ ...unit, lessons: lessons.filter((lesson) => lesson.unit === unit.folder) })),
    lessons,
  };
}

function readYaml<T>(
  file: string,
  schema: Parameters<typeof parseYaml<T>>[2],
  root: string,
  problems: ContentProblem[],
): T | undefined {
  const parsed = parseYaml(relativeName(root, file), readFileSync(file, "utf8"), schema);
  if (parsed.ok) return parsed.value;
  problems.push(...parsed.problems);
  return undefined;
}

const relativeName = (root: string, file: string): string => relative(join(root, ".."), file).replaceAll("\\", "/");

const atTop = (root: string, file: string, message: string): ContentProblem => ({
  file: relativeName(root, file),
  line: 1,
  column: 1,
  message,
});

/** Sub-folders in code-unit order, so that the order of lessons depends on their names alone. */
function subfolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
}
