/** GET /api/progress: what has been proved for the learner who asks. Sets the cookie of one who has none. */
import type { NextRequest } from "next/server";
import { learnerOf, ok, refusal } from "@/app/api/answer";
import { LEARNER_COOKIE, learnerCookieOptions, newLearnerId, signLearner } from "@/lib/learners/cookie";
import { sessionSecret } from "@/lib/learners/secret";
import { readProgress } from "@/lib/progress/progress";
import { isHttps } from "@/lib/site/request";

export const runtime = "nodejs";

export async function GET(request: NextRequest) {
  const learner = learnerOf(request);
  if (learner === undefined) {
    const response = ok({ lessons: [] });
    const cookie = signLearner(newLearnerId(), sessionSecret());
    response.cookies.set(LEARNER_COOKIE, cookie, learnerCookieOptions(isHttps(request)));
    return response;
  }
  try {
    return ok({ lessons: await readProgress(learner) });
  } catch (error) {
    console.error(error);
    return refusal(500, "failed", "Progress could not be read.");
  }
}
