/** When the content was last changed, for pages in development that follow it. Server only. */
import "server-only";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** CONTENT_DIR shows another folder's lessons: an author's own, or a test's. */
export const CONTENT_ROOT = /* turbopackIgnore: true */ process.env["CONTENT_DIR"] ?? join(process.cwd(), "content");

export interface ContentStamp {
  /** Of the texts: a page can show them anew as it is. */
  readonly prose: string;
  /** Of everything else: worlds start from it. */
  readonly data: string;
}

export function contentStamp(root = CONTENT_ROOT): ContentStamp {
  const newest = { prose: 0, data: 0 };
  const counts = { prose: 0, data: 0 };
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else {
        const kind = entry.name.endsWith(".mdx") ? "prose" : "data";
        newest[kind] = Math.max(newest[kind], statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
        counts[kind]++;
      }
    }
  };
  visit(root);
  return { prose: `${newest.prose}/${counts.prose}`, data: `${newest.data}/${counts.data}` };
}
