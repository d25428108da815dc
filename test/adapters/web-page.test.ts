import { describe, expect, it } from "vitest";
import { networkOf } from "../../src/adapters/shared/network.ts";
import { preferredLocale } from "../../src/adapters/web/web-requests.ts";
import { WebChat } from "../fakes/web-chat.ts";
import type { WebTab } from "../fakes/web-tab.ts";

const HOUR_MS = 60 * 60_000;
/** What a first visit may load of our own scripts and styles, compressed as browsers ask for it. */
const OWN_BYTES_MAX = 40 * 1024;

async function assetPaths(tab: WebTab): Promise<string[]> {
  const html = await (await tab.request("GET", "/")).text();
  const folder = /\/assets\/[0-9a-f]{16}\//.exec(html)?.[0] ?? "";
  const found = new Set(html.match(/\/assets\/[0-9a-f]{16}\/\w+\.(css|js)/g) ?? []);
  for (const path of found) {
    const source = await (await tab.request("GET", path)).text();
    for (const [, name] of source.matchAll(/(?:from |import\()"\.\/([\w/-]+\.js)"/g)) {
      found.add(folder + name);
    }
  }
  return [...found];
}

describe("the page", () => {
  it("makes a person of a browser on its first visit only", async () => {
    const chat = new WebChat();
    const tab = chat.browser();
    const first = await tab.request("GET", "/");
    expect(first.headers.getSetCookie()).toHaveLength(1);
    expect((await tab.request("GET", "/")).headers.getSetCookie()).toEqual([]);
    await chat.clock.advance(8 * 24 * HOUR_MS);
    expect((await tab.request("GET", "/")).headers.getSetCookie()).toHaveLength(1);
  });

  it("marks its cookie as secure where others reach it over https", async () => {
    const response = await new WebChat({ isSecure: true }).browser().request("GET", "/");
    expect(response.headers.getSetCookie()[0]).toMatch(/; Secure$/);
  });

  it("lets nothing from elsewhere in, and no other page show it", async () => {
    const chat = new WebChat();
    for (const path of ["/", "/admin-chat"]) {
      const response = await chat.browser().request("GET", path);
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("cache-control")).toBe("no-store");
      const html = await response.text();
      expect(html).not.toMatch(
        /\{(assets|entry)\}|https?:\/\/|<script(?![^>]*src=)| on\w+=| style=/,
      );
    }
  });

  it("answers HEAD as it would GET, and writes nothing", async () => {
    const tab = new WebChat().browser();
    expect((await tab.request("HEAD", "/")).status).toBe(200);
    expect((await tab.request("POST", "/", { body: {} })).status).toBe(405);
  });

  it("gives 120 new people an hour from one network a place, and the next an explanation", async () => {
    const chat = new WebChat();
    const visit = async (remoteAddress: string) => {
      const tab = chat.browser();
      tab.remoteAddress = remoteAddress;
      return { html: await (await tab.request("GET", "/")).text(), isKnown: tab.cookies.size > 0 };
    };
    for (let count = 0; count < 120; count += 1) await visit(`2001:db8:1:2::${count.toString(16)}`);
    const refused = await visit("2001:db8:1:2:ffff::1");
    expect(refused.isKnown).toBe(false);
    expect(refused.html).toContain('data-entry="full"');
    expect((await visit("2001:db8:1:3::1")).isKnown).toBe(true);
    await chat.clock.advance(HOUR_MS);
    expect((await visit("2001:db8:1:2::1")).isKnown).toBe(true);
  });

  it.each(["127.0.0.1", "::1"])(
    "has a place for everybody from this machine, %s",
    async (address) => {
      const chat = new WebChat();
      const tab = chat.browser();
      tab.remoteAddress = address;
      for (let count = 0; count < 150; count += 1) {
        tab.cookies.clear();
        await tab.request("GET", "/");
      }
      expect(tab.cookies.size).toBe(1);
    },
  );

  it("keeps a person who is known out of that count", async () => {
    const chat = new WebChat();
    const { tab } = await chat.visitor();
    for (let count = 0; count < 200; count += 1) await tab.request("GET", "/");
    expect((await chat.visitor()).channel).not.toBe("");
  });
});

describe("files of the page", () => {
  it("are all there, to be kept for good", async () => {
    const tab = new WebChat().browser();
    const paths = await assetPaths(tab);
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths) {
      const response = await tab.request("GET", path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(response.headers.get("content-type")).toMatch(
        /^text\/(javascript|css); charset=utf-8$/,
      );
    }
  });

  it("of our own stay small", async () => {
    const tab = new WebChat().browser();
    const headers = { "accept-encoding": "gzip, deflate, br" };
    let bytes = 0;
    for (const path of await assetPaths(tab)) {
      if (path.includes("/vendor/")) continue;
      const response = await tab.request("GET", path, { headers });
      bytes += (await response.arrayBuffer()).byteLength;
    }
    expect(bytes).toBeLessThan(OWN_BYTES_MAX);
  });

  it("are compressed for those who can read that", async () => {
    const tab = new WebChat().browser();
    const path = (await assetPaths(tab)).find((each) => each.endsWith("marked.js")) ?? "";
    const packed = await tab.request("GET", path, { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const plain = await tab.request("GET", path);
    expect(plain.headers.get("content-encoding")).toBeNull();
    const stream = new Blob([await packed.arrayBuffer()]).stream();
    const unpacked = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(unpacked).toBe(await plain.text());
  });

  it("of another version are given but not kept", async () => {
    const tab = new WebChat().browser();
    const response = await tab.request("GET", "/assets/0123456789abcdef/chat.js");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-cache");
  });

  it.each([
    "/assets/0123456789abcdef/missing.js",
    "/assets/0123456789abcdef/..%2fweb-adapter.ts",
    "/assets/0123456789abcdef/../../web-adapter.ts",
    "/assets/chat.js",
  ])("do not include %s", async (path) => {
    const chat = new WebChat();
    const route = chat.adapter.routes.find((each) => each.path === "/assets/*");
    const request = new Request(`http://chat.example${path}`);
    const connection = { remoteAddress: "", closing: new AbortController().signal };
    expect((await route?.handle(request, connection))?.status).toBe(404);
  });
});

describe("what a request tells", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::5", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["", ""],
  ])("is the network of %s: %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([
    ["zh-CN,zh;q=0.9,en;q=0.8", "zh-cn"],
    ["en", "en"],
    ["de;q=0.5", "de"],
    ["*", null],
    ["<script>", null],
    [undefined, null],
  ])("is the language of %s: %s", (header, locale) => {
    const headers = new Headers();
    if (header !== undefined) headers.set("accept-language", header);
    expect(preferredLocale(new Request("http://chat.example/", { headers }))).toBe(locale);
  });
});
