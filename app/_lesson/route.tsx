"use client";
/** The course as a line on the chart: lessons are waypoints, filled once reached. */
import Link from "next/link";
import { useTranslations } from "next-intl";
import type { LessonKind } from "@/lib/lessons/schema";
import { DueToday } from "./due-today";
import { type LessonLine, nextLesson, standing, useProgress } from "./use-progress";

export interface RouteUnit {
  readonly title: string;
  readonly summary: string;
  readonly lessons: readonly LessonLine[];
}

export function Route({ units }: { readonly units: readonly RouteUnit[] }) {
  const text = useTranslations("course");
  const progress = useProgress();
  const lessons = units.flatMap((unit) => unit.lessons);
  const next = progress === undefined ? undefined : nextLesson(progress, lessons);
  const hasBegun = lessons.some((lesson) => standing(progress, lesson) !== "new");
  const goal = next ?? lessons[0];
  return (
    <div>
      <div className="mb-12 flex min-h-11 items-center">
        {progress !== undefined && next === undefined ? (
          <p className="text-go font-medium">{text("allDone")}</p>
        ) : goal ? (
          <Link
            href={goal.href}
            className="inline-flex items-center gap-2 rounded-lg bg-mark px-5 py-2.5 font-medium text-mark-ink transition hover:brightness-110"
          >
            {hasBegun ? text("resume") : text("start")}
            <span aria-hidden="true">→</span>
            <span className="font-normal opacity-85">{goal.title}</span>
          </Link>
        ) : null}
      </div>
      <DueToday lessons={lessons} progress={progress} className="mb-12" />
      {units.map((unit, index) => (
        <section key={unit.title} className="mb-12">
          <p className="text-sm text-ink-3 tabular-nums">{text("unit", { number: index + 1 })}</p>
          <h2 className="mt-0.5 text-2xl">{unit.title}</h2>
          <p className="mt-1 text-ink-2">{unit.summary}</p>
          <ol className="mt-5">
            {unit.lessons.map((lesson, place) => {
              const state = standing(progress, lesson);
              const met = Object.keys(progress?.lessons[lesson.key]?.goals ?? {}).length;
              const isNext = next?.key === lesson.key;
              return (
                <li key={lesson.key} className="relative">
                  {place < unit.lessons.length - 1 ? (
                    <span
                      aria-hidden="true"
                      className={`absolute top-9 bottom-[-1.6rem] left-[11px] border-l ${state === "done" ? "border-mark" : "border-dashed border-ink-3/60"}`}
                    />
                  ) : null}
                  <Link
                    href={lesson.href}
                    className="group -mx-3 grid grid-cols-[1.5rem_1fr_auto] items-start gap-x-4 rounded-xl px-3 py-3.5 hover:bg-sea/60"
                  >
                    <Waypoint state={state} isNext={isNext} kind={lesson.kind} />
                    <span className="min-w-0">
                      {lesson.kind === "lesson" || lesson.title.startsWith(text(lesson.kind)) ? null : (
                        <span className="block text-sm leading-6 text-mark">{text(lesson.kind)}</span>
                      )}
                      <span className="block font-medium">{lesson.title}</span>
                      <span className="mt-0.5 block text-[0.9375rem] text-ink-2">{lesson.summary}</span>
                      {state === "started" ? (
                        <span className="mt-1 block text-sm text-ink-3">
                          {text("started", { met, total: lesson.goals.length })}
                        </span>
                      ) : null}
                    </span>
                    <span className="pt-0.5 text-right text-sm whitespace-nowrap text-ink-3 tabular-nums">
                      {text("minutes", { minutes: lesson.minutes })}
                      {state === "done" ? <span className="block text-go">{text("done")}</span> : null}
                      {isNext ? <span className="block text-mark">{text("next")}</span> : null}
                    </span>
                  </Link>
                </li>
              );
            })}
          </ol>
        </section>
      ))}
    </div>
  );
}

interface WaypointProps {
  readonly state: "new" | "started" | "done";
  readonly isNext?: boolean;
  readonly kind?: LessonKind;
}

/** Marks of the chart: a circle for a lesson, a diamond for an incident (a danger), a double ring for a capstone (a harbour). */
export function Waypoint({ state, isNext, kind = "lesson" }: WaypointProps) {
  const isDone = state === "done";
  const shape = {
    stroke: isDone || isNext ? "var(--mark)" : "var(--ink-3)",
    strokeWidth: 1.6,
    ...(isDone ? { fill: "var(--mark)" } : { className: "fill-paper" }),
  };
  return (
    <svg viewBox="0 0 24 24" className="mt-0.5 size-6 shrink-0" aria-hidden="true">
      {kind === "incident" ? (
        <path d="M12 2.4 L21.6 12 L12 21.6 L2.4 12 Z" strokeLinejoin="round" {...shape} />
      ) : (
        <circle cx="12" cy="12" r="8" {...shape} />
      )}
      {kind === "capstone" ? (
        <circle cx="12" cy="12" r="11" fill="none" stroke={shape.stroke} strokeWidth="1.2" />
      ) : null}
      {isDone ? (
        <path
          d="M8.4 12.2 l2.5 2.5 l4.8-5"
          fill="none"
          stroke="var(--mark-ink)"
          strokeWidth="1.8"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      ) : null}
      {!isDone && (state === "started" || isNext) ? <circle cx="12" cy="12" r="2.6" fill="var(--mark)" /> : null}
      {kind === "incident" && state === "new" && !isNext ? (
        <path d="M12 7.4 v5.4 M12 15.7 v.6" stroke="var(--ink-3)" strokeWidth="1.6" strokeLinecap="round" />
      ) : null}
    </svg>
  );
}
