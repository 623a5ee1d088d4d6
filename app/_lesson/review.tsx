"use client";
/** A review as it runs: the round the server says, its world, its goals; and the ways out of it. */
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { type ReactNode, useEffect, useState } from "react";
import type { Language } from "@/lib/i18n/languages";
import { REVIEW_DAYS, type ReviewBase, reviewRound } from "@/lib/lessons/review";
import { giveUpReview } from "@/lib/playground/progress";
import type { ReviewState } from "@/lib/playground/store";
import { TaskCard } from "./prose";
import { useIsSolved } from "./solved";
import { useProgress } from "./use-progress";
import { Workspace } from "./workspace";

interface Props {
  readonly lesson: string;
  readonly base: ReviewBase;
  readonly language: Language;
  readonly title: string;
  readonly lessonHref: string;
  readonly progressHref: string;
}

export function Review(props: Props) {
  const { lesson, base, language, title } = props;
  const text = useTranslations("review");
  const progress = useProgress();
  /** The review this page opened with: passing it does not take its world away. */
  const [taken, setTaken] = useState<ReviewState>();
  const found = progress?.reviews.find((review) => review.lesson === lesson);
  useEffect(() => {
    if (found?.isDue) setTaken((before) => before ?? found);
  }, [found]);
  if (taken === undefined)
    return (
      <Closed {...props} isKnown={progress !== undefined} review={found} isOffline={progress?.isOffline ?? false} />
    );
  return (
    <Workspace
      spec={{ key: `${lesson}/review`, ...reviewRound(base, taken.round), review: { lesson, round: taken.round } }}
      tasks={base.tasks}
      language={language}
      end={<ReviewEnd {...props} review={taken} />}
    >
      <h1 className="mb-4 text-[1.875rem] font-bold tracking-[-0.025em] sm:text-[2.125rem]">{title}</h1>
      <p className="mb-8 text-ink-2">{text("lead")}</p>
      <div className="space-y-6">
        {base.tasks.map((task) => (
          <TaskCard key={task.id} id={task.id} />
        ))}
      </div>
    </Workspace>
  );
}

const primary =
  "inline-flex items-center gap-2.5 rounded-lg bg-mark px-5 py-3 font-medium text-mark-ink hover:brightness-110";

/** There is no review to take now, and why. */
function Closed(
  props: Props & { readonly isKnown: boolean; readonly isOffline: boolean; readonly review: ReviewState | undefined },
) {
  const text = useTranslations("review");
  const { review, isKnown, isOffline, language } = props;
  let words: readonly [string, string];
  if (!isKnown) words = [text("loading"), ""];
  else if (review === undefined)
    words = isOffline ? [text("offline"), text("offlineBody")] : [text("notDone"), text("notDoneBody")];
  else if (review.dueAt === undefined) words = [text("allKnown"), text("allKnownBody")];
  else {
    const date = new Intl.DateTimeFormat(language, { dateStyle: "full" }).format(new Date(review.dueAt));
    words = [text("notDue"), text("notDueBody", { date })];
  }
  return (
    <main id="main" className="mx-auto w-full max-w-2xl px-5 pt-16 sm:pt-24">
      <h1 className="text-[1.875rem] font-bold tracking-[-0.025em]">{isKnown ? words[0] : props.title}</h1>
      <p className="mt-3 text-lg text-ink-2">{isKnown ? words[1] : words[0]}</p>
      {isKnown ? (
        <p className="mt-7 flex flex-wrap items-center gap-x-6 gap-y-3">
          <Link href={props.lessonHref} className={primary}>
            {text("toLesson")} <span aria-hidden="true">→</span>
          </Link>
          <Link href={props.progressHref} className="font-medium text-mark hover:underline">
            {text("toProgress")}
          </Link>
        </p>
      ) : null}
    </main>
  );
}

function ReviewEnd(props: Props & { readonly review: ReviewState }): ReactNode {
  const text = useTranslations("review");
  const router = useRouter();
  const isSolved = useIsSolved();
  const [isSending, setSending] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  if (isSolved) {
    const days = REVIEW_DAYS[props.review.step + 1];
    return (
      <div className="mt-14 border-t border-go pt-7">
        <p className="text-xl font-semibold">{text("passed")}</p>
        <p className="mt-1 text-ink-2">{days === undefined ? text("passedLast") : text("passedNext", { days })}</p>
        <p className="mt-5">
          <Link href={props.progressHref} className={primary}>
            {text("toProgress")} <span aria-hidden="true">→</span>
          </Link>
        </p>
      </div>
    );
  }
  const giveUp = async () => {
    setSending(true);
    setFailed(false);
    if (await giveUpReview(props.lesson, props.review.round)) router.push(props.lessonHref);
    else {
      setFailed(true);
      setSending(false);
    }
  };
  return (
    <div className="mt-14 border-t border-line pt-6">
      <button
        type="button"
        disabled={isSending}
        onClick={() => void giveUp()}
        className="rounded-lg border border-line px-5 py-2.5 font-medium text-ink-2 hover:border-mark hover:text-mark disabled:opacity-60"
      >
        {text("giveUp")}
      </button>
      <p className="mt-2 text-sm text-ink-3">{hasFailed ? text("failed") : text("giveUpBody")}</p>
    </div>
  );
}
