/** The frame of every page: language, theme, fonts, and the messages that client components need. */
import "../globals.css";
import type { Metadata, Viewport } from "next";
import { notFound } from "next/navigation";
import { NextIntlClientProvider } from "next-intl";
import { getMessages, getTranslations, setRequestLocale } from "next-intl/server";
import type { ReactNode } from "react";
import { isLanguage, LANGUAGES } from "@/lib/i18n/languages";
import { content } from "@/lib/lessons/loader";
import { contentStamp } from "@/lib/lessons/stamp";
import { FollowContent } from "../_lesson/follow-content";
import { Problems } from "../_lesson/problems";
import { Offline } from "../_lesson/offline";
import { THEME_SCRIPT } from "../_ui/theme-script";

interface Props {
  readonly children: ReactNode;
  readonly params: Promise<{ readonly locale: string }>;
}

export const generateStaticParams = () => LANGUAGES.map((locale) => ({ locale }));

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#ffffff" },
    { media: "(prefers-color-scheme: dark)", color: "#101b22" },
  ],
};

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale } = await params;
  if (!isLanguage(locale)) return {};
  const text = await getTranslations({ locale, namespace: "site" });
  return {
    title: { default: text("title"), template: `%s · ${text("name")}` },
    description: text("description"),
    icons: { icon: "/icon.svg" },
  };
}

export default async function Layout({ children, params }: Props) {
  const { locale } = await params;
  if (!isLanguage(locale)) notFound();
  setRequestLocale(locale);
  const text = await getTranslations("site");
  const { lesson, progress, course, landing, review, glossary } = await getMessages();
  return (
    <html lang={locale} data-theme="light" suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own constant; it must run before the first paint. */}
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <a
          href="#main"
          className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:px-4 focus:py-2 focus:shadow-chart"
        >
          {text("skip")}
        </a>
        <NextIntlClientProvider messages={{ lesson, progress, course, landing, review, glossary }}>
          {children}
        </NextIntlClientProvider>
        <Offline />
        {process.env.NODE_ENV === "development" ? <Authoring /> : null}
      </body>
    </html>
  );
}

/** In development: what is wrong with the content stands over every page, and pages follow the files. */
function Authoring() {
  const { problems } = content();
  return (
    <>
      <FollowContent shown={contentStamp()} />
      {problems.length === 0 ? null : (
        <div className="fixed inset-x-0 bottom-0 z-50 shadow-chart">
          <Problems problems={problems} />
        </div>
      )}
    </>
  );
}
