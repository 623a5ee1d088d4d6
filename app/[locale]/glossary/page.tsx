/** The glossary: each word with its meaning, in the order of the page's language. */
import type { Metadata } from "next";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { Glossary } from "@/app/_lesson/glossary";
import { Footer, Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";

interface Props {
  readonly params: Promise<{ readonly locale: Language }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale } = await params;
  const text = await getTranslations({ locale, namespace: "glossary" });
  return { title: text("title") };
}

export default async function GlossaryPage({ params }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const text = await getTranslations("glossary");
  const collator = new Intl.Collator(locale);
  const entries = [...content().glossary].sort((a, b) => collator.compare(a.term, b.term));
  const lines = entries.map(({ id, term, gloss }) => ({
    id,
    name: term,
    gloss: gloss[locale],
    text: `${gloss[locale]} ${gloss[locale === "vi" ? "en" : "vi"]}`,
  }));
  const course = content().courses[0]?.data.id;
  return (
    <>
      <Header language={locale} {...(course ? { course } : {})} />
      <main id="main" className="mx-auto max-w-3xl px-5 pt-12 sm:pt-16">
        <h1 className="text-[2rem] font-bold tracking-[-0.025em] sm:text-4xl">{text("title")}</h1>
        <p className="mt-4 text-lg text-ink-2">{text("lead")}</p>
        <Glossary lines={lines} />
      </main>
      <Footer language={locale} />
    </>
  );
}
