"use client";
/** Below the terminal, quietly: the machine's clock and speed, whether the work is saved, and starting over. */
import { useTranslations } from "next-intl";
import { SPEEDS, type SavingState, type Skip } from "@/lib/playground/protocol";
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

/** How far each button goes, what it is called, and what stands on it. */
const SKIPS: readonly (readonly [Skip, "skip10" | "skip60" | "skipToChange", string | undefined])[] = [
  [10_000, "skip10", "+10 s"],
  [60_000, "skip60", "+1 m"],
  ["change", "skipToChange", undefined],
];

const speedSign = (speed: number): string => (speed === 0.25 ? "¼×" : `${speed}×`);

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
    <div className="flex h-9 shrink-0 items-center gap-x-2 overflow-hidden sm:gap-x-3 border-t border-line bg-surface px-3 text-[0.8125rem] whitespace-nowrap text-ink-3">
      <span className="tabular-nums" title={text("clock", { time })}>
        {time}
      </span>
      <fieldset className="flex items-center gap-0.5" disabled={!isReady}>
        <legend className="sr-only">{text("speed", { speed: speedSign(clock.speed) })}</legend>
        {SPEEDS.map((speed) => (
          <button
            key={speed}
            type="button"
            aria-pressed={clock.speed === speed}
            aria-label={text("speed", { speed: speedSign(speed) })}
            title={text("speed", { speed: speedSign(speed) })}
            onClick={() => host.setSpeed(speed)}
            className={`${button} tabular-nums ${clock.speed === speed ? "font-semibold text-ink" : "max-sm:nth-of-type-[1]:hidden"}`}
          >
            {speedSign(speed)}
          </button>
        ))}
        {SKIPS.map(([skip, name, short]) => (
          <button
            key={name}
            type="button"
            disabled={clock.skippingTo !== undefined}
            onClick={() => host.skip(skip)}
            className={button}
            title={text(name)}
            aria-label={text(name)}
          >
            {short ?? <NextChange />}
          </button>
        ))}
        {clock.skippingTo === undefined ? null : <span className="px-1.5 max-sm:sr-only">{text("skipping")}</span>}
      </fieldset>
      {clock.isResting ? <span className="truncate">{text("resting")}</span> : null}
      <span className={`ml-auto truncate max-sm:hidden ${view.saving === "failed" ? "text-stop" : ""}`}>
        {isReady ? text(SAVING[view.saving]) : ""}
      </span>
      <button
        type="button"
        disabled={!isReady}
        onClick={() => host.reset()}
        className={`${button} max-sm:ml-auto`}
        title={text("reset")}
      >
        <span className="max-sm:sr-only">{text("reset")}</span>
        <StartOver />
      </button>
    </div>
  );
}

/** Round and back, where there is no room for the words. */
function StartOver() {
  return (
    <svg
      viewBox="0 0 16 16"
      className="size-4 sm:hidden"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
    >
      <path d="M3.2 5.4 A5.6 5.6 0 1 1 2.6 9.2" strokeLinecap="round" />
      <path d="M2.6 2.4 v3.4 h3.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

/** Forward until a mark. */
function NextChange() {
  return (
    <svg viewBox="0 0 16 16" className="size-[1.1em] translate-y-[0.15em]" aria-hidden="true">
      <path d="M3 3.5 L10 8 L3 12.5 Z" fill="currentColor" />
      <path d="M12.5 3.5 v9" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
    </svg>
  );
}
