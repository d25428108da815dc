import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PageView } from "../../src/adapters/wechat/ilink/ilink-page-view.ts";
import { renderTerminalQr } from "../../src/adapters/wechat/ilink/ilink-qr.ts";
import { serve, stopServers } from "../fakes/served-routes.ts";
import { until } from "../fakes/wechat/connected-wechat.ts";
import { IlinkWorld, RecordedSeats } from "../fakes/wechat/ilink-world.ts";

let world: IlinkWorld;
let seats: RecordedSeats;
/** Somebody is signed in already, so that every further code is that of a page. */
let codes: number;

beforeEach(async () => {
  world = await IlinkWorld.start({ holdMs: 40 });
  seats = new RecordedSeats();
  await world.startSource(seats);
  world.server.confirm(await world.code(), world.server.addPerson("first"));
  await until(() => seats.seats.size === 1);
  codes = 1;
});

afterEach(async () => {
  await stopServers();
  await world.stop();
});

/** A browser with a cookie jar; `remoteAddress` is where it stands. */
class Browser {
  cookie: string | null = null;
  readonly #remoteAddress: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(remoteAddress = "127.0.0.1", headers: Readonly<Record<string, string>> = {}) {
    this.#remoteAddress = remoteAddress;
    this.#headers = headers;
  }

  async ask(path: string, posted?: unknown): Promise<Response> {
    const route = world.source.routes.find((known) => known.path === path);
    const headers: Record<string, string> = { ...this.#headers };
    if (this.cookie !== null) headers.cookie = this.cookie;
    if (posted !== undefined) headers["content-type"] = "application/json";
    const method = posted === undefined ? "GET" : "POST";
    const body = posted === undefined ? null : JSON.stringify(posted);
    const request = new Request(`http://localhost${path}`, { method, headers, body });
    const closing = new AbortController().signal;
    const response = await route?.handle(request, { remoteAddress: this.#remoteAddress, closing });
    if (response === undefined) throw new Error(`there is no ${path}`);
    const set = response.headers.get("set-cookie");
    if (set !== null) this.cookie = set.split(";")[0] ?? null;
    return response;
  }

  async state(): Promise<Pick<PageView, "state" | "qr" | "areDigitsWrong">> {
    return (await (await this.ask("/wechat/state")).json()) as PageView;
  }

  async waitFor(state: string): Promise<void> {
    for (let asked = 0; (await this.state()).state !== state; asked += 1) {
      if (asked > 500) throw new Error(`the page never said ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** The code this browser's page shows. */
async function visit(browser: Browser) {
  await browser.ask("/wechat");
  codes += 1;
  return world.code(codes - 1);
}

describe("the page to sign in with WeChat", () => {
  it("shows a code in the page itself, and says how it goes until somebody is connected", async () => {
    const browser = new Browser();
    const response = await browser.ask("/wechat");
    const html = await response.text();
    expect(html).toMatch(/<svg[^>]+viewBox="0 0 \d+ \d+"[^>]*><path d="M[^"]+z" \/><\/svg>/);
    expect(html).toContain('data-state="waiting"');
    expect(html).not.toMatch(/\{\w+\}/);
    const code = await world.code(1);
    code.scan();
    await browser.waitFor("scanned");
    expect((await browser.state()).qr).toBeNull();
    world.server.confirm(code, world.server.addPerson("li"));
    await browser.waitFor("connected");
    await until(() => seats.seats.size === 2);
    expect(await (await browser.ask("/wechat")).text()).toContain("Open WeChat and write");
    expect(world.server.codes).toHaveLength(2);
  });

  it("holds no secret: neither the token, nor the login, nor who the person is", async () => {
    const browser = new Browser();
    const code = await visit(browser);
    const before = await (await browser.ask("/wechat")).text();
    const token = world.server.confirm(code, world.server.addPerson("li"));
    await browser.waitFor("connected");
    const pages = before + (await (await browser.ask("/wechat")).text());
    const all = pages + JSON.stringify(await browser.state());
    for (const secret of [token, code.id, "li@im.wechat", "im.bot"]) {
      expect(all).not.toContain(secret);
    }
  });

  it("lets nothing in from elsewhere, and its cookie out to no script", async () => {
    const response = await new Browser().ask("/wechat");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("set-cookie")).toMatch(/Path=\/wechat; HttpOnly; SameSite=Lax$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const html = await response.text();
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(html).not.toMatch(/<style|<script(?! type="module" src="\/wechat)| on\w+=| style=/);
  });

  it("speaks Chinese to whoever prefers it, else English", async () => {
    const cases = [
      ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "请用微信扫一扫"],
      ["en-GB,zh;q=0.5", "en", "Scan this with WeChat"],
      ["pt-BR,pt", "en", "Scan this with WeChat"],
    ] as const;
    for (const [language, lang, words] of cases) {
      const browser = new Browser("127.0.0.1", { "accept-language": language });
      const html = await (await browser.ask("/wechat")).text();
      expect(html).toContain(`<html lang="${lang}">`);
      expect(html).toContain(words);
    }
  });

  it("gives each visitor a login of their own", async () => {
    const [one, other] = [new Browser(), new Browser()];
    const code = await visit(one);
    await visit(other);
    world.server.confirm(code, world.server.addPerson("li"));
    await one.waitFor("connected");
    expect((await other.state()).state).toBe("waiting");
  });

  it("makes a new code for who still looks, and none for who has left", async () => {
    world.clock.slowDown(4);
    const browser = new Browser();
    const first = await visit(browser);
    first.expire();
    const second = await world.code(2);
    await browser.waitFor("waiting");
    world.clock.skip(60_000);
    second.expire();
    await until(() => world.log.lines.some(({ fields }) => fields.state === "expired"));
    await browser.waitFor("expired");
    expect(world.server.codes).toHaveLength(3);
    const again = await browser.ask("/wechat/again", {});
    expect(await again.json()).toMatchObject({ state: "waiting" });
    expect(world.server.codes).toHaveLength(4);
  });

  it("still connects somebody whose page went to sleep while they were in WeChat", async () => {
    const browser = new Browser();
    const code = await visit(browser);
    world.clock.skip(120_000);
    world.server.confirm(code, world.server.addPerson("li"));
    await until(() => seats.seats.size === 2);
    await browser.waitFor("connected");
  });

  it("takes the number that the phone shows, and says when it is wrong", async () => {
    const browser = new Browser();
    const code = await visit(browser);
    code.askDigits("42");
    await browser.waitFor("digits_needed");
    expect((await browser.state()).areDigitsWrong).toBe(false);
    await browser.ask("/wechat/digits", { digits: "41" });
    await browser.waitFor("digits_needed");
    expect((await browser.state()).areDigitsWrong).toBe(true);
    expect((await browser.ask("/wechat/digits", { digits: "4<2" })).status).toBe(400);
    await browser.ask("/wechat/digits", { digits: "42" });
    await until(() => !code.awaitsDigits);
    await browser.waitFor("scanned");
    world.server.confirm(code, world.server.addPerson("li"));
    await browser.waitFor("connected");
  });

  it("says so when the number was wrong too often, and when a person is connected already", async () => {
    const browser = new Browser();
    const code = await visit(browser);
    code.askDigits("42");
    for (let tried = 0; tried < 3; tried += 1) {
      await browser.waitFor("digits_needed");
      await browser.ask("/wechat/digits", { digits: "1" });
    }
    await browser.waitFor("blocked");
    const other = new Browser();
    const bound = await visit(other);
    bound.bound();
    await other.waitFor("already_connected");
  });

  it("has room for ten codes from one network at once, and makes it where nobody looks", async () => {
    world.clock.slowDown(1);
    const browsers = Array.from({ length: 10 }, () => new Browser("203.0.113.7"));
    for (const browser of browsers) await visit(browser);
    const eleventh = new Browser("203.0.113.7");
    expect(await (await eleventh.ask("/wechat")).text()).toContain('data-state="busy"');
    const elsewhere = new Browser("203.0.113.8");
    await visit(elsewhere);
    expect((await elsewhere.state()).state).toBe("waiting");
    world.clock.skip(21_000);
    for (const browser of browsers.slice(1)) await browser.state();
    expect((await eleventh.ask("/wechat/again", {})).status).toBe(200);
    expect((await eleventh.state()).state).toBe("waiting");
  });

  it("counts one IPv6 customer as one network", async () => {
    world.clock.slowDown(1);
    for (let host = 1; host <= 10; host += 1) await visit(new Browser(`2001:db8:1:2::${host}`));
    const same = await new Browser("2001:db8:1:2:ffff::1").ask("/wechat");
    expect(await same.text()).toContain('data-state="busy"');
    const next = await new Browser("2001:db8:1:3::1").ask("/wechat");
    expect(await next.text()).toContain('data-state="waiting"');
  });

  it("acts for nobody but its own page", async () => {
    const browser = new Browser();
    expect((await browser.ask("/wechat/state")).status).toBe(401);
    expect((await browser.ask("/wechat/again", {})).status).toBe(401);
    browser.cookie = "dianka_wechat=../../etc";
    expect((await browser.ask("/wechat/state")).status).toBe(401);
    const foreign = new Browser("127.0.0.1", { "sec-fetch-site": "cross-site" });
    await visit(foreign);
    expect((await foreign.ask("/wechat/again", {})).status).toBe(403);
    expect((await foreign.ask("/wechat/digits", { digits: "1" })).status).toBe(403);
    expect((await foreign.ask("/wechat/digits")).status).toBe(405);
    expect(world.server.codes).toHaveLength(2);
  });

  it("is served by the real server with all it needs", async () => {
    const { url } = await serve(world.source.routes);
    const page = await fetch(`${url}/wechat`);
    expect(page.status).toBe(200);
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="(\/wechat\/[^"]+)"/g)].map(([, link]) => link);
    expect(new Set(links)).toEqual(
      new Set(["/wechat/icon.svg", "/wechat/page.css", "/wechat/page.js"]),
    );
    for (const link of links) expect((await fetch(url + link)).status).toBe(200);
    expect((await fetch(`${url}/wechat`, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(`${url}/wechat`, { method: "DELETE" })).status).toBe(405);
    expect(world.server.codes).toHaveLength(2);
  });
});

describe("a code in the terminal", () => {
  it("is as wide as it is high, in lines of blocks", async () => {
    const code = "https://liteapp.weixin.qq.com/q/abc?bot_type=3";
    const lines = (await renderTerminalQr(code, false)).split("\n").filter((line) => line !== "");
    const width = lines[0]?.length ?? 0;
    expect(width).toBeGreaterThan(20);
    expect(lines.every((line) => line.length === width)).toBe(true);
    expect(Math.abs(lines.length * 2 - width)).toBeLessThanOrEqual(1);
    expect(lines.join("")).toMatch(/^[ ▀▄█]+$/);
    // With colours it says the same, black on white.
    const colored = (await renderTerminalQr(code, true)).split("\n");
    expect(colored.map((line) => line.slice(line.indexOf("m") + 1, -4))).toEqual(lines);
  });
});
