"use client";
/** The terminals' tabs: pick, open, close; arrow keys move between them. */
import { useTranslations } from "next-intl";
import type { KeyboardEvent } from "react";

interface Props {
  readonly tabs: readonly number[];
  readonly active: number;
  readonly isEnabled: boolean;
  readonly onPick: (terminal: number) => void;
  readonly onNew: () => void;
  readonly onClose: (terminal: number) => void;
}

const TERMINALS_MAX = 6;

export function TerminalTabs({ tabs, active, isEnabled, onPick, onNew, onClose }: Props) {
  const text = useTranslations("lesson");
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const to = tabs[(tabs.indexOf(active) + step + tabs.length) % tabs.length];
    if (to === undefined) return;
    const list = event.currentTarget;
    onPick(to);
    list.querySelector<HTMLElement>(`[data-tab="${to}"]`)?.focus();
  };
  return (
    <div className="flex h-10 shrink-0 items-stretch gap-px border-b border-line bg-surface pl-2 text-sm">
      <div
        role="tablist"
        aria-label={text("terminals")}
        onKeyDown={onKeyDown}
        className="flex min-w-0 items-stretch overflow-x-auto"
      >
        {tabs.map((terminal) => (
          <div
            key={terminal}
            className={`-mb-px flex items-center border-b-2 ${terminal === active ? "border-mark text-ink" : "border-transparent text-ink-3 hover:text-ink"}`}
          >
            <button
              type="button"
              role="tab"
              data-tab={terminal}
              aria-selected={terminal === active}
              tabIndex={terminal === active ? 0 : -1}
              onClick={() => onPick(terminal)}
              className="px-3 py-2 whitespace-nowrap"
            >
              {text("tab", { number: terminal })}
            </button>
            {tabs.length > 1 ? (
              <button
                type="button"
                onClick={() => onClose(terminal)}
                aria-label={text("closeTab", { number: terminal })}
                className="mr-1.5 grid size-6 place-items-center rounded text-ink-3 hover:bg-sea hover:text-ink"
              >
                ×
              </button>
            ) : null}
          </div>
        ))}
      </div>
      {tabs.length < TERMINALS_MAX ? (
        <button
          type="button"
          disabled={!isEnabled}
          onClick={onNew}
          aria-label={text("newTab")}
          title={text("newTab")}
          className="grid w-9 place-items-center self-center rounded-md py-1 text-lg leading-none text-ink-3 hover:bg-sea hover:text-ink"
        >
          +
        </button>
      ) : null}
    </div>
  );
}
