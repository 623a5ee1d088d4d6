"use client";
/** The one way in: the first lesson, or where the learner left off. */
import Link from "next/link";
import { useTranslations } from "next-intl";
import { type LessonLine, nextLesson, standing, useProgress } from "./use-progress";

export function StartButton({ lessons }: { readonly lessons: readonly LessonLine[] }) {
  const text = useTranslations("landing");
  const progress = useProgress();
  const hasBegun = lessons.some((lesson) => standing(progress, lesson) !== "new");
  const next = (hasBegun ? nextLesson(progress, lessons) : undefined) ?? lessons[0];
  if (next === undefined) return null;
  return (
    <Link
      href={next.href}
      className="inline-flex items-center gap-3 rounded-lg bg-mark px-6 py-3.5 text-lg font-medium text-mark-ink shadow-chart transition hover:brightness-110"
    >
      {hasBegun ? text("resume", { lesson: next.title }) : text("start")}
      <span aria-hidden="true">→</span>
    </Link>
  );
}
