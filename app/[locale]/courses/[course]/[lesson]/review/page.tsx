/** A lesson's review: some of its tasks, goals only, in a world that this page has never had. Which one, the browser asks the server. */
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { lessonHref } from "@/app/_lesson/lines";
import { Review } from "@/app/_lesson/review";
import { Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content, findCourse } from "@/lib/lessons/loader";

interface Props {
  readonly params: Promise<{ readonly locale: Language; readonly course: string; readonly lesson: string }>;
}

export const generateStaticParams = () =>
  content().courses.flatMap((course) =>
    course.lessons.map((lesson) => ({ course: course.data.id, lesson: lesson.data.id })),
  );

const find = (course: string, id: string) => findCourse(course)?.lessons.find((lesson) => lesson.data.id === id);

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale, course, lesson } = await params;
  const found = find(course, lesson);
  const text = await getTranslations({ locale, namespace: "review" });
  return found ? { title: text("title", { lesson: found.data.title[locale] }) } : {};
}

export default async function ReviewPage({ params }: Props) {
  const { locale, course, lesson: id } = await params;
  setRequestLocale(locale);
  const lesson = find(course, id);
  if (lesson === undefined) notFound();
  const text = await getTranslations("review");
  const title = text("title", { lesson: lesson.data.title[locale] });
  const progressHref = `/${locale}/progress`;
  return (
    <div className="flex h-dvh flex-col">
      <Header language={locale}>
        <div className="flex items-center gap-1">
          <Link
            href={progressHref}
            className="mr-2 hidden max-w-64 truncate rounded-md px-2 py-1 text-sm text-ink-2 hover:bg-sea hover:text-ink md:block"
          >
            {text("toProgress")}
          </Link>
          <span className="min-w-0 truncate text-[0.9375rem] font-medium">{title}</span>
        </div>
      </Header>
      <Review
        lesson={lesson.key}
        base={lesson.review}
        language={locale}
        title={title}
        lessonHref={lessonHref(lesson, locale)}
        progressHref={progressHref}
      />
    </div>
  );
}
