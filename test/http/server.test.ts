import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { WebRoute } from "../../src/core/chat/web-route.ts";
import { UserError } from "../../src/core/errors.ts";
import type { Health } from "../../src/http/health.ts";
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from "../../src/http/server.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const open: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop({ graceMs: 0 })));
});

async function serve(routes: readonly WebRoute[], options: Partial<HttpServerOptions> = {}) {
  const log = new RecordedLog();
  const server = createHttpServer({
    host: "127.0.0.1",
    port: 0,
    routes,
    health: async () => ({ ready: true, parts: { database: "up" } }),
    metrics: async () => "answers_total 3\n",
    isBehindProxy: false,
    log,
    ...options,
  });
  open.push(server);
  const { port } = await server.listen();
  return { server, port, log, url: `http://127.0.0.1:${port}` };
}

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

describe("the HTTP server, when it stops,", () => {
  it("ends connections that are kept alive", async () => {
    const { server, port, url } = await serve([]);
    const socket = connect(port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    await server.stop({ graceMs: 60_000 });
    await closed;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it("lets answers under way finish", async () => {
    const work = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const slow: WebRoute = {
      path: "/slow",
      handle: async () => {
        started.resolve();
        await work.promise;
        return new Response("done");
      },
    };
    const { server, url } = await serve([slow]);
    const answer = fetch(`${url}/slow`);
    await started.promise;
    const stopping = server.stop({ graceMs: 60_000 });
    work.resolve();
    expect(await (await answer).text()).toBe("done");
    await stopping;
  });

  it("ends streams that have no end of their own", async () => {
    const endless: WebRoute = {
      path: "/events",
      handle: async (_request, { closing }) => {
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("event: hello\n\n"));
            closing.addEventListener("abort", () => controller.close());
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
    };
    const { server, url } = await serve([endless]);
    const response = await fetch(`${url}/events`);
    const text = response.text();
    await server.stop({ graceMs: 60_000 });
    expect(await text).toBe("event: hello\n\n");
  });

  it("cuts what is not finished in time", async () => {
    const started = Promise.withResolvers<void>();
    const stuck: WebRoute = {
      path: "/stuck",
      handle: () => {
        started.resolve();
        return new Promise(() => {});
      },
    };
    const { server, url } = await serve([stuck]);
    const answer = fetch(`${url}/stuck`).then(
      () => "answered",
      () => "cut",
    );
    await started.promise;
    await server.stop({ graceMs: 50 });
    expect(await answer).toBe("cut");
  });

  it("can be stopped twice", async () => {
    const { server } = await serve([]);
    await server.stop({ graceMs: 1000 });
    await server.stop({ graceMs: 1000 });
  });

  it("tells a stream's route that the client has gone", async () => {
    const cancelled = Promise.withResolvers<void>();
    const endless: WebRoute = {
      path: "/events",
      handle: async () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode(": hi\n\n")),
            cancel: () => cancelled.resolve(),
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    };
    const { url } = await serve([endless]);
    const leaving = new AbortController();
    const response = await fetch(`${url}/events`, { signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await cancelled.promise;
  });
});
