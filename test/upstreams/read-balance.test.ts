import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BalanceSource } from "../../src/core/upstream/upstream-registry.ts";
import { balanceSourceOf } from "../../src/upstreams/read-balance.ts";
import { connectUpstream } from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";

describe("readBalance", () => {
  let server: OpenAiServer;
  beforeEach(async () => {
    server = await OpenAiServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const read = async (balance: BalanceSource | null, key = "sk-test") => {
    await using connection = connectUpstream(server, { balance, key });
    return await connection.upstream.readBalance(new AbortController().signal);
  };

  it("asks nobody where the provider is not known", async () => {
    expect(await read(null, "sk-wrong")).toBeNull();
  });

  it("reads what is left on a limited OpenRouter key", async () => {
    server.pages.set("/v1/key", [
      200,
      { data: { limit: 100, limit_remaining: 74.5, usage: 25.5 } },
    ]);
    expect(await read("openrouter")).toBe("74.50 USD");
  });

  it("reads the credits of the account where an OpenRouter key has no limit", async () => {
    server.pages.set("/v1/key", [200, { data: { limit: null, limit_remaining: null } }]);
    server.pages.set("/v1/credits", [200, { data: { total_credits: 20, total_usage: 7.251 } }]);
    expect(await read("openrouter")).toBe("12.75 USD");
  });

  it("says that an OpenRouter key may not see the account", async () => {
    server.pages.set("/v1/key", [200, { data: { limit: null, limit_remaining: null } }]);
    server.pages.set("/v1/credits", [403, { error: { code: 403, message: "management key" } }]);
    await expect(read("openrouter")).rejects.toMatchObject({ name: "OutsideError" });
  });

  it("reads the balances of a DeepSeek account, beside the path of the API", async () => {
    const info = { granted_balance: "10.00", topped_up_balance: "100.00" };
    server.pages.set("/user/balance", [
      200,
      {
        is_available: true,
        balance_infos: [{ currency: "CNY", total_balance: "110.00", ...info }],
      },
    ]);
    expect(await read("deepseek")).toBe("110.00 CNY");
    server.pages.set("/user/balance", [200, { is_available: false, balance_infos: [] }]);
    expect(await read("deepseek")).toBeNull();
  });

  it("reads what is left on a new-api or one-api token", async () => {
    const usage = { object: "list", total_usage: 2_500 };
    server.pages.set("/v1/dashboard/billing/subscription", [200, { hard_limit_usd: 100 }]);
    server.pages.set("/v1/dashboard/billing/usage", [200, usage]);
    expect(await read("new-api")).toBe("75.00");
    server.pages.set("/v1/dashboard/billing/subscription", [200, { hard_limit_usd: 100_000_000 }]);
    expect(await read("new-api")).toBeNull();
  });

  it.each([
    ["an unexpected answer", [200, { data: "much" }], "rejected"],
    ["a missing page", [404, { error: { message: "not found" } }], "rejected"],
    ["an error", [500, {}], "overloaded"],
  ] as const)("translates %s", async (_, page, kind) => {
    server.pages.set("/v1/key", page);
    await expect(read("openrouter")).rejects.toMatchObject({ name: "OutsideError", kind });
  });

  it("translates a wrong key and an endpoint that is away", async () => {
    await expect(read("openrouter", "sk-wrong")).rejects.toMatchObject({ kind: "unauthorized" });
    await server[Symbol.asyncDispose]();
    await expect(read("openrouter")).rejects.toMatchObject({ kind: "unreachable" });
    server = await OpenAiServer.start();
  });

  it.each([
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://api.deepseek.com", "deepseek"],
    ["https://api.deepseek.com/v1", "deepseek"],
    ["https://api.openai.com/v1", null],
    ["https://openrouter.ai.example.com/v1", null],
  ])("knows by the host of %s whom to ask", (baseUrl, source) => {
    expect(balanceSourceOf(baseUrl)).toBe(source);
  });
});
