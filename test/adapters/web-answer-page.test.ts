import { describe, expect, it } from "vitest";
import { WebChat } from "../fakes/web-chat.ts";

const ANSWER = "# Title\n\n<script>alert(1)</script> & {assets} ```js\nlet a = 1;\n```";

function chatWith(locale: string): WebChat {
  return new WebChat({
    answers: { read: async (token) => (token === "right" ? { text: ANSWER, locale } : null) },
  });
}

describe("the page of an answer", () => {
  it("shows the answer as text that can harm nobody, also without scripts", async () => {
    const response = await chatWith("en").browser().request("GET", "/answers/right");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const html = await response.text();
    expect(html).toContain('data-lang="en"');
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; {assets}");
    expect(html).not.toContain("<script>alert");
    expect(html).toMatch(/src="\/assets\/[0-9a-f]{16}\/answer\.js"/);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("speaks the language of the answer", async () => {
    const html = await (await chatWith("zh").browser().request("GET", "/answers/right")).text();
    expect(html).toContain('data-lang="zh-CN"');
    expect(html).toContain("AI 回答");
  });

  it("is not there for any other link, nor where answers have no pages", async () => {
    const tab = chatWith("en").browser();
    expect((await tab.request("GET", "/answers/wrong")).status).toBe(404);
    expect((await tab.request("GET", "/answers/")).status).toBe(404);
    expect(await (await tab.request("GET", "/answers/wrong")).text()).toContain(
      "no answer at this",
    );
    const chinese = { headers: { "accept-language": "zh-CN,zh;q=0.9,en;q=0.8" } };
    const page = await (await tab.request("GET", "/answers/wrong", chinese)).text();
    expect(page).toContain("这里没有回答");
    expect(page).toContain('data-lang="zh-CN"');
    expect((await tab.request("POST", "/answers/right")).status).toBe(405);
    const paths = new WebChat().adapter.routes.map(({ path }) => path);
    expect(paths.filter((path) => path.startsWith("/answers"))).toEqual([]);
  });
});
