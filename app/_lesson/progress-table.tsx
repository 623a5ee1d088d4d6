"use client";
/** Every lesson with its standing, goals, time taken and date. */
import Link from "next/link";
import { useTranslations } from "next-intl";
import type { Language } from "@/lib/i18n/languages";
import { DueToday } from "./due-today";
import { Waypoint } from "./route";
import { type LessonLine, nextLesson, standing, useProgress } from "./use-progress";

const STATUS = { new: "statusNew", started: "statusStarted", done: "statusDone" } as const;

export function ProgressTable({
  language,
  lessons,
}: {
  readonly language: Language;
  readonly lessons: readonly LessonLine[];
}) {
  const text = useTranslations("progress");
  const again = useTranslations("review");
  const progress = useProgress();
  const done = lessons.filter((lesson) => standing(progress, lesson) === "done").length;
  const hasBegun = lessons.some((lesson) => standing(progress, lesson) !== "new");
  const next = nextLesson(progress, lessons);
  const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  return (
    <div className="mt-10">
      <div className="flex flex-wrap items-end justify-between gap-4">
        <div className="min-w-56 flex-1">
          <p className="font-medium tabular-nums">
            {progress === undefined
              ? "\u00a0"
              : hasBegun
                ? text("doneOf", { done, total: lessons.length })
                : text("none")}
          </p>
          <div aria-hidden="true" className="mt-3 flex gap-[3px] sm:gap-1.5">
            {lessons.map((lesson) => (
              <span
                key={lesson.key}
                className={`h-1.5 max-w-16 flex-1 rounded-full ${standing(progress, lesson) === "done" ? "bg-mark" : standing(progress, lesson) === "started" ? "bg-mark/40" : "bg-line"}`}
              />
            ))}
          </div>
        </div>
        {next && progress ? (
          <Link
            href={next.href}
            className="rounded-lg bg-mark px-5 py-2.5 font-medium text-mark-ink hover:brightness-110"
          >
            {text("next")}: {next.title}
          </Link>
        ) : null}
      </div>
      {progress?.isOffline ? (
        <p className="mt-5 rounded-lg border border-buff-line bg-buff px-4 py-2.5 text-[0.9375rem]">
          {text("offline")}
        </p>
      ) : null}
      <DueToday lessons={lessons} progress={progress} className="mt-10" />
      <div className="mt-10 overflow-x-auto">
        <table className="w-full border-collapse text-left">
          <thead>
            <tr className="border-b border-line text-sm text-ink-3">
              <th className="py-2 pr-4 font-normal">{text("lesson")}</th>
              <th className="py-2 pr-4 font-normal whitespace-nowrap">{text("goals")}</th>
              <th className="hidden py-2 pr-4 font-normal whitespace-nowrap sm:table-cell">{text("time")}</th>
              <th className="hidden py-2 pr-4 font-normal whitespace-nowrap sm:table-cell">{text("when")}</th>
              <th className="py-2 font-normal whitespace-nowrap">{again("column")}</th>
            </tr>
          </thead>
          <tbody>
            {lessons.map((lesson) => {
              const known = progress?.lessons[lesson.key];
              const state = standing(progress, lesson);
              const review = progress?.reviews.find((one) => one.lesson === lesson.key);
              const met = lesson.goals.filter((goal) => known !== undefined && goal in known.goals).length;
              const seconds = Math.round((known?.doneMs ?? 0) / 1000);
              return (
                <tr key={lesson.key} className="border-b border-line-2">
                  <td className="py-3 pr-4">
                    <Link href={lesson.href} className="flex items-start gap-3 hover:text-mark">
                      <Waypoint state={state} isNext={next?.key === lesson.key} kind={lesson.kind} />
                      <span>
                        <span className="font-medium">{lesson.title}</span>
                        <span className="block text-sm text-ink-3">{text(STATUS[state])}</span>
                      </span>
                    </Link>
                  </td>
                  <td className="py-3 pr-4 align-top tabular-nums">
                    {met}/{lesson.goals.length}
                  </td>
                  <td className="hidden py-3 pr-4 align-top whitespace-nowrap text-ink-2 tabular-nums sm:table-cell">
                    {known?.doneMs === undefined
                      ? ""
                      : text("duration", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 })}
                  </td>
                  <td className="hidden py-3 pr-4 align-top whitespace-nowrap text-ink-2 sm:table-cell">
                    {known?.doneAt ? dates.format(new Date(known.doneAt)) : ""}
                  </td>
                  <td className="py-3 align-top text-ink-2 tabular-nums">
                    {review === undefined ? null : review.isDue ? (
                      <Link href={lesson.reviewHref} className="font-medium text-mark hover:underline">
                        {again("now")}
                      </Link>
                    ) : review.dueAt === undefined ? (
                      again("known")
                    ) : (
                      <span className="whitespace-nowrap">{dates.format(new Date(review.dueAt))}</span>
                    )}
                    {review?.hints ? (
                      <span className="block text-sm text-ink-3">{again("hints", { count: review.hints })}</span>
                    ) : null}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}
