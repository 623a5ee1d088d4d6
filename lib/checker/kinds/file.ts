/** file: a file on the laptop, and what it holds. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";

const schema = z.strictObject({
  kind: z.literal("file"),
  path: z.string().check(z.startsWith("/")),
  /** A regular expression the content must match. */
  matches: z.optional(z.string()),
});

export const file = defineCheck({
  kind: "file",
  schema,
  names: (check) => [check.path.slice(check.path.lastIndexOf("/") + 1)],
  evaluate(check, observation) {
    const content = observation.readFile(check.path);
    if (content !== undefined && (check.matches === undefined || new RegExp(check.matches, "m").test(content)))
      return met;
    return unmet(
      {
        vi: `Tệp \`${check.path}\`${check.matches === undefined ? "" : ` có nội dung khớp \`${check.matches}\``}.`,
        en: `File \`${check.path}\`${check.matches === undefined ? "" : ` with content matching \`${check.matches}\``}.`,
      },
      content === undefined
        ? { vi: "Chưa có tệp đó.", en: "There is no such file." }
        : { vi: "Tệp có đó nhưng nội dung chưa khớp.", en: "The file is there but its content does not match." },
      `cat ${check.path}`,
    );
  },
});
