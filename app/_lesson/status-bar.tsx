"use client";
/** Below the terminal, quietly: the machine's clock and speed, whether the work is saved, and starting over. */
import { useTranslations } from "next-intl";
import { SPEEDS, type SavingState } from "@/lib/playground/protocol";
import type { WorldHost, WorldView } from "@/lib/playground/worker-host";

const SAVING: Readonly<
  Record<SavingState, "savedBrowser" | "savedWaiting" | "savedProved" | "savedRefused" | "savingFailed">
> = {
  browser: "savedBrowser",
  waiting: "savedWaiting",
  proved: "savedProved",
  refused: "savedRefused",
  failed: "savingFailed",
};

export function StatusBar({ host, view }: { readonly host: WorldHost; readonly view: WorldView }) {
  const text = useTranslations("lesson");
  const { clock } = view;
  const seconds = Math.floor(clock.at / 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const time = `${hours > 0 ? `${hours}:` : ""}${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  const isReady = view.phase === "ready";
  const button = "rounded px-1.5 py-1 hover:bg-sea hover:text-ink disabled:opacity-50";
  return (
    <div className="flex h-9 shrink-0 items-center gap-x-3 overflow-hidden border-t border-line bg-surface px-3 text-[0.8125rem] whitespace-nowrap text-ink-3">
      <span className="tabular-nums" title={text("clock", { time })}>
        {time}
      </span>
      <fieldset className="flex items-center gap-0.5" disabled={!isReady}>
        <legend className="sr-only">{text("speed", { speed: clock.speed })}</legend>
        {SPEEDS.map((speed) => (
          <button
            key={speed}
            type="button"
            aria-pressed={clock.speed === speed}
            aria-label={text("speed", { speed })}
            title={text("speed", { speed })}
            onClick={() => host.setSpeed(speed)}
            className={`${button} tabular-nums ${clock.speed === speed ? "font-semibold text-ink" : ""}`}
          >
            {speed}×
          </button>
        ))}
        <button
          type="button"
          disabled={clock.skippingTo !== undefined}
          onClick={() => host.skip(60_000)}
          className={button}
          title={text("skip")}
          aria-label={text("skip")}
        >
          <span aria-hidden="true">»</span>{" "}
          <span className="max-sm:hidden">{clock.skippingTo === undefined ? text("skip") : text("skipping")}</span>
        </button>
      </fieldset>
      {clock.isResting ? <span className="truncate">{text("resting")}</span> : null}
      <span className={`ml-auto truncate max-sm:hidden ${view.saving === "failed" ? "text-stop" : ""}`}>
        {isReady ? text(SAVING[view.saving]) : ""}
      </span>
      <button type="button" disabled={!isReady} onClick={() => host.reset()} className={`${button} max-sm:ml-auto`}>
        {text("reset")}
      </button>
    </div>
  );
}
