/** A lesson: its prose, compiled now and rendered here, around a workspace that runs in the browser. */
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { Debrief } from "@/app/_lesson/debrief";
import { lessonHref } from "@/app/_lesson/lines";
import { Problems } from "@/app/_lesson/problems";
import { Cmd, Predict, Quiz, TaskCard } from "@/app/_lesson/prose";
import { Solved } from "@/app/_lesson/solved";
import { Note, Output, Term } from "@/app/_lesson/static-prose";
import { Workspace } from "@/app/_lesson/workspace";
import { Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content, findCourse } from "@/lib/lessons/loader";
import { ContentError } from "@/lib/lessons/problems";
import { lessonProse, type ProseComponents } from "@/lib/lessons/prose";

interface Props {
  readonly params: Promise<{ readonly locale: Language; readonly course: string; readonly lesson: string }>;
}

export const generateStaticParams = () =>
  content().courses.flatMap((course) =>
    course.lessons.map((lesson) => ({ course: course.data.id, lesson: lesson.data.id })),
  );

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale, course, lesson } = await params;
  const found = findCourse(course)?.lessons.find((one) => one.data.id === lesson);
  return found ? { title: found.data.title[locale], description: found.data.summary[locale] } : {};
}

export default async function LessonPage({ params }: Props) {
  const { locale, course: courseId, lesson: lessonId } = await params;
  setRequestLocale(locale);
  const course = findCourse(courseId);
  const index = course?.lessons.findIndex((one) => one.data.id === lessonId) ?? -1;
  const lesson = course?.lessons[index];
  if (course === undefined || lesson === undefined) {
    // A lesson whose data is broken is not there; the layout says why.
    if (content().problems.length > 0) return <main id="main" className="min-h-dvh" />;
    notFound();
  }
  let Prose: Awaited<ReturnType<typeof lessonProse>>;
  try {
    Prose = await lessonProse(lesson, locale);
  } catch (error) {
    if (error instanceof ContentError && process.env.NODE_ENV !== "production")
      return (
        <main id="main" className="min-h-dvh">
          <Problems problems={error.problems} />
        </main>
      );
    throw error;
  }
  const text = await getTranslations("lesson");
  const kinds = await getTranslations("course");
  const next = course.lessons[index + 1];
  const previous = course.lessons[index - 1];
  const courseHref = `/${locale}/courses/${course.data.id}`;
  const components = {
    Cmd,
    Task: TaskCard,
    Predict,
    Quiz,
    Debrief,
    Note,
    Output,
    Term,
  } as unknown as ProseComponents;
  const arrow = "grid size-9 shrink-0 place-items-center rounded-md text-ink-2 hover:bg-sea hover:text-ink";
  return (
    <div className="flex h-dvh flex-col">
      <Header language={locale}>
        <div className="flex items-center gap-1">
          <Link
            href={courseHref}
            className="mr-2 hidden max-w-64 truncate rounded-md px-2 py-1 text-sm text-ink-2 hover:bg-sea hover:text-ink md:block"
          >
            {text("toCourse")}
          </Link>
          {previous ? (
            <Link
              href={lessonHref(previous, locale)}
              className={arrow}
              aria-label={text("previous")}
              title={previous.data.title[locale]}
            >
              ‹
            </Link>
          ) : null}
          <span className="min-w-0 truncate text-[0.9375rem] font-medium">
            <span className="mr-2 font-normal text-ink-3 tabular-nums max-sm:hidden">
              {index + 1}/{course.lessons.length}
            </span>
            {lesson.data.title[locale]}
          </span>
          {next ? (
            <Link
              href={lessonHref(next, locale)}
              className={arrow}
              aria-label={text("next")}
              title={next.data.title[locale]}
            >
              ›
            </Link>
          ) : null}
        </div>
      </Header>
      <Workspace
        key={lesson.key}
        spec={{ key: lesson.key, start: lesson.start, startHash: lesson.startHash }}
        tasks={lesson.data.tasks}
        quiz={lesson.data.quiz}
        debrief={lesson.data.debrief ?? []}
        language={locale}
        end={
          <Solved
            courseHref={courseHref}
            {...(next ? { next: { href: lessonHref(next, locale), title: next.data.title[locale] } } : {})}
          />
        }
      >
        {lesson.data.kind === "lesson" || lesson.data.title[locale].startsWith(kinds(lesson.data.kind)) ? null : (
          <p className="mb-2 text-sm font-medium text-mark">{kinds(lesson.data.kind)}</p>
        )}
        <h1 className="mb-7 text-[1.875rem] font-bold tracking-[-0.025em] sm:text-[2.125rem]">
          {lesson.data.title[locale]}
        </h1>
        <article className="prose">
          <Prose components={components} />
        </article>
      </Workspace>
    </div>
  );
}
