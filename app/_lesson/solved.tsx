"use client";
/** Below a lesson's text: the way on, and word of it when every goal is met. */
import Link from "next/link";
import { useTranslations } from "next-intl";
import { useWorld } from "./world-context";

interface Props {
  readonly next?: { readonly href: string; readonly title: string };
  readonly courseHref: string;
}

export function useIsSolved(): boolean {
  const { goals } = useWorld().view;
  return goals.length > 0 && goals.every((goal) => goal.met);
}

export function Solved({ next, courseHref }: Props) {
  const text = useTranslations("lesson");
  const isSolved = useIsSolved();
  return (
    <div className={`mt-16 border-t pt-7 ${isSolved ? "border-go" : "border-line"}`}>
      {isSolved ? (
        <>
          <p className="text-xl font-semibold">{text("solved")}</p>
          <p className="mt-1 text-ink-2">{text("solvedBody")}</p>
        </>
      ) : null}
      <Link
        href={next?.href ?? courseHref}
        className={`mt-5 inline-flex items-center gap-2.5 rounded-lg px-5 py-3 font-medium ${isSolved ? "bg-mark text-mark-ink hover:brightness-110" : "border border-line text-ink-2 hover:border-mark hover:text-mark"}`}
      >
        {next ? (
          <>
            <span className="font-normal opacity-85">{text("next")}</span>
            {next.title}
          </>
        ) : (
          text("toCourse")
        )}
        <span aria-hidden="true">→</span>
      </Link>
    </div>
  );
}
