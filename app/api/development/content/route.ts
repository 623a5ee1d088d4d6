/** GET /api/development/content: stamps of the content's files, so that pages follow an author's editor. In development only. */
import { ok, refusal } from "@/app/api/answer";
import { contentStamp } from "@/lib/lessons/stamp";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";

export function GET() {
  if (process.env.NODE_ENV !== "development") return refusal(404, "not-here", "This is answered in development only.");
  return ok(contentStamp());
}
