/** next-intl's request configuration: the messages of the page's language. */
import { getRequestConfig } from "next-intl/server";
import en from "./en.json";
import { isLanguage } from "./languages";
import vi from "./vi.json";

export default getRequestConfig(async ({ requestLocale }) => {
  const wanted = await requestLocale;
  const locale = isLanguage(wanted) ? wanted : "vi";
  return { locale, messages: locale === "vi" ? vi : en, timeZone: "Asia/Ho_Chi_Minh" };
});
