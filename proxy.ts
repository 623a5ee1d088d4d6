/** Before every page: the language of `/`, the learner's cookie on a first visit, and the security policy. */
import { type NextRequest, NextResponse } from "next/server";
import { LEARNER_COOKIE, learnerCookieOptions, newLearnerId, signLearner, verifyLearner } from "@/lib/learners/cookie";
import { sessionSecret } from "@/lib/learners/secret";
import { policyFor } from "@/lib/site/policy";
import { isHttps, preferredLanguage } from "@/lib/site/request";

export function proxy(request: NextRequest): NextResponse {
  const { pathname, search } = request.nextUrl;
  const secret = sessionSecret();
  const isKnown = verifyLearner(request.cookies.get(LEARNER_COOKIE)?.value, secret) !== undefined;
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const policy = policyFor(pathname, nonce, process.env["NODE_ENV"] === "development");

  const response = isOurs(pathname) ? pass(request, policy) : toLanguage(request, pathname, search);
  response.headers.set("Content-Security-Policy", policy);
  if (!isKnown) {
    const cookie = signLearner(newLearnerId(), secret);
    response.cookies.set(LEARNER_COOKIE, cookie, learnerCookieOptions(isHttps(request)));
    response.headers.set("Cache-Control", "private, no-store");
  }
  return response;
}

const isOurs = (pathname: string): boolean => /^\/(vi|en)(\/|$)/.test(pathname);

function pass(request: NextRequest, policy: string): NextResponse {
  const headers = new Headers(request.headers);
  headers.set("Content-Security-Policy", policy);
  return NextResponse.next({ request: { headers } });
}

function toLanguage(request: NextRequest, pathname: string, search: string): NextResponse {
  const chosen = request.cookies.get("language")?.value;
  const language =
    chosen === "vi" || chosen === "en" ? chosen : preferredLanguage(request.headers.get("accept-language"));
  const to = new URL(`/${language}${pathname === "/" ? "" : pathname}${search}`, request.url);
  const response = NextResponse.redirect(to, 307);
  response.headers.set("Vary", "Accept-Language, Cookie");
  return response;
}

export const config = { matcher: ["/((?!api/|_next/|.*\\.[a-z0-9]+$).*)"] };
