import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";

const ADMIN_GROUP = -100_600;
const ADMIN = 910;
const DEAD = "is out of use";

let database: TestDatabase;
let telegram: TelegramServer;
let openAi: OpenAiServer;

/** Only the gateway knows of chats; each key is one that the provider refuses. */
function start(role: "gateway" | "worker", key: string): Promise<RunningProgram> {
  return RunningProgram.start({
    ROLE: role,
    DATABASE_URL: database.url,
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    SECRET_KEY: "the same for all processes",
    DRAIN_TIMEOUT_MS: "10000",
    ...(role === "gateway" && {
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.url,
      ADMIN_CHATS: `telegram:${ADMIN_GROUP},telegram:${ADMIN}`,
      ADMIN_USERS: `telegram:${ADMIN}`,
    }),
  });
}

async function kill(program: RunningProgram): Promise<void> {
  program.signal("SIGKILL");
  await program.ended();
  await program[Symbol.asyncDispose]();
}

async function count(text: string): Promise<number> {
  const { rows } = await database.pool.query(`SELECT count(*)::int AS count FROM ${text}`);
  return rows[0].count;
}

/** What the admins of each chat have read of it: two on Telegram, one in the browser. */
async function readBy(text: string): Promise<number[]> {
  const shown = [ADMIN_GROUP, ADMIN].map(
    (chat) =>
      telegram.messages(chat).filter((message) => message.isBot && message.text.includes(text))
        .length,
  );
  const { rows } = await database.pool.query(
    "SELECT count(*)::int AS count FROM web_message WHERE channel = 'admin' AND strpos(text, $1) > 0",
    [text],
  );
  return [...shown, rows[0].count];
}

beforeAll(async () => {
  database = await blankDatabase();
  telegram = await TelegramServer.start();
  telegram.user(ADMIN);
  telegram.group(ADMIN_GROUP);
  openAi = await OpenAiServer.start({ keys: ["sk-good"], models: ["gpt-test"] });
});

afterAll(async () => {
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
  await database?.[Symbol.asyncDispose]();
});

describe("News for admins in a program of several processes", { timeout: 60_000 }, () => {
  it("goes from a worker to every admin chat of the gateway, once each, through every kill -9", async () => {
    const first = await start("gateway", "sk-bad");
    // A bot may only write to a person who wrote to it.
    telegram.user(ADMIN).writes("/help");
    await expect.poll(() => readBy("/upstreams"), { timeout: 15_000 }).toEqual([0, 1, 0]);
    telegram.user(301).writes("a question that kills the key");
    await expect.poll(() => count("reply"), { timeout: 15_000 }).toBe(1);
    await kill(first);

    // The worker finds out while nobody serves an admin chat, and does not live to tell.
    const worker = await start("worker", "sk-bad");
    await expect.poll(() => count("admin_notice"), { timeout: 15_000 }).toBe(1);
    await kill(worker);
    expect(await readBy(DEAD)).toEqual([0, 0, 0]);

    const second = await start("gateway", "sk-bad");
    await expect.poll(() => readBy(DEAD), { timeout: 15_000 }).toEqual([1, 1, 1]);
    await expect.poll(() => count("notice WHERE state = 'sent'"), { timeout: 15_000 }).toBe(3);
    await kill(second);

    await using _third = await start("gateway", "sk-bad");
    await using _worker = await start("worker", "sk-bad");
    telegram.user(ADMIN).writes("/drain on");
    // By the time this news is everywhere, the older one would have come again.
    await expect
      .poll(() => readBy("stopped new questions"), { timeout: 15_000 })
      .toEqual([1, 0, 1]);
    // Its news came before the change; still the next command waits for that.
    telegram.user(ADMIN).writes("/drain off");
    await expect
      .poll(() => readBy("new questions in again"), { timeout: 15_000 })
      .toEqual([1, 0, 1]);
    expect(await readBy(DEAD)).toEqual([1, 1, 1]);
  });

  it("goes to the gateway's chats within seconds while both run", async () => {
    // Before anybody starts: a process that has read of the dead key does not ask it for seconds.
    await database.pool.query("DELETE FROM upstream_state");
    const before = await readBy(DEAD);
    await using _gateway = await start("gateway", "sk-worse");
    await using _worker = await start("worker", "sk-worse");
    telegram.user(302).writes("another one");
    await expect
      .poll(() => readBy(DEAD), { timeout: 20_000 })
      .toEqual(before.map((times) => times + 1));
    await expect.poll(() => count("admin_notice"), { timeout: 5_000 }).toBe(4);
  });
});
