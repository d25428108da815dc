import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";

const ADMIN_GROUP = -100_500;
/** A private chat has the id of its person. */
const ADMIN = 900;

let database: TestDatabase;
let telegram: TelegramServer;
let openAi: OpenAiServer;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  telegram = await TelegramServer.start();
  openAi = await OpenAiServer.start({ keys: ["sk-secret-key"], models: ["gpt-test", "other"] });
  telegram.user(ADMIN);
  telegram.group(ADMIN_GROUP);
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program on Telegram"),
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    OPENAI_API_KEY: "sk-secret-key",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test,other",
    ADMIN_CHATS: `telegram:${ADMIN_GROUP},telegram:${ADMIN}`,
    ADMIN_USERS: `telegram:${ADMIN}`,
    TRIAL_MESSAGES: "2",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
  await database?.[Symbol.asyncDispose]();
});

/** What the bot shows in a chat, oldest first. */
function botTexts(chat: number): string[] {
  return telegram
    .messages(chat)
    .filter((message) => message.isBot)
    .map((message) => message.text);
}

async function answerTo(user: number, text: string, look: (text: string) => boolean) {
  const known = telegram.messages(user).length;
  telegram.user(user).writes(text);
  return await telegram.waitFor(
    () =>
      telegram
        .messages(user)
        .slice(known)
        .find((message) => message.isBot && look(message.text)),
    20_000,
  );
}

/** In the private chat of the admin, which is an admin chat too. */
async function adminSays(text: string, look: (text: string) => boolean): Promise<string> {
  return (await answerTo(ADMIN, text, look)).text;
}

describe("the program on Telegram", { timeout: 40_000 }, () => {
  it("streams an edited answer, charges it, and says what is left", async () => {
    openAi.behaviour = { tokens: 60, tokenMs: 60 };
    const person = 101;
    const final = await answerTo(person, "Tell me something long", (text) =>
      text.includes("left:"),
    );
    expect(final.text).toContain("1 message");
    expect(final.edits).toBeGreaterThan(2);
    expect(final.buttons.map(({ data }) => data?.split(":")[0])).toEqual(["retry", "new"]);
    expect(telegram.calls.filter(({ code }) => code === 429)).toEqual([]);
    openAi.behaviour = {};
    const { rows } = await database.pool.query("SELECT * FROM entry WHERE to_account = 'revenue'");
    expect(rows).toHaveLength(1);
  });

  it("runs out of the trial, redeems a card an admin made, and goes on", async () => {
    const person = 102;
    for (const question of ["one", "two"]) {
      await answerTo(person, question, (text) => text.includes("left:"));
    }
    const refused = await answerTo(person, "three", (text) => text.includes("Not enough credit"));
    expect(refused.text).toContain("/redeem");

    await adminSays("/cards new SPRING 2 5m 30", (text) => text.includes("SPRING"));
    const file = await telegram.waitFor(
      () => telegram.messages(ADMIN).find((message) => message.document !== null)?.document,
    );
    const [code = "", second = ""] = file.content.trim().split("\n");
    const redeemed = await answerTo(person, `/redeem ${code.toLowerCase()}`, (text) =>
      text.includes("5 messages"),
    );
    expect(redeemed.text).toContain("added");
    await answerTo(person, `/redeem ${code}`, (text) => text.includes("already yours"));
    const stranger = 103;
    await answerTo(stranger, `/redeem ${code}`, (text) => text.includes("invalid or used"));
    // A message that is nothing but a code counts as well.
    await answerTo(stranger, second, (text) => text.includes("added"));
    const answer = await answerTo(person, "three again", (text) => text.includes("left:"));
    expect(answer.text).toContain("4 messages");
    const { rows } = await database.pool.query(
      "SELECT payload FROM inbound WHERE payload IS NOT NULL",
    );
    expect(JSON.stringify(rows)).not.toContain(code);
    expect(program.errors + program.output).not.toContain(code);
  });

  it("treats admin commands outside the admin chat as unknown", async () => {
    await answerTo(104, "/grant telegram:104 5 me", (text) => text.includes("do not know"));
    telegram.user(905);
    telegram.user(905).writes("/stats@dianka_bot", { chat: ADMIN_GROUP });
    const told = await telegram.waitFor(() => botTexts(ADMIN_GROUP)[0]);
    expect(told).toContain("do not know");
    telegram.user(ADMIN).writes("/stats@dianka_bot", { chat: ADMIN_GROUP });
    const stats = await telegram.waitFor(() => botTexts(ADMIN_GROUP)[1], 10_000);
    expect(stats).toMatch(/People: \d+/);
  });

  it("grants, undoes, bans and unbans", async () => {
    const person = 105;
    await answerTo(person, "/start", (text) => text.includes("Welcome"));
    const granted = await adminSays(`/grant telegram:${person} 7m 30 for testing`, (text) =>
      text.includes("got"),
    );
    const [, entry] = /Entry (\d+)/.exec(granted) ?? [];
    await telegram.waitFor(() => botTexts(person).find((text) => text.includes("You received")));
    await answerTo(person, "/balance", (text) => text.includes("9 messages"));
    await adminSays(`/undo ${entry}`, (text) => text.includes("undone"));
    await adminSays(`/undo ${entry}`, (text) => text.includes("before"));
    await answerTo(person, "/balance", (text) => text.includes("2 messages"));
    await adminSays(`/ban telegram:${person} spam`, (text) => text.includes("blocked"));
    await answerTo(person, "hello", (text) => text.includes("spam"));
    await adminSays(`/unban telegram:${person}`, (text) => text.includes("no longer"));
    await answerTo(person, "hello", (text) => text.includes("left:"));
    for (const amount of ["0", "-5", "1e30", "abc", "0.0000001"]) {
      await adminSays(`/grant telegram:${person} ${amount} 30 x`, (text) =>
        text.includes("is not an amount"),
      );
    }
    await adminSays("/grant telegram:424242 5 30 x", (text) => text.includes("Nobody"));
  });

  it("stops at once, keeps what came and charges it", async () => {
    openAi.behaviour = { tokens: 400, tokenMs: 50 };
    const person = 106;
    telegram.user(person).writes("count for me");
    const shown = await telegram.waitFor(
      () =>
        telegram
          .messages(person)
          .find(
            (message) => message.isBot && message.buttons.length === 1 && message.text.length > 20,
          ),
      10_000,
    );
    const { aborted } = openAi.countersOf("sk-secret-key");
    telegram.user(person).presses(shown.id, shown.buttons[0]?.label ?? "");
    const final = await telegram.waitFor(
      () => telegram.messages(person).find((message) => message.text.includes("Stopped")),
      10_000,
    );
    expect(final.id).toBe(shown.id);
    expect(final.text).toContain("left: 1 message");
    expect(openAi.countersOf("sk-secret-key").aborted).toBe(aborted + 1);
    openAi.behaviour = {};
    const retried = await (async () => {
      telegram.user(person).presses(final.id, final.buttons[0]?.label ?? "");
      return await telegram.waitFor(
        () =>
          telegram
            .messages(person)
            .findLast((message) => message.text.includes("left: 0 messages")),
        10_000,
      );
    })();
    expect(retried.id).not.toBe(final.id);
  });

  it("tells one clear sentence for what cannot be answered, and charges nothing", async () => {
    const person = 107;
    await answerTo(person, "/resume 7", (text) => text.includes("no conversation"));
    await answerTo(person, "/resume x", (text) => text.includes("/resume N"));
    await answerTo(person, "/model none", (text) => text.includes("no model"));
    await answerTo(person, "/retry", (text) => text.includes("no question"));
    await adminSays("/stats constructor", (text) => text.includes("write it like this"));
    await adminSays("/cards new X 1 5 30 expires=2020-01-01", (text) =>
      text.includes("“2020-01-01”"),
    );
    await answerTo(person, "/wat", (text) => text.includes("do not know"));
    await answerTo(person, "/redeem", (text) => text.includes("/redeem CODE"));
    await answerTo(person, "/redeem 0000", (text) => text.includes("typo"));
    await answerTo(person, "/ask", (text) => text.includes("question in words"));
    await answerTo(person, "/balance", (text) => text.includes("2 messages"));
  });

  it("retries the answer whose button was pressed, not the last one", async () => {
    const person = 109;
    const first = await answerTo(person, "the first one", (text) =>
      text.includes("left: 1 message"),
    );
    await answerTo(person, "/new", (text) => text.includes("New conversation"));
    await adminSays(`/grant telegram:${person} 5m 30 for retries`, (text) => text.includes("got"));
    await answerTo(person, "the second one", (text) => text.includes("left:"));
    const known = telegram.messages(person).length;
    telegram.user(person).presses(first.id, first.buttons[0]?.label ?? "");
    await telegram.waitFor(
      () =>
        botTexts(person).length > 0 &&
        telegram
          .messages(person)
          .slice(known)
          .find(({ text }) => text.includes("left:")),
      10_000,
    );
    const sent = JSON.stringify(openAi.requests.at(-1)?.body.messages);
    expect(sent.match(/the first one/g)).toHaveLength(1);
    expect(sent).not.toContain("the second one");
  });

  it("answers an edited question as it stands, with a hold of its own", async () => {
    const person = 110;
    await answerTo(person, "/start", (text) => text.includes("Welcome"));
    const id = telegram.user(person).writes("hi");
    telegram.user(person).edits(id, "hello instead");
    await telegram.waitFor(() => botTexts(person).find((text) => text.includes("left:")), 10_000);
    const sent = JSON.stringify(openAi.requests.at(-1)?.body.messages);
    expect(sent).toContain("hello instead");
    expect(sent).not.toContain('"hi"');
    telegram.user(person).edits(id, "and again");
    await telegram.waitFor(
      () => botTexts(person).find((text) => text.includes("has begun")),
      10_000,
    );
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS held FROM hold WHERE state = 'open'",
    );
    expect(rows[0].held).toBe(0);
  });

  it("keeps a card code that somebody mentions away from the model and the database", async () => {
    const person = 111;
    await adminSays("/cards new MENTION 1 5m 30", (text) => text.includes("MENTION"));
    const file = await telegram.waitFor(
      () =>
        telegram.messages(ADMIN).find(({ document }) => document?.name === "MENTION.txt")?.document,
    );
    const code = file.content.trim();
    await answerTo(person, `please redeem ${code} for me`, (text) => text.includes("left:"));
    expect(JSON.stringify(openAi.requests.at(-1)?.body.messages)).not.toContain(code);
    const { rows } = await database.pool.query(
      "SELECT text FROM turn UNION SELECT title FROM conversation",
    );
    expect(JSON.stringify(rows)).not.toContain(code);
  });

  it("takes a code out of a group and answers in private", async () => {
    const group = -100_600;
    telegram.group(group);
    const person = 112;
    await answerTo(person, "/start", (text) => text.includes("Welcome"));
    const id = telegram.user(person).writes("/redeem@dianka_bot 0000-0000", { chat: group });
    await telegram.waitFor(() => botTexts(person).find((text) => text.includes("typo")), 10_000);
    await telegram.waitFor(() => botTexts(group).length > 0, 10_000);
    const isGone = !telegram.messages(group).some((message) => message.id === id);
    const isAsked = botTexts(group).some((text) => text.includes("delete the one with the code"));
    expect(isGone || isAsked).toBe(true);
    expect(botTexts(group).join()).not.toContain("typo");
  });

  it("lets only the person who asked press the buttons under an answer", async () => {
    const group = -100_601;
    telegram.group(group);
    openAi.behaviour = { tokens: 400, tokenMs: 50 };
    const asked = telegram.messages(group).length;
    telegram.user(113).writes("@dianka_bot tell me a long story", { chat: group });
    const shown = await telegram.waitFor(
      () =>
        telegram
          .messages(group)
          .slice(asked)
          .find(({ isBot, buttons }) => isBot && buttons.length > 0),
      10_000,
    );
    const stop = shown.buttons[0]?.label ?? "";
    const stranger = telegram.user(114).presses(shown.id, stop, { chat: group });
    expect(await stranger.answered).toBe("This button belongs to somebody else.");
    const asker = telegram.user(113).presses(shown.id, stop, { chat: group });
    expect(await asker.answered).toBe("Stopping …");
    openAi.behaviour = {};
    await telegram.waitFor(() => botTexts(group).find((text) => text.includes("Stopped")), 10_000);
  });

  it("tells a banned person so each time, and answers again once the ban is lifted", async () => {
    const person = 115;
    await answerTo(person, "/start", (text) => text.includes("Welcome"));
    await adminSays(`/ban telegram:${person} spam`, (text) => text.includes("spam"));
    await answerTo(person, "hello?", (text) => text.includes("spam"));
    await answerTo(person, "/balance", (text) => text.includes("spam"));
    await adminSays(`/unban telegram:${person}`, (text) => text.includes(String(person)));
    await answerTo(person, "hello?", (text) => text.includes("left: 1 message"));
  });

  it("sells cards with a limit a person, and counts an unspent batch in its own unit", async () => {
    const person = 116;
    await adminSays("/cards new ONCE 2 5.00 30 limit=1 models=gpt-test", (text) =>
      text.includes("at most 1 a person · only for gpt-test"),
    );
    const file = await telegram.waitFor(
      () =>
        telegram.messages(ADMIN).find(({ document }) => document?.name === "ONCE.txt")?.document,
    );
    const [first = "", second = ""] = file.content.trim().split("\n");
    await answerTo(person, `/redeem ${first}`, (text) => text.includes("added"));
    await answerTo(person, `/redeem ${second}`, (text) => text.includes("as many cards"));
    await answerTo(person, "/balance", (text) => text.includes("only for gpt-test"));
    await answerTo(117, `/redeem ${second}`, (text) => text.includes("added"));
    await adminSays("/cards new once 1 5 30", (text) => text.includes("once"));
    const stats = await adminSays("/stats today batch", (text) => text.includes("ONCE"));
    expect(stats).toMatch(/ONCE · 2\/2 · 0(\.00)? USD/);
  });

  it("merges a burst of short messages into one question", async () => {
    const person = 108;
    await answerTo(person, "/new", (text) => text.includes("New conversation"));
    const before = openAi.requests.length;
    telegram.user(person).writes("first part");
    await answerTo(person, "second part", (text) => text.includes("left:"));
    expect(openAi.requests.length - before).toBe(1);
    const last = openAi.requests.at(-1)?.body.messages.at(-1);
    expect(JSON.stringify(last)).toContain("first part\\nsecond part");
  });

  it("is ready, tells its metrics, and logs no secret", async () => {
    const ready = await fetch(`${program.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      parts: { telegram: "up", database: "up", queue: "up" },
    });
    const metrics = await (await fetch(`${program.url}/metrics`)).text();
    expect(metrics).toContain('dianka_replies_total{platform="telegram"');
    for (const secret of ["sk-secret-key", telegram.token, "Tell me something long"]) {
      expect(program.errors).not.toContain(secret);
    }
  });
});
