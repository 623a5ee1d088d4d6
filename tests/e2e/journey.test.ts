/** A learner's way through the site, in a real browser on the production build. */
import AxeBuilder from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "./browser.mjs";
import { goalsMet, hasPrompt, screen, type, until } from "./learner";
import { type Site, startSite } from "./server";

const LESSON = "/courses/docker-kubernetes/image-container";
let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.dispose();
});

/** A page that fails the test when it asks another site for anything, or breaks its own security policy. */
async function visitor(language: "vi" | "en"): Promise<{ context: BrowserContext; page: Page; troubles: string[] }> {
  const context = await browser.newContext({ locale: language, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(site.url) && !request.url().startsWith("data:"))
      troubles.push(`asked ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|hydrat/i.test(message.text()))
      troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  return { context, page, troubles };
}

test.each([
  ["vi", "vi"],
  ["en-GB", "en"],
  ["fr", "vi"],
])("Accept-Language %s leads to /%s", async (locale, language) => {
  const context = await browser.newContext({ locale });
  const page = await context.newPage();
  await page.goto(site.url);
  expect(new URL(page.url()).pathname).toBe(`/${language}`);
  expect(await page.locator("html").getAttribute("lang")).toBe(language);
  await context.close();
});

describe.each(["vi", "en"] as const)("a lesson in %s", (language) => {
  test("types, sees a goal tick, goes offline, reloads, and finds the world and the progress", async () => {
    const { context, page, troubles } = await visitor(language);
    await page.goto(`${site.url}/${language}`);
    await page.locator("main a").first().click();
    await page.waitForURL(`**/${language}${LESSON}`);
    await until(() => hasPrompt(page), "a prompt");
    // The text scrolls in its pane; the page around it has nothing to scroll to.
    expect(await page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight)).toBe(0);

    await type(page, "echo xin-chao");
    await until(async () => /xin-chao\s*.*xin-chao/s.test((await screen(page).textContent()) ?? ""), "an answer");

    // Capitals and spaces come to xterm by another event than small letters do: each once.
    await type(page, "echo Một HAI ba");
    await until(async () => /echo\sMột\sHAI\sba/.test((await screen(page).textContent()) ?? ""), "keys, each once");

    await page.locator("article button").filter({ hasText: "docker run -p 5001:5000" }).first().click();
    await until(async () => (await goalsMet(page)) >= 1, "the first goal");
    await until(
      async () => (await page.locator('[role="status"]').first().textContent())!.length > 0,
      "word of it for screen readers",
    );

    // The server has replayed the log, and says the same.
    await until(async () => {
      const { lessons } = await page.evaluate(async () => (await fetch("/api/progress")).json());
      return lessons[0]?.goals.length >= 1;
    }, "proof of the goal");

    // A change of language is not a new world.
    const other = language === "vi" ? "en" : "vi";
    await page.locator(`header a[hreflang="${other}"]`).click();
    await page.waitForURL(`**/${other}${LESSON}`);
    await until(
      async () => ((await screen(page).textContent()) ?? "").includes("xin-chao"),
      "the same world in the other language",
    );
    await page.locator(`header a[hreflang="${language}"]`).click();
    await page.waitForURL(`**/${language}${LESSON}`);

    // Offline: the server is gone altogether.
    await page.waitForTimeout(4500);
    await page.reload();
    await page.waitForTimeout(4500);
    await site.stop();
    try {
      await page.reload();
      await until(async () => ((await screen(page).textContent()) ?? "").includes("xin-chao"), "the world, offline");
      await until(async () => (await goalsMet(page)) >= 1, "the goal, offline");
      await type(page, "echo van-con-day");
      await until(
        async () => /van-con-day\s*.*van-con-day/s.test((await screen(page).textContent()) ?? ""),
        "an answer, offline",
      );
    } finally {
      await site.restart();
    }
    expect(troubles.filter((trouble) => !trouble.includes("ERR_"))).toEqual([]);
    await context.close();
  });
});

test("a second tab of the same lesson says so, and can take over", async () => {
  const { context, page } = await visitor("en");
  await page.goto(`${site.url}/en${LESSON}`);
  await until(() => hasPrompt(page), "a prompt");
  await type(page, "echo first-tab");
  await until(async () => ((await screen(page).textContent()) ?? "").includes("first-tab"), "an echo");
  const second = await context.newPage();
  await second.goto(`${site.url}/en${LESSON}`);
  await second.getByRole("button", { name: "Use it here" }).click();
  await until(
    async () => ((await screen(second).textContent()) ?? "").includes("first-tab"),
    "the world in the second tab",
  );
  await page.getByRole("button", { name: "Use it here" }).waitFor();
  await context.close();
});

test("starting over can be undone", async () => {
  const { context, page } = await visitor("en");
  await page.goto(`${site.url}/en${LESSON}`);
  await until(() => hasPrompt(page), "a prompt");
  await type(page, "echo precious");
  await until(async () => ((await screen(page).textContent()) ?? "").includes("precious"), "an echo");
  await page.getByRole("button", { name: "Start over" }).click();
  await until(async () => !((await screen(page).textContent()) ?? "").includes("precious"), "a new world");
  await page.getByRole("button", { name: "Undo" }).click();
  await until(async () => ((await screen(page).textContent()) ?? "").includes("precious"), "the old world");
  await context.close();
});

test("Escape, then Tab, leaves the terminal", async () => {
  const { context, page } = await visitor("en");
  await page.goto(`${site.url}/en${LESSON}`);
  await until(() => hasPrompt(page), "a prompt");
  await page.locator(".xterm-helper-textarea").first().focus();
  const isInside = () => page.evaluate(() => document.activeElement?.classList.contains("xterm-helper-textarea"));
  await page.keyboard.press("Tab");
  expect(await isInside()).toBe(true);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  expect(await isInside()).toBe(false);
  await context.close();
});

test.each(["", LESSON, `${LESSON}/review`, "/courses/docker-kubernetes", "/progress", "/glossary", "/differences"])(
  "axe finds nothing wrong with /vi%s",
  async (path) => {
    const context = await browser.newContext({ locale: "vi", reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${site.url}/vi${path}`);
    await page.waitForLoadState("networkidle");
    const { violations } = await new AxeBuilder({ page }).exclude(".xterm").analyze();
    expect(
      violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target).join(" ")}`),
    ).toEqual([]);
    await context.close();
  },
);

test("the API refuses what it should, as JSON, and records nothing", async () => {
  const post = (body: string, headers: Record<string, string> = {}, path = "attempts") =>
    fetch(`${site.url}/api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body,
    });
  const refusal = async (response: Response) => [response.status, (await response.json()).error.code];
  expect(await refusal(await post("{}"))).toEqual([401, "no-learner"]);
  expect(await refusal(await post("{}", { Cookie: "learner=00000000-0000-4000-8000-000000000001.forged" }))).toEqual([
    401,
    "no-learner",
  ]);
  const cookie = (await fetch(`${site.url}/api/progress`)).headers.get("set-cookie")!.split(";")[0]!;
  const asLearner = { Cookie: cookie };
  expect(await refusal(await post("not json", asLearner))).toEqual([400, "not-json"]);
  expect(await refusal(await post("{}", asLearner))).toEqual([400, "invalid"]);
  expect(await refusal(await post(`"${"x".repeat(5 * 1024 * 1024)}"`, asLearner))).toEqual([413, "too-large"]);
  expect(await refusal(await post("{}", {}, "reviews"))).toEqual([401, "no-learner"]);
  expect(await refusal(await post("{}", asLearner, "reviews"))).toEqual([400, "invalid"]);
  const unknown = JSON.stringify({ lesson: "docker-kubernetes/limits", round: 0 });
  expect(await refusal(await post(unknown, asLearner, "reviews"))).toEqual([404, "no-such-review"]);
  expect(await refusal(await fetch(`${site.url}/api/development/content`))).toEqual([404, "not-here"]);
  expect((await fetch(`${site.url}/favicon.ico`)).status).toBe(404);
  const progress = await (await fetch(`${site.url}/api/progress`, { headers: asLearner })).json();
  expect(progress).toEqual({ lessons: [], reviews: [] });
});

test("a lesson's page is small before its terminal loads", async () => {
  const html = await (await fetch(`${site.url}/en${LESSON}`)).text();
  const scripts = [
    ...new Set(
      [...html.matchAll(/<script[^>]+src="([^"]+)"[^>]*>/g)]
        .filter(([tag]) => !tag.includes("noModule"))
        .map(([, source]) => source!),
    ),
  ];
  const { gzipSync } = await import("node:zlib");
  let bytes = 0;
  for (const source of scripts)
    bytes += gzipSync(Buffer.from(await (await fetch(site.url + source)).arrayBuffer())).length;
  console.log(`scripts of the lesson page: ${Math.round(bytes / 1024)} KB gz`);
  expect(bytes).toBeLessThan(200 * 1024);
});
