import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";

let database: TestDatabase;
let telegram: TelegramServer;
let openAi: OpenAiServer;

const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index} `);

function environment(role: string): Record<string, string> {
  return {
    ROLE: role,
    DATABASE_URL: database.url,
    ...redisEnvironment("program in a crash"),
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    SECRET_KEY: "the same for all processes",
    DRAIN_TIMEOUT_MS: "20000",
  };
}

function botMessages(chat: number) {
  return telegram.messages(chat).filter(({ isBot }) => isBot);
}

async function captures(): Promise<number> {
  const { rows } = await database.pool.query(
    "SELECT count(*)::int AS count FROM entry WHERE to_account = 'revenue'",
  );
  return rows[0].count;
}

beforeAll(async () => {
  database = await blankDatabase();
  telegram = await TelegramServer.start();
  openAi = await OpenAiServer.start();
});

afterAll(async () => {
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
  await database?.[Symbol.asyncDispose]();
});

describe("a crash in mid-answer", { timeout: 90_000 }, () => {
  it("of a worker is taken over within seconds: the same message goes on, charged once", async () => {
    await using _gateway = await RunningProgram.start(environment("gateway"));
    const first = await RunningProgram.start(environment("worker"));
    const chargedBefore = await captures();
    openAi.behaviour = { tokens: words(250), tokenMs: 40 };
    telegram.user(201).writes("a long one");
    const shown = await telegram.waitFor(
      () => botMessages(201).find(({ text }) => text.includes("word5")),
      15_000,
    );
    await using _second = await RunningProgram.start(environment("worker"));
    first.signal("SIGKILL");
    const killedAtMs = performance.now();
    await first.ended();
    await expect.poll(() => openAi.countersOf("sk-test").requests, { timeout: 15_000 }).toBe(2);
    const takenOverMs = performance.now() - killedAtMs;
    const final = await telegram.waitFor(
      () => botMessages(201).find(({ text }) => text.includes("left:")),
      30_000,
    );
    expect(final.id).toBe(shown.id);
    expect(final.text).toContain(words(250).join("").trim());
    expect(botMessages(201)).toHaveLength(1);
    await first[Symbol.asyncDispose]();
    expect((await captures()) - chargedBefore).toBe(1);
    expect(takenOverMs).toBeLessThan(10_000);
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it("of the gateway loses no answer and no message that came meanwhile", async () => {
    await using _worker = await RunningProgram.start(environment("worker"));
    const first = await RunningProgram.start(environment("gateway"));
    openAi.behaviour = { tokens: words(80), tokenMs: 40 };
    telegram.user(202).writes("a long one");
    const shown = await telegram.waitFor(
      () => botMessages(202).find(({ text }) => text.includes("word5")),
      15_000,
    );
    first.signal("SIGKILL");
    await first.ended();
    telegram.user(203).writes("while you were away");
    await using _second = await RunningProgram.start(environment("gateway"));
    await first[Symbol.asyncDispose]();
    const final = await telegram.waitFor(
      () => botMessages(202).find(({ text }) => text.includes("left:")),
      30_000,
    );
    expect(final.id).toBe(shown.id);
    await telegram.waitFor(
      () => botMessages(203).find(({ text }) => text.includes("left:")),
      30_000,
    );
    expect(botMessages(202)).toHaveLength(1);
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it("SIGTERM lets running answers finish, then ends with 0", async () => {
    const program = await RunningProgram.start(environment("all"));
    openAi.behaviour = { tokens: words(80), tokenMs: 40 };
    telegram.user(204).writes("a long one");
    await telegram.waitFor(
      () => botMessages(204).find(({ text }) => text.includes("word5")),
      15_000,
    );
    program.signal("SIGTERM");
    program.signal("SIGTERM");
    await expect.poll(async () => (await fetch(`${program.url}/readyz`)).status).toBe(503);
    telegram.user(205).writes("after the signal");
    expect(await program.ended()).toBe(0);
    const [finished] = botMessages(204);
    expect(finished?.text).toContain("word79");
    expect(finished?.text).toContain("left:");
    expect(botMessages(205)).toEqual([]);
    await program[Symbol.asyncDispose]();
    openAi.behaviour = {};
    await using _next = await RunningProgram.start(environment("all"));
    await telegram.waitFor(
      () => botMessages(205).find(({ text }) => text.includes("left:")),
      15_000,
    );
  });

  it("a second signal cuts the wait; the next process finishes the same message", async () => {
    const program = await RunningProgram.start(environment("all"));
    openAi.behaviour = { tokens: words(400), tokenMs: 40 };
    telegram.user(206).writes("a very long one");
    const shown = await telegram.waitFor(
      () => botMessages(206).find(({ text }) => text.includes("word5")),
      15_000,
    );
    program.signal("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    program.signal("SIGTERM");
    expect(await program.ended()).toBe(0);
    await program[Symbol.asyncDispose]();
    openAi.behaviour = { tokens: words(40) };
    await using _next = await RunningProgram.start(environment("all"));
    const final = await telegram.waitFor(
      () => botMessages(206).find(({ text }) => text.includes("left:")),
      20_000,
    );
    expect(final.id).toBe(shown.id);
    expect(final.text).toContain("word39");
    expect(final.text).not.toContain("word41");
    expect(await auditLedger(database.pool)).toEqual([]);
  });
});
