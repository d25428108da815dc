import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { ConfigFile } from "../fakes/config-file.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { freeEndpoint, PuppetHost } from "../fakes/wechat/puppet-host.ts";

const WAIT = { timeout: 25_000, interval: 20 };
const TOKEN = "insecure_8c1ed6b0-7f53-4a0e-9a0b-0f4a2f3b7d11";

let database: TestDatabase;
let host: PuppetHost;
let openAi: OpenAiServer;
let config: ConfigFile;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  const endpoint = await freeEndpoint();
  host = new PuppetHost({ endpoint, token: TOKEN, tls: null });
  await host.start();
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  config = await ConfigFile.write({ chat: { burstMs: 50 } });
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    WECHAT_PUPPET: "service",
    WECHATY_PUPPET_SERVICE_TOKEN: TOKEN,
    WECHATY_PUPPET_SERVICE_ENDPOINT: endpoint,
    WECHATY_PUPPET_SERVICE_NO_TLS_INSECURE_CLIENT: "true",
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    DIANKA_CONFIG: config.path,
    TRIAL_MESSAGES: "3",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await config?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await host?.kill();
  await database?.[Symbol.asyncDispose]();
});

/** Zhang writes; resolves with the first answer that has these words. */
async function ask(text: string, words: string): Promise<string> {
  const known = host.sent.length;
  host.hear({ from: "zhang", text });
  const find = () => host.sent.slice(known).find((sent) => sent.text.includes(words))?.text;
  await expect.poll(find, WAIT).toBeDefined();
  return find() ?? "";
}

async function health(): Promise<string> {
  const response = await fetch(`${program.url}/readyz`);
  const { parts } = (await response.json()) as { parts: Record<string, string> };
  return parts.wechat ?? "";
}

describe("the program in WeChat through a puppet service", { timeout: 60_000 }, () => {
  it("is connected, answers with a receipt, and takes plain words", async () => {
    await expect.poll(health, WAIT).toBe("up");
    expect(await ask("你好", "剩余")).toContain("2 次提问");
    await ask("余额", "2 次提问");
  });

  it("delivers an answer that was written while the service was away, and hears again", async () => {
    openAi.behaviour = { tokens: 60, tokenMs: 40 };
    host.hear({ from: "zhang", text: "慢慢说" });
    await expect.poll(() => openAi.countersOf("sk-test").inFlight, WAIT).toBe(1);
    await host.kill();
    await expect.poll(() => openAi.countersOf("sk-test").inFlight, WAIT).toBe(0);
    openAi.behaviour = {};
    await host.start();
    const find = () => host.sent.filter(({ text }) => text.includes("1 次提问"));
    await expect.poll(find, WAIT).toHaveLength(1);
    await expect.poll(health, WAIT).toBe("up");
    await ask("余额", "1 次提问");
    expect(await auditLedger(database.pool)).toEqual([]);
    expect(program.output + program.errors).not.toContain(TOKEN);
  });
});
