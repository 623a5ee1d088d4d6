/** POST /api/attempts: a log goes in, what replaying it proved comes out. The write that counts. */
import type { NextRequest } from "next/server";
import { learnerOf, ok, readBody, refusal } from "@/app/api/answer";
import { acceptAttempt, thisServer } from "@/lib/attempts/accept";
import { RateLimit } from "@/lib/attempts/rate";
import { bodyBytesMax } from "@/lib/attempts/request";

export const runtime = "nodejs";

const rate = new RateLimit();

export async function POST(request: NextRequest) {
  const learner = learnerOf(request);
  if (learner === undefined)
    return refusal(401, "no-learner", "Open a page of the course first: it sets the cookie that says who you are.");
  if (!(request.headers.get("content-type") ?? "").startsWith("application/json")) {
    return refusal(400, "not-json", "Send the attempt as application/json.");
  }
  const wait = rate.take(learner);
  if (wait > 0) return refusal(429, "too-often", `Try again in ${wait} s.`, { "Retry-After": String(wait) });
  const text = await readBody(request, bodyBytesMax);
  if (text === undefined) return refusal(413, "too-large", `A log may have at most ${bodyBytesMax} bytes.`);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refusal(400, "not-json", "The body is not JSON.");
  }
  try {
    const accepted = await acceptAttempt(thisServer(), learner, body);
    if (accepted.ok) return ok({ goals: accepted.goals, done: accepted.done });
    const { status, code, message } = accepted.refusal;
    return refusal(status, code, message, status === 503 ? { "Retry-After": "5" } : {});
  } catch (error) {
    console.error(error);
    return refusal(500, "failed", "The attempt could not be recorded. Nothing has changed; it will be sent again.");
  }
}
