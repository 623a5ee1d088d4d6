/** A course: its units and lessons along the route, with what is done and what comes next. */
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { routeOf, totalMinutes } from "@/app/_lesson/lines";
import { Route } from "@/app/_lesson/route";
import { Footer, Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content, findCourse } from "@/lib/lessons/loader";

interface Props {
  readonly params: Promise<{ readonly locale: Language; readonly course: string }>;
}

export const generateStaticParams = () => content().courses.map((course) => ({ course: course.data.id }));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale, course } = await params;
  const found = findCourse(course);
  return found ? { title: found.data.title[locale], description: found.data.summary[locale] } : {};
}

export default async function CoursePage({ params }: Props) {
  const { locale, course } = await params;
  setRequestLocale(locale);
  const found = findCourse(course);
  if (found === undefined) notFound();
  const text = await getTranslations("course");
  return (
    <>
      <Header language={locale} course={course} />
      <main id="main" className="mx-auto max-w-3xl px-5 pt-12 sm:pt-16">
        <h1 className="text-[2rem] font-bold tracking-[-0.025em] sm:text-4xl">{found.data.title[locale]}</h1>
        <p className="mt-4 max-w-[38rem] text-lg text-ink-2">{found.data.summary[locale]}</p>
        <p className="mt-2 mb-7 max-w-[38rem] text-ink-3">
          {found.data.audience[locale]} {text("summary", { count: found.lessons.length, minutes: totalMinutes(found) })}
          .
        </p>
        <Route units={routeOf(found, locale)} />
      </main>
      <Footer language={locale} />
    </>
  );
}
