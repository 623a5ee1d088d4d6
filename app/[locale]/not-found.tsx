/** A page that is not there. */
import Link from "next/link";
import { getLocale, getTranslations } from "next-intl/server";
import { Header } from "@/app/_ui/header";
import type { Language } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";

export default async function NotFound() {
  const language = (await getLocale()) as Language;
  const text = await getTranslations("site");
  const course = content().courses[0]?.data.id;
  return (
    <>
      <Header language={language} {...(course ? { course } : {})} />
      <main id="main" className="mx-auto max-w-3xl px-5 pt-24">
        <h1 className="text-3xl font-bold">{text("notFound")}</h1>
        <p className="mt-3 text-lg text-ink-2">{text("notFoundBody")}</p>
        <p className="mt-6">
          <Link
            className="font-medium text-mark underline underline-offset-4"
            href={`/${language}/courses/${course ?? ""}`}
          >
            {text("toCourse")}
          </Link>
        </p>
      </main>
    </>
  );
}
