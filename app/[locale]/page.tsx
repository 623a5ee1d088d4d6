/** The landing page: what this is, one way in, and plain words about what is simulated. */
import Link from "next/link";
import { notFound } from "next/navigation";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { LandingReviews } from "@/app/_lesson/landing-reviews";
import { lessonLine, totalMinutes } from "@/app/_lesson/lines";
import { Preview } from "@/app/_lesson/preview";
import { StartButton } from "@/app/_lesson/start-button";
import { Footer, Header } from "@/app/_ui/header";
import { isLanguage, type Language } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";
import { differencesFile } from "@/lib/site/differences";

export default async function Landing({ params }: { readonly params: Promise<{ readonly locale: Language }> }) {
  const { locale } = await params;
  // "/favicon.ico" and its like come here too, as if they were a language.
  if (!isLanguage(locale)) notFound();
  setRequestLocale(locale);
  const text = await getTranslations("landing");
  const course = content().courses[0];
  if (course === undefined) return null;
  const lines = course.lessons.map((lesson) => lessonLine(lesson, locale));
  return (
    <>
      <Header language={locale} course={course.data.id} />
      <main id="main">
        <section className="chart-lines border-b border-line bg-surface">
          <div className="mx-auto grid max-w-6xl gap-x-14 gap-y-12 px-5 pt-14 pb-16 lg:grid-cols-[1fr_1.08fr] lg:items-center lg:pt-24 lg:pb-28">
            <div>
              <h1 className="text-[2.5rem] leading-[1.2] font-bold tracking-[-0.028em] sm:text-5xl sm:leading-[1.18]">
                {text("heading")}
              </h1>
              <p className="mt-6 max-w-[34rem] text-lg leading-[1.7] text-ink-2">{text("lead")}</p>
              <div className="mt-9">
                <StartButton lessons={lines} />
              </div>
              <p className="mt-5 text-[0.9375rem] text-ink-3">{text("noAccount")}</p>
              <LandingReviews lessons={lines} />
            </div>
            <Preview language={locale} label={text("previewLabel")} />
          </div>
        </section>
        <section className="mx-auto max-w-6xl px-5 pt-20">
          <h2 className="sr-only">{text("factsHeading")}</h2>
          <div className="grid gap-x-12 gap-y-10 md:grid-cols-3">
            {([1, 2, 3] as const).map((number) => (
              <div key={number} className="border-t border-ink/70 pt-4">
                <h3 className="text-lg">{text(`fact${number}`)}</h3>
                <p className="mt-2 text-ink-2">{text(`fact${number}Body`)}</p>
              </div>
            ))}
          </div>
        </section>
        <section className="mx-auto mt-20 grid max-w-6xl gap-x-14 gap-y-16 px-5 lg:grid-cols-[1fr_1.08fr]">
          <div className="self-start rounded-2xl border border-buff-line bg-buff p-7">
            <h2 className="text-xl">{text("honestHeading")}</h2>
            <p className="mt-3">{text("honestBody")}</p>
            {differencesFile(locale) === undefined ? null : (
              <p className="mt-4">
                <Link
                  className="font-medium underline decoration-1 underline-offset-4 hover:text-mark"
                  href={`/${locale}/differences`}
                >
                  {text("honestLink")}
                </Link>
              </p>
            )}
          </div>
          <div>
            <h2 className="text-xl">{text("routeHeading")}</h2>
            <p className="mt-1 text-ink-2">
              {text("lessons", { count: course.lessons.length, minutes: totalMinutes(course) })}
            </p>
            <ol className="mt-6 space-y-5 border-l border-dashed border-mark pl-7">
              {course.units.map((unit) => (
                <li key={unit.folder} className="relative">
                  <span
                    aria-hidden="true"
                    className="absolute top-[0.45rem] -left-[2.14rem] size-3 rounded-full border-2 border-mark bg-paper"
                  />
                  <p className="font-medium">{unit.title[locale]}</p>
                  <p className="text-ink-2">{unit.summary[locale]}</p>
                </li>
              ))}
            </ol>
            <p className="mt-6">
              <Link
                className="font-medium text-mark underline decoration-1 underline-offset-4"
                href={`/${locale}/courses/${course.data.id}`}
              >
                {course.data.title[locale]}
              </Link>
            </p>
          </div>
        </section>
      </main>
      <Footer language={locale} />
    </>
  );
}
