import { afterEach, describe, expect, it } from "vitest";
import type { WebRoute } from "../../src/core/chat/web-route.ts";
import { UserError } from "../../src/core/errors.ts";
import type { Health } from "../../src/http/health.ts";
import { serve, stopServers } from "../fakes/served-routes.ts";

afterEach(stopServers);

const echo: WebRoute = {
  path: "/echo",
  bodyBytesMax: 10,
  handle: async (request) => new Response(await request.text()),
};

describe("the HTTP server", () => {
  it("says that it lives and what it counts", async () => {
    const { url } = await serve([]);
    const alive = await fetch(`${url}/healthz`);
    expect([alive.status, await alive.text()]).toEqual([200, "ok"]);
    const metrics = await fetch(`${url}/metrics`);
    expect(await metrics.text()).toBe("answers_total 3\n");
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  it("names what is not up when it is not ready", async () => {
    let health: Health = {
      ready: false,
      parts: { database: "up", queue: "down: refused", telegram: "starting" },
    };
    const { url } = await serve([], { health: async () => health });
    const waiting = await fetch(`${url}/readyz`);
    expect([waiting.status, await waiting.json()]).toEqual([
      503,
      { ready: false, notUp: ["queue", "telegram"], parts: health.parts },
    ]);
    health = { ready: true, parts: { database: "up", wechat: "waiting for login" } };
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { ready: true, notUp: ["wechat"], parts: health.parts },
    ]);
  });

  it("hands requests to the route of their path, exact or with everything below", async () => {
    const route = (path: string): WebRoute => ({ path, handle: async () => new Response(path) });
    const { url } = await serve([route("/"), route("/chat/events"), route("/assets/*")]);
    const read = async (path: string) => (await fetch(url + path)).text();
    expect(await read("/")).toBe("/");
    expect(await read("/chat/events?x=1")).toBe("/chat/events");
    expect(await read("/assets/1/chat.js")).toBe("/assets/*");
    const missing = await fetch(`${url}/chat`);
    expect([missing.status, await missing.json()]).toEqual([404, { error: { code: "not_found" } }]);
  });

  it("answers HEAD with the headers alone", async () => {
    const { url } = await serve([{ path: "/page", handle: async () => new Response("hello") }]);
    const response = await fetch(`${url}/page`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each([
    ["of known length", (text: string) => text],
    ["of unknown length", (text: string) => new Blob([text]).stream()],
  ])("takes a body %s up to the limit of its route", async (_name, toBody) => {
    const { url } = await serve([echo]);
    const post = (text: string) =>
      fetch(`${url}/echo`, { method: "POST", body: toBody(text), duplex: "half" } as RequestInit);
    const fits = await post("0123456789");
    expect([fits.status, await fits.text()]).toEqual([200, "0123456789"]);
    const tooLarge = await post("0123456789a");
    expect([tooLarge.status, await tooLarge.json()]).toEqual([
      413,
      { error: { code: "body_too_large", bytesMax: 10 } },
    ]);
  });

  it("takes a megabyte where a route sets no limit", async () => {
    const size: WebRoute = {
      path: "/size",
      handle: async (request) => new Response(`${(await request.text()).length}`),
    };
    const { url } = await serve([size]);
    const post = (length: number) =>
      fetch(`${url}/size`, { method: "POST", body: "x".repeat(length) });
    expect(await (await post(1024 * 1024)).text()).toBe("1048576");
    expect((await post(1024 * 1024 + 1)).status).toBe(413);
  });

  it("turns an error a person can act on into its code, and hides every other", async () => {
    const failing = (path: string, error: Error): WebRoute => ({
      path,
      handle: async () => {
        throw error;
      },
    });
    const { url, log } = await serve([
      failing("/poor", new UserError("insufficient_credit", { missing: 3 })),
      failing("/bug", new Error("secret detail")),
    ]);
    const poor = await fetch(`${url}/poor`);
    expect([poor.status, await poor.json()]).toEqual([
      402,
      { error: { code: "insufficient_credit", details: { missing: 3 } } },
    ]);
    const bug = await fetch(`${url}/bug?token=secret`);
    expect([bug.status, await bug.json()]).toEqual([500, { error: { code: "internal" } }]);
    const errors = log.lines.filter((line) => line.level === "error");
    expect(errors).toMatchObject([{ fields: { method: "GET", path: "/bug" } }]);
  });

  it("logs requests without what follows the path", async () => {
    const { url, log } = await serve([echo]);
    await fetch(`${url}/echo?key=secret`);
    expect(log.lines).toMatchObject([
      { level: "debug", fields: { method: "GET", path: "/echo", status: 200 } },
    ]);
    expect(JSON.stringify(log.lines)).not.toContain("secret");
  });

  it("tells routes who asks, and believes a proxy only where there is one", async () => {
    const who: WebRoute = {
      path: "/who",
      handle: async (_request, { remoteAddress }) => new Response(remoteAddress),
    };
    const headers = { "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
    const direct = await serve([who]);
    expect(await (await fetch(`${direct.url}/who`, { headers })).text()).toBe("127.0.0.1");
    const proxied = await serve([who], { isBehindProxy: true });
    expect(await (await fetch(`${proxied.url}/who`, { headers })).text()).toBe("198.51.100.7");
  });

  it("does not start on a port that is taken", async () => {
    const { port } = await serve([]);
    await expect(serve([], { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
