/** Who a learner is: a random id in a signed cookie. No name, no account, nothing to register. */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

export const LEARNER_COOKIE = "learner";
const YEAR_SECONDS = 365 * 24 * 3600;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const newLearnerId = (): string => randomUUID();

export const signLearner = (id: string, secret: string): string => `${id}.${signature(id, secret)}`;

/** The learner's id, or undefined when the cookie is missing, damaged or not ours. */
export function verifyLearner(cookie: string | undefined, secret: string): string | undefined {
  const [id, given, ...rest] = (cookie ?? "").split(".");
  if (id === undefined || given === undefined || rest.length > 0 || !UUID.test(id)) return undefined;
  const expected = Buffer.from(signature(id, secret));
  const received = Buffer.from(given);
  return expected.length === received.length && timingSafeEqual(expected, received) ? id : undefined;
}

export const learnerCookieOptions = (isHttps: boolean) =>
  ({ httpOnly: true, sameSite: "lax", secure: isHttps, path: "/", maxAge: YEAR_SECONDS }) as const;

const signature = (id: string, secret: string): string =>
  createHmac("sha256", secret).update(`learner:${id}`).digest("base64url");
