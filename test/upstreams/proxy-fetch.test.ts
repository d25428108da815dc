import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProxyFetch } from "../../src/upstreams/proxy-fetch.ts";
import { connectUpstream, readAnswer } from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { TunnelProxy } from "../fakes/tunnel-proxy.ts";

const login = { user: "me", password: "p@ss:word" };
const kinds = [
  ["an HTTP proxy", (given?: typeof login) => TunnelProxy.startHttp(given)],
  ["a SOCKS5 proxy", (given?: typeof login) => TunnelProxy.startSocks(given)],
] as const;

describe("createProxyFetch", () => {
  let server: OpenAiServer;
  beforeEach(async () => {
    server = await OpenAiServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const target = () => new URL(server.url).host;

  describe.each(kinds)("through %s", (_, start) => {
    it("streams an answer", async () => {
      await using proxy = await start();
      await using connection = connectUpstream(server, { proxy: proxy.url });
      server.behaviour = { tokenMs: 5 };
      const { error, text } = await readAnswer(connection.upstream);
      expect(error).toBeNull();
      expect(text).toMatch(/^the quick/);
      expect(proxy.tunnels).toEqual([target()]);
      await readAnswer(connection.upstream);
      expect(proxy.tunnels.length).toBeLessThanOrEqual(2);
    });

    it("logs in", async () => {
      await using proxy = await start(login);
      await using connection = connectUpstream(server, { proxy: proxy.url });
      expect((await readAnswer(connection.upstream)).error).toBeNull();
      expect(proxy.tunnels).toEqual([target()]);
    });

    it("does not reach the endpoint with a wrong login, and does not tell the right one", async () => {
      await using proxy = await start(login);
      const wrong = new URL(proxy.url);
      wrong.password = "wrong";
      await using connection = connectUpstream(server, { proxy: wrong.href });
      const { error } = await readAnswer(connection.upstream);
      expect(error).toMatchObject({ name: "OutsideError", kind: "unreachable" });
      expect(String(error)).not.toContain("wrong");
      expect([proxy.refused, server.countersOf("sk-test").requests]).toEqual([1, 0]);
    });

    it("says that the proxy is not there", async () => {
      const proxy = await start();
      const { url } = proxy;
      await proxy[Symbol.asyncDispose]();
      await using connection = connectUpstream(server, { proxy: url });
      const { error } = await readAnswer(connection.upstream);
      expect(error).toMatchObject({ kind: "unreachable", code: "ECONNREFUSED" });
      expect(server.countersOf("sk-test").requests).toBe(0);
    });

    it("says that the endpoint is not there", async () => {
      await using proxy = await start();
      const gone = await OpenAiServer.start();
      const baseUrl = gone.url;
      await gone[Symbol.asyncDispose]();
      await using connection = connectUpstream(server, { proxy: proxy.url, baseUrl });
      expect((await readAnswer(connection.upstream)).error).toMatchObject({ kind: "unreachable" });
    });
  });

  it("connects directly without a proxy", async () => {
    await using connection = connectUpstream(server);
    expect((await readAnswer(connection.upstream)).error).toBeNull();
  });

  it.each(["ftp://127.0.0.1:1", "127.0.0.1:1080", "", "socks4://127.0.0.1"])(
    "refuses %j for a proxy",
    (proxy) => {
      expect(() => createProxyFetch(proxy)).toThrow("http://, https:// or socks5://");
    },
  );
});
