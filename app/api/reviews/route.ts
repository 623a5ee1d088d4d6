/** POST /api/reviews: a review is given up; the lesson comes back from the first interval. Passing one is proved at /api/attempts. */
import type { NextRequest } from "next/server";
import { learnerOf, ok, readBody, refusal } from "@/app/api/answer";
import { giveUpReview } from "@/lib/attempts/give-up";
import { RateLimit } from "@/lib/attempts/rate";

export const runtime = "nodejs";

const BODY_BYTES_MAX = 4096;
const rate = new RateLimit();

export async function POST(request: NextRequest) {
  const learner = learnerOf(request);
  if (learner === undefined)
    return refusal(401, "no-learner", "Open a page of the course first: it sets the cookie that says who you are.");
  if (!(request.headers.get("content-type") ?? "").startsWith("application/json"))
    return refusal(400, "not-json", "Send the review as application/json.");
  const wait = rate.take(learner);
  if (wait > 0) return refusal(429, "too-often", `Try again in ${wait} s.`, { "Retry-After": String(wait) });
  const text = await readBody(request, BODY_BYTES_MAX);
  if (text === undefined) return refusal(413, "too-large", `A review may have at most ${BODY_BYTES_MAX} bytes.`);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refusal(400, "not-json", "The body is not JSON.");
  }
  try {
    const given = await giveUpReview(learner, body);
    return given.ok ? ok({ review: given.review }) : refusal(given.status, given.code, given.message);
  } catch (error) {
    console.error(error);
    return refusal(500, "failed", "The review could not be given up. Nothing has changed.");
  }
}
