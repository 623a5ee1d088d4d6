/** The glossary: each word with its meaning, in the order of the page's language. */
import type { Metadata } from "next";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { InlineCode } from "@/app/_ui/inline-code";
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

export default async function Glossary({ params }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const text = await getTranslations("glossary");
  const collator = new Intl.Collator(locale);
  const entries = [...content().glossary].sort((a, b) => collator.compare(a.term, b.term));
  const course = content().courses[0]?.data.id;
  return (
    <>
      <Header language={locale} {...(course ? { course } : {})} />
      <main id="main" className="mx-auto max-w-3xl px-5 pt-12 sm:pt-16">
        <h1 className="text-[2rem] font-bold tracking-[-0.025em] sm:text-4xl">{text("title")}</h1>
        <p className="mt-4 text-lg text-ink-2">{text("lead")}</p>
        <dl className="mt-10 grid gap-x-8 sm:grid-cols-[minmax(9rem,auto)_1fr]">
          {entries.map((entry) => (
            <div
              key={entry.id}
              id={entry.id}
              className="col-span-full grid grid-cols-subgrid border-b border-line-2 py-3.5"
            >
              <dt className="font-medium">{entry.term}</dt>
              <dd className="text-ink-2">
                <InlineCode text={entry.gloss[locale]} />
              </dd>
            </div>
          ))}
        </dl>
      </main>
      <Footer language={locale} />
    </>
  );
}
