import type { Page } from "playwright-core";
import { expect } from "vitest";

export const WAIT = { timeout: 15_000 };

/** What runs inside the page, as text: this project has no types of a browser. */
export type InPage = string;

export async function say(page: Page, text: string): Promise<void> {
  await page.fill("#input", text);
  await page.press("#input", "Enter");
}

/** Waits for it. Not through Playwright's own wait: the page's policy forbids what that does. */
export async function until(page: Page, condition: InPage): Promise<void> {
  await expect.poll(() => page.evaluate(condition), WAIT).toBe(true);
}

export async function answered(page: Page, count = 1): Promise<void> {
  const isDone: InPage = `document.querySelectorAll(".answer:not(.growing)").length === ${count} &&
    document.querySelector(".growing") === null`;
  await until(page, isDone);
}
