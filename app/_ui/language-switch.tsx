"use client";
/** To the same page in the other language. A client-side step: a lesson's world goes on running. */
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { Language } from "@/lib/i18n/languages";

export function LanguageSwitch(props: { readonly language: Language; readonly label: string; readonly short: string }) {
  const other = props.language === "vi" ? "en" : "vi";
  const path = usePathname().replace(/^\/(vi|en)/, `/${other}`);
  const remember = () => {
    // biome-ignore lint/suspicious/noDocumentCookie: one plain cookie, read by the proxy for "/".
    document.cookie = `language=${other}; path=/; max-age=31536000; samesite=lax`;
  };
  return (
    <Link
      href={path}
      hrefLang={other}
      lang={other}
      title={props.label}
      aria-label={props.label}
      onClick={remember}
      scroll={false}
      className="grid h-9 min-w-9 place-items-center rounded-md px-2 text-sm font-medium text-ink-2 hover:bg-sea hover:text-ink"
    >
      {props.short}
    </Link>
  );
}
