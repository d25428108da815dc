import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";
import { WebVisitor } from "../fakes/web-visitor.ts";

let database: TestDatabase;
let telegram: TelegramServer;
let openAi: OpenAiServer;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  telegram = await TelegramServer.start();
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program with two platforms"),
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    TRIAL_MESSAGES: "5",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
  await database?.[Symbol.asyncDispose]();
});

async function onTelegram(user: number, text: string, words: string): Promise<string> {
  const known = telegram.messages(user).length;
  telegram.user(user).writes(text);
  const shown = await telegram.waitFor(
    () =>
      telegram
        .messages(user)
        .slice(known)
        .find((message) => message.isBot && message.text.includes(words)),
    15_000,
  );
  return shown.text;
}

const codeIn = (text: string) => /\/link (\w{4}-\w{4})/.exec(text)?.[1] ?? "";

describe("one wallet on two platforms", { timeout: 60_000 }, () => {
  it("joins Telegram and the browser by a code, and takes one off again", async () => {
    const person = 201;
    const visitor = await WebVisitor.open(program.url);
    await onTelegram(person, "one", "left: 4 messages");
    await visitor.ask("one", "left: 4 messages");
    await visitor.ask("two", "left: 3 messages");

    const code = codeIn(await onTelegram(person, "/link", "/link "));
    expect(await visitor.ask(`/link ${code}`, "one account now")).toContain("4 messages");
    await telegram.waitFor(
      () => telegram.messages(person).find(({ text }) => text.includes("has joined")),
      15_000,
    );
    await visitor.ask(`/link ${code}`, "one account already");
    await onTelegram(person, `/link ${code}`, "one account already");
    await onTelegram(999, `/link ${code}`, "not valid");

    await visitor.ask("three", "left: 3 messages");
    await onTelegram(person, "four", "left: 2 messages");
    await onTelegram(person, "/balance", "2 messages");
    await visitor.ask("/balance", "2 messages");
    expect(await onTelegram(person, "/history", "conversations")).toMatch(/2\. /);

    await visitor.ask("/unlink", "an account of its own");
    await telegram.waitFor(
      () => telegram.messages(person).find(({ text }) => text.includes("has left your account")),
      15_000,
    );
    await visitor.ask("five", "Not enough credit");
    await onTelegram(person, "/balance", "2 messages");
    await onTelegram(person, "/unlink", "the only one");

    const { rows } = await database.pool.query(
      `SELECT text FROM turn WHERE text LIKE $1
       UNION SELECT payload::text FROM inbound WHERE payload::text LIKE $1`,
      [`%${code}%`],
    );
    expect(rows).toEqual([]);
    expect(program.errors + program.output).not.toContain(code);
  });

  it("joins them while an answer is being written, which is delivered and paid", async () => {
    openAi.behaviour = { tokens: 60, tokenMs: 60 };
    const person = 202;
    const visitor = await WebVisitor.open(program.url);
    const code = codeIn(await visitor.ask("/link", "/link "));
    telegram.user(person).writes("something long");
    await telegram.waitFor(() => telegram.messages(person).some(({ isBot }) => isBot), 15_000);
    await onTelegram(person, `/link ${code}`, "one account now");
    const answer = await telegram.waitFor(
      () => telegram.messages(person).find(({ text }) => text.includes("left:")),
      20_000,
    );
    expect(answer.text).toMatch(/left: [45] messages/);
    openAi.behaviour = {};
    const pool = createPgPool(database.url, { max: 1, applicationName: "audit" });
    expect(await auditLedger(pool)).toEqual([]);
    await pool.end();
  });

  it("shows no code in a group, and lists both commands", async () => {
    const group = -100_700;
    telegram.group(group);
    const person = 203;
    expect(await onTelegram(person, "/help", "/redeem")).toContain("/link [CODE]");
    telegram.user(person).writes("/link@dianka_bot", { chat: group });
    await telegram.waitFor(
      () => telegram.messages(person).find(({ text }) => codeIn(text) !== ""),
      15_000,
    );
    await telegram.waitFor(() => telegram.messages(group).some(({ isBot }) => isBot), 15_000);
    expect(telegram.messages(group).map(({ text }) => codeIn(text))).toEqual(["", ""]);
  });
});
