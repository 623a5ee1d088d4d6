"use client";
/** The look back at the end of an incident: the lines the learner typed beside the short path, each step with its reason. */
import { useTranslations } from "next-intl";
import { useContext } from "react";
import type { LineRun } from "@/lib/playground/protocol";
import { InlineCode } from "../_ui/inline-code";
import { WorldContext } from "./world-context";

const LAPTOP = "laptop";

export function Debrief() {
  const text = useTranslations("lesson");
  const world = useContext(WorldContext);
  const path = world?.view.path;
  if (world === undefined || path === undefined) {
    return (
      <p className="border-l-2 border-dashed border-ink-3/60 py-1 pl-5 text-base text-ink-3">{text("debriefClosed")}</p>
    );
  }
  const { debrief, language, view } = world;
  const took = Math.max(0, ...view.goals.map((goal) => goal.metAt ?? 0));
  return (
    <section aria-label={text("debrief")} className="@container">
      <div className="grid gap-x-8 gap-y-8 @xl:grid-cols-[1fr_1.15fr]">
        <div className="min-w-0">
          <h3 className="text-base">{text("debriefOwn")}</h3>
          <p className="mt-0.5 text-sm text-ink-3 tabular-nums">
            {text("debriefOwnCount", { count: path.length, time: clockTime(took) })}
          </p>
          <ol className="mt-3 space-y-1.5 border-l border-line pl-4">
            {path.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a path that was walked does not change.
              <OwnLine key={index} line={line} />
            ))}
          </ol>
        </div>
        <div className="min-w-0">
          <h3 className="text-base">{text("debriefShort")}</h3>
          <p className="mt-0.5 text-sm text-ink-3">{text("debriefShortCount", { count: debrief.length })}</p>
          <ol className="mt-3 space-y-4 border-l-2 border-mark pl-4">
            {debrief.map((step, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same command may stand in it twice.
              <li key={index}>
                <span className="block font-mono text-[0.8125rem] text-ink leading-normal wrap-anywhere whitespace-pre-wrap">
                  {step.command}
                </span>
                <p className="mt-1 text-[0.9375rem] leading-normal text-ink-2">
                  <InlineCode text={step.why[language]} />
                </p>
              </li>
            ))}
          </ol>
        </div>
      </div>
    </section>
  );
}

function OwnLine({ line }: { readonly line: LineRun }) {
  return (
    <li className="flex gap-3 text-[0.8125rem] leading-normal">
      <span className="w-[3.2em] shrink-0 text-right text-ink-3 tabular-nums">{clockTime(line.at)}</span>
      <span className="min-w-0 flex-1 font-mono wrap-anywhere whitespace-pre-wrap">
        {line.host === LAPTOP ? null : <span className="text-ink-3">{line.host}: </span>}
        {line.text}
      </span>
    </li>
  );
}

/** Minutes and seconds of the machine's clock. */
function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:` : ""}${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
}
