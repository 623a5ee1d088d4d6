/** What a learner does on a lesson's page, for the tests of this folder. */
import type { Page } from "playwright-core";

export const screen = (page: Page) => page.locator(".xterm-rows").first();
export const screenText = async (page: Page) => (await screen(page).textContent()) ?? "";
export const hasPrompt = async (page: Page) => /laptop:~[#$]/.test(await screenText(page));
export const goalsMet = (page: Page) => page.locator("main svg.arrive").count();

/** A line typed into the first terminal, with Enter. */
export async function type(page: Page, line: string): Promise<void> {
  await page.locator(".xterm-helper-textarea").first().focus();
  await page.keyboard.type(line, { delay: 5 });
  await page.keyboard.press("Enter");
}

export async function until(what: () => Promise<boolean>, why: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await what()) return;
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error(`waited in vain: ${why}`);
}
