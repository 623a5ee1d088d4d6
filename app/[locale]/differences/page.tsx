/** How the simulation differs from the real systems: docs/differences.md, in the reader's language where it is written. */
import { readFileSync } from "node:fs";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { Footer, Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";
import { markdown } from "@/lib/lessons/prose";
import { differencesFile } from "@/lib/site/differences";

interface Props {
  readonly params: Promise<{ readonly locale: Language }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale } = await params;
  const text = await getTranslations({ locale, namespace: "differences" });
  return { title: text("title") };
}

export default async function Differences({ params }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const file = differencesFile(locale);
  if (file === undefined) notFound();
  const Text = await markdown(readFileSync(file, "utf8").replace(/^# .*\n/, ""));
  const text = await getTranslations("differences");
  const course = content().courses[0]?.data.id;
  return (
    <>
      <Header language={locale} {...(course ? { course } : {})} />
      <main id="main" className="mx-auto max-w-3xl px-5 pt-12 sm:pt-16">
        <h1 className="text-[2rem] font-bold tracking-[-0.025em] sm:text-4xl">{text("title")}</h1>
        <article className="prose mt-8" {...(file.endsWith(`.${locale}.md`) ? {} : { lang: "en" })}>
          <Text components={{}} />
        </article>
      </main>
      <Footer language={locale} />
    </>
  );
}
