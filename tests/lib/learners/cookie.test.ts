import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { learnerCookieOptions, newLearnerId, signLearner, verifyLearner } from "@/lib/learners/cookie";
import { readSecret } from "@/lib/learners/secret";

const secret = "a secret of at least thirty-two characters";

test("a signed id is known again", () => {
  const id = newLearnerId();
  expect(verifyLearner(signLearner(id, secret), secret)).toBe(id);
});

test.each([
  ["nothing", () => undefined],
  ["another secret", () => signLearner(newLearnerId(), `${secret}!`)],
  [
    "another id under the same signature",
    () => `${newLearnerId()}.${signLearner(newLearnerId(), secret).split(".")[1]}`,
  ],
  ["an id of our own making", () => signLearner("admin", secret)],
  ["a signature cut short", () => signLearner(newLearnerId(), secret).slice(0, -1)],
  ["three parts", () => `${signLearner(newLearnerId(), secret)}.x`],
])("%s is nobody", (_name, make) => {
  expect(verifyLearner(make(), secret)).toBeUndefined();
});

test("scripts cannot read the cookie, other sites cannot post with it", () => {
  expect(learnerCookieOptions(true)).toMatchObject({ httpOnly: true, sameSite: "lax", secure: true });
});

test("a secret is made once, readable by its owner only, and read again", () => {
  const folder = mkdtempSync(join(tmpdir(), "secret-"));
  const first = readSecret(undefined, folder);
  expect(first.length).toBeGreaterThanOrEqual(32);
  expect(readSecret(undefined, folder)).toBe(first);
  if (process.platform !== "win32") expect(statSync(join(folder, "session-secret")).mode & 0o077).toBe(0);
  expect(readFileSync(join(folder, "session-secret"), "utf8")).toBe(first);
  writeFileSync(join(folder, "session-secret"), "cut");
  expect(() => readSecret(undefined, folder)).toThrow("damaged");
  expect(() => readSecret("short", folder)).toThrow("32");
  rmSync(folder, { recursive: true });
});
