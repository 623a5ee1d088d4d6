/** Where it is written how the simulation differs from the real systems: in the reader's language if it is, or at all. Server only. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Language } from "@/lib/i18n/languages";

export const differencesFile = (language: Language): string | undefined =>
  [`differences.${language}.md`, "differences.md"]
    .map((name) => join(process.cwd(), "docs", name))
    .find((path) => existsSync(path));
