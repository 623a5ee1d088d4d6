"use client";
/** Progress for pages that show it; undefined until the browser has been asked. */
import { useEffect, useState } from "react";
import { type KnownProgress, knownProgress } from "@/lib/playground/progress";

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
