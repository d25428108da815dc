import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { startWebDemo, type WebDemo } from "./web-demo.ts";
import { TestBrowser } from "./web-demo-browser.ts";

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

/**
 * A web chat for each test and one browser for all of them. A test fails when its pages complain, or ask
 * anybody but our own server.
 */
export function useWebDemo(
  chromiumPath: string,
  onOpened: (opened: { readonly browser: TestBrowser; readonly demo: WebDemo }) => void,
): void {
  let browser: TestBrowser;
  let demo: WebDemo;
  beforeAll(async () => {
    browser = await TestBrowser.start(chromiumPath);
  });
  afterAll(() => browser?.stop());
  beforeEach(async () => {
    demo = await startWebDemo();
    demo.pieceMs = 1;
    onOpened({ browser, demo });
  });
  afterEach(async () => {
    await browser.closePages();
    await demo.stop();
    const requested = browser.requested.splice(0);
    expect(browser.complaints.splice(0)).toEqual([]);
    const isOurs = (url: string) => url.startsWith(demo.url) || /^(data|blob):/.test(url);
    expect(requested.filter((url) => !isOurs(url))).toEqual([]);
  });
}
