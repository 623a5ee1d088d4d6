"use client";
/** On the landing page: what is due for review today. */
import { DueToday } from "./due-today";
import { type LessonLine, useProgress } from "./use-progress";

export function LandingReviews({ lessons }: { readonly lessons: readonly LessonLine[] }) {
  const progress = useProgress();
  return <DueToday lessons={lessons} progress={progress} className="mt-8 max-w-[34rem]" />;
}
