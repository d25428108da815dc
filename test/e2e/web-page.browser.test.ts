import { describe, expect, it } from "vitest";
import type { WebDemo } from "../fakes/web-demo.ts";
import { HUGE_ANSWER, LONG_ANSWER } from "../fakes/web-demo-answers.ts";
import type { TestBrowser } from "../fakes/web-demo-browser.ts";
import { answered, type InPage, say, until, useWebDemo, WAIT } from "../fakes/web-page-use.ts";

const { CHROMIUM_PATH = "" } = process.env;

describe.skipIf(CHROMIUM_PATH === "")("the web page in a browser", () => {
  let browser: TestBrowser;
  let demo: WebDemo;

  useWebDemo(CHROMIUM_PATH, (opened) => {
    ({ browser, demo } = opened);
  });

  it("renders Markdown with code, tables and lists", async () => {
    const page = await browser.open(demo.url);
    await say(page, "Some Python code, please");
    await answered(page);
    expect(await page.textContent(".answer h2")).toBe("Finding duplicate files");
    expect(await page.textContent(".answer .code-head span")).toBe("python");
    expect(await page.locator(".answer .hl-keyword").count()).toBeGreaterThan(10);
    expect(await page.getAttribute(".answer td >> nth=1", "align")).toBe("right");
    expect(await page.locator(".answer input[type=checkbox][checked]").count()).toBe(1);
    const link = page.locator(".answer a");
    expect(await link.getAttribute("rel")).toContain("noopener");
    expect(await link.getAttribute("href")).toBe("https://docs.python.org/3/library/hashlib.html");
  });

  it("shows the same however a text arrives", async () => {
    const page = await browser.open(demo.url);
    const samples = [
      LONG_ANSWER,
      "- a\n\n- b\n\n  c\n\n```js\nlet x;\n```\n\n[d]: https://d.example\n\nSee [d].",
      "Text with <b>tags</b> and `code` and\r\nlines.\n\n| a | b |\n|---|---|\n| 1<br>2 | 3 |\n\nEnd",
    ];
    const compare: InPage = `async (source) => {
      const base = document.querySelector("script[type=module]").src;
      const { MarkdownView } = await import(new URL("./markdown.js", base));
      const whole = document.createElement("div");
      new MarkdownView(whole).set(source, true);
      const growing = document.createElement("div");
      const view = new MarkdownView(growing);
      for (let end = 1; end < source.length; end += 7) {
        view.set(source.slice(0, end), false);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      view.set(source, true);
      return [whole.innerHTML, growing.innerHTML];
    }`;
    for (const sample of samples) {
      const shown = await page.evaluate(`(${compare})(${JSON.stringify(sample)})`);
      const [whole, growing] = shown as [string, string];
      expect(growing).toBe(whole);
      expect(whole.length).toBeGreaterThan(50);
    }
  });

  it("leaves finished parts of a growing answer alone", async () => {
    const page = await browser.open(demo.url);
    demo.pieceMs = 2;
    await say(page, "huge");
    await page.waitForSelector(".growing .block:nth-child(4)", WAIT);
    await page.evaluate(`document.querySelector(".growing .block").firstChild.isOurs = true`);
    demo.pieceMs = 0;
    await answered(page);
    expect(await page.evaluate(`document.querySelector(".block").firstChild.isOurs`)).toBe(true);
    const length = await page.evaluate(`document.querySelector(".answer").textContent.length`);
    expect(length).toBeGreaterThan(HUGE_ANSWER.length * 0.8);
    // The end of the answer is in view, without anybody having scrolled.
    const fromEnd: InPage = `(() => { const box = document.getElementById("scroller");
      return box.scrollHeight - box.scrollTop - box.clientHeight; })()`;
    await until(page, `${fromEnd} < 2`);
  });

  it("runs nothing that an answer brings along", async () => {
    const page = await browser.open(demo.url);
    const hostile = [
      "<img src=x onerror=\"document.title='owned'\">",
      "<script>document.title='owned'</script>",
      "[press](javascript:document.title='owned')",
      "![seen](https://tracker.example/pixel.png)",
      "<iframe src='https://evil.example'></iframe><form action='https://evil.example'>",
      "<a href=\"javascript:alert(1)\" style='position:fixed'>x</a>",
    ].join("\n\n");
    const show: InPage = `async (source) => {
      const base = document.querySelector("script[type=module]").src;
      const { MarkdownView } = await import(new URL("./markdown.js", base));
      new MarkdownView(document.getElementById("log")).set(source, true);
    }`;
    await page.evaluate(`(${show})(${JSON.stringify(hostile)})`);
    expect(await page.locator("#log :is(img, script, iframe, form, [style])").count()).toBe(0);
    expect(await page.locator("#log a").count()).toBe(1);
    expect(await page.textContent("#log")).toContain("<script>");
    expect(await page.title()).toBe("Dianka");
  });

  it("stops an answer with Esc", async () => {
    const page = await browser.open(demo.url);
    demo.pieceMs = 5;
    await say(page, "huge");
    await page.waitForSelector(".growing .block", WAIT);
    expect(await page.isVisible("#stop")).toBe(true);
    await page.keyboard.press("Escape");
    await answered(page);
    const length = await page.evaluate(`document.querySelector(".answer").textContent.length`);
    expect(length).toBeLessThan(HUGE_ANSWER.length / 2);
    expect(await page.isVisible("#send")).toBe(true);
  });

  it("sends with Enter, but not while an input method composes", async () => {
    const page = await browser.open(demo.url, { locale: "zh-CN" });
    expect(await page.getAttribute("#input", "placeholder")).toBe("输入消息");
    await page.fill("#input", "ni hao");
    const press = (fields: string): InPage =>
      `document.getElementById("input").dispatchEvent(new KeyboardEvent("keydown",
        { key: "Enter", bubbles: true, cancelable: true, ${fields} }))`;
    await page.evaluate(press("isComposing: true"));
    await page.evaluate(press("keyCode: 229"));
    await page.press("#input", "Shift+Enter");
    expect(await page.inputValue("#input")).toBe("ni hao\n");
    expect(demo.heard).toEqual([]);
    await page.press("#input", "Enter");
    await page.waitForSelector(".question");
    await expect.poll(() => demo.heard.map((message) => message.text)).toEqual(["ni hao"]);
  });

  it("recalls the last message with ↑ and comes to the box with /", async () => {
    const page = await browser.open(demo.url);
    await say(page, "First words");
    await answered(page);
    await page.press("#input", "ArrowUp");
    expect(await page.inputValue("#input")).toBe("First words");
    await page.fill("#input", "");
    await page.focus("#scroller");
    await page.keyboard.press("/");
    expect(await page.evaluate("document.activeElement.id")).toBe("input");
    expect(await page.inputValue("#input")).toBe("");
  });

  it("has a drawer on a phone that takes and gives back the focus", async () => {
    const page = await browser.open(demo.url, { width: 390, height: 844, isTouch: true });
    expect(await page.isVisible("#new-chat")).toBe(false);
    await page.click("#open-panel");
    expect(await page.evaluate("document.activeElement.id")).toBe("close-panel");
    expect(await page.evaluate(`document.getElementById("main").inert`)).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.evaluate("document.activeElement.id")).toBe("open-panel");
    const isWider: InPage = "document.documentElement.scrollWidth > innerWidth";
    expect(await page.evaluate(isWider)).toBe(false);
  });
});
