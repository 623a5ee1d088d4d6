/** After a lesson: it comes due again, in another world, and what the server says moves on; an incident is looked back at. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDb } from "@/lib/db/client";
import { findLesson } from "@/lib/lessons/loader";
import { launch } from "./browser.mjs";
import { goalsMet, hasPrompt, screenText, type, until } from "./learner";
import { type Site, startSite } from "./server";

const COURSE = "docker-kubernetes";
let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.dispose();
});

/** Types a lesson's commands as its author wrote them; pauses are skipped over. */
async function solve(page: Page, commands: readonly unknown[]): Promise<void> {
  for (const command of commands) {
    if (typeof command === "string") {
      await type(page, command);
      await page.waitForTimeout(400);
      await until(
        async () =>
          (await screenText(page))
            .replace(/\u00a0/g, " ")
            .trimEnd()
            .endsWith("laptop:~#"),
        `the prompt after ${command}`,
      );
    } else {
      await page.getByRole("button", { name: "Skip 10 seconds" }).click();
      await page.waitForTimeout(600);
    }
  }
}

const reviewOf = (page: Page, lesson: string) =>
  page.evaluate(async (key) => {
    const { reviews } = await (await fetch("/api/progress", { cache: "no-store" })).json();
    return reviews.find((review: { lesson: string }) => review.lesson === key);
  }, lesson);

test("a lesson that was done is reviewed a day later, in a world of its own, and comes back after three", async () => {
  const key = `${COURSE}/client-daemon`;
  const lesson = findLesson(key)!;
  const page = await (await browser.newContext({ locale: "en" })).newPage();
  const path = `${site.url}/en/courses/${COURSE}/client-daemon`;

  await page.goto(`${path}/review`);
  await page.getByRole("heading", { name: "You have not finished this lesson yet" }).waitFor();

  await page.goto(path);
  await until(() => hasPrompt(page), "a prompt");
  await solve(page, lesson.data.solution);
  await page.locator("main").getByText("You have finished this lesson").waitFor({ timeout: 60_000 });
  await until(async () => (await reviewOf(page, key)) !== undefined, "the server's proof");
  expect(await reviewOf(page, key)).toMatchObject({ step: 0, round: 0, isDue: false });
  await page.goto(`${path}/review`);
  await page.getByRole("heading", { name: "This lesson is not due yet" }).waitFor();

  // Two days later.
  const db = openDb(site.database);
  await db.lessonProgress.updateMany({ data: { doneAt: new Date(Date.now() - 2 * 24 * 3600 * 1000) } });
  await db.$disconnect();
  await page.goto(`${site.url}/en`);
  const due = page.locator("section", { has: page.getByRole("heading", { name: "Review today" }) });
  await due.getByRole("link", { name: lesson.data.title.en }).click();
  await page.waitForURL("**/review");
  await until(() => hasPrompt(page), "a prompt of the review");
  expect(await page.locator("main section[id^=task-]").count()).toBe(lesson.review.tasks.length);
  await type(page, "docker ps -aq | wc -l");
  await until(
    async () => /wc -l\s*0/.test((await screenText(page)).replace(/\u00a0/g, " ")),
    "a world where nothing was done",
  );

  // A hint is noted, and not forgotten over a reload.
  await page.getByRole("button", { name: "Hint", exact: true }).first().click();
  await page.waitForTimeout(500);
  await page.reload();
  await until(() => hasPrompt(page), "the review's world again");
  await solve(page, lesson.data.review!.solution);
  await page.getByText("You still know it").waitFor({ timeout: 60_000 });
  await page.getByText("It comes back in 3 days.").waitFor();
  await until(async () => (await reviewOf(page, key)).step === 1, "the server's proof of the review");
  const review = await reviewOf(page, key);
  expect(review).toMatchObject({ step: 1, round: 1, isDue: false, hints: 1 });
  expect(Math.round((Date.parse(review.dueAt) - Date.now()) / 3600_000)).toBe(72);
  await page.context().close();
}, 300_000);

test("giving a review up leads to the lesson, and the first interval begins again", async () => {
  const key = `${COURSE}/client-daemon`;
  const context = await browser.newContext({ locale: "en" });
  const page = await context.newPage();
  await page.goto(`${site.url}/en`);
  await until(async () => (await context.cookies()).some((cookie) => cookie.name === "learner"), "a cookie");
  const cookie = (await context.cookies()).find((one) => one.name === "learner")!.value;
  const learner = cookie.split(".")[0]!;
  const db = openDb(site.database);
  await db.learner.create({ data: { id: learner } });
  await db.lessonProgress.create({
    data: { learnerId: learner, lesson: key, goalsMet: 6, doneAt: new Date(0), doneMs: 1 },
  });
  await db.review.create({ data: { learnerId: learner, lesson: key, step: 2, round: 5, dueAt: new Date(1000) } });
  await db.$disconnect();
  await page.goto(`${site.url}/en/progress`);
  await page.getByRole("link", { name: "Review now" }).click();
  await until(() => hasPrompt(page), "a prompt of the review");
  await page.getByRole("button", { name: "I do not remember" }).click();
  await page.waitForURL("**/client-daemon");
  expect(await reviewOf(page, key)).toMatchObject({ step: 0, round: 6, isDue: false });
  await context.close();
}, 200_000);

test("an incident ends with a look back: the lines that were typed, beside the short way", async () => {
  const lesson = findLesson(`${COURSE}/image-pull`)!;
  const page = await (await browser.newContext({ locale: "en" })).newPage();
  await page.goto(`${site.url}/en/courses/${COURSE}/image-pull`);
  await page.getByText("The look back opens once the incident is mended").waitFor();
  await until(() => hasPrompt(page), "a prompt");
  await type(page, "echo a detour");
  await solve(page, lesson.data.solution);
  const debrief = page.getByRole("region", { name: "Looking back" });
  await debrief.waitFor({ timeout: 60_000 });
  const text = await debrief.textContent();
  expect(text).toContain("echo a detour");
  for (const command of lesson.data.solution) if (typeof command === "string") expect(text).toContain(command);
  for (const step of lesson.data.debrief!) expect(text).toContain(step.command);
  expect(await goalsMet(page)).toBe(lesson.data.tasks.flatMap((task) => task.goals).length);

  // It is there after a reload, too.
  await page.reload();
  await debrief.waitFor({ timeout: 60_000 });
  expect(await debrief.textContent()).toBe(text);
  await page.context().close();
}, 300_000);
