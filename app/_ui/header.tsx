/** The bar at the top of every page. Lessons hand in their own middle part. */
import Link from "next/link";
import { getTranslations } from "next-intl/server";
import type { ReactNode } from "react";
import type { Language } from "@/lib/i18n/languages";
import { differencesFile } from "@/lib/site/differences";
import { LanguageSwitch } from "./language-switch";
import { Mark } from "./mark";
import { ThemeToggle } from "./theme";

export async function Header(props: {
  readonly language: Language;
  readonly course?: string;
  readonly children?: ReactNode;
}) {
  const text = await getTranslations("site");
  const link =
    "rounded-md px-1.5 py-1.5 text-[0.9375rem] whitespace-nowrap sm:px-2.5 text-ink-2 hover:bg-sea hover:text-ink";
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-b border-line bg-surface px-3.5 sm:px-5">
      <Link href={`/${props.language}`} className="flex shrink-0 items-center gap-2 rounded-md font-semibold">
        <Mark className="size-6" />
        <span className={props.children ? "hidden lg:inline" : ""}>{text("name")}</span>
      </Link>
      <div className="min-w-0 flex-1">{props.children}</div>
      <nav className="flex items-center gap-0.5">
        {props.children ? null : (
          <>
            {props.course ? (
              <Link href={`/${props.language}/courses/${props.course}`} className={link}>
                {text("course")}
              </Link>
            ) : null}
            <Link href={`/${props.language}/progress`} className={link}>
              {text("progress")}
            </Link>
          </>
        )}
        <LanguageSwitch language={props.language} label={text("language")} short={text("languageShort")} />
        <ThemeToggle label={text("theme")} />
      </nav>
    </header>
  );
}

export async function Footer(props: { readonly language: Language }) {
  const text = await getTranslations("site");
  return (
    <footer className="mt-24 border-t border-line">
      <div className="mx-auto flex max-w-6xl flex-wrap items-baseline gap-x-6 gap-y-2 px-5 py-8 text-sm text-ink-2">
        <p className="mr-auto">{text("footer")}</p>
        <Link className="hover:text-ink hover:underline" href={`/${props.language}/glossary`}>
          {text("glossary")}
        </Link>
        {differencesFile(props.language) === undefined ? null : (
          <Link className="hover:text-ink hover:underline" href={`/${props.language}/differences`}>
            {text("differences")}
          </Link>
        )}
      </div>
    </footer>
  );
}
