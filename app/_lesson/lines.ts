/** Lessons as pages list them, in one language. Server only: it reads the content. */
import "server-only";
import type { Language } from "@/lib/i18n/languages";
import type { Course, Lesson } from "@/lib/lessons/loader";
import type { RouteUnit } from "./route";
import type { LessonLine } from "./use-progress";

export const lessonHref = (lesson: Lesson, language: Language): string =>
  `/${language}/courses/${lesson.course}/${lesson.data.id}`;

export const reviewHref = (lesson: Lesson, language: Language): string => `${lessonHref(lesson, language)}/review`;

export const lessonLine = (lesson: Lesson, language: Language): LessonLine => ({
  key: lesson.key,
  href: lessonHref(lesson, language),
  reviewHref: reviewHref(lesson, language),
  kind: lesson.data.kind,
  title: lesson.data.title[language],
  summary: lesson.data.summary[language],
  minutes: lesson.data.minutes,
  goals: lesson.data.tasks.flatMap((task) => task.goals.map((goal) => goal.id)),
});

export const routeOf = (course: Course, language: Language): RouteUnit[] =>
  course.units.map((unit) => ({
    title: unit.title[language],
    summary: unit.summary[language],
    lessons: unit.lessons.map((lesson) => lessonLine(lesson, language)),
  }));

export const totalMinutes = (course: Course): number =>
  course.lessons.reduce((sum, lesson) => sum + lesson.data.minutes, 0);
