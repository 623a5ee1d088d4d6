/** The key that signs learners' cookies: from SESSION_SECRET, else made once and kept in the data folder. Server only. */
import "server-only";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dataFolder } from "@/lib/db/folder";

const SHORTEST = 32;
let known: string | undefined;

export function sessionSecret(): string {
  known ??= readSecret(process.env["SESSION_SECRET"], dataFolder());
  return known;
}

export function readSecret(fromEnvironment: string | undefined, folder: string): string {
  if (fromEnvironment !== undefined && fromEnvironment !== "") {
    if (fromEnvironment.length < SHORTEST) throw new Error(`SESSION_SECRET must have at least ${SHORTEST} characters.`);
    return fromEnvironment;
  }
  const file = join(folder, "session-secret");
  mkdirSync(folder, { recursive: true });
  try {
    // "wx": of several processes that start at once, one writes and the others read what it wrote.
    writeFileSync(file, randomBytes(32).toString("base64url"), { flag: "wx", mode: 0o600 });
    if (process.env["NODE_ENV"] === "production") {
      console.warn(`SESSION_SECRET is not set: wrote a secret to ${file}. Set it when more than one server runs.`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const secret = readFileSync(file, "utf8").trim();
  if (secret.length < SHORTEST)
    throw new Error(`${file} is damaged. Remove it, and a new one is made (learners' cookies end).`);
  return secret;
}
