/**
 * Pictures of every page in both languages, both themes, on a phone and a desk: to be looked at.
 *
 *   node tests/e2e/screenshots.mjs [base URL] [folder] [filter]
 */
import { mkdirSync } from "node:fs";
import { launch } from "./browser.mjs";

const [base = "http://localhost:3000", folder = ".cache/screenshots", filter = ""] = process.argv.slice(2);
const COURSE = "docker-kubernetes";
const PAGES = {
  landing: "",
  course: `/courses/${COURSE}`,
  lesson: `/courses/${COURSE}/image-container`,
  "lesson-kubernetes": `/courses/${COURSE}/first-deployment`,
  review: `/courses/${COURSE}/image-container/review`,
  progress: "/progress",
  glossary: "/glossary",
  differences: "/differences",
  missing: "/nowhere",
};
const SIZES = {
  phone: { width: 360, height: 740 },
  desk: { width: 1440, height: 900 },
  wall: { width: 3840, height: 2160 },
};
/** One picture of each page is enough on a wall. */
const isWanted = (size, language, colorScheme) => size !== "wall" || (language === "vi" && colorScheme === "light");

mkdirSync(folder, { recursive: true });
const browser = await launch();
const troubles = [];
for (const language of ["vi", "en"]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      if (!isWanted(size, language, colorScheme)) continue;
      const context = await browser.newContext({ viewport, colorScheme, locale: language, hasTouch: size === "phone" });
      for (const [name, path] of Object.entries(PAGES)) {
        const file = `${name}-${language}-${colorScheme}-${size}`;
        if (!file.includes(filter)) continue;
        const page = await context.newPage();
        page.on("console", (message) => {
          if (message.type() === "error" || message.type() === "warning") troubles.push(`${file}: ${message.text()}`);
        });
        page.on("pageerror", (error) => troubles.push(`${file}: ${error.message}`));
        await page.goto(`${base}/${language}${path}`);
        await page.waitForLoadState("networkidle");
        await page.waitForTimeout(name.startsWith("lesson") ? 1200 : 300);
        await page.screenshot({ path: `${folder}/${file}.png`, fullPage: !name.startsWith("lesson") });
        if (name.startsWith("lesson") && size === "phone") {
          await page.locator("#tab-terminal").click();
          await page.waitForTimeout(900);
          await page.screenshot({ path: `${folder}/${file}-terminal.png` });
        }
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (overflow > 0) troubles.push(`${file}: ${overflow} px wider than the screen`);
        await page.close();
      }
      await context.close();
    }
  }
}
await browser.close();
for (const trouble of new Set(troubles)) console.log(trouble);
