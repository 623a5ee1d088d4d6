/** The two languages of the course; Vietnamese is the first. */
export type Language = "vi" | "en";
export const LANGUAGES: readonly Language[] = ["vi", "en"];
export const isLanguage = (text: string | undefined): text is Language => text === "vi" || text === "en";
