/** GET /api/progress: what has been proved for the learner who asks, and what is due for review. Sets the cookie of one who has none. */
import type { NextRequest } from "next/server";
import { learnerOf, ok, refusal } from "@/app/api/answer";
import { LEARNER_COOKIE, learnerCookieOptions, newLearnerId, signLearner } from "@/lib/learners/cookie";
import { sessionSecret } from "@/lib/learners/secret";
import { readProgress } from "@/lib/progress/progress";
import { readReviews } from "@/lib/progress/reviews";
import { isHttps } from "@/lib/site/request";

export const runtime = "nodejs";

export async function GET(request: NextRequest) {
  const learner = learnerOf(request);
  if (learner === undefined) {
    const response = ok({ lessons: [], reviews: [] });
    const cookie = signLearner(newLearnerId(), sessionSecret());
    response.cookies.set(LEARNER_COOKIE, cookie, learnerCookieOptions(isHttps(request)));
    return response;
  }
  try {
    const [lessons, reviews] = await Promise.all([readProgress(learner), readReviews(learner, new Date())]);
    return ok({ lessons, reviews });
  } catch (error) {
    console.error(error);
    return refusal(500, "failed", "Progress could not be read.");
  }
}
