/** What a request's headers say about the visitor. */
import { isLanguage, type Language } from "@/lib/i18n/languages";

export const isHttps = (request: { readonly url: string; readonly headers: Headers }): boolean =>
  (request.headers.get("x-forwarded-proto")?.split(",")[0] ?? new URL(request.url).protocol.replace(":", "")) ===
  "https";

/** The language of Accept-Language that we have and the visitor prefers; Vietnamese when neither is named. */
export function preferredLanguage(header: string | null): Language {
  const wanted = (header ?? "")
    .split(",")
    .map((part, index) => {
      const [tag = "", ...parameters] = part.trim().split(";");
      const q = parameters.map((text) => /^\s*q=([\d.]+)$/.exec(text)?.[1]).find((text) => text !== undefined);
      return { language: tag.toLowerCase().split("-")[0], weight: q === undefined ? 1 : Number(q), index };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.index - b.index);
  const found = wanted.map(({ language }) => language).find(isLanguage);
  return found ?? "vi";
}
