/** What every API route shares: who asks, how a body is read, how a refusal looks. */
import { type NextRequest, NextResponse } from "next/server";
import { LEARNER_COOKIE, verifyLearner } from "@/lib/learners/cookie";
import { sessionSecret } from "@/lib/learners/secret";

const NEVER_CACHED = { "Cache-Control": "no-store" };

export const ok = (body: unknown): NextResponse => NextResponse.json(body, { headers: NEVER_CACHED });

export const refusal = (
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): NextResponse =>
  NextResponse.json({ error: { code, message } }, { status, headers: { ...NEVER_CACHED, ...headers } });

export const learnerOf = (request: NextRequest): string | undefined =>
  verifyLearner(request.cookies.get(LEARNER_COOKIE)?.value, sessionSecret());

/** The body as text, or undefined once it is longer than `bytesMax`: it is never held whole before that is known. */
export async function readBody(request: Request, bytesMax: number): Promise<string | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) return undefined;
  const reader = request.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
