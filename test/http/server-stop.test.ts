import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { WebRoute } from "../../src/core/chat/web-route.ts";
import { serve, stopServers } from "../fakes/served-routes.ts";

afterEach(stopServers);

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

  it("lets answers under way finish, while it takes no new connections", async () => {
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
    const { server, port, url } = await serve([slow]);
    const answer = fetch(`${url}/slow`);
    await started.promise;
    const stopping = server.stop({ graceMs: 60_000 });
    await refuses(port);
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

/** Resolves when nobody takes connections there; rejects when somebody does. */
function refuses(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve());
    socket.once("connect", () => {
      socket.destroy();
      reject(new Error("a connection was taken"));
    });
  });
}
