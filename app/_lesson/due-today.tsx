"use client";
/** "Review today": the lessons that have come due again. Nothing at all on a day without one. */
import Link from "next/link";
import { useTranslations } from "next-intl";
import type { KnownProgress } from "@/lib/playground/progress";
import { dueReviews, type LessonLine } from "./use-progress";

interface Props {
  readonly lessons: readonly LessonLine[];
  readonly progress: KnownProgress | undefined;
  readonly className?: string;
}

export function DueToday({ lessons, progress, className = "" }: Props) {
  const text = useTranslations("review");
  const due = dueReviews(progress, lessons);
  if (due.length === 0) return null;
  return (
    <section className={`rounded-2xl border border-buff-line bg-buff px-6 py-5 ${className}`}>
      <h2 className="text-lg">{text("today")}</h2>
      <p className="mt-0.5 text-[0.9375rem] text-ink-2">{text("todayBody", { count: due.length })}</p>
      <ul className="mt-3 -mb-1">
        {due.map(({ lesson, review }) => (
          <li key={lesson.key} className="border-t border-buff-line">
            <Link
              href={lesson.reviewHref}
              className="flex flex-wrap items-baseline justify-between gap-x-4 py-2.5 font-medium hover:text-mark"
            >
              <span className="min-w-0">{lesson.title}</span>
              <span className="text-sm font-normal text-ink-2 tabular-nums">
                {text("stepOf", { step: review.step + 1, total: 4 })} <span aria-hidden="true">→</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
