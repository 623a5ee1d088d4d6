/** An author at work: `next dev` shows what is wrong with a lesson in its page, with the place, and follows the files. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deploy } from "@/lib/tools/migrate.mjs";
import { launch } from "./browser.mjs";
import { freePort } from "./server";

const LESSON = "docker-kubernetes/01-docker/05-limits";
const COMPILING_MS = 240_000;

let folder: string;
let url: string;
let server: ChildProcess;
let browser: Browser;
let page: Page;
let log = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "course-author-"));
  cpSync("content", join(folder, "content"), { recursive: true });
  const database = `file:${join(folder, "course.db")}`;
  await deploy(database);
  const port = await freePort();
  url = `http://localhost:${port}`;
  server = spawn(process.execPath, ["node_modules/next/dist/bin/next", "dev", "--port", String(port)], {
    env: {
      ...process.env,
      NODE_ENV: "development",
      DATABASE_URL: database,
      DATA_DIR: folder,
      CONTENT_DIR: join(folder, "content"),
      NEXT_TELEMETRY_DISABLED: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [server.stdout, server.stderr])
    stream?.on("data", (data) => {
      log += data;
    });
  browser = await launch();
  page = await browser.newPage({ locale: "en" });
  // The first request compiles the page.
  for (let tries = 0; tries < COMPILING_MS / 1000; tries++) {
    if (server.exitCode !== null) throw new Error(`next dev ended:\n${log}`);
    const isUp = await fetch(`${url}/icon.svg`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) break;
    await new Promise((later) => setTimeout(later, 1000));
  }
  await page.goto(`${url}/en/courses/docker-kubernetes/limits`, { timeout: COMPILING_MS });
  await page.locator("h1").waitFor({ timeout: 60_000 });
}, COMPILING_MS + 60_000);

afterAll(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

const alert = () => page.locator('[role="alert"]').filter({ hasText: "content/" });
const says = (text: string | RegExp) =>
  expect.poll(async () => (await alert().allTextContents()).join("\n"), { timeout: 60_000 }).toMatch(text);

test("a broken text is shown with its place, and the mended one after it, in the same page", async () => {
  const path = join(folder, "content", LESSON, "en.mdx");
  const good = readFileSync(path, "utf8");
  const lines = good.trimEnd().split("\n").length;
  await page.evaluate(() => Object.assign(window, { stillHere: true }));

  appendFileSync(path, "\n<Foo />\n");
  await says(`content/${LESSON}/en.mdx:${lines + 2}:1`);
  writeFileSync(path, `${good}\n<Cmd>ls\n`);
  await says(/en\.mdx:\d+:1 +Expected a closing tag for `<Cmd>`/);

  writeFileSync(path, `${good}\nA sentence that was not there before.\n`);
  await page.getByText("A sentence that was not there before.").waitFor({ timeout: 60_000 });
  expect(await alert().count()).toBe(0);
  expect(await page.evaluate(() => "stillHere" in window)).toBe(true);
}, 200_000);

test("broken data is shown with its place on any page, until it is mended", async () => {
  const path = join(folder, "content", LESSON, "lesson.yaml");
  const good = readFileSync(path, "utf8");
  const line = good.split("\n").findIndex((text) => text.startsWith("minutes:")) + 1;
  writeFileSync(path, good.replace(/^minutes: \d+/m, "minutes: soon"));
  await says(`content/${LESSON}/lesson.yaml:${line}:10`);
  writeFileSync(path, good.replace(/^minutes: .*/m, "minutes: 10").replace("solution:", "solution: ["));
  await says(/lesson\.yaml:\d+:\d+/);
  writeFileSync(path, good);
  await page.locator("h1").waitFor({ timeout: 60_000 });
  await expect.poll(() => alert().count(), { timeout: 60_000 }).toBe(0);
}, 200_000);
