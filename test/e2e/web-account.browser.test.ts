import { describe, expect, it } from "vitest";
import type { WebDemo } from "../fakes/web-demo.ts";
import type { TestBrowser } from "../fakes/web-demo-browser.ts";
import { answered, type InPage, say, until, useWebDemo, WAIT } from "../fakes/web-page-use.ts";

const { CHROMIUM_PATH = "" } = process.env;

describe.skipIf(CHROMIUM_PATH === "")("a person at the web page", () => {
  let browser: TestBrowser;
  let demo: WebDemo;

  useWebDemo(CHROMIUM_PATH, (opened) => {
    ({ browser, demo } = opened);
  });

  it("answers a first question and shows what it cost", async () => {
    const page = await browser.open(demo.url);
    await page.waitForSelector("#welcome:not([hidden])");
    await page.click("#examples button >> nth=0");
    await answered(page);
    expect(await page.textContent(".question .plain")).toContain("heat pump");
    expect(await page.textContent(".answer .receipt")).toContain("left: 9 messages");
    await until(page, `document.getElementById("balance").textContent.startsWith("9 ")`);
    expect(await page.isVisible("#welcome")).toBe(false);
    expect(demo.heard).toHaveLength(1);
  });

  it("offers a message that could not be taken again, as it was written", async () => {
    const page = await browser.open(demo.url);
    demo.failures = 4;
    // The page waits between its tries, which nobody here has to.
    await page.clock.install();
    await say(page, "/redeem CODE-123");
    const offers = async () => {
      await page.clock.runFor(2000);
      return page.locator(".failed .link").count();
    };
    await expect.poll(offers, WAIT).toBe(2);
    expect(await page.textContent(".failed .problem")).toContain("send it again");
    await page.click(".failed .link >> nth=0");
    await page.waitForSelector(".note", WAIT);
    expect(await page.textContent(".command .plain")).toBe("/redeem ••••");
    expect(demo.heard.map((message) => message.text)).toEqual(Array(5).fill("/redeem CODE-123"));
    expect(new Set(demo.heard.map((message) => message.id)).size).toBe(1);
  });

  it("brings messages in the order they were written, and /stop at once", async () => {
    const page = await browser.open(demo.url);
    demo.failures = 1;
    for (const text of ["One", "Two", "/stop"]) await say(page, text);
    await expect
      .poll(() => demo.heard.map(({ text }) => text), WAIT)
      .toEqual(["One", "/stop", "One", "Two"]);
  });

  it("shows the same in another tab and after loading again", async () => {
    const page = await browser.open(demo.url);
    const second = await browser.openTab(page.context(), demo.url);
    await say(page, "To both");
    await answered(second);
    expect(await second.textContent(".question .plain")).toBe("To both");
    await page.reload();
    await answered(page);
    expect(await page.textContent(".question .plain")).toBe("To both");
  });

  it("says when the connection is lost and catches up when it is back", async () => {
    const page = await browser.open(demo.url);
    await say(page, "Before");
    await answered(page);
    const second = await browser.openTab(page.context(), demo.url);
    await answered(second);
    await page.evaluate(`window.dispatchEvent(new Event("offline"))`);
    await page.waitForSelector("#banner:not([hidden])", WAIT);
    await say(second, "Meanwhile");
    await answered(second, 2);
    await page.evaluate(`window.dispatchEvent(new Event("online"))`);
    await page.waitForSelector("#banner", { state: "hidden", ...WAIT });
    await answered(page, 2);
  });

  it("goes on with an old conversation, whose turns come into view", async () => {
    const page = await browser.open(demo.url);
    await say(page, "Something new");
    await answered(page);
    await page.click("#conversations li:nth-child(2) button");
    await page.waitForSelector(`text=Day 1`, WAIT);
    expect(await page.locator("text=Something new").count()).toBe(0);
    await until(page, `document.getElementById("title").textContent === "Two days in Chengdu"`);
    await page.reload();
    await page.waitForSelector(`text=Day 1`, WAIT);
    await page.click("#earlier");
    expect(await page.locator(".question >> text=Something new").count()).toBe(1);
    await page.click("#new-chat");
    await page.waitForSelector("#welcome:not([hidden])", WAIT);
  });

  it("changes model and language in the panel", async () => {
    const page = await browser.open(demo.url);
    await page.selectOption("#model", "deepseek-chat");
    await until(page, `document.getElementById("model-name").textContent === "deepseek-chat"`);
    await page.selectOption("#lang", "zh");
    await until(page, `document.documentElement.lang === "zh-CN"`);
    expect(await page.textContent("#new-chat span")).toBe("新对话");
    expect(demo.heard.map((message) => message.text)).toEqual(["/model deepseek-chat", "/lang zh"]);
  });

  it("sends a picture, and keeps a small preview of it", async () => {
    const page = await browser.open(demo.url);
    await until(page, `document.querySelectorAll("#model option").length > 0`);
    const png =
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==";
    const file = { name: "red.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") };
    await page.setInputFiles("#file", file);
    await page.waitForSelector("#attached img");
    await say(page, "What is this?");
    await answered(page);
    expect(demo.heard[0]?.attachments).toMatchObject([
      { kind: "image", name: "red.png", mediaType: "image/png", sizeBytes: file.buffer.length },
    ]);
    await page.reload();
    await page.waitForSelector(".question .pictures img", WAIT);
    expect(await page.getAttribute(".pictures img", "src")).toMatch(/^data:image\/jpeg;base64,/);
  });

  it("opens the admin chat by the key behind the #, which no request carries", async () => {
    const page = await browser.open(`${demo.url}/admin-chat#${demo.adminKey}`);
    await page.waitForSelector("#welcome:not([hidden])", WAIT);
    expect(page.url()).toBe(`${demo.url}/admin-chat`);
    expect(browser.requested.some((url) => url.includes(demo.adminKey))).toBe(false);
    await say(page, "/cards new MAY 100 20m 365");
    await page.click(".file-buttons button");
    await page.waitForSelector(".file textarea");
    expect((await page.inputValue(".file textarea")).trim().split("\n")).toHaveLength(100);
    const download = page.waitForEvent("download");
    await page.click(".file-buttons a");
    expect((await download).suggestedFilename()).toBe("MAY.txt");
  });

  it("asks for the admin key when it has none, until it is right", async () => {
    const page = await browser.open(`${demo.url}/admin-chat`);
    await page.waitForSelector("#login:not([hidden])", WAIT);
    expect(await page.isVisible("#input")).toBe(false);
    await page.fill("#key", "wrong");
    await page.press("#key", "Enter");
    await until(
      page,
      `document.getElementById("login-problem").textContent === "This key is not right."`,
    );
    await page.fill("#key", demo.adminKey);
    await page.press("#key", "Enter");
    await page.waitForSelector("#input", { state: "visible", ...WAIT });
    await page.click("#examples button >> nth=2");
    expect(await page.inputValue("#input")).toBe("/grant USER 10m 30 REASON");
    const selected: InPage = `(() => { const box = document.getElementById("input");
      return box.value.slice(box.selectionStart, box.selectionEnd); })()`;
    expect(await page.evaluate(selected)).toBe("USER");
  });
});
