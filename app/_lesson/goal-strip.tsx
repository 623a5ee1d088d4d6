"use client";
/** On narrow screens, above the terminal: the first goal that is not met, so that one sees it tick while typing. */
import { useTranslations } from "next-intl";
import { InlineCode } from "../_ui/inline-code";
import { GoalSign } from "./goal-sign";
import { useWorld } from "./world-context";

export function GoalStrip({ onOpen }: { readonly onOpen: () => void }) {
  const text = useTranslations("lesson");
  const { tasks, view, language } = useWorld();
  const goals = tasks.flatMap((task) => task.goals);
  const isMet = (id: string) => view.goals.some((state) => state.id === id && state.met);
  const met = goals.filter((goal) => isMet(goal.id)).length;
  const next = goals.find((goal) => !isMet(goal.id));
  return (
    <button
      type="button"
      onClick={onOpen}
      className="flex shrink-0 items-start gap-2.5 border-b border-line bg-surface px-4 py-2 text-left text-sm lg:hidden"
    >
      <GoalSign isMet={next === undefined} />
      <span className="line-clamp-2 min-w-0 flex-1 leading-snug">
        {next ? <InlineCode text={next.title[language]} /> : text("solved")}
      </span>
      <span className="text-ink-3 tabular-nums">
        {met}/{goals.length}
      </span>
    </button>
  );
}
