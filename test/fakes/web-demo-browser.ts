import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

/** Chromium without anything that would talk to somebody else. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly isTouch?: boolean;
  readonly locale?: string;
  readonly colorScheme?: "light" | "dark";
}

/** A real browser for tests of the page. Every page is a person of their own. */
export class TestBrowser {
  readonly #context: BrowserContext;
  readonly #profile: string;
  /** What a page complained about: errors in scripts, and what its own policy forbade. */
  readonly complaints: string[] = [];
  /** Addresses of all requests of all pages. */
  readonly requested: string[] = [];

  readonly #people: BrowserContext[] = [];

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
  }

  static async start(executablePath: string): Promise<TestBrowser> {
    const profile = await mkdtemp(join(tmpdir(), "dianka-browser-"));
    const options = { executablePath, headless: true, args: FLAGS };
    return new TestBrowser(await chromium.launchPersistentContext(profile, options), profile);
  }

  async open(url: string, options: PageOptions = {}): Promise<Page> {
    const browser = this.#context.browser();
    if (browser === null) throw new Error("the browser has gone");
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      locale: options.locale ?? "en-US",
      colorScheme: options.colorScheme ?? "light",
      hasTouch: options.isTouch ?? false,
      isMobile: options.isTouch ?? false,
    });
    this.#people.push(context);
    return this.openTab(context, url);
  }

  /** Another tab of the same person. */
  async openTab(context: BrowserContext, url: string): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      // Failed requests are part of some tests; what the policy forbids never is.
      const isExpected = /Failed to load resource|net::ERR/.test(message.text());
      if (message.type() === "error" && !isExpected) this.complaints.push(message.text());
    });
    page.on("request", (request) => this.requested.push(request.url()));
    await page.goto(url);
    await page.waitForSelector("html:not([data-waiting])");
    return page;
  }

  /** Sends everybody home. */
  async closePages(): Promise<void> {
    for (const context of this.#people.splice(0)) await context.close();
  }

  async stop(): Promise<void> {
    await this.#context.close();
    await rm(this.#profile, { recursive: true, force: true });
  }
}
