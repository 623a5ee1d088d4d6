/** What a browser may send: one attempt's log. Everything in it is a claim until it has been replayed. */
import * as z from "zod";
import { replayLimits } from "@/lib/replay/limits";

const at = z.number().int().min(0).max(replayLimits.endMsMax);
const terminal = z.number().int().min(1).max(16);
const columns = z.number().int().min(1).max(2000);
const rows = z.number().int().min(1).max(1000);

export const entrySchema = z.discriminatedUnion("kind", [
  z.strictObject({ at, kind: z.literal("open"), terminal, columns, rows }),
  z.strictObject({ at, kind: z.literal("type"), terminal, text: z.string().max(replayLimits.textMax) }),
  z.strictObject({ at, kind: z.literal("resize"), terminal, columns, rows }),
  z.strictObject({ at, kind: z.literal("close"), terminal }),
  z.strictObject({ at, kind: z.literal("close-editor"), path: z.string().startsWith("/").max(4096) }),
  z.strictObject({
    at,
    kind: z.literal("save"),
    path: z.string().startsWith("/").max(4096),
    content: z.string().max(replayLimits.textMax),
  }),
]);

export const attemptSchema = z
  .strictObject({
    attempt: z.uuid(),
    lesson: z.string().max(200),
    version: z.number().int(),
    startHash: z.string().max(64),
    entries: z.array(entrySchema).min(1).max(replayLimits.entriesMax),
    end: at,
    hash: z.string().max(128),
    /** Present when the log is of a review's world. How many hints were shown is the page's word, noted as such. */
    review: z
      .strictObject({ round: z.number().int().min(0).max(100_000), hints: z.number().int().min(0).max(100) })
      .optional(),
  })
  .superRefine((attempt, context) => {
    let last = 0;
    let text = 0;
    for (const [index, entry] of attempt.entries.entries()) {
      if (entry.at < last)
        context.addIssue({ code: "custom", message: "times must not go back", path: ["entries", index] });
      last = entry.at;
      text += entry.kind === "type" ? entry.text.length : entry.kind === "save" ? entry.content.length : 0;
    }
    if (attempt.end < last) context.addIssue({ code: "custom", message: "ends before its last input", path: ["end"] });
    if (text > replayLimits.textMax) context.addIssue({ code: "custom", message: "too much text", path: ["entries"] });
  });

export type AttemptRequest = z.infer<typeof attemptSchema>;

/** The largest body that is read at all. JSON of escaped control characters can be six times its text. */
export const bodyBytesMax = 4 * 1024 * 1024;
