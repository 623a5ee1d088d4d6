/** The components of lessons that need no script: a word's gloss, an aside, printed output. Rendered on the server. */
import { getLocale, getTranslations } from "next-intl/server";
import type { ReactNode } from "react";
import { content } from "@/lib/lessons/loader";
import { InlineCode } from "../_ui/inline-code";
import type { Language } from "@/lib/i18n/languages";

/** A word with its gloss: on hover, on focus, on a tap. */
export async function Term({ id, children }: { readonly id: string; readonly children: ReactNode }) {
  const language = (await getLocale()) as Language;
  const entry = content().glossary.find((known) => known.id === id);
  if (entry === undefined) return children;
  return (
    <span className="group/term relative">
      <button
        type="button"
        className="cursor-help rounded-sm underline decoration-mark/70 decoration-dotted decoration-[1.5px] underline-offset-[5px]"
      >
        {children}
      </button>
      <span
        role="tooltip"
        className="pointer-events-none invisible absolute top-full left-0 z-30 mt-1.5 w-max max-w-[min(19rem,75vw)] rounded-lg border border-line bg-raised px-3.5 py-2.5 text-[0.9063rem] leading-normal text-ink opacity-0 shadow-chart transition-opacity group-focus-within/term:visible group-focus-within/term:opacity-100 group-hover/term:visible group-hover/term:opacity-100"
      >
        <InlineCode text={entry.gloss[language]} />
      </span>
    </span>
  );
}

const NOTE_TITLE = { note: "noteNote", warning: "noteWarning", real: "noteReal" } as const;

export async function Note(props: {
  readonly kind?: keyof typeof NOTE_TITLE;
  readonly title?: string;
  readonly children: ReactNode;
}) {
  const text = await getTranslations("lesson");
  const kind = props.kind ?? "note";
  return (
    <aside
      className={`border-l-2 py-0.5 pl-5 text-base ${kind === "warning" ? "border-stop" : kind === "real" ? "border-go" : "border-ink-3"}`}
    >
      <p className="text-sm font-medium text-ink-2">{props.title ?? text(NOTE_TITLE[kind])}</p>
      <div className="mt-1 [&>*+*]:mt-2">{props.children}</div>
    </aside>
  );
}

export async function Output({ children }: { readonly children: ReactNode }) {
  const text = await getTranslations("lesson");
  return (
    <pre title={text("output")} className="overflow-x-auto">
      {typeof children === "string" ? children.replace(/^\n|\n\s*$/g, "") : children}
    </pre>
  );
}
