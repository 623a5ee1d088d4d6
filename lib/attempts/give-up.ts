/** Gives a review up: the lesson comes back from the first interval. Says what is due now. Server only. */
import "server-only";
import * as z from "zod";
import { type Db, db } from "@/lib/db/client";
import { dropReview, type ReviewRecord, readReview } from "@/lib/progress/reviews";
import { atOnce } from "./at-once";

const schema = z.strictObject({ lesson: z.string().max(200), round: z.number().int().min(0) });

export type GivenUp =
  | { readonly ok: true; readonly review: ReviewRecord }
  | { readonly ok: false; readonly status: 400 | 404; readonly code: string; readonly message: string };

export async function giveUpReview(
  learner: string,
  body: unknown,
  now = new Date(),
  from: Db = db(),
): Promise<GivenUp> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const message = `${issue?.path.join(".") || "body"}: ${issue?.message ?? "not a review"}`;
    return { ok: false, status: 400, code: "invalid", message };
  }
  const { lesson, round } = parsed.data;
  const present = await readReview(learner, lesson, now, from);
  if (present === undefined)
    return { ok: false, status: 404, code: "no-such-review", message: `"${lesson}" was not done yet.` };
  // Only what is due can be given up; said twice, it is given up once.
  if (present.isDue && present.round === round)
    await atOnce(from, (tx) => dropReview(tx, { learner, lesson, round, now }));
  return { ok: true, review: (await readReview(learner, lesson, now, from)) ?? present };
}
