"use client";
/** Progress for pages that show it; undefined until the browser has been asked. */
import { useEffect, useState } from "react";
import type { LessonKind } from "@/lib/lessons/schema";
import { type KnownProgress, knownProgress } from "@/lib/playground/progress";
import type { ReviewState } from "@/lib/playground/store";

export function useProgress(): KnownProgress | undefined {
  const [progress, setProgress] = useState<KnownProgress>();
  useEffect(() => {
    let isCurrent = true;
    const load = () => void knownProgress().then((known) => isCurrent && setProgress(known));
    load();
    addEventListener("online", load);
    return () => {
      isCurrent = false;
      removeEventListener("online", load);
    };
  }, []);
  return progress;
}

/** What pages need to know of a lesson, in the page's language. */
export interface LessonLine {
  readonly key: string;
  readonly href: string;
  readonly reviewHref: string;
  readonly kind: LessonKind;
  readonly title: string;
  readonly summary: string;
  readonly minutes: number;
  readonly goals: readonly string[];
}

export type LessonStanding = "new" | "started" | "done";

export function standing(progress: KnownProgress | undefined, lesson: LessonLine): LessonStanding {
  const known = progress?.lessons[lesson.key];
  if (known === undefined) return "new";
  if (known.doneAt !== undefined || lesson.goals.every((goal) => goal in known.goals)) return "done";
  return Object.keys(known.goals).length > 0 ? "started" : "new";
}

export const nextLesson = (
  progress: KnownProgress | undefined,
  lessons: readonly LessonLine[],
): LessonLine | undefined => lessons.find((lesson) => standing(progress, lesson) !== "done");

/** The lessons to review today, with the review each is at; those that waited longest first. */
export function dueReviews(
  progress: KnownProgress | undefined,
  lessons: readonly LessonLine[],
): { readonly lesson: LessonLine; readonly review: ReviewState }[] {
  const due = (progress?.reviews ?? []).filter((review) => review.isDue);
  return due
    .sort((a, b) => ((a.dueAt ?? "") < (b.dueAt ?? "") ? -1 : 1))
    .flatMap((review) => {
      const lesson = lessons.find((one) => one.key === review.lesson);
      return lesson === undefined ? [] : [{ lesson, review }];
    });
}
