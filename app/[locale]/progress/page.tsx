/** The learner's own page: the path so far, what is done, what comes next, and how long it took. */
import type { Metadata } from "next";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { lessonLine } from "@/app/_lesson/lines";
import { ProgressTable } from "@/app/_lesson/progress-table";
import { Footer, Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";

interface Props {
  readonly params: Promise<{ readonly locale: Language }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale } = await params;
  const text = await getTranslations({ locale, namespace: "progress" });
  return { title: text("title") };
}

export default async function ProgressPage({ params }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const text = await getTranslations("progress");
  const courses = content().courses;
  return (
    <>
      <Header language={locale} {...(courses[0] ? { course: courses[0].data.id } : {})} />
      <main id="main" className="mx-auto max-w-4xl px-5 pt-12 sm:pt-16">
        <h1 className="text-[2rem] font-bold tracking-[-0.025em] sm:text-4xl">{text("title")}</h1>
        <p className="mt-4 max-w-[38rem] text-lg text-ink-2">{text("lead")}</p>
        <ProgressTable
          language={locale}
          lessons={courses.flatMap((course) => course.lessons.map((lesson) => lessonLine(lesson, locale)))}
        />
      </main>
      <Footer language={locale} />
    </>
  );
}
