"use client";
/** What must be said over the terminal: another tab has it, it failed, it was reset (undo), the lesson has changed. */
import { useTranslations } from "next-intl";
import { useEffect, useState } from "react";
import type { WorldHost, WorldView } from "@/lib/playground/worker-host";

const SHOWN_MS = 15_000;

export function Notices({ host, view }: { readonly host: WorldHost; readonly view: WorldView }) {
  const text = useTranslations("lesson");
  const [resetAt, setResetAt] = useState<number>();
  const [isDismissed, setDismissed] = useState(false);
  useEffect(() => {
    if (view.generation === 0 || !view.canUndoReset || view.isRestored) {
      setResetAt(undefined);
      return;
    }
    setResetAt(view.generation);
    const timer = setTimeout(() => setResetAt(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [view.generation, view.canUndoReset, view.isRestored]);
  const isOutdated = view.isOutdated && !isDismissed;
  const isShown = view.phase === "ready" && (resetAt !== undefined || isOutdated);
  return (
    <div aria-live="polite" className="pointer-events-none absolute inset-x-4 bottom-4 z-10 flex justify-center">
      {isShown ? (
        <div className="pointer-events-auto flex max-w-full items-center gap-3 rounded-lg border border-line bg-raised py-2 pr-2 pl-4 text-[0.9375rem] shadow-chart">
          <span>{resetAt === undefined ? text("outdated") : text("resetDone")}</span>
          {resetAt === undefined ? null : (
            <button
              type="button"
              onClick={() => host.undoReset()}
              className="rounded-md px-2.5 py-1.5 font-medium text-mark hover:bg-sea"
            >
              {text("undo")}
            </button>
          )}
          <button
            type="button"
            aria-label={text("dismiss")}
            onClick={() => {
              setResetAt(undefined);
              setDismissed(true);
            }}
            className="grid size-8 place-items-center rounded-md text-ink-3 hover:bg-sea"
          >
            ×
          </button>
        </div>
      ) : null}
    </div>
  );
}

export function Held({ onTakeOver }: { readonly onTakeOver: () => void }) {
  const text = useTranslations("lesson");
  return (
    <Panel title={text("held")} body={text("heldBody")}>
      <button
        type="button"
        onClick={onTakeOver}
        className="rounded-lg bg-mark px-5 py-2.5 font-medium text-mark-ink hover:brightness-110"
      >
        {text("takeOver")}
      </button>
    </Panel>
  );
}

/** Our bug: the page keeps what is needed to find it. */
export function Failed({ failure }: { readonly failure: NonNullable<WorldView["failure"]> }) {
  const text = useTranslations("lesson");
  const copy = () => void navigator.clipboard?.writeText(JSON.stringify(failure, null, 1)).catch(() => {});
  return (
    <Panel title={text("failed")} body={text("failedBody")}>
      <button
        type="button"
        onClick={() => location.reload()}
        className="rounded-lg bg-mark px-5 py-2.5 font-medium text-mark-ink hover:brightness-110"
      >
        {text("reload")}
      </button>
      <button
        type="button"
        onClick={copy}
        className="rounded-lg border border-line px-5 py-2.5 font-medium hover:border-mark"
      >
        {text("copyReport")}
      </button>
      <details className="w-full text-sm text-ink-3">
        <summary className="cursor-pointer">{failure.message.split("\n")[0]}</summary>
        <pre className="mt-2 max-h-48 overflow-auto text-left text-xs">{failure.message}</pre>
      </details>
    </Panel>
  );
}

function Panel(props: { readonly title: string; readonly body: string; readonly children: React.ReactNode }) {
  return (
    <div role="alert" className="absolute inset-0 z-20 grid place-items-center bg-term p-6">
      <div className="max-w-md">
        <p className="text-xl font-semibold">{props.title}</p>
        <p className="mt-2 text-ink-2">{props.body}</p>
        <div className="mt-6 flex flex-wrap gap-3">{props.children}</div>
      </div>
    </div>
  );
}
