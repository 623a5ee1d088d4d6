"use client";
/** The glossary with its search: accents may be left out, both languages are looked through, arrow keys move along the words. */
import { useTranslations } from "next-intl";
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { search } from "@/lib/i18n/fold";
import { InlineCode } from "../_ui/inline-code";

export interface GlossaryLine {
  readonly id: string;
  /** The word, in both languages' CLI spelling. */
  readonly name: string;
  /** What it means, in the page's language. */
  readonly gloss: string;
  /** Everything that may find it. */
  readonly text: string;
}

export function Glossary({ lines }: { readonly lines: readonly GlossaryLine[] }) {
  const text = useTranslations("glossary");
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query);
  const found = useMemo(() => search(lines, wanted), [lines, wanted]);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDListElement>(null);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      setQuery("");
      input.current?.focus();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const words = [...(list.current?.querySelectorAll<HTMLElement>("dt a") ?? [])];
    const to = words.indexOf(document.activeElement as HTMLElement) + step;
    if (to < 0) input.current?.focus();
    else words[Math.min(to, words.length - 1)]?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys are a shortcut; every word is reached by Tab as well.
    <div onKeyDown={onKeyDown}>
      <div className="sticky top-0 z-10 mt-8 bg-paper/95 py-3">
        <label className="block">
          <span className="sr-only">{text("search")}</span>
          <input
            ref={input}
            type="search"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            placeholder={text("search")}
            autoComplete="off"
            spellCheck={false}
            aria-describedby="glossary-found"
            className="w-full rounded-lg border border-line bg-surface px-4 py-2.5 placeholder:text-ink-3 hover:border-ink-3"
          />
        </label>
        <p id="glossary-found" role="status" className="mt-2 text-sm text-ink-3 tabular-nums">
          {found.length === 0 ? text("none", { query: wanted }) : text("found", { count: found.length })}
        </p>
      </div>
      <dl ref={list} className="mt-2 grid gap-x-8 sm:grid-cols-[minmax(9rem,auto)_1fr]">
        {found.map((line) => (
          <div
            key={line.id}
            id={line.id}
            className="col-span-full grid scroll-mt-28 grid-cols-subgrid border-b border-line-2 py-3.5 target:bg-mark-soft/60"
          >
            <dt className="font-medium">
              <a href={`#${line.id}`} className="hover:text-mark">
                {line.name}
              </a>
            </dt>
            <dd className="text-ink-2">
              <InlineCode text={line.gloss} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
