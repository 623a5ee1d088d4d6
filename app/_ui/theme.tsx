"use client";
/** Light or dark: the system's choice until the reader makes one. Set before the first paint, so that nothing flashes. */
import { useLayoutEffect } from "react";

/** As in THEME_SCRIPT, which does not run on a page that only the browser renders (one that is not there). */
function restore(): void {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // No storage: the system's choice.
  }
  document.documentElement.dataset["theme"] = chosen ?? system;
}

export function ThemeToggle({ label }: { readonly label: string }) {
  useLayoutEffect(restore, []);
  const toggle = () => {
    const root = document.documentElement;
    const next = root.dataset["theme"] === "dark" ? "light" : "dark";
    root.dataset["theme"] = next;
    try {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      if (next === system) localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
  };
  return (
    <button
      type="button"
      onClick={toggle}
      aria-label={label}
      title={label}
      className="grid size-9 place-items-center rounded-md text-ink-2 hover:bg-sea hover:text-ink"
    >
      <svg viewBox="0 0 20 20" className="size-[1.125rem]" aria-hidden="true">
        <circle cx="10" cy="10" r="6.6" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M10 3.4 a6.6 6.6 0 0 1 0 13.2 z" fill="currentColor" />
      </svg>
    </button>
  );
}
